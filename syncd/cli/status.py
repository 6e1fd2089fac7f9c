"""``syncd status``: how things stand, from top to bottom, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from msgspec.structs import asdict

from syncd.cli.exits import Exit
from syncd.cli.render import columns, print_json, say
from syncd.cli.session import opened
from syncd.clock import Now
from syncd.errors import SourceError
from syncd.formatting import ago, count
from syncd.sale.states import State
from syncd.service.health import of_this_host, read_health
from syncd.service.needs import all_well, needs_of
from syncd.service.overview import StoreStands, SystemOverview
from syncd.sources import FolderReport

_NEXT = {
    State.HELD: "waiting for your decision: syncd sales --state held",
    State.REJECTED: "refused by BigCommerce: syncd sales --state rejected",
    State.UNKNOWN: "the answer was lost; syncd looks for the order",
    State.PENDING: "waiting to be sent",
    State.SENDING: "being sent",
    State.SKIPPED: "skipped by a rule or a person",
    State.SYNCED: "order in BigCommerce matches the sale",
}
_ORDER = (State.HELD, State.REJECTED, State.UNKNOWN, State.PENDING, State.SENDING, State.SYNCED, State.SKIPPED)
_NAMED = 5
_MANY = 20
"""Stores that are shown one by one."""


def run_status(config: Path | None, as_json: bool) -> Exit:
    """Sales by state, faults, files that wait, the daemon, and what needs a person."""
    with opened(config, existing=True) as app:
        standing = SystemOverview.of(app)
    if as_json:
        print_json(_document(standing))
    else:
        _show(standing)
    if any(store.pause.paused_why for store in standing.stores.values()):
        return Exit.REMOTE
    return Exit.OK if all_well(needs_of(standing)) else Exit.ATTENTION


def run_healthy(config: Path | None, as_json: bool) -> Exit:
    """Whether the daemon did its work lately; for container health checks and monitors."""
    with opened(config, existing=True) as app:
        daemons, now = of_this_host(read_health(app.ledger)), Now.of(app.clock)
        lines = [line for one in daemons for line in one.unwell(now, app.config.service.healthy_within)]
        if not daemons:
            lines = ["no daemon has reported on this ledger yet: start it with syncd run"]
        if as_json:
            print_json({"healthy": not lines, "problems": lines})
        else:
            say("\n".join(lines) or "healthy")
        return Exit.ATTENTION if lines else Exit.OK


def _document(standing: SystemOverview) -> dict[str, object]:
    needs = needs_of(standing)
    return {
        "verdict": "ok" if all_well(needs) else "attention",
        "needs": [asdict(need) for need in needs],
        "stores": [_store(name, store) for name, store in standing.stores.items()],
        "sources": [_source(name, report, standing.faults.get(name, 0)) for name, report in standing.sources.items()],
        "faults": sum(standing.faults.values()),
        "warnings": [asdict(alert) for alert in standing.warnings],
        "gone": [asdict(one) for one in standing.gone],
        "daemon": {
            "running": standing.running,
            "problems": [line for lines in standing.problems for line in lines],
            "standing_by": [line for one in standing.daemons for line in one.standing_by()],
        },
    }


def _store(name: str, store: StoreStands) -> dict[str, object]:
    return {
        "store": name,
        "sales": {state.value: number for state, number in store.states.items()},
        "oldest_pending": store.lag.oldest_pending,
        "newest_synced": store.lag.newest_synced,
        "paused": store.pause.paused_why,
        "alerts": [asdict(alert) for alert in store.alerts],
    }


def _source(name: str, report: FolderReport | SourceError | None, faults: int) -> dict[str, object]:
    if not isinstance(report, FolderReport):
        return {"source": name, "faults": faults, "trouble": report.what if report else None}
    return {
        "source": name,
        "faults": faults,
        "folder": report.path,
        "waiting": report.waiting,
        "settling": report.settling,
        "never_read": list(report.strange),
    }


def _show(standing: SystemOverview) -> None:
    needs = needs_of(standing)
    say("OK: nothing needs your attention." if all_well(needs) else "Needs attention:")
    for need in needs:
        if need.level != "note":
            say(f"  {need.words}\n    {need.full_cure}", hang=4)
    if len(standing.stores) > _MANY:
        _show_many(standing)
    else:
        for name, store in standing.stores.items():
            _show_store(f"store {name}" + (" (paused)" if store.pause.paused_why else ""), [store], standing.now)
        for line in _lines(standing):
            say(line)
    for one in standing.gone:
        say(f"{one.words}\n  {one.cure}")
    for process, problems in zip(standing.daemons, standing.problems, strict=True) if standing.running else ():
        say(f"daemon: running, {process.process}")
        for line in (*process.standing_by(), *problems):
            say(f"  {line}")
    if not standing.running:
        say("daemon: no daemon is running")


def _show_store(title: str, stores: Sequence[StoreStands], now: datetime) -> None:
    """Show the sales of one store, or of all of them together."""
    say(title)
    numbers = {state: sum(store.states[state] for store in stores) for state in _ORDER}
    rows = [(state.value, f"{number:,}", _NEXT[state]) for state, number in numbers.items() if number]
    columns(rows or [("no sales yet", "", "")], indent="  ")
    newest = max((store.lag.newest_synced for store in stores if store.lag.newest_synced), default=None)
    oldest = min((store.lag.oldest_pending for store in stores if store.lag.oldest_pending), default=None)
    say(f"  last order {_ago(newest, now)}{_waiting_since(oldest, now)}")


def _show_many(standing: SystemOverview) -> None:
    """Show all stores together, and one by one those in which sales wait longest."""
    stores = standing.stores
    paused = sum(bool(store.pause.paused_why) for store in stores.values())
    _show_store(f"{count(len(stores), 'store')}, {paused:,} paused", list(stores.values()), standing.now)
    waits = sorted((store.lag.live_since, name) for name, store in stores.items() if store.lag.live_since)
    for since, name in waits[:_NAMED]:
        say(f"  {name}: {count(stores[name].waiting, 'sale')} waiting, the oldest came {_ago(since, standing.now)}")
    say(f"{count(len(standing.sources), 'source')}; each store and source: syncd stores list, syncd sources list")


def _waiting_since(at: datetime | None, now: datetime) -> str:
    return f"; the oldest sale that waits came {_ago(at, now)}" if at is not None else ""


def _ago(at: datetime | None, now: datetime) -> str:
    return ago((now - at).total_seconds()) if at is not None else "none yet"


def _lines(standing: SystemOverview) -> Iterator[str]:
    for name, report in standing.sources.items():
        yield f"source {name}"
        if number := standing.faults.get(name, 0):
            yield f"  {count(number, 'fault')} open: syncd faults --source {name}"
        if isinstance(report, SourceError):
            yield "  not read: see above"
        elif report is not None:
            settling = f", {report.settling} still settling" if report.settling else ""
            waiting = f"{count(report.waiting, 'file')} waiting{settling}" if report.waiting else "no file waiting"
            yield f"  {waiting} in {report.path.name}"
            yield from strange_words(report.strange)
    for name in standing.faults.keys() - standing.sources.keys():
        yield f"source {name} (not in the config): {count(standing.faults[name], 'fault')} open"


def strange_words(names: tuple[str, ...]) -> Iterator[str]:
    """Yield what nobody reads, in a line."""
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield f"  never read: {', '.join(names[:_NAMED])}{more}"
