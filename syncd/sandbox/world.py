"""What the sandbox's store holds, and a request to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from syncd.sandbox.answers import Refusal, invalid, v2_error, v3_error
from syncd.sandbox.catalog import Catalog
from syncd.sandbox.checkouts import Checkouts
from syncd.sandbox.customers import Customers
from syncd.sandbox.faults import FaultPlan
from syncd.sandbox.filters import whole
from syncd.sandbox.orders import Orders
from syncd.sandbox.quota import Quota
from syncd.sandbox.settings import SandboxSettings, Ways

_MOST_PER_PAGE = 250
CHANNELS = {
    1: {"id": 1, "name": "Storefront", "type": "storefront", "platform": "bigcommerce", "status": "active"},
    2: {"id": 2, "name": "Point of sale", "type": "pos", "platform": "custom", "status": "active"},
    3: {"id": 3, "name": "Old market", "type": "marketplace", "platform": "custom", "status": "disconnected"},
}
STOCK = {
    "product_out_of_stock_behavior": "do_nothing",
    "option_out_of_stock_behavior": "do_nothing",
    "update_stock_behavior": "order_placed",
    "edit_order_stock_adjustment": True,
    "refund_order_stock_adjustment": True,
    "stock_level_display": "dont_show",
    "default_out_of_stock_message": "Out of stock",
    "hide_in_product_filtering": False,
    "show_pre_order_stock_levels": False,
    "show_out_of_stock_message": True,
}


TAXES = {"provider_id": "BasicTaxProvider", "document_submission_strategy": "ON_PAYMENT_CAPTURE", "tax_preset": "US"}
NOTIFICATIONS: dict[str, Any] = {
    "notifications": {"order_placed": {"email_addresses": []}, "forward_invoice": {"email_addresses": []}}
}
STOREFRONT: dict[str, dict[str, Any]] = {
    "carts": {"allow_purchasing": True},
    "abandoned_carts": {"enable_notification": False},
    "promotions": {"promotions_apply_on_products_with_custom_product_price": False},
}
LOCATION = {"id": 1, "code": "BC-LOCATION-1", "label": "Default location", "enabled": True}
MAILS = {
    "abandoned_cart_email": False,
    "account_details_changed_email": True,
    "combined_order_status_email": True,
    "create_account_email": True,
    "create_guest_account_email": True,
    "gift_certificate_email": True,
    "invoice_email": True,
    "order_message_notification_email": True,
    "product_review_email": False,
    "return_confirmation_email": True,
    "return_statuschange_email": True,
}


@dataclass(slots=True)
class Asked:
    """A request: method, path, query, body."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes
    token: str
    accept: str = ""

    @classmethod
    def read(cls, method: str, url: bytes, body: bytes, token: str) -> Asked:
        """From the wire."""
        path, _, query = url.decode("latin-1").partition("?")
        return cls(method, path, dict(parse_qsl(query, keep_blank_values=True)), body, token)

    def json(self) -> dict[str, Any]:
        """Return the body as an object; a Refusal where it is none."""
        try:
            document = json.loads(self.body)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise Refusal(v2_error(400, "Input is invalid: the body is not a JSON object."))
        return document

    def document(self) -> dict[str, Any] | list[Any]:
        """Return the body as an object or a list; an empty object where there is none; a Refusal where it is no JSON."""
        try:
            found = json.loads(self.body or b"{}")
        except ValueError:
            found = None
        if not isinstance(found, dict | list):
            raise Refusal(v3_error(422, "JSON data is missing or invalid"))
        return found

    def items(self) -> list[Any]:
        """Return the body as a list; a Refusal where it is none."""
        try:
            document = json.loads(self.body)
        except ValueError:
            document = None
        if not isinstance(document, list):
            raise Refusal(v3_error(422, "The body is not a list."))
        return document

    def slice(self, ways: Ways | None = None) -> tuple[int, int]:
        """Where the page that is asked for starts, and how many items it may hold."""
        page, limit = whole(self.query, "page", 1), whole(self.query, "limit", 50)
        if page < 1 or limit < 1:
            raise invalid("limit", "must be positive")
        if limit > _MOST_PER_PAGE and ways is not None and ways.limit_over_most == "refused":
            raise Refusal(v2_error(413, f"The limit may be at most {_MOST_PER_PAGE}."))
        limit = min(limit, _MOST_PER_PAGE, _MOST_PER_PAGE if ways is None else ways.page_most)
        return (page - 1) * limit, limit

    def codes(self, name: str) -> set[str] | None:
        """Return the values of a filter (``name`` or ``name:in``), lower case; None where it is not asked for."""
        if f"{name}:in" in self.query:
            return {code.strip().lower() for code in self.query[f"{name}:in"].split(",")}
        return {self.query[name].strip().lower()} if name in self.query else None


@dataclass(slots=True)
class World:
    """Everything that the sandbox's store holds."""

    settings: SandboxSettings
    orders: Orders
    catalog: Catalog
    plan: FaultPlan
    quota: Quota
    checkouts: Checkouts
    customers: Customers = field(default_factory=Customers)
    stock: dict[str, Any] = field(default_factory=lambda: dict(STOCK))
    mails: dict[str, Any] = field(default_factory=lambda: dict(MAILS))
    taxes: dict[str, Any] = field(default_factory=lambda: dict(TAXES))
    notifications: dict[str, Any] = field(default_factory=lambda: dict(NOTIFICATIONS))
    storefront: dict[str, dict[str, Any]] = field(default_factory=lambda: {k: dict(v) for k, v in STOREFRONT.items()})
    pickup_methods: list[dict[str, Any]] = field(default_factory=lambda: [{"id": 1, "location_id": 1}])
    locations: list[dict[str, Any]] = field(default_factory=lambda: [dict(LOCATION)])
    posts: list[dict[str, Any]] = field(default_factory=list)
    requests: dict[str, int] = field(default_factory=dict)
    statuses: dict[int, int] = field(default_factory=dict)
    connections: Callable[[], int] = field(default=lambda: 0)
