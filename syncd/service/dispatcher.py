"""Finds the jobs that have something to do, in one look for all stores and sources: a daemon of forty stores rests by it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from syncd.app import App
from syncd.service.job_names import backfill_job, fetch_job, push_job, reconcile_job
from syncd.service.leases import LeaseKeeper


class Dispatcher:
    """Looks for due work, and tries the stores that this process stands by for, one a look."""

    def __init__(self, app: App, keepers: Mapping[str, LeaseKeeper]) -> None:
        self._app, self._keepers = app, keepers
        self._standby_turn = 0

    def due_jobs(self, waiting_sources: Collection[str]) -> set[str]:
        """Return the names of the jobs that are due; ``waiting_sources`` are read once their stores' orders are listed.

        Raises:
            LedgerError: the ledger cannot be read.

        """
        due = self._app.ledger.turns.due_work()
        awaited = {store for source in waiting_sources for store in self._app.tills[source].config.common.all_stores}
        found = {push_job(store) for store in due.push | awaited}
        found |= {reconcile_job(store) for store in due.doubtful}
        found |= {backfill_job(source) for source in due.backfill} | {fetch_job(source) for source in due.fetch}
        if waiting := self.standing_by():  # one at a time: whoever pushed to it pushed to others, too
            self._standby_turn += 1
            found.add(push_job(waiting[self._standby_turn % len(waiting)]))
        return found

    def standing_by(self) -> list[str]:
        """Return the stores that another process pushes to."""
        return [name for name, keeper in self._keepers.items() if not keeper.held]
