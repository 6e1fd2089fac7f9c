"""Workbooks (.xlsx, .xls, .ods and kin) as tables: the sheets whose header is the preset's, wherever in the sheet it stands."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from syncd.sources.csv.rows import BadRow, CutFile, Row, Table, UnreadableFile, normal

SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_ZIPPED = (".xlsx", ".xlsm", ".xlsb", ".ods")
_LARGEST = 64 << 20  # as it lies there
_UNPACKED = 512 << 20
_MEGABYTES, _SECONDS = 350, 120  # beside a daemon that may have 512 MB in all
_HEADER_WITHIN = 50
_LONGEST_LINE = 4 << 20
_READER = Path(__file__).with_name("workbook_rows.py")
_KILLED = {-6: "memory", -9: "memory", -24: "time", -11: "memory"}

Recognise = Callable[[Mapping[str, int]], Mapping[str, int]]
"""From the places of a row's cells to those of the preset's columns; raises ``UnreadableFile`` where they are not its own."""


def is_workbook(path: Path) -> bool:
    """Whether the file goes by a workbook's name."""
    return path.name.lower().endswith(SUFFIXES)


def tables(path: Path, mark: str, recognise: Recognise) -> Iterator[Table]:
    """The sheets that hold what is looked for, one after another; each must be read to its end before the next.

    Raises:
        CutFile: it looks as if the rest of it were still to come.
        UnreadableFile: it cannot be opened within bounds, or no sheet of it has the header; the message says of what.

    """
    _look_at(path)
    with _rows_of(path, mark) as told:
        sheets = _Sheets(told)
        wrong: UnreadableFile | None = None
        found = 0
        while (name := sheets.next()) is not None:
            header, trouble = _header(sheets, recognise)
            wrong = wrong or trouble
            if header is None:
                continue
            found += 1
            yield Table(header, _rows(sheets, header), max(header.values(), default=0) + 1)
            del name
        if not found:
            raise wrong or UnreadableFile("it is empty")


def _look_at(path: Path) -> None:
    """What can be told before it is opened."""
    if path.stat().st_size > _LARGEST:
        raise UnreadableFile(f"the workbook has more than {_LARGEST >> 20} MB: export it as CSV")
    if not path.name.lower().endswith(_ZIPPED):
        return
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(member.file_size for member in packed.infolist())
    except zipfile.BadZipFile:
        raise CutFile("it is no workbook, or a part of one") from None
    if size > _UNPACKED:
        raise UnreadableFile(f"it would unpack to more than {_UNPACKED >> 20} MB: that is no export")


class _Sheets:
    """What the reader prints, sheet by sheet."""

    def __init__(self, told: Iterator[Any]) -> None:
        self._told = told
        self._ahead: Any = None

    def next(self) -> str | None:
        """Go on to the next sheet: its name; None after the last."""
        while True:
            said = self._ahead if self._ahead is not None else next(self._told, None)
            self._ahead = None
            if said is None:
                return None
            if isinstance(said, dict) and "sheet" in said:
                return str(said["sheet"])

    def rows(self) -> Iterator[Any]:
        """The rows of this sheet."""
        for said in self._told:
            if isinstance(said, dict) and "sheet" in said:
                self._ahead = said
                return
            yield said


def _header(sheets: _Sheets, recognise: Recognise) -> tuple[Mapping[str, int] | None, UnreadableFile | None]:
    """The columns of a sheet's first row that is a header; else what the row that has most words in it lacks."""
    wrong, words = None, 1
    for count, said in enumerate(sheets.rows(), start=1):
        cells = said[1:] if isinstance(said, list) else []
        columns: dict[str, int] = {}
        for place, cell in enumerate(cells):
            if cell.strip():
                columns.setdefault(normal(cell), place)
        try:
            return recognise(columns), None
        except UnreadableFile as error:
            if len(columns) > words:
                wrong, words = error, len(columns)
        if count >= _HEADER_WITHIN:
            break
    return None, wrong


def _rows(sheets: _Sheets, columns: Mapping[str, int]) -> Iterator[Row | BadRow]:
    for said in sheets.rows():
        if isinstance(said, dict):
            line, *cells = said["row"]
            reason = f"a spreadsheet keeps 15 digits of a number, and {said['lost']} has lost its end: format that column as text"
            yield BadRow(line, reason, ",".join(cells)[:4000], cells)
        elif any(cell.strip() for cell in said[1:]):
            yield Row(said[0], said[1:], columns)


@contextmanager
def _rows_of(path: Path, mark: str) -> Iterator[Iterator[Any]]:
    """What the reader prints of a workbook, in a process that is ended whatever happens."""
    words = [sys.executable, "-I", str(_READER), str(path), str(_MEGABYTES), str(_SECONDS), mark]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as reader:  # noqa: S603  our own program, on a file by its path
        try:
            yield _told(reader)
        finally:
            reader.kill()


def _told(reader: subprocess.Popen[bytes]) -> Iterator[Any]:
    while line := reader.stdout.readline(_LONGEST_LINE) if reader.stdout else b"":
        if len(line) >= _LONGEST_LINE:
            raise UnreadableFile(f"a row of the workbook has more than {_LONGEST_LINE >> 20} MB")
        said = json.loads(line)
        if isinstance(said, dict) and "error" in said:
            raise UnreadableFile(f"the workbook cannot be opened: {said['error']}")
        yield said
    code = reader.wait()
    if code:
        what = _KILLED.get(code)
        limit = f"{_MEGABYTES} MB of memory" if what == "memory" else f"{_SECONDS} s"
        raise UnreadableFile(
            f"it needs more than {limit} to be opened: that is no export" if what else "it cannot be opened"
        )
