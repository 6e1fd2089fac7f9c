"""Receipt lines as product lines: of the catalog where the SKU is known, else custom ones that never enter it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from pydantic import JsonValue

from syncd.canonical import CanonicalOrder
from syncd.canonical.order import Line, LineKind
from syncd.mapping.addresses import location_rules
from syncd.mapping.amounts import as_number, unit_price
from syncd.mapping.matches import CatalogMatch, Matches, normal_code
from syncd.mapping.payload import Decision, Declined
from syncd.mapping.rules import Rules
from syncd.mapping.text import bounded, mask_cards

_LONGEST_NAME = 250
_NEVER_CATALOG = {LineKind.GIFT_CARD, LineKind.DEPOSIT}


@dataclass(frozen=True, slots=True)
class MappedLine:
    """A product line of the payload, what it was decided by, and whether it is delivered by e-mail."""

    wired: dict[str, JsonValue]
    decision: Decision
    digital: bool


@dataclass(frozen=True, slots=True)
class _Choice:
    match: CatalogMatch | None
    what: str
    why: str


def map_lines(order: CanonicalOrder, matches: Matches, rules: Rules) -> list[MappedLine] | Declined:
    """Every line that sells something, in the order of the receipt; Declined where a rule refuses an unknown SKU."""
    mapped: list[MappedLine] = []
    unknown: list[str] = []
    stock = location_rules(order, rules).stock or rules.stock
    for number, line in enumerate(order.lines, start=1):
        if not line.quantity and not line.total_inc_tax:
            continue  # a comment line: it goes into the staff note
        choice = _choose(line, matches, stock)
        if choice.match is None and stock == "bigcommerce" and rules.unknown_sku == "reject" and (line.sku or line.upc):
            unknown.append(line.sku or line.upc or "")
        mapped.append(_line(number, line, choice))
    if unknown:
        why = f'the catalog has no product for {", ".join(sorted(set(unknown)))}, and unknown_sku is "reject"'
        return Declined(why, f'Add it to the catalog or set unknown_sku = "custom", then: syncd retry {order.sale_key}')
    return mapped


def _choose(line: Line, matches: Matches, stock: str) -> _Choice:
    if line.kind in _NEVER_CATALOG:
        return _Choice(None, "custom line", f"a {line.kind.value.replace('_', ' ')} is no catalog product")
    if stock == "elsewhere":
        return _Choice(None, "custom line", 'stock = "elsewhere": a catalog line would move BigCommerce\'s stock')
    by_sku = matches.by_sku.get(normal_code(line.sku)) if line.sku else None
    match = by_sku or (matches.by_upc.get(normal_code(line.upc)) if line.upc else None)
    if match is None:
        why = f"the catalog has no {line.sku or line.upc}" if line.sku or line.upc else "it has no SKU"
        return _Choice(None, "custom line", why)
    if match.needs_modifiers:
        return _Choice(None, "custom line", f"product {match.product_id} requires options that the till does not know")
    where = f"product {match.product_id}" + (f", variant {match.variant_id}" if match.variant_id else "")
    named = f"SKU {line.sku}" if by_sku else f"UPC {line.upc}"
    return _Choice(match, where, f"{named} is in the catalog")


def _line(number: int, line: Line, choice: _Choice) -> MappedLine:
    quantity, weighed = _whole_quantity(line)
    wired: dict[str, JsonValue] = {
        "name": line_name(line, weighed=weighed),
        "quantity": quantity,
        "price_inc_tax": as_number(unit_price(line.total_inc_tax, quantity)),
        "price_ex_tax": as_number(unit_price(line.total_ex_tax, quantity)),
    }
    if choice.match is not None:
        wired["product_id"] = choice.match.product_id
        if choice.match.variant_id is not None:
            wired["variant_id"] = choice.match.variant_id
    else:
        wired |= {name: value for name, value in (("sku", line.sku), ("upc", line.upc)) if value}
    decision = Decision(f"line {number}", choice.what, choice.why + (f"; sold as {_amount(line)}" if weighed else ""))
    return MappedLine(wired, decision, line.digital or bool(choice.match and choice.match.digital))


def _whole_quantity(line: Line) -> tuple[int, bool]:
    """The API's quantity is a whole number: 0.450 kg is one piece with the weight in its name."""
    whole = int(line.quantity)
    return (whole, False) if whole == line.quantity and whole >= 1 else (1, True)


def _amount(line: Line) -> str:
    return f"{format(line.quantity, 'f')} {line.unit or ''}".strip()


def line_name(line: Line, *, weighed: bool) -> str:
    """The line's name with its variant, its modifiers and, where it was weighed, its amount."""
    details = [text for text in (line.variant, *(modifier.name for modifier in line.modifiers)) if text]
    details += [_amount(line)] if weighed else []
    name = mask_cards(line.name).strip() or "Item"
    return bounded(f"{name} ({', '.join(details)})" if details else name, _LONGEST_NAME)


def subtotals(order: CanonicalOrder) -> Iterator[Decimal]:
    """The exact sums of the lines, including and excluding tax."""
    yield sum((line.total_inc_tax for line in order.lines), Decimal(0))
    yield sum((line.total_ex_tax for line in order.lines), Decimal(0))
