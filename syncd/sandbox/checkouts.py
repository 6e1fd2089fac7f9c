"""The Management Checkout: addresses, delivery, discounts, coupons, fees, message, conversion.

Source: https://developer.bigcommerce.com/docs/rest-management/checkouts and its OpenAPI file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import uuid4

from syncd.sandbox.answers import Answer, ok, v3_error
from syncd.sandbox.carts import Cart, CartStore, read_cart, refused, shown_cart, shown_items
from syncd.sandbox.checkout_totals import Charges, Taxing, Totals, work_out
from syncd.sandbox.clock import now_iso
from syncd.sandbox.conversions import converted
from syncd.sandbox.orders import Orders
from syncd.sandbox.totals import places_of

_PHONE = re.compile(r"\+?[1-9]\d{1,14}(x\d{1,5})?")
_LONGEST_MESSAGE = 2_000
_MOST_FEES = 5
_ADDRESS = ("first_name", "last_name", "address1", "city", "country_code", "email")
_DELIVERED = ("email", "country_code", "postal_code")  # and a state, which may be empty
_Body = Mapping[str, Any]


@dataclass(slots=True)
class Checkouts:
    """The carts of the store that are not deleted, by id."""

    orders: Orders
    open: dict[str, Cart] = field(default_factory=dict)
    made: int = 0

    @property
    def shop(self) -> CartStore:
        """What carts are checked against."""
        currencies = (self.orders.currency, *self.orders.more_currencies)
        return CartStore(self.orders.channels, currencies, self.orders.catalog, self.orders.ways)

    def totals(self, cart: Cart) -> Totals:
        """Return what a cart comes to by the store's rules."""
        ways = self.orders.ways
        places = [one["address"] for one in cart.consignments if one.get("address")]
        address = (places or [cart.billing or {}])[0]
        states = [str(address.get(f"state_or_province{end}") or "") for end in ("_code", "")]
        rates = [ways.tax_by_state[state] for state in states if state in ways.tax_by_state]
        rate = Decimal(str((rates or [ways.tax_rate])[0]))
        shipping = sum((Decimal(str(one.get("shipping_cost", 0))) for one in cart.consignments), Decimal(0))
        fees = sum((Decimal(str(fee["cost"])) for fee in cart.fees), Decimal(0))
        given = sum((Decimal(str(one["amount"])) * one["quantity"] for one in cart.certificates), Decimal(0))
        taxing = Taxing(ways.tax_included, rate, places_of(cart.currency))
        return work_out(cart.items, self._taken(cart), Charges(shipping, fees, given), taxing)

    def _taken(self, cart: Cart) -> dict[str, Decimal]:
        """Return what discounts take off: those that were posted replace the store's promotion."""
        if cart.manual is not None:
            return cart.manual
        ways = self.orders.ways
        percent = Decimal(str(ways.promotion_percent)) + sum(
            (Decimal(str(ways.coupons[code])) for code in cart.coupons), Decimal(0)
        )
        goods = sum((one.price * one.quantity for one in cart.items), Decimal(0))
        return {"": (goods * percent / 100).quantize(Decimal("0.01"))} if percent else {}

    def shown(self, cart: Cart, *, options: bool = False) -> dict[str, Any]:
        """Return ``data`` of a checkout's answer; ``options`` includes the shipping options that are offered."""
        totals, ways = self.totals(cart), self.orders.ways
        shipping = float(totals.shipping)
        inner = shown_cart(cart, totals)
        kept = ("id", "customer_id", "channel_id", "email", "currency", "tax_included", "base_amount")
        amounts = {
            "discount_amount": float(totals.discount),
            "cart_amount_inc_tax": float(totals.grand_total - totals.shipping - totals.fees),
            "cart_amount_ex_tax": float(totals.subtotal_ex_tax),
        }
        lines = {"coupons": [], "discounts": [], "line_items": shown_items(cart, in_checkout=True)}
        times = {"created_time": cart.created, "updated_time": now_iso()}
        consignments = [self._consignment(one, options=options) for one in cart.consignments]
        return {
            "id": cart.id,
            "cart": {name: inner[name] for name in kept} | amounts | lines | times,
            "billing_address": cart.billing or {},
            "consignments": consignments,
            "taxes": [{"name": "Tax", "amount": float(totals.tax)}],
            "coupons": [
                {"code": code, "id": n, "coupon_type": "percentage_discount"} for n, code in enumerate(cart.coupons, 1)
            ],
            "fees": [
                {name: value for name, value in fee.items() if name != "cost"}
                | {"cost_inc_tax": fee["cost"], "cost_ex_tax": fee["cost"]}
                for fee in cart.fees
            ],
            "order_id": str(cart.orders[-1]) if cart.orders and ways.checkout_order_id else None,
            "shipping_cost_total_inc_tax": shipping,
            "shipping_cost_total_ex_tax": shipping,
            "handling_cost_total_inc_tax": 0,
            "handling_cost_total_ex_tax": 0,
            "tax_total": float(totals.tax),
            "subtotal_inc_tax": float(totals.subtotal_ex_tax + totals.tax),
            "subtotal_ex_tax": float(totals.subtotal_ex_tax),
            "grand_total": float(totals.grand_total),
            **times,
            "customer_message": cart.message,
            "version": cart.version,
        }

    def _consignment(self, one: _Body, *, options: bool) -> dict[str, Any]:
        cost = one.get("shipping_cost", 0)
        found = {
            "id": one["id"],
            "line_item_ids": [line["item_id"] for line in one["line_items"]],
            "shipping_cost_inc_tax": cost,
            "shipping_cost_ex_tax": cost,
            "coupon_discounts": [],
            "discounts": [],
        }
        for name in ("address", "selected_shipping_option", "selected_pickup_option"):
            if one.get(name):
                found[name] = one[name]
        offered = [{"type": "shipping_flatrate", **option} for option in self.orders.ways.shipping_options]
        return found | ({"available_shipping_options": offered} if options else {})


