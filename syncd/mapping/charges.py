"""Everything between the lines and the total: fees, delivery, discounts, cash rounding."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from pydantic import JsonValue

from syncd.canonical import CanonicalOrder
from syncd.canonical.money import ZERO, total
from syncd.canonical.order import FeeKind
from syncd.mapping.amounts import as_text
from syncd.mapping.payload import Decision
from syncd.mapping.text import bounded

_LONGEST_NAME = 100
Wired = dict[str, JsonValue]


def fees(order: CanonicalOrder) -> Iterator[tuple[Wired, Decision]]:
    """Tips, service charges, bags and the like as custom fees, and cash rounded up; delivery has a field of its own."""
    for fee in order.fees:
        if fee.kind is not FeeKind.DELIVERY:
            name = bounded(fee.name, _LONGEST_NAME) or fee.kind.value.replace("_", " ").capitalize()
            yield _fee(name, fee.total_ex_tax, fee.total_inc_tax), Decision(name, "custom fee", f"a {fee.kind.value}")
    if order.rounding > 0:
        decision = Decision("cash rounding", "custom fee", "the total was rounded up")
        yield _fee("Cash rounding", order.rounding, order.rounding), decision


def _fee(name: str, ex_tax: Decimal, inc_tax: Decimal) -> Wired:
    return {
        "type": "custom_fee",
        "display_name_customer": name,
        "display_name_merchant": name,
        "cost_ex_tax": as_text(ex_tax),
        "cost_inc_tax": as_text(inc_tax),
    }


def delivery(order: CanonicalOrder) -> Wired:
    """Delivery charges as the order's shipping cost (a pair); nothing where there are none."""
    charged = [fee for fee in order.fees if fee.kind is FeeKind.DELIVERY]
    if not charged:
        return {}
    ex_tax, inc_tax = total(fee.total_ex_tax for fee in charged), total(fee.total_inc_tax for fee in charged)
    return {"shipping_cost_ex_tax": as_text(ex_tax), "shipping_cost_inc_tax": as_text(inc_tax)}


def discount(order: CanonicalOrder) -> Decimal:
    """What the order's own discounts take off, and cash rounded down with them; the API wants it positive."""
    taken = total(discount.amount_inc_tax for discount in order.discounts)
    return taken + (-order.rounding if order.rounding < 0 else ZERO)
