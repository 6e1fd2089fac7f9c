"""The totals arithmetic of an order, and which overrides it honours (both of a pair, or the pair does not count)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from syncd.sandbox.answers import invalid

_CENT = Decimal("0.01")
_FOUR = Decimal("0.0001")


def number(body: Mapping[str, Any], name: str, default: str = "0") -> Decimal:
    """An amount of a request, given as text or as a number.

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


def shown(amount: Decimal) -> str:
    """An amount as answers show it: four places."""
    return format(amount.quantize(_FOUR, ROUND_HALF_UP), "f")


def totals(
    body: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], fees: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """Subtotal = lines; total = subtotal + shipping + handling + wrapping + fees - discount; pairs given override."""
    found: dict[str, Decimal] = {}
    for side in ("ex_tax", "inc_tax"):
        found[f"subtotal_{side}"] = _cents(sum((Decimal(line[f"total_{side}"]) for line in lines), Decimal(0)))
        for cost in ("shipping", "handling", "wrapping"):
            found[f"{cost}_cost_{side}"] = number(body, f"{cost}_cost_{side}")
    discount = number(body, "discount_amount")
    if discount < 0:
        raise invalid("discount_amount", "must not be negative")
    _override(body, found, "subtotal")
    for side in ("ex_tax", "inc_tax"):
        costs = sum((found[f"{cost}_cost_{side}"] for cost in ("shipping", "handling", "wrapping")), Decimal(0))
        charged = sum((Decimal(fee[f"cost_{side}"]) for fee in fees), Decimal(0))
        found[f"total_{side}"] = _cents(found[f"subtotal_{side}"] + costs + charged - discount)
    _override(body, found, "total")
    for name in ("subtotal", "shipping_cost", "handling_cost", "wrapping_cost", "total"):
        found[f"{name}_tax"] = found[f"{name}_inc_tax"] - found[f"{name}_ex_tax"]
    found["discount_amount"] = discount
    return {name: shown(amount) for name, amount in found.items()}


def _override(body: Mapping[str, Any], found: dict[str, Decimal], name: str) -> None:
    pair = (f"{name}_ex_tax", f"{name}_inc_tax")
    if all(body.get(part) not in (None, "") for part in pair):
        for part in pair:
            found[part] = number(body, part)
            if found[part] < 0:
                raise invalid(part, "must not be negative")


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_UP)
