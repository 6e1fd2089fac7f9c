"""A sale as the payload of a new order. Pure.

The arithmetic, which BigCommerce's own follows
(https://developer.bigcommerce.com/docs/rest-management/orders): subtotal = the lines; total = subtotal + shipping + fees. What
lowers the sale as a whole is in the lines' prices already (see ``spread``). Line prices have four places, so a line of three for
10.00 comes to 9.9999; ``subtotal_*`` and ``total_*``, always given in pairs, carry the receipt's exact amounts, tax included.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from decimal import Decimal
from email.utils import format_datetime
from functools import partial

from pydantic import JsonValue

from syncd.canonical import CanonicalOrder
from syncd.canonical.cards import CARD_MASK
from syncd.canonical.kinds import Fulfilment, TenderStatus
from syncd.canonical.money import format_money
from syncd.canonical.order import Line
from syncd.canonical.sale_key import sent_key
from syncd.mapping import charges, tenders
from syncd.mapping.addresses import billing_address, shipping_address, unshippable
from syncd.mapping.charges import spread, taken_off
from syncd.mapping.formats import as_text, bounded, status_words
from syncd.mapping.lines import MappedLine, fee_line, map_lines, subtotals
from syncd.mapping.model import Held, Mapped, MappingNote, Matches, Payload, Unmappable
from syncd.mapping.rules import LIVE, AppliedRules, Occasion, Rules, applied
from syncd.mapping.stamp import stamp

_LONGEST = {"code": 50, "postal_code": 50, "phone": 125}
_LONGEST_MESSAGE = 2_000  # as the checkout takes it; no text says what the Orders API takes
_RETURN_CURE = "Enter the return in BigCommerce by hand (a refund of the original order), then: syncd skip {key}"
_SHIP_CURE = "Correct the address in the POS; or enter the order in BigCommerce by hand, then: syncd skip {key}"
_NOTE_CURE = "Mend note_template in the config, then: syncd release {key}"


def map_create(
    order: CanonicalOrder, matches: Matches, rules: Rules, occasion: Occasion = LIVE
) -> Mapped | Held | Unmappable:
    """Return the body of POST /v2/orders for a sale, with every decision; or why there is none."""
    taken = taken_off(order)
    if held := _unmappable(order, taken):
        return held
    here, made = applied(order, rules, occasion), spread(order)
    if not_sent := unshippable(order, here.default_address):
        return Held(f"it is to be shipped, and {not_sent}", _SHIP_CURE.format(key=order.sale_key))
    lines = map_lines(order, made.lines, matches, rules, here.stock)
    if isinstance(lines, Unmappable):
        return lines
    lines = [
        _told_lowered(mapped, number, line, order) for mapped, (number, line) in zip(lines, made.lines, strict=False)
    ]
    as_lines = charges.as_lines(made, rules)
    lines += [fee_line(fee, charges.fee_name(fee), charges.why_line(fee, made, rules)) for fee in as_lines]
    if not lines:
        return Held("it has no line that sells anything", f"Look at it in the POS, then: syncd skip {order.sale_key}")
    try:
        note = tenders.staff_notes(order, rules)
    except ValueError as error:
        return Held(str(error), _NOTE_CURE.format(key=order.sale_key))
    billing, billed = billing_address(order, here.default_address)
    goods, delivered = _goods(order, here, lines, billing)
    fees = list(charges.fees(made, as_lines, rules))
    payload: Payload = {
        **head(order, matches, rules, here),
        "staff_notes": note,
        **_money(order, subtotals(made.lines, as_lines)),
        **charges.discount_shown(taken, rules),
        "billing_address": billing,
        **goods,
        **charges.delivery(made),
    }
    if fees:
        payload["fees"] = [fee for fee, _ in fees]
    decisions = [*(line.decision for line in lines), *(decision for _, decision in fees)]
    decisions += [*charges.discount_decisions(order, made, rules), billed, delivered]
    of_head = partial(head_decisions, order, matches, payload)
    return Mapped(payload, tuple(decisions), stamp(payload).to_json(), rest=of_head)


def _told_lowered(mapped: MappedLine, number: int, line: Line, order: CanonicalOrder) -> MappedLine:
    """Add the reason to a line why its price is another one than on the receipt, if it is."""
    before = order.lines[number - 1].total_inc_tax
    if before == line.total_inc_tax:
        return mapped
    shown = [format_money(one, order.currency) for one in (before, line.total_inc_tax)]
    why = f"{mapped.decision.why}; {shown[0]} on the receipt, {shown[1]} with its share of what changes the whole"
    return mapped._replace(decision=mapped.decision._replace(why=why))


def _unmappable(order: CanonicalOrder, taken: Decimal) -> Held | None:
    key = order.sale_key
    if order.returns_of or order.total_inc_tax < 0:
        return Held("a return that has no order of its own in BigCommerce", _RETURN_CURE.format(key=key))
    if taken < 0:
        return Held(
            "its discounts would raise the total, which BigCommerce does not take", _RETURN_CURE.format(key=key)
        )
    if order.total_tax < 0 or order.total_tax > order.total_inc_tax:
        why = "its tax lies outside its total (goods that came back were taxed otherwise), which BigCommerce does not take"
        return Held(why, _RETURN_CURE.format(key=key))
    return None


def head(order: CanonicalOrder, matches: Matches, rules: Rules, here: AppliedRules) -> Payload:
    """Return what every order says of itself, whatever it sells."""
    said: Payload = {
        "external_order_id": sent_key(order.sale_key, rules.longest_key),
        "external_source": here.external_source,
        "status_id": here.status_id(order.status),
        "channel_id": here.channel_id,
        "customer_id": matches.customer_id or 0,
        "date_created": format_datetime(order.placed_at.astimezone(UTC)),
        "default_currency_code": order.currency,
    }
    if rules.customer_locale is not None:
        said["customer_locale"] = rules.customer_locale
    if rules.note_for == "customer" and order.note.strip():
        said["customer_message"] = bounded(order.note.strip(), _LONGEST_MESSAGE)
    method = tenders.payment_method(order, rules)
    return said | ({"payment_method": method} if method else {})


def _money(order: CanonicalOrder, sums: tuple[Decimal, Decimal]) -> Payload:
    inc_tax, ex_tax = sums
    return {
        "subtotal_inc_tax": as_text(inc_tax),
        "subtotal_ex_tax": as_text(ex_tax),
        "total_inc_tax": as_text(order.total_inc_tax),
        "total_ex_tax": as_text(order.total_inc_tax - order.total_tax),
    }


def _goods(
    order: CanonicalOrder, here: AppliedRules, lines: list[MappedLine], billing: dict[str, JsonValue]
) -> tuple[Payload, MappingNote]:
    """Return the products with the way in which they reach the customer; consignments exclude products and shipping addresses."""
    wired: list[JsonValue] = [line.wired for line in lines]
    if order.fulfilment is Fulfilment.DIGITAL or all(line.digital for line in lines):
        return {"products": wired, "order_is_digital": True}, MappingNote("delivery", "none", "every line is digital")
    if order.fulfilment is Fulfilment.PICKUP and here.pickup_method_id is not None:
        pickup = _pickup(order, here, wired)
        return {"consignments": {"pickups": [pickup]}}, MappingNote(
            "delivery", "pick-up", "the sale is to be picked up"
        )
    method = (
        "Pick-up in store" if order.fulfilment is Fulfilment.PICKUP else order.shipping_method or here.shipping_method
    )
    address = {**shipping_address(order, here.default_address, billing), "shipping_method": method}
    why = (
        "the goods are shipped"
        if order.fulfilment is Fulfilment.SHIP
        else "physical goods need an address and a method"
    )
    return {"products": wired, "shipping_addresses": [address]}, MappingNote("delivery", method, why)


def _pickup(order: CanonicalOrder, here: AppliedRules, lines: list[JsonValue]) -> dict[str, JsonValue]:
    shop = here.default_address
    location = {
        "name": order.location.label if order.location else shop.company,
        "code": order.location.id if order.location else "",
        "address_line_1": shop.street_1,
        "address_line_2": shop.street_2,
        "city": shop.city,
        "state": shop.state,
        "postal_code": shop.zip,
        "country_alpha2": shop.country_iso2,
        "email": shop.email,
        "phone": shop.phone,
    }
    return {
        "pickup_method_id": here.pickup_method_id,
        "pickup_method_display_name": "Pick-up in store",
        "location": {name: _within(name, value) for name, value in location.items() if value},
        "line_items": lines,
    }


def _within(name: str, value: str) -> str:
    """Return a field of a pick-up's location within its length (``maxLength`` of the OpenAPI file); a code stays one of its own."""
    return sent_key(value, _LONGEST["code"]) if name == "code" else bounded(value, _LONGEST.get(name, 255))


