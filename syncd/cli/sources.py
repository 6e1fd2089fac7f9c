"""``syncd sources``: what is configured, and a trial of one source that leaves no trace in ledger or store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from msgspec.structs import asdict

from syncd.app import App
from syncd.canonical.money import ZERO, format_money
from syncd.cli.check import MARK
from syncd.cli.exits import Exit
from syncd.cli.preview import note, show
from syncd.cli.render import columns, print_json, say
from syncd.cli.session import need_work, opened
from syncd.errors import UsageError
from syncd.formatting import count
from syncd.presentation.preview import PreviewSubject, document, previews_of
from syncd.source_runner import SourceRunner
from syncd.sources import Finding, registry
from syncd.sources.capabilities import FetchesOne, HasFolder, ReadsFiles, Receiving

_SPANS = (timedelta(days=1), timedelta(days=7), timedelta(days=31))
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def run_types(as_json: bool) -> Exit:
    """Show the adapters that are installed, ours and others', and the package of each."""
    rows = [{"type": name, "from": package} for name, package in registry.packages().items()]
    if as_json:
        print_json(rows)
    else:
        columns([tuple(row.values()) for row in rows], head=("type", "from"))
    return Exit.OK


def run_list(config: Path | None, as_json: bool) -> Exit:
    """Every source of the config."""
    with opened(config) as app:
        rows = [_row(app, name) for name in app.config.sources]
        if as_json:
            print_json(rows)
        else:
            names = ("source", "type", "stores", "carried since", "last read", "faults")
            columns([tuple(_cell(value) for value in row.values()) for row in rows], head=names)
    return Exit.OK


def _row(app: App, name: str) -> dict[str, object]:
    common, till = app.config.sources[name].common, app.tills.get(name)
    since: object = "disabled"
    if till is not None:
        since = common.start_from if common.start_from not in (None, "now") else None
        since = since or (
            app.ledger.sources.private(name).kept_start() or "its first poll" if till.carries_from_now else "ever"
        )
    return {
        "source": name,
        "type": common.type,
        "stores": ", ".join(common.all_stores),
        "carried_since": since,
        "last_read": app.ledger.sources.cursor_age(name),
        "faults": app.ledger.sources.open_faults().get(name, 0),
    }


def _cell(value: object) -> object:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else "-" if value is None else value


def run_test(config: Path | None, name: str, sales: int, as_json: bool) -> Exit:
    """Try a source: what its check finds, and some of its sales as they would be sent."""
    with opened(config) as app:
        need_work(app, name)
        till = app.tills.get(name)
        if till is None:
            raise UsageError(f"there is no source {name!r}", f"Sources are {', '.join(sorted(app.tills))}.")
        findings = list(till.source.check())
        found = PreviewSubject() if any(finding.level == "error" for finding in findings) else _read(app, till, sales)
        shown = [
            one
            for store in till.config.common.all_stores
            for one in previews_of(app, store, found.of(till.config.common.store_of, store), note)
        ]
        if as_json:
            print_json(
                {
                    "findings": [asdict(finding) for finding in findings],
                    "sales": [{"order": one.order, **document(one)} for one in shown],
                    "faults": [asdict(fault) for fault in found.faults],
                    "left_out": found.left_out,
                }
            )
        else:
            _tell(till, findings)
            for one in shown:
                say(f"\n{one.order.placed_at.isoformat(timespec='seconds')}  as the POS says it:")
                say(json.dumps(json.loads(one.order.to_json()), indent=2, ensure_ascii=False), wrap=False)
                show(one)
            _sum_up(found)
        if any(finding.level == "error" for finding in findings):
            return Exit.REMOTE
        return Exit.ATTENTION if found.faults else Exit.OK


def _read(app: App, till: SourceRunner, most: int) -> PreviewSubject:
    """Return the first sales of the newest day that has so many, of the newest week or month else.

    Of a folder, of all its files.
    """
    found = PreviewSubject()
    for start in _starts(app, till):
        found = PreviewSubject()
        for batch in till.source.fetch_range(start, app.clock.now() + timedelta(days=1)):
            found.take(batch)
            if len(found.orders) >= most:
                found.orders = found.orders[:most]
                return found
    return found


def _starts(app: App, till: SourceRunner) -> Iterator[datetime]:
    if not till.has_past:
        yield _LONG_AGO
        return
    for span in _SPANS:
        yield app.clock.now() - span


def _tell(till: SourceRunner, findings: list[Finding]) -> None:
    doors = {"files": ReadsFiles, "a drop folder": HasFolder, "webhooks": Receiving, "single sales": FetchesOne}
    able = [words for words, door in doors.items() if isinstance(till.source, door)]
    say(f"{till.name} ({till.config.common.type}) reads " + (", ".join(able) or "its sales by polling"))
    for finding in findings:
        say(f"{MARK[finding.level]:<5} {finding.what}", hang=6)
        if finding.cure:
            say(f"      {finding.cure}", hang=0)


def _sum_up(found: PreviewSubject) -> None:
    sums: dict[str, Decimal] = {}
    for order in found.orders:
        sums[order.currency] = sums.get(order.currency, ZERO) + order.total_inc_tax
    totals = ", ".join(format_money(amount, currency) for currency, amount in sums.items())
    say(
        f"\n{count(len(found.orders), 'sale')} read"
        + (f", {totals}" if totals else "")
        + "; nothing was recorded or sent"
    )
    for why, number in found.left_out.items():
        say(f"  {number:,} {why} left out")
    for fault in found.faults:
        say(f"  {fault.where}: {fault.reason}")
