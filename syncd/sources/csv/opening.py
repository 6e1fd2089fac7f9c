"""From a file to its tables, whatever kind of file it is: text, or a workbook's sheets."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from syncd.sources.csv import workbook
from syncd.sources.csv.codepages import encoding_of
from syncd.sources.csv.headings import GENERIC
from syncd.sources.csv.preset import Preset, columns_of
from syncd.sources.csv.rows import Table, UnreadableFile, read_table
from syncd.sources.csv.settings import CsvSettings

_HEADER_WORDS = 3


def bare(path: Path, settings: CsvSettings) -> Generator[Table]:
    """The first table of a file, whatever its columns: of a workbook, the first row that has words in at least three cells.

    Raises:
        UnreadableFile: it holds no table.
        OSError, UnicodeError: it cannot be read.

    """
    if workbook.is_workbook(path):
        yield from workbook.tables(path, settings.decimal_mark or ".", _any_header)
        return
    with path.open(encoding=_encoding(path, settings), newline="") as text:
        yield read_table(text, settings.delimiter, {one for names in GENERIC.values() for one in names})


def _any_header(columns: Mapping[str, int]) -> Mapping[str, int]:
    if sum(not any(char.isdigit() for char in name) for name in columns) < _HEADER_WORDS:
        raise UnreadableFile("it has no row of headings")
    return columns


def opened(path: Path, which: Preset, settings: CsvSettings) -> Generator[Table]:
    """The tables of a file that are the preset's, their columns under the names that it looks for; each is read before the next.

    Raises:
        UnreadableFile: it holds none of the preset's tables.
        OSError, UnicodeError: it cannot be read.

    """
    recognise = partial(columns_of, which=which, settings=settings)
    if workbook.is_workbook(path):
        yield from workbook.tables(path, settings.decimal_mark or ".", recognise)
        return
    with path.open(encoding=_encoding(path, settings), newline="") as text:
        table = read_table(text, settings.delimiter, which.names())
        yield replace(table, columns=recognise(table.columns))


def _encoding(path: Path, settings: CsvSettings) -> str:
    return encoding_of(path, settings.encoding, settings.currency or "", settings.timezone or "")
