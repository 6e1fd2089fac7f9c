"""Product lines: those of the catalog where the SKU is known, else custom ones that never enter it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from pydantic import JsonValue

from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import LineKind
from syncd.canonical.money import minor, total
from syncd.canonical.order import Fee, Line
from syncd.mapping.formats import as_number, bounded, folded, normal_code, unit_price
from syncd.mapping.model import CatalogMatch, MappingNote, Matches, RequiredModifier, Unmappable
from syncd.mapping.rules import Rules, Stock

_LONGEST_NAME = 250
_NEVER_CATALOG = {LineKind.GIFT_CARD, LineKind.DEPOSIT}
Wired = dict[str, JsonValue]


class MappedLine(NamedTuple):
    """A product line of the payload, what it was decided by, and whether it needs no delivery."""

    wired: Wired
    decision: MappingNote
    digital: bool


class _Choice(NamedTuple):
    match: CatalogMatch | None
    what: str
    why: str
    options: tuple[tuple[int, str], ...] = ()
    short: bool = False


Sold = tuple[tuple[int, Line], ...]


def sold(order: CanonicalOrder) -> Sold:
    """Return the lines that sell something, with their place on the receipt: no comments, returned goods or redeemed deposits."""
    return tuple(
        (number, line)
        for number, line in enumerate(order.lines, start=1)
        if (line.quantity or line.total_inc_tax) and not lowers_total(line)
    )


def lowers_total(line: Line) -> bool:
    """Whether a line lowers the total: goods that came back, or a deposit that is redeemed."""
    return line.quantity < 0 or line.total_inc_tax < 0


def map_lines(
    order: CanonicalOrder, lines: Sold, matches: Matches, rules: Rules, stock: Stock
) -> list[MappedLine] | Unmappable:
    """``lines`` of a sale, at the amounts that they carry; Declined where a rule refuses an unknown SKU."""
    mapped: list[MappedLine] = []
    unknown: list[str] = []
    for number, line in lines:
        choice = _choose(line, matches, stock, rules.gift_card_sku)
        code, strict = line.sku or line.upc, stock == "bigcommerce" and rules.unknown_sku == "reject"
        if strict and code and choice.match is None and not choice.short:
            unknown.append(code)
        mapped.append(_line(number, line, choice, (rules, order.currency)))
    if unknown:
        why = f'the catalog has no product for {", ".join(sorted(set(unknown)))}, and unknown_sku is "reject"'
        return Unmappable(
            why, f'Add it to the catalog or set unknown_sku = "custom", then: syncd retry {order.sale_key}'
        )
    return mapped


def _choose(line: Line, matches: Matches, stock: Stock, gift_card_sku: str | None) -> _Choice:
    if line.kind is LineKind.GIFT_CARD and gift_card_sku is not None and stock == "bigcommerce":
        line = line.model_copy(update={"kind": LineKind.PRODUCT, "sku": gift_card_sku, "upc": None})
    if line.kind in _NEVER_CATALOG:
        return _Choice(None, "custom line", f"a {line.kind.value.replace('_', ' ')} is no catalog product")
    if stock == "elsewhere":
        return _Choice(None, "custom line", 'stock = "elsewhere": a catalog line would move BigCommerce\'s stock')
    match, named = _matched(line, matches)
    if match is None:
        return _Choice(None, "custom line", named)
    if (why := matches.short.get(match.product_id)) is not None:
        return _Choice(None, "custom line", f"product {match.product_id}: {why}", short=True)
    options = _answers(line, match)
    if isinstance(options, RequiredModifier):
        why = f"product {match.product_id} requires {options.name!r}, which the sale does not say"
        return _Choice(None, "custom line", why)
    where = f"product {match.product_id}" + (f", variant {match.variant_id}" if match.variant_id else "")
    return _Choice(match, where, f"{named} is in the catalog", options)


def _matched(line: Line, matches: Matches) -> tuple[CatalogMatch | None, str]:
    """Return the catalog's variant for a line and by which code it was found; else None and why."""
    for code, label, known in ((line.sku, "SKU", matches.by_sku), (line.upc, "UPC", matches.by_upc)):
        if not code:
            continue
        normal = normal_code(code)
        if (alias := matches.aliases.get(normal)) and (match := matches.by_sku.get(alias)):
            return match, f"{label} {code}, an alias of {alias},"
        if match := known.get(normal):
            return match, f"{label} {code}"
    return None, f"the catalog has no {line.sku or line.upc}" if line.sku or line.upc else "it has no SKU"


def _answers(line: Line, match: CatalogMatch) -> tuple[tuple[int, str], ...] | RequiredModifier:
    """Return what a line says to each required modifier of its product; the first that it cannot answer otherwise."""
    if not match.required:
        return ()
    answers: list[tuple[int, str]] = []
    said = {modifier.name.strip().casefold() for modifier in line.modifiers}
    for modifier in match.required:
        chosen = [choice for choice in modifier.choices if _says(said, modifier.name, choice.label)]
        default = [choice for choice in modifier.choices if choice.default]
        if modifier.free_text and (line.note or line.serials):
            answers.append((modifier.id, line.note or ", ".join(line.serials)))
        elif chosen or default:
            answers.append((modifier.id, str((chosen or default)[0].id)))
        else:
            return modifier
    return tuple(answers)


