"""What the ledger keeps of checkouts."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from syncd.ledger.rows import read_checkout, write_checkout
from syncd.sale.checkout import Checkout, Ended
from syncd.sale.events import CheckoutMoved
from syncd.sale.states import State
from syncd.testing.orders import sale
from tests.databases import both_databases
from tests.ledger.conftest import Book

IN_SHOP = Checkout("f", cart_id="c-1", done=("cart", "billing"), items=(("i-1", 2),), grand_total=Decimal("10.80"))


@both_databases
@pytest.mark.parametrize(
    ("checkout", "carts"),
    [
        (
            Checkout("f", plan="p", unsure=True),
            0,
        ),  # its cart could not be made: counted, such sales would wait for each other
        (IN_SHOP, 1),
        (replace(IN_SHOP, cart_deleted=True), 0),
        (Checkout("f", order_id=7), 0),  # an order in two steps has no cart
    ],
)
def test_only_carts_that_are_there_count_as_open_checkouts(book: Book, checkout: Checkout, carts: int) -> None:
    book.record(sale(source="till"))
    (due,) = book.due()
    assert book.ledger.stores.open_checkouts("main") == 0
    with book.ledger.lease("main") as lease:
        book.ledger.attempts.record_without_request(lease, [(due, CheckoutMoved(checkout))])
    assert book.ledger.stores.open_checkouts("main") == carts
    kept = book.ledger.sales.get(due.sale_key)
    assert kept is not None
    assert kept.checkout == checkout


@pytest.mark.parametrize("ended", [None, Ended("a difference", State.HELD, "look"), Ended("by orders")])
def test_a_checkout_is_read_as_it_was_written(ended: Ended | None) -> None:
    whole = replace(IN_SHOP, more_drafts=(8, 9), archived=(7,), without=("date_created",), order_id=6, ended=ended)
    assert read_checkout(write_checkout(whole)) == whole
