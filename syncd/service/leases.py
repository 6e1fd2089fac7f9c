"""The right to push to a store, held for as long as the daemon lives."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack

from syncd.errors import LeaseTaken
from syncd.ledger import Lease
from syncd.logs import get_logger
from syncd.stores import StoreServices


class LeaseKeeper:
    """Holds one store's lease for as long as the daemon lives; while another process has it, stands by."""

    def __init__(self, store: StoreServices, takes_over: Callable[[], None] = lambda: None) -> None:
        self._store, self._takes_over = store, takes_over
        self._exits = ExitStack()
        self._lease: Lease | None = None
        self._lock = threading.Lock()
        self._standing_by = ""

    @property
    def held(self) -> bool:
        """Whether the lease is ours now."""
        lease = self._lease
        return lease is not None and lease.alive()

    def lease(self) -> Lease:
        """Return the lease, taken now where it is free.

        Raises:
            LeaseTaken: another process pushes to this store.
            LedgerError: it cannot be known who does.

        """
        with self._lock:
            if self._lease is not None and not self._lease.alive():
                get_logger().warning("lease_lost", store=self._store.name)
                self._drop()
            if self._lease is None:
                self._lease = self._take()
            return self._lease

    def _take(self) -> Lease:
        try:
            lease = self._exits.enter_context(self._store.leased())
        except LeaseTaken as taken:
            if self._standing_by != taken.what:
                get_logger().info("standing_by", store=self._store.name, why=taken.what)
            self._standing_by = taken.what
            raise
        get_logger().info("lease_taken", store=self._store.name)
        if self._standing_by:
            self._takes_over()
        self._standing_by = ""
        return lease

    def _drop(self) -> None:
        self._lease = None
        self._exits.close()

    def close(self) -> None:
        """Give the lease back."""
        with self._lock:
            self._drop()