def head_decisions(order: CanonicalOrder, matches: Matches, payload: Payload) -> tuple[MappingNote, ...]:
    """Why it says so."""
    customer = f"customer {matches.customer_id}" if matches.customer_id else "guest"
    if matches.customer_id:
        found = f"the store knows the {matches.customer_found_by or 'e-mail'}"
    elif order.customer and order.customer.email:
        found = "the store does not know the e-mail"
    else:
        found = "the sale names no e-mail"
    return (
        *_told_texts(order, payload),
        MappingNote("customer", customer, found),
        MappingNote("status", status_words(int(str(payload["status_id"]))), f"the sale is {order.status.value}"),
        MappingNote("channel", f"channel {payload['channel_id']}", "by location, source or store, in this order"),
        MappingNote("external source", str(payload["external_source"]), "by source, else by store"),
        MappingNote("date", str(payload["date_created"]), f"the sale's time, {order.placed_at.isoformat()}, in UTC"),
        _told_payment(order, payload),
    )


def _told_payment(order: CanonicalOrder, payload: Payload) -> MappingNote:
    captured = [one for one in order.tenders if one.status is TenderStatus.CAPTURED]
    if not captured:
        return MappingNote("payment method", "none", "the sale names no tender")
    why = "each captured tender, named once, by tender_names, else by its card, else by the till's word"
    if any(one.amount < 0 for one in captured) and any(one.amount > 0 for one in captured):
        why += "; what was given back over the counter is left out"
    return MappingNote("payment method", str(payload.get("payment_method") or "none"), why)


def _told_texts(order: CanonicalOrder, payload: Payload) -> Iterator[MappingNote]:
    """Yield what became of the key, the notes and the card numbers in them."""
    key = str(payload["external_order_id"])
    if key != order.sale_key:
        yield MappingNote("key", key, f"{order.sale_key} is longer than the store keeps")
    if "customer_message" in payload:
        yield MappingNote("note", "the order's comment", 'the customer reads it: note_for = "customer"')
    if order.tips_in_note:
        yield MappingNote(
            "tips", "in the staff note alone", f'{format_money(order.tips_in_note, order.currency)}: tips = "note"'
        )
    if "customer_locale" in payload:
        yield MappingNote("language", str(payload["customer_locale"]), "customer_locale of the store")
    if CARD_MASK in order.to_json():
        yield MappingNote("card numbers", "masked", "a text of the till held one; its last four digits are kept")
