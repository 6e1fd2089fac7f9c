"""The request that a due sale needs, once it was looked at."""

from typing import Any

import pytest

from syncd.canonical import CanonicalOrder, fingerprint
from syncd.mapping.create import map_create
from syncd.mapping.model import Mapped, Matches, Payload, Remote
from syncd.mapping.rules import Rules
from syncd.mapping.stamp import Ours, Stamp
from syncd.push.worker.ready import digest
from syncd.sale.decide import next_step
from syncd.sale.facts import Belief
from syncd.sale.policy import StorePolicy
from syncd.sale.sale import Sale
from syncd.sale.states import AttemptKind, State
from syncd.sale.steps import Change, Create, NoAction, Observation, Reject, Step
from syncd.testing.orders import sale as build_order
from tests.deciders import RULES
from tests.unit.sale.conftest import HERE, make_sale

REFUND = {"id": "r1", "amount_inc_tax": "1.00"}


def changed(order: CanonicalOrder, **changes: Any) -> CanonicalOrder:
    return CanonicalOrder.model_validate({**order.model_dump(mode="json"), **changes})


def plan(sale: Sale, seen: Observation, rules: Rules = RULES) -> Step:
    return next_step(sale, StorePolicy(rules), HERE, observation=seen)


def payload(step: Step) -> Payload:
    assert isinstance(step, Create | Change)
    assert step.mapped is not None
    return step.mapped.payload


def as_pushed(order: CanonicalOrder, now: CanonicalOrder) -> Observation:
    """The store shows ``order`` as syncd pushed it."""
    mapped = map_create(order, Matches(), RULES)
    assert isinstance(mapped, Mapped)
    payload = mapped.payload
    status = payload["status_id"]
    assert isinstance(status, int)
    remote = Remote(77, status, False, order.total_inc_tax, order.total_tax, payload)
    return Observation(now, Matches(), remote=remote, ours=Ours.of([Stamp.from_json(mapped.said)]))


def pushed(order: CanonicalOrder, now: CanonicalOrder) -> Sale:
    return make_sale(order=now, belief=Belief(77, fingerprint(order)))


def test_a_sale_without_an_order_is_created() -> None:
    order = build_order()
    found = plan(make_sale(order=order), Observation(order, Matches()))
    assert isinstance(found, Create)
    assert payload(found)["external_order_id"] == order.sale_key


def test_a_sale_voided_before_it_was_pushed_is_skipped() -> None:
    order = build_order(status="voided")
    found = plan(make_sale(order=order), Observation(order, Matches()))
    assert isinstance(found, NoAction)
    assert found.state is State.SKIPPED


def test_a_sale_voided_afterwards_cancels_its_order() -> None:
    before = build_order()
    now = changed(before, status="voided")
    found = plan(pushed(before, now), as_pushed(before, now))
    assert isinstance(found, Change)
    assert found.kind is AttemptKind.CANCEL
    assert payload(found)["status_id"] == 5


def test_a_refund_afterwards_changes_the_status() -> None:
    before = build_order()
    now = changed(before, status="partially_refunded", refunds=[REFUND])
    found = plan(pushed(before, now), as_pushed(before, now))
    assert isinstance(found, Change)
    assert found.kind is AttemptKind.UPDATE
    assert payload(found)["status_id"] == 14


def test_a_second_refund_changes_the_status_again() -> None:
    before = changed(build_order(), status="partially_refunded", refunds=[REFUND])
    now = changed(before, status="refunded", refunds=[REFUND, {**REFUND, "id": "r2"}])
    found = plan(pushed(before, now), as_pushed(before, now))
    assert isinstance(found, Change)
    assert payload(found)["status_id"] == 4


def test_an_edit_afterwards_changes_what_differs_and_nothing_else() -> None:
    before = build_order()
    now = changed(before, note="gift")
    found = plan(pushed(before, now), as_pushed(before, now))
    assert isinstance(found, Change)
    assert found.kind is AttemptKind.UPDATE
    assert payload(found).keys() == {"staff_notes"}


def test_an_order_that_has_gone_is_told_and_not_made_again() -> None:
    before = build_order()
    now = changed(before, note="gift")
    found = plan(pushed(before, now), Observation(now, Matches()))
    assert isinstance(found, Reject)
    assert "77" in found.why


def test_an_unknown_sku_rejects_the_sale_where_the_store_says_so() -> None:
    order = build_order()
    strict = RULES.model_copy(update={"unknown_sku": "reject"})
    assert isinstance(plan(make_sale(order=order), Observation(order, Matches()), strict), Reject)


def test_a_digest_names_a_payload_as_it_goes_out() -> None:
    assert digest(b'{"a":1}') == digest(b'{"a":1}')
    assert digest(b'{"a":1}') != digest(b'{"a":2}')


@pytest.mark.parametrize(
    ("allowed", "sent"), [(("USD", "EUR"), None), (("USD",), None), (("EUR", "USD"), "USD"), ((), "USD")]
)
def test_the_stores_own_currency_is_not_sent(allowed: tuple[str, ...], sent: str | None) -> None:
    order = build_order()
    found = payload(plan(make_sale(order=order), Observation(order, Matches(), currencies=allowed)))
    assert found.get("default_currency_code") == sent
