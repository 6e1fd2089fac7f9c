"""The faults of the table that need a simulated store and clock, each told as a story; the mistakes that each would punish."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncd.canonical import CanonicalOrder
from syncd.ledger import Selection
from syncd.push.store_orders.catch_up import CatchUp
from syncd.push.worker import prepare
from syncd.sale import decide
from syncd.sale.decide import still_open
from syncd.sale.facts import Doubt
from syncd.sale.overrides import Verb
from syncd.sale.sale import Sale
from syncd.sale.states import State
from syncd.testing.orders import sale
from tests.model.bugs import BUGS
from tests.model.simulation import Fate, Shop, copy_ledger
from tests.planted_bugs import planted


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.close()


def one(name: str = "a", **changes: Any) -> CanonicalOrder:
    return sale(source="till", sale_id=name, **changes)


def test_f10_an_answer_lost_after_the_commit_is_found_by_look_up_and_sent_once(shop: Shop) -> None:
    shop.record(one())
    shop.push("lost after")
    assert shop.state("a") is State.UNKNOWN
    shop.pass_time(61)
    shop.push()
    assert (shop.state("a"), shop.store.posts, len(shop.store.orders)) == (State.SYNCED, 1, 1)


def test_f10_sending_again_would_have_made_two(shop: Shop) -> None:
    with planted(decide, "still_open", lambda *_: None):
        shop.record(one())
        shop.push("lost after")
        shop.rest()
    assert len(shop.store.orders) == 2


def test_f12_a_request_that_never_arrived_is_sent_again_after_two_looks(shop: Shop) -> None:
    shop.record(one())
    shop.push("lost before")
    shop.pass_time(61)
    shop.push()
    assert (shop.state("a"), shop.store.posts) == (State.UNKNOWN, 1)
    shop.pass_time(61)
    shop.push()
    assert (shop.state("a"), shop.store.posts, len(shop.store.orders)) == (State.SYNCED, 2, 1)


@pytest.mark.parametrize("lateness", [1.0, 45.0, 59.0, 61.0, 90.0, 119.0])
@pytest.mark.parametrize("fate", ["late", "crash late"])
def test_f13_a_late_commit_within_twice_the_settle_time_makes_one_order(shop: Shop, fate: str, lateness: float) -> None:
    shop.record(one())
    shop.push(fate, lateness=lateness)  # type: ignore[arg-type]  # a fate of the table above
    for _ in range(40):
        shop.pass_time(10)
        shop.push()
    assert (shop.state("a"), len(shop.store.orders), shop.store.posts) == (State.SYNCED, 1, 1)


def test_f13_one_look_would_not_have_been_enough(shop: Shop) -> None:
    def hasty(doubt: Doubt, *rest: Any) -> object:
        return None if doubt.looks else still_open(doubt, *rest)

    with planted(decide, "still_open", hasty):
        shop.record(one())
        shop.push("late", lateness=90)
        for _ in range(20):
            shop.pass_time(10)
            shop.push()
    assert len(shop.store.orders) == 2


def test_f1_a_crash_before_or_after_the_commit_makes_one_order(shop: Shop) -> None:
    shop.record(one("a"), one("b"))
    shop.push("crash before")
    shop.push("crash after")
    shop.rest()
    assert [shop.state(name) for name in "ab"] == [State.SYNCED, State.SYNCED]
    assert len(shop.store.orders) == 2


def test_f5_an_intent_that_slept_with_the_machine_is_not_sent(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    create = shop.store.create

    def asleep(body: object, how: object) -> object:
        shop.clock.pass_time(600)
        return create(body, how)  # type: ignore[arg-type]  # handed on as it came

    monkeypatch.setattr(shop.store, "create", asleep)
    shop.record(one())
    shop.push()
    assert (shop.store.posts, shop.state("a")) == (0, State.PENDING)
    monkeypatch.undo()
    shop.rest()
    assert len(shop.store.orders) == 1


def test_f40_a_wall_clock_that_is_set_neither_stalls_nor_hurries_a_settlement(shop: Shop) -> None:
    shop.record(one())
    shop.push("late", lateness=90)
    shop.clock.jump(86_400)  # a look-up comes early, but a gap counts by boot time
    shop.push()
    shop.push()
    assert shop.store.posts == 1
    shop.clock.jump(-2 * 86_400)
    shop.rest()
    assert (shop.state("a"), len(shop.store.orders)) == (State.SYNCED, 1)


def test_f53_an_empty_ledger_meets_a_store_that_has_our_orders(shop: Shop, tmp_path: Path) -> None:
    names = [f"s{number}" for number in range(20)]
    shop.record(*[one(name) for name in names])
    shop.push()
    shop.close()
    for file in tmp_path.glob("ledger.db*"):
        file.unlink()
    shop.restart()
    shop.record(*[one(name) for name in [*names, "new"]])
    shop.rest()
    assert (len(shop.store.orders), shop.store.posts) == (21, 21)
    assert {shop.state(name) for name in names} == {State.SYNCED}


def test_f54_yesterdays_ledger_makes_no_second_order(shop: Shop, tmp_path: Path) -> None:
    assert orders_with_yesterdays_ledger(shop, tmp_path) == 3


def test_f54_yesterdays_ledger_without_the_catch_up_would_have_made_two_more(shop: Shop, tmp_path: Path) -> None:
    with planted(CatchUp, "once", lambda *_: None):
        assert orders_with_yesterdays_ledger(shop, tmp_path) == 5


def orders_with_yesterdays_ledger(shop: Shop, tmp_path: Path) -> int:
    backup = tmp_path / "backup.db"
    shop.record(one("a"))
    shop.push()
    shop.close()
    copy_ledger(shop.file, backup)
    shop.restart()
    shop.record(one("b"), one("c"))
    shop.push()
    shop.close()
    copy_ledger(backup, shop.file)
    shop.restart()
    shop.record(one("a"), one("b"), one("c"))
    shop.rest()
    return len(shop.store.orders)


def test_f73_a_poison_sale_stops_nobody_behind_it(shop: Shop) -> None:
    plan = prepare.next_step  # type: ignore[attr-defined]  # the name as that module uses it

    def trip(sale: Sale, *rest: Any, **named: Any) -> object:
        if sale.sale_key == "till:bad":
            raise ZeroDivisionError("a bug of ours")
        return plan(sale, *rest, **named)

    with planted(prepare, "next_step", trip):
        shop.record(one("bad"), one("good"))
        shop.push("refused")
        shop.record(one("later"))
        shop.push()
    assert shop.state("bad") is State.HELD
    assert shop.state("later") is State.SYNCED
    assert shop.state("good") is State.REJECTED


def test_f74_a_sale_voided_while_its_create_was_unknown_ends_cancelled_once(shop: Shop) -> None:
    shop.record(one())
    shop.push("lost after")
    shop.record(one(status="voided"))
    shop.rest()
    (order,) = shop.store.orders.values()
    assert (order["status_id"], shop.state("a")) == (5, State.SYNCED)


def test_f54_a_sale_voided_since_the_backup_has_its_order_cancelled_by_the_restored_ledger(
    shop: Shop, tmp_path: Path
) -> None:
    shop.record(one("first"))
    shop.push()
    shop.rest()
    shop.worker.close()
    copy_ledger(shop.file, tmp_path / "backup.db")
    shop.restart()
    shop.record(one())
    shop.push()
    shop.worker.close()
    copy_ledger(tmp_path / "backup.db", shop.file)
    shop.restart()
    shop.record(one(status="voided"))
    shop.rest()
    assert (shop.state("a"), len(shop.store.orders)) == (State.SYNCED, 2)
    assert [order["status_id"] for order in shop.store.live("till:a")] == [5]


def test_f74_a_sale_voided_before_its_push_makes_no_order(shop: Shop) -> None:
    shop.record(one())
    shop.record(one(status="voided"))
    shop.rest()
    assert (shop.store.posts, shop.state("a")) == (0, State.SKIPPED)


def test_f80_a_revoked_token_pauses_the_store_blames_no_sale_and_ends_by_itself(shop: Shop) -> None:
    shop.record(*[one(f"s{number}") for number in range(5)])
    shop.push("barred")
    assert shop.store.posts <= 2
    assert shop.worker.ledger.stores.get("main").paused_why
    assert {shop.state(f"s{number}") for number in range(5)} <= {State.PENDING, State.SYNCED}
    shop.rest()
    assert {shop.state(f"s{number}") for number in range(5)} == {State.SYNCED}
    assert not shop.worker.ledger.stores.get("main").paused_why


def test_f84_a_total_that_bigcommerce_changed_is_held_and_not_filed_as_synced(shop: Shop) -> None:
    shop.record(one())
    shop.push("wrong total")
    assert shop.state("a") is State.HELD
    shop.worker.ledger.sales.decide(Verb.RELEASE, Selection(keys=("till:a",)), "ada")
    shop.rest()
    assert len(shop.store.orders) == 1


def test_f20_a_store_that_is_away_costs_no_sale_and_is_probed_with_growing_gaps(shop: Shop) -> None:
    shop.record(*[one(f"s{number}") for number in range(10)])
    shop.push()
    shop.record(*[one(f"t{number}") for number in range(10)])
    refused: list[Fate] = ["not sent"] * 10
    shop.push(*refused)
    assert shop.worker.ledger.stores.get("main").paused_why
    shop.store.down = True
    reads = []
    for _ in range(120):
        shop.pass_time(30)
        before = shop.store.reads
        shop.push()
        reads.append(shop.store.reads - before)
    assert sum(reads) < 15, "an hour of probing"
    shop.store.down = False
    for _ in range(40):
        shop.pass_time(60)
        shop.push()
    assert len(shop.store.orders) == 20


@pytest.mark.parametrize("number", sorted(BUGS))
def test_every_planted_bug_replaces_something_that_is_there(number: int) -> None:
    module, name, _ = BUGS[number]
    assert callable(getattr(module, name))
