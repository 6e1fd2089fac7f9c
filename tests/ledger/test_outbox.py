"""The outbox: each event is written with what it tells, none is lost, and none tells what did not happen."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncd.errors import LedgerError
from syncd.ledger import Ledger, OutboxMessage, outbox, record
from syncd.sale.events import Deferred, Drifted, OutcomeUnknown, Rejected, SaleEvent
from syncd.sale.facts import Doubt, Objection
from syncd.sale.outgoing import EventKind
from syncd.sale.overrides import Verb
from syncd.sale.states import State
from syncd.testing.clocks import ManualClock
from syncd.testing.orders import sale
from tests.databases import both_databases, ledger_url
from tests.deciders import DECIDER
from tests.ledger.conftest import Book, numbered, took
from tests.planted_bugs import planted

_NUMBERS = count()
ALL = frozenset(EventKind)
_MARY = {"first_name": "Mary", "last_name": "Jones", "email": "mary@example.com", "phone": "+1 512 555 0100"}


@pytest.fixture
def telling(database: str, tmp_path: Path) -> Iterator[Book]:
    """A ledger whose every event is wanted."""
    clock = ManualClock()
    with (
        ledger_url(database, tmp_path, migrated=True) as url,
        Ledger.open(url, clock, DECIDER, events=ALL) as ledger,
    ):
        yield Book(ledger, clock, url)


def waiting(book: Book) -> list[OutboxMessage]:
    return book.ledger.outbox.due(1000)


def kinds(book: Book) -> list[str]:
    return [message.kind.value for message in waiting(book)]


@both_databases
def test_a_sale_with_an_order_is_told_once_with_its_facts_and_without_its_people(telling: Book) -> None:
    telling.record(sale(sale_id="1", number="R-1", customer=_MARY))
    assert kinds(telling) == []
    telling.push(100)
    telling.record(sale(sale_id="1", number="R-1", customer=_MARY))
    (message,) = waiting(telling)
    assert (message.kind, message.store) == (EventKind.ORDER_MADE, "main")
    said = message.data
    assert (said["sale"], said["receipt"], said["order_id"], said["state"]) == ("till:1", "R-1", 100, "synced")
    assert (said["total_inc_tax"], said["currency"], said["backfill"]) == ("10.80", "USD", False)
    words = json.dumps(dict(said)).lower()
    assert not [one for one in ("mary", "jones", "555", "mug") if one in words]


@both_databases
def test_what_is_held_rejected_changed_and_paused_is_told_as_it_happens(telling: Book) -> None:
    telling.record(sale(sale_id="1"), holds={"1": "look at it"})
    telling.record(sale(sale_id="1"), holds={"1": "look at it"})
    assert [(one.kind, one.data["why"]) for one in waiting(telling)] == [(EventKind.SALE_HELD, "look at it")]
    telling.decide(Verb.RELEASE, "till:1")
    telling.clock.pass_time(2 * 3600)
    telling.push(7)
    telling.record(sale(sale_id="1", note="edited"))
    telling.push(7)
    assert kinds(telling) == ["sale.held", "order.made", "order.changed"]
    telling.record(sale(sale_id="2"))
    with telling.ledger.lease("main") as lease:
        (attempt,) = telling.begin(lease, *telling.due())
        telling.settle(attempt, Rejected(Objection(attempt.fingerprint, State.REJECTED, "no such state", "Correct it")))
    assert [one.data["cure"] for one in waiting(telling)[3:]] == ["Correct it"]
    stores, probe = telling.ledger.stores, telling.clock.now()
    for why in ("its token was refused", "it still is"):
        stores.pause("main", (why, "Make another"), "answer", probe)
    for _ in range(2):
        stores.unpause("main")
    paused, resumed = waiting(telling)[4:]
    assert (paused.kind, paused.data) == (
        EventKind.STORE_PAUSED,
        {"why": "its token was refused", "cure": "Make another"},
    )
    assert (resumed.kind, list(resumed.data)) == (EventKind.STORE_RESUMED, ["paused_at"])


@both_databases
def test_an_event_waits_until_it_is_taken_and_no_two_have_one_id(telling: Book) -> None:
    telling.record(*numbered(3))
    telling.push(1)
    first, second, third = waiting(telling)
    telling.ledger.outbox.taken([first.number, third.number])
    telling.ledger.outbox.refused(second.number, "it answered 400", telling.clock.now() + timedelta(minutes=1))
    assert waiting(telling) == []
    backlog = telling.ledger.outbox.backlog()
    assert (backlog.waiting, backlog.oldest and backlog.oldest.why) == (1, "it answered 400")
    telling.clock.pass_time(60)
    (again,) = waiting(telling)
    assert (again.message_id, again.tries) == (second.message_id, 1)
    telling.ledger.outbox.taken([again.number])
    telling.record(sale(sale_id="9"))
    telling.push(9)
    assert waiting(telling)[0].message_id not in {first.message_id, second.message_id, third.message_id}


@both_databases
def test_nobody_hears_of_what_was_rolled_back(telling: Book) -> None:
    def fails(*_: object) -> None:
        raise LedgerError("the disk is full")

    with planted(record, "write_cursor", fails), pytest.raises(LedgerError):
        telling.record(sale(sale_id="1"), holds={"1": "look at it"})
    assert kinds(telling) == []
    telling.record(sale(sale_id="1"), holds={"1": "look at it"})
    assert kinds(telling) == ["sale.held"]


@both_databases
def test_only_the_kinds_that_are_wanted_are_kept(book: Book) -> None:
    book.record(*numbered(2))
    book.push(1)
    assert book.ledger.outbox.backlog().waiting == 0
    with Ledger.open(book.url, book.clock, DECIDER, events=frozenset({EventKind.SALE_HELD})) as ledger:
        some = Book(ledger, book.clock, book.url)
        some.record(sale(sale_id="7"), sale(sale_id="8"), holds={"8": "look"})
        some.push(7)
        assert kinds(some) == ["sale.held"]


@both_databases
def test_what_is_old_or_wanted_no_more_is_dropped(telling: Book) -> None:
    telling.record(*numbered(2))
    telling.push(1)
    telling.clock.pass_time(8 * 86_400)
    telling.record(sale(sale_id="9"))
    telling.push(9)
    assert telling.ledger.outbox.drop(telling.clock.now() - timedelta(days=7)) == 2
    assert [one.data["order_id"] for one in waiting(telling)] == [9]
    assert telling.ledger.outbox.drop() == 1


@both_databases
def test_a_person_that_is_forgotten_is_in_no_event_and_a_store_has_its_new_name(telling: Book) -> None:
    telling.record(sale(sale_id="1", customer=_MARY), sale(sale_id="2"), holds={"1": "for mary@example.com"})
    telling.decide(Verb.RELEASE, "till:1")
    telling.clock.pass_time(1 * 3600)
    telling.push(1)
    maintenance = telling.ledger.maintenance
    assert "mary" in str([one.data for one in waiting(telling)])
    maintenance.forget_person(maintenance.find_person("mary@example.com", ()))
    assert "mary" not in str([one.data for one in waiting(telling)])
    assert sorted(kinds(telling)) == ["order.made", "order.made", "sale.held"]
    telling.ledger.stores.rename("main", "shop")
    assert {one.store for one in waiting(telling)} == {"shop"}


STEPS = (
    "record",
    "edit",
    "void",
    "hold",
    "release",
    "skip",
    "retry",
    "push",
    "reject",
    "lose",
    "defer",
    "drift",
    "pass",
)


def _step(book: Book, step: str, key: str, edits: Counter[str]) -> None:
    """One thing that may happen to a sale, where it can happen."""
    kept = book.ledger.sales.get(f"till:{key}")
    if step in ("record", "edit", "void"):
        edits[key] += step == "edit"
        status = "voided" if step == "void" else "completed"
        book.record(sale(sale_id=key, note=f"edit {edits[key]}", status=status))
    elif step in ("hold", "release", "skip", "retry"):
        book.decide(Verb(step), f"till:{key}")
    elif step == "pass":
        book.clock.pass_time(2 * 3600)
    elif kept is not None:
        with book.ledger.lease("main") as lease:
            if step == "drift" and kept.state is State.SYNCED:
                book.ledger.attempts.drift(lease, [(kept, Drifted("somebody changed it"))])
            due = [one for one in book.due() if one.id == kept.id] if step != "drift" else []
            for attempt in book.begin(lease, *due):
                objection = Objection(attempt.fingerprint, State.REJECTED, "no", "do")
                answers: dict[str, SaleEvent] = {
                    "push": took(attempt, kept.order_id or kept.id),
                    "reject": Rejected(objection),
                    "lose": OutcomeUnknown(Doubt(attempt.kind, attempt.fingerprint, attempt.began), "no answer"),
                    "defer": Deferred(book.clock.now(), "busy"),
                }
                book.settle(attempt, answers[step])


@both_databases
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], report_multiple_bugs=False)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from(["a", "b"])), max_size=25))
def test_whatever_happens_the_events_are_what_the_story_of_each_sale_says(
    telling: Book, walk: list[tuple[str, str]]
) -> None:
    """The oracle is the audit, which every move is in, and the order that each sale has at the end."""
    number, edits = next(_NUMBERS), Counter[str]()
    for step, key in [("record", "a"), *walk]:
        _step(telling, step, f"{number}{key}", edits)
    found = Counter((one.kind.value, one.data["sale"]) for one in waiting(telling))
    telling.ledger.outbox.drop()
    for key in (f"till:{number}a", f"till:{number}b"):
        story = telling.ledger.sales.story(key)
        if story is None:
            continue
        for state in (State.HELD, State.REJECTED):
            came = sum(row.after == state.value != row.before for row in story.audit)
            assert found["sale." + state.value, key] == came, (state, story.audit)
        assert found["order.made", key] == (story.sale.order_id is not None)


@both_databases
def test_the_oracle_of_the_property_sees_an_event_that_is_lost(telling: Book) -> None:
    def says_nothing(*_: object) -> Iterator[EventKind]:
        return iter(())

    with planted(outbox, "kinds_of", says_nothing), pytest.raises(AssertionError):
        test_whatever_happens_the_events_are_what_the_story_of_each_sale_says(telling)
