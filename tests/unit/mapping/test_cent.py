"""Whatever is sold, the order's total and tax are the receipt's, to the minor unit."""

import os
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncd.canonical import CanonicalOrder
from syncd.canonical.balance import check_balance
from syncd.mapping.create import map_create
from syncd.mapping.model import CatalogMatch, Mapped, Matches, RequiredModifier
from syncd.mapping.rules import Rules
from syncd.mapping.stamp import payload_lines
from syncd.sandbox.catalog import read_catalog
from syncd.sandbox.orders import Orders, StoredOrder
from syncd.sandbox.world import CHANNELS
from tests.strategies import PLACES, sales

SHOP = {"street_1": "1 Main Street", "city": "Austin", "state": "TX", "zip": "78701", "country_iso2": "US"}
RULES = [
    Rules.model_validate({"default_address": SHOP} | changes)
    for changes in (
        {},
        {"stock": "elsewhere"},
        {"fees_as": {"tip": "line", "service_charge": "line"}, "variants_by": "product_options"},
        {"pickup_method_id": 1, "fee_tax_class_id": 2},
        {"stock": "elsewhere", "fees_as": {"bag": "fee", "other": "fee"}},
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


TAX_SIDES = (False, True)


def mapped(sale: CanonicalOrder, rules: Rules) -> Mapped:
    made = map_create(sale, MATCHES, rules)
    assert isinstance(made, Mapped), made
    return made


def kept_by(sale: CanonicalOrder, payload: dict[str, Any], *, included: bool) -> StoredOrder:
    store = Orders("http://sandbox", sale.currency, CATALOG, CHANNELS)
    store.ways.change({"tax_included": included})
    return store.create(payload)


def drift(sale: CanonicalOrder, payload: dict[str, Any]) -> Decimal:
    """How far totals that nobody overrides may be off (docs/mapping.md says so): a line of one piece, and a charge, is exact.

    One of several pieces may be off by half a minor unit on each side and by one in its tax; one of the catalog, which keeps its
    pieces whatever they cost, by 0.0001 a piece beside that.
    """
    unit = Decimal(1).scaleb(-PLACES[sale.currency])
    many = [line for line in payload_lines(payload) if line["quantity"] > 1]
    pieces = sum(line["quantity"] for line in many if line.get("product_id"))
    return unit * Decimal("1.5") * len(many) + Decimal("0.0001") * Decimal(pieces)


def check_sums(sale: CanonicalOrder, payload: dict[str, Any]) -> None:
    """Total and tax: to the minor unit as shown; within the drift as BigCommerce works them out, on either side of tax."""
    for included in TAX_SIDES:
        kept = kept_by(sale, payload, included=included)
        shown, alone = kept.order, kept.computed
        assert Decimal(shown["total_inc_tax"]) == sale.total_inc_tax
        assert Decimal(shown["total_tax"]) == sale.total_tax
        assert abs(Decimal(alone["total_inc_tax"]) - sale.total_inc_tax) <= drift(sale, payload)
        assert abs(Decimal(alone["total_tax"]) - sale.total_tax) <= drift(sale, payload)
        assert abs(Decimal(alone["subtotal_inc_tax"]) - Decimal(shown["subtotal_inc_tax"])) <= drift(sale, payload)


def check_charges(sale: CanonicalOrder, made: Mapped, rules: Rules) -> None:
    """Each charge has its place: delivery as shipping, the others as fees or as lines, at the receipt's amounts."""
    if any("fees and delivery" in decision.choice for decision in made.decisions) or off(sale) >= goods(sale):
        return  # what lowers the sale reaches the charges too; the sums above are all that can be said
    payload: dict[str, Any] = made.payload
    charges = {fee.kind.value: fee.total_inc_tax for fee in sale.fees if fee.total_inc_tax}
    delivery = charges.pop("delivery", Decimal(0))
    assert Decimal(payload.get("shipping_cost_inc_tax", "0")) == delivery
    if sale.rounding > 0:
        charges["rounding"] = sale.rounding
    extra = payload_lines(payload)[sum(line.total_inc_tax > 0 or line.quantity > 0 for line in sale.lines) :]
    as_lines = [Decimal(str(line["price_inc_tax"])) for line in extra]
    as_fees = [Decimal(fee["cost_inc_tax"]) for fee in payload.get("fees", ())]
    assert sorted(as_lines + as_fees) == sorted(charges.values())
    if rules.fee_tax_class_id is not None and not rules.fees_as:
        assert as_lines == []


def off(sale: CanonicalOrder) -> Decimal:
    back = sum((line.total_inc_tax for line in sale.lines if line.quantity < 0), Decimal(0))
    return sum((one.amount_inc_tax for one in sale.discounts), Decimal(0)) - back - min(sale.rounding, Decimal(0))


def goods(sale: CanonicalOrder) -> Decimal:
    return sum((line.total_inc_tax for line in sale.lines if line.quantity > 0), Decimal(0))


def check_lines(sale: CanonicalOrder, made: Mapped) -> None:
    """No price is negative or lower than the tax in it; where nothing lowers the sale, each line costs what it did."""
    wired = payload_lines(made.payload)
    assert all(isinstance(line["quantity"], int) and line["quantity"] >= 1 for line in wired)
    assert all(0 <= line["price_ex_tax"] <= line["price_inc_tax"] for line in wired)
    unit = Decimal(1).scaleb(-PLACES[sale.currency])
    untouched = not off(sale) and all(line.total_inc_tax % unit == 0 for line in sale.lines)
    if not untouched:
        return
    for line, one in zip([line for line in sale.lines if line.quantity > 0], wired, strict=False):
        paid = Decimal(str(one["price_inc_tax"])) * one["quantity"]
        assert abs(paid - line.total_inc_tax) <= one["quantity"] * Decimal("0.00005")


def check_everything(sale: CanonicalOrder, rules: Rules) -> None:
    made = mapped(sale, rules)
    payload: dict[str, Any] = dict(made.payload)
    check_sums(sale, payload)
    check_charges(sale, made, rules)
    check_lines(sale, made)
    order = kept_by(sale, payload, included=False).order
    assert order["external_order_id"] == sale.sale_key
    delivered = not (order["order_is_digital"] or "consignments" in payload)
    assert order["shipping_address_count"] == int(delivered)
    assert len(payload.get("shipping_addresses", ())) == int(delivered)


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sales(), st.sampled_from(RULES))
def test_the_orders_total_and_tax_are_the_sales(sale: CanonicalOrder, rules: Rules) -> None:
    assert check_balance(sale) == ()
    check_everything(sale, rules)


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(sales(copies=[25]), st.sampled_from(RULES))
def test_a_receipt_of_two_hundred_lines_is_right_too(sale: CanonicalOrder, rules: Rules) -> None:
    check_everything(sale, rules)
