"""Writes docs/speed.md and its chart from the kept figures: ``python -m tests.bench.page``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.bench import figures
from tests.bench.figures import Better, Compared

DOCS = Path(__file__).parents[2] / "docs"
PAGE, CHART = DOCS / "speed.md", DOCS / "images" / "speed.svg"
_TEXT = """# How fast it is

<!-- Made by `python -m tests.bench.page` from tests/bench/figures.json. -->

At a real store's latency syncd sends as fast as the store answers: BigCommerce takes a quarter of a second for an order, and syncd
needs a few thousandths of a second of one core. What follows matters where many stores share a machine, and keeps a change
from making syncd slower unseen.

A figure is a ratio to something plain that is measured in the same run, or a size. So it says the same on a fast machine and on a
slow one. `make bench` measures all of them, writes them to `build/figures.json`, and fails where one is worse by more than
its noise: how much it differs between two runs of the same code. `python -m tests.bench.all push record` measures some of them, and
with `--keep` the new figures become those to compare with.

![Each figure in parts of its goal](images/speed.svg)

| figure | kept | goal | noise |
| --- | ---: | ---: | ---: |
{rows}

What stands behind each: `tests/bench/` has one module a benchmark, and its first lines say what it does.
"""


def page(found: Sequence[Compared]) -> str:
    """Return the page."""
    return _TEXT.format(rows="\n".join(map(_row, found)))


def _row(one: Compared) -> str:
    sign = "at least" if one.figure.better is Better.HIGHER else "at most"
    met = "" if one.meets_goal else " (open)"
    goal = f"{sign} {one.figure.goal:,.4g}{met}"
    return f"| {one.figure.says} | {one.found:,.4g} | {goal} | {100 * one.figure.noise:.0f} % |"


_ROW, _LEFT, _WIDTH, _MOST = 26, 130, 760, 130
_MET, _OPEN = "#2f6f4f", "#b26a00"


def chart(found: Sequence[Compared]) -> str:
    """Return a chart as SVG: each figure in percent of its goal; the line is at 100."""
    scale, height = (_WIDTH - _LEFT - 60) / _MOST, _ROW * (len(found) + 2)
    goal = _LEFT + 100 * scale
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="13">',
        f'<title>Each figure in percent of its goal</title><rect width="{_WIDTH}" height="{height}" fill="white"/>',
    ]
    for row, one in enumerate(found, start=1):
        percent, y = _percent(one), row * _ROW
        width = min(percent, _MOST) * scale
        colour = _MET if one.meets_goal else _OPEN
        lines += [
            f'<text x="{_LEFT - 8}" y="{y + 13}" text-anchor="end">{one.figure.name}</text>',
            f'<rect x="{_LEFT}" y="{y}" width="{width:.1f}" height="{_ROW - 8}" fill="{colour}"/>',
            f'<text x="{_LEFT + width + 6:.1f}" y="{y + 13}">{percent:.0f} %</text>',
        ]
    lines.append(f'<path d="M{goal:.1f} {_ROW - 8}V{height - _ROW + 4}" stroke="#444" stroke-dasharray="4 3"/>')
    lines.append(f'<text x="{goal:.1f}" y="{_ROW - 12}" text-anchor="middle">goal</text></svg>')
    return "\n".join(lines) + "\n"


def _percent(one: Compared) -> float:
    goal = one.figure.goal
    return round(100 * (one.found / goal if one.figure.better is Better.HIGHER else goal / one.found), 1)


def main() -> None:
    """Write the page and its chart."""
    found = list(figures.compare(figures.kept(), {}))
    PAGE.write_text(page(found), encoding="utf-8")
    CHART.write_text(chart(found), encoding="utf-8")


if __name__ == "__main__":
    main()
