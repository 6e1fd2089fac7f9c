"""Recognise one sale under two ids of the POS: an offline till that uploaded twice, a record that was copied. Pure.

Same receipt number (else id), till, minute, lines and total, and neither void: two orders of one sale otherwise. Zeros before a
number count for nothing, for a spreadsheet drops them. A shop whose receipts repeat within a minute says so: ``twins = "push"``.
"""

from __future__ import annotations

from datetime import timedelta

from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import SaleStatus

_WITHIN = timedelta(minutes=1)
_BEGINS = "possible duplicate of "


def twin_words(key: str) -> str:
    """Say why a sale that looks like another is held."""
    return f"{_BEGINS}{key}: the same receipt number, till, minute, lines and total"


def is_twin_hold(hold: str) -> bool:
    """Whether a sale is held because it looks like another."""
    return hold.startswith(_BEGINS)


def are_twins(one: CanonicalOrder, other: CanonicalOrder) -> bool:
    """Whether two sales of one source are likely one sale under two ids. Pure."""
    return (
        one.sale_key != other.sale_key
        and SaleStatus.VOIDED not in (one.status, other.status)
        and abs(one.placed_at - other.placed_at) < _WITHIN
        and _mark(one) == _mark(other)
    )


def _mark(order: CanonicalOrder) -> tuple[object, ...]:
    lines = tuple(
        (
            line.kind,
            _bare(line.sku),
            _bare(line.upc),
            line.name,
            line.variant,
            line.quantity,
            line.total_inc_tax,
            line.total_ex_tax,
        )
        for line in order.lines
    )
    fees = tuple((fee.kind, fee.name, fee.total_inc_tax) for fee in order.fees)
    where = (order.location and order.location.label, order.register and order.register.label)
    return (_number(order), where, order.currency, order.total_inc_tax, order.total_tax, lines, fees)


def _number(order: CanonicalOrder) -> str:
    """Return the receipt number, else the id, without leading zeros, which a spreadsheet drops."""
    return _bare(order.number or order.sale_id)


def _bare(number: str | None) -> str:
    return (number or "").lstrip("0")
