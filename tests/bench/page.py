"""Writes docs/speed.md and its chart from the kept figures: ``python -m tests.bench.page``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pygal
from pygal.style import Style

from tests.bench import figures
from tests.bench.figures import Better, Compared

DOCS = Path(__file__).parents[2] / "docs"
PAGE, CHART = DOCS / "speed.md", DOCS / "images" / "speed.svg"
_STYLE = Style(background="white", plot_background="white", colors=("#2f6f4f", "#b26a00"), font_family="sans-serif")
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


def chart(found: Sequence[Compared]) -> str:
    """Return a chart as SVG: each figure in percent of its goal, 100 where it is met exactly."""
    bars = pygal.HorizontalBar(
        style=_STYLE, js=[], no_prefix=True, disable_xml_declaration=True, show_legend=False, width=900, height=420,
        print_values=True, formatter=lambda percent: f"{percent:.0f} %", title="In percent of the goal; more is better",
    )  # fmt: skip
    bars.x_labels = [one.figure.name for one in reversed(found)]
    colours = ("#2f6f4f", "#b26a00")
    bars.add("", [{"value": _percent(one), "color": colours[not one.meets_goal]} for one in reversed(found)])
    return str(bars.render(is_unicode=True)) + "\n"


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
