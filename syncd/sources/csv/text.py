"""Rows of a text file: its delimiter, quoted newlines, rows in quotes as a whole, and bounds on what one cell may cost."""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TextIO

from syncd.sources.csv.header import WITHIN, Recognise, Sheet, header_of
from syncd.sources.csv.rows import BadRow, CsvRow, UnreadableFile

_LONGEST_CELL = 1 << 20
_LONGEST_LINE = 4 << 20
_RAW_KEPT = 4000
_WIDE = 6  # that many separators in a line of prose are no accident
_WORD = re.compile(r"\w+")
_DELIMITERS = (",", ";", "\t", "|")
_NAMES_DELIMITER = re.compile(r"\ufeff?\"?sep=(.)\"?;*\s*", re.IGNORECASE)

csv.field_size_limit(_LONGEST_CELL)


class TextSheet(Sheet):
    """The rows of a text file from its header on; ``recognise`` tells the line that is one, and so the delimiter.

    Raises:
        UnreadableFile: the file is empty.

    """

    def __init__(self, file: TextIO, delimiter: str, recognise: Recognise) -> None:
        self._lines = _Lines(file)
        first: list[str] = []
        skipped = 0
        mark = "" if delimiter == "auto" else delimiter
        for line in self._lines.ahead():
            if not first and (named := _NAMES_DELIMITER.fullmatch(line)):
                mark, skipped = mark or named[1], skipped + 1
            elif not first and not _is_row(line):
                skipped += 1
            else:
                first.append(line)
                if len(first) >= WITHIN or (len(first) == 1 and _is_header(first, mark, recognise)):
                    break
        if not first:
            raise UnreadableFile("it is empty")
        place, self._mark = _header_line(first, mark, recognise)
        self._skipped = skipped + place
        self._lines.drop(self._skipped)
        self._width = 0
        self._reader = csv.reader(self._lines, delimiter=self._mark)

    def expect(self, width: int) -> None:
        """From here on a whole row has so many cells."""
        self._width = width

    def rows(self) -> Iterator[CsvRow | BadRow]:
        """Yield the rows, the header first.

        Raises:
            UnreadableFile: a quote is open, and where the rows end cannot be told.

        """
        reader = self._reader
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except (csv.Error, UnicodeDecodeError) as error:
                if reader.line_num > line:
                    raise UnreadableFile(
                        f"the quote that opens on line {self._at(line)} does not close: {error}"
                    ) from None
                yield BadRow(self._at(line), f"the row cannot be read: {error}", "")
                continue
            if self._lines.ended:  # the reader wanted more in the middle of a row: a quote is open
                raise UnreadableFile(f"the quote that opens on line {self._at(line)} never closes")
            if len(cells) == 1 and self._width != 1:
                cells = _unquoted(cells[0], self._mark) or cells
            if reader.line_num > line and self._width and _swallows_a_row(cells, self._width, self._mark):
                raise UnreadableFile(f"the quote that opens on line {self._at(line)} closes only after other rows")
            if any(cell.strip() for cell in cells):
                yield self._row(self._at(line), cells)

    def _at(self, line: int) -> int:
        return line + self._skipped

    def _row(self, line: int, cells: list[str]) -> CsvRow | BadRow:
        width = self._width
        if not width:
            return CsvRow(line, cells, {})
        # An exporter may end each row with a mark; a cell over several lines *and* one too many come from a stray quote.
        if any(cell.strip() for cell in cells[width:]) or (len(cells) > width and any("\n" in cell for cell in cells)):
            reason = f"the row has {len(cells)} cells, the header {width}"
            return BadRow(line, reason, ",".join(cells)[:_RAW_KEPT], cells)
        if self._lines.cut and len(cells) < width:
            reason = f"the file ends in the middle of this row: it has {len(cells)} cells of {width} and no line end"
            return BadRow(line, reason, ",".join(cells)[:_RAW_KEPT], cells, cut=True)
        return CsvRow(line, cells, {})


