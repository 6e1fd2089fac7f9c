"""Forgetting a person: every word is gone, every key stays, and reading the export again brings nothing back."""

from syncd.canonical import Fault
from syncd.sale.states import State
from syncd.testing.orders import sale
from tests.databases import both_databases
from tests.ledger.conftest import Book

EMAILS = [f"{name}@{host}" for name in ("mary", "bob", "ann", "joann") for host in ("example.com", "x.com")]
_MARY = {"first_name": "Mary", "last_name": "Jones", "email": "Mary@Example.com", "phone": "+1 512 555 0100"}


@both_databases
def test_a_person_is_found_by_e_mail_whatever_its_case_and_forgotten_everywhere(book: Book) -> None:
    orders = [sale(sale_id="s1", customer=_MARY), sale(sale_id="s2", customer=_MARY), sale(sale_id="other")]
    book.record(*orders, faults=[Fault("a.csv:3", "mary@example.com is no number", "x,mary@example.com,y")])
    book.push(10)
    book.ledger.catalog.keep_lookups("main", "email", {"mary@example.com": "7", "bob@example.com": "8"})
    maintenance = book.ledger.maintenance
    person = maintenance.find_person("MARY@example.com", ())
    assert (len(person.settled), person.still_open) == (2, ())
    done = maintenance.forget_person(person)
    assert (done.sales, done.faults, done.look_ups) == (2, 1, 1)
    kept = book.sale("till:s1")
    assert (kept.document, kept.order_id, str(kept.total_inc_tax)) == (None, 10, "10.8")
    assert book.sale("till:other").document is not None
    (fault,) = book.ledger.sources.faults(limit=5)
    assert "mary" not in (fault.raw + fault.reason).lower()
    assert book.ledger.catalog.lookups("main", "email", EMAILS) == {"bob@example.com": "8"}
    assert maintenance.find_person("mary@example.com", ()).settled == ()


@both_databases
def test_an_export_that_is_read_again_brings_nothing_back(book: Book) -> None:
    order = sale(sale_id="s1", customer=_MARY)
    book.record(order)
    book.push(10)
    book.ledger.maintenance.forget_person(book.ledger.maintenance.find_person(None, ("till:s1",)))
    again = book.record(order)
    assert (again.new, again.changed, again.same) == (0, 0, 1)
    assert (book.state("till:s1"), book.sale("till:s1").document) == (State.SYNCED, None)


@both_databases
def test_what_is_still_to_be_pushed_is_named_and_left(book: Book) -> None:
    book.record(sale(sale_id="s1", customer=_MARY))
    person = book.ledger.maintenance.find_person("mary@example.com", ())
    assert (person.settled, person.still_open) == ((), ("till:s1",))
    book.ledger.maintenance.forget_person(person)
    assert book.sale("till:s1").document is not None


@both_databases
def test_an_address_within_another_is_another_persons(book: Book) -> None:
    joann = {"first_name": "Joann", "last_name": "Lee", "email": "joann@x.com"}
    ann = {"first_name": "Ann", "last_name": "Lee", "email": "ann@x.com"}
    book.record(
        sale(sale_id="s1", customer=ann),
        sale(sale_id="s2", customer=joann),
        sale(sale_id="s3", note="ask ann@x.com.example"),
        faults=[Fault("a.csv:3", "no number", "x,joann@x.com,y"), Fault("a.csv:4", "no number", "x,ann@x.com,y")],
    )
    book.push(10)
    book.push(11)
    book.push(12)
    book.ledger.catalog.keep_lookups("main", "email", {"joann@x.com": "7", "ann@x.com": "8"})
    person = book.ledger.maintenance.find_person("Ann@X.com", ())
    assert len(person.settled) == 1
    done = book.ledger.maintenance.forget_person(person)
    assert (done.sales, done.faults, done.look_ups) == (1, 1, 1)
    assert book.sale("till:s2").document is not None
    assert {fault.raw for fault in book.ledger.sources.faults(limit=5)} == {"", "x,joann@x.com,y"}
    assert book.ledger.catalog.lookups("main", "email", EMAILS) == {"joann@x.com": "7"}
