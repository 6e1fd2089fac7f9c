"""What a spreadsheet makes of cells when it opens a CSV file and saves it again: numbers, dates and times in its own form."""

from __future__ import annotations

import calendar
import re
from decimal import Decimal

_SHOWN = 11  # digits of a number that a spreadsheet shows before it takes to an exponent
_KEPT = 15
_NUMBER = re.compile(r"-?\d+")
_PAIR = re.compile(r"(\d{1,4})[-/](\d{1,4})")


def resaved(cell: str, *, formatted: bool = False) -> str:
    """A cell after the round trip, in English; ``formatted``: somebody set its column to whole numbers before saving."""
    if _NUMBER.fullmatch(cell):
        return _number(cell, formatted=formatted)
    if pair := _PAIR.fullmatch(cell):
        return _date(int(pair[1]), int(pair[2])) or cell
    return cell


def _number(cell: str, *, formatted: bool) -> str:
    digits = cell.lstrip("-").lstrip("0") or "0"
    if len(digits) <= _SHOWN:
        return digits
    kept = digits[:_KEPT] + "0" * (len(digits) - _KEPT)
    return kept if formatted else f"{Decimal(kept):.5E}"


def _date(one: int, two: int) -> str:
    if 1 <= one <= 12 and 1900 <= two <= 9999:
        return f"{calendar.month_abbr[one]}-{two % 100:02d}"
    if 1 <= one <= 12 and 1 <= two <= 28:
        return f"{two}-{calendar.month_abbr[one]}"
    return ""
