"""Writes a workbook's rows as lines of JSON: in a process of its own, of bounded memory and time, for a workbook may be a bomb.

Run by path, apart from the package, so that it starts at once: ``workbook_rows.py FILE MEGABYTES SECONDS DECIMAL_MARK``.
A sheet is announced as an object with its name; each row is a list: its number, then its cells as text.
"""

from __future__ import annotations

import json
import resource
import sys
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

_DIGITS = 15  # what a spreadsheet keeps of a number
_PLACES = Decimal("0.000000001")  # what is beyond is the noise of a floating-point number


def as_text(cell: object, mark: str) -> str:
    """A cell as an export in text would have it: ISO dates, plain numbers with the decimal mark that the source is set to."""
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
    """A number without an exponent, and without what a floating-point number adds to it."""
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
    """Bound this process's memory (bytes) and time; whether the system let us."""
    try:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError):
        return False
    return True


def main() -> None:
    """Print the rows of every sheet that a person can see."""
    file, megabytes, seconds, mark = sys.argv[1:5]
    if not bound(int(megabytes) << 20, int(seconds)):
        say({"error": "its memory cannot be bounded here: a service must be allowed setrlimit and prlimit64"})
        sys.exit(1)
    try:
        workbook = CalamineWorkbook.from_path(file)
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
    except CalamineError as error:
        say({"error": " ".join(str(error).split())[:200]})
        sys.exit(1)


if __name__ == "__main__":
    main()
