"""CSV for people who open it in a spreadsheet: no cell of it is ever taken for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator


def tame(cell: object) -> str:
    """A cell that no spreadsheet takes for a formula; numbers stay what they are."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text[:1] in ("=", "+", "@", "\t") or (text[:1] == "-" and not text[1:2].isdigit()) else text


def lines(head: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """The lines of a CSV file, its head first, each with its end."""
    yield _line(head)
    yield from map(_line, rows)


def _line(cells: Iterable[object]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow([tame(cell) for cell in cells])
    return text.getvalue()
