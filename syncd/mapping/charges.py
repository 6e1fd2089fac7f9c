"""Everything between the lines and the total: fees, delivery, and what was taken off the whole."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from pydantic import JsonValue

from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import LineKind
from syncd.canonical.money import format_money, total
from syncd.canonical.order import Fee, Line
from syncd.mapping.amounts import as_text
from syncd.mapping.lines import line_name, lowers_total
from syncd.mapping.payload import Decision
from syncd.mapping.rules import Rules
from syncd.mapping.spread import Spread, taken_off
from syncd.mapping.text import bounded

_LONGEST_NAME = 100
Wired = dict[str, JsonValue]


def as_lines(made: Spread, rules: Rules) -> tuple[Fee, ...]:
    """The fees that become lines: by rule; all where the sale has no other line; those without tax that no known class fits.

    An order must have a line, and BigCommerce's own class for fees may be a taxed one ("fees" of
    https://developer.bigcommerce.com/docs/rest-management/orders: its costs must fit the class).
    """
    return tuple(fee for fee in made.fees if not made.lines or _as(fee, rules) == "line")


def _as(fee: Fee, rules: Rules) -> str:
    untaxed_nowhere = fee.total_inc_tax == fee.total_ex_tax and rules.fee_tax_class_id is None
    return rules.fees_as.get(fee.kind) or ("line" if untaxed_nowhere else "fee")


def why_line(fee: Fee, made: Spread, rules: Rules) -> str:
    """Why a fee became a line."""
    if rules.fees_as.get(fee.kind) == "line":
        return "the config wants it as a line"
    return "without tax, and no fee_tax_class_id is set" if made.lines else "the sale has no other line"


def fees(made: Spread, lines: tuple[Fee, ...], rules: Rules) -> Iterator[tuple[Wired, Decision]]:
    """Tips, service charges, bags, cash rounded up and the like as custom fees, those of ``lines`` aside."""
    for fee in made.fees:
        if fee not in lines:
            name = fee_name(fee)
            yield _fee(name, fee, rules.fee_tax_class_id), Decision(name, "custom fee", f"a {fee.kind.value}")


def fee_name(fee: Fee) -> str:
    """What a fee is called: the till's name for it, else its kind."""
    return bounded(fee.name, _LONGEST_NAME) or fee.kind.value.replace("_", " ").capitalize()


def _fee(name: str, fee: Fee, untaxed_class: int | None) -> Wired:
    wired: Wired = {
        "type": "custom_fee",
        "display_name_customer": name,
        "display_name_merchant": name,
        "cost_ex_tax": as_text(fee.total_ex_tax),
        "cost_inc_tax": as_text(fee.total_inc_tax),
    }
    untaxed = fee.total_ex_tax == fee.total_inc_tax and untaxed_class is not None
    return wired | ({"tax_class_id": untaxed_class} if untaxed else {})


def delivery(made: Spread) -> Wired:
    """Delivery charges as the order's shipping cost (a pair, never negative); nothing where there are none."""
    if not made.delivery:
        return {}
    ex_tax, inc_tax = (total(getattr(fee, f"total_{side}") for fee in made.delivery) for side in ("ex_tax", "inc_tax"))
    return {"shipping_cost_ex_tax": as_text(ex_tax), "shipping_cost_inc_tax": as_text(inc_tax)}


def discount_shown(taken: Decimal, rules: Rules) -> Wired:
    """The discount as a figure of its own, where the config wants it shown; the prices are lowered by it all the same."""
    return {"discount_amount": as_text(taken)} if taken and rules.show_discount else {}


def discount_decisions(order: CanonicalOrder, made: Spread, rules: Rules) -> Iterator[Decision]:
    """A decision for each thing that lowers the sale as a whole."""
    how = "spread over lines, fees and delivery" if made.apart else "spread over the lines' prices"
    for taken in order.discounts:
        yield Decision(taken.name, how, f"an order discount of {format_money(taken.amount_inc_tax, order.currency)}")
    for number, line in enumerate(order.lines, start=1):
        if lowers_total(line):
            shown = format_money(line.total_inc_tax, order.currency)
            yield Decision(f"line {number}", how, f"{line_name(line, weighed=False)} {shown}: {_back(line)}")
    for fee in order.fees:
        if fee.total_inc_tax < 0:
            yield Decision(fee_name(fee), how, f"a charge of {format_money(fee.total_inc_tax, order.currency)}")
    if order.rounding < 0:
        yield Decision("cash rounding", how, "the total was rounded down")
    if discount_shown(taken_off(order), rules):
        yield Decision("discount_amount", "shown", "a figure for show: the prices are lowered by it already")


def _back(line: Line) -> str:
    return "a deposit redeemed" if line.kind is LineKind.DEPOSIT else "goods that came back; their stock is not moved"
