"""What adapters keep in the ledger, hints of webhooks, and since when a source's sales are carried."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from syncd import logs
from syncd.canonical import Batch
from syncd.canonical.sale_key import sent_key
from syncd.ledger import RecordOptions
from syncd.sale.facts import OrderSnapshot, StoreOrder
from syncd.sale.states import Lane
from syncd.testing.orders import sale
from tests.databases import both_databases
from tests.ledger.conftest import Book

_NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
_TOKEN = "refresh-token-of-the-till-4711"


@both_databases
def test_a_token_that_an_adapter_keeps_is_there_after_a_restart_and_in_no_log(open_book: Callable[[], Book]) -> None:
    book, again = open_book(), open_book()
    book.ledger.sources.private("till").put("refresh", _TOKEN)
    assert again.ledger.sources.private("till").get("refresh") == _TOKEN
    assert again.ledger.sources.private("other").get("refresh") is None
    assert _TOKEN not in logs.redact(f"answered {_TOKEN}")


@both_databases
def test_of_two_that_renew_a_token_one_wins_and_the_other_reads_the_winners(open_book: Callable[[], Book]) -> None:
    book, again = open_book(), open_book()
    one, two = book.ledger.sources.private("till"), again.ledger.sources.private("till")
    one.put("refresh", "first-token")
    assert one.swap("refresh", "first-token", "token-of-one")
    assert not two.swap("refresh", "first-token", "token-of-two")
    assert two.get("refresh") == "token-of-one"


@pytest.mark.parametrize("database", ["sqlite"])
def test_a_backup_holds_no_token_of_an_adapter_but_all_else(book: Book, tmp_path: Path) -> None:
    private = book.ledger.sources.private("till")
    private.put("refresh", _TOKEN)
    private.start_from(lambda: _NOON)
    book.ledger.sales.record(Batch((sale(),), (), "{}"), RecordOptions("till", lambda _: "main"))
    book.ledger.maintenance.backup(tmp_path / "copy.db")
    assert _TOKEN.encode() not in (tmp_path / "copy.db").read_bytes()
    with sqlite3.connect(tmp_path / "copy.db") as copied:
        assert copied.execute("select name from source_state").fetchall() == [("_start_from",)]
        assert copied.execute("select count(*) from sales").fetchone() == (1,)
    assert private.get("refresh") == _TOKEN


@both_databases
def test_hints_are_kept_once_each_until_they_are_fetched(open_book: Callable[[], Book]) -> None:
    book, again = open_book(), open_book()
    sources = book.ledger.sources
    assert sources.announce("till", ["a", "b", "a"])
    sources.announce("till", ["b"])
    assert again.ledger.sources.announced("till", 10) == ["a", "b"]
    sources.fetched("till", ["a"])
    assert sources.announced("till", 10) == ["b"]
    assert sources.announced("other", 10) == []


@both_databases
def test_a_sale_that_is_not_there_yet_is_asked_for_again_later_and_at_last_left_to_polling(book: Book) -> None:
    sources = book.ledger.sources
    sources.announce("till", ["a"])
    sources.fetch_later("till", "a")
    assert sources.announced("till", 10) == []
    book.clock.pass_time(1.5)
    assert sources.announced("till", 10) == ["a"]
    tries = 1
    while True:
        sources.fetch_later("till", "a")
        book.clock.pass_time(3601)
        if not sources.announced("till", 10):
            break
        tries += 1
    assert tries == 11


@both_databases
def test_now_is_settled_at_the_first_poll_and_does_not_move_with_every_start(open_book: Callable[[], Book]) -> None:
    book, again = open_book(), open_book()
    assert book.ledger.sources.private("till").kept_start() is None
    first = book.ledger.sources.private("till").start_from(book.clock.now)
    book.clock.pass_time(86_400)
    assert (
        again.ledger.sources.private("till").start_from(book.clock.now)
        == first
        == book.ledger.sources.private("till").kept_start()
    )


@both_databases
def test_sales_from_before_the_start_are_left_out_and_those_that_are_known_stay_true(book: Book) -> None:
    old, new = sale(sale_id="old", placed_at=_NOON - timedelta(days=1)), sale(sale_id="new", placed_at=_NOON)
    how: dict[str, Any] = {"router": lambda _: "main", "not_before": _NOON}
    first = book.ledger.sales.record(Batch((old, new), (), "{}"), RecordOptions("till", **how))
    assert (first.new, first.too_early) == (1, ("till:old",))
    book.ledger.sales.record(
        Batch((old,), (), "{}"), RecordOptions("till", lambda _: "main", lane=Lane.BACKFILL, backfill=1)
    )
    edited = sale(sale_id="old", placed_at=_NOON - timedelta(days=1), note="edited")
    again = book.ledger.sales.record(Batch((edited,), (), "{}"), RecordOptions("till", **how))
    assert (again.changed, again.too_early) == (1, ())


@both_databases
@pytest.mark.parametrize(("longest", "sale_id"), [(64, "old"), (64, "o" * 80), (32, "o" * 40)])
def test_a_sale_that_its_store_has_an_order_of_is_known_whatever_its_age(
    longest: int, sale_id: str, book: Book
) -> None:
    old, other = (sale(sale_id=name, placed_at=_NOON - timedelta(days=1)) for name in (sale_id, sale_id + "2"))
    sent = sent_key(old.sale_key, longest)
    book.ledger.stores.note_known("main", [(sent, StoreOrder(7, OrderSnapshot()))])
    book.ledger.stores.note_known("outlet", [(sent_key(other.sale_key, longest), StoreOrder(8, OrderSnapshot()))])
    keys: dict[str, Any] = {"not_before": _NOON, "longest_keys": {longest}}
    done = book.ledger.sales.record(Batch((old, other), (), "{}"), RecordOptions("till", lambda _: "main", **keys))
    assert (done.new, done.too_early) == (1, (other.sale_key,))


@both_databases
def test_a_source_goes_on_from_its_newest_order_of_the_store_that_is_furthest_behind(book: Book) -> None:
    def at(days: int) -> OrderSnapshot:
        return OrderSnapshot(placed_at=_NOON + timedelta(days=days))

    ledger = book.ledger
    assert ledger.stores.newest_of("till", ["main", "outlet"]) is None
    ledger.stores.note_known(
        "main", [("till:1", StoreOrder(1, at(1))), ("till:3", StoreOrder(3, at(3))), ("till2:9", StoreOrder(9, at(9)))]
    )
    ledger.stores.note_known("other", [("till:0", StoreOrder(5, at(0)))])
    assert ledger.stores.newest_of("till", ["main", "outlet"]) == _NOON + timedelta(days=3)
    ledger.stores.note_known("outlet", [("till:2", StoreOrder(2, at(2)))])
    assert ledger.stores.newest_of("till", ["main", "outlet"]) == _NOON + timedelta(days=2)
    assert ledger.stores.unlisted(["main", "outlet"]) == ["main", "outlet"]
    ledger.stores.note_listed("main")
    assert ledger.stores.unlisted(["main", "outlet"]) == ["outlet"]


@both_databases
def test_a_backfill_that_was_cut_off_goes_on_under_its_number_and_one_that_ended_begins_anew(
    open_book: Callable[[], Book],
) -> None:
    book, again = open_book(), open_book()
    span = (_NOON, _NOON + timedelta(days=1))
    number = book.ledger.backfills.ask("till", *span, by="me").number
    book.ledger.sales.record(
        Batch((sale(),), (), '"page 7"'), RecordOptions("till", lambda _: "main", lane=Lane.BACKFILL, backfill=number)
    )
    assert again.ledger.backfills.ask("till", *span, by="you").number == number
    assert again.ledger.sources.cursor("till", backfill=number) == '"page 7"'
    assert again.ledger.backfills.ask("till", span[0], span[1] + timedelta(days=1), by="me").number != number
    again.ledger.backfills.recorded(number)
    assert again.ledger.backfills.ask("till", *span, by="me").number != number


@both_databases
def test_a_batch_without_a_cursor_leaves_the_walk_where_it_was(book: Book) -> None:
    book.ledger.sales.record(Batch((), (), '"page 7"'), RecordOptions("till", lambda _: "main"))
    book.ledger.sales.record(Batch((sale(),), (), None), RecordOptions("till", lambda _: "main"))
    assert book.ledger.sources.cursor("till") == '"page 7"'
