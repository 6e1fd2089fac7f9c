from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from syncd.clock import BootTime, Now
from syncd.ledger import Doubt, Known, Sale
from syncd.ledger.states import Held, Pending, Synced, Unsure
from syncd.push.policy import Policy
from syncd.push.reconcile import judge
from tests.unit.push.conftest import BOOT, NOW, make_sale

POLICY = Policy()
SETTLE = POLICY.settle.total_seconds()
HERE = Now(NOW, BOOT)


def remote(number: int, total: str | None = None) -> Known:
    return Known(number, Decimal(total) if total else make_sale().total_inc_tax)


def after(seconds: float, boot: str = "boot-1") -> Now:
    return Now(NOW + timedelta(seconds=seconds), BootTime(boot, BOOT.seconds + seconds))


def doubted(*looks: float, since: float = -SETTLE) -> Sale:
    """Unknown since a time, and looked for at others, in seconds from HERE."""
    at = [BootTime("boot-1", BOOT.seconds + seconds) for seconds in (since, *looks)]
    return replace(make_sale(), doubt=Doubt(at[0], tuple(at[1:])))


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
    verdict = judge([], doubted(), POLICY, HERE)
    assert isinstance(verdict, Unsure)
    assert verdict.look_up_at == NOW + POLICY.settle


def test_absent_at_two_looks_close_together_is_still_unknown() -> None:
    verdict = judge([], doubted(0), POLICY, after(SETTLE - 1))
    assert isinstance(verdict, Unsure)
    assert verdict.look_up_at == after(SETTLE).wall


def test_absent_at_two_looks_far_enough_apart_may_be_sent_again() -> None:
    assert isinstance(judge([], doubted(0), POLICY, after(SETTLE)), Pending)


def test_looks_that_came_early_must_wait_until_twice_the_settle_time_is_over() -> None:
    verdict = judge([], doubted(0, since=0), POLICY, after(SETTLE + 1))
    assert isinstance(verdict, Unsure)
    assert verdict.look_up_at == after(2 * SETTLE).wall
    assert isinstance(judge([], doubted(0, since=0), POLICY, after(2 * SETTLE)), Pending)


def test_what_was_before_a_reboot_counts_for_nothing() -> None:
    verdict = judge([], doubted(0), POLICY, after(10 * SETTLE, boot="boot-2"))
    assert isinstance(verdict, Unsure)
    assert verdict.look_up_at == after(12 * SETTLE).wall


def test_a_sale_whose_doubt_was_never_written_waits_as_long_as_any() -> None:
    verdict = judge([], make_sale(), POLICY, HERE)
    assert isinstance(verdict, Unsure)
    assert verdict.look_up_at == NOW + 2 * POLICY.settle


def test_the_earliest_look_of_this_boot_is_the_one_that_counts() -> None:
    assert isinstance(judge([], doubted(0, SETTLE - 5), POLICY, after(SETTLE)), Pending)
