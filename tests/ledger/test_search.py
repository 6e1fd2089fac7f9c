"""Any word that people have finds the sale: in both databases, after each change, and after what was forgotten."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from syncd.ledger import Ledger, Selection
from syncd.sale.states import State
from syncd.testing.clocks import ManualClock
from syncd.testing.orders import sale
from tests.databases import both_databases, ledger_url, older_ledger
from tests.deciders import DECIDER
from tests.ledger.conftest import Book, numbered

SOLD = {
    "sale_id": "R-2026/0471-9",
    "number": "004711",
    "customer": {
        "first_name": "Zoë",
        "last_name": "Müller-Straße",
        "email": "zoe.m@example.com",
        "phone": "+44 20 7946 0958",
    },
    "location": {"id": "7", "name": "Kraków Główny"},
    "register": {"id": "r2", "name": "Till 2"},
    "note": "gift for Łukasz",
}
TEA = {"line_id": "1", "sku": "TEA-9", "name": "Tea", "total_ex_tax": "10.00", "total_inc_tax": "10.80"}
FOUND_BY = [
    "004711",
    "4711", "0047", "R-2026/0471-9", "0471-9", "till:R-2026/0471-9", "zoe", "ZOË", "muller", "Müller-Straße",
    "strasse",
    "zoe.m@example.com", "7946", "0958", "+44 20 7946 0958", "krakow", "Główny", "till 2", "mug", "MUG-1", "mug1", "beans",
    "10.80", "10,80", "10.8", "2026-11-20", "2026-11", "gift", "zoe mug 10.80", "cash",
]  # fmt: skip
NOT_BY = ["0048", "zoes", "10.81", "2026-12", "zoe tea", "example.org", "71", "0.80"]


def _found(book: Book, words: str, **more: object) -> set[str]:
    chosen = Selection(words=words, **more)  # type: ignore[arg-type]
    return {one.sale_key for one in book.ledger.overviews.page(chosen, 100)}


@both_databases
def test_any_word_that_people_have_finds_the_sale(book: Book) -> None:
    one = sale(**SOLD)
    book.record(one, sale(sale_id="other", number="9", lines=[TEA]))
    for words in FOUND_BY:
        assert one.sale_key in _found(book, words), words
    for words in NOT_BY:
        assert one.sale_key not in _found(book, words), words
    assert _found(book, "tea") == {"till:other"}


@both_databases
def test_an_order_number_finds_its_sale_and_so_does_it_with_other_words(book: Book) -> None:
    book.record(sale(**SOLD))
    book.push(880123)
    assert _found(book, "880123") == _found(book, "zoe 880123") == _found(book, "880123 mug") == {"till:R-2026/0471-9"}
    assert _found(book, "tea 880123") == set()


@both_databases
def test_words_are_joined_with_every_other_choice(book: Book) -> None:
    book.record(sale(**SOLD), sale(sale_id="2", customer={"first_name": "Zoe"}))
    book.push()
    book.record(sale(sale_id="3", customer={"first_name": "Zoe"}))
    assert _found(book, "zoe") == {"till:R-2026/0471-9", "till:2", "till:3"}
    assert _found(book, "zoe", state=State.PENDING) == {"till:3"}
    assert _found(book, "zoe", total=Decimal("10.80"), location="Kraków Główny") == {"till:R-2026/0471-9"}
    assert _found(book, "...") == _found(book, "")  # punctuation asks for nothing


@both_databases
def test_a_sale_is_found_by_what_it_says_now(book: Book) -> None:
    book.record(sale(customer={"first_name": "Ada"}))
    book.record(sale(customer={"first_name": "Grace"}, updated_at="2026-11-23T12:00:00Z"))
    assert _found(book, "ada") == set()
    assert _found(book, "grace") == {"till:1001"}


@both_databases
def test_nobody_is_found_by_what_was_forgotten(book: Book) -> None:
    book.record(sale(**{**SOLD, "sale_id": "1"}), sale(sale_id="2", customer={"first_name": "Zoe"}))
    book.push()
    maintenance = book.ledger.maintenance
    maintenance.forget_person(maintenance.find_person("zoe.m@example.com", []))
    assert _found(book, "zoe") == {"till:2"}
    assert _found(book, "muller") == _found(book, "mug 004711") == set()
    assert _found(book, "004711") == {"till:1"}  # the receipt's number stays
    book.clock.pass_time(timedelta(days=400).total_seconds())
    maintenance.forget_documents(book.clock.now() - timedelta(days=1))
    assert _found(book, "zoe") == _found(book, "mug") == set()
    assert "till:2" in _found(book, "till:2")


@both_databases
def test_what_changed_is_forgotten_with_the_sale(book: Book) -> None:
    book.record(sale(customer={"first_name": "Ada", "email": "ada@example.com"}))
    book.record(sale(customer={"first_name": "Zoe", "email": "ada@example.com"}, updated_at="2026-11-23T12:00:00Z"))
    book.push()

    def changed() -> list[str]:
        story = book.ledger.sales.story("till:1001")
        assert story is not None
        return [fact.what for row in story.audit for fact in row.changes]

    assert changed() == ["Customer"]
    maintenance = book.ledger.maintenance
    maintenance.forget_person(maintenance.find_person("ada@example.com", []))
    assert changed() == []


@both_databases
def test_sales_from_before_there_was_an_index_are_found_once_it_is_filled(database: str, tmp_path: Path) -> None:
    with ledger_url(database, tmp_path) as url, Ledger.open(url, ManualClock(), DECIDER) as ledger:
        book = Book(ledger, ManualClock(), url)
        book.record(*numbered(1203), sale(**SOLD))
        ledger._writer.run(lambda connection: connection.exec_driver_sql("delete from sale_words"))
        book.record(sale(sale_id="new", customer={"first_name": "Zoe"}))
        assert not ledger.maintenance.search_is_filled()
        left = iter([True, False])
        assert ledger.maintenance.fill_search(lambda: next(left)) == 500  # it was told to stop; the rest another time
        assert ledger.maintenance.fill_search(lambda: True) == 704
        assert ledger.maintenance.search_is_filled()
        assert ledger.maintenance.fill_search(lambda: True) == 0
        assert _found(book, "zoe") == {"till:R-2026/0471-9", "till:new"}
        assert len(ledger.overviews.page(Selection(words="mug"), 2000)) == 1205


@both_databases
def test_an_older_ledger_has_an_empty_index_after_its_upgrade(database: str, tmp_path: Path) -> None:
    with ledger_url(database, tmp_path) as url:
        with older_ledger(url, "0027") as connection:
            values = "'till:a', 'till', 'main', 'live', 'pending', 'f', 1, 1, 1, 'USD', '1.00', '0'"
            columns = "sale_key, source, store, lane, state, fingerprint, placed_at, recorded_at, changed_at, currency,"
            columns += "total_inc_tax, total_tax"
            connection.exec_driver_sql(f"insert into sales ({columns}, business_day) values ({values}, '2026-11-20')")
        with Ledger.open(url, ManualClock(), DECIDER) as ledger:
            assert ledger.overviews.page(Selection(words="2026-11-20"), 9) == []
            assert ledger.maintenance.fill_search(lambda: True) == 1
            assert [one.sale_key for one in ledger.overviews.page(Selection(words="2026-11-20"), 9)] == ["till:a"]
