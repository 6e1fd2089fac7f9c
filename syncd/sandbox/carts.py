"""Carts of the Management API: read and check what a cart is to hold, and show it.

Source: https://developer.bigcommerce.com/docs/rest-management/carts and its OpenAPI file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import uuid4

from syncd.sandbox.answers import Refusal, ok, v3_error
from syncd.sandbox.catalog import Catalog
from syncd.sandbox.checkout_totals import CartItem, Totals
from syncd.sandbox.clock import now_iso, wall
from syncd.sandbox.settings import Ways
from syncd.sandbox.stock import check_quantities

_LONGEST_NAME = 250
_MOST_OF_A_CERTIFICATE = 1000
_THEMES = ("Birthday", "Boy", "Celebration", "Christmas", "General", "Girl")


@dataclass(slots=True)
class Cart:
    """A cart, which is its checkout as well: both have one id. ``made_at`` is the sandbox's wall clock, in seconds."""

    id: str
    channel_id: int
    currency: str
    items: list[CartItem]
    certificates: list[dict[str, Any]]
    billing: dict[str, Any] | None = None
    consignments: list[dict[str, Any]] = field(default_factory=list)
    coupons: list[str] = field(default_factory=list)
    manual: dict[str, Decimal] | None = None  # what POST discounts took off: "cart", and by item
    fees: list[dict[str, Any]] = field(default_factory=list)
    message: str = ""
    version: int = 1
    made_at: float = field(default_factory=wall)
    created: str = field(default_factory=now_iso)
    orders: list[int] = field(default_factory=list)  # every order that it was converted to

    def item(self, number: str) -> CartItem | None:
        """Return one of its items."""
        return next((one for one in self.items if one.id == number), None)


@dataclass(frozen=True, slots=True)
class CartStore:
    """What a cart is checked against: channels, currencies (the store's own first), catalog, and how the store behaves."""

    channels: Mapping[int, Mapping[str, Any]]
    currencies: Sequence[str]
    catalog: Catalog
    ways: Ways


def refused(status: int, title: str, **errors: str) -> Refusal:
    """Return a refusal in the shape of V3."""
    if status == 409:  # described without the errors that other refusals have
        return Refusal(ok({"status": status, "title": title, "type": "about:blank"}, status))
    return Refusal(v3_error(status, title, errors))


def read_cart(body: Mapping[str, Any], shop: CartStore) -> Cart:
    """Return the cart that a POST asks for.

    Raises:
        Refusal: the store does not take it.

    """
    channel = body.get("channel_id", 1)
    if channel not in shop.channels or shop.channels[channel]["status"] == "disconnected":
        raise refused(400, "The channel is not valid.", channel_id="is not valid")
    said = body.get("currency")
    currency = str(said.get("code") or "") if isinstance(said, Mapping) else ""
    if not currency and len(shop.currencies) > 1:
        raise refused(400, "currency.code is required.", currency="is required where multi-currency is on")
    if currency and currency not in shop.currencies:
        raise refused(400, f"The currency {currency} is not transactional.", currency="is not transactional")
    items = [_catalog_item(line, shop) for line in body.get("line_items") or ()]
    _check_stock(items, shop)
    items += [_custom_item(line, shop.ways) for line in body.get("custom_items") or ()]
    certificates = [_certificate(one) for one in body.get("gift_certificates") or ()]
    if not items and not certificates:
        raise refused(422, "Missing line_items in request body")
    return Cart(str(uuid4()), channel, currency or shop.currencies[0], items, certificates)


def _quantity(line: Mapping[str, Any]) -> int:
    quantity = line.get("quantity")
    if isinstance(quantity, bool) or not isinstance(quantity, int | float) or quantity < 1 or quantity != int(quantity):
        raise refused(422, "The quantity is not valid.", quantity="must be a whole number above 0")
    return int(quantity)


def _price(line: Mapping[str, Any], ways: Ways) -> Decimal:
    price = line.get("list_price")
    if isinstance(price, bool) or not isinstance(price, int | float | Decimal) or price < 0:
        raise refused(422, "The list_price is not valid.", list_price="must be a number that is not negative")
    return Decimal(str(price)).quantize(Decimal(1).scaleb(-ways.price_places))


def _catalog_item(line: Mapping[str, Any], shop: CartStore) -> CartItem:
    product = shop.catalog.products.get(line.get("product_id") or 0)
    if product is None:
        raise refused(422, f"Product {line.get('product_id')} was not found.", product_id="does not exist")
    said = {one["option_id"]: str(one["option_value"]) for one in line.get("option_selections") or ()}
    variant = _variant(shop.catalog.of_product[product["id"]], line.get("variant_id"), said)
    for modifier in product["modifiers"]:
        if modifier["required"] and not said.get(modifier["id"]):
            if modifier["type"] == "text":
                raise refused(422, f"Please create some text for {modifier['display_name']}")
            raise refused(422, f"Please select a {modifier['display_name']}")
    own = line.get("list_price") is not None
    return CartItem(
        id=str(uuid4()),
        kind="digital" if product["type"] == "digital" else "physical",
        name=str(product["name"]),
        sku=str(variant.get("sku") or ""),
        quantity=_quantity(line),
        price=_price(line, shop.ways) if own else Decimal(str(product["price"])),
        product_id=product["id"],
        variant_id=variant["id"],
        options=tuple(said.items()),
        overridden=own,
    )