def respond(checkouts: Checkouts, method: str, parts: list[str], said: _Body | list[Any], query: _Body) -> Answer:
    """Return the answer to a request under ``/v3/carts`` or ``/v3/checkouts``; ``parts`` is the path after ``/v3``."""
    if parts[0] == "carts":
        return _carts(checkouts, method, parts[1:], said)
    number, *rest = parts[1:]
    cart = checkouts.open.get(number)
    if cart is None:
        status = checkouts.orders.ways.unknown_cart
        return v3_error(status, "Cart not found." if status < 500 else "The server has a problem.")
    if method == "GET" and not rest:
        options = "consignments.available_shipping_options" in str(query.get("include", ""))
        return _data(checkouts.shown(cart, options=options))
    if rest == ["orders"] and method == "POST":
        return _convert(checkouts, cart)
    change = _CHANGES.get((method, rest[0] if rest else ""))
    if change is None:
        return v3_error(405, "The method is not allowed for this resource.")
    _check_version(cart, said)
    change(checkouts, cart, rest[1:], said)
    cart.version += 1
    return _data(checkouts.shown(cart))


def _data(data: object, status: int = 200) -> Answer:
    return ok({"data": data, "meta": {}}, status)


def _carts(checkouts: Checkouts, method: str, parts: list[str], said: _Body | list[Any]) -> Answer:
    match method, parts:
        case "POST", [] if isinstance(said, Mapping):
            cart = read_cart(said, checkouts.shop)
            checkouts.open[cart.id] = cart
            checkouts.made += 1
            return _data(shown_cart(cart, checkouts.totals(cart)), 201)
        case "GET", [number] if number in checkouts.open:
            cart = checkouts.open[number]
            return _data(shown_cart(cart, checkouts.totals(cart)))
        case "DELETE", [number] if number in checkouts.open:
            del checkouts.open[number]
            return Answer(204)
        case "GET" | "DELETE", [_]:
            return v3_error(404, "Cart not found.")
    return v3_error(405, "The method is not allowed for this resource.")


def _check_version(cart: Cart, said: _Body | list[Any]) -> None:
    body = said[0] if isinstance(said, list) and said else said
    inner = body.get("cart", body) if isinstance(body, Mapping) else None
    version = inner.get("version") if isinstance(inner, Mapping) else None
    if version is not None and version != cart.version:
        raise refused(409, "The checkout was changed by another request: possible conflict.")


def _fields(said: _Body | list[Any]) -> _Body:
    if not isinstance(said, Mapping):
        raise refused(422, "JSON data is missing or invalid")
    return said


def _address(said: _Body, needed: tuple[str, ...]) -> dict[str, Any]:
    missing = {name: f"{name} is required" for name in needed if not str(said.get(name) or "").strip()}
    if needed is _DELIVERED and "state_or_province" not in said:
        missing["state_or_province"] = "state_or_province is required"
    if missing:
        raise refused(422, "JSON data is missing or invalid", **missing)
    if said.get("phone") and not _PHONE.fullmatch(str(said["phone"])):
        raise refused(422, "JSON data is missing or invalid", phone="is not valid")
    return {name: value for name, value in said.items() if name != "version"}


def _billing(_checkouts: Checkouts, cart: Cart, rest: list[str], said: _Body | list[Any]) -> None:
    if rest and (cart.billing is None or rest[0] != cart.billing["id"]):
        raise refused(404, "The address was not found.")
    cart.billing = {**_address(_fields(said), ("email", "country_code")), "id": rest[0] if rest else str(uuid4())}


