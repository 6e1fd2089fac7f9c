"""What a real store refuses, the sandbox refuses in the same words (recorded or documented; see docs/sandbox.md)."""

import json
from typing import Any

import pytest

from syncd.sandbox.answers import Refusal
from syncd.sandbox.catalog import Catalog
from syncd.sandbox.orders import Orders
from syncd.sandbox.world import CHANNELS

SHOP = {
    "first_name": "A",
    "last_name": "B",
    "street_1": "1 St",
    "city": "Austin",
    "state": "Texas",
    "zip": "78701",
    "country_iso2": "US",
    "email": "a@example.com",
}
LINE = {"name": "Thing", "quantity": 1, "price_inc_tax": 11, "price_ex_tax": 10}
BODY = {"billing_address": SHOP, "products": [LINE]}
CATALOG = [
    {"sku": "MUG", "name": "Mug", "price": 12, "stock": 3},
    {"sku": "BOX", "name": "Box", "price": 9, "minimum": 2, "maximum": 4},
    {"sku": "RING", "name": "Ring", "price": 90, "modifiers": ["Engraving", {"name": "Size", "choices": ["S", "L"]}]},
    {
        "sku": "",
        "name": "Tee",
        "price": 15,
        "variants": [{"sku": "T-S", "options": {"Size": "S"}}, {"sku": "T-L", "options": {"Size": "L"}}],
    },
]


def store(**ways: Any) -> Orders:
    catalog = Catalog()
    catalog.load(CATALOG)
    orders = Orders("http://sandbox", "USD", catalog, CHANNELS, has_customer=lambda number: number == 7)
    orders.ways.change(ways)
    return orders


def refused(orders: Orders, body: dict[str, Any]) -> tuple[int, str, dict[str, Any]]:
    with pytest.raises(Refusal) as caught:
        orders.create(body)
    (error,) = json.loads(caught.value.answer.body)
    assert caught.value.answer.status == error["status"]
    assert orders.kept == {}
    return error["status"], error["message"], error.get("details", {})


def billed(**changes: Any) -> dict[str, Any]:
    address = {name: value for name, value in {**SHOP, **changes}.items() if value != "left out"}
    return BODY | {"billing_address": address}


def shipped(**changes: Any) -> dict[str, Any]:
    return BODY | {"shipping_addresses": [{**SHOP, "shipping_method": "In store", **changes}]}


def lines(**changes: Any) -> dict[str, Any]:
    line = {name: value for name, value in {**LINE, **changes}.items() if value != "left out"}
    return BODY | {"products": [line]}


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "a customer that is no number": (BODY | {"customer_id": "x"}, "The field 'customer_id' is invalid."),
    "a customer that does not exist": (BODY | {"customer_id": 8}, "The field 'customer_id' is invalid."),
    "a date that is none": (BODY | {"date_created": "soon"}, "The field 'date_created' is invalid."),
    "items_shipped of the wrong type": (BODY | {"items_shipped": "x"}, "The field 'items_shipped' is invalid."),
    "order_is_digital of the wrong type": (
        BODY | {"order_is_digital": "x"},
        "The field 'order_is_digital' is invalid.",
    ),
    "a bad e-mail in billing": (billed(email="nobody"), "The field 'email' is invalid."),
    "a bad e-mail in shipping": (shipped(email="nobody"), "The field 'email' is invalid."),
    "no country in billing": (billed(country_iso2="left out"), "The field 'billing_address.country' is invalid."),
    "an empty country beside a good code": (shipped(country=""), "The field 'country' is invalid."),
    "a country that is no text": (shipped(country=1), "The field 'country' is invalid."),
    "an empty country code": (billed(country_iso2=""), "The field 'country_iso2' is invalid."),
    "billing that is no object": (BODY | {"billing_address": "x"}, "The field 'billing_address' is invalid."),
    "no billing": ({"products": [LINE]}, "The required field 'billing_address' was not supplied."),
    "a state that is null": (billed(state=None), "The field 'state' does not allow null values."),
    "a line without product and name": (
        lines(name="left out"),
        "The field 'products.product_id, products.name' is invalid.",
    ),
    "an empty quantity": (lines(quantity=""), "The field 'quantity' is invalid."),
    "a lone price without tax": (lines(price_inc_tax="left out"), "The field 'products.price_inc_tax' is invalid."),
    "a lone price with tax": (lines(price_ex_tax="left out"), "The field 'products.price_ex_tax' is invalid."),
    "no lines": (BODY | {"products": []}, "The required field 'products' was not supplied."),
    "a field that is read only": (
        BODY | {"external_id": "x"},
        "The field 'external_id' cannot be written to. Please remove it from your request before trying again.",
    ),
    "a lone total": (BODY | {"total_inc_tax": "11"}, "The field 'total_ex_tax' is invalid."),
    "a lone shipping cost": (BODY | {"shipping_cost_ex_tax": "5"}, "The field 'shipping_cost_inc_tax' is invalid."),
    "a negative price": (lines(price_inc_tax=-11), "The field 'price_inc_tax' is invalid."),
    "a negative total": (
        BODY | {"total_inc_tax": "-11", "total_ex_tax": "-10"},
        "The field 'total_ex_tax' is invalid.",
    ),
    "a negative discount": (BODY | {"discount_amount": "-1"}, "The field 'discount_amount' is invalid."),
    "an unknown channel": (BODY | {"channel_id": 9}, "The field 'channel_id' is invalid."),
    "a disconnected channel": (BODY | {"channel_id": 3}, "The field 'channel_id' is invalid."),
    "a currency that is not the store's": (
        BODY | {"default_currency_code": "CHF"},
        "The field 'default_currency_code' is invalid.",
    ),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_what_a_store_refuses_with_400_is_refused_in_its_words(what: str) -> None:
    body, words = REFUSALS[what]
    assert refused(store(), body)[:2] == (400, words)


