"""Amounts as exports write them: ``$1,234.56``, ``-$0.36``, ``($0.06)``, ``1.234,56``, ``1 234,56 €``; empty means not known."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal

from syncd.canonical.money import parse_decimal

DecimalMark = Literal[".", ","]
_MARKS = re.compile(r"[\s\u00a0\u202f'\u2019]")
_SIGNS = re.compile(r"(?:[A-Z]{3}|US\$|A\$|C\$|NZ\$|R\$|kr\.?|Kr\.?|zł|Fr\.?|[$€£¥₩₹₫₱฿])")
_PLAIN = re.compile(r"[+-]?\d+(?:\.\d+)?")
_GROUPED = {
    ".": re.compile(
        r"[+-]?(?:\d{1,3}|[1-9]\d{0,2}(?:,\d{2,3})*,\d{3})(?:\.\d+)?"
    ),  # no group begins with 0: 0,450 is no 450
    ",": re.compile(r"[+-]?(?:\d{1,3}|[1-9]\d{0,2}(?:\.\d{3})+)(?:,\d+)?"),
}


def parse_amount(text: str, mark: DecimalMark = ".") -> Decimal | None:
    """The amount in a cell, None where the cell is empty.

    Raises:
        ValueError: the cell holds something that is no amount with this decimal mark; nothing is guessed.

    """
    cell = text.strip()
    if not cell:
        return None
    if _PLAIN.fullmatch(cell) and mark == ".":
        return parse_decimal(cell)
    bare = _SIGNS.sub("", _MARKS.sub("", cell))
    negative = bare.startswith("(") and bare.endswith(")")
    bare = bare[1:-1] if negative else bare
    if bare.endswith("-"):  # some exports write the sign last
        bare = "-" + bare[:-1]
    if not bare or not (_GROUPED[mark].fullmatch(bare) or _ungrouped(bare, mark)):
        msg = f"{text[:40]!r} is not an amount (decimal mark {mark!r})"
        raise ValueError(msg)
    other = "," if mark == "." else "."
    number = parse_decimal(bare.replace(other, "").replace(mark, "."))
    return -number if negative else number


def _ungrouped(bare: str, mark: DecimalMark) -> bool:
    return bool(re.fullmatch(rf"[+-]?\d*(?:{re.escape(mark)}\d+)?", bare)) and any(char.isdigit() for char in bare)
