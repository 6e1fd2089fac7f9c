"""When a store pauses, probes and resumes: no sale is blamed for what concerns the whole store.

What failed is what is tried again: a store that refuses to be read is read; one that refuses sales, or gives them no answers, gets
one sale as a trial after a read that went well, and the gaps between trials grow. The state lives in the ledger: a restart forgets
no pause, and a process that takes over sees what the one before it has found.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import assert_never

from msgspec import Struct

from syncd.canonical.sale_key import LONGEST_KEY
from syncd.clock import Clock
from syncd.errors import StoreError
from syncd.ledger import Ledger, Pausing, StoreState
from syncd.logs import get_logger
from syncd.push.worker.outcome_policy import Failure, Pause, PossiblyForbidden, Repeated, StoreEffect, Success
from syncd.sale.policy import PushPolicy

MANY = 1_000_000
_STUMBLES = 5
_FORBIDDEN = 3
_SAME, _SUSPECT = (
    5,
    2,
)  # refusals in the same words: so many pause the store, after so many a sale is no longer rejected for them
_DIGITS = re.compile(r"\d+")
_REMEMBERED = 1_000
_LOOKS_EVERY_S = 1.0
_STUMBLE_CURE = "syncd tries the store again and continues once it answers; see https://status.bigcommerce.com."


class CircuitState(Struct, frozen=True):
    """What one process has seen of a store and the ledger does not say: failures in a row, and how long its gaps have grown."""

    stumbles: int
    forbidden: int
    read_gap_s: float
    trial_gap_s: float


class CircuitBreaker:
    """One store's circuit. Safe to use from many threads."""

    def __init__(
        self, store: str, ledger: Ledger, policy: PushPolicy, clock: Clock, longest_key: int = LONGEST_KEY
    ) -> None:
        self._store, self._ledger, self._policy, self._clock = store, ledger, policy, clock
        self._longest_key = longest_key
        self._stumbles = self._forbidden = self._dealt_with = 0
        self._met: OrderedDict[str, int] = (
            OrderedDict()
        )  # sales that a 403 met, and how many others were dealt with by then
        self._read_gap = self._trial_gap = policy.probe_gap
        self._trial = self._probing = False
        self._words, self._refused = "", set[str]()  # how sales were refused lately, with no yes between, and which
        self._lock = threading.RLock()
        self._known, self._seen_at = StoreState(), 0.0
        self._look()

    @property
    def paused(self) -> bool:
        """Whether no sales are sent to the store now."""
        with self._lock:
            self._look_again()
            return self._known.paused_why is not None

    @property
    def reads(self) -> bool:
        """Whether the store may be read: it is not paused, or only for sales."""
        with self._lock:
            self._look_again()
            return self._known.paused_why is None or self._known.paused_by != "read"

    def hand_over(self) -> CircuitState:
        """Return what the ledger does not say, for the next process that speaks to the store."""
        with self._lock:
            gaps = self._read_gap.total_seconds(), self._trial_gap.total_seconds()
            return CircuitState(self._stumbles, self._forbidden, *gaps)

    def take_over(self, state: CircuitState) -> None:
        """Go on with what another process has seen."""
        with self._lock:
            self._look()
            least, most = self._policy.probe_gap, self._policy.probe_gap_most
            self._stumbles, self._forbidden, self._trial = state.stumbles, state.forbidden, False
            self._read_gap = min(max(timedelta(seconds=state.read_gap_s), least), most)
            self._trial_gap = min(max(timedelta(seconds=state.trial_gap_s), least), most)

    def _look_again(self) -> None:
        """Read the pause again: another process may have set or ended it."""
        if self._clock.elapsed().seconds - self._seen_at >= _LOOKS_EVERY_S:
            self._look()

    def _look(self) -> None:
        known = self._ledger.stores.get(self._store)
        if known.paused_why is None and self._known.paused_why is not None:
            self._forget()
        self._known, self._seen_at = known, self._clock.elapsed().seconds

    def _forget(self) -> None:
        self._stumbles = self._forbidden = 0
        self._trial, self._read_gap, self._trial_gap = False, self._policy.probe_gap, self._policy.probe_gap

    def _longer(self, gap: timedelta) -> timedelta:
        return min(gap * 2, self._policy.probe_gap_most)

    # What outcomes say

    def alone(self, sale_key: str) -> bool:
        """Whether the store has dealt with others since it refused this sale with a 403: then it is the sale that it refuses."""
        with self._lock:
            met = self._met.get(sale_key)
            return met is not None and self._dealt_with > met

    def met(self, sale_key: str) -> bool:
        """Whether a 403 has met this sale: for a trial another one says more."""
        return sale_key in self._met

    def apply(self, effect: StoreEffect | None) -> None:
        """Apply an outcome's effect on the store; None has none."""
        with self._lock:
            match effect:
                case None:
                    pass
                case Success():
                    self._is_well()
                case Failure():
                    self._stumbled(effect)
                case PossiblyForbidden():
                    self._was_forbidden(effect)
                case Repeated():
                    self._was_refused(effect)
                case Pause(why=why, cure=cure, key_limit=limit, by=by):
                    if limit is not None:
                        self._ledger.stores.note_key_limit(self._store, limit)
                        self._look()
                    self._pause(why, cure, by)
                case _:
                    assert_never(effect)

    def _stumbled(self, effect: Failure) -> None:
        self._stumbles += 1
        if self._trial:
            self._pause(effect.why, _STUMBLE_CURE, effect.by)
        elif self._stumbles >= _STUMBLES:
            self._pause(f"{_STUMBLES} requests in a row failed: {effect.why}", _STUMBLE_CURE, effect.by)

    def _was_forbidden(self, effect: PossiblyForbidden) -> None:
        self._met[effect.sale_key] = self._dealt_with
        while len(self._met) > _REMEMBERED:
            self._met.popitem(last=False)
        self._forbidden += 1
        if self._forbidden >= _FORBIDDEN or self._trial:
            self._pause(effect.why, effect.cure, "write")

    def repeats(self, words: str, sale_key: str) -> bool:
        """Whether the sales before this one were refused in the same words, with no yes between."""
        with self._lock:
            said = _DIGITS.sub("#", words)
            return (said == self._words and len(self._refused - {sale_key}) >= _SUSPECT) or self._paused_for(said)

    def _paused_for(self, words: str) -> bool:
        """Whether this is a trial of a store that was paused for these very words, by this process or by one before it."""
        return self._trial and words in _DIGITS.sub("#", self._known.paused_why or "")

    def _was_refused(self, effect: Repeated) -> None:
        words = _DIGITS.sub("#", effect.words)
        if words != self._words:
            self._words, self._refused = words, set()
        self._refused.add(effect.sale_key)
        self._dealt_with += 1
        self._stumbles = self._forbidden = 0
        if self._paused_for(words):
            self._pause(self._known.paused_why or effect.why, effect.cure, "write")
        elif len(self._refused) >= _SAME:
            why = f"{len(self._refused)} sales in a row were refused in the same words: {effect.why}"
            self._pause(why, effect.cure, "write")
        elif self._trial:
            self._resume()

    def _is_well(self) -> None:
        self._dealt_with += 1
        self._words, self._refused = "", set()
        self._stumbles = self._forbidden = 0
        if self._trial:
            self._resume()
        else:
            self._trial_gap = self._policy.probe_gap

    def _pause(self, why: str, cure: str, by: Pausing) -> None:
        """Pause, or pause on with a longer gap where a trial has just failed; a straggler's word changes nothing."""
        was = self._known.paused_why
        if was is not None and not self._trial:
            return
        if self._trial:
            self._trial_gap = self._longer(self._trial_gap)
        self._trial, gap = False, self._trial_gap
        self._ledger.stores.pause(self._store, (why, cure), by, self._clock.now() + gap)
        self._look()
        log = get_logger()
        if was is None:
            log.error("store_paused", store=self._store, why=why, cure=cure)
        else:
            log.info("store_still_paused", store=self._store, why=why, next_probe_s=_seconds(gap))

    # When it may be spoken to

    def permits(self, probe: Callable[[], object]) -> int:
        """Return how many requests may go out now: ``MANY``, none, or one as a trial. Probe a paused store when it is time.

        ``probe`` is any harmless read; it raises RemoteError where the store is still unwell.
        """
        with self._lock:
            self._look_again()
            if self._known.paused_why is None:
                return MANY
            limit = self._known.key_limit
            if limit is not None and self._longest_key > limit:
                return 0  # no probe tells that it is over: only the config can
            if self._trial:
                return 1
            now, at = self._clock.now(), self._known.probe_at
            if self._probing or (at is not None and now < at <= now + self._policy.probe_gap_most):
                return 0
            self._probing = True
        try:
            probe()
        except StoreError as error:
            with self._lock:
                self._probe_failed(error)
            return 0
        else:
            with self._lock:
                return self._probe_went_well()
        finally:
            self._probing = False

    def _probe_failed(self, error: StoreError) -> None:
        self._read_gap, by = self._longer(self._read_gap), self._known.paused_by or "read"
        self._ledger.stores.pause(self._store, (error.what, error.cure), by, self._clock.now() + self._read_gap)
        self._look()
        log = get_logger()
        log.info("store_still_paused", store=self._store, why=error.what, next_probe_s=_seconds(self._read_gap))

    def _probe_went_well(self) -> int:
        self._read_gap = self._policy.probe_gap
        if self._known.paused_by != "read":
            self._trial = True
            return 1
        self._resume()
        return MANY

    def on_idle(self) -> None:
        """End a pause for missing answers after a good read where no sale waits that could be a trial."""
        with self._lock:
            if self._trial and self._known.paused_by == "answer":
                gap = self._longer(self._trial_gap)
                self._resume()
                self._stumbles, self._trial_gap = _STUMBLES - 1, gap  # no sale has shown yet that it takes them

    def _resume(self) -> None:
        self._ledger.stores.unpause(self._store)
        self._forget()
        self._look()
        get_logger().info("store_resumed", store=self._store)


def _seconds(gap: timedelta) -> float:
    return round(gap.total_seconds(), 1)
