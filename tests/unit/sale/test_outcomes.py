"""Every outcome of a request, as the state that its sale is left in and what it does to the store."""

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from syncd.bigcommerce.outcome import Accepted, Barred, NotSent, Outcome, Refused, Throttled, Unknown
from syncd.push.worker.outcome_policy import (
    CatalogStale,
    Failure,
    Pause,
    PossiblyForbidden,
    Repeated,
    SentRequest,
    Success,
    interpret,
    retry_delay,
)
from syncd.sale.events import Deferred, next_status
from syncd.sale.facts import Belief, Status
from syncd.sale.policy import PushPolicy
from syncd.sale.sale import Sale
from syncd.sale.states import AttemptKind, State
from tests.deciders import DECIDER
from tests.unit.sale.conftest import HERE, NOW, make_attempt, make_sale

POLICY = PushPolicy()
TABLE = [
    pytest.param(Accepted(7), State.SYNCED, Success, id="an accepted order is synced"),
    pytest.param(
        Accepted(7, Decimal("10.80"), Decimal("0.80")),
        State.SYNCED,
        Success,
        id="an order with the sale's totals is synced",
    ),
    pytest.param(
        Accepted(7, Decimal("10.79"), Decimal("0.80")), State.HELD, Success, id="an order with another total is held"
    ),
    pytest.param(
        Accepted(7, Decimal("10.80"), Decimal("0.79")), State.HELD, Success, id="an order with another tax is held"
    ),
    pytest.param(Refused(400, "no"), State.REJECTED, Repeated, id="a 400 rejects the sale"),
    pytest.param(Refused(404, "no"), State.PENDING, Pause, id="a 404 on a create is the store's: its hash is wrong"),
    pytest.param(Refused(402, "no"), State.PENDING, Pause, id="a 402 is the store's: it is frozen"),
    pytest.param(Refused(405, "no"), State.PENDING, Pause, id="a 405 is the store's: a proxy is in the way"),
    pytest.param(Refused(409, "no"), State.REJECTED, Repeated, id="a 409 rejects the sale"),
    pytest.param(Refused(422, "no"), State.REJECTED, Repeated, id="a 422 rejects the sale"),
    pytest.param(Barred(401, "no"), State.PENDING, Pause, id="a 401 pauses the store and blames no sale"),
    pytest.param(
        Barred(403, "no"), State.PENDING, PossiblyForbidden, id="a 403 may be the store's, and blames no sale yet"
    ),
    pytest.param(Barred(423, "no"), State.PENDING, Pause, id="a store that is locked pauses and blames no sale"),
    pytest.param(
        Unknown("507", store_closed=True), State.UNKNOWN, Pause, id="a store that is suspended or full pauses"
    ),
    pytest.param(Throttled(12.0), State.PENDING, None, id="a 429 with headers waits for the reset"),
    pytest.param(Throttled(None), State.PENDING, None, id="a bare 429 backs off"),
    pytest.param(NotSent("stale", ours=True), State.PENDING, None, id="what we kept back says nothing of the store"),
    pytest.param(NotSent("refused"), State.PENDING, Failure, id="what was not sent is pending again"),
    pytest.param(Unknown("reset"), State.UNKNOWN, Failure, id="an unknown outcome waits for a look-up"),
    pytest.param(
        Unknown("302", misdirected=True), State.UNKNOWN, Pause, id="a redirect is unknown and pauses the store"
    ),
    pytest.param(Unknown("cut", order_id=9, cut_at=50), State.UNKNOWN, Pause, id="a key that was cut pauses the store"),
]


def left(outcome: Outcome, sale: Sale, sent: SentRequest | None = None) -> Status:
    """Where the sale stands once the outcome of its request is known."""
    news = interpret(outcome, sent or SentRequest(make_attempt(sale), sale), POLICY, NOW).event
    return next_status(replace(sale, state=State.SENDING), news, DECIDER, HERE)[1]


