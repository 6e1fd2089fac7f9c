"""The quota machine against a simulated BigCommerce window, over simulated time."""

from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.bigcommerce.governor import Pace
from tests.doubles.rate_limit import Window, simulate_backfill


def drive(pace: Pace, window: Window, seconds: float, latency: float) -> tuple[int, int, list[float]]:
    """Call as often as the machine lets us; how many calls, how many 429s, when they went."""
    now, calls, refused, times = 0.0, 0, 0, []
    while now < seconds:
        delay = pace.delay(now)
        if delay > 0:
            now += delay
            continue
        pace.take(now)
        times.append(now)
        calls += 1
        good = window.call(now)
        now += latency
        pace.saw(window.headers(now), now)
        pace.give_back()
        if good:
            pace.well()
        else:
            refused += 1
            pace.throttled(window.ends - now, now, 0.5)
    return calls, refused, times


@settings(deadline=None, max_examples=60)
@given(
    quota=st.integers(20, 500),
    length=st.sampled_from([0.3, 5.0, 30.0]),
    share=st.floats(0.3, 1.0),
    latency=st.floats(0.0005, 0.01),
)
def test_one_caller_keeps_within_its_share_and_meets_no_429(
    quota: int, length: float, share: float, latency: float
) -> None:
    window = Window(quota, length)
    calls, refused, _ = drive(Pace(share), window, length * 4, latency)
    assert refused == 0
    fastest = length * 4 / latency
    assert calls <= 5 * quota * share + 5
    assert calls >= min(0.8 * 4 * quota * share, 0.5 * fastest) - 5


def test_calls_are_spread_over_the_window_and_not_spent_at_its_start() -> None:
    _, _, times = drive(Pace(1.0), Window(100, 10.0), 20.0, 0.001)
    first = [at for at in times if at < 10]
    assert len([at for at in first if at < 5]) < 0.65 * len(first)


def test_a_change_of_plan_shows_within_a_window() -> None:
    pace, window = Pace(1.0), Window(100, 10.0)
    drive(pace, window, 10.0, 0.001)
    window.quota = 20
    calls, refused, _ = drive(pace, window, 30.0, 0.001)
    assert refused <= 1
    assert calls <= 85


def test_a_429_without_headers_waits_longer_each_time_and_is_bounded() -> None:
    pace, waits = Pace(1.0), []
    for _ in range(12):
        pace.throttled(None, 0.0, 0.0)
        waits.append(pace.blocked_until)
    assert waits == sorted(waits)
    assert waits[0] >= 0.5
    assert waits[-1] <= 60


@given(st.dictionaries(st.sampled_from(sorted(Window(5, 1.0).headers(0.0))), st.text(max_size=12)))
def test_absurd_headers_never_break_it(headers: dict[str, str]) -> None:
    pace = Pace(0.8)
    pace.take(0.0)
    pace.saw(headers, 0.0)
    pace.give_back()
    assert pace.delay(0.0) >= 0


def test_a_backfill_uses_a_pro_quota_to_the_full_and_live_sales_pass_it() -> None:
    orders, live_at = 9_000, [float(second) for second in range(5, 600, 5)]
    found = simulate_backfill(Window(450, 30.0), orders, live_at, threads=8, latency_s=0.25)
    assert found.refused == 0
    assert found.took_s <= 1.01 * (orders + len(found.live_s)) * 30 / 450
    assert max(found.live_s) < 1
