"""Which sales a command or a page means, as conditions on their table."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

from msgspec import Struct
from sqlalchemy import ColumnElement
from sqlalchemy.sql.selectable import SelectBase

from syncd.ledger.rows import is_state
from syncd.ledger.schema import sales
from syncd.ledger.search import having_words
from syncd.sale.states import Lane, State


class Selection(Struct, frozen=True):
    """Which sales a command means; what is not given does not narrow."""

    keys: tuple[str, ...] = ()
    store: str | None = None
    source: str | None = None
    state: State | None = None
    text: str | None = None
    days: tuple[date, date] | None = None
    backfill: int | None = None
    ids: tuple[int, ...] | None = None
    words: str | None = None
    reason: str | None = None
    location: str | None = None
    register: str | None = None
    number: str | None = None
    total: Decimal | None = None
    sku: str | None = None
    lane: Lane | None = None
    has_order: bool | None = None


_EQUAL = ("store", "source", "location", "register", "number", "backfill", "reason")


def conditions(selection: Selection, dialect: str) -> list[ColumnElement[bool]]:
    """Return a selection as conditions on ``sales``, for a database."""
    wanted = [sales.c[name] == value for name in _EQUAL if (value := getattr(selection, name)) is not None]
    if selection.keys:
        wanted.append(sales.c.sale_key.in_(selection.keys))
    if selection.ids is not None:
        wanted.append(sales.c.id.in_(selection.ids))
    if (found := found_by_words(selection, dialect)) is not None:
        wanted.append(sales.c.id.in_(found))
    if selection.lane is not None:
        wanted.append(sales.c.lane == selection.lane.value)
    if selection.has_order is not None:
        wanted.append(sales.c.order_id.is_not(None) if selection.has_order else sales.c.order_id.is_(None))
    if selection.state is not None:
        wanted.append(is_state(selection.state))
    if selection.text:
        wanted.append(sales.c.why.contains(selection.text, autoescape=True))
    if selection.days is not None:
        first, last = selection.days
        wanted.append(sales.c.business_day.between(first.isoformat(), last.isoformat()))
    return wanted + _by_content(selection)


def found_by_words(selection: Selection, dialect: str) -> SelectBase | None:
    """Return what the index of words finds for a selection: words, and what stands in no other index; None where it has neither."""
    total = format(selection.total, "f") if selection.total is not None else None
    words = (selection.words, selection.sku, selection.location, selection.register, total)
    return having_words(dialect, " ".join(filter(None, words)), selection.days)


def _by_content(selection: Selection) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if selection.total is not None:
        plain = selection.total.normalize()
        wanted.append(sales.c.total_inc_tax.in_({format(plain, f) for f in ("f", ".1f", ".2f", ".3f")}))
    if selection.sku is not None:
        wanted.append(
            sales.c.document.contains(f'"sku":{json.dumps(selection.sku, ensure_ascii=False)}', autoescape=True)
        )
    return wanted
