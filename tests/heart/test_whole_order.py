"""The whole order is compared with its sale: whatever the mapper sends reaches the order, or is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from syncd.mapping.rules import Rules
from syncd.sale.overrides import Verb
from syncd.sale.states import State
from tests.heart.telling import LARGER, MUG, decide, kept, lose_ledger, one, order, shop, staff_add_gift_wrap
from tests.model.simulation import RULES, Shop

__all__ = ["shop"]  # the fixture
HOME = {
    "first_name": "Ada",
    "last_name": "Buyer",
    "street_1": "2 Side Street",
    "city": "Austin",
    "state": "TX",
    "zip": "78702",
    "country": "US",
}
AWAY = HOME | {"street_1": "9 Far Road", "zip": "78799"}
# a third of ten dollars a piece: BigCommerce's own sum of such lines is not the receipt's
THREE: dict[str, Any] = {
    "lines": [{**MUG, "quantity": "3", "total_ex_tax": "10.00", "total_inc_tax": "10.80"}],
    "total_inc_tax": "10.80",
    "total_tax": "0.80",
}


def edited(version: int, **changes: Any) -> Any:
    return one(version=str(version), **changes)


def shipping(shop: Shop) -> dict[str, Any]:
    (row,) = shop.store.world.sub_resource(order(shop)["id"], "shipping_addresses")
    return row


# What an edit says


@pytest.mark.parametrize(
    "change",
    [
        {"customer": {"first_name": "Ada", "email": "ada@example.com"}},
        {"billing": HOME},
        {"fulfilment": "ship", "shipping": AWAY},
    ],
)
def test_a_change_that_makes_the_store_count_anew_leaves_the_receipts_total(shop: Shop, change: dict[str, Any]) -> None:
    shop.record(edited(1, **THREE, fulfilment="ship", shipping=HOME))
    shop.push()
    shop.record(edited(2, **THREE, **({"fulfilment": "ship", "shipping": HOME} | change)))
    shop.rest()
    assert (shop.state("a"), order(shop)["total_inc_tax"], order(shop)["total_tax"]) == (
        State.SYNCED,
        "10.8000",
        "0.8000",
    )
    assert kept(shop).belief.differs == ()


def test_an_edit_of_the_shipping_address_reaches_the_order(shop: Shop) -> None:
    shop.record(edited(1, fulfilment="ship", shipping=HOME))
    shop.push()
    shop.record(edited(2, fulfilment="ship", shipping=AWAY))
    shop.rest()
    assert (shipping(shop)["street_1"], shipping(shop)["zip"]) == ("9 Far Road", "78799")
    assert shop.state("a") is State.SYNCED


def test_an_edit_of_the_sales_time_reaches_the_order(shop: Shop) -> None:
    shop.record(edited(1, placed_at="2026-11-20T10:00:00-06:00"))
    shop.push()
    shop.record(edited(2, placed_at="2026-11-20T11:00:00-06:00"))
    shop.rest()
    assert order(shop)["date_created"] == "Fri, 20 Nov 2026 17:00:00 +0000"


def test_a_date_that_the_store_does_not_take_is_told(shop: Shop) -> None:
    shop.store.world.ways.date_on_put = "ignored"
    shop.record(edited(1, placed_at="2026-11-20T10:00:00-06:00"))
    shop.push()
    shop.record(edited(2, placed_at="2026-11-20T11:00:00-06:00"))
    shop.rest()
    assert shop.state("a") is State.SYNCED
    assert "date" in "; ".join(kept(shop).belief.differs)


def test_a_sale_that_moves_to_another_shop_moves_its_order_to_that_shops_channel(tmp_path: Path) -> None:
    rules = Rules.model_validate(RULES.model_dump() | {"locations": {"north": {"channel_id": 2}}})
    shop = Shop(tmp_path, rules)
    shop.store.world.channels = {1: {}, 2: {}}
    shop.record(edited(1, location={"id": "south"}))
    shop.push()
    shop.record(edited(2, location={"id": "north"}))
    shop.rest()
    assert order(shop)["channel_id"] == 2
    shop.close()


def test_goods_that_are_to_be_shipped_after_all_are_told_where_the_order_cannot_say_so(shop: Shop) -> None:
    digital = {**MUG, "digital": True}
    shop.record(edited(1, lines=[digital], total_inc_tax="5.40", total_tax="0.40"))
    shop.push()
    shop.record(edited(2, lines=[MUG], total_inc_tax="5.40", total_tax="0.40", fulfilment="ship", shipping=HOME))
    shop.rest()
    assert shop.state("a") is State.SYNCED
    assert "made for digital; the sale wants shipping address" in "; ".join(kept(shop).belief.differs)


def test_the_way_of_delivery_of_a_counter_sale_that_is_shipped_reaches_the_order(shop: Shop) -> None:
    shop.record(edited(1))
    shop.push()
    shop.record(edited(2, fulfilment="ship", shipping=HOME, shipping_method="Courier"))
    shop.rest()
    assert (shipping(shop)["shipping_method"], shipping(shop)["street_1"]) == ("Courier", "2 Side Street")


# What staff did


def test_what_staff_added_stays_in_the_total_through_every_later_edit(shop: Shop) -> None:
    shop.record(edited(1))
    shop.push()
    staff_add_gift_wrap(shop)
    for version, bags in ((2, "1"), (3, "2"), (4, "3")):
        bag = {"line_id": "3", "name": "Bag", "quantity": bags, "total_ex_tax": bags, "total_inc_tax": bags}
        lines = [*one().model_dump(mode="json")["lines"], bag]
        shop.record(edited(version, lines=lines, total_inc_tax=f"{10 + int(bags)}.80", total_tax="0.80"))
        shop.rest()
        assert (shop.state("a"), order(shop)["total_inc_tax"]) == (State.SYNCED, f"{15 + int(bags)}.8000")


def test_an_address_that_staff_corrected_stays_and_is_told_once_the_till_says_another(shop: Shop) -> None:
    shop.record(edited(1, fulfilment="ship", shipping=HOME))
    shop.push()
    number = shipping(shop)["id"]
    by_hand = {"id": number, **HOME, "street_1": "3 Corrected Street"}
    shop.store.world.update(order(shop)["id"], {"shipping_addresses": [by_hand]})
    shop.record(edited(2, fulfilment="ship", shipping=AWAY))
    shop.rest()
    assert shipping(shop)["street_1"] == "3 Corrected Street"
    assert "the shipping address is another one" in "; ".join(kept(shop).belief.differs)


# Orders that are found


@pytest.fixture
def pushed(shop: Shop) -> Shop:
    shop.record(edited(1))
    shop.push()
    return shop


def walk(shop: Shop) -> None:
    """A pass that has something to push, and so lists the store's orders first."""
    shop.record(one("another"))
    shop.push()


