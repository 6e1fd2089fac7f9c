"""A sale as the calls of a Management Checkout: cart, address, delivery, charges, message, and what is compared. Pure.

The store works the totals out from these, by its own rules; they are compared with the till's before an order exists.
Sources: https://developer.bigcommerce.com/docs/rest-management/carts and .../checkouts. Prices of a cart are on the side of tax
that the store prices in, a piece; whether more places than the currency's are kept is not documented, so none are sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_DOWN, Decimal

from msgspec import Struct
from pydantic import JsonValue

from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import Fulfilment
from syncd.canonical.money import minor_unit, total
from syncd.canonical.order import Discount, Fee, Line
from syncd.canonical.sale_key import sent_key
from syncd.mapping.addresses import billing_address, shipping_address
from syncd.mapping.charges import fee_name, spread
from syncd.mapping.lines import MappedLine, map_lines
from syncd.mapping.model import MappingNote, Matches, Payload, Unmappable
from syncd.mapping.rules import AppliedRules, Occasion, Rules, applied
from syncd.mapping.workflow import WorkflowChoice, choose_workflow, is_issued

_LONGEST_MESSAGE = 2_000
_PHONE = re.compile(r"\+?[1-9]\d{1,14}")
_CERTIFICATE = (Decimal(1), Decimal(1000))
_FINISHED = ("external_order_id", "external_source", "customer_id", "staff_notes", "payment_method", "status_id")
_KEY_AT_END = re.compile(r"\(([A-Za-z0-9][A-Za-z0-9_.-]{0,62}:.+)\)\s*$", re.DOTALL)


class CheckoutPlan(Struct, frozen=True):
    """The bodies of the calls that a sale needs, in the order of its fields; None where a call is not needed.

    ``delivery`` lacks the lines, whose ids the store gives; ``shipping`` is empty where one of the offered options is chosen:
    ``offered`` names it, with its cost. ``total`` and ``tax`` are the till's, in major units.
    """

    cart: Payload
    billing: Payload
    delivery: Payload | None
    shipping: Payload | None
    discounts: Payload | None
    coupons: tuple[str, ...]
    fees: Payload | None
    message: Payload
    total: Decimal
    tax: Decimal
    lines: tuple[tuple[str, Decimal], ...]  # each line's name and its amount, for the words about a difference
    offered: tuple[str, Decimal] | None = None
    notes: tuple[MappingNote, ...] = ()


def map_checkout(
    order: CanonicalOrder, matches: Matches, rules: Rules, occasion: Occasion, *, includes_tax: bool
) -> CheckoutPlan | WorkflowChoice:
    """Return the calls that make a sale's order, or the choice of the Orders API with its reason.

    ``includes_tax``: whether the store's prices include tax.
    """
    here = applied(order, rules, occasion)
    if here.workflow == "orders":
        return WorkflowChoice("orders", 'workflow = "orders"')
    codes = _codes(order, rules)
    priced = _before(order, [one for one in order.discounts if one.code in codes])
    made = spread(priced)
    lines = map_lines(order, made.lines, matches, rules, here.stock)
    if isinstance(lines, Unmappable):
        return WorkflowChoice("orders", lines.why)
    choice = choose_workflow(order, lines, rules, occasion)
    if choice.workflow == "orders":
        return choice
    issued = [place for place, (_, line) in enumerate(made.lines) if is_issued(line, rules)]
    billing, _ = billing_address(order, here.default_address)
    certificates = [_certificate(made.lines[place][1], order, billing, lines[place]) for place in issued]
    if any(one is None for one in certificates):
        why = "a gift certificate needs the customer's name and e-mail, and an amount of 1 to 1000"
        return WorkflowChoice("orders", why, held=rules.checkout.otherwise == "hold")
    side = "total_inc_tax" if includes_tax else "total_ex_tax"
    goods = [
        (lines[place], getattr(line, side), line) for place, (_, line) in enumerate(made.lines) if place not in issued
    ]
    carried = made.delivery if _is_shipped(order, lines) else ()
    cost: Decimal = total(getattr(fee, side) for fee in carried)
    delivery, shipping, offered, told = _delivery(order, rules, here, (billing, cost, lines))
    return CheckoutPlan(
        cart=_cart(order, here, goods, [one for one in certificates if one is not None]),
        billing=as_v3(billing),
        delivery=delivery,
        shipping=shipping,
        discounts={"cart": {"discounts": [{"discounted_amount": 0}]}} if rules.checkout.promotions == "strip" else None,
        coupons=codes,
        fees=_fees([*made.fees, *(() if carried else made.delivery)], side, rules),
        message={"customer_message": message_of(order, rules)},
        total=order.total_inc_tax,
        tax=order.total_tax,
        lines=tuple((str(mapped.wired["name"]), amount) for mapped, amount, _ in goods),
        offered=offered,
        notes=(MappingNote("workflow", "checkout", choice.why), told),
    )


def message_of(order: CanonicalOrder, rules: Rules) -> str:
    """Return the message of a checkout: the receipt, and the sale's key, by which a lost ledger finds the draft."""
    key = sent_key(order.sale_key, rules.longest_key)
    return f"POS receipt {order.number or order.sale_id} ({key})"[-_LONGEST_MESSAGE:]


