"""How far ``syncd sync`` is, while it works: a bar on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from syncd.app import App
from syncd.cli.render import notes, safe
from syncd.formatting import count
from syncd.intake import PollReport
from syncd.sale.states import State

_LOOK_S = 0.5
_TOLD_EVERY_S = 10.0
_LEFT = (State.PENDING, State.SENDING)


class SyncBar:
    """Shows what is read of each source, then what is sent to each store."""

    def __init__(self, app: App, progress: Progress) -> None:
        self._app, self._progress = app, progress
        self._told = app.clock.elapsed().seconds

    @contextmanager
    def reading(self, source: str) -> Iterator[_Reading]:
        """Show how many sales were read of a source."""
        task = self._progress.add_task(f"reading {safe(source)}", total=None)
        try:
            yield _Reading(self, task, source)
        finally:
            self._progress.remove_task(task)

    @contextmanager
    def sending(self, store: str, limit: int | None) -> Iterator[None]:
        """Show how many sales were sent to a store, of those that waited at the beginning."""
        waited = self._waiting(store)
        total = waited if limit is None else min(waited, limit)
        task, over = self._progress.add_task(f"sending to {safe(store)}", total=total), threading.Event()

        def show() -> None:
            while not self._app.clock.wait(over, _LOOK_S):
                done = min(max(0, waited - self._waiting(store)), total)
                self._progress.update(task, completed=done)
                self.tell(f"{store}: {done:,} of {total:,} sent")

        thread = threading.Thread(target=show, name="progress", daemon=True)
        if total:
            thread.start()
        try:
            yield
        finally:
            over.set()
            if total:
                thread.join()
            self._progress.remove_task(task)

    def _waiting(self, store: str) -> int:
        counts = self._app.ledger.sales.counts(store).items()
        return sum(number for (_store, _lane, state), number in counts if state in _LEFT)

    def tell(self, words: str) -> None:
        """Say it in a line, where there is no terminal, and not too often."""
        now = self._app.clock.elapsed().seconds
        if not notes.is_terminal and now - self._told >= _TOLD_EVERY_S:
            self._told = now
            notes.print(words, markup=False)

    def moved(self, task: TaskID, source: str, so_far: PollReport) -> None:
        """Show what was read so far."""
        number = so_far.new + so_far.changed + so_far.same + so_far.older
        self._progress.update(task, completed=number)
        self.tell(f"{source}: {count(number, 'sale')} read")


class _Reading:
    def __init__(self, bar: SyncBar, task: TaskID, source: str) -> None:
        self._bar, self._task, self._source = bar, task, source

    def __call__(self, so_far: PollReport) -> None:
        self._bar.moved(self._task, self._source, so_far)


@contextmanager
def sync_bar(app: App) -> Iterator[SyncBar]:
    """Yield the bar of one pass; it is gone at its end."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as progress:
        yield SyncBar(app, progress)