def test_a_sale_that_was_edited_within_its_total_is_brought_in_line_by_a_ledger_made_anew(pushed: Shop) -> None:
    lose_ledger(pushed)
    swapped = [{**MUG, "name": "Cup"}, {**MUG, "line_id": "2", "name": "Saucer"}]
    pushed.record(edited(2, lines=swapped, note="swapped"))
    pushed.rest()
    names = [line["name"] for line in pushed.store.world.get(order(pushed)["id"]).lines]
    assert (sorted(names), "swapped" in order(pushed)["staff_notes"]) == (["Cup", "Saucer"], True)
    assert (pushed.state("a"), pushed.store.posts) == (State.SYNCED, 1)


def test_an_order_that_staff_cancelled_is_not_taken_for_the_sale_by_a_ledger_made_anew(pushed: Shop) -> None:
    lose_ledger(pushed)
    walk(pushed)
    pushed.store.world.update(order(pushed)["id"], {"status_id": 5})  # and then somebody cancels it
    pushed.record(edited(1))
    pushed.rest()
    assert (pushed.state("a"), order(pushed)["status_id"]) == (State.HELD, 5)
    assert "Cancelled" in kept(pushed).why
    decide(pushed, Verb.RELEASE)
    pushed.rest()
    assert (pushed.state("a"), order(pushed)["status_id"]) == (State.SYNCED, 10)


