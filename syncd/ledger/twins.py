"""Finds in the ledger the sales that look like another sale of their source: see ``sale.twins``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, select

from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import SaleStatus
from syncd.ledger.rows import to_micros
from syncd.ledger.schema import sales
from syncd.sale.sale import read_document
from syncd.sale.twins import _WITHIN, _bare, _number, are_twins

_APART = timedelta(hours=6)  # of two times that lie further apart, each is asked for by itself


def find_twins(connection: Connection, source: str, orders: Sequence[CanonicalOrder]) -> dict[str, str]:
    """For each of ``orders`` that has a twin in the ledger, or before it among ``orders``: the twin's key."""
    wanted = [order for order in orders if order.status is not SaleStatus.VOIDED]
    there: dict[str, list[CanonicalOrder]] = {}
    for order in _kept(connection, source, wanted):
        there.setdefault(_number(order), []).append(order)
    found: dict[str, str] = {}
    for order in wanted:
        beside = there.setdefault(_number(order), [])
        if (twin := next((one for one in beside if are_twins(one, order)), None)) is not None:
            found[order.sale_key] = twin.sale_key
        elif all(one.sale_key != order.sale_key for one in beside):
            beside.append(order)
    return found


def _kept(connection: Connection, source: str, wanted: Sequence[CanonicalOrder]) -> Iterator[CanonicalOrder]:
    """Yield the sales of the ledger that may be twins, by what their columns say; leave out those whose documents are gone."""
    alike = {(_number(order), order.currency, order.total_inc_tax) for order in wanted}
    ids = []
    for first, last in _spans(order.placed_at for order in wanted):
        within = sales.c.placed_at.between(to_micros(first - _WITHIN), to_micros(last + _WITHIN))
        query = select(sales.c.id, sales.c.sale_key, sales.c.number, sales.c.currency, sales.c.total_inc_tax)
        rows = connection.execute(query.where(sales.c.source == source, within))
        ids += [row.id for row in rows if (_number_of(row), row.currency, Decimal(row.total_inc_tax)) in alike]
    for number in ids:
        document = connection.execute(select(sales.c.document).where(sales.c.id == number)).scalar()
        if (order := read_document(document)) is not None:
            yield order


def _number_of(row: Row[*tuple[Any, ...]]) -> str:
    return _bare(row.number or str(row.sale_key).partition(":")[2])


def _spans(times: Iterable[datetime]) -> Iterator[tuple[datetime, datetime]]:
    """Yield the times in stretches, from the first to the last of each."""
    first = last = None
    for at in sorted(times):
        if first is None or last is None:
            first = last = at
        elif at - last <= _APART:
            last = at
        else:
            yield first, last
            first = last = at
    if first is not None and last is not None:
        yield first, last
