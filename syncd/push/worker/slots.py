"""Count the free slots of a pusher's workers."""

from __future__ import annotations

import threading


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
