"""Pace every call to one store by its quota, live calls before those of a backfill."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import Struct

from syncd.clock import Clock
from syncd.errors import Stopped

_LONGEST_NAP_S = 0.5


class GovernorReport(Struct, frozen=True):
    """The quota as it stands: requests per window, how many are left, seconds until it is whole again, calls waiting.

    ``calls`` is how many went out in this process's life.
    """

    quota: int | None
    left: int
    window_s: float
    resets_in_s: float
    waiting: int
    calls: int = 0


class QuotaState(Struct, frozen=True):
    """What one process knows of a store's quota, for another that speaks to it next: times are seconds from when it was taken."""

    quota: int | None
    window_s: float
    left: float
    resets_in_s: float
    blocked_for_s: float
    refusals: int
    errors: int
    at_once: float


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
            Stopped: syncd is stopping; nothing is waited for any more.

        """
        with self._change:
            self._waiting[live] += 1
            try:
                while (nap := self._nap(live)) > 0:
                    self._change.wait(min(nap, _LONGEST_NAP_S))
                if self._stop.is_set():
                    raise Stopped("syncd is stopping")
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
        """End a call that took so many seconds: learn from its answer, if there was one."""
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
        """Note a 429: everybody waits."""
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

    def hand_over(self) -> QuotaState:
        """Return what is known of the quota; ask while no call is on its way."""
        with self._change:
            return self._pace.state(self._now())

    def take_over(self, state: QuotaState, age_s: float) -> None:
        """Go on with what another process knew ``age_s`` ago: so a store that changes hands sends no burst."""
        with self._change:
            self._pace.resume(state, self._now(), age_s)
            self._change.notify_all()

    def _now(self) -> float:
        return self._clock.elapsed().seconds


_AT_ONCE = 4
_MOST_AT_ONCE = 64
_QUEUES = 2.0
_WARILY = 0.1
_LEARN_ANEW_S = 600.0
_MANY = 1_000
_LONGEST_WINDOW_S = 3600.0
_BACK_OFF_S = 0.5
_LONGEST_BACK_OFF_S = 60.0
_ERRORS_IN_A_ROW = 3


@dataclass(slots=True)
class Pace:
    """One store's quota as far as its answers have told it. ``share`` is the part of it that is ours."""

    share: float
    quota: int | None = None
    window_s: float = 30.0
    left: float = 0.0
    resets_at: float = 0.0
    in_flight: int = 0
    next_at: float = 0.0
    blocked_until: float = 0.0
    refusals: int = 0
    errors: int = 0
    at_once: float = _AT_ONCE
    fastest_s: float = math.inf
    too_many: float = math.inf
    halved_at: float = -math.inf
    full_at: float = -math.inf
    learned_at: float = -math.inf

    def state(self, now: float) -> QuotaState:
        """Return what is known, as seconds from now."""
        self._roll(now)
        resets, blocked = max(self.resets_at - now, 0.0), max(self.blocked_until - now, 0.0)
        return QuotaState(
            self.quota, self.window_s, self.left, resets, blocked, self.refusals, self.errors, self.at_once
        )

    def resume(self, state: QuotaState, now: float, age_s: float) -> None:
        """Take over what another pace knew so many seconds ago."""
        self.quota, self.window_s, self.left = state.quota, state.window_s, state.left
        self.resets_at, self.next_at = now + state.resets_in_s - age_s, now
        self.blocked_until = now + max(state.blocked_for_s - age_s, 0.0)
        self.refusals, self.errors = state.refusals, state.errors
        self.at_once = min(max(state.at_once, 1.0), _MOST_AT_ONCE)

    def delay(self, now: float) -> float:
        """Seconds until the next call may go; 0 where it may go now."""
        if now < self.blocked_until:
            return self.blocked_until - now
        if self.quota is None:
            return 0.0 if self.in_flight < int(self.at_once) else math.inf
        self._roll(now)
        if self._spendable() < 1:
            return max(self.resets_at - now, 0.001)
        return max(self.next_at - now, 0.0)

    def room(self, now: float, within_s: float) -> int:
        """About how many calls may go within so many seconds: what must not wait longer is not begun beyond that."""
        wait = max(self.blocked_until - now, 0.0)
        if self.quota is None:
            return _MANY if wait < within_s else 0
        self._roll(now)
        spendable, left_s = self._spendable(), max(self.resets_at - now, 0.0)
        if spendable < 1:
            wait, spendable, left_s = max(wait, left_s), self._ours(), self.window_s
        else:
            wait = max(wait, self.next_at - now)
        if wait >= within_s:
            return 0
        gap = left_s / spendable
        return int(spendable) if gap <= 0 else min(1 + int((within_s - wait) / gap), int(spendable))

    def take(self, now: float) -> None:
        """Count a call that goes out."""
        self.in_flight += 1
        if self.in_flight >= int(self.at_once):
            self.full_at = now
        if self.quota is not None:
            spendable = self._spendable()
            gap = max(self.resets_at - now, 0.0) / max(spendable, 1.0)
            self.next_at = max(self.next_at, now - gap) + gap
            self.left -= 1

    def give_back(self) -> None:
        """Count a call that is over, answered or not."""
        self.in_flight -= 1

    def saw(self, headers: Mapping[str, str], now: float) -> None:
        """Learn from an answer; absurd numbers are passed over. Call before ``give_back``."""
        quota = _positive(headers.get("X-Rate-Limit-Requests-Quota"))
        window = _positive(headers.get("X-Rate-Limit-Time-Window-Ms"))
        left = _positive(headers.get("X-Rate-Limit-Requests-Left"))
        reset = _positive(headers.get("X-Rate-Limit-Time-Reset-Ms"))
        if not quota or left is None or reset is None:
            return
        self.window_s = min((window or self.window_s * 1000) / 1000, _LONGEST_WINDOW_S)
        self.quota = int(quota)
        # The reset comes in whole milliseconds: never be a moment too early.
        self.resets_at = now + min((reset + 1) / 1000, self.window_s)
        # Calls still out may or may not be counted in what the answer says is left: we take it that they are not.
        self.left = min(left, quota) - (self.in_flight - 1)

    def well(self) -> None:
        """Note an answer that was neither a refusal to serve nor a failure of the platform."""
        self.refusals = self.errors = 0

    def timed(self, elapsed_s: float, now: float) -> None:
        """How long a good answer took: more at once, or fewer, for want of headers."""
        if now - self.learned_at > _LEARN_ANEW_S:  # a store may have become slower for good, or larger
            self.fastest_s, self.learned_at = math.inf, now
            self.at_once = min(self.at_once, _AT_ONCE)
        self.fastest_s = min(self.fastest_s, elapsed_s)
        if self.full_at >= now - elapsed_s:  # else it was not we who kept them few
            step = (1.0 if self.at_once + 1 <= self.too_many else _WARILY) / self.at_once
            if elapsed_s <= self.fastest_s * _QUEUES:
                self.at_once = min(self.at_once + step, _MOST_AT_ONCE)
            else:
                self.at_once = max(self.at_once - step, min(self.at_once, _AT_ONCE))

    def pressed(self, elapsed_s: float, now: float) -> None:
        """Halve the calls at once after a 429, a 5xx or no answer, to a call of so many seconds ago; once for calls in parallel."""
        if now - elapsed_s >= self.halved_at:
            self.too_many, self.halved_at = self.at_once, now
            self.at_once = max(self.at_once / 2, 1.0)

    def throttled(self, reset_s: float | None, now: float, jitter: float) -> None:
        """429. Without a header the wait doubles each time, at least half of it certain; ``jitter`` is in [0, 1)."""
        self.refusals += 1
        wait = reset_s if reset_s is not None else _half_jittered(self.refusals, jitter)
        self.blocked_until = max(self.blocked_until, now + wait)

    def failed(self, now: float, jitter: float) -> None:
        """Note a 5xx: several in a row slow us like a 429, for BigCommerce answers so when it is loaded."""
        self.errors += 1
        if self.errors >= _ERRORS_IN_A_ROW:
            wait = _half_jittered(self.errors - _ERRORS_IN_A_ROW + 1, jitter)
            self.blocked_until = max(self.blocked_until, now + wait)

    def _ours(self) -> float:
        """Return our part of a whole window: one call at the least, however small the share, else nothing ever moves."""
        assert self.quota is not None  # noqa: S101  asked only once the quota is known
        return max(self.quota * self.share, 1.0)

    def _spendable(self) -> float:
        assert self.quota is not None  # noqa: S101  as above
        return self.left - (self.quota - self._ours())

    def _roll(self, now: float) -> None:
        """Begin a new window with a whole quota when the last one has ended, until an answer says otherwise."""
        if now >= self.resets_at and self.quota is not None:
            self.left = self.quota - self.in_flight
            self.resets_at = now + self.window_s
            self.next_at = min(self.next_at, now)


def _half_jittered(times: int, jitter: float) -> float:
    full: float = min(_BACK_OFF_S * 2 ** min(times, 12), _LONGEST_BACK_OFF_S)
    return full * (0.5 + jitter / 2)


def _positive(text: str | None) -> float | None:
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and math.isfinite(value) and value >= 0 else None
