"""Pages of a till's sales, oldest first by time and id, each with all its rows and read in one look."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, and_, or_, select

from syncd.sources.sql.database import Database
from syncd.sources.sql.preset import Axis, RowQuery, SaleRows

_TWICE = timedelta(hours=1)  # how far a local clock is set back at the most
_IDS_AT_ONCE = 500


class RowPage(Struct, frozen=True):
    """Some sales, and the time that the walk has reached with them."""

    sales: Sequence[SaleRows]
    reached: datetime | None


def pages(
    database: Database, ask: RowQuery, axis: Axis, span: tuple[datetime, datetime | None], size: int
) -> Iterator[RowPage]:
    """Yield the sales whose time lies in ``[begin, end)``, and some from an hour around it, for local clocks are set back.

    A page is one look, so no transaction lasts longer than a page.

    Raises:
        SourceError: the database cannot be read.

    """
    begin, end = span
    wanted = [axis.column >= axis.there(begin - _TWICE)]
    if end is not None:
        wanted.append(axis.column < axis.there(end + _TWICE))
    place = 1 if axis is ask.mark else 2
    after: Row[Any] | None = None
    while True:
        query = ask.sales.where(*wanted).order_by(axis.column, ask.key).limit(size)
        if after is not None:
            at, key = after[place], after[0]
            query = query.where(axis.column >= at, or_(axis.column > at, and_(axis.column == at, ask.key > key)))
        with database.look() as connection:
            rows = connection.execute(query).all()
            sales = _with_parts(connection, ask, rows)
        if not rows:
            return
        after = rows[-1]
        yield RowPage(sales, axis.here(after[place]))
        if len(rows) < size:
            return


def missing(database: Database, ask: RowQuery, ids: Sequence[str]) -> list[str]:
    """Those of the ids that the database does not hold."""
    gone: list[str] = []
    for start in range(0, len(ids), _IDS_AT_ONCE):
        part = ids[start : start + _IDS_AT_ONCE]
        with database.look() as connection:
            sample = connection.execute(select(ask.key).limit(1)).scalar()
            kind = str if sample is None else type(sample)  # servers that do not compare a number with a text
            found = connection.execute(select(ask.key).where(ask.key.in_([kind(one) for one in part]))).scalars()
            there = set(map(str, found))
        gone += [one for one in part if one not in there]
    return gone


def _with_parts(connection: Connection, ask: RowQuery, rows: Sequence[Row[Any]]) -> list[SaleRows]:
    ids = [row[0] for row in rows]
    found: dict[Any, dict[str, list[Row[Any]]]] = defaultdict(lambda: defaultdict(list))
    for name, (query, key) in ask.parts.items() if ids else ():
        for start in range(0, len(ids), _IDS_AT_ONCE):
            for row in connection.execute(query.where(key.in_(ids[start : start + _IDS_AT_ONCE]))):
                found[row[0]][name].append(row)
    return [SaleRows(row, found.get(row[0], {}), _digest(row, found.get(row[0], {}))) for row in rows]


def _digest(row: Row[Any], parts: Mapping[str, Sequence[Row[Any]]]) -> int:
    """Return what the rows say, for this process to compare."""
    said = (tuple(row), *(tuple(map(tuple, rows)) for rows in parts.values()))
    try:
        return hash(said)
    except TypeError:  # a JSON column
        return hash(repr(said))
