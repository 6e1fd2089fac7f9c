from dataclasses import replace
from typing import Any

from syncd.canonical import CanonicalOrder, fingerprint
from syncd.ledger import Kind, Sale
from syncd.ledger.states import Rejected, Skipped
from syncd.mapping import DefaultAddress, Mapped, Matches, Ours, Remote, Rules, Stamp, map_create
from syncd.push.plan import Plan, Unsent, digest
from syncd.push.plan import plan as plan_now
from syncd.push.seen import Seen
from syncd.testing.orders import sale as build_order
from tests.unit.push.conftest import NOW, make_sale

RULES = Rules(
    default_address=DefaultAddress(street_1="1 Main", city="Austin", state="Texas", zip="78701", country_iso2="US")
)
REFUND = {"id": "r1", "amount_inc_tax": "1.00"}


def changed(order: CanonicalOrder, **changes: Any) -> CanonicalOrder:
    return CanonicalOrder.model_validate({**order.model_dump(mode="json"), **changes})


def plan(sale: Sale, order: CanonicalOrder, seen: Seen, rules: Rules) -> Plan | Unsent:
    return plan_now(sale, order, seen, rules, NOW)


def as_pushed(order: CanonicalOrder) -> Seen:
    """The store shows ``order`` as syncd pushed it."""
    mapped = map_create(order, Matches(), RULES)
    assert isinstance(mapped, Mapped)
    payload = mapped.payload
    status = payload["status_id"]
    assert isinstance(status, int)
    remote = Remote(77, status, False, order.total_inc_tax, order.total_tax, payload)
    return Seen(Matches(), remote=remote, ours=Ours.of([Stamp.from_json(mapped.said)]))


def pushed(order: CanonicalOrder, now: CanonicalOrder) -> Sale:
    return replace(make_sale(order=now), order_id=77, pushed_fingerprint=fingerprint(order))


def test_a_sale_without_an_order_is_created() -> None:
    order = build_order()
    found = plan(make_sale(order=order), order, Seen(Matches()), RULES)
    assert isinstance(found, Plan)
    assert found.kind is Kind.CREATE
    assert found.mapped.payload["external_order_id"] == order.sale_key


def test_a_sale_voided_before_it_was_pushed_is_skipped() -> None:
    order = build_order(status="voided")
    assert isinstance(plan(make_sale(order=order), order, Seen(Matches()), RULES), Skipped)


def test_a_sale_voided_afterwards_cancels_its_order() -> None:
    before = build_order()
    now = changed(before, status="voided")
    found = plan(pushed(before, now), now, as_pushed(before), RULES)
    assert isinstance(found, Plan)
    assert found.kind is Kind.CANCEL
    assert found.mapped.payload["status_id"] == 5


def test_a_refund_afterwards_changes_the_status() -> None:
    before = build_order()
    now = changed(before, status="partially_refunded", refunds=[REFUND])
    found = plan(pushed(before, now), now, as_pushed(before), RULES)
    assert isinstance(found, Plan)
    assert found.kind is Kind.UPDATE
    assert found.mapped.payload["status_id"] == 14


def test_a_second_refund_changes_the_status_again() -> None:
    before = changed(build_order(), status="partially_refunded", refunds=[REFUND])
    now = changed(before, status="refunded", refunds=[REFUND, {**REFUND, "id": "r2"}])
    found = plan(pushed(before, now), now, as_pushed(before), RULES)
    assert isinstance(found, Plan)
    assert found.mapped.payload["status_id"] == 4


def test_an_edit_afterwards_changes_what_differs_and_nothing_else() -> None:
    before = build_order()
    now = changed(before, note="gift")
    found = plan(pushed(before, now), now, as_pushed(before), RULES)
    assert isinstance(found, Plan)
    assert found.kind is Kind.UPDATE
    assert found.mapped.payload.keys() == {"staff_notes"}


def test_an_order_that_has_gone_is_told_and_not_made_again() -> None:
    before = build_order()
    now = changed(before, note="gift")
    found = plan(pushed(before, now), now, Seen(Matches()), RULES)
    assert isinstance(found, Rejected)
    assert "77" in found.why


def test_an_unknown_sku_rejects_the_sale_where_the_store_says_so() -> None:
    order = build_order()
    strict = RULES.model_copy(update={"unknown_sku": "reject"})
    assert isinstance(plan(make_sale(order=order), order, Seen(Matches()), strict), Rejected)


def test_a_digest_names_a_payload_whatever_its_key_order() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
