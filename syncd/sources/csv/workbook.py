"""Workbooks (.xlsx, .xls, .ods and kin) as tables: the sheets whose header is the preset's, wherever in the sheet it stands."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import zipfile
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from syncd.extras import install_command, is_installed
from syncd.sources.csv import header
from syncd.sources.csv.header import NoHeader, Recognise, Sheet
from syncd.sources.csv.kinds import FileKind
from syncd.sources.csv.rows import BadRow, CsvRow, CutFile, Table, UnreadableFile

SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_PACKED = b"PK"
_LARGEST = 64 << 20  # as it lies there
_UNPACKED = 512 << 20
_MEGABYTES, _SECONDS = 350, 120  # beside a daemon that may have 512 MB in all
_LONGEST_LINE = 4 << 20
_LOOK_S = 0.02
_READER = Path(__file__).with_name("workbook_rows.py")
_KILLED = {-6: "memory", -9: "memory", -24: "time", -11: "memory"}

How = tuple[FileKind, str, str]
"""What the file is, the decimal mark that its numbers are written with, the encoding of one that is text."""


def tables(path: Path, how: How, recognise: Recognise, names: Container[str]) -> Iterator[Table]:
    """Yield the tables that hold what is looked for, sheet by sheet; each must be read to its end before the next.

    Raises:
        CutFile: it looks as if the rest of it were still to come.
        UnreadableFile: it cannot be opened within bounds, or no sheet of it has the header; the message says of what.

    """
    _look_at(path, how[0])
    with _rows_of(path, how) as told:
        sheets = _Sheets(told)
        wrong: NoHeader | None = None
        found = 0
        while sheets.next() is not None:
            try:
                for table in header.tables(_Rows(sheets), recognise, names):
                    found += 1
                    yield table
            except NoHeader as error:
                wrong = wrong or error
        if not found:
            raise wrong or UnreadableFile("it is empty")


def _look_at(path: Path, kind: FileKind) -> None:
    """Check what can be known before it is opened."""
    if not is_installed("workbooks"):
        cure = f"install it ({install_command(['workbooks'])}) and drop the file again, or export it as CSV"
        raise UnreadableFile(f"workbooks need the extra workbooks, which is not installed: {cure}")
    if path.stat().st_size > _LARGEST:
        raise UnreadableFile(f"the workbook has more than {_LARGEST >> 20} MB: export it as CSV")
    with path.open("rb") as file:
        if kind is not FileKind.WORKBOOK or file.read(2) != _PACKED:
            return
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(member.file_size for member in packed.infolist())
    except zipfile.BadZipFile:
        why = "it is no workbook, or a part of one"
        raise (CutFile if path.name.lower().endswith(SUFFIXES) else UnreadableFile)(why) from None
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
        """Yield the rows of this sheet."""
        for said in self._told:
            if isinstance(said, dict) and "sheet" in said:
                self._ahead = said
                return
            yield said


class _Rows(Sheet):
    """The rows of the sheet that the reader is at."""

    typed = True

    def __init__(self, sheets: _Sheets) -> None:
        self._sheets = sheets

    def rows(self) -> Iterator[CsvRow | BadRow]:
        """Yield the sheet's rows; one whose id has lost its end cannot be trusted."""
        for said in self._sheets.rows():
            if isinstance(said, dict):
                line, *cells = said["row"]
                lost = said["lost"]
                reason = f"a spreadsheet keeps 15 digits of a number, and {lost} has lost its end: format that column as text"
                yield BadRow(line, reason, ",".join(cells)[:4000], cells)
            elif any(cell.strip() for cell in said[1:]):
                yield CsvRow(said[0], said[1:], {})


@contextmanager
def _rows_of(path: Path, how: How) -> Iterator[Iterator[Any]]:
    """Yield what the reader prints of a workbook, in a process that is ended whatever happens."""
    words = [sys.executable, "-I", str(_READER), str(path), str(_MEGABYTES), str(_SECONDS), how[0].value, *how[1:]]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as reader:  # noqa: S603  our own program, on a file by its path
        try:
            yield _told(reader)
        finally:
            reader.kill()


def _watch(reader: subprocess.Popen[bytes]) -> None:
    """End the reader when it passes its bounds, where the system does not bound it."""
    ended = threading.Event()  # nobody sets it: it only waits
    with suppress(psutil.Error):
        process = psutil.Process(reader.pid)
        while reader.poll() is None:
            spent = process.cpu_times()
            if process.memory_info().rss > _MEGABYTES << 20 or spent.user + spent.system > _SECONDS:
                reader.kill()
            ended.wait(_LOOK_S)


def _told(reader: subprocess.Popen[bytes]) -> Iterator[Any]:
    while line := reader.stdout.readline(_LONGEST_LINE) if reader.stdout else b"":
        if len(line) >= _LONGEST_LINE:
            raise UnreadableFile(f"a row of the workbook has more than {_LONGEST_LINE >> 20} MB")
        said = json.loads(line)
        if isinstance(said, dict) and "error" in said:
            raise UnreadableFile(f"the workbook cannot be opened: {said['error']}")
        if isinstance(said, dict) and "unbounded" in said:
            threading.Thread(target=_watch, args=(reader,), name="workbook bounds", daemon=True).start()
            continue
        yield said
    code = reader.wait()
    if code:
        what = _KILLED.get(code)
        limit = f"{_MEGABYTES} MB of memory" if what == "memory" else f"{_SECONDS} s"
        raise UnreadableFile(
            f"it needs more than {limit} to be opened: that is no export" if what else "it cannot be opened"
        )
