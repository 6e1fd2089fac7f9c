"""What a new version of a sale changes, as people read it: each fact before and after. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial

from msgspec import Struct

from syncd.canonical import CanonicalOrder
from syncd.canonical.money import format_money
from syncd.canonical.order import Address, Customer

_MOST, _LONGEST = 40, 200


class FactChange(Struct, frozen=True):
    """One fact that changed: its name, and what it was before and after; empty where there was or is none."""

    what: str
    before: str
    after: str


def changes_between(before: CanonicalOrder | None, after: CanonicalOrder) -> tuple[FactChange, ...]:
    """Return what changed from one version to the next, most important first; nothing where the one before is forgotten."""
    if before is None:
        return ()
    old, new = dict(_facts(before)), dict(_facts(after))
    keys = dict.fromkeys([*new, *old])
    changed = (
        FactChange((new.get(key) or old[key])[0], *((facts.get(key) or ("", ""))[1][:_LONGEST] for facts in (old, new)))
        for key in keys
        if new.get(key, ("", ""))[1] != old.get(key, ("", ""))[1]
    )
    return tuple(changed)[:_MOST]


def write_changes(changes: tuple[FactChange, ...]) -> str | None:
    """Return changes as JSON; None where there are none."""
    rows = [[one.what, one.before, one.after] for one in changes]
    return json.dumps(rows, ensure_ascii=False) if rows else None


def read_changes(text: str | None) -> tuple[FactChange, ...]:
    """Read what ``write_changes`` wrote."""
    return tuple(FactChange(*row) for row in json.loads(text)) if text else ()


_Fact = tuple[tuple[str, str], tuple[str, str]]


def _facts(order: CanonicalOrder) -> Iterator[_Fact]:
    """Yield each fact: what tells it from others, then its name and its words."""

    def fact(name: str, words: str) -> _Fact:
        return (name, ""), (name, words)

    yield fact("Status", order.status.value)
    yield fact("Total", format_money(order.total_inc_tax, order.currency))
    yield fact("Tax", format_money(order.total_tax, order.currency))
    yield from _of_lists(order)
    yield fact("Customer", _customer(order.customer))
    yield fact("Billing address", _address(order.billing))
    yield fact("Shipping address", _address(order.shipping))
    yield fact("Delivery", order.fulfilment.value)
    yield fact("Shipping method", order.shipping_method or "")
    yield fact("Receipt number", order.number or "")
    yield fact("Placed", order.placed_at.isoformat(sep=" "))
    yield fact("Business day", order.day.isoformat())
    for name, named in (("Location", order.location), ("Register", order.register), ("Cashier", order.cashier)):
        yield fact(name, named.label if named is not None else "")
    yield fact("Returns goods of", order.returns_of or "")
    yield fact("Note", order.note)


def _of_lists(order: CanonicalOrder) -> Iterator[_Fact]:
    """Yield lines, discounts, fees, refunds and payments; those that share an id or a name are told apart by their place."""
    seen: dict[tuple[str, str], int] = {}

    def fact(kind: str, key: str, name: str, words: str) -> _Fact:
        seen[kind, key] = place = seen.get((kind, key), 0) + 1
        return (kind, f"{key}#{place}"), (name, words)

    money = partial(format_money, currency=order.currency)
    for line in order.lines:
        words = f"{format(line.quantity.normalize(), 'f')} x {money(line.total_inc_tax)}"
        more = [line.sku or "", line.variant or "", *(one.name for one in line.modifiers), line.note]
        yield fact("line", line.line_id, f"Line {line.name}", ", ".join(filter(None, (words, *more))))
    for discount in order.discounts:
        yield fact("discount", discount.name, f"Discount {discount.name}", money(-discount.amount_inc_tax))
    for fee in order.fees:
        yield fact("fee", fee.name, f"Fee {fee.name}", money(fee.total_inc_tax))
    for refund in order.refunds:
        words = ", ".join(filter(None, (money(refund.amount_inc_tax), refund.status.value, refund.reason)))
        yield fact("refund", refund.id, f"Refund {refund.id}", words)
    for tender in order.tenders:
        yield fact("payment", tender.label, f"Payment {tender.label}", money(tender.amount))


def _customer(who: Customer | None) -> str:
    if who is None:
        return ""
    return ", ".join(filter(None, (f"{who.first_name} {who.last_name}".strip(), who.company, who.email, who.phone)))


def _address(at: Address | None) -> str:
    if at is None:
        return ""
    name = f"{at.first_name} {at.last_name}".strip()
    city = f"{at.zip} {at.city}".strip()
    parts = (name, at.company, at.street_1, at.street_2, city, at.state, at.country, at.phone, at.email)
    return ", ".join(filter(None, parts))
