"""The database's clock, for workers on many machines: whether a sale is due must not depend on which of them looks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from syncd.clock import BootTime, Clock, SystemClock


class ServerClock:
    """A wall clock that shows the database server's time; boot time, and so every gap, is this machine's own.

    Between two readings of the server it goes on by boot time: that somebody sets this machine's clock changes nothing.
    """

    def __init__(self, own: Clock | None = None) -> None:
        self._own = own or SystemClock()
        self._read: tuple[datetime, float] | None = None

    def follow(self, read: Callable[[], datetime]) -> timedelta:
        """Read the server's time; return how far this machine's clock is ahead of it."""
        before = self.elapsed().seconds
        server = read()
        after = self.elapsed().seconds
        self._read = (server, (before + after) / 2)  # it was read half way through
        return self._own.now() - self.now()

    def now(self) -> datetime:
        """Return the server's time, aware, in UTC; this machine's until it was read."""
        if self._read is None:
            return self._own.now()
        server, at = self._read
        return server + timedelta(seconds=self.elapsed().seconds - at)

    def elapsed(self) -> BootTime:
        """Boot time of this machine."""
        return self._own.elapsed()

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Sleep at most ``seconds``; True as soon as ``stop`` is set."""
        return self._own.wait(stop, seconds)
