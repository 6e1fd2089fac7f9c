"""The log: what became of sales and which requests were sent, two tables as one list, newest first."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, bindparam, func, literal_column, select

from syncd.ledger.rows import read_as
from syncd.ledger.schema import attempts, audit, sales


class LogRow(Struct, frozen=True):
    """A line of the log: a change of a sale's state, or a request that was sent for one. ``place`` is where older lines begin."""

    at: datetime
    sale_id: int
    sale_key: str
    number: str | None
    actor: str
    before: str | None
    after: str
    why: str
    status: int | None
    request_id: str | None
    order_id: int | None
    place: tuple[int, int]


_NEWEST = 2**62
_NONE: ColumnElement[Any] = literal_column("null")
_SALE = (sales.c.id.label("sale_id"), sales.c.sale_key, sales.c.number, sales.c.order_id)
_CHANGES = (
    select(
        audit.c.id,
        audit.c.at,
        audit.c.actor,
        audit.c.before,
        audit.c.after,
        audit.c.why,
        _NONE.label("status"),
        _NONE.label("request_id"),
        *_SALE,
    )
    .join(sales, sales.c.id == audit.c.sale_id)
    .where(audit.c.id < bindparam("before"))
    .order_by(audit.c.id.desc())
    .limit(bindparam("most"))
)
_REQUESTS = (
    select(
        attempts.c.id,
        attempts.c.began_at.label("at"),
        literal_column("'syncd'").label("actor"),
        attempts.c.kind.label("before"),
        func.coalesce(attempts.c.outcome, "on the wire").label("after"),
        attempts.c.detail.label("why"),
        attempts.c.status,
        attempts.c.request_id,
        *_SALE,
    )
    .join(sales, sales.c.id == attempts.c.sale_id)
    .where(attempts.c.id < bindparam("before"))
    .order_by(attempts.c.id.desc())
    .limit(bindparam("most"))
)


def log_rows(connection: Connection, before: tuple[int, int] | None, limit: int) -> list[LogRow]:
    """Return the newest lines of the log; those before a line's place.

    Two tables, each by its own numbers, which rise with time; merged by time.
    """
    change, request = before or (_NEWEST, _NEWEST)
    changes = connection.execute(_CHANGES, {"before": change, "most": limit}).all()
    requests = connection.execute(_REQUESTS, {"before": request, "most": limit}).all()
    rows: list[LogRow] = []
    left, right = iter(changes), iter(requests)
    one, other = next(left, None), next(right, None)
    while (one or other) and len(rows) < limit:
        if other is None or (one is not None and one.at >= other.at):
            assert one is not None  # noqa: S101  the loop ends where both are at their end
            change = one.id
            rows.append(read_as(LogRow, one, place=(change, request)))
            one = next(left, None)
        else:
            request = other.id
            rows.append(read_as(LogRow, other, place=(change, request)))
            other = next(right, None)
    return rows
