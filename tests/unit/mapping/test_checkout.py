"""A sale as the calls of a checkout: the cent, the way, and the words."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncd.canonical import CanonicalOrder
from syncd.canonical.sale_key import sent_key
from syncd.mapping.checkout import CheckoutPlan, as_v3, finish_body, key_in, map_checkout, message_of, split
from syncd.mapping.create import map_create
from syncd.mapping.lines import map_lines
from syncd.mapping.model import Mapped, Matches
from syncd.mapping.rules import LIVE, Occasion, Rules
from syncd.mapping.workflow import WorkflowChoice, cannot_check_out
from syncd.sandbox.carts import CartStore, read_cart
from syncd.sandbox.checkouts import Checkouts
from syncd.sandbox.orders import Orders
from syncd.sandbox.world import CHANNELS
from syncd.testing.orders import sale
from tests.strategies import PLACES, sales
from tests.unit.mapping.test_cent import CATALOG, EXAMPLES, MATCHES

SHOP = {"street_1": "1 Main Street", "city": "Austin", "state": "TX", "zip": "78701", "country_iso2": "US"}
ADA = {"first_name": "Ada", "last_name": "Buyer", "email": "ada@example.com"}


def rules(**changes: Any) -> Rules:
    shop = SHOP | {"email": "pos@example.com"}
    return Rules.model_validate({"default_address": shop, "workflow": "checkout", "pickup_method_id": 1} | changes)


EVERY = rules(checkout={"only": []})


def planned(order: CanonicalOrder, matches: Matches = MATCHES, by: Rules = EVERY) -> CheckoutPlan:
    plan = map_checkout(order, matches, by, LIVE, includes_tax=False)
    assert isinstance(plan, CheckoutPlan), plan
    return plan


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(sales(most_lines=4, copies=(1, 1, 5)), st.booleans())
def test_by_either_way_the_order_comes_to_the_receipt_to_the_minor_unit(order: CanonicalOrder, included: bool) -> None:
    plan = map_checkout(order, MATCHES, EVERY, LIVE, includes_tax=included)
    if isinstance(plan, WorkflowChoice):
        made = map_create(order, MATCHES, EVERY)
        assert isinstance(made, Mapped)
        assert Decimal(str(made.payload["total_inc_tax"])) == order.total_inc_tax
        return
    orders = Orders("http://sandbox", order.currency, CATALOG, CHANNELS)
    orders.ways.change({"tax_included": included, "price_places": PLACES[order.currency]})
    cart = read_cart(plan.cart, CartStore(CHANNELS, (order.currency,), CATALOG, orders.ways))
    fees: Any = plan.fees or {"fees": []}
    cart.fees = list(fees["fees"])
    cost: Any = (plan.shipping or {}).get("custom_shipping") or {"price": 0}
    cart.consignments = [{"shipping_cost": cost["price"], "line_items": []}]
    wanted = order.total_inc_tax if included else order.total_inc_tax - order.total_tax
    assert Checkouts(orders).totals(cart).grand_total == wanted
    assert (plan.total, plan.tax) == (order.total_inc_tax, order.total_tax)


@given(st.integers(0, 10**7), st.integers(1, 500), st.sampled_from(sorted(PLACES)))
def test_pieces_come_to_the_amount_at_whole_minor_units(minor: int, quantity: int, currency: str) -> None:
    amount = Decimal(minor).scaleb(-PLACES[currency])
    parts = split(amount, quantity, currency)
    assert sum(pieces for pieces, _ in parts) == quantity
    assert sum((pieces * price for pieces, price in parts), Decimal(0)) == amount
    assert all(price == price.quantize(Decimal(1).scaleb(-PLACES[currency])) for _, price in parts)


def test_three_for_ten_are_two_prices() -> None:
    assert split(Decimal("10.00"), 3, "USD") == [(2, Decimal("3.33")), (1, Decimal("3.34"))]


@given(st.text(min_size=1, max_size=120).filter(lambda text: text.strip() == text), st.text(max_size=30))
def test_the_message_carries_the_key_whatever_the_id_and_the_receipt_number(sale_id: str, number: str) -> None:
    try:
        order = sale(source="till", sale_id=sale_id, number=number or None)
    except ValueError:
        return
    assert key_in(message_of(order, EVERY)) == sent_key(order.sale_key, EVERY.longest_key)


@pytest.mark.parametrize("text", ["", "Leave it at the door", "Gift (wrapped)", "call 555:1234 (after 6)"])
def test_a_shoppers_own_words_are_no_key(text: str) -> None:
    assert key_in(text) is None


LINE = {"line_id": "1", "name": "Thing", "total_ex_tax": "10.00", "total_inc_tax": "10.80"}
BACK = LINE | {"line_id": "2", "quantity": "-1", "total_ex_tax": "-5.00", "total_inc_tax": "-5.40"}
FEES = [{"kind": "other", "name": f"Fee {n}", "total_ex_tax": "1.00", "total_inc_tax": "1.00"} for n in range(6)]
DEPOSIT = LINE | {"line_id": "2", "kind": "deposit", "total_ex_tax": "-5.00", "total_inc_tax": "-5.40"}
UNTAXED = [LINE | {"line_id": str(n)} for n in range(2)] + [LINE | {"line_id": "3", "total_inc_tax": "10.00"}]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"total_inc_tax": "-10.80", "total_tax": "-0.80"}, "it is a return"),
        ({"returns_of": "till:9"}, "it is a return"),
        ({"lines": [LINE, BACK], "total_inc_tax": "5.40", "total_tax": "0.40"}, "goods came back with it"),
        ({"status": "refunded"}, "it is refunded in the POS"),
        ({"status": "partially_refunded"}, "it is partially refunded in the POS"),
        ({"status": "open"}, "it is open in the POS"),
        ({"status": "voided"}, "it is voided in the POS"),
        ({"lines": []}, "it has no line that sells anything"),
        ({"fees": FEES, "total_inc_tax": "16.80"}, "a checkout takes at most 5 fees"),
        ({"lines": [LINE, DEPOSIT], "total_inc_tax": "5.40", "total_tax": "0.40"}, "it redeems a deposit"),
        ({"lines": UNTAXED, "total_inc_tax": "31.60", "total_tax": "1.60"}, "custom items of a cart have no tax class"),
    ],
)
def test_sales_that_never_go_by_the_checkout(changes: dict[str, Any], why: str) -> None:
    order = sale(source="till", **({"lines": [LINE]} | changes))
    found = map_lines(order, tuple(enumerate(order.lines, 1)), Matches(), EVERY, "bigcommerce") if order.lines else []
    assert isinstance(found, list)
    lines = [one for one, line in zip(found, order.lines, strict=True) if line.total_inc_tax > 0]
    assert why in cannot_check_out(order, lines, EVERY)


def choice(order: CanonicalOrder, by: Rules, occasion: Occasion = LIVE) -> WorkflowChoice | None:
    found = map_checkout(order, Matches(), by, occasion, includes_tax=False)
    return found if isinstance(found, WorkflowChoice) else None


def test_a_walk_in_goes_by_the_shops_e_mail_and_without_one_not_at_all() -> None:
    walk_in = sale(source="till", lines=[LINE])
    assert choice(walk_in, EVERY) is None
    nobody = choice(
        walk_in, Rules.model_validate({"default_address": SHOP, "workflow": "checkout", "checkout": {"only": []}})
    )
    assert nobody is not None
    assert "no e-mail address" in nobody.why


@pytest.mark.parametrize("occasion", [Occasion(backfill=True), Occasion(history=True)])
def test_the_past_never_goes_by_the_checkout(occasion: Occasion) -> None:
    found = choice(sale(source="till", lines=[LINE]), EVERY, occasion)
    assert found is not None
    assert found.why == "a sale of the past never goes by the checkout"


def test_the_way_is_by_fulfilment_source_and_location() -> None:
    def goes(by: Rules, **changes: Any) -> bool:
        return choice(sale(source="till", lines=[LINE], **changes), by) is None

    assert not goes(rules())  # over the counter, and the checkout is for goods that are still to leave
    assert goes(rules(), fulfilment="pickup")
    assert goes(rules(checkout={"only": ["in_store"]}))
    assert not goes(rules(checkout={"only": ["in_store"]}), fulfilment="pickup")
    of_source = rules(workflow="orders", sources={"till": {"workflow": "checkout"}})
    assert goes(of_source, fulfilment="pickup")
    of_place = rules(locations={"Harbor": {"workflow": "orders"}})
    assert not goes(of_place, fulfilment="pickup", location={"id": "Harbor"})
    assert goes(of_place, fulfilment="pickup", location={"id": "Main"})


def test_what_cannot_go_is_held_where_the_config_says_so() -> None:
    found = choice(
        sale(source="till", lines=[LINE], status="refunded"), rules(checkout={"only": [], "otherwise": "hold"})
    )
    assert found is not None
    assert found.held


def test_a_line_with_options_names_all_of_them_and_no_variant() -> None:
    tee = sale(source="till", lines=[LINE | {"sku": "TEE-M-BLK"}])
    by_options: Any = planned(tee, by=rules(checkout={"only": []}, variants_by="product_options")).cart
    (line,) = by_options["line_items"]
    assert "variant_id" not in line
    assert len(line["option_selections"]) == 2
    by_id: Any = planned(tee).cart
    (line,) = by_id["line_items"]
    assert line["variant_id"]
    assert "option_selections" not in line


@pytest.mark.parametrize(
    ("phone", "sent"),
    [
        ("+1 (512) 555-0100", "+15125550100"),
        ("512 555 0100", "5125550100"),
        ("0512 555", None),
        ("call me", None),
        ("", None),
    ],
)
def test_a_phone_that_v3_does_not_take_is_left_out(phone: str, sent: str | None) -> None:
    assert as_v3({"email": "a@example.com", "phone": phone}).get("phone") == sent


def test_goods_over_the_counter_are_delivered_at_the_shop_and_shipped_ones_at_the_customers() -> None:
    home = {
        "first_name": "Ada",
        "last_name": "B",
        "street_1": "2 Hill Road",
        "city": "Dallas",
        "state": "TX",
        "zip": "75001",
    }
    custom = rules(checkout={"only": [], "delivery": "custom"})
    said = {"source": "till", "lines": [LINE], "customer": ADA, "billing": home}
    at_shop: Any = planned(sale(**said), by=custom).delivery
    shipped: Any = planned(sale(fulfilment="ship", **said), by=custom).delivery
    assert (at_shop["address"]["city"], shipped["address"]["city"]) == ("Austin", "Dallas")
    pickup = planned(sale(fulfilment="pickup", **said))
    assert pickup.delivery == {"pickup_option": {"pickup_method_id": 1}}
    assert pickup.shipping is None


def test_the_put_that_finishes_names_what_a_create_names_and_states_no_total_unless_told() -> None:
    made = map_create(sale(source="till", lines=[LINE]), Matches(), EVERY)
    assert isinstance(made, Mapped)
    body = finish_body(made.payload)
    assert (body["external_order_id"], body["status_id"], body["customer_message"]) == ("till:1001", 10, "")
    assert not any(name.startswith("total") for name in body)
    assert "date_created" not in finish_body(made.payload, without=("date_created",))
    assert finish_body(made.payload, totals=True)["total_inc_tax"] == "10.8000"
