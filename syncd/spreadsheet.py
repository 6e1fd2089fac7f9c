"""CSV for people who open it in a spreadsheet: no cell of it is ever taken for a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator

_NUMBER = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?")
# Where a formula may begin: at the start of a cell, and behind what another language's spreadsheet takes for the end of one.
_FORMULA = re.compile(r"(^|[;\t\r\n|,])([ \t\r\n\xa0\"']{0,20})(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")


def tame(cell: object) -> str:
    """Return a cell that no spreadsheet takes for a formula; numbers stay what they are."""
    text = "" if cell is None else str(cell)
    return text if _NUMBER.fullmatch(text) else _FORMULA.sub(r"\1\2'", text)


def lines(head: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield the lines of a CSV file, its head first, each with its end."""
    yield line(head)
    yield from map(line, rows)


def line(cells: Iterable[object]) -> str:
    """One line of a CSV file, with its end."""
    text = io.StringIO()
    csv.writer(text).writerow([tame(cell) for cell in cells])
    return text.getvalue()
