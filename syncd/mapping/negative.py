"""Goods that came back without a known sale, as an order with negative quantities, where the config wants that. Pure.

BigCommerce takes a negative quantity on POST, and no negative amount (docs issue 512, an engineer's own example of 2024-09-13): so
prices are positive, no override is sent, and the totals are read back. Custom lines only: stock is left alone.
"""

from __future__ import annotations

from pydantic import JsonValue

from syncd.canonical import CanonicalOrder
from syncd.canonical.money import total
from syncd.canonical.order import Line
from syncd.mapping import tenders
from syncd.mapping.addresses import billing_address
from syncd.mapping.create import head, head_decisions
from syncd.mapping.formats import as_number, unit_price
from syncd.mapping.lines import is_measured, line_name
from syncd.mapping.model import Held, Mapped, MappingNote, Matches, Payload
from syncd.mapping.rules import LIVE, Occasion, Rules, applied
from syncd.mapping.stamp import stamp

_CURE = "Enter it in BigCommerce by hand, then: syncd skip {key}"


def map_negative(order: CanonicalOrder, matches: Matches, rules: Rules, occasion: Occasion = LIVE) -> Mapped | Held:
    """Return the body of POST /v2/orders for a return without an original; or why there is none."""
    cure = _CURE.format(key=order.sale_key)
    lines = [line for line in order.lines if line.quantity or line.total_inc_tax]
    if not lines or any(line.quantity >= 0 or line.total_inc_tax > 0 for line in lines):
        return Held("a return that sells goods as well: no negative order says that", cure)
    if total(line.total_inc_tax for line in lines) != order.total_inc_tax or order.discounts or order.fees:
        return Held("a return whose lines do not make up its total: no negative order says that", cure)
    try:
        note = tenders.staff_notes(order, rules)
    except ValueError as error:
        return Held(str(error), cure)
    here = applied(order, rules, occasion)
    billing, billed = billing_address(order, here.default_address)
    wired: list[JsonValue] = [_line(line) for line in lines]
    payload: Payload = {
        **head(order, matches, rules, here),
        "staff_notes": note,
        "billing_address": billing,
        "products": wired,
        "order_is_digital": True,
    }
    why = 'no original sale is known, and unlinked_return = "negative_order"'
    decisions = (MappingNote("order", "negative quantities", why), billed, *head_decisions(order, matches, payload))
    return Mapped(payload, decisions, stamp(payload).to_json())


def _line(line: Line) -> dict[str, JsonValue]:
    """Whole pieces where their price comes out even; else one piece with the quantity in its name."""
    pieces = int(-line.quantity)
    whole = (
        pieces == -line.quantity
        and not is_measured(line)
        and all(unit_price(-amount, pieces) * pieces == -amount for amount in (line.total_inc_tax, line.total_ex_tax))
    )
    count = pieces if whole else 1
    sku: dict[str, JsonValue] = {"sku": line.sku} if line.sku else {}
    return {
        "name": line_name(line.model_copy(update={"quantity": -line.quantity}), weighed=not whole),
        "quantity": -count,
        "price_inc_tax": as_number(unit_price(abs(line.total_inc_tax), count)),
        "price_ex_tax": as_number(unit_price(abs(line.total_ex_tax), count)),
        **sku,
    }
