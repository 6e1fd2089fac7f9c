from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.walk_kills import walk


def test_a_backfill_that_is_killed_on_the_way_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQUARE_TOKEN", "")  # walk sets it, and it must not stay
    monkeypatch.setenv("FLOW_TOKEN", "")
    outcome = walk(300, 2, tmp_path, page=25)
    assert (outcome.recorded, outcome.orders, outcome.lost, outcome.twice, outcome.differ) == (300, 300, 0, 0, 0), (
        outcome
    )
    assert outcome.kills == 2, outcome
    assert outcome.pages <= 300 / 25 + 2 * 3, (
        outcome
    )  # one that began anew after each kill would ask for half as many again
