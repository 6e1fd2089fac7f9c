"""Rows and tables, whatever kind of file they come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct

from syncd.sources.csv.plain import plain

_RAW_KEPT = 4000
_MOST_SHORT = 100_000


class UnreadableFile(Exception):
    """The file as a whole is no table that we know."""


class CutFile(UnreadableFile):
    """The file is no table, and may become one: its end seems to be missing."""


class CsvRow(Struct, frozen=True):
    """A row: the line that it begins on, its cells, and where each column is."""

    line: int
    cells: Sequence[str]
    columns: Mapping[str, int]

    def get(self, name: str) -> str:
        """Return the cell of a column, blanks stripped; empty where the file has no such column or the row is short."""
        place = self.columns.get(name)
        return self.cells[place].strip() if place is not None and place < len(self.cells) else ""

    @property
    def raw(self) -> str:
        """The row as text, for whoever must mend it."""
        return ",".join(self.cells)[:_RAW_KEPT]


class BadRow(Struct, frozen=True):
    """A row that no cell can be trusted of; ``cells`` are there where it could at least be taken apart."""

    line: int
    reason: str
    raw: str
    cells: Sequence[str] = ()
    cut: bool = False  # the file ends in the middle of it: perhaps the rest is still to come


class Table(Struct, frozen=True):
    """An open table: its columns (each under its normal name) and its rows, to be read once."""

    columns: Mapping[str, int]
    rows: Iterator[CsvRow | BadRow]
    width: int
    typed: bool = False  # a workbook's: a date is a date there, and a text a text


class Widths:
    """Tells torn rows from an exporter that leaves out empty cells at the end: where most rows are whole, a short one is torn."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._whole = 0
        self._short: dict[int, int] = {}

    def saw(self, row: CsvRow | BadRow) -> None:
        """One row of the table."""
        if len(row.cells) >= self._width:
            self._whole += 1
        elif isinstance(row, CsvRow) and len(self._short) < _MOST_SHORT:
            self._short[row.line] = len(row.cells)

    def torn(self) -> Iterator[tuple[int, str]]:
        """Yield the lines of the torn rows, and why none of their cells can be trusted."""
        if self._whole >= len(self._short):
            for line, cells in self._short.items():
                yield (
                    line,
                    f"the row has {cells} cells, the header {self._width}, and other rows are whole: was the line torn?",
                )


@lru_cache(maxsize=4096)  # the same few headings, for every cell of every row
def normal(name: str) -> str:
    """Return a column's name as it is compared: lower case, usual letters, no blanks around it and no marks that nobody sees."""
    return " ".join(plain(name).lower().split())
