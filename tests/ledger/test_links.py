"""Returns that name no sale: which sales fit, what a person links, and what the rule links by itself."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from syncd.canonical import CanonicalOrder
from syncd.canonical.originals import Fit, fit
from syncd.intake import link_where_one_fits
from syncd.sale.overrides import Verb
from syncd.sale.states import State
from syncd.testing.orders import sale
from tests.databases import both_databases
from tests.ledger.conftest import Book

SHIRT = {"line_id": "1", "sku": "SHIRT", "name": "Shirt", "total_ex_tax": "20.00", "total_inc_tax": "21.60"}
BELT = {"line_id": "2", "sku": "BELT", "name": "Belt", "total_ex_tax": "10.00", "total_inc_tax": "10.80"}
ANN = {"id": "c1", "first_name": "Ann", "email": "ann@example.com"}
BOB = {"id": "c2", "first_name": "Bob", "email": "bob@example.com"}


def sold(name: str, *lines: dict[str, str], day: int = 10, **changes: Any) -> CanonicalOrder:
    lines = lines or (SHIRT,)
    total = sum((Decimal(line["total_inc_tax"]) for line in lines), Decimal(0))
    tax = total - sum((Decimal(line["total_ex_tax"]) for line in lines), Decimal(0))
    fields: dict[str, Any] = {"lines": lines, "total_inc_tax": str(total), "total_tax": str(tax)}
    return sale(sale_id=name, **{"placed_at": f"2026-11-{day:02}T10:00:00-06:00"} | fields | changes)


def back(name: str = "back", *lines: dict[str, str], day: int = 20, **changes: Any) -> CanonicalOrder:
    def negative(line: dict[str, str]) -> dict[str, str]:
        return line | {"quantity": "-1"} | {side: f"-{line[side]}" for side in ("total_ex_tax", "total_inc_tax")}

    return sold(name, *map(negative, lines or (SHIRT,)), day=day, **changes)


def fits(book: Book, name: str = "back") -> list[str]:
    return [one.sale_key.removeprefix("till:") for one in book.ledger.sales.originals_for(book.sale(f"till:{name}"))]


@both_databases
def test_sales_that_fit_a_return_are_proposed_the_best_first_each_with_its_reason(book: Book) -> None:
    book.record(
        sold("other goods", BELT),
        sold("cheaper", SHIRT | {"total_inc_tax": "25.00"}),
        sold("bobs", customer=BOB),
        sold("anns", day=8, customer=ANN),
        sold("nobodys", day=15),
        sold("later", day=25),
        sold("void", status="voided"),
        sold("given back", status="refunded", refunds=[{"id": "r", "amount_inc_tax": "21.60"}]),
        back(customer=ANN),
    )
    found = book.ledger.sales.originals_for(book.sale("till:back"))
    assert [one.sale_key for one in found] == ["till:anns", "till:nobodys", "till:bobs", "till:cheaper"]
    assert [one.reason for one in found] == [
        "all of its goods at the same price, same customer, 12 days before",
        "all of its goods at the same price, 5 days before",
        "all of its goods at the same price, another customer, 10 days before",
        "all of its goods at another price, 10 days before",
    ]


@both_databases
def test_a_return_that_is_linked_waits_for_its_sale_and_counts_for_it(book: Book) -> None:
    book.record(sold("o1"), back())
    assert book.sale("till:back").state is State.HELD
    assert book.ledger.sales.link("till:back", "till:o1", "ada").moved == ("till:back",)
    linked = book.sale("till:back")
    assert (linked.state, linked.returns_of, linked.order().returns_of) == (State.PENDING, "till:o1", "till:o1")
    book.record(back(note="said again"))
    assert (book.sale("till:back").returns_of, fits(book)) == ("till:o1", [])
    book.record(back("another"))
    assert fits(book, "another") == []  # what it was sold for has been given back already
    book.decide(Verb.UNDO, "till:back")
    assert (book.sale("till:back").state, book.sale("till:back").returns_of) == (State.HELD, None)
    assert book.ledger.maintenance.verify() == []


@both_databases
def test_a_link_that_cannot_be_is_refused_in_words(book: Book) -> None:
    book.record(sold("o1"), back(), back("known", returns_of="till:o1"), sold("euro", currency="EUR"))
    tries = [("back", "none"), ("back", "known"), ("o1", "o1"), ("known", "o1"), ("back", "euro"), ("none", "o1")]
    refused = [book.ledger.sales.link(f"till:{one}", f"till:{other}").refused[0][1] for one, other in tries]
    assert refused == [
        "the ledger has no sale till:none",
        "till:known is a return itself",
        "it is no return: nothing came back by it",
        "the POS says that it returns goods of till:o1",
        "till:euro is in EUR, the return in USD",
        "the ledger has no such sale",
    ]
    assert book.decide(Verb.LINK, "till:back").refused


@both_databases
def test_the_pos_goes_before_a_person_where_it_names_the_sale_later(book: Book) -> None:
    book.record(sold("o1"), sold("o2"), back())
    book.ledger.sales.link("till:back", "till:o1", "ada")
    book.record(back(returns_of="till:o2"))
    assert book.sale("till:back").order().returns_of == "till:o2"
    assert book.sale("till:back").returns_of == "till:o2"


@both_databases
def test_the_rule_links_where_exactly_one_sale_fits_and_leaves_all_else_to_a_person(book: Book) -> None:
    book.record(
        sold("shirt"), sold("belt one", BELT), sold("belt two", BELT), back("one", day=18), back("two", BELT, day=19)
    )
    assert link_where_one_fits(book.ledger, "till", ["main"]) == 1
    one, two = book.sale("till:one"), book.sale("till:two")
    assert (one.state, one.returns_of) == (State.PENDING, "till:shirt")
    assert (two.state, two.returns_of) == (State.HELD, None)
    story = book.ledger.sales.story("till:one")
    assert story
    assert [(row.actor, row.why) for row in story.audit][-1] == ("syncd", "linked to till:shirt")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, True),
        ({"lines": [SHIRT, BELT], "total_inc_tax": "32.40"}, True),
        ({"sku": None}, False),
        ({"placed_at": "2026-11-20T11:00:00-06:00"}, False),
        ({"training": True}, False),
        ({"status": "open"}, False),
        ({"currency": "EUR"}, False),
    ],
)
def test_what_cannot_be_the_sale_of_a_return_is_no_candidate(changes: dict[str, Any], found: bool) -> None:
    lines = (
        [{"line_id": "1", "name": "Other", "total_ex_tax": "20.00", "total_inc_tax": "21.60"}]
        if "sku" in changes
        else [SHIRT]
    )
    of = sold("o1", **{"lines": lines, **{name: value for name, value in changes.items() if name != "sku"}})
    assert isinstance(fit(back(), of, of.total_inc_tax), Fit) is found


def test_a_sale_with_less_left_than_came_back_is_no_candidate() -> None:
    assert fit(back(), sold("o1"), Decimal("21.59")) is None
