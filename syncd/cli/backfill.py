"""``syncd backfill``: count a date range, or have it recorded in the backfill lane and follow it until it is pushed."""

from __future__ import annotations

import getpass
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from syncd.app import App
from syncd.canonical.money import format_money
from syncd.cli.exits import Exit
from syncd.cli.render import notes, print_json, say
from syncd.cli.run import polled_words
from syncd.cli.session import read_config, ready_to_work
from syncd.errors import Busy, LeaseTaken, UsageError
from syncd.formatting import count, lasts
from syncd.ledger import Backfill
from syncd.presentation.backfills import compared, date_range, progress_words
from syncd.sale.states import BackfillStage, State
from syncd.service.health import read_health
from syncd.source_runner import SourceRunner
from syncd.stores import StoreServices

_LOOK_S = 0.5
_TOLD_EVERY_S = 10.0
_LEFT = (State.HELD, State.REJECTED, State.UNKNOWN, State.PENDING, State.SENDING)


def run_backfill(  # noqa: PLR0913  one for each option of the command
    config: Path | None, source: str, days: tuple[str, str], *, dry_run: bool, history: bool, as_json: bool
) -> Exit:
    """Record ``days`` (first and last, local to the source) of one source, and push them."""
    from syncd.service.daemon import stop_on_signals

    stop = threading.Event()
    with stop_on_signals(stop), ready_to_work(read_config(config, quiet=True), stop) as app:
        till = till_of(app, source)
        start, end = date_range(days, till.zone)
        if dry_run:
            return _estimate(app, till, (start, end), as_json)
        asked = app.ledger.backfills.ask(source, start, end, by=f"cli:{getpass.getuser()}", history=history)
        return follow(app, till, asked, stop, as_json)


def till_of(app: App, source: str) -> SourceRunner:
    """Return the source of a name.

    Raises:
        UsageError: there is none.

    """
    till = app.tills.get(source)
    if till is None:
        raise UsageError(f"there is no source {source!r}", f"Sources are {', '.join(sorted(app.tills))}.")
    return till


def _estimate(app: App, till: SourceRunner, span: tuple[datetime, datetime], as_json: bool) -> Exit:
    counted = app.estimate(till, *span)
    if as_json:
        print_json(asdict(counted))
    else:
        sums = ", ".join(format_money(amount, currency) for currency, amount in counted.totals.items()) or "nothing"
        by_state = ", ".join(f"{number:,} {state}" for state, number in counted.states.items()) or "none"
        faults = count(counted.faults, "fault")
        say(f"{count(counted.sales, 'sale')} ({by_state}), of which {counted.new:,} are new; {sums}; {faults}")
        took = f", some {lasts(counted.seconds)} at the store's quota" if counted.seconds else ""
        say(f"About {count(counted.requests, 'request')}{took}. Nothing was recorded.")
    return Exit.ATTENTION if counted.faults else Exit.OK


class _Work(Struct, frozen=True):
    """One backfill and everything that has to do with it."""

    app: App
    till: SourceRunner
    number: int
    stop: threading.Event

    @property
    def row(self) -> Backfill:
        return self.app.ledger.backfills.get(self.number)

    @property
    def stores(self) -> list[StoreServices]:
        return [self.app.stores[store] for store in self.till.config.common.all_stores]

    def paused(self) -> str:
        """Why a store is paused; empty where none is."""
        states = {store.name: self.app.ledger.stores.get(store.name).paused_why for store in self.stores}
        return "; ".join(f"{name} is paused: {why}" for name, why in states.items() if why)

    def daemon(self) -> bool:
        """Whether a daemon does the work."""
        return any(one.running() for one in read_health(self.app.ledger))


def follow(app: App, till: SourceRunner, asked: Backfill, stop: threading.Event, as_json: bool) -> Exit:
    """See a backfill through: where a daemon runs it does the work, else this process does."""
    work = _Work(app, till, asked.number, stop)
    if work.daemon():
        notes.print(f"backfill {asked.number}: the daemon does it, and goes on should this command end", markup=False)
    with _shown(work):
        while not stop.is_set() and work.row.stage is BackfillStage.OPEN:
            if work.daemon() or not _walk(work):
                app.clock.wait(stop, _LOOK_S)
        if not stop.is_set() and work.row.stage is BackfillStage.RECORDED:
            _see_pushed(work)
    return _report(work, as_json)


