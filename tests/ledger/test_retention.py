"""What the ledger forgets of sales that were settled long ago, and what it never forgets."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncd.canonical import Fault
from syncd.errors import Full
from syncd.sale.facts import OrderSnapshot, StoreOrder
from syncd.sale.overrides import Verb
from syncd.sale.states import State
from syncd.testing.orders import sale
from tests.databases import both_databases
from tests.ledger.conftest import Book, numbered

YEAR = timedelta(days=365)


def rows(book: Book, key: str = "till:1001") -> tuple[int, int]:
    story = book.ledger.sales.story(key)
    assert story is not None
    return len(story.attempts), len(story.audit)


@both_databases
def test_a_sale_to_which_nothing_happened_has_one_attempt_and_one_audit_row(book: Book) -> None:
    book.record(sale())
    book.push()
    assert rows(book) == (1, 1)
    assert book.ledger.maintenance.verify() == []


@both_databases
def test_the_history_of_a_sale_goes_but_for_its_newest_attempt_and_what_it_is_stays(book: Book) -> None:
    book.record(sale())
    book.push()
    book.record(sale(note="edited"))
    book.push(1)
    before = rows(book)
    book.clock.pass_time(400 * 86_400)
    assert book.ledger.maintenance.forget_history(book.clock.now() - YEAR) == sum(before) - 2
    assert rows(book) == (1, 1)
    assert book.ledger.maintenance.forget_history(book.clock.now() - YEAR) == 0
    assert (book.sale().state, book.sale().order_id) == (State.SYNCED, 1)
    assert book.record(sale(note="edited")).same == 1
    assert book.record(sale(note="edited again")).changed == 1
    assert book.ledger.maintenance.verify() == []


@both_databases
def test_what_is_not_settled_keeps_its_history_however_old_it_is(book: Book) -> None:
    book.record(sale(sale_id="held"), sale(sale_id="waits"), holds={"held": "a person must look"})
    book.record(sale(sale_id="young"))
    book.clock.pass_time(400 * 86_400)
    book.push()
    book.decide(Verb.HOLD, "till:held")
    before = [rows(book, f"till:{name}") for name in ("held", "waits", "young")]
    assert book.ledger.maintenance.forget_history(book.clock.now() - YEAR) == 0
    assert [rows(book, f"till:{name}") for name in ("held", "waits", "young")] == before


@both_databases
def test_a_sale_that_changes_after_the_walk_has_passed_it_comes_again(book: Book) -> None:
    book.record(*numbered(3))
    book.push()
    book.clock.pass_time(400 * 86_400)
    assert book.ledger.maintenance.forget_documents(book.clock.now() - YEAR) == 3
    book.record(sale(sale_id="1", note="edited"))
    book.push()
    assert book.sale("till:1").document is not None
    assert book.ledger.maintenance.forget_documents(book.clock.now() - YEAR) == 0
    book.clock.pass_time(400 * 86_400)
    assert book.ledger.maintenance.forget_documents(book.clock.now() - YEAR) == 1
    assert book.sale("till:1").document is None


@both_databases
def test_faults_that_were_settled_and_noted_orders_that_are_linked_go_and_the_others_stay(book: Book) -> None:
    book.record(faults=[Fault("a.csv:1", "bad", "x"), Fault("a.csv:2", "bad", "y")])
    first = book.ledger.sources.faults(limit=9)[-1]
    book.ledger.sources.settle_faults("till", [first.id], "ada")
    book.record(sale())
    book.ledger.stores.note_known(
        "main", [("till:1001", StoreOrder(5, OrderSnapshot())), ("till:lost", StoreOrder(6, OrderSnapshot()))]
    )
    book.push(5)
    book.clock.pass_time(400 * 86_400)
    assert book.ledger.maintenance.forget_history(book.clock.now() - YEAR) == 2
    assert [fault.where for fault in book.ledger.sources.faults(limit=9, settled=True)] == ["a.csv:2"]
    assert list(book.ledger.stores.known("main", ["till:1001", "till:lost"])) == ["till:lost"]


@pytest.mark.parametrize("database", ["sqlite"])
def test_more_sales_than_one_step_takes_are_walked_to_the_end(book: Book) -> None:
    book.record(*numbered(1203))
    book.ledger._writer.run(
        lambda connection: connection.exec_driver_sql("update sales set state = 'synced', synced_at = 5, order_id = id")
    )
    assert book.ledger.maintenance.forget_documents(book.clock.now()) == 1203
    assert book.ledger.maintenance.forget_documents(book.clock.now()) == 0


# Room that is given back


@both_databases
def test_a_vacuum_gives_back_the_room_of_what_was_forgotten_and_changes_nothing_else(book: Book) -> None:
    book.record(*numbered(2_000))
    book.push()
    book.ledger._writer.run(
        lambda connection: connection.exec_driver_sql("update sales set state = 'synced', synced_at = 5, order_id = id")
    )
    book.ledger.maintenance.forget_documents(book.clock.now())
    before, after = book.ledger.maintenance.vacuum()
    if book.url.startswith("sqlite"):  # a server keeps the room for what comes next
        assert after < before
    assert sum(book.ledger.sales.counts().values()) == 2_000
    book.record(sale(sale_id="goes on"))
    assert book.sale("till:goes on").state is State.PENDING


@pytest.mark.parametrize("database", ["sqlite"])
def test_a_vacuum_without_room_for_its_copy_leaves_the_ledger_as_it_is(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.record(*numbered(10))
    monkeypatch.setattr("syncd.ledger.maintenance.shutil.disk_usage", lambda _path: type("Disk", (), {"free": 1})())
    with pytest.raises(Full, match="no room") as refused:
        book.ledger.maintenance.vacuum()
    assert "keep_history" in refused.value.cure
    assert len(book.due()) == 10
