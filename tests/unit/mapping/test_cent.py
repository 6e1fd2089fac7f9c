"""Whatever is sold, the order's total and tax are the receipt's, to the minor unit."""

import os
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncd.canonical import CanonicalOrder
from syncd.canonical.balance import check_balance
from syncd.mapping import CatalogMatch, Mapped, Matches, RequiredModifier, Rules, map_create
from syncd.mapping.stamp import payload_lines
from syncd.sandbox.catalog import read_catalog
from syncd.sandbox.orders import Orders
from syncd.sandbox.world import CHANNELS
from tests.strategies import sales

SHOP = {"street_1": "1 Main Street", "city": "Austin", "state": "TX", "zip": "78701", "country_iso2": "US"}
RULES = [
    Rules.model_validate({"default_address": SHOP} | changes)
    for changes in (
        {},
        {"stock": "elsewhere"},
        {"fees_as": {"tip": "line", "service_charge": "line"}, "variants_by": "product_options"},
        {"pickup_method_id": 1},
    )
]
CATALOG = read_catalog(None)
MATCHES = Matches(
    by_sku={
        variant["sku"].upper(): CatalogMatch(
            product_id=variant["product_id"],
            variant_id=variant["id"],
            sku=variant["sku"],
            name="",
            digital=CATALOG.products[variant["product_id"]]["type"] == "digital",
            options=tuple((value["option_id"], value["id"]) for value in variant["option_values"]),
            required=tuple(
                RequiredModifier(modifier["id"], modifier["display_name"])
                for modifier in CATALOG.products[variant["product_id"]]["modifiers"]
            ),
        )
        for variant in CATALOG.variants.values()
        if variant["sku"]
    }
)
EXAMPLES = int(os.environ.get("SYNCD_EXAMPLES", "300"))


def order_of(sale: CanonicalOrder, rules: Rules) -> tuple[dict[str, Any], dict[str, Any]]:
    mapped = map_create(sale, MATCHES, rules)
    assert isinstance(mapped, Mapped), mapped
    store = Orders("http://sandbox", sale.currency, CATALOG, CHANNELS)
    return dict(mapped.payload), store.create(dict(mapped.payload)).order


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sales(), st.sampled_from(RULES))
def test_the_orders_total_and_tax_are_the_sales(sale: CanonicalOrder, rules: Rules) -> None:
    assert check_balance(sale) == ()
    payload, order = order_of(sale, rules)
    assert Decimal(order["total_inc_tax"]) == sale.total_inc_tax
    assert Decimal(order["total_inc_tax"]) - Decimal(order["total_ex_tax"]) == sale.total_tax
    assert order["external_order_id"] == sale.sale_key
    shipped = order["shipping_address_count"]
    assert shipped == (0 if order["order_is_digital"] or "consignments" in payload else 1)
    assert all(isinstance(line["quantity"], int) and line["quantity"] >= 1 for line in payload_lines(payload))


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(sales(most_lines=200))
def test_a_receipt_of_two_hundred_lines_is_right_too(sale: CanonicalOrder) -> None:
    _, order = order_of(sale, RULES[0])
    assert Decimal(order["total_inc_tax"]) == sale.total_inc_tax
