"""What becomes of each part of a receipt."""

from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from syncd.canonical import CanonicalOrder
from syncd.canonical.cards import mask_cards
from syncd.mapping.create import map_create
from syncd.mapping.model import CatalogMatch, Held, Mapped, Matches, Unmappable
from syncd.mapping.rules import Rules
from syncd.testing.orders import sale

SHOP = {"street_1": "1 Main Street", "city": "Austin", "state": "Texas", "zip": "78701", "country_iso2": "US"}
HOME = {"street_1": "2 Hill Road", "city": "Dallas", "state": "TX", "zip": "75001", "country": "US"}
MUG = CatalogMatch(product_id=5, variant_id=9, sku="MUG-1", name="Mug", digital=False, options=())


def rules(**changes: Any) -> Rules:
    return Rules.model_validate({"default_address": SHOP} | changes)


def payload(order: CanonicalOrder, matches: Matches | None = None, **changes: Any) -> dict[str, Any]:
    mapped = map_create(order, matches or Matches(), rules(**changes))
    assert isinstance(mapped, Mapped), mapped
    return dict(mapped.payload)


def line(**changes: Any) -> list[dict[str, Any]]:
    return [{"line_id": "1", "name": "Thing", "total_ex_tax": "10.00", "total_inc_tax": "10.80"} | changes]


def test_a_walk_in_gets_the_shops_address_and_the_sales_own_time() -> None:
    made = payload(sale())
    assert made["billing_address"]["street_1"] == "1 Main Street"
    assert parsedate_to_datetime(made["date_created"]) == sale().placed_at
    assert made["status_id"] == 10
    assert made["customer_id"] == 0


def test_a_sku_of_the_catalog_is_its_product_whatever_its_case() -> None:
    made = payload(sale(lines=line(sku=" mug-1 ")), Matches(by_sku={"MUG-1": MUG}))
    (product,) = made["products"]
    assert (product["product_id"], product["variant_id"]) == (5, 9)
    assert "sku" not in product


def test_a_barcode_finds_what_a_sku_does_not() -> None:
    made = payload(sale(lines=line(sku="OTHER", upc="036000291452")), Matches(by_upc={"036000291452": MUG}))
    assert made["products"][0]["product_id"] == 5


def test_a_gift_card_is_never_a_catalog_product() -> None:
    made = payload(sale(lines=line(sku="MUG-1", kind="gift_card")), Matches(by_sku={"MUG-1": MUG}))
    assert "product_id" not in made["products"][0]


def test_weighed_goods_are_one_piece_with_the_weight_in_the_name() -> None:
    (product,) = payload(sale(lines=line(quantity="0.450", unit="kg")))["products"]
    assert (product["quantity"], product["price_inc_tax"]) == (1, 10.8)
    assert "0.45 kg" in product["name"]


def test_three_for_ten_keeps_the_receipts_total() -> None:
    made = payload(sale(lines=line(quantity="3")))
    assert made["products"][0]["price_inc_tax"] == 3.6
    assert made["subtotal_inc_tax"] == "10.8000"
    assert made["total_inc_tax"] == "10.8000"


@pytest.mark.parametrize(
    ("kind", "where"),
    [("service_charge", "fees"), ("bag", "fees"), ("surcharge", "fees"), ("delivery", "shipping_cost_inc_tax")],
)
def test_what_is_charged_beside_the_lines_has_its_place(kind: str, where: str) -> None:
    fee = {"kind": kind, "name": kind, "total_ex_tax": "2.00", "total_inc_tax": "2.16"}
    assert where in payload(sale(lines=line(), fees=[fee], total_inc_tax="12.96", total_tax="0.96"))


def test_a_charge_without_tax_is_a_fee_where_the_store_has_a_class_for_it_and_else_a_line() -> None:
    tip = {"kind": "tip", "name": "Tip", "total_ex_tax": "2.00", "total_inc_tax": "2.00"}
    tipped = sale(lines=line(), fees=[tip], total_inc_tax="12.80")
    made = payload(tipped, fee_tax_class_id=3)
    assert [(fee["cost_inc_tax"], fee["tax_class_id"]) for fee in made["fees"]] == [("2.0000", 3)]
    made = payload(tipped)
    assert "fees" not in made
    assert [product["name"] for product in made["products"]] == ["Thing", "Tip"]
    assert "tax_class_id" not in payload(tipped, fees_as={"tip": "fee"})["fees"][0]


def test_charges_of_nothing_are_left_out() -> None:
    nothing = [{"kind": kind, "name": kind, "total_ex_tax": "0", "total_inc_tax": "0"} for kind in ("tip", "delivery")]
    made = payload(sale(lines=line(), fees=nothing), fee_tax_class_id=3)
    assert not made.keys() & {"fees", "shipping_cost_inc_tax", "shipping_cost_ex_tax"}


