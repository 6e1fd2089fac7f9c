"""The totals of an order: worked out from its lines, fees and costs as BigCommerce does, and replaced by the pairs that are sent.

The arithmetic is that of a recorded order (250.0000 a piece with 5.5 % included, ten pieces, a discount of 100: tax 125.1200): a
discount is spread over the lines by their price without tax, tax is worked out on what remains of each line and rounded to the
currency's precision there, and the unit price of the side that the store does not price in is figured back from that.
Sources: "Tax settings", "Order product applied discounts" and "Create an order" of https://developer.bigcommerce.com/docs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any

from syncd.sandbox.answers import invalid

_FOUR = Decimal("0.0001")
_LONG = Context(prec=40, rounding=ROUND_HALF_UP)
_ZERO = Decimal(0)
_NO_PLACES = ("JPY", "KRW", "CLP", "VND")
_THREE_PLACES = ("KWD", "BHD", "TND", "JOD", "OMR")
_COSTS = ("shipping", "handling", "wrapping")
_PAIRS = ("subtotal", "total", *(f"{cost}_cost" for cost in _COSTS))


@dataclass(frozen=True, slots=True)
class Pricing:
    """How a store prices: which side of tax is exact, and to how many places of its currency tax is rounded."""

    includes_tax: bool
    places: int


def places_of(currency: str) -> int:
    """How many decimal places the store's currency has."""
    return 0 if currency in _NO_PLACES else 3 if currency in _THREE_PLACES else 2


def number(body: Mapping[str, Any], name: str, default: str = "0") -> Decimal:
    """Return an amount of a request, given as text or as a number.

    Raises:
        Refusal: it is neither.

    """
    value = body.get(name)
    if value is None or value == "":
        return Decimal(default)
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise invalid(name, "must be a number") from None
    if isinstance(value, bool) or not found.is_finite():
        raise invalid(name, "must be a number")
    return found


def amount(body: Mapping[str, Any], name: str, default: str = "0") -> Decimal:
    """Return the same, for money that may not be negative."""
    found = number(body, name, default)
    if found < 0:
        raise invalid(name, "can't be negative")
    return found


def shown(value: Decimal) -> str:
    """Return an amount as answers show it: four places."""
    return format(value.quantize(_FOUR, ROUND_HALF_UP), "f")


def check_pairs(body: Mapping[str, Any]) -> None:
    """Refuse an override whose other half is missing, and one below zero."""
    for name in _PAIRS:
        given = [f"{name}_{side}" for side in ("ex_tax", "inc_tax") if body.get(f"{name}_{side}") not in (None, "")]
        if len(given) == 1:
            missing = f"{name}_inc_tax" if given[0].endswith("ex_tax") else f"{name}_ex_tax"
            raise invalid(missing, f"must be given together with {given[0]}")
        for part in given:
            amount(body, part)


Amounts = dict[str, Decimal]


def totals(body: Mapping[str, Any], worked_out: Amounts) -> dict[str, str]:
    """Every amount of an order: what was worked out, with the pairs of ``body`` in its place."""
    found = _costs(body)
    for name in ("subtotal", "total"):
        given = body.get(f"{name}_inc_tax") not in (None, "")
        for side in ("ex_tax", "inc_tax"):
            found[f"{name}_{side}"] = amount(body, f"{name}_{side}") if given else worked_out[f"{name}_{side}"]
        tax = found[f"{name}_inc_tax"] - found[f"{name}_ex_tax"]
        found[f"{name}_tax"] = tax if given else worked_out[f"{name}_tax"]
    found["discount_amount"] = amount(body, "discount_amount")
    return all_shown(found)


def all_shown(amounts: Amounts) -> dict[str, str]:
    """Amounts as answers show them."""
    return {name: shown(value) for name, value in amounts.items()}


def _costs(body: Mapping[str, Any]) -> Amounts:
    found: dict[str, Decimal] = {}
    for cost in _COSTS:
        sides = {side: amount(body, f"{cost}_cost_{side}") for side in ("ex_tax", "inc_tax")}
        found |= {f"{cost}_cost_{side}": value for side, value in sides.items()}
        found[f"{cost}_cost_tax"] = sides["inc_tax"] - sides["ex_tax"]
    return found


def work_out(
    body: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], fees: Sequence[Mapping[str, Any]], pricing: Pricing
) -> Amounts:
    """Return what the totals are where ``body`` says none: what BigCommerce itself makes of lines, fees, costs and discount."""
    discount, costs = amount(body, "discount_amount"), _costs(body)
    taxed = tax_lines(lines, discount, pricing)
    tax = sum((line.tax for line in taxed), _ZERO)
    beside = {
        side: sum((costs[f"{cost}_cost_{side}"] for cost in _COSTS), _ZERO)
        + sum((Decimal(fee[f"cost_{side}"]) for fee in fees), _ZERO)
        for side in ("ex_tax", "inc_tax")
    }
    inc_tax, ex_tax = (sum((getattr(line, side) for line in taxed), _ZERO) for side in ("inc_tax", "ex_tax"))
    total_tax = tax + beside["inc_tax"] - beside["ex_tax"]
    if pricing.includes_tax:
        total_inc = inc_tax - discount + beside["inc_tax"]
        total_ex = total_inc - total_tax
    else:
        total_ex = ex_tax - discount + beside["ex_tax"]
        total_inc = total_ex + total_tax
    subtotals = {"subtotal_inc_tax": inc_tax, "subtotal_ex_tax": ex_tax, "subtotal_tax": tax}
    return subtotals | {"total_inc_tax": total_inc, "total_ex_tax": total_ex, "total_tax": total_tax}


@dataclass(frozen=True, slots=True)
class Taxed:
    """A line's totals before the order's discount, and the tax on what remains of it after."""

    inc_tax: Decimal
    ex_tax: Decimal
    tax: Decimal
    discounted: Decimal


def tax_lines(lines: Sequence[Mapping[str, Any]], discount: Decimal, pricing: Pricing) -> list[Taxed]:
    """Each line's totals; the side that the store does not price in is figured back from the tax after the discount."""
    sides = [(Decimal(line["price_inc_tax"]), Decimal(line["price_ex_tax"]), int(line["quantity"])) for line in lines]
    whole = sum((ex_tax * quantity for _, ex_tax, quantity in sides), _ZERO)
    found = []
    for inc_tax, ex_tax, quantity in sides:
        share = _LONG.divide(discount * ex_tax * quantity, whole) if whole else _ZERO
        found.append(_tax_line((inc_tax * quantity, ex_tax * quantity), share, pricing))
    return found


def _tax_line(sides: tuple[Decimal, Decimal], share: Decimal, pricing: Pricing) -> Taxed:
    inc_tax, ex_tax = sides
    exact = inc_tax if pricing.includes_tax else ex_tax
    if not exact:
        return Taxed(inc_tax, ex_tax, _rounded(inc_tax - ex_tax, pricing), _ZERO)
    left = exact - share
    tax = _rounded(_LONG.divide(left * (inc_tax - ex_tax), exact), pricing)
    before = _LONG.divide(tax * exact, left) if left else inc_tax - ex_tax
    if pricing.includes_tax:
        return Taxed(inc_tax, inc_tax - before, tax, left)
    return Taxed(ex_tax + before, ex_tax, tax, left)


def _rounded(tax: Decimal, pricing: Pricing) -> Decimal:
    return tax.quantize(Decimal(1).scaleb(-pricing.places), ROUND_HALF_UP)
