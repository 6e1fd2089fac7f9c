"""From bytes to rows: encodings, delimiters, quoted newlines, and bounds on what one cell may cost."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

_CHUNK = 1 << 20
_LONGEST_CELL = 1 << 20
_LONGEST_LINE = 4 << 20
_RAW_KEPT = 4000
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DELIMITERS = (",", ";", "\t", "|")

csv.field_size_limit(_LONGEST_CELL)


class UnreadableFile(Exception):
    """The file as a whole is no table that we know."""


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


def encoding_of(path: Path, wanted: str) -> str:
    """The encoding of a file: as configured, by its byte order mark, UTF-8 where it is valid, else cp1252.

    Raises:
        UnreadableFile: it is none of these.

    """
    if wanted != "auto":
        return wanted
    with path.open("rb") as file:
        head = file.read(4)
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    for name in ("utf-8", "cp1252"):
        if _decodes(path, name):
            return name
    raise UnreadableFile("it is neither UTF-8 nor cp1252 text: set encoding for this source")


def _decodes(path: Path, name: str) -> bool:
    decoder = codecs.getincrementaldecoder(name)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Table:
    """An open table: its columns (each under its normal name) and its rows, to be read once."""

    columns: Mapping[str, int]
    rows: Iterator[Row | BadRow]


def read_table(file: TextIO, delimiter: str, names: Iterable[str]) -> Table:
    """The table in an open text file; its first row that is not blank is the header.

    Raises:
        UnreadableFile: it has no header, or one that is no text.

    """
    lines = _bounded_lines(file)
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
    return Table(columns, _rows(reader, columns, len(header)))


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


def _bounded_lines(file: TextIO) -> Iterator[str]:
    """The lines of a file; of one that is longer than any row could be, its beginning alone."""
    while line := file.readline(_LONGEST_LINE):
        yield line
        while len(line) == _LONGEST_LINE and not line.endswith("\n"):
            line = file.readline(_LONGEST_LINE)


def _rows(reader: Iterator[list[str]], columns: Mapping[str, int], width: int) -> Iterator[Row | BadRow]:
    while True:
        line = reader.line_num + 1  # type: ignore[attr-defined]  # csv's reader is an iterator with a line number
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, UnicodeDecodeError) as error:
            yield BadRow(line, f"the row cannot be read: {error}", "")
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > width and any(cell.strip() for cell in cells[width:]):
            reason = f"the row has {len(cells)} cells, the header {width}"
            yield BadRow(line, reason, ",".join(cells)[:_RAW_KEPT], cells)
            continue
        yield Row(line, cells, columns)