def test_delivery_that_is_given_back_lowers_the_goods_and_is_never_negative() -> None:
    given_back = {"kind": "delivery", "name": "Free delivery", "total_ex_tax": "-2.00", "total_inc_tax": "-2.00"}
    made = payload(sale(lines=line(), fees=[given_back], total_inc_tax="8.80"))
    assert "shipping_cost_inc_tax" not in made
    assert made["products"][0]["price_inc_tax"] == 8.8


def test_cash_rounding_is_a_charge_upwards_and_taken_off_the_lines_downwards() -> None:
    up = payload(sale(lines=line(), rounding="0.02", total_inc_tax="10.82"), fee_tax_class_id=3)
    assert up["fees"][0]["cost_inc_tax"] == "0.0200"
    down = payload(sale(lines=line(), rounding="-0.03", total_inc_tax="10.77"))
    assert (down["products"][0]["price_inc_tax"], down["products"][0]["price_ex_tax"]) == (10.77, 9.97)


def test_an_order_discount_is_spread_over_the_lines_so_that_price_and_tax_add_up() -> None:
    goods = [*line(), *line(line_id="2", total_ex_tax="5.00", total_inc_tax="5.00")]
    off = [{"name": "Staff", "amount_inc_tax": "3.16", "amount_ex_tax": "3.00"}]
    made = payload(sale(lines=goods, discounts=off, total_inc_tax="12.64", total_tax="0.64"))
    assert "discount_amount" not in made
    assert [(p["price_inc_tax"], p["price_ex_tax"]) for p in made["products"]] == [(8.64, 8), (4, 4)]


def test_a_discount_may_be_shown_as_a_figure_of_its_own_beside_the_lowered_prices() -> None:
    off = [{"name": "Staff", "amount_inc_tax": "1.08", "amount_ex_tax": "1.00"}]
    made = payload(sale(lines=line(), discounts=off, total_inc_tax="9.72", total_tax="0.72"), show_discount=True)
    assert (made["discount_amount"], made["products"][0]["price_inc_tax"]) == ("1.0800", 9.72)


def test_preview_says_why_a_charge_is_a_line_and_that_a_shown_discount_is_for_show() -> None:
    tip = {"kind": "tip", "name": "Tip", "total_ex_tax": "2.00", "total_inc_tax": "2.00"}
    off = [{"name": "Staff", "amount_inc_tax": "1.08", "amount_ex_tax": "1.00"}]
    tipped = sale(lines=line(), fees=[tip], discounts=off, total_inc_tax="11.72", total_tax="0.72")
    for changes, why in (({}, "no fee_tax_class_id is set"), ({"fees_as": {"tip": "line"}}, "the config wants it")):
        mapped = map_create(tipped, Matches(), rules(show_discount=True, **changes))
        assert isinstance(mapped, Mapped)
        said = {decision.about: decision.why for decision in mapped.decisions}
        assert why in said["Tip"]
        assert "for show" in said["discount_amount"]


def test_a_discount_lowers_gift_cards_only_where_the_goods_do_not_suffice() -> None:
    card = line(line_id="2", kind="gift_card", total_ex_tax="50.00", total_inc_tax="50.00")
    off = [{"name": "Staff", "amount_inc_tax": "5.40", "amount_ex_tax": "5.00"}]
    made = payload(sale(lines=[*line(), *card], discounts=off, total_inc_tax="55.40", total_tax="0.40"))
    assert [p["price_inc_tax"] for p in made["products"]] == [5.4, 50]
    off = [{"name": "All", "amount_inc_tax": "20.80", "amount_ex_tax": "20.00"}]
    made = payload(sale(lines=[*line(), *card], discounts=off, total_inc_tax="40.00", total_tax="0"))
    assert [p["price_inc_tax"] for p in made["products"]] == [0, 40]


def test_a_coupon_that_leaves_the_tax_alone_never_lowers_a_price_below_its_tax() -> None:
    goods = [*line(total_ex_tax="90.00", total_inc_tax="90.00"), *line(line_id="2")]
    off = [{"name": "Coupon", "amount_inc_tax": "99.50", "amount_ex_tax": "99.50"}]
    made = payload(sale(lines=goods, discounts=off, total_inc_tax="1.30", total_tax="0.80"))
    prices = [(p["price_inc_tax"], p["price_ex_tax"]) for p in made["products"]]
    assert all(0 <= ex_tax <= inc_tax for inc_tax, ex_tax in prices)
    assert sum(inc_tax for inc_tax, _ in prices) == 1.3


def test_pieces_so_many_that_their_price_drifts_are_one_piece_with_the_amount_in_the_name() -> None:
    many = {"quantity": "1000", "total_ex_tax": "1234.57", "total_inc_tax": "1234.57"}
    (product,) = payload(sale(lines=line(**many), total_inc_tax="1234.57", total_tax="0"))["products"]
    assert (product["quantity"], product["price_inc_tax"]) == (1, 1234.57)
    assert "1000" in product["name"]
    made = payload(
        sale(lines=line(sku="MUG-1", **many), total_inc_tax="1234.57", total_tax="0"), Matches(by_sku={"MUG-1": MUG})
    )
    assert made["products"][0]["quantity"] == 1000


