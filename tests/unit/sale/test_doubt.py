"""How long a doubt lasts, and what a look says: the two halves of settling what is unknown."""

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from syncd.clock import BootTime, Now
from syncd.push.worker.reconcile import look_says
from syncd.sale.decide import next_step, status_of, still_open
from syncd.sale.events import Discovered, LookedUp, apply_event
from syncd.sale.facts import Doubt, OrderSnapshot, StoreOrder
from syncd.sale.policy import PushPolicy, StorePolicy
from syncd.sale.sale import Sale
from syncd.sale.states import AttemptKind, State
from tests.deciders import RULES
from tests.unit.sale.conftest import BOOT, HERE, NOW, make_sale

POLICY = PushPolicy()
SETTLE = POLICY.settle.total_seconds()


def remote(number: int, total: str = "10.80", *, archived: bool = False) -> StoreOrder:
    return StoreOrder(number, OrderSnapshot(10, Decimal(total), Decimal("0.80"), "USD"), archived)


def after(seconds: float, boot: str = "boot-1") -> Now:
    return Now(NOW + timedelta(seconds=seconds), BootTime(boot, BOOT.seconds + seconds))


def doubt(*looks: float, since: float = -SETTLE, kind: AttemptKind = AttemptKind.CREATE) -> Doubt:
    """In doubt since a time, and looked for at others, in seconds from HERE."""
    at = [BootTime("boot-1", BOOT.seconds + seconds) for seconds in (since, *looks)]
    return Doubt(kind, make_sale().fingerprint, at[0], tuple(at[1:]))


def unknown(**changes: object) -> Sale:
    return make_sale(state=State.UNKNOWN, doubt=doubt(), **changes)


def state_after_look(found: list[StoreOrder], sale: Sale) -> State:
    learnt = apply_event(sale, look_says(found, sale, HERE))
    return status_of(next_step(learnt, StorePolicy(RULES), HERE)).state


def test_what_is_found_is_synced() -> None:
    assert state_after_look([remote(5)], unknown()) is State.SYNCED


@pytest.mark.parametrize(
    ("found", "ours", "others"),
    [
        ([remote(9), remote(5)], 5, (9,)),
        ([remote(5), remote(9), remote(7)], 5, (7, 9)),
        ([remote(10), remote(4, archived=True)], 10, ()),
        ([remote(4, archived=True), remote(10)], 10, ()),
        ([remote(10), remote(5000, archived=True)], 10, ()),
    ],
)
def test_of_several_orders_the_lowest_live_one_is_ours_and_other_live_ones_are_named(
    found: list[StoreOrder], ours: int, others: tuple[int, ...]
) -> None:
    news = look_says(found, unknown(), HERE)
    assert isinstance(news, Discovered)
    assert news.order_id == ours
    assert all(str(number) in news.why for number in others)


def test_a_found_order_with_another_total_is_held_and_named() -> None:
    sale = unknown()
    learnt = apply_event(sale, look_says([remote(5, "1.00")], sale, HERE))
    stands = status_of(next_step(learnt, StorePolicy(RULES), HERE))
    assert (stands.state, learnt.order_id) == (State.HELD, 5)
    assert "1.00" in stands.why
    assert "syncd accept" in stands.cure


def test_before_any_look_one_is_due_after_settle() -> None:
    wait = still_open(doubt(since=0), POLICY.settle, HERE)
    assert wait is not None
    assert wait.at == NOW + POLICY.settle


def test_absent_at_the_first_look_is_still_unknown() -> None:
    wait = still_open(doubt(0), POLICY.settle, HERE)
    assert wait is not None
    assert wait.at == NOW + POLICY.settle


def test_absent_at_two_looks_close_together_is_still_unknown() -> None:
    wait = still_open(doubt(0, SETTLE - 1), POLICY.settle, after(SETTLE - 1))
    assert wait is not None
    assert wait.at == after(SETTLE).wall


def test_absent_at_two_looks_far_enough_apart_may_be_sent_again() -> None:
    assert still_open(doubt(0, SETTLE), POLICY.settle, after(SETTLE)) is None


def test_looks_that_came_early_must_wait_until_twice_the_settle_time_is_over() -> None:
    wait = still_open(doubt(0, SETTLE + 1, since=0), POLICY.settle, after(SETTLE + 1))
    assert wait is not None
    assert wait.at == after(2 * SETTLE).wall
    assert still_open(doubt(0, 2 * SETTLE, since=0), POLICY.settle, after(2 * SETTLE)) is None


def test_what_was_before_a_reboot_counts_for_nothing() -> None:
    later = after(10 * SETTLE, boot="boot-2")
    looked = replace(doubt(0), looks=(*doubt(0).looks, later.boot))
    wait = still_open(looked, POLICY.settle, later)
    assert wait is not None
    assert wait.at == after(12 * SETTLE).wall


def test_the_earliest_look_of_this_boot_is_the_one_that_counts() -> None:
    assert still_open(doubt(0, SETTLE - 5, SETTLE), POLICY.settle, after(SETTLE)) is None


@pytest.mark.parametrize("kind", [AttemptKind.UPDATE, AttemptKind.CANCEL, AttemptKind.ARCHIVE, AttemptKind.REFUND])
def test_a_change_in_doubt_waits_as_long_as_a_create_before_anything_follows_it(kind: AttemptKind) -> None:
    one = doubt(since=0, kind=kind)
    wait = still_open(one, POLICY.settle, after(1))
    assert wait is not None
    assert wait.at == after(2 * SETTLE).wall
    assert still_open(one, POLICY.settle, after(2 * SETTLE)) is None


def test_a_change_in_doubt_from_before_a_reboot_waits_anew() -> None:
    one = doubt(since=0, kind=AttemptKind.UPDATE)
    first, second = after(9000, boot="boot-2"), after(9000 + 2 * SETTLE, boot="boot-2")
    wait = still_open(one, POLICY.settle, first)
    assert wait is not None
    looked = apply_event(make_sale(doubt=one), LookedUp(first.boot)).doubt
    assert looked is not None
    assert still_open(looked, POLICY.settle, second) is None
