"""How many requests may go out at a time: the free slots of the workers, and the turns that checkouts take.

A checkout needs seven calls or more, and sales by the Orders API must not wait for them.
"""

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


class WorkerSlots:
    """Counts the free slots of the workers; one thread takes them, many give them back."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._free = count
        self._given = 0
        self._change = threading.Condition()

    def resize(self, count: int) -> None:
        """Change the number of slots; those that are taken stay taken."""
        with self._change:
            self._free += count - self._count
            self._count = count

    def take(self, number: int) -> None:
        """Take ``number`` slots that ``wait_free`` has just reported."""
        with self._change:
            self._free -= number

    def give_back(self) -> None:
        """Give one slot back."""
        with self._change:
            self._free += 1
            self._given += 1
            self._change.notify_all()

    @property
    def taken(self) -> int:
        """How many slots are taken."""
        with self._change:
            return self._count - self._free

    @property
    def idle(self) -> bool:
        """Whether every slot is free."""
        return self.taken == 0

    def wait_free(self, linger_s: float, at_most_s: float) -> int:
        """Return how many slots are free: wait for one, then linger for half of them, so that intents commit in groups."""
        with self._change:
            if not self._change.wait_for(lambda: self._free > 0, at_most_s):
                return 0
            self._change.wait_for(lambda: self._free * 2 >= self._count, linger_s)
            return self._free

    @property
    def given(self) -> int:
        """How many seats were ever given back: what ``wait_change`` waits to see grow."""
        with self._change:
            return self._given

    def wait_change(self, since: int, at_most_s: float) -> None:
        """Sleep until a seat was given back after ``given`` was ``since``, at most ``at_most_s``."""
        with self._change:
            self._change.wait_for(lambda: self._given != since, at_most_s)

    def wait_idle(self) -> None:
        """Sleep until every slot is free."""
        with self._change:
            self._change.wait_for(lambda: self._free == self._count)


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