@pytest.mark.parametrize(("outcome", "state", "effect"), TABLE)
def test_the_outcome_table(outcome: Outcome, state: State, effect: type | None, one_sale: Sale) -> None:
    verdict = interpret(outcome, SentRequest(make_attempt(one_sale), one_sale), POLICY, NOW)
    assert left(outcome, one_sale).state is state
    assert verdict.store_effect is None if effect is None else isinstance(verdict.store_effect, effect)


def test_a_throttled_sale_waits_as_long_as_the_answer_said(one_sale: Sale) -> None:
    verdict = interpret(Throttled(12.5), SentRequest(make_attempt(one_sale), one_sale), POLICY, NOW)
    assert verdict.event == Deferred(NOW + timedelta(seconds=12.5), "the store's quota is used up (429)")
    assert left(Throttled(12.5), one_sale).at == NOW + timedelta(seconds=12.5)


def test_an_unknown_outcome_is_not_looked_up_before_settle(one_sale: Sale) -> None:
    assert left(Unknown("reset"), one_sale).at == NOW + POLICY.settle


def test_a_held_difference_names_the_order_and_both_amounts(one_sale: Sale) -> None:
    held = left(Accepted(7, Decimal("10.79")), one_sale)
    assert held.state is State.HELD
    assert "order 7" in held.cure
    assert "10.79" in held.why
    assert "10.80" in held.why


def test_totals_are_compared_with_those_that_the_last_payload_stated() -> None:
    stated = (Decimal("9.00"), Decimal("0.50"))
    sale = make_sale(belief=Belief(7, "another", requested_totals=stated))
    sent = SentRequest(make_attempt(sale, AttemptKind.UPDATE), sale)
    assert left(Accepted(7, *stated), sale, sent).state is State.SYNCED
    assert left(Accepted(7, Decimal("10.80"), Decimal("0.80")), sale, sent).state is State.HELD


def test_a_rejection_carries_the_remotes_words_and_a_cure(one_sale: Sale) -> None:
    rejected = left(Refused(400, "The field 'zip' is required"), one_sale)
    assert rejected.state is State.REJECTED
    assert "The field 'zip' is required" in rejected.why
    assert f"syncd retry {one_sale.sale_key}" in rejected.cure


def test_an_update_of_a_deleted_order_says_so() -> None:
    gone = make_sale(belief=Belief(9, "another"))
    rejected = left(Refused(404, "Not found"), gone, SentRequest(make_attempt(gone, AttemptKind.CANCEL), gone))
    assert rejected.state is State.REJECTED
    assert "order 9 is no longer in BigCommerce" in rejected.why


NAMES_A_PRODUCT = {"products": [{"product_id": 5, "quantity": 1}]}


def test_a_refused_catalog_line_asks_the_catalog_again_once(one_sale: Sale) -> None:
    sent = SentRequest(make_attempt(one_sale), one_sale, NAMES_A_PRODUCT)
    first = interpret(Refused(400, "product"), sent, POLICY, NOW)
    assert left(Refused(400, "product"), one_sale, sent).state is State.PENDING
    assert isinstance(first.store_effect, CatalogStale)
    tried = replace(one_sale, tries=1)
    again = SentRequest(make_attempt(tried), tried, NAMES_A_PRODUCT)
    assert left(Refused(400, "product"), tried, again).state is State.REJECTED


def test_back_off_grows_to_its_ceiling_and_spreads_sales(one_sale: Sale) -> None:
    gaps = [
        retry_delay(SentRequest(make_attempt(one_sale), replace(one_sale, tries=tries)), POLICY) for tries in range(30)
    ]
    assert gaps == sorted(gaps)
    assert max(gaps) <= POLICY.back_off_most
    spread = {retry_delay(SentRequest(make_attempt(one_sale, number=number), one_sale), POLICY) for number in range(20)}
    assert len(spread) > 10
    assert all(POLICY.back_off / 2 <= gap <= POLICY.back_off for gap in spread)
