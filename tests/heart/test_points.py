"""What one state and one fingerprint a sale got wrong, each as it happened: real ledger, real pusher, the sandbox's orders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from syncd.bigcommerce.outcome import Reply, Unknown
from syncd.canonical import CanonicalOrder
from syncd.clock import Now
from syncd.ledger import RecordOptions
from syncd.sale.decide import next_step, status_of
from syncd.sale.overrides import Verb
from syncd.sale.policy import StorePolicy
from syncd.sale.states import State
from tests.heart.telling import (
    LARGER,
    MORE_MUGS,
    OFF_BALANCE,
    decide,
    kept,
    lose_ledger,
    one,
    order,
    shop,
)
from tests.model.simulation import POLICY, RULES, Shop, copy_ledger

__all__ = ["shop"]  # the fixture


# 1


def test_a_hold_does_not_claim_that_bigcommerce_was_told_so_a_later_refund_brings_the_total_along(shop: Shop) -> None:
    shop.record(one())
    shop.push()
    shop.worker.ledger.sales.record(
        _batch(one(**LARGER), review_reasons={"a": "look at this one"}), RecordOptions("till", lambda _: "main")
    )
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
    before = dict(order(shop))
    shop.record(one(updated_at="2026-11-20T19:00:00Z"))
    shop.push()  # a person has changed the order since: it is looked at, and left alone
    assert shop.state("a") is State.SYNCED, "BigCommerce was told this version, and nothing else since"
    assert dict(order(shop)) == before


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
    then = datetime(2026, 11, 20, 18, tzinfo=UTC)
    shop.record(one(), stated_at=then)
    shop.push()
    shop.record(one(status="voided"), stated_at=then + timedelta(hours=1))
    shop.rest()
    shop.record(one(), stated_at=then)
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
        shop.worker.ledger.sales.record(_batch(new, old), RecordOptions("till", lambda _: "main"))
    else:
        shop.record(new, old)
    shop.rest()
    assert "new" in order(shop)["staff_notes"]
    assert kept(shop).order().note == "new"


def _batch(*orders: CanonicalOrder, **more: Any) -> Any:
    from syncd.canonical import Batch

    return Batch(orders, (), "c", **more)


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
    state = shop.worker.ledger.stores.get("main")
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


def test_creates_that_never_come_to_anything_are_stopped_by_the_brake(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    create, tried = shop.store.create, []

    def but_one(body: Any, how: Any) -> Reply:
        if body["external_order_id"] != "till:a":
            return create(body, how)
        tried.append(body)
        return Reply(Unknown("the connection was closed"))

    monkeypatch.setattr(shop.store, "create", but_one)
    shop.record(one())
    for number in range(60):
        shop.record(one(f"b{number}"))  # the others of the shop go through
        shop.push()
        shop.pass_time(61)
    assert (len(tried), shop.state("a")) == (3, State.HELD)
    assert all(shop.state(f"b{number}") is State.SYNCED for number in range(60))
    monkeypatch.undo()
    assert "3 requests to create it ended in doubt" in kept(shop).why
    decide(shop, Verb.RELEASE)
    shop.rest()
    assert (shop.state("a"), len(shop.store.live("till:a"))) == (State.SYNCED, 1)


def test_a_store_that_loses_our_keys_gets_three_orders_of_a_sale_at_most(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = shop.store.create

    def keyless(body: Any, how: Any) -> Reply:
        create({**body, "external_order_id": "lost"}, how)
        return Reply(Unknown("the connection was closed"))

    monkeypatch.setattr(shop.store, "create", keyless)
    shop.record(one())
    for _ in range(300):
        shop.push()
        shop.pass_time(61)
    assert (len(shop.store.orders), shop.state("a")) == (3, State.HELD)


@pytest.mark.parametrize("sales", [1, 12])
def test_no_sale_is_held_for_an_outage_of_the_whole_store_and_each_goes_on_by_itself(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, sales: int
) -> None:
    tried = []

    def failing(body: Any, _how: Any) -> Reply:
        tried.append(body)
        return Reply(Unknown("the API answered 500"), 500)

    monkeypatch.setattr(shop.store, "create", failing)
    shop.record(*(one(f"a{number}") for number in range(sales)))
    for _ in range(300):
        shop.push()
        shop.pass_time(61)
    assert {shop.state(f"a{number}") for number in range(sales)} <= {State.PENDING, State.UNKNOWN}
    assert len(tried) < 60, "five hours of failures are no reason to try ever again"
    monkeypatch.undo()
    for _ in range(20):
        shop.push()
        shop.pass_time(61)
    assert {shop.state(f"a{number}") for number in range(sales)} == {State.SYNCED}
    assert len(shop.store.orders) == sales


def test_an_order_that_is_found_for_a_sale_changed_and_voided_since_is_cancelled_and_rests(shop: Shop) -> None:
    shop.record(one())
    shop.push()
    lose_ledger(shop)
    shop.record(one(status="voided", **LARGER))
    shop.rest()
    assert order(shop)["status_id"] == 5
    assert kept(shop).state is State.SYNCED
    assert status_of(next_step(kept(shop), StorePolicy(RULES, POLICY), Now.of(shop.clock))).state is State.SYNCED


def test_a_cancelled_order_that_is_found_again_for_a_voided_sale_of_another_total_rests(shop: Shop) -> None:
    shop.record(one())
    shop.push()
    shop.record(one(status="voided"))
    shop.rest()
    lose_ledger(shop)
    shop.record(one(status="voided", **LARGER))
    shop.rest()
    assert kept(shop).state is State.SYNCED
    assert status_of(next_step(kept(shop), StorePolicy(RULES, POLICY), Now.of(shop.clock))).state is State.SYNCED
