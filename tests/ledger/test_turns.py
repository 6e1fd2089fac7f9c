"""Turns in a fleet, on both databases: each source goes to one worker, each store with something to do is found."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from syncd.ledger import DueWork, Ledger
from syncd.sale.events import OutcomeUnknown
from syncd.sale.facts import Doubt
from syncd.sale.states import State
from syncd.testing.clocks import ManualClock
from syncd.testing.orders import sale
from tests.databases import both_databases, ledger_url
from tests.deciders import DECIDER
from tests.ledger.conftest import Book

pytestmark = both_databases
_HOLD = timedelta(minutes=1)


@pytest.fixture
def book(database: str, tmp_path: Path) -> Iterator[Book]:
    with ledger_url(database, tmp_path, migrated=True) as url:
        clock = ManualClock()
        with Ledger.open(url, clock, DECIDER) as ledger:
            yield Book(ledger, clock, url)


def test_a_source_is_due_at_once_and_claimed_once(book: Book) -> None:
    turns = book.ledger.turns
    turns.follow(["a", "b", "c"])
    assert len(turns.due_sources(10)) == 3
    assert sorted(turns.claim(2, _HOLD) + turns.claim(2, _HOLD)) == ["a", "b", "c"]
    assert turns.claim(2, _HOLD) == []


def test_a_claim_ends_by_itself_so_that_a_dead_worker_keeps_no_source(book: Book) -> None:
    turns = book.ledger.turns
    turns.follow(["a"])
    assert turns.claim(5, _HOLD) == ["a"]
    book.clock.pass_time(59)
    turns.hold("a", _HOLD)
    book.clock.pass_time(59)
    assert turns.claim(5, _HOLD) == []
    book.clock.pass_time(2)
    assert turns.claim(5, _HOLD) == ["a"]


def test_the_longest_overdue_source_goes_first_and_barred_ones_are_left(book: Book) -> None:
    turns = book.ledger.turns
    turns.follow(["a"])
    book.clock.pass_time(1)
    turns.follow(["a", "b"])
    book.clock.pass_time(1)
    turns.follow(["a", "b", "c"])
    assert turns.claim(1, _HOLD, but=["a"]) == ["b"]
    assert turns.claim(2, _HOLD) == ["a", "c"]


def test_a_source_that_left_the_config_has_no_turn_and_one_that_stays_keeps_its_own(book: Book) -> None:
    turns = book.ledger.turns
    turns.follow(["a", "b"])
    turns.failed("a", _HOLD, ("it is down", "wait"))
    turns.follow(["a", "c"])
    assert sorted(turns.of(["a", "b", "c"])) == ["a", "c"]
    assert turns.claim(5, _HOLD) == ["c"]
    assert [(turn.source, turn.failures, turn.why) for turn in turns.failing()] == [("a", 1, "it is down")]


def test_failures_are_counted_until_a_turn_goes_well(book: Book) -> None:
    turns = book.ledger.turns
    turns.follow(["a"])
    turns.failed("a", _HOLD, ("down", "wait"))
    turns.failed("a", _HOLD, ("down", "wait"))
    turns.failed("a", _HOLD, ("", ""), counts=False)
    assert turns.of(["a"])["a"].failures == 2
    turns.polled("a", timedelta(seconds=30))
    assert (turns.of(["a"])["a"].failures, turns.of(["a"])["a"].last_ok_at) == (0, book.clock.now())
    assert turns.failing() == []


def test_a_source_that_is_woken_is_due_at_once(book: Book) -> None:
    turns = book.ledger.turns
    turns.follow(["a"])
    turns.polled("a", timedelta(hours=1))
    assert turns.oldest_due_source() is None
    turns.wake("a")
    assert turns.oldest_due_source() == book.clock.now()
    assert turns.claim(1, _HOLD) == ["a"]


def test_stores_with_something_to_do_are_found_and_no_others(book: Book) -> None:
    ledger = book.ledger
    assert ledger.turns.due_stores() == []
    book.record(sale(sale_id="1"))
    (due,) = ledger.turns.due_stores()
    assert (due.store, due.live) == ("main", True)
    book.push()
    assert ledger.turns.due_stores() == []


def test_a_sale_that_waits_for_later_makes_its_store_due_then(book: Book) -> None:
    book.record(sale(sale_id="1"))
    with book.ledger.lease("main") as lease:
        (attempt,) = book.begin(lease, *book.due())
        assert [one.store for one in book.ledger.turns.due_stores()] == ["main"], "what a dead worker left is found"
        book.settle(attempt, OutcomeUnknown(Doubt(attempt.kind, attempt.fingerprint, attempt.began), "no answer"))
    assert book.state("till:1") is State.UNKNOWN
    at = book.sale("till:1").next_attempt_at
    assert at is not None
    assert book.ledger.turns.due_stores() == []
    book.clock.pass_time((at - book.clock.now()).total_seconds() + 1)
    assert [one.store for one in book.ledger.turns.due_stores()] == ["main"]


def test_a_paused_store_is_due_when_it_is_tried_again(book: Book) -> None:
    book.record(sale(sale_id="1"))
    book.ledger.stores.pause("main", ("it is down", "wait"), "write", book.clock.now() + timedelta(minutes=5))
    assert book.ledger.turns.due_stores() == []
    book.clock.pass_time(301)
    assert [one.store for one in book.ledger.turns.due_stores()] == ["main"]


def test_one_look_says_what_a_daemon_has_to_do(book: Book) -> None:
    turns = book.ledger.turns
    nothing = frozenset[str]()
    assert turns.due_work() == DueWork(nothing, nothing, nothing, nothing)
    book.record(sale(sale_id="1"))
    book.ledger.sources.announce("till", ["7"])
    assert turns.due_work() == DueWork(frozenset({"main"}), nothing, nothing, frozenset({"till"}))
    with book.ledger.lease("main") as lease:
        (attempt,) = book.begin(lease, *book.due())
        assert turns.due_work().push == {"main"}, "a dead process may have left it on the wire"
        book.settle(attempt, OutcomeUnknown(Doubt(attempt.kind, attempt.fingerprint, attempt.began), "no answer"))
    assert turns.due_work().push == nothing
    assert turns.due_work().doubtful == nothing, "too early to look"
    book.clock.pass_time(3600)
    assert turns.due_work().doubtful == {"main"}
    assert turns.due_work().push == nothing


def test_a_paused_store_has_work_once_it_is_to_be_tried_even_with_no_sale(book: Book) -> None:
    book.ledger.stores.pause("main", ("it is down", "wait"), "read", book.clock.now() + timedelta(minutes=5))
    assert book.ledger.turns.due_work().push == frozenset()
    book.record(sale(sale_id="1"))
    assert book.ledger.turns.due_work().push == frozenset(), "it rests"
    book.clock.pass_time(301)
    assert book.ledger.turns.due_work().push == {"main"}


def test_what_a_holder_knows_is_there_for_the_next(book: Book) -> None:
    assert book.ledger.turns.handed_over("main") is None
    book.ledger.stores.note_order_id("main", 7)
    book.ledger.turns.hand_over("main", '{"left": 3}')
    assert book.ledger.turns.handed_over("main") == '{"left": 3}'


def test_many_workers_at_once_share_the_sources_out(book: Book, database: str) -> None:
    if database == "sqlite":
        pytest.skip("a fleet's ledger is PostgreSQL")
    names = [f"s{number:03}" for number in range(200)]
    book.ledger.turns.follow(names)
    taken: list[str] = []
    together = threading.Barrier(4)

    def work() -> None:
        with Ledger.open(book.url, book.clock, DECIDER) as mine:
            together.wait()
            while some := mine.turns.claim(7, _HOLD):
                taken.extend(some)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == names
