from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from syncd.bigcommerce import RemoteOrder
from syncd.clock import BootTime
from syncd.ledger import LookUp, Sale
from syncd.ledger.states import Held, Pending, Synced, Unsure
from syncd.push.policy import Policy
from syncd.push.reconcile import Now, judge
from tests.unit.push.conftest import BOOT, NOW, make_sale

POLICY = Policy()
SETTLE = POLICY.settle.total_seconds()
HERE = Now(NOW, BOOT)


def remote(number: int, total: str | None = None) -> RemoteOrder:
    sale = make_sale()
    return RemoteOrder(
        id=number,
        external_order_id=sale.sale_key,
        external_source="POS",
        status_id=10,
        total_inc_tax=Decimal(total) if total else sale.total_inc_tax,
        total_tax=sale.total_tax,
        date_created="",
        is_deleted=False,
        raw={},
    )


def after(seconds: float, boot: str = "boot-1") -> Now:
    return Now(NOW + timedelta(seconds=seconds), BootTime(boot, BOOT.seconds + seconds))


def looked(*at: BootTime) -> Sale:
    return replace(make_sale(), lookups=tuple(LookUp(when, 0) for when in at))


def test_what_is_found_is_synced() -> None:
    assert judge([remote(5)], make_sale(), POLICY, HERE) == Synced(5, "found by look-up")


def test_of_several_orders_the_lowest_id_is_ours_and_the_others_are_named() -> None:
    verdict = judge([remote(9), remote(5)], make_sale(), POLICY, HERE)
    assert isinstance(verdict, Synced)
    assert verdict.order_id == 5
    assert "[5, 9]" in verdict.note


def test_a_found_order_with_another_total_is_held() -> None:
    verdict = judge([remote(5, "1.00")], make_sale(), POLICY, HERE)
    assert isinstance(verdict, Held)
    assert verdict.order_id == 5


def test_absent_at_the_first_look_is_still_unknown() -> None:
    verdict = judge([], make_sale(), POLICY, HERE)
    assert isinstance(verdict, Unsure)
    assert verdict.look_up_at == NOW + POLICY.settle


def test_absent_at_two_looks_close_together_is_still_unknown() -> None:
    verdict = judge([], looked(BOOT), POLICY, after(SETTLE - 1))
    assert isinstance(verdict, Unsure)
    assert verdict.look_up_at == after(SETTLE).wall


def test_absent_at_two_looks_far_enough_apart_may_be_sent_again() -> None:
    assert isinstance(judge([], looked(BOOT), POLICY, after(SETTLE)), Pending)


def test_a_look_before_a_reboot_counts_for_nothing() -> None:
    verdict = judge([], looked(BOOT), POLICY, after(10 * SETTLE, boot="boot-2"))
    assert isinstance(verdict, Unsure)


def test_the_earliest_look_of_this_boot_is_the_one_that_counts() -> None:
    late = BootTime("boot-1", BOOT.seconds + SETTLE - 5)
    assert isinstance(judge([], looked(BOOT, late), POLICY, after(SETTLE)), Pending)
