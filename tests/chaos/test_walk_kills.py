from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.walk_kills import walk


def test_a_backfill_that_is_killed_on_the_way_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQUARE_TOKEN", "")  # walk sets it, and it must not stay
    monkeypatch.setenv("FLOW_TOKEN", "")
    outcome = walk(600, 2, tmp_path, page=50)
    assert (outcome.recorded, outcome.orders, outcome.lost, outcome.twice, outcome.differ) == (600, 600, 0, 0, 0), (
        outcome
    )
    assert outcome.kills == 2, outcome
    assert outcome.pages <= 600 / 50 + 2 * 3, (
        outcome
    )  # one that began anew after each kill would ask for half as many again
