"""Which line of a sale is which line of its order. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from syncd.canonical.money import parse_decimal, round_to
from syncd.mapping.remote import RemoteLine

_FOUR_PLACES = Decimal("0.0001")
Pairs = list[tuple[Mapping[str, Any], RemoteLine]]


def pair_lines(
    wanted: Sequence[Mapping[str, Any]], there: Sequence[RemoteLine]
) -> tuple[Pairs, list[Mapping[str, Any]], list[RemoteLine]]:
    """Which wanted line is which of the order's: pairs, lines to add, lines to remove.

    Looked for in turn: the same in everything, the same product or SKU and name, the same product or SKU, the same name. A line
    keeps what it is: one that was pushed as a custom line stays one, even if the catalog knows its SKU by now.
    """
    open_wanted, open_there = list(wanted), list(there)
    pairs: Pairs = []
    for alike in (is_same, _same_code_and_name, _same_code, _same_name):
        for line in list(open_wanted):
            if (found := next((one for one in open_there if alike(line, one)), None)) is not None:
                pairs.append((line, found))
                open_wanted.remove(line)
                open_there.remove(found)
    return pairs, open_wanted, open_there


def is_same(line: Mapping[str, Any], there: RemoteLine) -> bool:
    """Whether a line says what the order's line says, name of a custom one included."""
    prices = (shown_amount(line["price_inc_tax"]), shown_amount(line["price_ex_tax"]))
    if line["quantity"] != there.quantity or prices != (
        four_places(there.price_inc_tax),
        four_places(there.price_ex_tax),
    ):
        return False
    return _same_code(line, there) and (bool(there.product_id) or _name(line) == there.name)


def _same_code_and_name(line: Mapping[str, Any], there: RemoteLine) -> bool:
    return _same_code(line, there) and _name(line) == there.name


def _same_code(line: Mapping[str, Any], there: RemoteLine) -> bool:
    if line.get("product_id") and there.product_id:
        variant = line.get("variant_id")
        return bool(line["product_id"] == there.product_id and (not variant or variant == there.variant_id))
    if line.get("product_id") or there.product_id:
        return False
    return str(line.get("sku") or "").strip() == there.sku.strip() and bool(
        there.sku.strip() or _name(line) == there.name
    )


def _same_name(line: Mapping[str, Any], there: RemoteLine) -> bool:
    """Across the kinds: what was pushed as a custom line and would be a product now, or the other way about."""
    return _name(line) == there.name


def _name(line: Mapping[str, Any]) -> str:
    return str(line["name"])


def shown_amount(value: Any) -> Decimal:  # noqa: ANN401  text or a number
    """An amount as an order shows it: four places; none is zero."""
    return four_places(parse_decimal(str(value))) if value not in (None, "") else Decimal(0)


def four_places(amount: Decimal) -> Decimal:
    """An amount at four places."""
    return round_to(amount, _FOUR_PLACES)
