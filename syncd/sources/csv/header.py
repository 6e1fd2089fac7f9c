"""Finds the headers of a sheet, and so its tables: below titles, again in the middle, or of another layout further down."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import ClassVar

from msgspec import Struct

from syncd.sources.csv.rows import BadRow, CsvRow, Table, UnreadableFile, normal

WITHIN = 50  # rows: what stands above a header is a title, a period, a shop's address
_FEW = 3


class NoHeader(UnreadableFile):
    """No row of a sheet is a header of what is looked for."""


class Header(Struct, frozen=True):
    """A row of headings: the place of each, under its normal name, and those that stand there twice."""

    columns: Mapping[str, int]
    repeated: frozenset[str]
    width: int


Recognise = Callable[[Header], Mapping[str, int]]
"""From a header to the places of the preset's columns; raises ``UnreadableFile`` where it is none of its own."""


class Sheet(ABC):
    """Rows without a meaning yet: a text file, or one sheet of a workbook."""

    typed: ClassVar[bool] = False

    @abstractmethod
    def rows(self) -> Iterator[CsvRow | BadRow]:
        """Yield the rows that are not empty, once; one that cannot be trusted says why."""

    def expect(self, width: int) -> None:  # noqa: B027  a workbook need not know
        """From here on a whole row has so many cells."""


def header_of(cells: Sequence[str]) -> Header:
    """Return what a row would be as a header."""
    columns: dict[str, int] = {}
    count = Counter(filter(None, map(normal, cells)))
    for place, name in enumerate(map(normal, cells)):
        if name:
            columns.setdefault(name, place)
    return Header(columns, frozenset(name for name, times in count.items() if times > 1), len(cells))


def tables(sheet: Sheet, recognise: Recognise, names: Container[str]) -> Iterator[Table]:
    """Yield the tables of a sheet, each to be read to its end before the next; ``names`` are headings that may begin one.

    Raises:
        NoHeader: no row of the first ones is a header; the message says what the wordiest lacks.

    """
    rows = sheet.rows()
    found: tuple[Mapping[str, int], Header] | None = _first(rows, recognise)
    while found is not None:
        columns, header = found
        sheet.expect(header.width)
        ahead: list[tuple[Mapping[str, int], Header]] = []
        yield Table(columns, _until_next(rows, header, (recognise, names), ahead), header.width, sheet.typed)
        found = ahead[0] if ahead else None


def _first(rows: Iterator[CsvRow | BadRow], recognise: Recognise) -> tuple[Mapping[str, int], Header]:
    wrong, words = "it is empty", 0
    for count, row in enumerate(rows, start=1):
        header = header_of(row.cells)
        try:
            return recognise(header), header
        except UnreadableFile as error:
            if len(header.columns) > words:
                wrong, words = str(error), len(header.columns)
        if count >= WITHIN:
            break
    raise NoHeader(wrong)


def _until_next(
    rows: Iterator[CsvRow | BadRow],
    header: Header,
    known: tuple[Recognise, Container[str]],
    ahead: list[tuple[Mapping[str, int], Header]],
) -> Iterator[CsvRow | BadRow]:
    """Yield the rows below a header up to the next one, which is put into ``ahead``; the same header again is skipped."""
    last = 0
    for row in rows:
        if found := _recognised(row.cells, header, known):
            last = row.line
            if found[1].columns == header.columns:
                continue
            ahead.append(found)
            return
        if row.line > last + 1 and last and _is_other_header(row.cells):
            count = 0
            for other in rows:
                if found := _recognised(other.cells, header, known):
                    ahead.append(found)
                    break
                count += 1
            yield BadRow(row.line, _other_table(row.cells, count), ",".join(row.cells))
            return
        last = row.line
        yield row


def _recognised(
    cells: Sequence[str], header: Header, known: tuple[Recognise, Container[str]]
) -> tuple[Mapping[str, int], Header] | None:
    """Return a row that is a header itself: the places of its columns; None where it is not."""
    recognise, names = known
    if not _may_be_header(cells, header, names):
        return None
    found = header_of(cells)
    try:
        return recognise(found), found
    except UnreadableFile:
        return None


def _may_be_header(cells: Sequence[str], header: Header, names: Container[str]) -> bool:
    first = next((cell for cell in cells if cell), "")
    if not first or first[0].isdigit():
        return False
    name = normal(first)
    return name in header.columns or name in names


def _is_other_header(cells: Sequence[str]) -> bool:
    """Whether a row below an empty line has headings, and nothing that a sale has: no number and no date."""
    words = [cell for cell in cells if cell.strip()]
    return len(words) >= _FEW and not any(char.isdigit() for cell in words for char in cell)


def _other_table(cells: Sequence[str], count: int) -> str:
    named = ", ".join(cell.strip() for cell in cells if cell.strip())[:120]
    return (
        f"another table begins here ({named}), which this source does not read, and so its {count} rows are left:"
        " where they are sales, export them as a file of their own"
    )
