"""Decisions in the ledger: which one an undo takes back, and when a release is sent."""

from __future__ import annotations

from datetime import timedelta

from syncd.ledger import Selection
from syncd.sale.overrides import Override, Verb
from syncd.sale.states import State
from tests.databases import both_databases
from tests.ledger.conftest import Book, numbered


@both_databases
def test_only_the_decision_that_is_meant_is_taken_back(book: Book) -> None:
    sales = book.ledger.sales
    book.record(*numbered(3))
    since = book.clock.now()
    book.decide(Verb.HOLD, "till:0", "till:1", "till:2")
    book.clock.pass_time(5)
    sales.decide(Verb.SKIP, Selection(keys=("till:1",)), "bob")
    meant = Override(Verb.HOLD, "ada", since, "")
    done = sales.undo(["till:0", "till:1", "till:9"], meant, "eve")
    assert done.moved == ("till:0",)
    assert dict(done.refused) == {
        "till:1": "something else was decided about it since",
        "till:9": "the ledger has no such sale",
    }
    assert [book.state(f"till:{n}") for n in range(3)] == [State.PENDING, State.SKIPPED, State.HELD]
    story = sales.story("till:0")
    assert story is not None
    assert story.audit[-1].actor == "eve"
    later = Override(Verb.HOLD, "ada", book.clock.now(), "")
    assert sales.undo(["till:2"], later, "eve").moved == ()  # an earlier decision than the one that is meant


@both_databases
def test_a_release_that_waits_is_not_due_before_its_time_and_can_be_sent_now(book: Book) -> None:
    sales = book.ledger.sales
    book.record(*numbered(2))
    book.decide(Verb.HOLD, "till:0", "till:1")
    later = book.clock.now() + timedelta(minutes=1)
    sales.decide(Verb.RELEASE, Selection(keys=("till:0", "till:1")), "ada", not_before=later)
    assert book.due() == []
    sales.send_now(["till:0"])
    assert [one.sale_key for one in book.due()] == ["till:0"]
    book.clock.pass_time(61)
    assert {one.sale_key for one in book.due()} == {"till:0", "till:1"}