def _variant(variants: Sequence[dict[str, Any]], number: int | None, said: Mapping[int, str]) -> dict[str, Any]:
    if number:
        found = [one for one in variants if one["id"] == number]
    elif len(variants) == 1:
        found = list(variants)
    else:
        found = [one for one in variants if all(said.get(v["option_id"]) == str(v["id"]) for v in one["option_values"])]
    if not found:
        raise refused(422, "This product has options; variant ID is required")
    return found[0]


def _custom_item(line: Mapping[str, Any], ways: Ways) -> CartItem:
    name = line.get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= _LONGEST_NAME:
        raise refused(422, "The name of a custom item is not valid.", name=f"must be 1 to {_LONGEST_NAME} characters")
    sku = str(line.get("sku") or "")
    return CartItem(str(uuid4()), "custom", name, sku, _quantity(line), _price(line, ways), overridden=True)


def _certificate(one: Mapping[str, Any]) -> dict[str, Any]:
    amount = one.get("amount")
    if not isinstance(amount, int | float) or not 1 <= amount <= _MOST_OF_A_CERTIFICATE:
        raise refused(422, "The amount of a gift certificate is not valid.", amount="must be 1 to 1000")
    if one.get("theme") not in _THEMES:
        raise refused(422, "The theme is not valid.", theme=f"must be one of {', '.join(_THEMES)}")
    for role in ("sender", "recipient"):
        person = one.get(role)
        if not isinstance(person, Mapping) or not person.get("name") or "@" not in str(person.get("email")):
            raise refused(422, f"The {role} is not valid.", **{role: "needs a name and an e-mail address"})
    return {**one, "id": str(uuid4()), "quantity": _quantity(one), "name": str(one["name"])}


def _check_stock(items: Sequence[CartItem], shop: CartStore) -> None:
    """Refuse what the store has too few of, and a quantity outside a product's limits; as V3 answers it."""
    lines = [{"product_id": one.product_id, "quantity": one.quantity} for one in items]
    try:
        check_quantities(lines, shop.catalog, {})
    except Refusal:
        short = [one for one in items if _is_short(one, lines, shop.catalog)]
        named = "; ".join(f"{one.name} ({one.sku})" for one in short)
        title = f"Insufficient stock or quantity outside the minimum/maximum per order: {named}"
        raise refused(shop.ways.cart_stock_status, title) from None


def _is_short(item: CartItem, lines: Sequence[Mapping[str, Any]], catalog: Catalog) -> bool:
    try:
        check_quantities([one for one in lines if one["product_id"] == item.product_id], catalog, {})
    except Refusal:
        return True
    return False


def shown_items(cart: Cart, *, in_checkout: bool) -> dict[str, list[dict[str, Any]]]:
    """Return the lines by kind, as the answer of a cart shows them or as that of a checkout does."""
    found: dict[str, list[dict[str, Any]]] = {
        f"{kind}_items": [_shown(one, in_checkout=in_checkout) for one in cart.items if one.kind == kind]
        for kind in ("physical", "digital", "custom")
    }
    return found | {
        "gift_certificates": [
            {name: one[name] for name in ("id", "name", "theme", "amount", "sender", "recipient")} | {"taxable": False}
            for one in cart.certificates
        ]
    }


def _shown(item: CartItem, *, in_checkout: bool) -> dict[str, Any]:
    price, extended = float(item.price), float(item.price * item.quantity)
    if item.kind == "custom":
        as_text = {} if in_checkout else {"quantity": str(item.quantity), "list_price": str(item.price)}
        plain = {"id": item.id, "sku": item.sku, "name": item.name, "quantity": item.quantity, "list_price": price}
        return plain | {"extended_list_price": extended} | as_text
    common = {"id": item.id, "variant_id": item.variant_id, "product_id": item.product_id, "sku": item.sku}
    prices = {"original_price": price, "list_price": price, "sale_price": price}
    more = {"extended_list_price": extended, "extended_sale_price": extended, "discounts": [], "discount_amount": 0}
    flags = {"is_require_shipping": item.kind == "physical", "is_mutable": True, "added_by_promotion": False}
    taxed = {"is_taxable" if in_checkout else "taxable": True}
    return {**common, "name": item.name, "quantity": item.quantity, **prices, **more, **flags, **taxed}


def shown_cart(cart: Cart, totals: Totals) -> dict[str, Any]:
    """Return ``data`` of the answer to POST and GET of a cart."""
    return {
        "id": cart.id,
        "customer_id": 0,
        "channel_id": cart.channel_id,
        "email": (cart.billing or {}).get("email", ""),
        "currency": {"code": cart.currency},
        "tax_included": totals.includes_tax,
        "base_amount": float(totals.goods),
        "discount_amount": float(totals.discount),
        "cart_amount": float(totals.goods - totals.discount),
        "coupons": [],
        "discounts": [],
        "line_items": shown_items(cart, in_checkout=False),
        "created_time": cart.created,
        "updated_time": now_iso(),
        "locale": "en",
        "version": cart.version,
    }
