"""The quota governor of one store: every call passes here, live ones before those of a backfill."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from syncd.bigcommerce.pace import Pace
from syncd.clock import Clock
from syncd.errors import Stopped

_LONGEST_NAP_S = 0.5


@dataclass(frozen=True, slots=True)
class GovernorReport:
    """The quota as it stands: requests per window, how many are left, seconds until it is whole again, calls waiting.

    ``calls`` is how many went out in this process's life.
    """

    quota: int | None
    left: int
    window_s: float
    resets_in_s: float
    waiting: int
    calls: int = 0


class QuotaGovernor:
    """Lets calls through at the pace that the store's answers allow; safe to use from many threads."""

    def __init__(self, clock: Clock, share: float, stop: threading.Event | None = None) -> None:
        self._clock, self._stop = clock, stop or threading.Event()
        self._pace = Pace(share)
        self._change = threading.Condition()
        self._waiting = {True: 0, False: 0}
        self._calls = 0

    def acquire(self, *, live: bool = True) -> None:
        """Wait for a turn, and take it; ``release`` must follow.

        Raises:
            Stopped: syncd was told to stop; nothing is waited for any more.

        """
        with self._change:
            self._waiting[live] += 1
            try:
                while (nap := self._nap(live)) > 0:
                    self._change.wait(min(nap, _LONGEST_NAP_S))
                if self._stop.is_set():
                    raise Stopped("syncd was told to stop")
                self._pace.take(self._now())
                self._calls += 1
            finally:
                self._waiting[live] -= 1
                self._change.notify_all()

    def room(self, within_s: float, claimed: int = 0) -> int:
        """About how many more calls may go within so many seconds, beside those that wait or are ``claimed`` and on their way."""
        with self._change:
            waiting = max(sum(self._waiting.values()), claimed - self._pace.in_flight)
            return max(self._pace.room(self._now(), within_s) - waiting, 0)

    def _nap(self, live: bool) -> float:
        if self._stop.is_set():
            return 0.0
        if not live and self._waiting[True]:
            return _LONGEST_NAP_S
        return self._pace.delay(self._now())

    def release(self, headers: Mapping[str, str] | None, status: int | None, elapsed_s: float) -> None:
        """A call is over after so many seconds: learn from its answer, if there was one."""
        with self._change:
            now = self._now()
            if headers is not None:
                self._pace.saw(headers, now)
            if status is None or status == 429 or status >= 500:
                self._pace.pressed(elapsed_s, now)
            else:
                self._pace.timed(elapsed_s, now)
            self._pace.give_back()
            if status is not None and status >= 500:
                self._pace.failed(now, random.random())  # noqa: S311  jitter, not a secret
            elif status is not None and status != 429:
                self._pace.well()
            self._change.notify_all()

    def throttled(self, reset_s: float | None) -> None:
        """A 429 was seen: everybody waits."""
        with self._change:
            self._pace.throttled(reset_s, self._now(), random.random())  # noqa: S311  jitter, not a secret

    def report(self) -> GovernorReport:
        """How the quota stands."""
        with self._change:
            pace, now = self._pace, self._now()
            resets = max(pace.resets_at - now, 0.0)
            return GovernorReport(
                pace.quota,
                max(int(pace.left), 0),
                pace.window_s,
                resets,
                sum(self._waiting.values()),
                self._calls,
            )

    def _now(self) -> float:
        return self._clock.elapsed().seconds
