"""The Management Checkout (V3), typed: writes go out once and return what was seen; reads raise.

Sources: https://developer.bigcommerce.com/docs/rest-management/carts and .../checkouts. The token needs the scopes of carts and
checkouts beside those of orders.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

from msgspec import Struct

from syncd.bigcommerce.api import Api
from syncd.bigcommerce.classify import classify_cart, classify_checkout, classify_conversion, classify_deletion
from syncd.bigcommerce.client import Sending, write_once
from syncd.bigcommerce.outcome import Outcome, Reply
from syncd.errors import StoreUnavailable
from syncd.http.transport import HttpAnswer, HttpError, Method

_CARTS, _CHECKOUTS = "/v3/carts", "/v3/checkouts"
CallName = Literal[
    "cart", "billing", "delivery", "shipping", "discounts", "coupon", "fees", "message", "convert", "delete"
]


class CheckoutAddress(Struct, frozen=True):
    """Which checkout a call is about, and which consignment of it where the call changes one."""

    cart_id: str = ""
    consignment_id: str = ""


class CheckoutsClient:
    """One store's carts and checkouts."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def send(self, name: CallName, where: CheckoutAddress, content: bytes | None, how: Sending) -> Reply:
        """Send one call, once; ``content`` is its JSON body."""
        method, path = _request(name, where)
        return write_once(self._api, (method, path, content), how, _meaning(name, where.cart_id))

    def get(self, cart_id: str, *, options: bool = False) -> Mapping[str, Any] | None:
        """Return a checkout as it is, with the shipping ``options`` that are offered where asked for; None where its cart is gone.

        A checkout without a cart may answer 500, so the cart is asked for before a 500 is believed.
        Source: https://developer.bigcommerce.com/docs/storefront/cart-checkout/guide/rest-management.

        Raises:
            RemoteError: the store could not be asked.

        """
        try:
            included = {"include": "consignments.available_shipping_options"} if options else None
            found = self._api.get(f"{_CHECKOUTS}/{cart_id}", included, missing_ok=True)
        except StoreUnavailable:
            if self._api.get(f"{_CARTS}/{cart_id}", missing_ok=True) is None:
                return None
            raise
        data = found.get("data") if isinstance(found, Mapping) else None
        return data if isinstance(data, Mapping) else None


def _request(name: CallName, where: CheckoutAddress) -> tuple[Method, str]:
    checkout = f"{_CHECKOUTS}/{where.cart_id}"
    match name:
        case "cart":
            return "POST", _CARTS
        case "billing":
            return "POST", f"{checkout}/billing-address"
        case "delivery":
            return "POST", f"{checkout}/consignments"
        case "shipping":
            return "PUT", f"{checkout}/consignments/{where.consignment_id}"
        case "coupon":
            return "POST", f"{checkout}/coupons"
        case "discounts" | "fees":
            return "POST", f"{checkout}/{name}"
        case "message":
            return "PUT", checkout
        case "convert":
            return "POST", f"{checkout}/orders"
        case "delete":
            return "DELETE", f"{_CARTS}/{where.cart_id}"


def _meaning(name: CallName, cart_id: str) -> Callable[[HttpAnswer | HttpError], Outcome]:
    match name:
        case "cart":
            return classify_cart
        case "convert":
            return classify_conversion
        case "delete":
            return classify_deletion
        case _:
            return partial(classify_checkout, cart_id=cart_id)
