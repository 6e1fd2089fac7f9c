"""Durable state of syncd itself, by owner: until when alerts are silent, how far a walk has come, how each daemon does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Connection, delete, insert, select

from syncd.ledger.rows import change_in, rows_in, to_micros
from syncd.ledger.schema import state
from syncd.ledger.transactions import Repository, reads, writes

Owner = Literal[
    "alerts", "daemons", "events", "fleet", "metafields", "probe", "quota", "retention", "scans", "schema", "search"
]
"""The part of syncd that keeps a value; nothing but its owner drops it."""
EVER = datetime(1970, 1, 1, tzinfo=UTC)


class StateRepository(Repository):
    """Values that stay until their owner drops them, by store (empty: of no store), owner and name."""

    @reads
    def get(
        self,
        connection: Connection,
        owner: Owner,
        names: Sequence[str],
        store: str = "",
        *,
        younger_than: datetime = EVER,
    ) -> dict[str, str]:
        """Return the values of those of ``names`` that have one, no older than that."""
        query = select(state.c.name, state.c.value).where(state.c.store == store, state.c.owner == owner)
        young = query.where(state.c.at > to_micros(younger_than))
        return {row.name: row.value for row in rows_in(connection, young, state.c.name, names)}

    @reads
    def all(self, connection: Connection, owner: Owner, store: str = "") -> dict[str, str]:
        """Return every value of an owner, by name."""
        query = select(state.c.name, state.c.value).where(state.c.store == store, state.c.owner == owner)
        return {row.name: row.value for row in connection.execute(query)}

    @writes
    def put(self, connection: Connection, owner: Owner, values: Mapping[str, str], store: str = "") -> None:
        """Keep values over those before; durable on return."""
        _drop(connection, owner, list(values), store)
        at = to_micros(self.database.clock.now())
        rows = [
            {"store": store, "owner": owner, "name": name, "value": value, "at": at} for name, value in values.items()
        ]
        if rows:
            connection.execute(insert(state), rows)

    @writes
    def drop(self, connection: Connection, owner: Owner, names: Sequence[str], store: str = "") -> None:
        """Forget values."""
        _drop(connection, owner, names, store)

    @writes
    def drop_older(self, connection: Connection, owner: Owner, than: datetime) -> int:
        """Forget an owner's values from before a time, those of every store; return how many they were."""
        old = (state.c.owner == owner, state.c.at < to_micros(than))
        return connection.execute(delete(state).where(*old)).rowcount


def _drop(connection: Connection, owner: Owner, names: Sequence[str], store: str) -> None:
    change_in(connection, delete(state).where(state.c.store == store, state.c.owner == owner), state.c.name, names)
