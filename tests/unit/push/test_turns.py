"""The order in which requests are sent: Orders first, checkouts that have begun, new ones while few are under way."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from syncd.mapping.model import Mapped
from syncd.push.worker.capacity import in_turn
from syncd.push.worker.ready import Ready
from syncd.sale.checkout import Checkout
from syncd.sale.states import AttemptKind
from syncd.sale.steps import CheckoutCall


def ready(name: str) -> Ready:
    call: Any = None if name == "orders" else CheckoutCall(AttemptKind.DRESS, name, Checkout("f"))  # type: ignore[arg-type]
    sale: Any = None
    return Ready(sale, None, AttemptKind.CREATE, Mapped({}, ()), b"", call=call)


def named(requests: list[Ready]) -> list[str]:
    return ["orders" if one.call is None else one.call.name for one in requests]


def test_orders_go_before_checkouts_and_new_carts_wait_for_their_turn() -> None:
    requests = [ready(name) for name in ("cart", "billing", "cart", "orders", "convert", "cart", "orders")]
    sent, waiting = in_turn(requests, turns=1)
    assert named(sent) == ["orders", "orders", "billing", "convert", "cart"]
    assert named(waiting) == ["cart", "cart"]


@given(st.lists(st.sampled_from(["orders", "cart", "billing", "finish", "delete"])), st.integers(0, 9))
def test_nothing_is_lost_nothing_that_has_begun_waits_and_no_more_begin_than_may(names: list[str], turns: int) -> None:
    sent, waiting = in_turn([ready(name) for name in names], turns)
    assert sorted(named([*sent, *waiting])) == sorted(names)
    assert set(named(waiting)) <= {"cart"}
    assert named(sent).count("cart") <= turns