def _is_row(line: str) -> bool:
    """Whether a line above the header may be one: it is neither empty nor a remark."""
    return bool(line.strip("\ufeff \t\r\n,;|")) and not line.lstrip("\ufeff ").startswith("#")


def _is_header(lines: Sequence[str], mark: str, recognise: Recognise) -> bool:
    try:
        return any(_recognised(lines, one, recognise) for one in ([mark] if mark else _DELIMITERS))
    except UnreadableFile:
        return True  # it is one, and why it cannot be read is reported when it is


def _header_line(lines: Sequence[str], mark: str, recognise: Recognise) -> tuple[int, str]:
    """Which of the first lines is the header, and under which delimiter; where none is, the one with the most cells."""
    marks = [mark] if mark else _DELIMITERS
    for place in range(len(lines)):
        known = [one for one in marks if _recognised(lines[place:], one, recognise)]
        if known:
            return place, max(known, key=lambda one: len(_cells(lines[place:], one)))
    _, place, mark = max(
        (len([cell for cell in _cells([line], one) if cell.strip()]), -place, one)
        for place, line in enumerate(lines)
        for one in marks
    )
    return -place, mark


def _recognised(lines: Sequence[str], mark: str, recognise: Recognise) -> bool:
    cells = _cells(lines, mark)
    if not cells:
        return False
    try:
        recognise(header_of(cells))
    except UnreadableFile:
        return False
    return True


def _cells(lines: Sequence[str], mark: str) -> list[str]:
    try:
        cells = next(csv.reader(lines, delimiter=mark), [])
    except csv.Error:
        return []
    return (_unquoted(cells[0], mark) or cells) if len(cells) == 1 else cells


def _unquoted(cell: str, mark: str) -> list[str]:
    """Return the cells of a row that stands in quotes as a whole; none where it does not.

    A spreadsheet whose language separates by semicolons opens ``a,b`` as one cell, and saves it as ``"a,b"`` or ``"a,b";``.
    """
    bare = cell.rstrip(";\t ") if mark == "," else cell
    if mark not in bare:
        return []
    try:
        rows = list(csv.reader(io.StringIO(bare, newline=""), delimiter=mark))
    except csv.Error:
        return []
    return rows[0] if len(rows) == 1 else []


class _Lines:
    """The lines of a file; of one that is longer than any row could be, its beginning alone."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._ahead: deque[str] = deque()
        self.ended = False  # somebody asked for a line after the last
        self.cut = False  # the last line has no end

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._ahead.popleft() if self._ahead else self._read()
        if not line:
            self.ended = True
            raise StopIteration
        self.cut = not line.endswith(("\n", "\r"))
        return line

    def ahead(self) -> Iterator[str]:
        """Yield the next lines, which come again when they are asked for."""
        while line := self._read():
            self._ahead.append(line)
            yield line

    def drop(self, count: int) -> None:
        """Forget the first of the lines ahead."""
        for _ in range(count):
            self._ahead.popleft()

    def _read(self) -> str:
        line = self._file.readline(_LONGEST_LINE)
        if len(line) < _LONGEST_LINE or line.endswith("\n"):
            return line
        while rest := self._file.readline(_LONGEST_LINE):
            if rest.endswith("\n"):
                return line[:-1] + "\n"
        return line


def _swallows_a_row(cells: list[str], width: int, mark: str) -> bool:
    """Whether a line within a cell is a row of its own: then a quote was left open, and the cell holds other sales."""
    begins = _outline(cells[0].split("\n", 1)[0])
    for place, cell in enumerate(cells):
        for text in cell.splitlines()[1:]:
            inner = next(csv.reader([text], delimiter=mark), [])
            alike = bool(inner) and _outline(inner[0]) == begins
            if len(inner) >= width and (alike or width >= _WIDE):
                return True
            if len(inner) > 1 and alike and len(inner) + len(cells) - place - 1 >= width:
                return True
    return False


def _outline(cell: str) -> str:
    return _WORD.sub("x", cell.strip())