def key_in(message: str) -> str | None:
    """Return the key that ``message_of`` wrote; None where there is none."""
    found = _KEY_AT_END.search(message)
    return found[1] if found else None


def finish_body(created: Payload, *, without: Sequence[str] = (), totals: bool = False) -> Payload:
    """Return the PUT that makes a draft the sale's order, from the payload of a create.

    ``without`` names fields that the store does not take there; ``totals`` states the till's amounts as well, in pairs.
    """
    names = (*_FINISHED, "date_created", *(_PAIRS if totals else ()))
    body = {name: created[name] for name in names if name in created and name not in without}
    return body | {"customer_message": created.get("customer_message", "")}


_PAIRS = ("subtotal_inc_tax", "subtotal_ex_tax", "total_inc_tax", "total_ex_tax")


def _codes(order: CanonicalOrder, rules: Rules) -> tuple[str, ...]:
    if rules.checkout.coupons == "spread":
        return ()
    return tuple(dict.fromkeys(one.code for one in order.discounts if one.code and one.amount_inc_tax > 0))


def _before(order: CanonicalOrder, coupons: Sequence[Discount]) -> CanonicalOrder:
    """Return a sale as it would be without some discounts: the store is to take those off itself."""
    if not coupons:
        return order
    taken, taken_ex = total(one.amount_inc_tax for one in coupons), total(one.amount_ex_tax for one in coupons)
    rest = tuple(one for one in order.discounts if one not in coupons)
    more = {"total_inc_tax": order.total_inc_tax + taken, "total_tax": order.total_tax + taken - taken_ex}
    return order.model_copy(update={"discounts": rest, **more})


def _cart(
    order: CanonicalOrder,
    here: AppliedRules,
    goods: Sequence[tuple[MappedLine, Decimal, Line]],
    certificates: Sequence[JsonValue],
) -> Payload:
    products: list[JsonValue] = []
    custom: list[JsonValue] = []
    for mapped, amount, _ in goods:
        quantity = int(str(mapped.wired["quantity"]))
        for pieces, price in split(amount, quantity, order.currency):
            if mapped.wired.get("product_id"):
                products.append(_product(mapped.wired, pieces, price))
            else:
                sku: Payload = {"sku": mapped.wired["sku"]} if mapped.wired.get("sku") else {}
                custom.append(
                    {"name": mapped.wired["name"], **sku, "quantity": pieces, "list_price": as_json_number(price)}
                )
    body: Payload = {"channel_id": here.channel_id, "currency": {"code": order.currency}}
    parts: tuple[tuple[str, list[JsonValue]], ...] = (
        ("line_items", products),
        ("custom_items", custom),
        ("gift_certificates", list(certificates)),
    )
    return body | {name: part for name, part in parts if part}


def _product(wired: Mapping[str, JsonValue], pieces: int, price: Decimal) -> JsonValue:
    """Return a catalog line; one with options names all of them and no variant."""
    line: Payload = {"product_id": wired["product_id"], "quantity": pieces, "list_price": as_json_number(price)}
    options = wired.get("product_options")
    if isinstance(options, list) and options:
        chosen = [one for one in options if isinstance(one, dict)]
        line["option_selections"] = [{"option_id": one["id"], "option_value": one["value"]} for one in chosen]
    if wired.get("variant_id") and not options:
        line["variant_id"] = wired["variant_id"]
    return line


def split(amount: Decimal, quantity: int, currency: str) -> list[tuple[int, Decimal]]:
    """Return pieces and unit prices that come to ``amount`` exactly: three for 10.00 are two at 3.33 and one at 3.34."""
    unit = minor_unit(currency)
    low = (amount / quantity).quantize(unit, ROUND_DOWN)
    dearer = int((amount - low * quantity) / unit)
    parts = [(quantity - dearer, low), (dearer, low + unit)]
    return [(pieces, price) for pieces, price in parts if pieces]


