"""Faults: kept once each, open until a later good row of the same sale, or a person, settles them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from importlib import import_module
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Select, select, update

from syncd.canonical import Fault
from syncd.ledger.rows import change_in, rows_in, to_micros
from syncd.ledger.schema import faults

_RAW_KEPT = 20_000


class FaultRow(Struct, frozen=True):
    """A record of a source that could not be read; ``settled_at`` is when somebody said that it is dealt with."""

    id: int
    source: str
    at: datetime
    where: str
    reason: str
    raw: str
    settled_at: datetime | None = None
    settled_by: str | None = None


def record_faults(connection: Connection, of: tuple[str, str], found: Sequence[Fault], now: datetime) -> int:
    """Keep faults of a source (its name, that in its sale keys); one that is known (same place, same text) is not kept again."""
    source, keys = of
    rows = {
        (digest := _digest(fault)): {
            "source": source,
            "digest": digest,
            "at": to_micros(now),
            "place": fault.where,
            "reason": fault.reason,
            "raw": fault.raw[:_RAW_KEPT].replace("\x00", "\\x00"),
            "sale_key": f"{keys}:{fault.sale}" if fault.sale else None,
        }
        for fault in found
    }
    if not rows:
        return 0
    before = _known(connection, source, list(rows))
    dialect = import_module(f"sqlalchemy.dialects.{connection.dialect.name}")  # of two, one is never needed
    connection.execute(dialect.insert(faults).on_conflict_do_nothing(), list(rows.values()))
    return len(rows) - before


def settle_by_sales(connection: Connection, source: str, keys: Sequence[str], now: datetime) -> None:
    """Settle the faults of sales that were read well by now; ``keys`` are their sale keys."""
    if (
        connection.execute(_open(select(faults.c.id), source).where(faults.c.sale_key.is_not(None)).limit(1)).first()
        is None
    ):
        return
    values = {"settled_at": to_micros(now), "settled_by": "syncd: the sale was read well later"}
    which = (faults.c.source == source, faults.c.settled_at.is_(None))
    change_in(connection, update(faults).where(*which).values(**values), faults.c.sale_key, keys)


def _open(query: Select[Any], source: str) -> Select[Any]:
    return query.where(faults.c.source == source, faults.c.settled_at.is_(None))


def _known(connection: Connection, source: str, digests: Sequence[str]) -> int:
    query = select(faults.c.id).where(faults.c.source == source)
    return sum(1 for _ in rows_in(connection, query, faults.c.digest, digests))


def _digest(fault: Fault) -> str:
    return blake2b(
        f"{fault.where}\x00{fault.reason}\x00{fault.raw}".encode("utf-8", "replace"), digest_size=16
    ).hexdigest()
