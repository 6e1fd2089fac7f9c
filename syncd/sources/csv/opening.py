"""From a file to its tables, whatever kind of file it is: text, or a workbook's sheets."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from functools import partial
from pathlib import Path

from syncd.sources.csv import workbook
from syncd.sources.csv.preset import Preset, columns_of
from syncd.sources.csv.rows import Table, encoding_of, read_table
from syncd.sources.csv.settings import CsvSettings


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
    with path.open(encoding=encoding_of(path, settings.encoding), newline="") as text:
        table = read_table(text, settings.delimiter, which.names())
        yield replace(table, columns=recognise(table.columns))
