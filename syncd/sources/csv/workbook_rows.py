"""Writes a workbook's rows as lines of JSON: in a process of its own, of bounded memory and time, for a workbook may be a bomb.

Web pages with tables and Excel 2003's XML, which tills name ``.xls``, are read here as well. Run by path, apart from the package,
so that it starts at once: ``workbook_rows.py FILE MEGABYTES SECONDS KIND DECIMAL_MARK ENCODING``.
A sheet is announced as an object with its name; each row is a list: its number, then its cells as text.
"""

from __future__ import annotations

import json
import resource
import sys
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from lxml import etree
from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

_DIGITS = 15  # what a spreadsheet keeps of a number
_WIDEST = 1000  # no export has more columns
Element = Any  # lxml's elements
_PLACES = Decimal("0.000000001")  # what is beyond is the noise of a floating-point number


def as_text(cell: object, mark: str) -> str:
    """Return a cell as an export in text would have it.

    ISO dates, plain numbers with the decimal mark that the source is set to.
    """
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        return number(cell).replace(".", mark)
    if isinstance(cell, datetime):
        plain = cell.replace(microsecond=0)
        return plain.isoformat(" ") if plain.time() != time(0) else plain.date().isoformat()
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        seconds = round(cell.total_seconds())
        return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return "" if cell is None else str(cell)


def number(cell: float) -> str:
    """Return a number without an exponent, and without what a floating-point number adds to it."""
    value = Decimal(str(cell))
    if not value.is_finite():
        return str(cell)
    if value == value.to_integral_value():
        return format(value.to_integral_value(), "f")
    return format(value.quantize(_PLACES).normalize(), "f")


def too_long(cell: object) -> bool:
    """Whether a whole number has more digits than a spreadsheet keeps: an id whose end is lost."""
    return isinstance(cell, int | float) and not isinstance(cell, bool) and abs(cell) >= 10**_DIGITS


def say(what: object) -> None:
    """One line."""
    sys.stdout.write(f"{json.dumps(what)}\n")


def bound(memory: int, seconds: int) -> bool:
    """Bound this process's memory (bytes) and time; whether the system let us (macOS has no bound of memory)."""
    try:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError):
        return False
    return True


def main() -> None:
    """Print the rows of every sheet that a person can see."""
    file, megabytes, seconds, kind, mark, encoding = sys.argv[1:7]
    if not bound(int(megabytes) << 20, int(seconds)):
        say({"unbounded": True})
    try:
        if kind == "workbook":
            workbook_rows(file, mark)
        else:
            markup_rows(file, kind, encoding)
    except (CalamineError, etree.LxmlError, LookupError, ValueError) as error:
        say({"error": " ".join(str(error).split())[:200]})
        sys.exit(1)


def workbook_rows(file: str, mark: str) -> None:
    """Print the rows of a spreadsheet's own file, whatever its name."""
    with open(file, "rb") as opened:  # noqa: PTH123  pathlib would be one more module to load
        workbook = CalamineWorkbook.from_filelike(opened)
    for place, about in enumerate(workbook.sheets_metadata):
        if about.visible != SheetVisibleEnum.Visible:
            continue
        say({"sheet": about.name})
        sheet = workbook.get_sheet_by_index(place)
        first = sheet.start[0] + 1 if sheet.start else 1
        for line, cells in enumerate(sheet.iter_rows(), start=first):
            row: list[object] = [line, *(as_text(cell, mark) for cell in cells)]
            lost = next((as_text(cell, mark) for cell in cells if too_long(cell)), None)
            say({"lost": lost, "row": row} if lost else row)


def markup_rows(file: str, kind: str, encoding: str) -> None:
    """Print the rows of a page's tables, or of the sheets of Excel 2003's XML."""
    parser = (
        etree.HTMLParser(encoding=encoding or None, no_network=True)
        if kind == "page"
        else etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    )
    root = etree.parse(file, parser).getroot()
    for number, sheet in enumerate(named(root, "table"), start=1):
        say({"sheet": str(number)})
        own = (row for row in named(sheet, "tr", "row") if table_of(row) is sheet)  # none of a table within it
        rows = [markup_cells(row) for row in own]
        width = max(map(len, rows), default=0)
        for line, cells in enumerate(rows, start=1):
            say([line, *cells, *[""] * (width - len(cells))])  # cells at the end may be left out


def table_of(row: Element) -> Element:
    """Return the table that a row stands in."""
    return next(one for one in row.iterancestors() if name_of(one) == "table")


def markup_cells(row: Element) -> list[str]:
    """Return the cells of a row as text; ones that are left out, or hidden under a wider one, are empty."""
    cells: list[str] = []
    for cell in row:
        if name_of(cell) not in ("td", "th", "cell"):
            continue
        about = {key.rpartition("}")[2].lower(): value for key, value in cell.attrib.items()}
        index, wide = about.get("index", ""), about.get("colspan", "1")
        cells += [""] * max(0, min(int(index) - 1 if index.isdigit() else 0, _WIDEST) - len(cells))
        cells.append(" ".join("".join(cell.itertext()).split()).removesuffix("T00:00:00.000"))
        cells += [""] * (min(int(wide), _WIDEST) - 1 if wide.isdigit() else 0)
    return cells


def named(parent: Element | None, *names: str) -> list[Element]:
    """Return the elements of these names below another."""
    return [one for one in parent.iter() if name_of(one) in names] if parent is not None else []


def name_of(element: Element) -> str:
    """Return an element's name, without its namespace; empty for a remark."""
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


if __name__ == "__main__":
    main()
