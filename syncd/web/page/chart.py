"""Bar charts as plain SVG: no script draws them, and no style is written into the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 480.0, 96.0
_GAP = 0.18


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, in the chart's own units; ``says`` is what it stands for."""

    x: float
    y: float
    width: float
    height: float
    says: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with what it says to those who do not see it."""

    title: str
    bars: tuple[Bar, ...]
    top: str
    first: str
    last: str
    summary: str


def bars(values: Sequence[tuple[str, float]], title: str, most: float = 0.0, unit: str = "") -> Chart:
    """A chart of ``values`` (label and value), as high as the largest of them, or as ``most``."""
    highest = max([most, *(value for _, value in values)]) or 1.0
    step = WIDTH / max(len(values), 1)
    drawn = tuple(
        Bar(
            round(n * step + step * _GAP / 2, 2),
            round(HEIGHT - height, 2),
            round(step * (1 - _GAP), 2),
            round(height, 2),
            f"{label}: {_short(value)}{unit}",
        )
        for n, (label, value) in enumerate(values)
        if (height := HEIGHT * value / highest) > 0
    )
    peak = max(values, key=lambda pair: pair[1], default=("", 0.0))
    most_words = f"most at {peak[0]}: {_short(peak[1])}{unit}" if peak[1] else "none"
    ends = (values[0][0], values[-1][0]) if values else ("", "")
    return Chart(
        title, drawn, f"{_short(highest)}{unit}", *ends, f"{title}: {most_words}, now {_short(values[-1][1])}{unit}"
    )


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"
