"""What touches one order goes out one after the other, each computed from a look that was taken after the one before."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.sale.states import State
from tests.heart.telling import MUG, one, order, shop
from tests.model.simulation import Shop

__all__ = ["shop"]  # the fixture


def half(name: str) -> Any:
    back = {**MUG, "quantity": "-1", "total_ex_tax": "-5.00", "total_inc_tax": "-5.40"}
    return one(name, returns_of="till:a", lines=[back], total_inc_tax="-5.40", total_tax="-0.40")


def test_two_half_returns_of_one_sale_that_arrive_together_refund_its_order_whole(shop: Shop) -> None:
    shop.record(one())
    shop.push()
    shop.record(half("r1"), half("r2"))
    shop.rest()
    notes = order(shop)["staff_notes"]
    assert order(shop)["status_id"] == 4
    assert "POS sale till:r1" in notes
    assert "POS sale till:r2" in notes
    assert (shop.state("r1"), shop.state("r2")) == (State.SYNCED, State.SYNCED)


def test_an_edit_and_a_return_that_arrive_together_both_stand_in_the_note(shop: Shop) -> None:
    shop.record(one(version="1"))
    shop.push()
    shop.record(one(version="2", note="for the staff"), half("r1"))
    shop.rest()
    notes = order(shop)["staff_notes"]
    assert "for the staff" in notes
    assert "POS sale till:r1" in notes
    assert order(shop)["status_id"] == 14


@pytest.mark.parametrize("fate", ["lost after", "lost before", "late", "crash after", "crash late", "throttled"])
def test_while_a_change_of_an_order_is_in_doubt_no_other_one_is_sent_to_it(shop: Shop, fate: Any) -> None:
    shop.record(one(version="1"))
    shop.push()
    shop.record(one(version="2", note="for the staff"), half("r1"), half("r2"))
    shop.push(fate)
    shop.push()
    shop.rest()
    shop.rest()
    notes = order(shop)["staff_notes"]
    assert [words in notes for words in ("for the staff", "POS sale till:r1", "POS sale till:r2")] == [True] * 3
    assert order(shop)["status_id"] == 4
    assert {shop.state(name) for name in ("a", "r1", "r2")} == {State.SYNCED}


def test_a_sale_that_goes_back_after_its_edit_got_lost_on_the_way_has_its_goods_back(shop: Shop) -> None:
    other = {**MUG, "sku": "CUP-9", "name": "Cup"}
    shop.record(one(version="1", lines=[MUG], total_inc_tax="5.40", total_tax="0.40"))
    shop.push()
    shop.record(one(version="2", lines=[other], total_inc_tax="5.40", total_tax="0.40"))
    shop.push("lost after")
    shop.record(one(version="3", lines=[MUG], total_inc_tax="5.40", total_tax="0.40"))
    shop.rest()
    names = [line["name"] for line in shop.store.world.get(order(shop)["id"]).lines if line["quantity"]]
    assert (names, shop.state("a")) == (["Mug"], State.SYNCED)
