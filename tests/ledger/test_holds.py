"""Sales that their source cannot answer for: why is said beside the sale, not within it, and goes when the source takes it back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from syncd.ledger import Ledger
from syncd.sale.overrides import Verb
from syncd.sale.states import State
from syncd.testing.clocks import ManualClock
from syncd.testing.orders import sale
from tests.databases import both_databases, ledger_url, to_revision
from tests.deciders import DECIDER
from tests.ledger.conftest import Book
from tests.ledger.test_facts import old_sale

WHY = {"1001": "the other export is missing"}


def stands(book: Book) -> tuple[State, str]:
    return book.sale().state, book.sale().why


@both_databases
def test_a_sale_is_held_with_its_sources_reason_and_goes_on_when_the_source_takes_it_back(book: Book) -> None:
    assert book.record(sale(), holds=WHY).held == 1
    assert stands(book) == (State.HELD, WHY["1001"])
    assert book.record(sale()).changed == 1  # it says the very same, and may go on
    assert stands(book) == (State.PENDING, "")
    assert book.record(sale()).same == 1


@both_databases
def test_a_sale_that_waits_is_held_once_its_source_has_a_reason(book: Book) -> None:
    book.record(sale())
    assert book.record(sale(), holds=WHY).held == 1
    assert book.record(sale(), holds=WHY).same == 1


@pytest.mark.parametrize("database", ["sqlite"])
def test_a_reason_goes_even_when_another_syncd_reads_the_sale(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    book.record(sale(), holds=WHY)
    monkeypatch.setattr("syncd.ledger.record.__version__", "99.0")
    book.record(sale())
    assert book.sale().state is State.PENDING


@pytest.mark.parametrize("database", ["sqlite"])
def test_an_order_that_says_the_sale_already_stays_as_it_is_whatever_its_source_holds(book: Book) -> None:
    book.record(sale())
    book.push()
    book.record(sale(), holds=WHY)
    assert book.sale().state is State.SYNCED


@pytest.mark.parametrize("database", ["sqlite"])
def test_a_person_may_release_what_its_source_holds(book: Book) -> None:
    book.record(sale(), holds=WHY)
    book.decide(Verb.RELEASE)
    assert book.sale().state is State.PENDING
    assert book.record(sale(), holds=WHY).same == 1


@both_databases
def test_the_reasons_of_an_older_ledger_move_out_of_its_documents(database: str, tmp_path: Path) -> None:
    extras: list[dict[str, Any]] = [
        {"hold": "money is outstanding"},
        {"hold": "größer", "Tags": "a"},
        {"Tags": '"hold"'},
        {"hold": ""},
        {},
    ]
    with ledger_url(database, tmp_path) as url:
        engines = to_revision(url, "0005")
        with engines.write.begin() as connection:
            for number, extra in enumerate(extras, start=1):
                document = sale(sale_id=f"s{number}", extra=extra).to_json()
                held = "held" if extra.get("hold") else "pending"
                old_sale(connection, number, held, document=document)
            old_sale(connection, 6, "synced", document=None)
            old_sale(connection, 7, "held", document='{"hold": damaged')
        engines.dispose()
        with Ledger.open(url, ManualClock(), DECIDER) as ledger:
            found = [ledger.sales.get(f"till:s{number}") for number in range(1, 8)]
            assert [one.source_hold for one in found if one] == ["money is outstanding", "größer", "", "", "", "", ""]
            kept = [one.order().extra for one in found[:5] if one]
            assert kept == [{}, {"Tags": "a"}, {"Tags": '"hold"'}, {}, {}]
            assert found[1] is not None
            assert json.loads(str(found[1].document)).keys() == json.loads(sale(extra={"a": "b"}).to_json()).keys()
        engines = to_revision(url, "head")
        with engines.read.connect() as connection:
            kept_as_it_was = connection.execute(text("select document from sales where id = 7")).scalar_one()
            assert kept_as_it_was == '{"hold": damaged'
        engines.dispose()
