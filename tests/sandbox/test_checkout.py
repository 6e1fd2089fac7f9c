"""The sandbox's Management Checkout, asked through syncd's own client; requests and answers fit BigCommerce's descriptions."""

import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from syncd.bigcommerce.api import Api, store_wire
from syncd.bigcommerce.checkouts import CallName, CheckoutAddress, CheckoutsClient
from syncd.bigcommerce.client import OrdersClient, Sending
from syncd.bigcommerce.governor import QuotaGovernor
from syncd.bigcommerce.outcome import Accepted, Answered, Refused, Reply, Unknown
from syncd.bigcommerce.settings import ConnectionSettings
from syncd.clock import SystemClock
from syncd.sandbox.server import Sandbox
from syncd.sandbox.settings import SandboxSettings
from tests.contracts.openapi import exchanges, problems
from tests.shared import OPENAPI

HOW = Sending()
HOME = {
    "first_name": "Ada",
    "last_name": "Buyer",
    "email": "ada@example.com",
    "address1": "2 Hill Road",
    "city": "Austin",
    "state_or_province": "Texas",
    "state_or_province_code": "TX",
    "country_code": "US",
    "postal_code": "78702",
}
MUG = {"product_id": 101, "quantity": 2, "list_price": 10.00}
CUSTOM = {"name": "Engraving", "sku": "ENG", "quantity": 1, "list_price": 5.50}


