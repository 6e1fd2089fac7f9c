"""A sale that the POS gave two ids is held before it becomes a second order, and a person says whether it is one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.canonical import Batch
from syncd.ledger import Recorded, RecordOptions
from syncd.sale.facts import OrderSnapshot, StoreOrder
from syncd.sale.overrides import Verb
from syncd.sale.states import State
from syncd.sale.twins import are_twins
from syncd.testing.orders import sale
from tests.databases import both_databases
from tests.deciders import to_main
from tests.ledger.conftest import Book

AT = datetime.fromisoformat("2026-11-20T10:15:10-06:00")
_LINE = {"line_id": "9", "name": "Mug", "quantity": "1", "total_ex_tax": "10.00", "total_inc_tax": "10.80"}
OTHERWISE: dict[str, dict[str, Any]] = {
    "another number": {"number": "43"},
    "no number": {"number": None},
    "another till": {"register": {"id": "2", "name": "Back"}},
    "another location": {"location": {"id": "L2", "name": "Outlet"}},
    "another minute": {"placed_at": AT + timedelta(seconds=60)},
    "other lines": {"lines": [_LINE]},
    "void": {"status": "voided"},
}


def two(sale_id: str = "42", **changes: Any) -> Any:
    return sale(**{"sale_id": sale_id, "number": "41", "placed_at": AT, **changes})


def record(book: Book, *orders: Any) -> Recorded:
    batch = Batch(orders, (), "c")
    return book.ledger.sales.record(batch, RecordOptions("till", to_main, holds_twins={"main"}, just_asked=True))


@both_databases
@pytest.mark.parametrize("together", [True, False])
def test_the_same_sale_under_two_ids_is_held_and_named(together: bool, book: Book) -> None:
    first, second = two("41"), two("42", placed_at=AT + timedelta(seconds=20))
    if together:
        record(book, first, second)
    else:
        record(book, first)
        record(book, second)
    assert (book.state("till:41"), book.state("till:42")) == (State.PENDING, State.HELD)
    assert book.sale("till:42").why.startswith("possible duplicate of till:41: the same receipt number, till, minute")


@both_databases
@pytest.mark.parametrize("number", [None, "000123"])
def test_an_id_that_lost_the_zeros_before_it_is_held_as_the_sale_that_it_was(number: str | None, book: Book) -> None:
    line = {"line_id": "1", "sku": "0042", "name": "Tea", "total_ex_tax": "10", "total_inc_tax": "10.80"}
    record(book, two("000123", number=number, lines=[line]), two("000124", number=None, lines=[line]))
    saved = line | {"sku": "42"}
    record(book, two("123", number=number and "123", lines=[saved]), two("125", number=None, lines=[saved]))
    assert (book.state("till:000123"), book.state("till:000124")) == (State.PENDING, State.PENDING)
    assert (book.state("till:123"), book.state("till:125")) == (State.HELD, State.PENDING)


@both_databases
def test_what_is_said_again_of_a_held_twin_leaves_it_held_and_a_release_pushes_it(book: Book) -> None:
    record(book, two("41"), two("42"))
    assert record(book, two("41"), two("42")).changed == 0
    book.push()
    record(book, two("42", note="edited"))
    assert book.state("till:42") is State.HELD
    book.decide(Verb.RELEASE, "till:42")
    assert book.state("till:42") is State.PENDING
    record(book, two("42", note="edited"), two("41"))
    assert book.state("till:42") is State.PENDING
    book.push(2)
    record(book, two("42", note="edited again"))
    assert book.state("till:42") is State.PENDING  # it has an order: nobody asks again


@both_databases
def test_a_twin_is_free_once_it_is_none_any_more(book: Book) -> None:
    record(book, two("41"), two("42"))
    record(book, two("41", status="voided"))
    record(book, two("42"))
    assert book.state("till:42") is State.PENDING


@both_databases
def test_one_that_has_an_order_already_is_no_question_any_more(book: Book) -> None:
    book.ledger.stores.note_known("main", [("till:42", StoreOrder(7, OrderSnapshot()))])
    record(book, two("41"), two("42"))
    assert book.state("till:42") is State.PENDING


@both_databases
@pytest.mark.parametrize("case", OTHERWISE)
def test_sales_that_differ_are_two_sales(case: str, book: Book) -> None:
    record(book, two("41"), two("42", **OTHERWISE[case]))
    assert State.HELD not in {book.state("till:41"), book.state("till:42")}


@both_databases
def test_a_rule_lets_them_pass_and_other_sources_are_not_looked_at(book: Book) -> None:
    book.ledger.sales.record(Batch((two("41"), two("42")), (), "c"), RecordOptions("till", to_main))
    assert book.state("till:42") is State.PENDING
    other = two("43", source="other")
    book.ledger.sales.record(Batch((other,), (), "c"), RecordOptions("other", to_main, holds_twins={"main"}))
    assert book.state("other:43") is State.PENDING


@both_databases
def test_twins_are_found_however_far_the_sales_of_a_batch_lie_apart(book: Book) -> None:
    days = [AT + timedelta(days=30 * number) for number in range(12)]
    record(book, *[two(f"a{number}", number=str(number), placed_at=at) for number, at in enumerate(days)])
    record(book, *[two(f"b{number}", number=str(number), placed_at=at) for number, at in enumerate(days)])
    assert {book.state(f"till:b{number}") for number in range(12)} == {State.HELD}


@settings(deadline=None)
@given(st.integers(-200, 200), st.sampled_from(sorted(OTHERWISE)), st.booleans())
def test_likeness_goes_both_ways(seconds: int, case: str, changed: bool) -> None:
    one, other = two("41"), two("42", placed_at=AT + timedelta(seconds=seconds))
    if changed and "placed_at" not in OTHERWISE[case]:
        other = two("42", **{"placed_at": AT + timedelta(seconds=seconds), **OTHERWISE[case]})
        assert not are_twins(one, other)
    elif not changed:
        assert are_twins(one, other) is (abs(seconds) < 60)
    assert are_twins(one, other) is are_twins(other, one)
    assert not are_twins(one, one)
