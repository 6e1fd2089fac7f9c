"""Look-ups kept with an age: catalog and customer hits and misses, and the daemon's last word on its health."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from syncd.ledger.schema import cache
from syncd.ledger.times import to_micros

_CODES_AT_ONCE = 500


def get(
    connection: Connection, place: tuple[str, str], codes: Sequence[str], younger_than: datetime
) -> dict[str, str | None]:
    """What is kept of ``codes`` in a (store, kind); a kept None is a known miss."""
    store, kind = place
    found: dict[str, str | None] = {}
    for start in range(0, len(codes), _CODES_AT_ONCE):
        query = select(cache.c.code, cache.c.value).where(
            cache.c.store == store,
            cache.c.kind == kind,
            cache.c.code.in_(codes[start : start + _CODES_AT_ONCE]),
            cache.c.at > to_micros(younger_than),
        )
        found |= {row.code: row.value for row in connection.execute(query)}
    return found


def put(connection: Connection, place: tuple[str, str], values: Mapping[str, str | None], now: datetime) -> None:
    """Keep values, over what was kept before."""
    drop(connection, place, list(values))
    store, kind = place
    rows = [
        {"store": store, "kind": kind, "code": c, "value": value, "at": to_micros(now)} for c, value in values.items()
    ]
    if rows:
        connection.execute(insert(cache), rows)


def drop(connection: Connection, place: tuple[str, str], codes: Sequence[str]) -> None:
    """Forget codes."""
    store, kind = place
    for start in range(0, len(codes), _CODES_AT_ONCE):
        some = cache.c.code.in_(codes[start : start + _CODES_AT_ONCE])
        connection.execute(delete(cache).where(cache.c.store == store, cache.c.kind == kind, some))


def prune(connection: Connection, older_than: datetime) -> int:
    """Forget what is older; how many rows that was."""
    return connection.execute(delete(cache).where(cache.c.at < to_micros(older_than))).rowcount
