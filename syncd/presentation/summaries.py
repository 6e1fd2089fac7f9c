"""A sale in a few words, for a list: who bought, what, and how it was paid. Pure."""

from __future__ import annotations

from syncd.canonical import CanonicalOrder

_GOODS = 2
_LONGEST = 60


def customer_of(order: CanonicalOrder | None) -> str:
    """Return the customer's name, else their company or e-mail address; empty where none is known."""
    who = order.customer if order is not None else None
    if who is None:
        return ""
    return f"{who.first_name} {who.last_name}".strip() or who.company or who.email


def goods_of(order: CanonicalOrder | None) -> str:
    """``2 x Mug, Coffee beans and 3 more``."""
    if order is None:
        return ""
    named = [_goods(format(line.quantity.normalize(), "f"), line.name) for line in order.lines[:_GOODS]]
    more = len(order.lines) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _goods(quantity: str, name: str) -> str:
    short = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
    return short if quantity in ("1", "-1") else f"{quantity} x {short}"


def paid_with(order: CanonicalOrder | None) -> str:
    """Return how it was paid, each way once."""
    return ", ".join(dict.fromkeys(tender.label for tender in order.tenders)) if order is not None else ""
