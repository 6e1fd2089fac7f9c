"""Look-ups kept with an age: catalog and customer hits and misses, and the daemon's last word on its health."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, insert, select

from syncd.clock import Clock
from syncd.ledger.mirror import Run
from syncd.ledger.rows import change_in, rows_in, to_micros
from syncd.ledger.schema import cache

EVER = datetime(1970, 1, 1, tzinfo=UTC)
LASTING = "forgotten"
"""The kind that is no look-up and does not grow old: how far retention has walked."""
OPERATOR = "operator"
"""The same of what operators and their reports need: until when alerts are silent, when the last digest went out."""


class Cache:
    """What was looked up, by store and kind; a kept None is a known miss."""

    def __init__(self, write: Run, read: Run, clock: Clock) -> None:
        self._write, self._read, self._clock = write, read, clock

    def get(
        self, store: str, kind: str, codes: Sequence[str], *, younger_than: datetime = EVER
    ) -> dict[str, str | None]:
        """Return what is kept of ``codes``, and is no older than that."""
        return self._read(lambda connection: _get(connection, (store, kind), codes, younger_than))

    def all(self, store: str, kind: str) -> dict[str, str | None]:
        """Everything that is kept of a kind, whatever its age."""
        return self._read(lambda connection: _all(connection, (store, kind)))

    def put(self, store: str, kind: str, values: Mapping[str, str | None]) -> None:
        """Keep look-ups, over what was kept before."""
        now = self._clock.now()
        self._write(lambda connection: _put(connection, (store, kind), values, now))

    def drop(self, store: str, kind: str, codes: Sequence[str]) -> None:
        """Forget look-ups."""
        self._write(lambda connection: _drop(connection, (store, kind), codes))

    def prune(self, older_than: datetime) -> int:
        """Forget every look-up that is older; how many those were."""
        return self._write(lambda connection: _prune(connection, older_than))


def _get(
    connection: Connection, place: tuple[str, str], codes: Sequence[str], younger_than: datetime
) -> dict[str, str | None]:
    store, kind = place
    young = (cache.c.store == store, cache.c.kind == kind, cache.c.at > to_micros(younger_than))
    query = select(cache.c.code, cache.c.value).where(*young)
    return {row.code: row.value for row in rows_in(connection, query, cache.c.code, codes)}


def _all(connection: Connection, place: tuple[str, str]) -> dict[str, str | None]:
    query = select(cache.c.code, cache.c.value).where(cache.c.store == place[0], cache.c.kind == place[1])
    return {row.code: row.value for row in connection.execute(query)}


def _put(connection: Connection, place: tuple[str, str], values: Mapping[str, str | None], now: datetime) -> None:
    _drop(connection, place, list(values))
    store, kind = place
    rows = [
        {"store": store, "kind": kind, "code": c, "value": value, "at": to_micros(now)} for c, value in values.items()
    ]
    if rows:
        connection.execute(insert(cache), rows)


def _drop(connection: Connection, place: tuple[str, str], codes: Sequence[str]) -> None:
    store, kind = place
    change_in(connection, delete(cache).where(cache.c.store == store, cache.c.kind == kind), cache.c.code, codes)


def _prune(connection: Connection, older_than: datetime) -> int:
    which = (cache.c.at < to_micros(older_than), cache.c.kind.not_in((LASTING, OPERATOR)))
    return connection.execute(delete(cache).where(*which)).rowcount
