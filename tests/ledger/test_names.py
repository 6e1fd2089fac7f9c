"""A source or a store gets another name in the ledger: every row follows, and no sale key changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from syncd.canonical import Batch, Fault
from syncd.errors import LedgerError, UsageError
from syncd.ledger import RecordOptions
from syncd.sale.facts import OrderSnapshot, StoreOrder
from syncd.sale.states import Lane, State
from syncd.testing.orders import sale
from tests.databases import both_databases
from tests.deciders import to_main
from tests.ledger.conftest import Book, numbered, took

DAY = datetime(2026, 11, 1, tzinfo=UTC)


def fill(book: Book) -> None:
    """A source with three sales, one pushed, a fault, a hint, a backfill and a start."""
    book.record(*numbered(3), faults=[Fault("a:1", "bad", "raw", "9")], cursor="there")
    with book.ledger.lease("main") as lease:
        (first, *_) = book.due()
        for attempt in book.begin(lease, first):
            book.settle(attempt, took(attempt, 1))
    ledger = book.ledger
    ledger.sources.announce("till", ["7"])
    ledger.sources.private("till").put("token", "abc")
    ledger.sources.private("till").start_from(lambda: DAY)
    number = ledger.backfills.ask("till", DAY, DAY.replace(day=2), by="me").number
    ledger.sales.record(
        Batch((sale(sale_id="old"),), (), "page"), RecordOptions("till", to_main, lane=Lane.BACKFILL, backfill=number)
    )
    ledger.sources.note("till", "till", "{}")


@both_databases
def test_every_row_of_a_source_follows_its_new_name(book: Book) -> None:
    fill(book)
    ledger, before = book.ledger, book.ledger.sales.counts()
    would = ledger.sources.to_rename("till", "counter")
    assert (would.sales, would.orders, would.not_done, would.keys) == (4, 1, 3, "till")
    assert "counter" not in ledger.sources.known()
    assert ledger.sources.rename("till", "counter") == would
    assert set(ledger.sources.known()) == {"counter"}
    assert (ledger.sources.known()["counter"].keys, ledger.sources.known()["counter"].reads) == ("till", ("{}",))
    assert ledger.sales.counts() == before
    assert (ledger.sources.cursor("till"), ledger.sources.cursor("counter")) == (None, "there")
    assert ledger.sources.cursor("counter", backfill=1) == "page"
    assert ledger.sources.open_faults() == {"counter": 1}
    assert list(ledger.sources.announced("counter", 5)) == ["7"]
    assert (ledger.sources.private("counter").get("token"), ledger.sources.private("counter").kept_start()) == (
        "abc",
        DAY,
    )
    assert [row.source for row in ledger.backfills.to_do("counter")] == ["counter"]
    assert book.sale("till:old").source == "counter"


@both_databases
def test_a_token_that_the_new_name_has_renewed_is_kept_and_its_start_is_not(book: Book) -> None:
    fill(book)
    counter = book.ledger.sources.private("counter")
    counter.put("token", "newer")
    counter.start_from(lambda: DAY.replace(day=9))
    book.ledger.sources.rename("till", "counter")
    assert (counter.get("token"), counter.kept_start()) == ("newer", DAY)


@both_databases
def test_a_source_that_has_sales_of_its_own_takes_nobody_elses_name(book: Book) -> None:
    fill(book)
    book.ledger.sales.record(Batch((sale(source="counter"),), (), "c"), RecordOptions("counter", to_main))
    with pytest.raises(UsageError, match="counter has 1 sales of its own"):
        book.ledger.sources.rename("till", "counter")
    assert book.ledger.sources.cursor("till") == "there"


@both_databases
def test_a_renamed_source_is_told_of_its_own_sales_alone(book: Book) -> None:
    book.record(sale(sale_id="9"))
    book.ledger.sources.rename("till", "counter")
    how: dict[str, Any] = {"router": to_main, "keys": "till"}
    book.ledger.sales.record(Batch((), (Fault("b:1", "bad", "raw", "5"),), "c"), RecordOptions("counter", **how))
    book.ledger.sales.record(Batch((sale(sale_id="5"),), (), "c"), RecordOptions("counter", **how))
    assert book.ledger.sources.open_faults() == {}  # the sale was read well later
    assert list(
        book.ledger.sales.ids_placed("counter", datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
    )


@both_databases
def test_every_row_of_a_store_follows_its_new_name_and_what_came_for_it_meanwhile_stays(book: Book) -> None:
    fill(book)
    ledger = book.ledger
    ledger.stores.bind("main", "abc")
    ledger.stores.note_order_id("main", 50)
    ledger.stores.note_known("main", [("till:x", StoreOrder(5, OrderSnapshot()))])
    with pytest.raises(LedgerError, match="main is gone from the config") as refused:
        ledger.stores.bind("outlet", "abc", ["outlet"])
    assert "syncd stores rename main outlet" in refused.value.cure
    ledger.stores.bind("second", "abc", ["second", "main"])  # two names for one store, both in the config
    ledger.sales.record(Batch((sale(sale_id="new"),), (), "c"), RecordOptions("till", lambda _: "outlet"))
    assert ledger.stores.rename("main", "outlet").sales == 4
    assert set(ledger.stores.hashes()) == {"outlet", "second"}
    assert ledger.stores.get("outlet").highest_order_id == 50
    assert set(ledger.stores.known("outlet", ["till:x"])) == {"till:x"}
    assert sum(ledger.sales.counts("outlet").values()) == 5 == sum(ledger.sales.counts().values())
    assert book.state("till:new") is State.PENDING


@both_databases
def test_two_stores_of_bigcommerce_never_become_one(book: Book) -> None:
    book.ledger.stores.bind("main", "abc")
    book.ledger.stores.bind("outlet", "xyz")
    with pytest.raises(UsageError, match="main is the store abc of BigCommerce, and outlet is xyz"):
        book.ledger.stores.rename("main", "outlet")
