"""The sandbox's own arithmetic, held against an order that a real store answered."""

from typing import Any

import pytest

from syncd.sandbox.answers import Refusal
from syncd.sandbox.catalog import Catalog
from syncd.sandbox.orders import Orders
from syncd.sandbox.rows import product_row
from syncd.sandbox.world import CHANNELS

SHOP = {"first_name": "A", "last_name": "B", "street_1": "1 St", "city": "Austin", "zip": "78701", "country_iso2": "US"}


def store(*, included: bool = False, rate: float = 0.0, currency: str = "USD") -> Orders:
    catalog = Catalog()
    catalog.load([{"sku": "CHAIR", "name": "Chair", "price": 250}])
    orders = Orders("http://sandbox", currency, catalog, CHANNELS)
    orders.ways.change({"tax_included": included, "tax_rate": rate})
    return orders


def custom(inc_tax: float, ex_tax: float, quantity: int = 1) -> dict[str, Any]:
    return {"name": "Thing", "quantity": quantity, "price_inc_tax": inc_tax, "price_ex_tax": ex_tax}


def test_the_recorded_order_519_is_reproduced_figure_by_figure() -> None:
    orders = store(included=True, rate=5.5)
    products = [{"product_id": 101, "quantity": 10}]
    kept = orders.create({"billing_address": SHOP, "products": products, "discount_amount": 100})
    row = product_row(kept.order, {}, kept.lines[0])
    recorded_line = {
        "base_price": "250.0000",
        "price_ex_tax": "236.9667",
        "price_inc_tax": "250.0000",
        "price_tax": "13.0333",
        "quantity": 10,
        "total_ex_tax": "2369.6667",
        "total_inc_tax": "2500.0000",
        "total_tax": "125.1200",
        "discounted_total_inc_tax": "2400.0000",
    }
    recorded_order = {
        "subtotal_ex_tax": "2369.6667",
        "subtotal_inc_tax": "2500.0000",
        "subtotal_tax": "125.1200",
        "total_ex_tax": "2274.8800",
        "total_inc_tax": "2400.0000",
        "total_tax": "125.1200",
        "discount_amount": "100.0000",
    }
    assert {name: row[name] for name in recorded_line} == recorded_line
    assert {name: kept.order[name] for name in recorded_order} == recorded_order


@pytest.mark.parametrize(
    ("included", "total_inc", "total_ex"), [(True, "10.0002", "9.0902"), (False, "10.0009", "9.0909")]
)
def test_tax_is_rounded_on_each_line_and_the_side_that_the_store_prices_in_is_exact(
    included: bool, total_inc: str, total_ex: str
) -> None:
    kept = store(included=included).create({"billing_address": SHOP, "products": [custom(1.4286, 1.2987, 7)]})
    assert kept.order["total_tax"] == "0.9100"
    assert (kept.order["total_inc_tax"], kept.order["total_ex_tax"]) == (total_inc, total_ex)


def test_what_is_worked_out_is_kept_beside_the_pairs_that_were_sent() -> None:
    body = {"billing_address": SHOP, "products": [custom(11, 10)], "total_inc_tax": "12", "total_ex_tax": "10"}
    kept = store().create(body | {"subtotal_inc_tax": "11", "subtotal_ex_tax": "10"})
    assert (kept.order["total_inc_tax"], kept.computed["total_inc_tax"]) == ("12.0000", "11.0000")


def test_a_discount_without_pairs_lowers_the_tax_by_the_lines_own_rate() -> None:
    body = {"billing_address": SHOP, "products": [custom(11, 10), custom(10, 10)], "discount_amount": "4"}
    kept = store().create(body)
    assert (kept.order["total_tax"], kept.order["total_ex_tax"]) == ("0.8000", "16.0000")


def test_shipping_and_fees_are_part_of_the_total() -> None:
    fee = {"type": "custom_fee", "display_name_customer": "Tip", "cost_ex_tax": "2", "cost_inc_tax": "2"}
    body = {"billing_address": SHOP, "products": [custom(11, 10)], "fees": [fee]}
    kept = store().create(body | {"shipping_cost_ex_tax": "5", "shipping_cost_inc_tax": "5.50"})
    assert (kept.order["total_inc_tax"], kept.order["total_tax"]) == ("18.5000", "1.5000")


def test_a_currency_without_minor_units_has_whole_tax() -> None:
    kept = store(currency="JPY").create({"billing_address": SHOP, "products": [custom(110.4, 100)]})
    assert kept.order["total_tax"] == "10.0000"


@pytest.mark.parametrize(
    "half",
    ["total_inc_tax", "subtotal_ex_tax", "shipping_cost_inc_tax", "handling_cost_ex_tax", "wrapping_cost_inc_tax"],
)
def test_half_a_pair_is_refused(half: str) -> None:
    with pytest.raises(Refusal):
        store().create({"billing_address": SHOP, "products": [custom(11, 10)], half: "5"})
