"""From text to rows: delimiters, quoted newlines, and bounds on what one cell may cost."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TextIO

_LONGEST_CELL = 1 << 20
_LONGEST_LINE = 4 << 20
_RAW_KEPT = 4000
_MOST_SHORT = 100_000
_WIDE = 6  # that many separators in a line of prose are no accident
_WORD = re.compile(r"\w+")
_DELIMITERS = (",", ";", "\t", "|")

csv.field_size_limit(_LONGEST_CELL)


class UnreadableFile(Exception):
    """The file as a whole is no table that we know."""


class CutFile(UnreadableFile):
    """The file is no table, and may become one: its end seems to be missing."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row: the line that it begins on, its cells, and where each column is."""

    line: int
    cells: Sequence[str]
    columns: Mapping[str, int]

    def get(self, name: str) -> str:
        """The cell of a column, blanks stripped; empty where the file has no such column or the row is short."""
        place = self.columns.get(name)
        return self.cells[place].strip() if place is not None and place < len(self.cells) else ""

    @property
    def raw(self) -> str:
        """The row as text, for whoever must mend it."""
        return ",".join(self.cells)[:_RAW_KEPT]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that no cell can be trusted of; ``cells`` are there where it could at least be taken apart."""

    line: int
    reason: str
    raw: str
    cells: Sequence[str] = ()
    cut: bool = False  # the file ends in the middle of it: perhaps the rest is still to come


@dataclass(frozen=True, slots=True)
class Table:
    """An open table: its columns (each under its normal name) and its rows, to be read once."""

    columns: Mapping[str, int]
    rows: Iterator[Row | BadRow]
    width: int


class Widths:
    """Tells torn rows from an exporter that leaves out empty cells at the end: where most rows are whole, a short one is torn."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._whole = 0
        self._short: dict[int, int] = {}

    def saw(self, row: Row | BadRow) -> None:
        """One row of the table."""
        if len(row.cells) >= self._width:
            self._whole += 1
        elif isinstance(row, Row) and len(self._short) < _MOST_SHORT:
            self._short[row.line] = len(row.cells)

    def torn(self) -> Iterator[tuple[int, str]]:
        """The lines of the torn rows, and why none of their cells can be trusted."""
        if self._whole >= len(self._short):
            for line, cells in self._short.items():
                yield (
                    line,
                    f"the row has {cells} cells, the header {self._width}, and other rows are whole: was the line torn?",
                )


def read_table(file: TextIO, delimiter: str, names: Iterable[str]) -> Table:
    """The table in an open text file; its first row that is not blank is the header.

    Raises:
        UnreadableFile: it has no header, or one that is no text.

    """
    lines = _Lines(file)
    first = next((line for line in lines if line.strip()), "")
    if not first:
        raise UnreadableFile("it is empty")
    mark = delimiter if delimiter != "auto" else _delimiter(first, set(map(normal, names)))
    reader = csv.reader(_chain(first, lines), delimiter=mark)
    try:
        header = next(reader)
    except (csv.Error, StopIteration):
        raise UnreadableFile("its header cannot be read") from None
    columns: dict[str, int] = {}
    for place, name in enumerate(header):
        columns.setdefault(normal(name), place)
    return Table(columns, _rows(reader, lines, _Shape(columns, len(header), mark)), len(header))


@lru_cache(maxsize=4096)  # the same few headings, for every cell of every row
def normal(name: str) -> str:
    """A column's name as it is compared: no blanks around it, lower case."""
    return name.strip().lstrip("\ufeff").lower()


def _delimiter(header: str, names: set[str]) -> str:
    """The delimiter under which most of the expected names, then most columns, appear."""

    def score(mark: str) -> tuple[int, int]:
        cells = next(csv.reader([header], delimiter=mark), [])
        return len(names & {normal(cell) for cell in cells}), len(cells)

    return max(_DELIMITERS, key=score)


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


class _Lines:
    """The lines of a file; of one that is longer than any row could be, its beginning alone."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.ended = False  # somebody asked for a line after the last
        self.cut = False  # the last line has no end

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._file.readline(_LONGEST_LINE)
        if not line:
            self.ended = True
            raise StopIteration
        rest = line
        while len(rest) == _LONGEST_LINE and not rest.endswith("\n"):
            rest = self._file.readline(_LONGEST_LINE)
        self.cut = not (rest or line).endswith(("\n", "\r"))
        return line


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a table's rows look like: its columns, how many cells a row has, and what stands between them."""

    columns: Mapping[str, int]
    width: int
    mark: str


def _rows(reader: Iterator[list[str]], lines: _Lines, shape: _Shape) -> Iterator[Row | BadRow]:
    while True:
        line = reader.line_num + 1  # type: ignore[attr-defined]  # csv's reader is an iterator with a line number
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, UnicodeDecodeError) as error:
            if reader.line_num > line:  # type: ignore[attr-defined]  # as above
                raise UnreadableFile(f"the quote that opens on line {line} does not close: {error}") from None
            yield BadRow(line, f"the row cannot be read: {error}", "")
            continue
        if lines.ended:  # the reader wanted more in the middle of a row: a quote is open
            raise UnreadableFile(f"the quote that opens on line {line} never closes")
        if reader.line_num > line and _swallows_a_row(cells, shape):  # type: ignore[attr-defined]  # as above
            raise UnreadableFile(f"the quote that opens on line {line} closes only after other rows")
        if any(cell.strip() for cell in cells):
            yield _row(line, cells, shape, cut=lines.cut)


def _row(line: int, cells: list[str], shape: _Shape, *, cut: bool) -> Row | BadRow:
    width = shape.width
    # An exporter may end each row with a mark; a cell over several lines *and* one too many come from a stray quote.
    if any(cell.strip() for cell in cells[width:]) or (len(cells) > width and any("\n" in cell for cell in cells)):
        reason = f"the row has {len(cells)} cells, the header {width}"
        return BadRow(line, reason, ",".join(cells)[:_RAW_KEPT], cells)
    if cut and len(cells) < width:
        reason = f"the file ends in the middle of this row: it has {len(cells)} cells of {width} and no line end"
        return BadRow(line, reason, ",".join(cells)[:_RAW_KEPT], cells, cut=True)
    return Row(line, cells, shape.columns)


def _swallows_a_row(cells: list[str], shape: _Shape) -> bool:
    """Whether a line within a cell is a row of its own: then a quote was left open, and the cell holds other sales."""
    begins = _outline(cells[0].split("\n", 1)[0])
    for place, cell in enumerate(cells):
        for text in cell.splitlines()[1:]:
            inner = next(csv.reader([text], delimiter=shape.mark), [])
            alike = bool(inner) and _outline(inner[0]) == begins
            if len(inner) >= shape.width and (alike or shape.width >= _WIDE):
                return True
            if len(inner) > 1 and alike and len(inner) + len(cells) - place - 1 >= shape.width:
                return True
    return False


def _outline(cell: str) -> str:
    return _WORD.sub("x", cell.strip())
