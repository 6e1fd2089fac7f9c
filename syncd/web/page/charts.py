"""Charts: bars over time with axes, and sparklines. What they say stands in words beside them, for who does not see them. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

WIDTH, HEIGHT = 480.0, 96.0
_GAP = 0.18
_LABELS = 5
SPARK_WIDTH, SPARK_HEIGHT = 96.0, 20.0


class Bar(Struct, frozen=True):
    """One bar, in the chart's own units; ``says`` is what it stands for. ``left`` and ``step`` are the place that it has."""

    x: float
    y: float
    width: float
    height: float
    says: str
    left: float
    step: float


class Chart(Struct, frozen=True):
    """A chart: bars, marks of the vertical axis from the top down, of the horizontal one from the left, and all of it in words."""

    title: str
    bars: tuple[Bar, ...]
    marks: tuple[str, ...]
    labels: tuple[str, ...]
    summary: str


def bars(values: Sequence[tuple[str, float]], title: str, most: float = 0.0, unit: str = "") -> Chart:
    """Return a chart of ``values`` (label and value), as high as a round number above the largest, or as ``most``."""
    highest = most or _round_up(max((value for _, value in values), default=0.0))
    step = WIDTH / max(len(values), 1)
    drawn = tuple(
        Bar(
            round(n * step + step * _GAP / 2, 2),
            round(HEIGHT - height, 2),
            round(step * (1 - _GAP), 2),
            round(height, 2),
            f"{label}: {_short(value)}{unit}",
            round(n * step, 2),
            round(step, 2),
        )
        for n, (label, value) in enumerate(values)
        for height in (min(HEIGHT * value / highest, HEIGHT),)
    )
    marks = tuple(f"{_short(highest * part)}{unit}" for part in (1, 0.5, 0))
    return Chart(title, drawn, marks, _labels([label for label, _ in values]), _summary(values, title, unit))


def _summary(values: Sequence[tuple[str, float]], title: str, unit: str) -> str:
    peak = max(values, key=lambda pair: pair[1], default=("", 0.0))
    if not peak[1]:
        return f"{title}: none"
    return f"{title}: most at {peak[0]}: {_short(peak[1])}{unit}, now {_short(values[-1][1])}{unit}"


def _labels(names: Sequence[str]) -> tuple[str, ...]:
    """Return some of the names, evenly spread, the first and the last among them."""
    if len(names) <= _LABELS:
        return tuple(names)
    return tuple(names[round(n * (len(names) - 1) / (_LABELS - 1))] for n in range(_LABELS))


def _round_up(value: float) -> float:
    """Return the next of 2, 4, 10, 20, 40, 100 ...: numbers that can be halved."""
    if value <= 2:
        return 2.0
    power = 10 ** math.floor(math.log10(value))
    return next(float(part * power) for part in (1, 2, 4, 10) if part * power >= value)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


class Sparkline(Struct, frozen=True):
    """A line without axes, as the points of an SVG polyline; ``says`` tells the same in words."""

    points: str
    says: str


def sparkline(values: Sequence[float], says: str) -> Sparkline:
    """Return a line through some values."""
    highest, step = max([1.0, *values]), SPARK_WIDTH / max(len(values) - 1, 1)
    drawn = (
        f"{n * step:.1f},{SPARK_HEIGHT - 1 - (SPARK_HEIGHT - 2) * value / highest:.1f}"
        for n, value in enumerate(values)
    )
    return Sparkline(" ".join(drawn), says)
