"""What the scheduler calls: four idempotent jobs, each with its edge, where an error is told and the daemon goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta

from syncd.app import App, Store, Till
from syncd.errors import Busy, SyncdError
from syncd.ledger import Lease
from syncd.logs import bind, get_logger
from syncd.service.health import Pulse
from syncd.sources.base import FolderReport

_CACHE_KEPT = timedelta(days=2)


class LeaseKeeper:
    """Holds one store's lease for as long as the daemon lives; while another process has it, stands by."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._exits = ExitStack()
        self._lease: Lease | None = None
        self._lock = threading.Lock()
        self._standing_by = False

    def lease(self) -> Lease | None:
        """The lease, taken now where it is free; None while somebody else pushes to this store."""
        with self._lock:
            if self._lease is not None and not self._lease.alive():
                get_logger().warning("lease_lost", store=self._store.name)
                self._drop()
            if self._lease is None:
                self._take()
            return self._lease

    def _take(self) -> None:
        try:
            self._lease = self._exits.enter_context(self._store.leased())
        except Busy as busy:
            if not self._standing_by:
                get_logger().info("standing_by", store=self._store.name, why=busy.what)
            self._standing_by = True
        else:
            get_logger().info("lease_taken", store=self._store.name)
            self._standing_by = False

    def _drop(self) -> None:
        self._lease = None
        self._exits.close()

    def close(self) -> None:
        """Give the lease back."""
        with self._lock:
            self._drop()


class Jobs:
    """The daemon's jobs over one app."""

    def __init__(self, app: App, pulse: Pulse, stop: threading.Event) -> None:
        self._app, self._pulse, self._stop = app, pulse, stop
        self._keepers = {name: LeaseKeeper(store) for name, store in app.stores.items()}
        self._asked: set[str] = set()
        self._told: set[tuple[str, str]] = set()
        self.recorded: Callable[[str], None] = lambda _store: None
        for part in (*map(source_part, app.tills), *map(store_part, app.stores)):
            pulse.expect(part)

    def close(self) -> None:
        """Give every lease back."""
        for keeper in self._keepers.values():
            keeper.close()

    def ask(self, part: str) -> None:
        """``part`` is wanted now: if it is at work this moment, it works once more, for the scheduler would leave it out."""
        self._asked.add(part)

    def _while_asked(self, part: str, work: Callable[[], None]) -> None:
        while True:
            self._asked.discard(part)
            self._edge(part, work)
            if part not in self._asked or self._stop.is_set():
                return

    def poll(self, source: str) -> None:
        """One pass over a source; what it recorded is pushed without waiting for the next turn."""
        till: Till = self._app.tills[source]

        def work() -> None:
            polled = till.poll(self._stop)
            if polled.new or polled.changed:
                self.recorded(till.config.common.store)
            self._tell_strange(source)

        self._while_asked(source_part(source), work)

    def _tell_strange(self, source: str) -> None:
        """Name what lies in a drop folder and is never read: once, for it stays there."""
        report = self._app.folder_reports().get(source)
        if isinstance(report, FolderReport):
            for name in report.strange:
                if (source, name) not in self._told:
                    self._told.add((source, name))
                    get_logger().warning("file_never_read", file=name, folder=report.path.name)

    def push(self, store: str) -> None:
        """Push what is due to a store, if the right to push is ours."""

        def work() -> None:
            lease = self._keepers[store].lease()
            if lease is not None:
                self._app.stores[store].pusher.run(lease, self._stop)
                self._check_open(store)

        self._while_asked(store_part(store), work)

    def reconcile(self, store: str) -> None:
        """Settle what is unknown and due."""

        def work() -> None:
            lease = self._keepers[store].lease()
            if lease is not None:
                report = self._app.stores[store].reconcile(lease, self._stop)
                if report.absent:
                    self.recorded(store)
                self._check_open(store)

        self._edge(store_part(store), work)

    def refresh(self, store: str) -> None:
        """Ask again for look-ups that are in use and have grown old."""

        def work() -> None:
            if self._keepers[store].lease() is not None and (codes := self._app.stores[store].matcher.refresh()):
                get_logger().info("look_ups_refreshed", store=store, codes=codes)

        self._edge(store_part(store), work)

    def look_over(self, store: str) -> None:
        """Once a day, go through the store's newest orders."""

        def work() -> None:
            nightly = self._app.stores[store].nightly
            if self._keepers[store].lease() is not None and nightly.due():
                get_logger().info("orders_looked_over", store=store, alerts=len(nightly.run()))

        self._edge(store_part(store), work)

    def housekeep(self) -> None:
        """Drop what the look-up cache no longer needs, and the documents of sales synced long ago where the config says so."""

        def work() -> None:
            now, keep = self._app.clock.now(), self._app.config.keep_documents
            self._app.ledger.cache_prune(now - _CACHE_KEPT)
            if keep is not None and (dropped := self._app.ledger.drop_documents(now - keep)):
                get_logger().info("documents_dropped", sales=dropped, older_than=(now - keep).isoformat())

        self._edge("housekeeping", work)

    def _check_open(self, store: str) -> None:
        state = self._app.ledger.store_state(store)
        if state.paused_why:
            raise _Paused(state.paused_why)

    def _edge(self, part: str, work: Callable[[], None]) -> None:
        with bind(job=part):
            try:
                work()
            except _Paused as paused:
                self._pulse.bad(part, f"paused: {paused}")
            except SyncdError as error:
                self._pulse.bad(part, error.what)
                get_logger().error("job_failed", why=error.what, cure=error.cure)
            except Exception as error:  # noqa: BLE001  a job's edge: tell it, leave a safe state, run again next time
                self._pulse.bad(part, f"{type(error).__name__}: {error}")
                get_logger().exception("job_failed_unexpectedly")
            else:
                self._pulse.good(part)


class _Paused(Exception):
    """A store is paused: no good cycle, and nothing more to log."""


def source_part(name: str) -> str:
    """What a source's job is called in health, and when it is asked for."""
    return f"source {name}"


def store_part(name: str) -> str:
    """The same of a store's."""
    return f"store {name}"
