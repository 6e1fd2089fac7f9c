"""What the outcome of a checkout's call means: one row for each kind."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from syncd.bigcommerce.outcome import (
    Accepted,
    Answered,
    Barred,
    NotSent,
    Outcome,
    Refused,
    Shortage,
    Throttled,
    Unknown,
)
from syncd.clock import BootTime
from syncd.push.worker.checkout_policy import interpret_call
from syncd.push.worker.outcome_policy import (
    CatalogStale,
    Failure,
    Interpretation,
    Pause,
    PossiblyForbidden,
    Repeated,
    SentRequest,
    Success,
)
from syncd.sale.attempt import Attempt
from syncd.sale.checkout import CallKind, Checkout
from syncd.sale.events import Applied, CheckoutMoved, Deferred, OutcomeUnknown
from syncd.sale.policy import PushPolicy
from syncd.sale.sale import IncomingVersion, Sale, new_sale
from syncd.sale.states import AttemptKind, State
from syncd.sale.steps import CheckoutCall
from syncd.testing.orders import sale

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
KINDS: dict[CallKind, AttemptKind] = {
    "cart": AttemptKind.CART,
    "convert": AttemptKind.CONVERT,
    "finish": AttemptKind.FINISH,
    "delete": AttemptKind.TIDY,
    "archive": AttemptKind.TIDY,
}
CART = {"line_items": [{"product_id": 5, "quantity": 2}]}


def a_sale(tries: int = 1) -> Sale:
    order = sale(source="till")
    return replace(new_sale(IncomingVersion(order, "f1"), "main", NOW), tries=tries)


def means(name: CallKind, outcome: Outcome, payload: Any = None, tries: int = 1, **more: Any) -> Interpretation:
    kind = KINDS.get(name, AttemptKind.DRESS)
    number = 7 if name in ("finish", "archive") else None
    checkout = more.pop("checkout", Checkout("f1", plan="p", cart_id="c", order_id=number))
    call = CheckoutCall(kind, name, checkout, payload, order_id=number)
    attempt = Attempt(1, 1, "till:1001", kind, "f1", "", BootTime("b", 1.0), number)
    return interpret_call(outcome, SentRequest(attempt, a_sale(tries), payload or {}, **more), call, PushPolicy(), NOW)


def moved(found: Interpretation) -> CheckoutMoved:
    assert isinstance(found.event, CheckoutMoved), found
    return found.event


def test_an_answer_moves_the_checkout_on() -> None:
    after = moved(means("cart", Answered({"id": "cart-1"}), CART, checkout=Checkout("f1"))).checkout
    assert (after.cart_id, after.done) == ("cart-1", ("cart",))
    assert moved(means("delete", Answered())).checkout.cart_deleted
    assert moved(means("convert", Accepted(9))).checkout.order_id == 9
    assert moved(means("archive", Accepted(7))).checkout.archived == (7,)
    assert isinstance(means("finish", Accepted(7)).event, Applied)


@pytest.mark.parametrize("name", ["cart", "billing", "delivery", "fees", "message", "delete", "archive"])
def test_only_conversion_and_put_are_ever_in_doubt(name: CallKind) -> None:
    found = moved(means(name, Unknown("no answer")))
    assert found.checkout.unsure
    assert found.at is not None
    assert found.at > NOW
    assert isinstance(means(name, Unknown("no answer")).store_effect, Failure)


@pytest.mark.parametrize("name", ["convert", "finish"])
def test_a_lost_answer_to_the_conversion_or_the_put_is_a_doubt(name: CallKind) -> None:
    event = means(name, Unknown("no answer")).event
    assert isinstance(event, OutcomeUnknown)
    assert event.doubt.kind is KINDS[name]


def test_a_call_that_fails_again_and_again_is_given_up_and_a_cart_to_be_deleted_never_is() -> None:
    given_up = moved(means("billing", Unknown("503"), tries=8)).checkout.ended
    assert given_up is not None
    assert given_up.state is State.HELD
    assert moved(means("delete", Unknown("503"), tries=50)).checkout.ended is None


@pytest.mark.parametrize(
    ("outcome", "effect"),
    [
        (Throttled(3.0), None),
        (NotSent("no such host"), Failure),
        (NotSent("grew stale", ours=True), None),
        (Barred(401, "token"), Pause),
        (Barred(403, "scope"), PossiblyForbidden),
    ],
)
def test_what_took_no_effect_leaves_the_checkout_as_it_was(outcome: Outcome, effect: type[object] | None) -> None:
    found = means("billing", outcome)
    assert isinstance(found.event, Deferred)
    assert (found.store_effect is None) if effect is None else isinstance(found.store_effect, effect)


REJECTED, HELD = State.REJECTED, State.HELD


@pytest.mark.parametrize(
    ("name", "status", "words", "ends"),
    [
        ("billing", 422, "phone: is not valid", REJECTED),
        ("coupon", 404, "The coupon code TEN is not valid.", REJECTED),
        ("cart", 422, "Missing line_items in request body", REJECTED),
        ("cart", 409, "You can only purchase a maximum of 3 of the Mug per order", HELD),
        ("cart", 422, "Insufficient stock", HELD),
        ("finish", 422, "payment_method: is not valid", REJECTED),
        ("finish", 409, "Quantities of one or more products are out of stock", HELD),
    ],
)
def test_a_refusal_gives_the_checkout_up(name: CallKind, status: int, words: str, ends: State) -> None:
    two = {"line_items": [{"product_id": 5}, {"product_id": 6}]} if name == "cart" else {}
    ended = moved(means(name, Refused(status, words), two)).checkout.ended
    assert ended is not None
    assert (ended.state, words in ended.why) == (ends, True)
    assert "syncd " in ended.cure


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [("billing", 404, "Cart not found."), ("convert", 404, "Cart not found."), ("message", 409, "possible conflict")],
)
def test_a_cart_that_is_gone_or_was_changed_is_read_again(name: CallKind, status: int, words: str) -> None:
    found = moved(means(name, Refused(status, words)))
    assert found.checkout.unsure
    assert found.at is not None


def test_the_same_refusal_for_sale_after_sale_is_the_stores_and_the_sales_wait() -> None:
    found = means("delivery", Refused(422, "The pick-up method does not exist"), repeats=True)
    assert isinstance(found.store_effect, Repeated)
    assert moved(found).at is not None
    assert moved(found).checkout.ended is None


def test_a_cart_without_a_place_pauses_the_store_and_one_of_an_old_catalog_asks_again() -> None:
    assert isinstance(means("cart", Refused(404, "Not found")).store_effect, Pause)
    again = means("cart", Refused(422, "Product 5 was not found."), CART, tries=0)
    assert isinstance(again.store_effect, CatalogStale)
    assert isinstance(again.event, Deferred)


def test_a_short_product_becomes_a_custom_line_where_it_is_the_only_one() -> None:
    found = moved(means("cart", Refused(409, "Insufficient stock"), CART))
    assert (list(found.short), found.checkout.ended) == ([5], None)
    held = moved(means("cart", Refused(409, "Insufficient stock"), CART, hold_short=True)).checkout.ended
    assert held is not None


def test_stock_that_went_before_the_put_sends_the_sale_by_orders_with_a_custom_line() -> None:
    short = Refused(409, "out of stock", (Shortage(5, "Mug", "OutOfStock", 1),))
    found = moved(means("finish", short, {"status_id": 10}))
    assert found.short == {5: "only 1 there"}
    assert found.checkout.ended is not None
    assert found.checkout.ended.state is None


def test_a_date_that_is_refused_is_left_out_and_a_draft_that_is_gone_is_made_anew() -> None:
    less = moved(means("finish", Refused(400, "The field 'date_created' cannot be changed."), {"date_created": "x"}))
    assert less.checkout.without == ("date_created",)
    gone = moved(means("finish", Refused(404, "not found")))
    assert (gone.checkout.order_id, gone.checkout.fingerprint) == (None, "")
    assert moved(means("archive", Refused(404, "not found"))).checkout.archived == (7,)
    busy = means("archive", Refused(409, "locked"))
    assert isinstance(busy.store_effect, Failure)
    assert moved(busy).at is not None


def test_custom_items_are_delivered_as_well_once_the_store_asks_for_it() -> None:
    incomplete = Refused(422, "A shipping address for this order is incomplete")
    found = moved(means("convert", incomplete))
    assert (found.checkout.all_items, found.checkout.fingerprint) == (True, "")
    twice = moved(means("convert", incomplete, checkout=Checkout("f1", cart_id="c", all_items=True)))
    assert twice.checkout.ended is not None


def test_a_retry_waits_longer_each_time() -> None:
    waits = [moved(means("billing", Unknown("503"), tries=tries)).at for tries in (1, 3, 5)]
    assert [at - NOW for at in waits if at is not None] == sorted(at - NOW for at in waits if at is not None)
    assert all(at is not None and at - NOW > timedelta(0) for at in waits)


def test_success_ends_the_failures_of_the_store() -> None:
    assert isinstance(means("billing", Answered({"id": "c"})).store_effect, Success)
