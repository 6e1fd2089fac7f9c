"""The simulated day keeps to what it is computed from, and its figures are those of the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fleet.day import Inputs, report, simulate

_PAGE = Path(__file__).parents[2] / "docs/fleet.md"
_SMALL = Inputs(stores=30, sales=60)


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 1000),
    workers=st.integers(1, 3),
    share=st.floats(0.1, 1.0),
    outage_s=st.sampled_from([0, 600, 3600]),
    hit=st.floats(0.0, 1.0),
)
def test_every_sale_is_sent_once_and_no_window_is_overdrawn(
    seed: int, workers: int, share: float, outage_s: int, hit: float
) -> None:
    inputs = replace(_SMALL, workers=workers, share=share, outage_s=outage_s, outage_share=hit)
    day = simulate(inputs, seed)
    assert len(day.lags) + len(day.lags_of_outage) == day.recorded
    assert day.left == 0
    assert day.most_of_window <= inputs.quota * share


def test_a_longer_outage_and_fewer_workers_take_longer_to_heal() -> None:
    crowd = replace(_SMALL, sales=2_000, workers=1, worker_rate=5.0)
    short, long = (simulate(replace(crowd, outage_s=seconds)) for seconds in (600, 7_200))
    quick = simulate(replace(crowd, outage_s=7_200, worker_rate=50.0))
    assert short.healed_all_s < long.healed_all_s
    assert quick.healed_all_s < long.healed_all_s
    assert simulate(replace(crowd, outage_s=0)).healed_all_s == 0


def test_the_page_says_what_the_model_says() -> None:
    text = " ".join(_PAGE.read_text(encoding="utf-8").split())
    for sales in (Inputs.sales, 10 * Inputs.sales):
        inputs = Inputs(sales=sales)
        for line in report(inputs, simulate(inputs), simulate(replace(inputs, outage_s=0))):
            assert line in text
