"""What real payloads taught: sales that are not over, gift cards, kits, refunds in parts, cash back, two currencies."""

from typing import Any

import pytest

from syncd.canonical import CanonicalOrder, fingerprint
from syncd.testing.orders import sale
from tests.unit.mapping.test_create import line, payload

CARD = {"kind": "card", "label": "Card", "amount": "10.80"}


def note(**changes: Any) -> str:
    return str(payload(sale(**changes))["staff_notes"])


def test_goods_on_account_are_an_order_that_awaits_its_payment() -> None:
    made = payload(sale(status="open", open_kind="on_account", balance_due="10.80", tenders=[]))
    assert made["status_id"] == 7
    assert "Still to be paid: 10.80 USD" in made["staff_notes"]


@pytest.mark.parametrize("kind", [None, "parked", "quote", "lay_by", "work_order"])
def test_a_sale_whose_goods_are_still_there_is_open(kind: str | None) -> None:
    assert sale(status="open", open_kind=kind).is_open
    assert not sale(status="open", open_kind="on_account").is_open
    assert not sale(status="completed", open_kind=kind).is_open


def test_what_was_paid_ahead_stands_in_the_note() -> None:
    assert "Paid ahead: 3.00 USD" in note(paid_ahead="3.00")


def test_a_gift_card_shows_its_last_digits_and_no_more() -> None:
    said = note(lines=line(kind="gift_card", name="Gift card", gift_card="6001234567890123"))
    assert "gift card ending 0123" in said
    assert "600123456789" not in said


def test_each_part_of_a_kit_is_a_line_of_its_own() -> None:
    kit = [*line(name="Tea set"), *line(line_id="2", parent="1", name="Cup", total_ex_tax="0", total_inc_tax="0")]
    assert [product["name"] for product in payload(sale(lines=kit))["products"]] == ["Tea set", "Cup"]


def test_named_line_discounts_are_told_and_taken_off_no_second_time() -> None:
    made = payload(sale(lines=line(discounts=[{"name": "Summer", "amount": "2.00"}])))
    assert "Thing: Summer -2.00 USD" in made["staff_notes"]
    assert made["products"][0]["price_inc_tax"] == 10.8


def test_returned_goods_tell_of_the_sale_that_they_came_from() -> None:
    back = line(line_id="2", quantity="-1", total_ex_tax="-2.00", total_inc_tax="-2.16", name="Mug")
    origin = {"sale_id": "884", "line_id": "3", "reason": "chipped"}
    said = note(lines=[*line(), back[0] | {"origin": origin}], total_inc_tax="8.64", total_tax="0.64")
    assert "Mug: sold in 884, chipped" in said


def test_cash_back_is_told_and_is_no_part_of_the_sale() -> None:
    assert "Paid 10.80 USD by Card, cash back 20.00 USD" in note(tenders=[CARD | {"cash_back": "20.00"}])


def test_loyalty_points_are_a_tender() -> None:
    assert payload(sale(tenders=[CARD | {"kind": "loyalty", "label": "Points"}]))["payment_method"] == "Points"


def test_a_refund_tells_its_parts_and_how_the_money_went_back() -> None:
    refund = {
        "id": "r1",
        "amount_inc_tax": "7.00",
        "tip": "1.00",
        "shipping": "2.00",
        "tenders": [{"kind": "cash", "label": "Cash", "amount": "-4.00"}, CARD | {"amount": "-3.00"}],
    }
    said = note(status="partially_refunded", refunds=[refund])
    assert "Refunded 7.00 USD by Cash + Card (of which tip 1.00 USD, shipping 2.00 USD), refund r1" in said


@pytest.mark.parametrize("status", ["pending", "failed"])
def test_a_refund_that_did_not_happen_is_no_refund(status: str) -> None:
    order = sale(refunds=[{"id": "r1", "amount_inc_tax": "7.00", "status": status}])
    assert order.refunded == ()
    assert "Refunded" not in payload(order)["staff_notes"]


def test_the_shops_own_currency_stands_beside_the_customers() -> None:
    assert "In the shop's currency: 14.80 CAD, at 1.37" in note(shop_currency="CAD", exchange_rate="1.37")


def test_everything_that_was_said_is_read_back_and_what_was_not_leaves_the_fingerprint_alone() -> None:
    whole = sale(
        open_kind="on_account",
        balance_due="1.00",
        opened_at="2026-11-20T09:00:00Z",
        closed_at="2026-11-20T10:00:00Z",
        cancelled_at="2026-11-20T11:00:00Z",
        shop_currency="CAD",
        exchange_rate="1.37",
        lines=line(parent="9", gift_card="123", origin={"sale_id": "8"}, discounts=[{"name": "S", "amount": "1"}]),
        tenders=[CARD | {"id": "t1", "at": "2026-11-20T10:00:00Z", "cash_back": "5"}],
    )
    assert CanonicalOrder.from_json(whole.to_json()) == whole
    assert fingerprint(whole) != fingerprint(sale(lines=line(), tenders=[CARD]))
    assert "open_kind" not in sale().to_json()