def test_tenders_are_named_once_and_card_numbers_never_shown() -> None:
    tenders = [
        {"kind": "card", "label": "Card", "amount": "5.00", "card_brand": "Visa", "card_last4": "4242"},
        {"kind": "gift_card", "label": "Gift Card", "amount": "3.00"},
        {"kind": "gift_card", "label": "Gift Card", "amount": "2.80"},
        {"kind": "cash", "label": "Cash", "amount": "1.00", "status": "voided"},
    ]
    made = payload(sale(tenders=tenders, note="card 4111 1111 1111 1111 left here"))
    assert made["payment_method"] == "Visa 4242 + Gift Card"
    assert "4111 1111" not in made["staff_notes"]
    assert "[card ending 1111]" in made["staff_notes"]


@pytest.mark.parametrize("text", ["tel 5125550100 555", "order 1234567890123456", "4111-1111-1111-1112"])
def test_numbers_that_are_no_cards_stay(text: str) -> None:
    assert mask_cards(text) == text


def test_digital_goods_need_no_delivery() -> None:
    made = payload(sale(lines=line(digital=True), fulfilment="digital"))
    assert made["order_is_digital"] is True
    assert "shipping_addresses" not in made


def test_goods_that_are_shipped_go_to_the_customers_address() -> None:
    made = payload(sale(shipping=HOME | {"first_name": "Ada", "last_name": "Buyer"}, fulfilment="ship"))
    assert made["shipping_addresses"][0]["street_1"] == "2 Hill Road"
    assert made["billing_address"]["street_1"] == "1 Main Street"


def test_half_an_address_keeps_the_person_and_takes_the_shops_place() -> None:
    made = payload(sale(customer={"first_name": "Ada", "email": "ada@example.com"}, billing={"city": "Dallas"}))
    assert (made["billing_address"]["first_name"], made["billing_address"]["city"]) == ("Ada", "Austin")
    assert made["billing_address"]["email"] == "ada@example.com"


def test_pick_up_is_a_consignment_where_the_store_has_a_pick_up_method() -> None:
    made = payload(sale(fulfilment="pickup"), pickup_method_id=3)
    assert made["consignments"]["pickups"][0]["pickup_method_id"] == 3
    assert "products" not in made
    assert "shipping_addresses" in payload(sale(fulfilment="pickup"))


def test_a_location_may_have_its_own_channel_address_and_stock() -> None:
    own = {"channel_id": 2, "stock": "elsewhere", "default_address": SHOP | {"city": "Waco"}}
    made = payload(
        sale(location={"id": "L1", "name": "Harbor"}, lines=line(sku="MUG-1")),
        Matches(by_sku={"MUG-1": MUG}),
        locations={"Harbor": own},
    )
    assert (made["channel_id"], made["billing_address"]["city"]) == (2, "Waco")
    assert "product_id" not in made["products"][0]


def test_long_names_are_cut_and_control_characters_dropped() -> None:
    (product,) = payload(sale(lines=line(name="x" * 400 + "\n")))["products"]
    assert len(product["name"]) == 250
    assert payload(sale(lines=line(name="a\nb\x07")))["products"][0]["name"] == "a b"


def test_a_line_without_a_name_is_an_item() -> None:
    assert payload(sale(lines=line(name=" \u2003")))["products"][0]["name"] == "Item"


def test_a_comment_line_is_no_product() -> None:
    comment = {"line_id": "2", "name": "Happy birthday", "quantity": "0", "total_ex_tax": "0", "total_inc_tax": "0"}
    assert len(payload(sale(lines=[*line(), comment]))["products"]) == 1


def test_a_return_is_held() -> None:
    back = sale(
        lines=line(quantity="-1", total_ex_tax="-10.00", total_inc_tax="-10.80"),
        total_inc_tax="-10.80",
        total_tax="-0.80",
    )
    made = map_create(back, Matches(), rules())
    assert isinstance(made, Held)
    assert "return" in made.why


def test_an_unknown_sku_is_declined_where_the_rules_say_so() -> None:
    made = map_create(sale(lines=line(sku="GONE")), Matches(), rules(unknown_sku="reject"))
    assert isinstance(made, Unmappable)
    assert "GONE" in made.why


@pytest.mark.parametrize(("status", "number"), [("completed", 10), ("refunded", 4), ("partially_refunded", 14)])
def test_the_status_follows_the_sale_and_the_config(status: str, number: int) -> None:
    assert payload(sale(status=status))["status_id"] == number
    assert payload(sale(status=status), status={status: 2})["status_id"] == 2


def test_a_known_customer_is_linked() -> None:
    assert payload(sale(customer={"email": "ada@example.com"}), Matches(customer_id=31))["customer_id"] == 31
