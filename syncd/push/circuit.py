"""When a store pauses, probes and resumes: no sale is blamed for what concerns the whole store."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import assert_never

from syncd.canonical.keys import LONGEST_KEY
from syncd.clock import Clock
from syncd.errors import RemoteError
from syncd.ledger import Ledger
from syncd.logs import get_logger
from syncd.plan import Policy
from syncd.push.decide import Pause, Stumble

_STUMBLES = 5
_STUMBLE_CURE = "syncd probes the store by itself and goes on once it answers; see https://status.bigcommerce.com."


class Circuit:
    """One store's circuit; its state lives in the ledger, so that a restart does not forget a pause."""

    def __init__(
        self, store: str, ledger: Ledger, policy: Policy, clock: Clock, longest_key: int = LONGEST_KEY
    ) -> None:
        self._store, self._ledger, self._policy, self._clock = store, ledger, policy, clock
        self._longest_key = longest_key
        self._stumbles = 0
        self._gap = policy.probe_gap
        self._lock = threading.Lock()
        known = ledger.store_state(store)
        self._paused, self._probe_at, self._key_limit = known.paused_why is not None, known.probe_at, known.key_limit

    @property
    def paused(self) -> bool:
        """Whether the store is paused, as far as this process has seen."""
        return self._paused

    def apply(self, effect: Pause | Stumble | None) -> None:
        """Take note of what an outcome says of the store; None means that the store is well."""
        match effect:
            case None:
                self._stumbles = 0
            case Stumble(why=why):
                with self._lock:
                    self._stumbles += 1
                    enough = self._stumbles >= _STUMBLES
                if enough:
                    self._pause(f"{_STUMBLES} requests in a row failed: {why}", _STUMBLE_CURE)
            case Pause(why=why, cure=cure, key_limit=limit):
                if limit is not None:
                    self._key_limit = limit
                    self._ledger.note_key_limit(self._store, limit)
                self._pause(why, cure)
            case _:
                assert_never(effect)

    def _pause(self, why: str, cure: str) -> None:
        with self._lock:
            if self._paused:
                return
            self._paused, self._probe_at = True, self._clock.now() + self._gap
        self._ledger.set_pause(self._store, why, cure, self._probe_at)
        get_logger().error("store_paused", store=self._store, why=why, cure=cure)

    def admits(self, probe: Callable[[], object]) -> bool:
        """Whether requests may go out now; a paused store is probed when its time has come.

        ``probe`` is any harmless read; it raises RemoteError where the store is still unwell.
        """
        if not self._paused:
            return True
        if self._key_limit is not None and self._longest_key > self._key_limit:
            return False  # no probe tells that it is over: only the config can
        now = self._clock.now()
        far = now + self._policy.probe_gap_most
        if self._probe_at is not None and now < self._probe_at <= far:
            return False
        try:
            probe()
        except RemoteError as error:
            self._gap = min(self._gap * 2, self._policy.probe_gap_most)
            self._probe_at = now + self._gap
            self._ledger.set_pause(self._store, error.what, error.cure, self._probe_at)
            get_logger().info("store_still_paused", store=self._store, why=error.what, next_probe_s=_seconds(self._gap))
            return False
        self._resume()
        return True

    def _resume(self) -> None:
        with self._lock:
            self._paused, self._stumbles, self._gap = False, 0, self._policy.probe_gap
        self._ledger.clear_pause(self._store)
        get_logger().info("store_resumed", store=self._store)


def _seconds(gap: timedelta) -> float:
    return round(gap.total_seconds(), 1)
