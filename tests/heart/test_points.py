"""What one state and one fingerprint a sale got wrong, each as it happened: real ledger, real pusher, the sandbox's orders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncd.bigcommerce import Reply
from syncd.canonical import CanonicalOrder
from syncd.ledger import State, Verb
from syncd.ledger.queries import Selection
from syncd.testing.orders import sale
from tests.model.simulation import Shop, copy_ledger

MUG = {"line_id": "1", "sku": "MUG-1", "name": "Mug", "quantity": "1", "total_ex_tax": "5.00", "total_inc_tax": "5.40"}
BEANS = {"line_id": "2", "name": "Coffee beans", "quantity": "1", "total_ex_tax": "5.00", "total_inc_tax": "5.40"}
BAG = {"line_id": "3", "name": "Bag", "quantity": "1", "total_ex_tax": "5.00", "total_inc_tax": "5.00"}
LARGER: dict[str, Any] = {"lines": [MUG, BEANS, BAG], "total_inc_tax": "15.80", "total_tax": "0.80"}
MORE_MUGS: dict[str, Any] = LARGER | {"lines": [{**MUG, "quantity": "2"}, BEANS, BAG]}
OFF_BALANCE: dict[str, Any] = {"total_inc_tax": "13.80"}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.close()


def one(name: str = "a", **changes: Any) -> CanonicalOrder:
    return sale(source="till", sale_id=name, **changes)


def decide(shop: Shop, verb: Verb, name: str = "a") -> tuple[str, ...]:
    return shop.worker.ledger.decide(verb, Selection(keys=(f"till:{name}",)), "ada").moved


def order(shop: Shop, name: str = "a") -> dict[str, Any]:
    (found,) = [one for one in shop.store.live(f"till:{name}") if not one["is_deleted"]]
    return found


def kept(shop: Shop, name: str = "a") -> Any:
    return shop.worker.ledger.sale(f"till:{name}")


def lose_ledger(shop: Shop, backup: Path | None = None) -> None:
    shop.worker.close()
    for file in shop.file.parent.glob("ledger.db*"):
        file.unlink()
    if backup is not None:
        copy_ledger(backup, shop.file)
    shop.worker = type(shop.worker)(shop.file, shop.store, shop.clock)


# 1


def test_a_hold_does_not_claim_that_bigcommerce_was_told_so_a_later_refund_brings_the_total_along(shop: Shop) -> None:
    shop.record(one())
    shop.push()
    shop.record(one(**LARGER, extra={"hold": "look at this one"}))  # held, whatever the reason
    shop.push()
    assert (shop.state("a"), order(shop)["total_inc_tax"]) == (State.HELD, "10.8000")
    shop.record(one(**LARGER, status="refunded"))
    shop.rest()
    assert shop.state("a") is State.SYNCED
    assert (order(shop)["total_inc_tax"], order(shop)["status_id"]) == ("15.8000", 4)


def test_an_edit_that_a_person_stopped_and_then_taken_back_needs_nothing(shop: Shop) -> None:
    shop.record(one(updated_at="2026-11-20T17:00:00Z"))
    shop.push()
    shop.store.world.update(order(shop)["id"], {"products": [{"id": 1, "quantity": 3}]})  # by hand, in BigCommerce
    shop.record(one(**MORE_MUGS, updated_at="2026-11-20T18:00:00Z"))
    shop.push()
    assert shop.state("a") is State.HELD
    shop.record(one(updated_at="2026-11-20T19:00:00Z"))
    assert shop.state("a") is State.SYNCED, "BigCommerce was told this version, and nothing else since"


# 2


@pytest.mark.parametrize("restored", [True, False])
@pytest.mark.parametrize(("status", "number"), [("voided", 5), ("refunded", 4)])
def test_a_void_or_a_refund_made_since_the_backup_reaches_the_order_that_is_found(
    shop: Shop, tmp_path: Path, restored: bool, status: str, number: int
) -> None:
    shop.record(one("first"))
    shop.push()
    shop.worker.close()
    copy_ledger(shop.file, tmp_path / "backup.db")
    shop.restart()
    shop.record(one())
    shop.push()
    lose_ledger(shop, tmp_path / "backup.db" if restored else None)
    shop.record(one(status=status))
    shop.rest()
    assert (shop.state("a"), order(shop)["status_id"], shop.store.posts) == (State.SYNCED, number, 2)


def test_an_order_that_is_found_with_another_total_of_the_same_sale_is_brought_in_line(shop: Shop) -> None:
    shop.record(one())
    shop.push()
    lose_ledger(shop)
    shop.record(one(**LARGER))
    shop.rest()
    assert (shop.state("a"), order(shop)["total_inc_tax"]) == (State.SYNCED, "15.8000")


def test_a_change_that_got_lost_is_no_word_that_an_order_which_was_found_had_been_told(shop: Shop) -> None:
    shop.record(one())
    shop.push()
    lose_ledger(shop)
    shop.record(one(status="refunded"))
    shop.push("lost before")
    shop.rest()
    assert (shop.state("a"), order(shop)["status_id"]) == (State.SYNCED, 4)


def test_an_order_of_another_sale_under_the_same_key_is_not_touched(shop: Shop) -> None:
    shop.record(one())
    shop.push()
    lose_ledger(shop)
    shop.record(one(**LARGER, placed_at="2026-11-21T09:00:00-06:00"))
    shop.rest()
    assert (shop.state("a"), order(shop)["total_inc_tax"]) == (State.HELD, "10.8000")


# 3


@pytest.mark.parametrize(
    ("becomes", "state"),
    [({"status": "open"}, State.SKIPPED), ({"training": True}, State.SKIPPED), (OFF_BALANCE, State.HELD)],
)
@pytest.mark.parametrize("fate", ["lost before", "not sent", "throttled", "crash before"])
def test_a_sale_that_becomes_no_sale_while_its_create_is_out_is_not_pushed(
    shop: Shop, becomes: dict[str, Any], state: State, fate: str
) -> None:
    shop.record(one())
    create = shop.store.create

    def and_meanwhile(body: object, how: object) -> object:
        shop.record(one(**becomes))
        return create(body, how)  # type: ignore[arg-type]  # handed on as it came

    shop.store.create = and_meanwhile  # type: ignore[method-assign, assignment]  # the till does not wait
    shop.push(fate)  # type: ignore[arg-type]  # a fate
    del shop.store.create
    shop.rest()
    assert (shop.state("a"), len(shop.store.orders)) == (state, 0)


def test_a_sale_that_was_reopened_after_its_create_took_effect_waits_for_a_person_or_its_completion(shop: Shop) -> None:
    shop.record(one())
    shop.push("lost after")
    shop.record(one(status="open"))
    shop.rest()
    assert (shop.state("a"), len(shop.store.orders)) == (State.HELD, 1)
    shop.record(one(note="and now completed"))
    shop.rest()
    assert (shop.state("a"), "and now completed" in order(shop)["staff_notes"]) == (State.SYNCED, True)


# 4


def test_an_old_export_does_not_bring_a_voided_sale_back_to_life(shop: Shop) -> None:
    shop.record(one())
    shop.push()
    shop.record(one(status="voided"))
    shop.rest()
    shop.record(one())
    shop.rest()
    assert (shop.state("a"), order(shop)["status_id"]) == (State.SYNCED, 5)


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ({"version": "10"}, {"version": "9"}),
        ({"updated_at": "2026-11-20T18:00:00Z"}, {"updated_at": "2026-11-20T17:59:59Z"}),
        (
            {"version": "10", "updated_at": "2026-11-20T18:00:00Z"},
            {"version": "9", "updated_at": "2026-11-20T19:00:00Z"},
        ),
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_an_older_version_never_replaces_a_newer_one(
    shop: Shop, newer: dict[str, Any], older: dict[str, Any], together: bool
) -> None:
    new, old = one(note="new", **newer), one(note="old", **older)
    if together:
        shop.worker.ledger.record("till", _batch(new, old), router=lambda _: "main")
    else:
        shop.record(new, old)
    shop.rest()
    assert "new" in order(shop)["staff_notes"]
    assert kept(shop).order().note == "new"


def _batch(*orders: CanonicalOrder) -> Any:
    from syncd.canonical import Batch

    return Batch(orders, (), "c")


def test_a_sale_changed_back_later_is_taken_where_its_pos_dates_the_change(shop: Shop) -> None:
    for minute, status in enumerate(("completed", "voided", "completed")):
        shop.record(one(status=status, updated_at=f"2026-11-20T17:0{minute}:00Z"))
        shop.rest()
    assert (shop.state("a"), order(shop)["status_id"]) == (State.SYNCED, 10)


# 5


def test_rows_that_were_wound_back_under_a_living_worker_make_no_second_order(shop: Shop, tmp_path: Path) -> None:
    import sqlite3

    shop.record(one("first"))
    shop.push()
    with sqlite3.connect(shop.file) as raw, sqlite3.connect(tmp_path / "then.db") as then:
        raw.backup(then)
    shop.record(one())
    shop.push()
    with sqlite3.connect(tmp_path / "then.db") as then, sqlite3.connect(shop.file) as raw:
        then.backup(raw)  # a lagging replica took over, or the database was brought back to a moment ago
    shop.record(one())
    shop.rest()
    assert (shop.state("a"), len(shop.store.orders), shop.store.posts) == (State.SYNCED, 2, 2)


# 6


def test_a_store_that_cuts_our_keys_gets_one_order_a_sale_and_is_paused_with_one_alert(shop: Shop) -> None:
    shop.store.world.ways.key_cut = 50
    names = [f"{number:02}-" + "x" * 50 for number in range(10)]
    shop.record(*[one(name) for name in names])
    for _ in range(100):
        shop.pass_time(300)
        shop.push()
    assert len(shop.store.orders) == 1
    state = shop.worker.ledger.store_state("main")
    assert "kept only 50" in (state.paused_why or "")
    assert "longest_key = 50" in state.cure
    shop.restart()
    shop.rest()
    assert len(shop.store.orders) == 1, "a restart does not forget it"


def test_keys_longer_than_64_characters_are_sent_in_a_short_form_and_found_by_it(shop: Shop) -> None:
    names = [f"{number:02}-" + "x" * 150 for number in range(3)]
    shop.record(*[one(name) for name in names])
    shop.push("lost after", "accepted", "crash after")
    shop.rest()
    keys = [order["external_order_id"] for order in shop.store.orders.values()]
    assert len(set(keys)) == len(keys) == 3
    assert max(map(len, keys)) == 64
    assert {shop.state(name) for name in names} == {State.SYNCED}
    lose_ledger(shop)
    shop.record(*[one(name) for name in names])
    shop.rest()
    assert (len(shop.store.orders), {shop.state(name) for name in names}) == (3, {State.SYNCED})


def test_creates_that_never_come_to_anything_are_stopped_by_the_brake(shop: Shop) -> None:
    shop.record(one())
    for _ in range(300):
        shop.push("lost before")
        shop.pass_time(61)
    assert (shop.store.posts, shop.state("a")) == (3, State.HELD)
    assert "3 requests to create it ended in doubt" in kept(shop).why
    decide(shop, Verb.RELEASE)
    shop.store.fates.clear()
    shop.rest()
    assert (shop.state("a"), len(shop.store.orders)) == (State.SYNCED, 1)


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
    from syncd.mapping import Mapped, Matches, map_create
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
    (alert,) = shop.worker.ledger.alerts("main")
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
    from syncd.ledger.news import Looked

    ledger = shop.worker.ledger
    shop.record(one())
    shop.push("lost before")
    old = kept(shop)
    shop.rest()
    shop.record(one("b"))
    shop.push("lost before")
    young = kept(shop, "b")
    with ledger.lease("main") as lease:
        assert ledger.resolve(lease, [(old, Looked(shop.clock.elapsed()))], Now.of(shop.clock)) == {}
        forged = type(young)(**{**{name: getattr(young, name) for name in young.__slots__}, "doubt": old.doubt})
        assert ledger.resolve(lease, [(forged, Looked(shop.clock.elapsed()))], Now.of(shop.clock)) == {}
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
