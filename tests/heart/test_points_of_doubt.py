"""The other half of the points: changes in doubt, several orders, people's decisions, looks."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.bigcommerce.outcome import Reply
from syncd.sale.overrides import Verb
from syncd.sale.states import State
from tests.heart.telling import (
    LARGER,
    MORE_MUGS,
    decide,
    kept,
    one,
    order,
    shop,
)
from tests.model.simulation import Shop

__all__ = ["shop"]  # the fixture


# 8 and 9


def test_a_change_in_doubt_waits_so_that_a_late_one_overtakes_nothing(shop: Shop) -> None:
    shop.record(one())
    shop.push()
    shop.record(one(note="first"))
    shop.push("crash before")
    puts = []
    update = shop.store.update

    def counted(number: int, body: dict[str, Any], how: Any) -> Reply:
        puts.append(shop.clock.elapsed().seconds)
        return update(number, body, how)

    shop.store.update = counted  # type: ignore[method-assign, assignment]  # as it was, and counted
    shop.record(one(note="second"))
    crashed = shop.clock.elapsed().seconds
    for _ in range(40):
        shop.push()
        shop.pass_time(10)
    assert len(puts) == 1
    assert puts[0] - crashed >= 120
    assert (shop.state("a"), "second" in order(shop)["staff_notes"]) == (State.SYNCED, True)


def test_the_answer_to_a_change_links_the_sale_to_no_strangers_order(shop: Shop) -> None:
    shop.record(one(), one("b"))
    shop.push()
    number = order(shop)["id"]
    shop.record(one(note="edited"))
    shop.push("stranger")
    assert (shop.state("a"), kept(shop).order_id) == (State.UNKNOWN, number)
    shop.rest()
    assert (shop.state("a"), kept(shop).order_id) == (State.SYNCED, number)


def test_a_change_in_doubt_that_arrived_and_a_later_one_of_the_status_alone_leave_the_sale_in_line(shop: Shop) -> None:
    shop.record(one())
    shop.push()
    shop.record(one(**LARGER))
    shop.push("lost after")
    shop.record(one(**LARGER, status="refunded"))
    shop.rest()
    assert (shop.state("a"), order(shop)["total_inc_tax"], order(shop)["status_id"]) == (State.SYNCED, "15.8000", 4)


# 10


@pytest.mark.parametrize("found_by", ["list", "look-up"])
def test_of_several_orders_with_one_key_the_lowest_live_one_is_taken_and_one_alert_names_the_others(
    shop: Shop, found_by: str
) -> None:
    from syncd.mapping.create import map_create
    from syncd.mapping.model import Mapped, Matches
    from tests.model.simulation import RULES

    mapped = map_create(one(), Matches(), RULES)
    assert isinstance(mapped, Mapped)
    made = [shop.store.world.create(mapped.payload).order["id"] for _ in range(4)]
    shop.store.world.archive(made[0])
    shop.store.world.archive(made[3])
    if found_by == "look-up":
        shop.push()
    shop.record(one())
    shop.push("lost before")
    shop.rest()
    assert (shop.state("a"), kept(shop).order_id, shop.store.posts) == (State.SYNCED, made[1], 0)
    (alert,) = shop.worker.ledger.alerts.present("main")
    assert str(made[2]) in alert.words
    assert str(made[0]) not in alert.words


# 11


def test_an_accepted_order_stays_as_it_is_and_a_later_void_still_cancels_it(shop: Shop) -> None:
    shop.record(one())
    shop.push("wrong total")
    assert shop.state("a") is State.HELD
    assert "syncd accept" in kept(shop).cure
    assert decide(shop, Verb.ACCEPT) == ("till:a",)
    shop.rest()
    assert shop.state("a") is State.SYNCED
    shop.record(one(status="voided"))
    shop.rest()
    assert (shop.state("a"), order(shop)["status_id"]) == (State.SYNCED, 5)


def test_hold_keeps_a_sale_whatever_it_says_until_it_is_released(shop: Shop) -> None:
    shop.record(one())
    decide(shop, Verb.HOLD)
    shop.record(one(note="edited"))
    shop.rest()
    assert (shop.state("a"), shop.store.posts) == (State.HELD, 0)
    decide(shop, Verb.RELEASE)
    shop.rest()
    assert (shop.state("a"), len(shop.store.orders)) == (State.SYNCED, 1)


def test_no_cure_advises_to_skip_a_sale_whose_order_is_right(shop: Shop) -> None:
    shop.record(one())
    shop.push()
    shop.store.world.update(order(shop)["id"], {"products": [{"id": 1, "quantity": 3}]})
    shop.record(one(**MORE_MUGS))
    shop.push()
    assert shop.state("a") is State.HELD
    assert "syncd accept" in kept(shop).cure
    assert "skip" not in kept(shop).cure


# 13


def test_a_look_from_before_a_new_doubt_counts_for_nothing_in_it(shop: Shop) -> None:
    from syncd.clock import Now
    from syncd.sale.events import LookedUp

    ledger = shop.worker.ledger
    shop.record(one())
    shop.push("lost before")
    old = kept(shop)
    shop.rest()
    shop.record(one("b"))
    shop.push("lost before")
    young = kept(shop, "b")
    with ledger.lease("main") as lease:
        assert ledger.attempts.resolve(lease, [(old, LookedUp(shop.clock.elapsed()))], Now.of(shop.clock)) == {}
        forged = type(young)(**{**{name: getattr(young, name) for name in young.__slots__}, "doubt": old.doubt})
        assert ledger.attempts.resolve(lease, [(forged, LookedUp(shop.clock.elapsed()))], Now.of(shop.clock)) == {}
    assert kept(shop, "b").doubt == young.doubt


def test_an_order_committed_while_the_look_for_it_went_on_is_not_taken_for_absent(shop: Shop) -> None:
    find = shop.store.find

    def slowly(key: str) -> Any:
        found = find(key)
        shop.pass_time(200)  # the answer was put together before; meanwhile the order may land
        return found

    shop.record(one())
    shop.push("lost before")
    shop.store.find = slowly  # type: ignore[method-assign]  # as it was, and slow
    shop.pass_time(61)
    shop.push()
    (look,) = kept(shop).doubt.looks
    assert shop.clock.elapsed().seconds - look.seconds == 200
