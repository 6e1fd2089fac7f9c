from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from syncd.bigcommerce import Accepted, Barred, NotSent, Outcome, Refused, Throttled, Unknown
from syncd.ledger import Kind, Sale
from syncd.ledger.states import Held, Pending, Rejected, Synced, Unsure
from syncd.push.decide import Pause, Sent, StaleCatalog, Stumble, back_off, decide
from syncd.push.policy import Policy
from tests.unit.push.conftest import NOW, make_attempt

POLICY = Policy()
TABLE = [
    pytest.param(Accepted(7), Synced, None, id="an accepted order is synced"),
    pytest.param(
        Accepted(7, Decimal("10.80"), Decimal("0.80")), Synced, None, id="an order with the sale's totals is synced"
    ),
    pytest.param(Accepted(7, Decimal("10.79"), Decimal("0.80")), Held, None, id="an order with another total is held"),
    pytest.param(Accepted(7, Decimal("10.80"), Decimal("0.79")), Held, None, id="an order with another tax is held"),
    pytest.param(Refused(400, "no"), Rejected, None, id="a 400 rejects the sale"),
    pytest.param(Refused(404, "no"), Rejected, None, id="a 404 rejects the sale"),
    pytest.param(Refused(409, "no"), Rejected, None, id="a 409 rejects the sale"),
    pytest.param(Refused(422, "no"), Rejected, None, id="a 422 rejects the sale"),
    pytest.param(Barred(401, "no"), Pending, Pause, id="a 401 pauses the store and blames no sale"),
    pytest.param(Barred(403, "no"), Pending, Pause, id="a 403 pauses the store and blames no sale"),
    pytest.param(Throttled(12.0), Pending, None, id="a 429 with headers waits for the reset"),
    pytest.param(Throttled(None), Pending, None, id="a bare 429 backs off"),
    pytest.param(NotSent("refused"), Pending, Stumble, id="what was not sent is pending again"),
    pytest.param(Unknown("reset"), Unsure, Stumble, id="an unknown outcome waits for a look-up"),
    pytest.param(Unknown("302", misdirected=True), Unsure, Pause, id="a redirect is unknown and pauses the store"),
]


@pytest.mark.parametrize(("outcome", "transition", "effect"), TABLE)
def test_the_outcome_table(outcome: Outcome, transition: type, effect: type | None, one_sale: Sale) -> None:
    verdict = decide(outcome, Sent(make_attempt(one_sale), one_sale), POLICY, NOW)
    assert isinstance(verdict.transition, transition)
    assert verdict.effect is None if effect is None else isinstance(verdict.effect, effect)


def test_a_throttled_sale_waits_as_long_as_the_answer_said(one_sale: Sale) -> None:
    verdict = decide(Throttled(12.5), Sent(make_attempt(one_sale), one_sale), POLICY, NOW)
    assert verdict.transition == Pending(NOW + timedelta(seconds=12.5), "the store's quota is used up (429)")


def test_an_unknown_outcome_is_not_looked_up_before_settle(one_sale: Sale) -> None:
    verdict = decide(Unknown("reset"), Sent(make_attempt(one_sale), one_sale), POLICY, NOW)
    assert isinstance(verdict.transition, Unsure)
    assert verdict.transition.look_up_at == NOW + POLICY.settle


def test_a_held_difference_names_the_order_and_both_amounts(one_sale: Sale) -> None:
    held = decide(Accepted(7, Decimal("10.79")), Sent(make_attempt(one_sale), one_sale), POLICY, NOW).transition
    assert isinstance(held, Held)
    assert held.order_id == 7
    assert "10.79" in held.why
    assert "10.80" in held.why


def test_totals_are_compared_where_the_payload_states_them_alone(one_sale: Sale) -> None:
    sent = Sent(make_attempt(one_sale, Kind.CANCEL), one_sale, states_total=False)
    assert isinstance(decide(Accepted(7, Decimal(0)), sent, POLICY, NOW).transition, Synced)


def test_a_rejection_carries_the_remotes_words_and_a_cure(one_sale: Sale) -> None:
    rejected = decide(
        Refused(400, "The field 'zip' is required"), Sent(make_attempt(one_sale), one_sale), POLICY, NOW
    ).transition
    assert isinstance(rejected, Rejected)
    assert "The field 'zip' is required" in rejected.why
    assert f"syncd retry {one_sale.sale_key}" in rejected.cure


def test_an_update_of_a_deleted_order_says_so(one_sale: Sale) -> None:
    gone = replace(one_sale, order_id=9)
    rejected = decide(Refused(404, "Not found"), Sent(make_attempt(gone, Kind.CANCEL), gone), POLICY, NOW).transition
    assert isinstance(rejected, Rejected)
    assert "order 9 is no longer in BigCommerce" in rejected.why


def test_a_refused_catalog_line_asks_the_catalog_again_once(one_sale: Sale) -> None:
    first = decide(Refused(400, "product"), Sent(make_attempt(one_sale), one_sale, names_products=True), POLICY, NOW)
    assert isinstance(first.transition, Pending)
    assert isinstance(first.effect, StaleCatalog)
    tried = replace(one_sale, tries=1)
    again = decide(Refused(400, "product"), Sent(make_attempt(tried), tried, names_products=True), POLICY, NOW)
    assert isinstance(again.transition, Rejected)


def test_back_off_grows_to_its_ceiling_and_spreads_sales(one_sale: Sale) -> None:
    gaps = [back_off(Sent(make_attempt(one_sale), replace(one_sale, tries=tries)), POLICY) for tries in range(30)]
    assert gaps == sorted(gaps)
    assert max(gaps) <= POLICY.back_off_most
    spread = {back_off(Sent(make_attempt(one_sale, number=number), one_sale), POLICY) for number in range(20)}
    assert len(spread) > 10
    assert all(POLICY.back_off / 2 <= gap <= POLICY.back_off for gap in spread)
