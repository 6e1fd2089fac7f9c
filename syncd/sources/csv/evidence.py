"""What a whole table tells of its dates and amounts: day and month that were turned, two decimal marks, numbers for dates. Pure.

One cell alone may be read in good faith and be wrong. Where the rows of a file contradict each other, none of it is believed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from syncd.sources.csv.amounts import DecimalMark
from syncd.sources.csv.dates import DateOrder, oddity
from syncd.sources.csv.plain import plain
from syncd.sources.csv.rows import CsvRow

_ORDERED = re.compile(r"\D{0,3}(\d{1,2})[-/.] ?(\d{1,2})[-/.] ?(?:\d{4}|\d{2})(?!\d)")
_ISO = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}")
_AFTER_COMMA = re.compile(r"\d,\d{1,2}(?!\d)(?!.*[\d.,])|\d\.\d{3},\d")
_AFTER_DOT = re.compile(r"\d\.\d{1,2}(?!\d)(?!.*[\d.,])|\d,\d{3}\.\d")
_MONTHS = 12
_SOME = 3
_LONGEST = 60
_TURN = 'its column {!r} has the {} first ({}): set date_order = "{}" for this source'
_CURE = "a spreadsheet has turned what it could and left the rest: export it anew and drop it as it was downloaded"


@dataclass(slots=True)
class Evidence:
    """Looks at the ``dates`` and ``amounts`` of one table; ``typed``: a workbook's, whose dates have a kind of their own."""

    dates: tuple[str, ...]
    amounts: tuple[str, ...]
    order: DateOrder | None
    marks: Mapping[str, DecimalMark | None]
    typed: bool = False
    _rows: int = 0
    _dates: dict[str, Counter[str]] = field(default_factory=dict)
    _marks: dict[str, dict[str, str]] = field(default_factory=dict)
    _shown: dict[tuple[str, str], str] = field(default_factory=dict)

    def saw(self, row: CsvRow) -> None:
        """One row of the table."""
        self._rows += 1
        for name in self.dates:
            if (cell := row.get(name)) and (shape := _date_shape(cell)):
                self._dates.setdefault(name, Counter())[shape] += 1
                self._shown.setdefault((name, shape), f"{cell[:40]!r} on line {row.line}")
        for name in self.amounts:
            if (cell := row.get(name)) and (mark := _decisive_mark(cell)):
                self._marks.setdefault(name, {}).setdefault(mark, f"{cell[:40]!r} on line {row.line}")

    def verdict(self) -> str:
        """Why the file as a whole is not to be read; empty where its rows agree."""
        return next(iter((*self._of_dates(), *self._of_marks())), "")

    def _of_dates(self) -> Iterator[str]:
        for name, shapes in self._dates.items():
            odd = shapes["odd"]
            if odd and odd * 2 >= self._rows:
                cell = self._shown[name, "odd"].partition(" on line")[0].strip("'")
                yield f"in the column {name!r}, {oddity(cell)}"
            ordered = shapes["either"] + shapes["day first"] + shapes["month first"]
            if ordered and shapes["iso"] and (self.typed or min(ordered, shapes["iso"]) >= _SOME):
                text = next(self._shown[name, one] for one in ("day first", "month first", "either") if shapes[one])
                yield f"its column {name!r} is half dates and half texts ({self._shown[name, 'iso']}, {text}): {_CURE}"
            yield from self._of_order(name, shapes)

    def _of_order(self, name: str, shapes: Counter[str]) -> Iterator[str]:
        day, month = shapes["day first"], shapes["month first"]
        if day and month:
            both = f"{self._shown[name, 'day first']}, {self._shown[name, 'month first']}"
            yield f"its column {name!r} has the day first in some rows and the month in others ({both}): {_CURE}"
        elif self.order == "mdy" and day:
            yield _TURN.format(name, "day", self._shown[name, "day first"], "dmy")
        elif self.order == "dmy" and month:
            yield _TURN.format(name, "month", self._shown[name, "month first"], "mdy")

    def _of_marks(self) -> Iterator[str]:
        for name, found in self._marks.items():
            if len(found) > 1:
                both = " and ".join(found[mark] for mark in (",", "."))
                yield f"its column {name!r} has both decimal marks ({both}): which one is meant is unclear"
        sole = {name: next(iter(found)) for name, found in self._marks.items()}
        wrong = [name for name, mark in sole.items() if mark != (self.marks.get(name) or ".")]
        if wrong and len(set(sole.values())) > 1:
            shown = ", ".join(f"{name}: {self._marks[name][mark]}" for name, mark in sole.items())
            table = ", ".join(f'{name.replace(" ", "_")} = "{mark}"' for name, mark in sole.items())
            yield f"its columns have different decimal marks ({shown}): set decimal_mark = {{ {table} }} for this source"


@lru_cache(maxsize=8192)
def _date_shape(cell: str) -> str:
    """How a date is written: ``iso``, numbers whose order is needed (``either``) or told, ``odd``; empty for all else."""
    if _ISO.match(cell):
        return "iso"
    text = plain(cell)[:_LONGEST]
    if found := _ORDERED.match(text):
        one, two = int(found[1]), int(found[2])
        if one > _MONTHS >= two:
            return "day first"
        return "month first" if two > _MONTHS >= one else "either"
    return "odd" if oddity(text) else ""


@lru_cache(maxsize=8192)
def _decisive_mark(cell: str) -> str:
    """Return the decimal mark of an amount that can be read in one way alone.

    Empty where it may be read with either, or is none.
    """
    if len(cell) > _LONGEST or ("," not in cell and "." not in cell):
        return ""
    text = plain(cell)
    comma, dot = bool(_AFTER_COMMA.search(text)), bool(_AFTER_DOT.search(text))
    return "" if comma == dot else "," if comma else "."
