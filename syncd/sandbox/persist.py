"""Keeps the sandbox's orders in a SQLite file, so that a store survives its restart."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from syncd.sandbox.orders import Orders, StoredOrder


class SandboxState:
    """The orders on disk; changed ones are written together at ``flush``."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("create table if not exists orders (id integer primary key, document text not null)")
        self._changed: dict[int, StoredOrder] = {}

    def load(self, orders: Orders) -> None:
        """Every order that was kept."""
        for (text,) in self._db.execute("select document from orders order by id"):
            orders.keep(StoredOrder(**json.loads(text)))
        self._changed.clear()

    def changed(self, kept: StoredOrder) -> None:
        """Remember that an order must be written."""
        self._changed[kept.order["id"]] = kept

    def flush(self) -> None:
        """Write what changed since the last time."""
        if not self._changed:
            return
        rows = [
            (
                number,
                json.dumps({name: getattr(k, name) for name in StoredOrder.__slots__}),
            )
            for number, k in self._changed.items()
        ]
        self._changed = {}
        with self._db:
            self._db.executemany("insert or replace into orders (id, document) values (?, ?)", rows)

    def close(self) -> None:
        """Write and close."""
        self.flush()
        self._db.close()
