"""From a file to its tables, whatever kind of file it is: text, a workbook's sheets, a page's tables."""

from __future__ import annotations

from collections.abc import Container, Generator, Mapping
from functools import partial
from pathlib import Path

from syncd.sources.csv import workbook
from syncd.sources.csv.codepages import encoding_of
from syncd.sources.csv.header import Header, Recognise, tables
from syncd.sources.csv.kinds import FileKind, kind_of
from syncd.sources.csv.preset import CsvPreset, columns_of
from syncd.sources.csv.rows import Table, UnreadableFile
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.csv.text import TextSheet

_HEADER_WORDS = 3


def bare(path: Path, settings: CsvSettings) -> Generator[Table]:
    """Return the first table of a file, whatever its columns: its header is the first row with words in three cells or more.

    Raises:
        UnreadableFile: it holds no table.
        OSError, UnicodeError: it cannot be read.

    """
    yield from _tables(path, settings, _any_header, ())


def _any_header(header: Header) -> Mapping[str, int]:
    if sum(not any(char.isdigit() for char in name) for name in header.columns) < _HEADER_WORDS:
        raise UnreadableFile("it has no row of headings")
    return header.columns


def opened(path: Path, which: CsvPreset, settings: CsvSettings) -> Generator[Table]:
    """Return the tables of a file that are the preset's, their columns under the names that it looks for.

    Each is read before the next.

    Raises:
        UnreadableFile: it holds none of the preset's tables.
        OSError, UnicodeError: it cannot be read.

    """
    yield from _tables(path, settings, partial(columns_of, which=which, settings=settings), which.names())


def _tables(path: Path, settings: CsvSettings, recognise: Recognise, names: Container[str]) -> Generator[Table]:
    kind = kind_of(path)
    if kind is not FileKind.TEXT:
        if not isinstance(mark := settings.decimal_mark or ".", str):
            raise UnreadableFile("it is a workbook, which needs one decimal_mark: the one of its texts")
        encoding = "" if kind is FileKind.WORKBOOK else _encoding(path, settings)
        yield from workbook.tables(path, (kind, mark, encoding), recognise, names)
        return
    with path.open(encoding=_encoding(path, settings), newline="") as text:
        yield from tables(TextSheet(text, settings.delimiter, recognise), recognise, names)


def _encoding(path: Path, settings: CsvSettings) -> str:
    return encoding_of(path, settings.encoding, settings.currency or "", settings.timezone or "")