def test_a_billing_address_without_a_country_says_why() -> None:
    _, _, details = refused(store(), billed(country_iso2="left out"))
    assert details == {"invalid_reason": "Billing address country not supplied."}


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ({"product_id": 103, "quantity": 1}, "MandatoryProductOptions"),
        ({"product_id": 104, "quantity": 1}, "MandatoryProductOptions"),
        ({"product_id": 101, "quantity": 1, "product_options": [{"id": 9, "value": "x"}]}, "InvalidProductOption"),
        (
            {
                "product_id": 103,
                "quantity": 1,
                "product_options": [{"id": 10301, "value": "Ada"}, {"id": 10302, "value": "9"}],
            },
            "InvalidProductOptionValue",
        ),
    ],
)
def test_options_that_are_wrong_are_named_with_their_type(line: dict[str, Any], kind: str) -> None:
    status, words, details = refused(store(), BODY | {"products": [line]})
    assert (status, words) == (400, "The options of one or more products are invalid.")
    assert [error["type"] for error in details["errors"]] == [kind]


@pytest.mark.parametrize(
    ("product", "quantity", "kind"),
    [(101, 4, "OutOfStock"), (102, 5, "ExceedsMaxQuantity"), (102, 1, "InsufficientQuantity")],
)
def test_quantities_that_do_not_fit_are_a_conflict(product: int, quantity: int, kind: str) -> None:
    body = BODY | {"products": [{"product_id": product, "quantity": quantity}]}
    status, words, details = refused(store(), body)
    assert (status, words) == (
        409,
        "Quantities of one or more products are out of stock or did not meet quantity requirements.",
    )
    assert details["errors"][0]["type"] == kind


def test_a_field_that_no_order_has_is_ignored_or_refused_as_the_store_is_set() -> None:
    assert store().create(BODY | {"colour": "red"}).order["id"]
    assert refused(store(unknown_field="refused"), BODY | {"colour": "red"})[1] == (
        "The field 'colour' is not supported by this resource."
    )


def test_what_may_be_left_out_or_empty_is_taken() -> None:
    kept = store().create(billed(email="", first_name="", street_1="", phone="", state="left out"))
    assert kept.order["billing_address"]["email"] == ""
    assert store().create(BODY | {"tax_provider_id": "x"}).order["tax_provider_id"] == ""
    assert store().create(BODY | {"customer_id": 7}).order["customer_id"] == 7
    assert store().create(lines(quantity=-3)).order["total_inc_tax"] == "-33.0000"


def test_fields_that_were_not_sent_read_as_recorded() -> None:
    order = store().create(BODY).order
    recorded = {
        "status_id": 1,
        "status": "Pending",
        "payment_method": "Manual",
        "payment_provider_id": None,
        "external_order_id": "",
        "external_source": None,
        "external_id": None,
        "staff_notes": None,
        "customer_message": None,
        "cart_id": None,
        "customer_id": 0,
        "shipping_address_count": 1,
        "order_source": "external",
        "ebay_order_id": "0",
    }
    assert {name: order[name] for name in recorded} == recorded
