from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.till_kills import run
from tests.shared import needs_samples


@pytest.mark.parametrize("kind", [pytest.param("opensourcepos", marks=needs_samples), "poslog"])
def test_a_till_that_is_read_by_a_process_that_dies_loses_nothing_and_doubles_nothing(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILL_DATABASE", "")  # the run sets it, and it must not stay
    monkeypatch.setenv("FLOW_TOKEN", "")
    outcome = run(kind, 1200, 2, tmp_path, push=False)
    assert (outcome.recorded, outcome.lost, outcome.strange, outcome.differ) == (1200, 0, 0, 0), outcome
