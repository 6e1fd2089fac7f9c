"""Figures that benchmarks measure: noted by name, kept in ``figures.json``, and compared with those that were kept last.

A figure is a ratio to something plain in the same run, or a size, so that it says the same on a fast machine and on a slow one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

KEPT = Path(__file__).with_name("figures.json")
_TO = "SYNCD_FIGURES"


class Better(Enum):
    """Which way a figure is better."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: what it is, which way it is better, its goal, and by what part it differs from run to run of the same code."""

    name: str
    says: str
    better: Better
    goal: float
    noise: float


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure beside the one that was kept last; None where there is none."""

    figure: Figure
    found: float
    kept: float | None

    @property
    def is_worse(self) -> bool:
        """Whether it is worse than the kept one, beyond noise."""
        if self.kept is None:
            return False
        change = self.found / self.kept - 1
        return change < -self.figure.noise if self.figure.better is Better.HIGHER else change > self.figure.noise

    @property
    def meets_goal(self) -> bool:
        """Whether it is as good as it should become."""
        goal = self.figure.goal
        return self.found >= goal if self.figure.better is Better.HIGHER else self.found <= goal

    def __str__(self) -> str:
        """Return a line for a terminal."""
        before = "new" if self.kept is None else f"kept {self.kept:.3g} (+-{100 * self.figure.noise:.0f} %)"
        goal = f"goal {self.figure.goal:.3g} {'met' if self.meets_goal else 'open'}"
        return f"{'WORSE ' if self.is_worse else '      '}{self.figure.says}: {self.found:.3g}; {before}; {goal}"


def note(name: str, value: float) -> None:
    """Note a figure of this run: a line of JSON in the file that ``SYNCD_FIGURES`` names; without one nothing is kept."""
    if name not in FIGURES:
        msg = f"no figure is called {name}"
        raise KeyError(msg)
    if path := os.environ.get(_TO):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps({name: value}) + "\n")


def noting_into(path: Path) -> dict[str, str]:
    """Return the environment in which figures are noted into a file."""
    return {**os.environ, _TO: str(path)}


def noted(path: Path) -> dict[str, float]:
    """Return the figures that were noted into a file, the last of a name."""
    found: dict[str, float] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        found.update(json.loads(line))
    return found


def kept() -> dict[str, float]:
    """Return the figures in the repository."""
    return dict(json.loads(KEPT.read_text(encoding="utf-8"))) if KEPT.exists() else {}


def keep(found: Mapping[str, float]) -> None:
    """Write figures over those in the repository; those that were not measured stay."""
    merged = {**kept(), **{name: float(f"{value:.3g}") for name, value in found.items()}}
    KEPT.write_text(json.dumps({name: merged[name] for name in FIGURES if name in merged}, indent=1) + "\n")


def compare(found: Mapping[str, float], before: Mapping[str, float]) -> Iterator[Compared]:
    """Yield each figure that was measured beside the kept one."""
    for name, figure in FIGURES.items():
        if name in found:
            yield Compared(figure, found[name], before.get(name))


_HIGHER, _LOWER = Better.HIGHER, Better.LOWER
FIGURES = {
    one.name: one
    for one in (
        Figure("push", "orders pushed a second, in parts of a bare requests loop", _HIGHER, 0.85, 0.12),
        Figure("push_queue", "orders pushed a second, in parts of SqliteHuey with a durable step", _HIGHER, 1.5, 0.15),
        Figure("push_far", "orders pushed a second at 250 ms, in parts of a bare requests loop", _HIGHER, 0.99, 0.02),
        Figure(
            "record_csv", "sales recorded a second from CSV, in parts of bare csv and executemany", _HIGHER, 0.1, 0.3
        ),
        Figure("record_jsonl", "sales recorded a second from JSON Lines, in the same parts", _HIGHER, 0.1, 0.3),
        Figure("till_database", "time of a bare driver, in parts of reading a till's database", _HIGHER, 0.26, 0.3),
        Figure("map", "time to map a sale of four lines, in parts of reading it", _LOWER, 2.0, 0.15),
        Figure("start_help", "time of syncd --help, in parts of loading SQLAlchemy and pydantic", _LOWER, 0.6, 0.15),
        Figure("start_status", "time of syncd status, in the same parts", _LOWER, 2.0, 0.15),
        Figure("calls_lost", "calls an order where 10 % of answers are lost", _LOWER, 1.2, 0.05),
        Figure(
            "push_large",
            "orders pushed a second with many sales in the ledger, in parts of an empty one",
            _HIGHER,
            0.97,
            0.1,
        ),
        Figure(
            "backfill", "time of 300,000 orders at a Pro quota (simulated), in parts of the limit", _LOWER, 1.01, 0.005
        ),
        Figure("backfill_live", "seconds to a live sale's order beside such a backfill, p95", _LOWER, 2.0, 0.5),
        Figure("bytes_a_sale", "bytes of ledger a sale", _LOWER, 1200, 0.05),
        Figure("search", "seconds of the slowest search on the page, a million sales", _LOWER, 0.3, 0.5),
        Figure("memory_one", "MB of an idle daemon with its page, one store", _LOWER, 90, 0.06),
        Figure("memory_forty", "MB of an idle daemon with its page, forty stores", _LOWER, 150, 0.06),
    )
}
