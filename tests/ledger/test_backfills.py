"""What holds of backfills in the ledger: who may do what with one, and what is pushed meanwhile."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from syncd.errors import LeaseTaken, UsageError
from syncd.intake.backfill import REPORT, cancel, report
from syncd.ledger import Backfill, Estimate, Ledger, Selection
from syncd.sale.overrides import Verb
from syncd.sale.states import BackfillStage, Lane, State
from syncd.testing.clocks import ManualClock
from syncd.testing.orders import sale
from tests.databases import both_databases, ledger_url, older_ledger
from tests.deciders import DECIDER
from tests.ledger.conftest import Book, intent, numbered, took

_NOON = datetime.fromisoformat("2026-11-20T12:00:00-06:00")
_SPAN = (_NOON - timedelta(days=1), _NOON)


def asked(book: Book, **how: object) -> Backfill:
    return book.ledger.backfills.ask("till", *_SPAN, by="ada", **how)  # type: ignore[arg-type]


def recorded(book: Book, number: int, *names: str) -> None:
    orders = [sale(sale_id=name) for name in names]
    book.record(*orders, lane=Lane.BACKFILL, backfill=number)


@both_databases
def test_nothing_of_a_paused_backfill_is_pushed_and_all_else_is(book: Book) -> None:
    first, second = asked(book), book.ledger.backfills.ask("till", _NOON, _NOON + timedelta(days=1), by="ada")
    recorded(book, first.number, "a", "b")
    recorded(book, second.number, "c")
    book.record(sale(sale_id="live"))
    book.record(sale(sale_id="old"), lane=Lane.BACKFILL)
    book.ledger.backfills.pause(first.number)
    assert [one.sale_key for one in book.due()] == ["till:live", "till:old", "till:c"]
    assert [one.sale_key for one in book.due(2)] == ["till:live", "till:old"]
    book.ledger.backfills.resume(first.number)
    assert {one.sale_key for one in book.due()} == {"till:live", "till:old", "till:a", "till:b", "till:c"}


@both_databases
def test_what_was_read_to_be_pushed_before_a_backfill_was_paused_is_not_claimed(book: Book) -> None:
    first, second = asked(book), book.ledger.backfills.ask("till", _NOON, _NOON + timedelta(days=1), by="ada")
    recorded(book, first.number, "a", "b")
    recorded(book, second.number, "c")
    book.record(sale(sale_id="live"))
    read = [intent(one) for one in book.due()]
    book.ledger.backfills.pause(first.number)
    with book.ledger.lease("main") as lease:
        assert {one.sale_key for one in book.ledger.attempts.begin(lease, read)} == {"till:live", "till:c"}
        book.ledger.backfills.resume(first.number)
        assert {one.sale_key for one in book.ledger.attempts.begin(lease, read)} == {"till:a", "till:b"}


@both_databases
def test_a_backfill_goes_on_where_it_was_paused(book: Book) -> None:
    number = asked(book).number
    kept = book.ledger.backfills
    assert [one.number for one in kept.to_do("till")] == [number]
    kept.pause(number)
    assert kept.to_do("till") == []
    assert kept.resume(number).stage is BackfillStage.OPEN
    kept.recorded(number)
    kept.pause(number)
    assert kept.resume(number).stage is BackfillStage.RECORDED
    assert kept.to_do("till") == []


@both_databases
def test_a_walk_that_ends_just_as_it_is_paused_leaves_it_paused(book: Book) -> None:
    number = asked(book).number
    book.ledger.backfills.pause(number)
    book.ledger.backfills.recorded(number)
    assert book.ledger.backfills.get(number).stage is BackfillStage.PAUSED


@both_databases
def test_a_cancelled_backfill_skips_what_waits_and_leaves_what_was_pushed(book: Book) -> None:
    number = asked(book).number
    recorded(book, number, "pushed")
    book.push()
    recorded(book, number, *(f"s{i}" for i in range(3)))
    assert cancel(book.ledger, number, "cli:ada") == 3
    assert book.ledger.backfills.get(number).stage is BackfillStage.CANCELLED
    assert book.ledger.backfills.progress(number).states == {State.SYNCED: 1, State.SKIPPED: 3}
    found = book.ledger.sales.story("till:s0")
    assert found is not None
    assert (found.audit[-1].actor, found.audit[-1].why) == ("cli:ada", f"backfill {number} was cancelled")
    assert book.decide(Verb.RELEASE, "till:s0").moved == ("till:s0",)


@both_databases
@pytest.mark.parametrize(("turn", "first"), [("resume", ""), ("start", ""), ("pause", "pause"), ("cancel", "cancel")])
def test_what_makes_no_sense_is_refused_with_the_reason(book: Book, turn: str, first: str) -> None:
    number = asked(book).number
    if first:
        getattr(book.ledger.backfills, first)(number)
    with pytest.raises(UsageError, match=f"backfill {number} is "):
        getattr(book.ledger.backfills, turn)(number)


@both_databases
def test_a_backfill_that_nobody_asked_for_is_none(book: Book) -> None:
    with pytest.raises(UsageError, match="no backfill 7"):
        book.ledger.backfills.pause(7)


@both_databases
def test_an_estimate_is_kept_until_somebody_says_go(book: Book) -> None:
    number = asked(book, estimate=True).number
    counted = Estimate(5, 4, 1, 4, 2.5, {"pending": 5}, {"USD": Decimal("54.00")})
    book.ledger.backfills.estimated(number, counted)
    kept = book.ledger.backfills.get(number)
    assert (kept.stage, kept.estimate) == (BackfillStage.ESTIMATED, counted)
    assert book.ledger.backfills.to_do("till") == []
    assert book.ledger.backfills.start(number).stage is BackfillStage.OPEN


@both_databases
def test_asking_for_what_was_estimated_starts_it_and_history_is_another_thing(book: Book) -> None:
    estimated = asked(book, estimate=True)
    assert asked(book).number == estimated.number
    assert asked(book, history=True).number != estimated.number


def test_two_processes_do_not_walk_the_same_backfill(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with Ledger.open(url, ManualClock(), DECIDER) as ledger, Ledger.open(url, ManualClock(), DECIDER) as other:
        number = ledger.backfills.ask("till", *_SPAN, by="ada").number
        with ledger.backfills.walking(number), pytest.raises(LeaseTaken), other.backfills.walking(number):
            pass
        with other.backfills.walking(number):
            pass


@both_databases
def test_the_rate_is_of_the_last_minutes_and_says_how_long_the_rest_takes(book: Book) -> None:
    number = asked(book).number
    recorded(book, number, "a", "b", "c", "d")
    with book.ledger.lease("main") as lease:
        for place, attempt in enumerate(book.begin(lease, *book.due(2))):
            book.settle(attempt, took(attempt, place + 1))
    book.clock.pass_time(10)
    far = book.ledger.backfills.progress(number)
    assert (far.sales, far.waiting) == (4, 2)
    assert far.per_second == pytest.approx(0.2)
    assert far.seconds_left == pytest.approx(10.0)
    book.clock.pass_time(600)
    assert book.ledger.backfills.progress(number).seconds_left is None


@both_databases
def test_the_report_has_every_sale_of_the_range_and_the_source_with_its_order(book: Book) -> None:
    book.record(*numbered(2))
    book.push(41)
    book.record(
        sale(sale_id="later", placed_at=_NOON + timedelta(days=1)), sale(sale_id="held"), holds={"held": "no price"}
    )
    rows = [dict(zip(REPORT, row, strict=True)) for row in report(book.ledger, asked(book), UTC, ["main"])]
    assert [(row["sale"], row["state"], row["order"]) for row in rows] == [
        ("till:0", "synced", 41),
        ("till:1", "synced", 42),
        ("till:held", "held", None),
    ]
    assert {row["total"] for row in rows} == {Decimal("10.80")}


@both_databases
def test_a_backfill_that_was_cut_off_before_the_upgrade_does_not_start_by_itself(database: str, tmp_path: Path) -> None:
    with ledger_url(database, tmp_path) as url:
        with older_ledger(url, "0010") as connection:
            names = "source, start_at, end_at, started_at, finished_at"
            rows = "('till', 1, 2, 3, null), ('till', 1, 2, 3, 4)"
            connection.exec_driver_sql(f"insert into backfills ({names}) values {rows}")
        with Ledger.open(url, ManualClock(), DECIDER) as ledger:
            assert [one.stage for one in ledger.backfills.newest()] == [BackfillStage.RECORDED, BackfillStage.CANCELLED]
            assert ledger.backfills.to_do("till") == []
            assert ledger.sales.find(Selection(backfill=1), limit=5) == []


@both_databases
def test_of_the_alerts_before_the_upgrade_those_that_are_open_are_told(database: str, tmp_path: Path) -> None:
    with ledger_url(database, tmp_path) as url:
        with older_ledger(url, "0011") as connection:
            names = "store, kind, subject, words, cure, at, ended_at"
            rows = (
                "('main', 'two orders', 'a', 'still there', '', 1, null), ('main', 'two orders', 'b', 'over', '', 1, 2)"
            )
            connection.exec_driver_sql(f"insert into alerts ({names}) values {rows}")
        with Ledger.open(url, ManualClock(), DECIDER) as ledger:
            untold = ledger.alerts.untold()
            assert ([one.words for _, one in untold.new], untold.over) == (["still there"], ())
