"""A sale as the payload of a new order. Pure.

The arithmetic, which BigCommerce's own follows
(https://developer.bigcommerce.com/docs/rest-management/orders): subtotal = the lines; total = subtotal + shipping + fees -
discount. Line prices have four places, so a line of three for 10.00 comes to 9.9999; ``subtotal_*`` and ``total_*``, always
given in pairs, carry the receipt's exact amounts, tax included.
"""

from __future__ import annotations

from email.utils import format_datetime

from pydantic import JsonValue

from syncd.canonical import CanonicalOrder
from syncd.canonical.money import to_minor
from syncd.canonical.order import Fulfilment, SaleStatus
from syncd.mapping import charges, tenders
from syncd.mapping.addresses import billing_address, location_rules, shipping_address
from syncd.mapping.amounts import as_text
from syncd.mapping.lines import MappedLine, map_lines, subtotals
from syncd.mapping.matches import Matches
from syncd.mapping.payload import Decision, Declined, Held, Mapped, Payload
from syncd.mapping.rules import Rules, status_id

_RETURN_CURE = "Enter the return in BigCommerce by hand (a refund of the original order), then: syncd skip {key}"


def map_create(order: CanonicalOrder, matches: Matches, rules: Rules) -> Mapped | Held | Declined:
    """The body of POST /v2/orders for a sale, with every decision; or why there is none."""
    if why := _unmappable(order):
        return Held(why, _RETURN_CURE.format(key=order.sale_key))
    lines = map_lines(order, matches, rules)
    if isinstance(lines, Declined):
        return lines
    if not lines and not order.fees:
        return Held("it has no line that sells anything", f"Look at it in the POS, then: syncd skip {order.sale_key}")
    billing, billed = billing_address(order, rules)
    goods, delivered = _goods(order, rules, lines, billing)
    fees = list(charges.fees(order))
    payload: Payload = {
        **_head(order, matches, rules),
        **_money(order),
        "billing_address": billing,
        **goods,
        **charges.delivery(order),
    }
    if fees:
        payload["fees"] = [fee for fee, _ in fees]
    decisions = [*(line.decision for line in lines), *(decision for _, decision in fees), billed, delivered]
    return Mapped(payload, (*decisions, *_head_decisions(order, matches, payload)))


def _unmappable(order: CanonicalOrder) -> str:
    if order.returns_of or order.total_inc_tax < 0:
        return "a return: BigCommerce has no order for goods that came back"
    if any(line.quantity < 0 or line.total_inc_tax < 0 for line in order.lines):
        return "it holds returned goods beside sold ones, which one order cannot say"
    if charges.discount(order) < 0:
        return "its discounts would raise the total, which BigCommerce does not take"
    return ""


def _head(order: CanonicalOrder, matches: Matches, rules: Rules) -> Payload:
    place = location_rules(order, rules)
    head: Payload = {
        "external_order_id": order.sale_key,
        "external_source": rules.external_source or "POS",
        "status_id": status_id(order.status, rules),
        "channel_id": place.channel_id or rules.channel_id,
        "customer_id": matches.customer_id or 0,
        "date_created": format_datetime(order.placed_at),
        "default_currency_code": order.currency,
        "staff_notes": tenders.staff_notes(order),
    }
    method = tenders.payment_method(order)
    return head | ({"payment_method": method} if method else {})


def _money(order: CanonicalOrder) -> Payload:
    inc_tax, ex_tax = (to_minor(amount, order.currency) for amount in subtotals(order))
    money: dict[str, JsonValue] = {
        "subtotal_inc_tax": as_text(inc_tax),
        "subtotal_ex_tax": as_text(ex_tax),
        "total_inc_tax": as_text(order.total_inc_tax),
        "total_ex_tax": as_text(order.total_inc_tax - order.total_tax),
    }
    taken = charges.discount(order)
    return money | ({"discount_amount": as_text(taken)} if taken else {})


def _goods(
    order: CanonicalOrder, rules: Rules, lines: list[MappedLine], billing: dict[str, JsonValue]
) -> tuple[Payload, Decision]:
    """The products with the way in which they reach the customer; consignments exclude products and shipping addresses."""
    wired: list[JsonValue] = [line.wired for line in lines]
    if order.fulfilment is Fulfilment.DIGITAL or (lines and all(line.digital for line in lines)):
        return {"products": wired, "order_is_digital": True}, Decision("delivery", "none", "every line is digital")
    if order.fulfilment is Fulfilment.PICKUP and rules.pickup_method_id is not None:
        pickup: dict[str, JsonValue] = {"pickup_method_id": rules.pickup_method_id, "line_items": wired}
        pickup["pickup_method_display_name"] = "Pick-up in store"
        return {"consignments": {"pickups": [pickup]}}, Decision("delivery", "pick-up", "the sale is to be picked up")
    method = "Pick-up in store" if order.fulfilment is Fulfilment.PICKUP else rules.shipping_method
    address = {**shipping_address(order, rules, billing), "shipping_method": method}
    why = (
        "the goods are shipped"
        if order.fulfilment is Fulfilment.SHIP
        else "physical goods need an address and a method"
    )
    return {"products": wired, "shipping_addresses": [address]}, Decision("delivery", method, why)


def _head_decisions(order: CanonicalOrder, matches: Matches, payload: Payload) -> tuple[Decision, ...]:
    customer = f"customer {matches.customer_id}" if matches.customer_id else "guest"
    if matches.customer_id:
        found = "the store knows the e-mail"
    elif order.customer and order.customer.email:
        found = "the store does not know the e-mail"
    else:
        found = "the sale names no e-mail"
    status = f"status {payload['status_id']}"
    return (Decision("customer", customer, found), Decision("status", status, f"the sale is {order.status.value}"))


def map_cancel(rules: Rules) -> Mapped:
    """The body of PUT /v2/orders/{id} for a sale that was voided after it was pushed."""
    number = status_id(SaleStatus.VOIDED, rules)
    return Mapped({"status_id": number}, (Decision("status", f"status {number}", "voided in the POS"),))


def map_status(order: CanonicalOrder, rules: Rules) -> Mapped:
    """The body of PUT /v2/orders/{id} for a sale whose status alone has changed (a refund is a label there)."""
    number = status_id(order.status, rules)
    return Mapped({"status_id": number}, (Decision("status", f"status {number}", f"the sale is {order.status.value}"),))