def _walk(work: _Work) -> bool:
    try:
        polled = work.till.backfill(work.row, work.stop)
    except LeaseTaken:
        return False
    notes.print(f"{work.till.name}: {polled_words(polled)}", markup=False)
    return True


@contextmanager
def _shown(work: _Work) -> Iterator[None]:
    """Show a bar on a terminal; else a line every ten seconds."""
    over = threading.Event()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rest]}"))
    with Progress(*columns, console=notes, transient=True) as progress:
        thread = threading.Thread(target=_show, args=(work, progress, over), name="progress")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _show(work: _Work, progress: Progress, over: threading.Event) -> None:
    task = progress.add_task(f"backfill {work.number}", total=None, rest="")
    told = work.app.clock.elapsed().seconds
    while not work.app.clock.wait(over, _LOOK_S):
        row, far = work.row, work.app.ledger.backfills.progress(work.number)
        words = progress_words(row, far)
        total = far.sales if row.stage is BackfillStage.RECORDED else None
        progress.update(task, completed=far.sales - far.waiting, total=total, rest=words)
        now = work.app.clock.elapsed().seconds
        if not notes.is_terminal and now - told >= _TOLD_EVERY_S:
            told = now
            notes.print(f"backfill {work.number}: {words}", markup=False)


def _see_pushed(work: _Work) -> None:
    """Push by ourselves where the right to push is free, else watch whoever has it."""
    for store in work.stores:
        finished = threading.Event()
        pushing = threading.Thread(target=_push, args=(store, work.stop, finished), name="backfill push")
        pushing.start()
        while not work.app.clock.wait(work.stop, _LOOK_S):
            mine = finished.is_set()
            if work.row.stage is not BackfillStage.RECORDED or (
                mine and (work.paused() or not _others_push(work, store))
            ):
                break
        pushing.join()


def _others_push(work: _Work, store: StoreServices) -> bool:
    """Whether something waits that another process pushes."""
    if not work.app.ledger.backfills.progress(work.number).waiting:
        return False
    try:
        with store.leased():
            return False
    except Busy:
        return True


def _push(store: StoreServices, stop: threading.Event, finished: threading.Event) -> None:
    try:
        with store.leased() as lease:
            store.push(lease, stop)
    except Busy as busy:
        notes.print(f"{busy.what}; it pushes what was recorded.", markup=False)
    finally:
        finished.set()


def _report(work: _Work, as_json: bool) -> Exit:
    row, far, paused = work.row, work.app.ledger.backfills.progress(work.number), work.paused()
    books = (
        {}
        if work.stop.is_set() or paused or row.stage is not BackfillStage.RECORDED
        else compared(work.app, work.till, row)
    )
    if as_json:
        print_json(
            {"backfill": row.number, "stage": row.stage, "sales": far.states, "paused": paused or None, "books": books}
        )
    else:
        say(", ".join(f"{number:,} {state}" for state, number in sorted(far.states.items())) or "no new sales")
        for line in (paused, *books.values()):
            if line:
                say(line)
        if work.stop.is_set() and row.stage in (BackfillStage.OPEN, BackfillStage.RECORDED):
            say(f"Not finished: the same command, or a daemon, goes on; syncd backfills cancel {row.number} ends it.")
        elif row.stage in (BackfillStage.PAUSED, BackfillStage.CANCELLED):
            say(f"backfill {row.number} was {row.stage}")
        else:
            say(f"Every sale of it with its order: syncd backfills report {row.number} --csv FILE")
    if work.stop.is_set():
        return Exit.INTERRUPTED
    if paused:
        return Exit.REMOTE
    left = sum(far.states.get(state, 0) for state in _LEFT)
    return Exit.ATTENTION if left or row.stage is not BackfillStage.RECORDED else Exit.OK
