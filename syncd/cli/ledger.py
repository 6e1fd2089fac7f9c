"""``syncd ledger``: backup, verify, rebuild, vacuum."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import asdict
from rich.progress import Progress, SpinnerColumn, TextColumn

from syncd.app import App
from syncd.cli.exits import Exit
from syncd.cli.options import sure
from syncd.cli.render import notes, out, print_json, say
from syncd.cli.session import opened
from syncd.errors import UsageError
from syncd.formatting import count
from syncd.presentation.backfills import date_range
from syncd.push.store_orders.rebuild import Rebuilt, Span, differences, rebuild
from syncd.stores import StoreServices

_OURS = re.compile(r"ledger-\d{8}T\d{6}Z\.db")


def run_backup(config: Path | None, target: Path, keep: int | None, as_json: bool) -> Exit:
    """Copy the ledger to a file, or into a folder under a name with the time in it; there only the last ``keep`` stay."""
    folder = target if target.is_dir() else None
    if keep is not None and folder is None:
        raise UsageError(f"{target} is no folder: which backups would be kept there?", "Name a folder with --keep.")
    with opened(config) as app:
        if folder is not None:
            target = folder / f"ledger-{app.clock.now():%Y%m%dT%H%M%SZ}.db"
        size = app.ledger.maintenance.backup(target)
    gone = _prune(folder, keep) if folder is not None and keep is not None else []
    if as_json:
        print_json({"file": str(target), "bytes": size, "removed": [str(one) for one in gone]})
    else:
        out.print(f"{target}: {size} bytes, read back and sound", markup=False)
        for one in gone:
            out.print(f"{one}: removed, older than the last {keep}", markup=False)
    return Exit.OK


def _prune(folder: Path, keep: int) -> list[Path]:
    """Remove all but the newest backups of ours; only once a new one is there and sound."""
    ours = sorted(one for one in folder.glob("ledger-*.db") if _OURS.fullmatch(one.name))
    old = ours[: max(len(ours) - keep, 0)]
    for one in old:
        one.unlink()
    return old


def run_vacuum(config: Path | None, as_json: bool) -> Exit:
    """Give back the room of what the ledger has forgotten."""
    with opened(config, existing=True) as app:
        before, after = app.ledger.maintenance.vacuum()
    if as_json:
        print_json({"before": before, "after": after})
    else:
        out.print(f"{before / 1e6:,.1f} MB before, {after / 1e6:,.1f} MB now", markup=False)
    return Exit.OK


def run_verify(config: Path | None, days: tuple[str | None, str | None], *, with_stores: bool, as_json: bool) -> Exit:
    """Check the ledger itself and, where asked, what it says against what each store shows."""
    with opened(config) as app:
        span = _span(days)
        found = {"ledger": app.ledger.maintenance.verify()}
        for name, store in app.stores.items() if with_stores else ():
            found[name] = list(differences(name, app.ledger, store.orders, span))
    if as_json:
        print_json(found)
    else:
        for part, problems in found.items():
            out.print(f"{part}: {'sound' if not problems else f'{len(problems)} problems'}", markup=False)
            for problem in problems:
                out.print(f"  {problem}", markup=False)
    return Exit.ATTENTION if any(found.values()) else Exit.OK


def run_rebuild(config: Path | None, name: str | None, days: tuple[str | None, str | None], as_json: bool) -> Exit:
    """Learn from a store's orders which sales it has."""
    from syncd.service.daemon import stop_on_signals

    stop = threading.Event()
    with stop_on_signals(stop), opened(config, stop=stop) as app:
        store = _store(app, name)
        done = _walk(app, store, _span(days), stop)
    if as_json:
        print_json({"store": store.name, **asdict(done)})
    else:
        end = "" if done.whole else "; stopped on the way: the same command goes on from there"
        out.print(f"{store.name}: {done.looked_at} orders looked at, {done.with_a_key} are ours{end}", markup=False)
    return Exit.OK if done.whole else Exit.INTERRUPTED


def _walk(app: App, store: StoreServices, span: Span, stop: threading.Event) -> Rebuilt:
    store.bind()
    bar = Progress(SpinnerColumn(), TextColumn("{task.completed} orders looked at"), console=notes, transient=True)
    with bar:
        task = bar.add_task("")
        return rebuild(
            store.name,
            app.ledger,
            store.orders,
            span,
            app.clock,
            stop,
            lambda number: bar.update(task, completed=number),
        )


def _store(app: App, name: str | None) -> StoreServices:
    if name is None and len(app.stores) == 1:
        return next(iter(app.stores.values()))
    if name is None or name not in app.stores:
        raise UsageError(f"which store? there are {', '.join(sorted(app.stores)) or 'none'}", "Name one with --store.")
    return app.stores[name]


def _span(days: tuple[str | None, str | None]) -> Span:
    """Return the instants of ``--from`` and ``--to`` (days in UTC), each of which may be missing."""
    first, last = days
    low = date_range((first, first), UTC)[0] if first else None
    high: datetime | None = date_range((last, last), UTC)[1] if last else None
    return Span(low, high)


_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")
_ELSEWHERE = (
    "What syncd does not hold, you must see to: the export files in the sources' processed/ folders, older backups of the\n"
    "ledger, the order and the customer in BigCommerce, the POS itself. Free pages of the ledger's file may still hold the\n"
    "words until they are used again: syncd ledger vacuum."
)


def run_forget(
    config: Path | None, whom: tuple[str | None, list[str]], *, yes: bool, as_json: bool, dry_run: bool = False
) -> Exit:
    """Forget a person, once that was confirmed."""
    email, keys = whom
    if (email is None) == (not keys):
        raise UsageError("forget whom?", "Name --email, or the keys of their sales.")
    if email is not None and not _ADDRESS.fullmatch(email := email.strip()):
        raise UsageError(f"{email!r} is no e-mail address", "Give the whole address: --email mary@example.com")
    with opened(config, existing=True) as app:
        person = app.ledger.maintenance.find_person(email, keys)
        if not person.settled and not person.still_open and email is None:
            raise UsageError("the ledger has no such sale", "List keys with: syncd sales")
        if dry_run:
            say(
                f"{count(len(person.settled), 'sale')} would be forgotten; {len(person.still_open)} are still to be pushed"
            )
            return Exit.OK
        sure(f"Forget what {count(len(person.settled), 'sale')} said, for good", yes=yes or not person.settled)
        done = app.ledger.maintenance.forget_person(person)
    if as_json:
        print_json({**asdict(done), "still_open": list(person.still_open)})
    else:
        say(
            f"{count(done.sales, 'sale')} forgotten; {done.stories + done.faults + done.look_ups} words of the person elsewhere"
        )
        for key in person.still_open:
            say(f"  not {key}: it is still to be pushed. Skip it, or wait until it is settled, and forget again.")
        say(_ELSEWHERE, wrap=False)
    return Exit.ATTENTION if person.still_open else Exit.OK