def test_an_order_that_staff_changed_after_it_was_noted_is_looked_at_before_it_is_believed(pushed: Shop) -> None:
    lose_ledger(pushed)
    walk(pushed)
    pushed.store.world.update(order(pushed)["id"], {"products": [{"id": 1, "quantity": 3}]})
    pushed.record(edited(1))
    pushed.rest()
    assert (pushed.state("a"), order(pushed)["total_inc_tax"]) == (State.SYNCED, "10.8000")


def test_an_order_that_was_deleted_after_it_was_noted_is_told(pushed: Shop) -> None:
    lose_ledger(pushed)
    walk(pushed)
    del pushed.store.world.kept[order(pushed)["id"]]
    pushed.record(edited(1))
    pushed.rest()
    assert pushed.state("a") is State.REJECTED
    assert "no longer in BigCommerce" in kept(pushed).why


def test_an_order_that_staff_archived_is_held_by_a_ledger_made_anew(pushed: Shop) -> None:
    number = order(pushed)["id"]
    pushed.store.world.archive(number)
    lose_ledger(pushed)
    pushed.record(edited(1))
    pushed.rest()
    assert (pushed.state("a"), pushed.store.posts) == (State.HELD, 1)
    assert "archived" in kept(pushed).why


def test_edits_after_an_order_was_found_leave_what_staff_changed_since(pushed: Shop) -> None:
    lose_ledger(pushed)
    pushed.record(edited(1))
    pushed.rest()
    pushed.store.world.update(order(pushed)["id"], {"payment_method": "Cheque"})
    pushed.record(edited(2, note="later"))
    pushed.rest()
    assert (order(pushed)["payment_method"], "later" in order(pushed)["staff_notes"]) == ("Cheque", True)


def test_amounts_that_the_store_got_wrong_are_sent_again_once_a_person_releases_the_sale(shop: Shop) -> None:
    shop.record(edited(1))
    shop.push("wrong total")
    number = order(shop)["id"]
    shop.store.world.get(number).order["total_inc_tax"] = "11.8000"
    assert shop.state("a") is State.HELD
    decide(shop, Verb.RELEASE)
    shop.rest()
    assert (shop.state("a"), order(shop)["total_inc_tax"]) == (State.SYNCED, "10.8000")


def test_an_order_that_was_archived_for_its_void_is_said_to_be_our_own_doing_once_the_sale_is_back(
    tmp_path: Path,
) -> None:
    shop = Shop(tmp_path, Rules.model_validate(RULES.model_dump() | {"void": "archive"}))
    shop.record(edited(1))
    shop.push()
    shop.record(edited(2, status="voided"))
    shop.rest()
    shop.record(edited(3, **LARGER))
    shop.rest()
    assert shop.state("a") is State.HELD
    assert "archived for it when the sale was voided" in kept(shop).why
    shop.close()


def test_lines_that_staff_changed_within_the_same_total_are_told(shop: Shop) -> None:
    shop.record(one())
    shop.push()
    number = order(shop)["id"]
    beans = next(line for line in shop.store.world.get(number).lines if line["name"] == "Coffee beans")
    totals = {
        part: order(shop)[part] for part in ("total_inc_tax", "total_ex_tax", "subtotal_inc_tax", "subtotal_ex_tax")
    }
    prices = {part: beans[part] for part in ("price_inc_tax", "price_ex_tax", "quantity")}
    shop.store.world.update(number, {"products": [{"id": beans["id"], "name": "Decaf", **prices}], **totals})
    shop.pass_time(3600)
    shop.restart()
    shop.record(one("b"))
    shop.rest()
    assert kept(shop).belief.differs == ("its lines were changed in BigCommerce, within the same total",)
    assert kept(shop, "b").belief.differs == ()
