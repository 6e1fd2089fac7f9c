"""Figures of benchmarks are compared with those in the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.bench import figures
from tests.bench.figures import FIGURES, Better, Compared, Figure
from tests.bench.page import CHART, PAGE, chart, page

_RATE = Figure("rate", "a rate", Better.HIGHER, 1.0, 0.1)
_SIZE = Figure("size", "a size", Better.LOWER, 90.0, 0.1)


@pytest.mark.parametrize(
    ("figure", "found", "kept", "worse", "met"),
    [
        (_RATE, 0.91, 1.0, False, False),
        (_RATE, 0.89, 1.0, True, False),
        (_RATE, 3.0, 1.0, False, True),
        (_SIZE, 109.0, 100.0, False, False),
        (_SIZE, 111.0, 100.0, True, False),
        (_SIZE, 50.0, 100.0, False, True),
        (_SIZE, 500.0, None, False, False),
    ],
)
def test_a_figure_is_worse_beyond_its_noise_alone(
    figure: Figure, found: float, kept: float | None, worse: bool, met: bool
) -> None:
    one = Compared(figure, found, kept)
    assert (one.is_worse, one.meets_goal) == (worse, met)
    assert ("WORSE" in str(one)) is worse


def test_figures_are_noted_into_a_file_under_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "figures.jsonl"
    for name, value in figures.noting_into(file).items():
        monkeypatch.setitem(os.environ, name, value)
    figures.note("push", 0.5)
    figures.note("push", 0.6)
    figures.note("map", 2.0)
    assert figures.noted(file) == {"push": 0.6, "map": 2.0}
    with pytest.raises(KeyError, match="no figure is called speed"):
        figures.note("speed", 1.0)


def test_the_kept_figures_are_those_of_the_page() -> None:
    kept = figures.kept()
    assert kept.keys() == FIGURES.keys(), "run python -m tests.bench.all --keep"
    found = list(figures.compare(kept, {}))
    assert PAGE.read_text(encoding="utf-8") == page(found), "run python -m tests.bench.page"
    assert CHART.read_text(encoding="utf-8") == chart(found), "run python -m tests.bench.page"