def as_json_number(amount: Decimal) -> JsonValue:
    """Return an amount as the JSON number that V3 wants; it has the currency's places, which a float carries."""
    return float(amount)


def _certificate(
    line: Line, order: CanonicalOrder, billing: Mapping[str, JsonValue], mapped: MappedLine
) -> JsonValue | None:
    pieces = int(str(mapped.wired["quantity"]))
    each = line.total_inc_tax / pieces
    customer = order.customer
    if customer is None or not customer.email or not _CERTIFICATE[0] <= each <= _CERTIFICATE[1]:
        return None
    if line.total_inc_tax != line.total_ex_tax or each % minor_unit(order.currency):
        return None
    name = f"{billing.get('first_name', '')} {billing.get('last_name', '')}".strip()
    person: JsonValue = {"name": name, "email": billing["email"]}
    return {
        "name": mapped.wired["name"],
        "theme": "General",
        "amount": as_json_number(each),
        "quantity": pieces,
        "sender": person,
        "recipient": person,
    }


def as_v3(address: Mapping[str, JsonValue]) -> Payload:
    """Return an address of the Orders API in the words of V3; a phone that V3 does not take is left out."""
    names = {
        "first_name": "first_name",
        "last_name": "last_name",
        "company": "company",
        "email": "email",
        "address1": "street_1",
        "address2": "street_2",
        "city": "city",
        "state_or_province": "state",
        "postal_code": "zip",
        "country_code": "country_iso2",
    }
    body: Payload = {name: address[old] for name, old in names.items() if address.get(old)}
    phone = re.sub(r"[^\d+]", "", str(address.get("phone") or ""))
    return (
        body | {"state_or_province": address.get("state") or ""} | ({"phone": phone} if _PHONE.fullmatch(phone) else {})
    )


def _is_shipped(order: CanonicalOrder, lines: Sequence[MappedLine]) -> bool:
    """Whether a consignment carries the cost of delivery: custom items need none, so it is a fee of theirs."""
    physical = any(line.wired.get("product_id") and not line.digital for line in lines)
    return physical and order.fulfilment is not Fulfilment.DIGITAL


def _delivery(
    order: CanonicalOrder,
    rules: Rules,
    here: AppliedRules,
    by: tuple[dict[str, JsonValue], Decimal, Sequence[MappedLine]],
) -> tuple[Payload | None, Payload | None, tuple[str, Decimal] | None, MappingNote]:
    """Return the consignment, the choice of shipping, the option to be chosen of those that are offered, and why."""
    billing, cost, lines = by
    if order.fulfilment is Fulfilment.DIGITAL or all(line.digital for line in lines):
        return None, None, None, MappingNote("delivery", "none", "every line is digital")
    at_shop = order.fulfilment is not Fulfilment.SHIP
    if at_shop and not cost and rules.checkout.delivery == "pickup" and here.pickup_method_id is not None:
        body: Payload = {"pickup_option": {"pickup_method_id": here.pickup_method_id}}
        return body, None, None, MappingNote("delivery", "pick-up", f"pick-up method {here.pickup_method_id}")
    shop = order.model_copy(update={"shipping": None, "billing": None, "customer": None})
    place = billing_address(shop, here.default_address)[0] if at_shop else {}
    address = place or shipping_address(order, here.default_address, billing)
    body = {"address": {**as_v3(address), "email": billing["email"]}}
    method = order.shipping_method or here.shipping_method
    if not at_shop and rules.checkout.delivery == "offered":
        return body, {}, (method, cost), MappingNote("delivery", "an option of the store's", 'delivery = "offered"')
    shipping: Payload = {"custom_shipping": {"description": method, "price": as_json_number(cost)}}
    return body, shipping, None, MappingNote("delivery", method, "the till's own method and cost")


def _fees(fees: Sequence[Fee], side: str, rules: Rules) -> Payload | None:
    if not fees:
        return None
    wired: list[JsonValue] = []
    for fee in fees:
        untaxed = fee.total_inc_tax == fee.total_ex_tax and rules.fee_tax_class_id is not None
        one: Payload = {
            "type": "custom_fee",
            "name": fee_name(fee)[:50],
            "display_name": fee_name(fee)[:200],
            "cost": as_json_number(getattr(fee, side)),
            "source": "POS",
        }
        wired.append(one | ({"tax_class_id": rules.fee_tax_class_id} if untaxed else {}))
    return {"fees": wired}
