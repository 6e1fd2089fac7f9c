"""The turns that checkouts take: each needs seven calls or more, and sales by the Orders API must not wait for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from syncd.clock import Clock
from syncd.push.worker.ready import Ready
from syncd.sale.events import Deferred, SaleEvent
from syncd.sale.sale import Sale

_TURN = timedelta(seconds=0.5)
_CARTS_A_TURN = 4


class CheckoutTurns:
    """Decides how many checkouts of one store may begin: at most half of the threads work on checkouts at a time."""

    def __init__(self, threads: int, open_checkouts: Callable[[], int], clock: Clock) -> None:
        self._most, self._open_checkouts, self._clock = max(1, threads // 2), open_checkouts, clock
        self._under_way = 0  # requests of checkouts that are out
        self._until: datetime | None = None
        self._counting = threading.Lock()

    def count(self, more: int) -> None:
        """Count requests of checkouts that go out, or (below zero) come back."""
        with self._counting:
            self._under_way += more

    def free(self, sendable: Sequence[Ready]) -> int:
        """Return how many may begin: few at a time, and few carts in the store where every call is put off."""
        if not any(is_new_checkout(one) for one in sendable):
            return 0
        begun = sum(one.call is not None and not is_new_checkout(one) for one in sendable) + self._under_way
        carts = self._open_checkouts() + self._under_way
        return max(0, min(self._most - begun, self._most * _CARTS_A_TURN - carts))

    def put_off(self, waiting: Sequence[Ready]) -> list[tuple[Sale, SaleEvent]]:
        """Let sales wait for their turn, the later the more there are before them: else they would hide the sales behind them."""
        now = self._clock.now()
        if waiting:
            self._until = now + _TURN * (1 + len(waiting) // self._most)
        return [
            (one.sale, Deferred(now + _TURN * (1 + place // self._most), "waits until other checkouts are done"))
            for place, one in enumerate(waiting)
        ]

    def waits(self) -> bool:
        """Whether sales that were put off wait for their turn, which comes within moments."""
        if self._until is not None and self._clock.now() > self._until:
            self._until = None
        return self._until is not None


def is_new_checkout(one: Ready) -> bool:
    """Whether a request is the first of a checkout."""
    return one.call is not None and one.call.name == "cart"


def in_turn(requests: Sequence[Ready], turns: int) -> tuple[list[Ready], list[Ready]]:
    """Return the requests in the order to send them, and those whose checkout must wait. Pure.

    Orders first: each is one call. Then checkouts that have begun, for a cart must not linger; at last ``turns`` new ones.
    """
    orders = [one for one in requests if one.call is None]
    going = [one for one in requests if one.call is not None and not is_new_checkout(one)]
    new = [one for one in requests if is_new_checkout(one)]
    return [*orders, *going, *new[:turns]], new[turns:]


def within(limit: int, sales: Sequence[Sale]) -> list[Sale]:
    """Return the sales whose checkout has begun, and at most so many others."""
    begun = [sale for sale in sales if sale.checkout is not None and sale.checkout.is_open]
    others = [sale for sale in sales if sale not in begun]
    return [*begun, *others[:limit]]
