"""What every ledger does, on SQLite and on PostgreSQL alike."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from syncd.canonical import Fault
from syncd.clock import Now
from syncd.errors import Busy, LedgerError
from syncd.ledger import HAPPENED, WOUND_BACK, Alert, RecordOptions
from syncd.sale.attempt import Attempt
from syncd.sale.events import Deferred, Discovered, OutcomeUnknown, Rejected, SaleEvent
from syncd.sale.facts import Doubt, Objection, OrderSnapshot, StoreOrder
from syncd.sale.overrides import Verb
from syncd.sale.states import Lane, State
from syncd.testing.orders import sale
from tests.databases import both_databases
from tests.ledger.conftest import Book, intent, numbered, took

pytestmark = both_databases


# Intake


def test_a_sale_is_recorded_once_however_often_it_is_said(book: Book) -> None:
    assert book.record(sale()).new == 1
    again = book.record(sale(), sale())
    assert (again.new, again.changed, again.same) == (0, 0, 1)
    assert len(book.due()) == 1


def test_a_sale_comes_back_as_it_was_recorded(book: Book) -> None:
    order = sale(note="Grüße\n\U0001f600", total_inc_tax="10.80")
    book.record(order)
    (found,) = book.due()
    assert found.order() == order
    assert (found.placed_at, found.total_inc_tax, found.state) == (order.placed_at, Decimal("10.80"), State.PENDING)


def test_cursor_and_sales_are_written_together(book: Book) -> None:
    assert book.ledger.sources.cursor("till") is None
    book.record(sale(), cursor="page 2")
    assert book.ledger.sources.cursor("till") == "page 2"

    def fail(_: object) -> None:
        raise RuntimeError("the router broke")

    with pytest.raises(RuntimeError):
        book.ledger.sales.record(_batch("page 3"), RecordOptions("till", fail))  # type: ignore[arg-type]  # it breaks on purpose
    assert book.ledger.sources.cursor("till") == "page 2"
    assert book.ledger.sales.get("till:later") is None


def _batch(cursor: str) -> object:
    from syncd.canonical import Batch

    return Batch((sale(sale_id="later"),), (), cursor)


def test_a_backfills_cursor_is_its_own(book: Book) -> None:
    book.record(sale(), cursor="live")
    book.record(sale(sale_id="old"), cursor="back", lane=Lane.BACKFILL, backfill=3)
    assert (book.ledger.sources.cursor("till"), book.ledger.sources.cursor("till", backfill=3)) == ("live", "back")


def test_a_changed_sale_that_was_never_pushed_just_says_the_new_thing(book: Book) -> None:
    book.record(sale())
    assert book.record(sale(note="for Ada")).changed == 1
    (found,) = book.due()
    assert found.order().note == "for Ada"


def test_a_sale_that_does_not_add_up_is_held_and_one_that_was_mended_is_due(book: Book) -> None:
    assert book.record(sale(total_inc_tax="99.00")).held == 1
    assert book.due() == []
    book.record(sale())
    assert len(book.due()) == 1


def test_a_fault_is_kept_once(book: Book) -> None:
    fault = Fault("day.csv:3", "no date", "raw\x00text")
    assert book.record(faults=[fault]).faults == 1
    assert book.record(faults=[fault]).faults == 0
    (kept,) = book.ledger.sources.faults(limit=10)
    assert (kept.where, kept.reason, kept.raw) == ("day.csv:3", "no date", "raw\\x00text")


def test_a_reused_id_is_held_and_not_taken_for_an_edit(book: Book) -> None:
    book.record(sale())
    book.record(
        sale(
            placed_at="2026-11-22T09:00:00Z",
            lines=[{"line_id": "1", "name": "x", "total_ex_tax": "1", "total_inc_tax": "1"}],
            total_inc_tax="1",
            total_tax="0",
        )
    )
    assert book.state() is State.HELD


# Lanes


def test_live_sales_are_due_before_backfilled_ones_and_older_before_newer(book: Book) -> None:
    book.record(sale(sale_id="b", placed_at="2020-01-01T00:00:00Z"), lane=Lane.BACKFILL, backfill=1)
    book.record(
        sale(sale_id="new", placed_at="2026-11-22T00:00:00Z"), sale(sale_id="old", placed_at="2026-11-21T00:00:00Z")
    )
    assert [found.sale_key for found in book.due()] == ["till:old", "till:new", "till:b"]


def test_a_backfilled_sale_that_arrives_live_is_promoted(book: Book) -> None:
    book.record(sale(), lane=Lane.BACKFILL, backfill=1)
    book.record(sale())
    assert book.due()[0].lane is Lane.LIVE


def test_a_sale_whose_time_lies_absurdly_far_ahead_is_due_for_the_clock_was_set_back(book: Book) -> None:
    book.record(sale())
    with book.ledger.lease("main") as lease:
        (attempt,) = book.begin(lease, *book.due())
        book.settle(attempt, Deferred(book.clock.now() + timedelta(minutes=5), "later"))
        assert book.due() == []
        book.clock.jump(-30 * 86400)
        assert len(book.due()) == 1


# Attempts


def test_an_intent_moves_its_sale_to_sending_and_counts_the_try(book: Book) -> None:
    book.record(sale())
    with book.ledger.lease("main") as lease:
        (attempt,) = book.begin(lease, *book.due())
    story = book.ledger.sales.story("till:1001")
    assert story is not None
    assert (story.sale.state, story.sale.tries, attempt.order_id) == (State.SENDING, 1, None)
    assert [row.after for row in story.audit] == ["pending"]  # the attempt says the rest
    assert [(row.kind, row.outcome) for row in story.attempts] == [("create", None)]


def test_a_sale_is_claimed_by_one_of_two(book: Book) -> None:
    book.record(sale())
    with book.ledger.lease("main") as lease:
        due = book.due()
        assert len(book.begin(lease, *due)) == 1
        assert book.begin(lease, *due) == []


def test_a_sale_edited_since_it_was_read_is_not_claimed(book: Book) -> None:
    book.record(sale())
    due = book.due()
    book.record(sale(note="edited"))
    with book.ledger.lease("main") as lease:
        assert book.begin(lease, *due) == []


AT = datetime(2026, 11, 23, 12, 1, tzinfo=UTC)


def objected(attempt: Attempt, state: State) -> Rejected:
    return Rejected(Objection(attempt.fingerprint, state, "bad", "mend it"))


def doubted(attempt: Attempt) -> OutcomeUnknown:
    return OutcomeUnknown(Doubt(attempt.kind, attempt.fingerprint, attempt.began), "timed out")


NEWS: dict[State, Callable[[Attempt], SaleEvent]] = {
    State.SYNCED: lambda attempt: took(attempt, 77),
    State.PENDING: lambda _: Deferred(AT, "busy"),
    State.REJECTED: lambda attempt: objected(attempt, State.REJECTED),
    State.UNKNOWN: doubted,
    State.HELD: lambda attempt: objected(attempt, State.HELD),
    State.SKIPPED: lambda attempt: objected(attempt, State.SKIPPED),
}


@pytest.mark.parametrize("state", NEWS)
def test_an_outcome_moves_its_sale_and_closes_its_attempt(book: Book, state: State) -> None:
    book.record(sale())
    with book.ledger.lease("main") as lease:
        (attempt,) = book.begin(lease, *book.due())
    assert book.settle(attempt, NEWS[state](attempt)) is state
    story = book.ledger.sales.story("till:1001")
    assert story is not None
    assert story.sale.state is state
    assert story.attempts[0].settled_at is not None
    assert story.audit[-1].after == (
        "pending" if state is State.SYNCED else state.value
    )  # what went well, its attempt says
    assert book.ledger.maintenance.verify() == []


def test_an_outcome_that_comes_twice_counts_once(book: Book) -> None:
    book.record(sale())
    with book.ledger.lease("main") as lease:
        (attempt,) = book.begin(lease, *book.due())
    assert book.settle(attempt, took(attempt, 1)) is State.SYNCED
    assert book.settle(attempt, objected(attempt, State.REJECTED)) is None
    assert book.state() is State.SYNCED


def test_a_sale_edited_while_on_the_wire_is_due_again_after_its_outcome(book: Book) -> None:
    book.record(sale())
    with book.ledger.lease("main") as lease:
        (attempt,) = book.begin(lease, *book.due())
        book.record(sale(status="voided"))
        assert book.state() is State.SENDING
        book.settle(attempt, took(attempt, 5))
    (found,) = book.due()
    assert (found.order_id, found.belief.confirmed_version) == (5, attempt.fingerprint)
    assert found.fingerprint != attempt.fingerprint


def test_an_unknown_sale_edited_meanwhile_stays_unknown_for_nothing_may_overtake(book: Book) -> None:
    book.record(sale())
    with book.ledger.lease("main") as lease:
        (attempt,) = book.begin(lease, *book.due())
        book.record(sale(note="edited"))
        book.settle(attempt, doubted(attempt))
        assert book.state() is State.UNKNOWN
        book.clock.pass_time(61)
        (unsure,) = book.unsettled()
        found = Discovered(9, OrderSnapshot(10, Decimal("10.80"), Decimal("0.80"), "USD"), "found", attempt.fingerprint)
        assert len(book.ledger.attempts.resolve(lease, [(unsure, found)], Now.of(book.clock))) == 1
    assert book.state() is State.PENDING


def test_what_a_dead_holder_left_on_the_wire_becomes_unknown(open_book: Callable[[], Book]) -> None:
    book = open_book()
    book.record(*numbered(3))
    with book.ledger.lease("main") as lease:
        book.begin(lease, *book.due())
    other = open_book()
    with other.ledger.lease("main") as lease:
        assert other.ledger.attempts.recover_interrupted(lease) == 3
        assert other.ledger.attempts.recover_interrupted(lease) == 0
    assert {found.state for found in other.unsettled()} == {State.UNKNOWN}
    assert len(other.unsettled()) == 3


def test_many_outcomes_settled_at_once_are_all_written(book: Book) -> None:
    book.record(*numbered(200))
    with book.ledger.lease("main") as lease:
        attempts = book.ledger.attempts.begin(lease, [intent(found) for found in book.due(200)])
        from syncd.ledger import ReplyInfo

        done = [
            book.ledger.attempts.settle(
                attempt, took(attempt, 1000 + attempt.id), ReplyInfo(200, None, 0.1, "accepted", "")
            )
            for attempt in attempts
        ]
        assert all(one.result(20) for one in done)
    assert book.ledger.sales.counts("main")[("main", Lane.LIVE, State.SYNCED)] == 200


# The right to push


def test_one_process_at_a_time_may_push_and_the_other_is_told_who_does(open_book: Callable[[], Book]) -> None:
    one, two = open_book(), open_book()
    with one.ledger.lease("main") as lease:
        assert lease.alive()
        with pytest.raises(Busy) as told, two.ledger.lease("main"):
            pass
        assert "process" in str(told.value) or "session" in str(told.value)
        with two.ledger.lease("another store") as other:
            assert other.alive()
    with two.ledger.lease("main") as lease:
        assert lease.alive()


# People


def test_people_move_what_a_person_may_move_and_are_named_in_the_audit(book: Book) -> None:
    book.record(sale(total_inc_tax="99.00"), sale(sale_id="fine"))
    moved = book.decide(Verb.RELEASE, "till:1001", "till:none")
    assert moved.moved == ("till:1001",)
    assert dict(moved.refused)["till:none"] == "the ledger has no such sale"
    story = book.ledger.sales.story("till:1001")
    assert story is not None
    assert (story.audit[-1].actor, story.audit[-1].after) == ("ada", "pending")


def test_nobody_moves_a_sale_that_is_on_the_wire(book: Book) -> None:
    book.record(sale())
    with book.ledger.lease("main") as lease:
        book.begin(lease, *book.due())
    for verb in Verb:
        assert book.decide(verb).moved == ()
    assert book.state() is State.SENDING


def test_a_skipped_sale_stays_skipped_when_the_pos_says_it_again(book: Book) -> None:
    book.record(sale())
    book.decide(Verb.SKIP)
    book.record(sale(note="again"))
    assert book.state() is State.SKIPPED


# Counts, stores, look-ups


def test_counts_are_those_of_the_sales(book: Book) -> None:
    book.record(*numbered(5), sale(sale_id="odd", total_inc_tax="99"))
    book.record(sale(sale_id="back"), lane=Lane.BACKFILL, backfill=1)
    with book.ledger.lease("main") as lease:
        attempts = book.begin(lease, *book.due(2))
        book.settle(attempts[0], took(attempts[0], 1))
    assert {key: number for key, number in book.ledger.sales.counts("main").items() if number} == {
        ("main", Lane.LIVE, State.PENDING): 3,
        ("main", Lane.LIVE, State.SENDING): 1,
        ("main", Lane.LIVE, State.SYNCED): 1,
        ("main", Lane.LIVE, State.HELD): 1,
        ("main", Lane.BACKFILL, State.PENDING): 1,
    }


def test_a_stores_name_is_tied_to_its_hash(book: Book) -> None:
    book.ledger.stores.bind("main", "abc")
    book.ledger.stores.bind("main", "abc")
    with pytest.raises(LedgerError, match="abc"):
        book.ledger.stores.bind("main", "other")


def test_orders_that_the_store_was_seen_to_have_are_remembered(book: Book) -> None:
    assert not book.ledger.stores.knows_any("main")
    one, two = StoreOrder(7, OrderSnapshot(10, Decimal("1.50"), Decimal("0.10"), "USD", AT)), StoreOrder(8)
    assert book.ledger.stores.note_known("main", [("till:1", one), ("till:2", two)]) == []
    assert book.ledger.stores.known("main", ["till:1", "till:2", "till:3"]) == {"till:1": one, "till:2": two}
    assert book.ledger.stores.knows_any("main")


def test_of_several_orders_with_one_key_the_lowest_live_one_counts_and_one_alert_names_the_others(book: Book) -> None:
    for turn in range(2):  # walks repeat themselves
        opened = book.ledger.stores.note_known(
            "main", [("till:1", StoreOrder(5000, archived=True)), ("till:1", StoreOrder(12))]
        )
        assert opened == []
        opened = book.ledger.stores.note_known(
            "main", [("till:1", StoreOrder(10)), ("till:1", StoreOrder(3, archived=True))]
        )
        assert len(opened) == (1 if turn == 0 else 0)
    assert book.ledger.stores.known("main", ["till:1"])["till:1"].order_id == 10
    (alert,) = book.ledger.alerts.present("main")
    assert (alert.subject, "12" in alert.words, "3" in alert.words.split("is taken")[1]) == ("till:1", True, False)
    assert book.ledger.alerts.end("main", alert.kind, ["till:1"]) == 1
    assert book.ledger.alerts.present() == []


def test_what_happened_once_is_shown_for_a_while_and_no_longer(book: Book) -> None:
    book.ledger.alerts.raise_new([Alert("main", kind, "x", "words", "cure") for kind in (WOUND_BACK, "two orders")])
    assert book.ledger.alerts.end_older(HAPPENED, book.clock.now()) == 0
    book.clock.pass_time(60)
    assert book.ledger.alerts.end_older(HAPPENED, book.clock.now()) == 1
    assert [alert.kind for alert in book.ledger.alerts.present()] == ["two orders"]


def test_the_highest_order_id_never_goes_down(book: Book) -> None:
    book.ledger.stores.note_order_id("main", 50)
    book.ledger.stores.note_order_id("main", 40)
    assert book.ledger.stores.get("main").highest_order_id == 50


def test_look_ups_are_kept_with_their_misses_and_age(book: Book) -> None:
    book.ledger.catalog.keep_lookups("main", "sku", {"A": "1", "B": None})
    fresh = book.clock.now() - timedelta(minutes=1)
    assert book.ledger.catalog.lookups("main", "sku", ["A", "B", "C"], younger_than=fresh) == {"A": "1", "B": None}
    book.clock.pass_time(3600)
    assert book.ledger.catalog.lookups("main", "sku", ["A"], younger_than=book.clock.now() - timedelta(minutes=1)) == {}
    assert book.ledger.catalog.prune_lookups(book.clock.now()) == 2


def test_documents_of_sales_synced_long_ago_are_dropped_and_the_rest_stays(book: Book) -> None:
    book.record(*numbered(3))
    with book.ledger.lease("main") as lease:
        attempts = book.begin(lease, *book.due(2))
        book.settle(attempts[0], took(attempts[0], 1))
        book.clock.pass_time(86_400)
        book.settle(attempts[1], took(attempts[1], 2))
    assert book.ledger.maintenance.forget_documents(book.clock.now() - timedelta(hours=1)) == 1
    assert book.ledger.maintenance.forget_documents(book.clock.now() - timedelta(hours=1)) == 0
    old = book.ledger.sales.get(attempts[0].sale_key)
    assert old is not None
    assert (old.document, old.order_id, old.state) == (None, 1, State.SYNCED)
    assert book.record(*numbered(3)).same == 3, "the same export again is still known"
    assert book.ledger.maintenance.verify() == []


def test_everything_is_there_after_it_was_closed_and_opened_again(book: Book) -> None:
    book.record(*numbered(3))
    with book.ledger.lease("main") as lease:
        (attempt, *_) = book.begin(lease, *book.due())
        book.settle(attempt, took(attempt, 3))
    again = book.reopened()
    try:
        assert sum(again.ledger.sales.counts("main").values()) == 3
        assert again.ledger.sources.cursor("till") == "c"
    finally:
        again.ledger.close()


def test_a_ledger_that_was_closed_says_so(book: Book) -> None:
    book.ledger.close()
    with pytest.raises(LedgerError, match="closed"):
        book.record(sale())
