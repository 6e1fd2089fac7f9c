"""How many calls are under way where no answer tells of a quota: a simulated store, over simulated time."""

import heapq
import threading
from collections.abc import Callable

import pytest

from syncd.bigcommerce.governor import Pace, QuotaGovernor
from syncd.testing.clocks import ManualClock

_ALONE_S = 0.2
_Answer = tuple[float, int]


def shared_by(seats: int) -> Callable[[int], _Answer]:
    """A store that serves so many at once as fast as one, and lets the others queue."""
    return lambda beside: (_ALONE_S * max(beside / seats, 1.0), 200)


def refusing_above(seats: int) -> Callable[[int], _Answer]:
    """A store that answers 503 to whatever is more than that."""
    return lambda beside: (_ALONE_S, 200 if beside <= seats else 503)


def drive(pace: Pace, store: Callable[[int], _Answer], seconds: float, callers: int) -> tuple[int, list[int]]:
    """Call whenever the machine lets us and a caller is free; how many were answered well, how many were under way at each call."""
    now, well, beside = 0.0, 0, list[int]()
    under_way: list[tuple[float, float, int]] = []
    while now < seconds:
        while len(under_way) < callers and pace.delay(now) <= 0:
            pace.take(now)
            beside.append(len(under_way) + 1)
            took, status = store(beside[-1])
            heapq.heappush(under_way, (now + took, took, status))
        if not under_way:
            now += pace.delay(now)
            continue
        now, took, status = heapq.heappop(under_way)
        if status == 200:
            pace.timed(took, now)
            pace.well()
            well += 1
        else:
            pace.pressed(took, now)
            pace.failed(now, 0.5)
        pace.give_back()
    return well, beside


@pytest.mark.parametrize("callers", [8, 16])
def test_a_store_that_serves_more_at_once_is_asked_more_at_once(callers: int) -> None:
    well, beside = drive(Pace(0.8), shared_by(callers), 20.0, callers)
    assert beside[0] == 1
    assert max(beside[:4]) <= 4
    assert beside[-1] == callers
    assert well >= 0.8 * callers * 20.0 / _ALONE_S


def test_a_store_where_calls_queue_is_not_filled_beyond_about_twice_what_it_serves() -> None:
    _, beside = drive(Pace(0.8), shared_by(6), 60.0, 64)
    assert 6 <= beside[-1] <= 13


def test_a_store_that_fails_under_load_is_asked_about_as_much_as_it_takes() -> None:
    well, beside = drive(Pace(0.8), refusing_above(6), 60.0, 64)
    assert well >= 0.9 * len(beside)
    assert max(beside) <= 8


def test_calls_that_failed_side_by_side_halve_once() -> None:
    pace = Pace(0.8, at_once=16.0)
    for _ in range(8):
        pace.pressed(0.2, 100.0)
    assert pace.at_once == 8
    pace.pressed(0.05, 100.1)
    assert pace.at_once == 4


def test_a_store_that_has_become_slower_gets_its_calls_back() -> None:
    pace = Pace(0.8)
    drive(pace, shared_by(16), 20.0, 16)
    drive(pace, lambda _: (_ALONE_S * 5, 200), 700.0, 16)
    assert pace.at_once > 15


def test_few_callers_do_not_make_it_believe_in_many() -> None:
    pace = Pace(0.8)
    drive(pace, shared_by(2), 20.0, 2)
    assert pace.at_once == 4


def test_the_governor_lets_more_through_as_answers_come_fast_and_half_after_none_came() -> None:
    clock, stop = ManualClock(), threading.Event()
    governor = QuotaGovernor(clock, 1.0, stop)
    timer = threading.Timer(30.0, stop.set)  # a call that is not let through ends there
    timer.start()

    def side_by_side(calls: int, status: int | None) -> None:
        for _ in range(calls):
            governor.acquire()
        clock.pass_time(0.2)
        for _ in range(calls):
            governor.release({} if status else None, status, 0.21)

    for calls in (4, 4, 5, 5, 6):
        side_by_side(calls, 200)
    side_by_side(6, None)
    for _ in range(3):
        governor.acquire()
    late = threading.Thread(target=governor.acquire, daemon=True)
    late.start()
    late.join(0.3)
    assert late.is_alive()
    governor.release({}, 200, 0.2)
    late.join(60)
    assert not late.is_alive()
    assert not stop.is_set()
    timer.cancel()
