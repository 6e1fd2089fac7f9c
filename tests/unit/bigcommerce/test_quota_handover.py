"""A store's quota that is handed from one worker to the next, in simulated time: with what the last one knew, and without."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from syncd.bigcommerce.governor import Pace

_ANSWER_S = 0.02


@dataclass
class Store:
    """A store that answers 429 beyond ``quota`` requests in a window, and says in each answer what is left."""

    quota: int
    window_s: float
    begun_at: float = 0.0
    used: int = 0
    refused: int = 0

    def answer(self, now: float) -> dict[str, str]:
        while now >= self.begun_at + self.window_s:
            self.begun_at, self.used = self.begun_at + self.window_s, 0
        self.used += 1
        self.refused += self.used > self.quota
        return {
            "X-Rate-Limit-Requests-Quota": str(self.quota),
            "X-Rate-Limit-Requests-Left": str(max(self.quota - self.used, 0)),
            "X-Rate-Limit-Time-Window-Ms": str(int(self.window_s * 1000)),
            "X-Rate-Limit-Time-Reset-Ms": str(int((self.begun_at + self.window_s - now) * 1000)),
        }


def turns_of(store: Store, number: int, turn_s: float, *, handed_over: bool) -> int:
    """Let ``number`` workers take the store after each other, each as fast as its pace allows; return how many calls went out."""
    now, calls, known, left_at = 0.0, 0, None, 0.0
    for _ in range(number):
        pace, end = Pace(1.0, in_flight=0), now + turn_s
        if handed_over and known is not None:
            pace.resume(known, now, now - left_at)
        while now < end:
            nap = pace.delay(now)
            if nap > 0:
                now += min(nap, end - now)
                continue
            pace.take(now)
            pace.saw(store.answer(now), now)
            pace.give_back()
            calls += 1
            now += _ANSWER_S
        known, left_at = pace.state(now), now
    return calls


@given(quota=st.integers(5, 200), window_s=st.floats(1.0, 30.0), turn_s=st.floats(0.05, 3.0))
def test_a_store_that_changes_hands_is_never_asked_beyond_its_quota(quota: int, window_s: float, turn_s: float) -> None:
    store = Store(quota, window_s)
    assert turns_of(store, 100, turn_s, handed_over=True) > 0
    assert store.refused == 0


def test_without_the_handover_each_worker_would_begin_with_a_call_that_the_quota_has_no_room_for() -> None:
    careless = Store(30, 10.0)
    turns_of(careless, 100, 0.2, handed_over=False)
    assert careless.refused > 10
