"""Merge the lines of an edited sale into an order that staff may have changed too: pair the lines, then change them. Pure.

What one of the two left alone, the other may change. Three things are compared, line by line: what the order was last told
(digests in its stamp), what it says now, and what the sale says now. Only where the sale *and* staff changed the same line must a
person look.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import reduce
from operator import and_
from typing import Any

from pydantic import JsonValue

from syncd.canonical.money import ZERO, parse_decimal, round_to
from syncd.mapping.model import Payload, RemoteLine
from syncd.mapping.stamp import SIGN, payload_lines, sign_line, sign_wired_line, text_mark


@dataclass(slots=True)
class Merged:
    """The lines to send, whether staff's lines stay beside them, and the names of those that both sides changed.

    ``inc_tax`` and ``ex_tax`` are what staff's lines add to the sale's own totals, or take from them.
    """

    lines: list[JsonValue] = field(default_factory=list)
    keeps_theirs: bool = False
    conflicts: list[str] = field(default_factory=list)
    inc_tax: Decimal = ZERO
    ex_tax: Decimal = ZERO

    def keep(self, theirs: RemoteLine | None, wanted: Mapping[str, Any] | None) -> None:
        """Leave a line as staff have it: one that they added, changed, or took away."""
        self.keeps_theirs = True
        if theirs is not None:
            self.inc_tax += theirs.price_inc_tax * theirs.quantity
            self.ex_tax += theirs.price_ex_tax * theirs.quantity
        if wanted is not None:
            self.inc_tax -= shown_amount(wanted["price_inc_tax"]) * wanted["quantity"]
            self.ex_tax -= shown_amount(wanted["price_ex_tax"]) * wanted["quantity"]


def merge_lines(
    wanted: Sequence[Mapping[str, Any]], there: Sequence[RemoteLine], told: Sequence[Sequence[str]] | None
) -> Merged:
    """Return changed lines with their id, new ones without, removed ones with quantity 0.

    ``told`` are the digests of the lines of everything that the order may have been made to say, the last certain word first; None
    where that is not known, or does not matter: then every line becomes the sale's.
    """
    pairs, added, removed = pair_lines(wanted, there)
    if told is None:
        return Merged([*_brought_in_line(pairs), *map(dict, added), *map(removal, removed)])
    own = {sign[:SIGN] for lines in told for sign in lines} | {sign_wired_line(line) for line in wanted}
    base = Counter(sign[:SIGN] for sign in told[0])
    texts = {sign[SIGN:] for sign in told[0]}
    # Lines that staff changed or took away: those of every version that the order may have been made to say, for what only some of
    # them hold we may have taken away ourselves.
    sure = reduce(and_, (Counter(sign[:SIGN] for sign in lines) for lines in told))
    gone = sure - Counter(sign_line(found) for found in there)
    merged = Merged()
    for line, found in pairs:
        rename = text_mark(line) not in texts
        if is_same(line, found):
            if rename and found.product_id:  # a custom line's name is part of what it is
                merged.lines.append(patched(line, found, rename=True))
            continue
        if sign_line(found) in own:
            merged.lines.append(patched(line, found, rename=rename))
        elif sign_wired_line(line) in base:
            merged.keep(found, line)
            gone[sign_wired_line(line)] -= 1
        else:
            merged.conflicts.append(str(line["name"]))
    _add(merged, added, gone)
    theirs = [found for found in removed if sign_line(found) not in own]
    merged.lines += [removal(found) for found in removed if sign_line(found) in own]
    for found in theirs:
        merged.keep(found, None)
    if theirs and sum(gone.values()) > 0:  # one of them may be a line that the sale no longer has
        merged.conflicts += [found.name for found in theirs]
    return merged


def _add(merged: Merged, added: Sequence[Mapping[str, Any]], gone: Counter[str]) -> None:
    """Add the sale's new lines, but for those that staff took away."""
    for line in added:
        sign = sign_wired_line(line)
        if gone[sign] > 0:
            merged.keep(None, line)
            gone[sign] -= 1
        else:
            merged.lines.append(dict(line))


def _brought_in_line(pairs: Pairs) -> list[JsonValue]:
    """Return a change for each line that is not what the sale says, whoever made it so."""
    changed = [(line, there) for line, there in pairs if not is_same(line, there) or str(line["name"]) != there.name]
    return [patched(line, there, rename=True) for line, there in changed]


def patched(line: Mapping[str, Any], there: RemoteLine, *, rename: bool) -> JsonValue:
    """Return a change of a line that stays the kind of line that it is; the API wants both names of a line with it.

    A product keeps the name that the order has for it, unless the sale's own text has changed (``rename``).
    """
    name = there.name if there.product_id and there.name and not rename else line["name"]
    said = ("quantity", "price_inc_tax", "price_ex_tax")
    patch: dict[str, JsonValue] = {
        "id": there.id,
        "name": name,
        **{part: line[part] for part in said},
        "name_merchant": name,
        **({"name_customer": name} if name else {}),  # nothing enforces it; an empty one would be refused
    }
    if there.product_id:
        patch["product_id"] = there.product_id
        if there.variant_id:
            patch["variant_id"] = there.variant_id
        if line.get("product_options"):
            patch["product_options"] = line["product_options"]
    else:
        patch |= {part: line[part] for part in ("sku", "upc") if line.get(part)}
    return patch


def removal(there: RemoteLine) -> JsonValue:
    """Return a line that is taken away: quantity 0, whichever of its two answers the API gives to it."""
    patch: dict[str, JsonValue] = {"id": there.id, "quantity": 0}
    return patch | ({"product_id": there.product_id} if there.product_id else {})


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
    """Return an amount as an order shows it: four places; none is zero."""
    return four_places(parse_decimal(str(value))) if value not in (None, "") else Decimal(0)


def four_places(amount: Decimal) -> Decimal:
    """Return an amount at four places."""
    return round_to(amount, _FOUR_PLACES)


def keep_kinds(payload: Payload, there: Sequence[RemoteLine]) -> Payload:
    """Return ``payload`` with each line of the kind that the order has it as: a custom one stays custom, a product a product."""
    pairs, added, _ = pair_lines(payload_lines(payload), there)
    if all(bool(line.get("product_id")) == bool(found.product_id) for line, found in pairs):
        return payload
    kept = {id(line): _as_there(line, found) for line, found in pairs} | {id(line): dict(line) for line in added}
    lines: list[JsonValue] = [kept[id(line)] for line in payload_lines(payload)]
    if "products" in payload:
        return {**payload, "products": lines}
    consignments: Any = payload["consignments"]
    return {**payload, "consignments": {"pickups": [{**consignments["pickups"][0], "line_items": lines}]}}


def _as_there(line: Mapping[str, Any], there: RemoteLine) -> dict[str, JsonValue]:
    if bool(line.get("product_id")) == bool(there.product_id):
        return dict(line)
    named = ("product_id", "variant_id", "product_options", "sku", "upc")
    kept: dict[str, JsonValue] = {name: value for name, value in line.items() if name not in named}
    if not there.product_id:
        return kept | ({"sku": there.sku} if there.sku else {})
    return kept | {"product_id": there.product_id} | ({"variant_id": there.variant_id} if there.variant_id else {})