def _consign(_checkouts: Checkouts, cart: Cart, _rest: list[str], said: _Body | list[Any]) -> None:
    if not isinstance(said, list) or not said:
        raise refused(422, "JSON data is missing or invalid")
    for one in said:
        for line in one.get("line_items") or ():
            item = cart.item(str(line.get("item_id")))
            if item is None or item.kind == "digital" or line.get("quantity") != item.quantity:
                raise refused(422, "A line item of a consignment is not valid.", line_items="not of this cart")
            if any(line["item_id"] in _ids(other) for other in cart.consignments):
                raise refused(422, "A line item is in a consignment already.", line_items="are assigned already")
        made: dict[str, Any] = {"id": str(uuid4()), "line_items": one.get("line_items") or []}
        if pickup := one.get("pickup_option"):
            made["selected_pickup_option"] = dict(pickup)
        else:
            made["address"] = {**_address(one.get("address") or {}, _DELIVERED), "id": str(uuid4())}
        cart.consignments.append(made)


def _ids(consignment: _Body) -> list[str]:
    return [line["item_id"] for line in consignment["line_items"]]


def _choose_shipping(checkouts: Checkouts, cart: Cart, rest: list[str], said: _Body | list[Any]) -> None:
    body = _fields(said)
    one = next((one for one in cart.consignments if rest == [one["id"]]), None)
    if one is None:
        raise refused(404, "The consignment was not found.")
    if ("address" in body or "line_items" in body) and ("shipping_option_id" in body or "custom_shipping" in body):
        raise refused(422, "A shipping option may not be set together with an address or lines.")
    if custom := body.get("custom_shipping"):
        option = {"id": str(uuid4()), "type": "custom", "description": custom["description"], "cost": custom["price"]}
    else:
        offered = [o for o in checkouts.orders.ways.shipping_options if o["id"] == body.get("shipping_option_id")]
        if not offered:
            raise refused(422, "The shipping option is not available.")
        option = {"type": "shipping_flatrate", **offered[0]}
    one |= {"selected_shipping_option": option, "shipping_cost": option["cost"]}


def _discount(_checkouts: Checkouts, cart: Cart, _rest: list[str], said: _Body | list[Any]) -> None:
    if cart.coupons:
        raise refused(422, "A discount may not be added where a coupon was applied.")
    inner = _fields(said).get("cart") or {}
    whole = sum((Decimal(str(one["discounted_amount"])) for one in inner.get("discounts") or ()), Decimal(0))
    lines = {str(one["id"]): Decimal(str(one["discounted_amount"])) for one in inner.get("line_items") or ()}
    cart.manual = {"": whole, **lines}


def _coupon(checkouts: Checkouts, cart: Cart, _rest: list[str], said: _Body | list[Any]) -> None:
    code = str(_fields(said).get("coupon_code") or "")
    if code not in checkouts.orders.ways.coupons:
        raise refused(404, f"The coupon code {code} is not valid.")
    if code not in cart.coupons:
        cart.coupons.append(code)


def _fee(_checkouts: Checkouts, cart: Cart, _rest: list[str], said: _Body | list[Any]) -> None:
    wanted = _fields(said).get("fees") or []
    if len(cart.fees) + len(wanted) > _MOST_FEES:
        raise refused(422, f"A checkout may have at most {_MOST_FEES} fees.")
    for fee in wanted:
        if fee.get("type") != "custom_fee" or any(not fee.get(name) for name in ("name", "display_name", "source")):
            raise refused(422, "JSON data is missing or invalid", fees="is not valid")
        cart.fees.append({**fee, "id": str(uuid4())})


def _message(_checkouts: Checkouts, cart: Cart, _rest: list[str], said: _Body | list[Any]) -> None:
    message = str(_fields(said).get("customer_message", ""))
    if len(message) > _LONGEST_MESSAGE:
        raise refused(422, "JSON data is missing or invalid", customer_message="is too long")
    cart.message = message


_CHANGES = {
    ("POST", "billing-address"): _billing,
    ("PUT", "billing-address"): _billing,
    ("POST", "consignments"): _consign,
    ("PUT", "consignments"): _choose_shipping,
    ("POST", "discounts"): _discount,
    ("POST", "coupons"): _coupon,
    ("POST", "fees"): _fee,
    ("PUT", ""): _message,
}


def _convert(checkouts: Checkouts, cart: Cart) -> Answer:
    """Make an order of the checkout, each time that it is asked for."""
    ways = checkouts.orders.ways
    billing = cart.billing or {}
    delivered = {i for one in cart.consignments if _is_chosen(one) for i in _ids(one)}
    needed = {"physical", "custom"} if ways.custom_needs_consignment else {"physical"}
    unassigned = [one for one in cart.items if one.kind in needed and one.id not in delivered]
    if unassigned or any(not str(billing.get(name) or "").strip() for name in _ADDRESS):
        what = "shipping" if unassigned else "billing"
        raise refused(422, f"A {what} address for this order is incomplete")
    kept = converted(checkouts.orders, cart, checkouts.totals(cart))
    cart.orders.append(kept.order["id"])
    answer = _data({"id": kept.order["id"]})
    answer.made = kept.order["id"]
    return answer


def _is_chosen(consignment: _Body) -> bool:
    return bool(consignment.get("selected_shipping_option") or consignment.get("selected_pickup_option"))