def _says(said: set[str], name: str, label: str) -> bool:
    value = label.strip().casefold()
    return value in said or f"{name.strip().casefold()}: {value}" in said


def _line(number: int, line: Line, choice: _Choice, by: tuple[Rules, str]) -> MappedLine:
    rules, currency = by
    quantity, weighed = _whole_quantity(line, currency, in_catalog=choice.match is not None)
    wired: Wired = {
        "name": line_name(line, weighed=weighed),
        "quantity": quantity,
        "price_inc_tax": as_number(unit_price(line.total_inc_tax, quantity)),
        "price_ex_tax": as_number(unit_price(line.total_ex_tax, quantity)),
    }
    if choice.match is not None:
        wired |= _product(choice.match, choice.options, rules)
    else:
        wired |= {name: value for name, value in (("sku", line.sku), ("upc", line.upc)) if value}
    as_one = (
        ""
        if is_measured(line) or not weighed
        else f", for a price of four places would not come to {line.total_inc_tax}"
    )
    decision = MappingNote(
        f"line {number}", choice.what, choice.why + (f"; sold as {amount(line)}{as_one}" if weighed else "")
    )
    return MappedLine(wired, decision, line.digital or bool(choice.match and choice.match.digital))


def _product(match: CatalogMatch, answers: Iterable[tuple[int, str]], rules: Rules) -> Wired:
    options: list[JsonValue] = [{"id": option, "value": value} for option, value in answers]
    by_options = rules.variants_by == "product_options" and match.options
    if by_options:
        of_variant: list[JsonValue] = [{"id": option, "value": str(value)} for option, value in match.options]
        options = of_variant + options
    wired: Wired = {"product_id": match.product_id}
    if match.variant_id is not None and not by_options:
        wired["variant_id"] = match.variant_id
    return wired | ({"product_options": options} if options else {})


def fee_line(fee: Fee, name: str, why: str) -> MappedLine:
    """Return a fee as a line of its own."""
    wired: Wired = {
        "name": name,
        "quantity": 1,
        "price_inc_tax": as_number(unit_price(fee.total_inc_tax, 1)),
        "price_ex_tax": as_number(unit_price(fee.total_ex_tax, 1)),
    }
    return MappedLine(wired, MappingNote(name, "custom line", f"a {fee.kind.value}; {why}"), True)


def _whole_quantity(line: Line, currency: str, *, in_catalog: bool) -> tuple[int, bool]:
    """Return a whole quantity, as the API wants it: 0.450 kg is one piece with the weight in its name, and so are 3 kg.

    So are pieces so many that their price at four places no longer comes to the line's total; those of the catalog stay apart,
    for their stock is counted, and the order's subtotals carry what their price loses.
    """
    whole = int(line.quantity)
    if whole != line.quantity or whole < 1 or is_measured(line):
        return 1, True
    sides = line.total_inc_tax, line.total_ex_tax
    if whole == 1:
        drifts = not in_catalog and any(minor(side, currency) != side for side in sides)
    else:
        drifts = not in_catalog and any(minor(unit_price(side, whole) * whole, currency) != side for side in sides)
    return (1, True) if drifts else (whole, False)


_PIECES = frozenset(
    {
        "",
        "each",
        "ea",
        "pc",
        "pcs",
        "pce",
        "piece",
        "pieces",
        "unit",
        "units",
        "item",
        "items",
        "count",
        "ct",
        "qty",
        "no",
        "nos",
    }
    | {
        "stk",
        "st",
        "stuck",
        "stueck",
        "piece s",
        "pieza",
        "piezas",
        "unidad",
        "unidades",
        "ud",
        "uds",
        "pezzo",
        "pezzi",
        "stuks",
        "szt",
    }
)


def is_measured(line: Line) -> bool:
    """Whether a quantity is a measure (a weight, a length) and no number of pieces."""
    return folded(line.unit or "") not in _PIECES


def amount(line: Line) -> str:
    """``0.45 kg``."""
    return f"{format(line.quantity, 'f')} {line.unit or ''}".strip()


def line_name(line: Line, *, weighed: bool) -> str:
    """Return the line's name with its variant, its modifiers and, where it was weighed, its amount."""
    details = [line.variant] if line.variant else []
    details += [modifier.name for modifier in line.modifiers if modifier.name]
    details += [amount(line)] if weighed else []
    name = line.name.strip() or "Item"
    return bounded(f"{name} ({', '.join(details)})" if details else name, _LONGEST_NAME)


def subtotals(lines: Sold, as_lines: Iterable[Fee]) -> tuple[Decimal, Decimal]:
    """Return the exact sums of what is sold, fees that go as lines among it: including and excluding tax."""
    parts: list[Line | Fee] = [*(line for _, line in lines), *as_lines]
    return total(part.total_inc_tax for part in parts), total(part.total_ex_tax for part in parts)
