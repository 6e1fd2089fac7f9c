"""Ids that a spreadsheet has damaged: shortened to ``7.23732E+12``, cut after 15 digits, or taken for a date. Pure.

A damaged id is another sale's, or nobody's: its row is a fault. Where many are damaged, the file is set aside as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from syncd.sources.csv.calendar_words import month_of
from syncd.sources.csv.plain import plain
from syncd.sources.csv.rows import CsvRow

_SHORTENED = re.compile(r"\d(?:[.,]\d{1,15})?[eE]\+?\d{1,2}")
_KEPT_DIGITS = 15  # of a number, by every spreadsheet
_LONG = re.compile(r"\d{16,40}")
_NAMED_MONTH = re.compile(r"(\d{1,4})?[-. /]?([^\W\d_]{3,12})\.?[-. /](\d{1,4})|(\d{1,2})[-. /]([^\W\d_]{3,12})\.?")
_WHOLE_DATE = re.compile(
    r"(?:19|20)\d{2}-\d{2}-\d{2}(?: 00:00(?::00)?)?|\d{1,2}[./]\d{1,2}[./](?:\d{2}|(?:19|20)\d{2})"
)
_NUMBERED = re.compile(r"\d{1,6}[-/.]\d{1,9}")  # till and number, which a spreadsheet takes for month and year
_MANY = 3
_SHARE = 5  # one of so many
_CURE = "export it anew and drop it as it was downloaded, without opening it in a spreadsheet"
_MADE_A_DATE = f"a spreadsheet has made a date of the receipt number, {{cell}}: {_CURE}"


@dataclass(slots=True)
class Damage:
    """Looks at the ids in ``columns`` of one table; ``numbered``: they are always a till's number and a receipt's."""

    columns: tuple[str, ...]
    numbered: bool = False
    _rows: int = 0
    _bad: dict[str, str] = field(default_factory=dict)
    _bad_rows: int = 0
    _dated: dict[str, list[int]] = field(default_factory=dict)
    _long: int = 0
    _cut: dict[str, list[int]] = field(default_factory=dict)

    def saw(self, row: CsvRow) -> str:
        """Why the ids of a row cannot be trusted, as far as one row tells; empty where they can."""
        self._rows += any(row.get(name) for name in self.columns)
        for name in self.columns:
            cell = row.get(name)
            if not cell or cell.isalpha():
                continue
            if ("E" in cell or "e" in cell) and _SHORTENED.fullmatch(cell):
                return self._note(cell, f"a spreadsheet has shortened the number in {name!r} to {cell}: {_CURE}")
            if len(cell) > _KEPT_DIGITS and _LONG.fullmatch(cell):
                self._long += 1
                if set(cell[_KEPT_DIGITS:]) == {"0"}:
                    self._cut.setdefault(cell, []).append(row.line)
            elif _NUMBERED.fullmatch(cell):
                self.numbered = self.numbered or not _WHOLE_DATE.fullmatch(cell)
            elif is_date(cell) and cell != cell.upper():  # no till is called Jan
                return self._note(cell, _MADE_A_DATE.format(cell=cell))
            elif is_date(cell):
                self._dated.setdefault(cell, []).append(row.line)
        return ""

    def _note(self, cell: str, why: str) -> str:
        self._bad[cell] = why
        self._bad_rows += 1
        return why

    def late(self) -> Iterator[tuple[int, str]]:
        """Yield the lines of further rows that cannot be trusted, and why: what only the whole table tells."""
        if self.numbered:
            for cell, lines in self._dated.items():
                why = _MADE_A_DATE.format(cell=cell)
                for line in lines:
                    self._note(cell, why)
                    yield line, why
        if self._are_cut():
            for cell, lines in self._cut.items():
                why = f"a spreadsheet keeps {_KEPT_DIGITS} digits of a number, and {cell} has lost its end: {_CURE}"
                for line in lines:
                    self._note(cell, why)
                    yield line, why

    def _are_cut(self) -> bool:
        """Whether the zeros at the end of long numbers are no chance: at most one in ten of 16 digits ends so, and it takes two."""
        rows = sum(map(len, self._cut.values()))
        zeros = max((len(cell) - _KEPT_DIGITS for cell in self._cut), default=0)
        return rows * 2 > self._long and (zeros >= 4 or len(self._cut) >= _MANY)

    def verdict(self) -> str:
        """Why the file as a whole is not to be read; empty where few of its ids, or none, are damaged."""
        if len(self._bad) >= _MANY and self._bad_rows * _SHARE >= self._rows:
            why = next(iter(self._bad.values()))
            return f"{self._bad_rows:,} of its {self._rows:,} rows have ids that are none any more: {why}"
        return ""


def is_date(cell: str) -> bool:
    """Whether a cell is a date, as spreadsheets make them of numbers such as 1-2026: ``Jan-26``, ``01/2026``, ``2026-01-01``."""
    text = plain(cell)
    if _WHOLE_DATE.fullmatch(text):
        return True
    found = _NAMED_MONTH.fullmatch(text)
    return found is not None and month_of(found[2] or found[5]) is not None


class Ids:
    """Tells sales of one table that have the same id: neither can be told by it."""

    def __init__(self, column: str) -> None:
        self._column = column
        self._lines: dict[str, dict[str, int]] = {}

    def saw(self, key: str, row: CsvRow) -> None:
        """Note a row of the sale that the export knows as ``key``."""
        if self._column and (number := row.get(self._column)):
            self._lines.setdefault(number, {}).setdefault(key, row.line)

    def equal(self) -> Iterator[tuple[int, str]]:
        """Yield a line of each sale whose id is another's as well, and why neither can be told."""
        for number, lines in self._lines.items():
            if len(lines) > 1:
                names = " and ".join(sorted(key.partition("\n")[0] for key in lines)[:3])
                for line in lines.values():
                    yield line, f"{names} have the same id, {number}: {_CURE}"