class Desk:
    """The client of one sandbox, and what a test asks for by hand."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sandbox = Sandbox(SandboxSettings(record=folder / "tape.jsonl"))
        self.described = True
        self.tape = folder / "tape.jsonl"
        clock = SystemClock()
        monkeypatch.setenv("DESK_TOKEN", self.sandbox.settings.token)
        said = {"store_hash": "sandbox", "token": {"env": "DESK_TOKEN"}, "api_url": self.sandbox.start()}
        settings = ConnectionSettings.model_validate(said)
        stop = threading.Event()
        api = Api(store_wire(settings, clock), QuotaGovernor(clock, 1.0, stop), clock, stop)
        self.checkouts, self.orders = CheckoutsClient(api), OrdersClient(api)
        self.ways = self.sandbox.world.orders.ways

    def send(self, name: CallName, body: object = None, cart: str = "", part: str = "") -> Reply:
        content = None if body is None else json.dumps(body).encode()
        return self.checkouts.send(name, CheckoutAddress(cart, part), content, HOW)

    def answer(self, name: CallName, body: object = None, cart: str = "", part: str = "") -> dict[str, Any]:
        outcome = self.send(name, body, cart, part).outcome
        assert isinstance(outcome, Answered), outcome
        return dict(outcome.data)

    def refusal(self, name: CallName, body: object = None, cart: str = "", part: str = "") -> Refused:
        outcome = self.send(name, body, cart, part).outcome
        assert isinstance(outcome, Refused), outcome
        return outcome

    def cart(self, *lines: dict[str, Any], **more: Any) -> str:
        return str(self.answer("cart", {"channel_id": 1, "line_items": list(lines), **more})["id"])

    def ready(self, *lines: dict[str, Any], **more: Any) -> str:
        """A cart that may be converted."""
        cart = self.cart(*(lines or (MUG,)), **more)
        shown = self.answer("billing", HOME, cart)
        ids = [
            {"item_id": one["id"], "quantity": one["quantity"]} for one in shown["cart"]["line_items"]["physical_items"]
        ]
        if ids:
            self.answer("delivery", [{"line_items": ids, "pickup_option": {"pickup_method_id": 1}}], cart)
        return cart

    def convert(self, cart: str) -> int:
        outcome = self.send("convert", None, cart).outcome
        assert isinstance(outcome, Accepted), outcome
        return outcome.order_id


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = Desk(tmp_path, monkeypatch)
    yield made
    made.sandbox.stop()
    if OPENAPI.is_dir() and made.described:
        assert [(one["method"], one["path"], problems(one)) for one in exchanges(made.tape) if problems(one)] == []


def test_a_checkout_becomes_a_draft_and_a_put_makes_it_an_order(desk: Desk) -> None:
    cart = desk.ready(MUG, custom_items=[CUSTOM])
    desk.answer("message", {"customer_message": "POS receipt 7 (till:7)"}, cart)
    desk.ways.tax_rate = 8.0
    shown = desk.checkouts.get(cart)
    assert shown is not None
    assert (shown["grand_total"], shown["tax_total"]) == (Decimal("27.54"), Decimal("2.04"))
    number = desk.convert(cart)
    draft = desk.orders.get(number)
    assert draft is not None
    assert (draft.status_id, draft.cart_id, draft.raw["order_source"]) == (0, cart, "checkout_api")
    assert draft.raw["customer_message"] == "POS receipt 7 (till:7)"
    desk.orders.update(number, {"status_id": 10, "external_order_id": "till:7"}, HOW)
    assert [one.id for one in desk.orders.find("till:7")] == [number]
    assert desk.sandbox.world.orders.kept[number].mails == 1
    assert isinstance(desk.send("delete", None, cart).outcome, Answered)
    assert desk.checkouts.get(cart) is None
    assert isinstance(desk.send("delete", None, cart).outcome, Answered), "a cart that is gone is deleted"


def test_each_conversion_makes_another_draft_and_all_are_found_by_the_cart(desk: Desk) -> None:
    cart = desk.ready()
    numbers = [desk.convert(cart), desk.convert(cart)]
    assert [one.id for one in desk.orders.of_cart(cart)] == numbers
    assert [one.id for one in desk.orders.drafts(1)] == numbers
    desk.ways.index_lag_s = 60.0
    assert desk.orders.of_cart(cart) == []


def test_stock_is_checked_in_the_cart_and_again_where_the_draft_becomes_an_order(desk: Desk) -> None:
    desk.sandbox.world.catalog.products[101]["inventory_level"] = 3
    assert "Insufficient stock" in desk.refusal("cart", {"channel_id": 1, "line_items": [MUG | {"quantity": 4}]}).words
    first, second = desk.convert(desk.ready()), desk.convert(desk.ready())
    assert desk.sandbox.world.catalog.products[101]["inventory_level"] == 3, "nothing is reserved"
    assert isinstance(desk.orders.update(first, {"status_id": 10}, HOW).outcome, Accepted)
    late = desk.orders.update(second, {"status_id": 10}, HOW).outcome
    assert isinstance(late, Refused)
    assert (late.status, late.shortages[0].product_id) == (409, 101)


def test_tax_is_that_of_the_address_and_a_promotion_takes_from_the_whole(desk: Desk) -> None:
    desk.ways.tax_by_state, desk.ways.promotion_percent = {"TX": 8.25}, 15.0
    cart = desk.ready()
    shown = desk.checkouts.get(cart)
    assert shown is not None
    assert shown["cart"]["discount_amount"] == 3.0
    assert (shown["grand_total"], shown["tax_total"]) == (Decimal("18.4"), Decimal("1.4"))
    stripped = desk.answer("discounts", {"cart": {"discounts": [{"discounted_amount": 0}]}}, cart)
    assert (stripped["grand_total"], stripped["cart"]["discount_amount"]) == (Decimal("21.65"), 0)


def test_shipping_fees_coupons_and_certificates_count(desk: Desk) -> None:
    desk.ways.coupons = {"TEN": 10.0}
    desk.ways.shipping_options = [{"id": "flat", "description": "Flat rate", "cost": 4.0}]
    person = {"name": "Ada", "email": "ada@example.com"}
    gift = {"name": "Gift", "theme": "General", "amount": 25, "quantity": 1, "sender": person, "recipient": person}
    cart = desk.cart(MUG, gift_certificates=[gift])
    billed = desk.answer("billing", HOME, cart)
    item = billed["cart"]["line_items"]["physical_items"][0]
    lines = [{"item_id": item["id"], "quantity": item["quantity"]}]
    there = desk.answer("delivery", [{"address": HOME, "line_items": lines}], cart)
    part = there["consignments"][0]["id"]
    desk.answer("shipping", {"custom_shipping": {"description": "In store", "price": 1}}, cart, part)
    desk.answer("shipping", {"shipping_option_id": "flat"}, cart, part)
    fee = {"type": "custom_fee", "name": "Bag", "display_name": "Bag", "cost": 0.5, "source": "POS"}
    desk.answer("fees", {"fees": [fee]}, cart)
    assert desk.refusal("coupon", {"coupon_code": "NONE"}, cart).status == 404
    shown = desk.answer("coupon", {"coupon_code": "TEN"}, cart)
    assert shown["grand_total"] == 20 - 2 + 4 + 0.5 + 25
    assert desk.refusal("discounts", {"cart": {"discounts": [{"discounted_amount": 1}]}}, cart).status == 422
    assert desk.refusal("fees", {"fees": [fee] * 5}, cart).status == 422


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 422, "Missing line_items"),
        ({"line_items": [{"product_id": 9999, "quantity": 1}]}, 422, "9999"),
        ({"line_items": [MUG | {"quantity": 0}]}, 422, "quantity"),
        ({"line_items": [MUG], "channel_id": 3}, 400, "channel"),
        ({"line_items": [MUG], "currency": {"code": "EUR"}}, 400, "EUR"),
        ({"custom_items": [CUSTOM | {"name": "x" * 251}]}, 422, "name"),
        ({"gift_certificates": [{"name": "G", "theme": "General", "amount": 1001, "quantity": 1}]}, 422, "amount"),
    ],
)
def test_a_cart_is_refused_in_the_stores_words(desk: Desk, body: dict[str, Any], status: int, words: str) -> None:
    desk.described = False  # what is not described is asked for on purpose
    refused = desk.refusal("cart", body)
    assert refused.status == status
    assert words in refused.words


def test_a_checkout_of_another_version_without_a_cart_or_without_addresses_is_refused(desk: Desk) -> None:
    cart = desk.cart(MUG)
    assert "shipping address" in desk.refusal("convert", None, cart).words
    version = desk.answer("billing", HOME, cart)["version"]
    assert desk.refusal("message", {"customer_message": "x", "version": version - 1}, cart).status == 409
    desk.described = False  # no telephone number by the description
    assert desk.refusal("billing", HOME | {"phone": "call me"}, cart).status == 422
    gone = "00000000-0000-4000-8000-000000000000"
    assert desk.refusal("billing", HOME, gone).status == 404
    desk.ways.unknown_cart = 500
    assert isinstance(desk.send("billing", HOME, gone).outcome, Unknown)
    assert desk.checkouts.get(gone) is None, "the cart is asked for before a 500 is believed"


def test_custom_items_need_a_delivery_where_the_store_says_so(desk: Desk) -> None:
    cart = desk.cart(custom_items=[CUSTOM])
    desk.answer("billing", HOME, cart)
    desk.ways.custom_needs_consignment = True
    assert desk.refusal("convert", None, cart).status == 422
    desk.ways.custom_needs_consignment = False
    desk.convert(cart)
