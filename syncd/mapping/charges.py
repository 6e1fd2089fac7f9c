"""Everything between the lines and the total: fees, delivery, discounts, returned goods, cash rounding."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from pydantic import JsonValue

from syncd.canonical import CanonicalOrder
from syncd.canonical.money import ZERO, format_money, total
from syncd.canonical.order import Fee, FeeKind, LineKind
from syncd.mapping.amounts import as_text
from syncd.mapping.lines import Sold, came_back, line_name
from syncd.mapping.payload import Decision
from syncd.mapping.rules import Rules
from syncd.mapping.text import bounded

_LONGEST_NAME = 100
Wired = dict[str, JsonValue]


def as_lines(order: CanonicalOrder, sold: Sold, rules: Rules) -> tuple[Fee, ...]:
    """The fees that become lines: by rule, and all of them where the sale has no other line (an order must have one)."""
    fees = [fee for fee in order.fees if fee.kind is not FeeKind.DELIVERY]
    if not sold:
        return tuple(fees)
    return tuple(fee for fee in fees if rules.fees_as.get(fee.kind) == "line")


def fees(order: CanonicalOrder, lines: tuple[Fee, ...]) -> Iterator[tuple[Wired, Decision]]:
    """Tips, service charges, bags and the like as custom fees (those of ``lines`` aside), and cash rounded up.

    Delivery has a field of its own.
    """
    for fee in order.fees:
        if fee.kind is not FeeKind.DELIVERY and fee not in lines:
            name = fee_name(fee)
            yield _fee(name, fee.total_ex_tax, fee.total_inc_tax), Decision(name, "custom fee", f"a {fee.kind.value}")
    if order.rounding > 0:
        decision = Decision("cash rounding", "custom fee", "the total was rounded up")
        yield _fee("Cash rounding", order.rounding, order.rounding), decision


def fee_name(fee: Fee) -> str:
    """What a fee is called: the till's name for it, else its kind."""
    return bounded(fee.name, _LONGEST_NAME) or fee.kind.value.replace("_", " ").capitalize()


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
    """What order discounts, returned goods, redeemed deposits and cash rounded down take off; the API wants it positive."""
    taken = total(discount.amount_inc_tax for discount in order.discounts)
    taken -= total(line.total_inc_tax for line in order.lines if came_back(line))
    return taken + (-order.rounding if order.rounding < 0 else ZERO)


def discount_decisions(order: CanonicalOrder) -> Iterator[Decision]:
    """A decision for each part of the discount."""
    for taken in order.discounts:
        yield Decision(taken.name, "discount_amount", "an order discount")
    for number, line in enumerate(order.lines, start=1):
        if came_back(line):
            what = (
                "a deposit redeemed"
                if line.kind is LineKind.DEPOSIT
                else "goods that came back; their stock is not moved"
            )
            shown = format_money(line.total_inc_tax, order.currency)
            yield Decision(f"line {number}", "discount_amount", f"{line_name(line, weighed=False)} {shown}: {what}")
    if order.rounding < 0:
        yield Decision("cash rounding", "discount_amount", "the total was rounded down")
