"""What people decide: decisions live beside each other, can be undone, and swallow nothing that the POS says later."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.canonical import Batch
from syncd.intake.backfill import cancel
from syncd.ledger import RecordOptions, Selection
from syncd.sale.overrides import LASTING, NO_OVERRIDES, Override, Overrides, Verb
from syncd.sale.states import Lane, State
from tests.deciders import to_main
from tests.heart.telling import OFF_BALANCE, decide, kept, one, order, shop
from tests.model.simulation import Shop

__all__ = ["shop"]  # the fixture
_DAY = (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))


def backfilled(shop: Shop, *names: str, number: int | None = None, **changes: object) -> int:
    ledger = shop.worker.ledger
    if number is None:
        number = ledger.backfills.ask("till", *_DAY, by="ada").number
    batch = Batch(tuple(one(name, **changes) for name in names), (), "c")
    ledger.sales.record(batch, RecordOptions("till", to_main, lane=Lane.BACKFILL, backfill=number))
    return number


def test_cancelling_a_backfill_leaves_a_void_of_a_sale_that_has_an_order(shop: Shop) -> None:
    number = backfilled(shop, "a", version="1")
    shop.push()
    backfilled(shop, "a", number=number, version="2", status="voided")
    cancel(shop.worker.ledger, number, "ada")
    shop.rest()
    assert (shop.state("a"), order(shop)["status_id"]) == (State.SYNCED, 5)


def test_cancelling_a_backfill_leaves_sales_that_arrived_live_as_well(shop: Shop) -> None:
    number = backfilled(shop, "a", "b")
    shop.record(one("a"))
    assert cancel(shop.worker.ledger, number, "ada") == 1
    shop.rest()
    assert (shop.state("a"), shop.state("b")) == (State.SYNCED, State.SKIPPED)


@pytest.mark.parametrize("again", ["live", "backfill"])
def test_a_sale_that_was_set_aside_is_pushed_once_it_arrives_again(shop: Shop, again: str) -> None:
    number = backfilled(shop, "a")
    cancel(shop.worker.ledger, number, "ada")
    shop.rest()
    assert shop.state("a") is State.SKIPPED
    if again == "live":
        shop.record(one("a"))
    else:
        backfilled(shop, "a")
    shop.rest()
    assert (shop.state("a"), len(shop.store.orders)) == (State.SYNCED, 1)


def test_a_sale_that_has_an_order_is_not_skipped_while_a_change_of_it_waits(shop: Shop) -> None:
    shop.record(one(version="1"))
    shop.push()
    shop.record(one(version="2", note="later"))
    assert decide(shop, Verb.SKIP) == ()
    shop.rest()
    assert "later" in order(shop)["staff_notes"]


@pytest.mark.parametrize("later", [{"status": "voided"}, {"status": "refunded"}])
def test_a_void_or_a_refund_of_a_skipped_sale_that_has_an_order_is_held_and_not_swallowed(
    shop: Shop, later: dict[str, str]
) -> None:
    shop.record(one(version="1"))
    shop.push()
    shop.record(one(version="2", **OFF_BALANCE))
    assert decide(shop, Verb.SKIP) == ("till:a",)
    shop.rest()
    assert shop.state("a") is State.SKIPPED
    shop.record(one(version="3", **later))
    shop.rest()
    assert (shop.state("a"), order(shop)["status_id"]) == (State.HELD, 10)
    assert "the POS has changed it since" in kept(shop).why
    decide(shop, Verb.RELEASE)
    shop.rest()
    assert (shop.state("a"), order(shop)["status_id"]) == (State.SYNCED, 5 if later["status"] == "voided" else 4)


def record_held(shop: Shop) -> None:
    """A sale for which its source cannot answer."""
    batch = Batch((one(),), (), "c", review_reasons={"a": "look at this one"})
    shop.worker.ledger.sales.record(batch, RecordOptions("till", to_main))


def test_a_retry_after_a_release_leaves_the_release_in_force(shop: Shop) -> None:
    record_held(shop)
    decide(shop, Verb.RELEASE)
    shop.push("refused")
    assert shop.state("a") is State.REJECTED
    assert decide(shop, Verb.RETRY) == ("till:a",)
    shop.rest()
    assert (shop.state("a"), len(shop.store.orders)) == (State.SYNCED, 1)


def test_a_skip_a_release_and_an_accept_can_be_undone(shop: Shop) -> None:
    shop.record(one(**OFF_BALANCE))
    decide(shop, Verb.SKIP)
    assert shop.state("a") is State.SKIPPED
    assert decide(shop, Verb.UNDO) == ("till:a",)
    assert shop.state("a") is State.HELD
    decide(shop, Verb.RELEASE)
    assert shop.state("a") is State.PENDING
    decide(shop, Verb.UNDO)
    assert shop.state("a") is State.HELD
    assert decide(shop, Verb.UNDO) == (), "there is nothing left to take back"


def test_a_release_that_was_sent_cannot_be_undone(shop: Shop) -> None:
    record_held(shop)
    decide(shop, Verb.RELEASE)
    shop.push()
    done = shop.worker.ledger.sales.decide(Verb.UNDO, Selection(keys=("till:a",)), "ada")
    assert done.moved == ()
    assert "has been sent" in done.refused[0][1]


def test_an_accepted_difference_is_held_again_once_the_acceptance_is_undone(shop: Shop) -> None:
    shop.record(one())
    shop.push("wrong total")
    decide(shop, Verb.ACCEPT)
    assert shop.state("a") is State.SYNCED
    decide(shop, Verb.UNDO)
    assert shop.state("a") is State.HELD


# Pure

_AT = datetime(2026, 11, 20, tzinfo=UTC)
made = st.lists(st.builds(Override, st.sampled_from(Verb), st.just("ada"), st.just(_AT), st.sampled_from("ab")))


@given(made)
def test_one_decision_of_a_kind_is_in_force_and_the_newest_always_is(decisions: list[Override]) -> None:
    found = NO_OVERRIDES
    for one_ in decisions:
        found = found.adding(one_)
        assert one_.verb is Verb.UNDO or found.last == one_
    verbs = [one_.verb for one_ in found.in_force]
    assert len(verbs) == len(set(verbs))
    assert sum(verb in LASTING for verb in verbs) <= 1
    assert Overrides.from_json(found.to_json()) == found


@given(
    made.filter(lambda decisions: len(decisions) < 15),
    st.sampled_from([verb for verb in Verb if verb is not Verb.UNDO]),
)
def test_an_undo_brings_back_what_was_in_force_before(decisions: list[Override], verb: Verb) -> None:
    found = NO_OVERRIDES
    for one_ in decisions:
        found = found.adding(one_)
    after = found.adding(Override(verb, "ada", _AT, "a")).adding(Override(Verb.UNDO, "ada", _AT, "a"))
    assert after == found
