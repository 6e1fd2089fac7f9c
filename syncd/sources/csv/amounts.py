"""Amounts as exports write them: ``$1,234.56``, ``-$0.36``, ``($0.06)``, ``1.234,56``, ``1 234,56 €``; empty means not known. Pure.

Nothing is guessed: what can be read in two ways is refused, and so is an amount beside the sign of another currency.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from syncd.canonical.money import parse_decimal, places
from syncd.sources.csv.plain import plain
from syncd.sources.csv.signs import bare_sign, currencies_of, signs_of

DecimalMark = Literal[".", ","]
_PLAIN = re.compile(r"[+-]?\d+(?:\.\d+)?")
_LONGEST = 60  # no amount has more characters
_NUMBER = re.compile(r"[.,]?\d(?:[\d., ']*\d)?[.,]?")
_BLANKS = re.compile(r"[ ']")
_GROUPED = {
    ".": re.compile(
        r"(?:\d{1,3}|[1-9]\d{0,2}(?:,\d{2,3})*,\d{3})(?:\.\d+)?"
    ),  # no group begins with 0: 0,450 is no 450
    ",": re.compile(r"(?:\d{1,3}|[1-9]\d{0,2}(?:\.\d{2,3})*\.\d{3})(?:,\d+)?"),
}
_UNGROUPED = {".": re.compile(r"\d*(?:\.\d*)?"), ",": re.compile(r"\d*(?:,\d*)?")}
_BLANK_GROUPS = re.compile(r"\d{1,3}(?:[ ']\d{2,3})*[ ']\d{3}(?:[.,]\d+)?|[\d.,]+")
_THREE = 3
_THREE_AFTER = {".": re.compile(r"[1-9]\d{0,2}\.\d{3}"), ",": re.compile(r"[1-9]\d{0,2},\d{3}")}
_ARABIC_MARK, _ARABIC_GROUPS = "\u066b", "\u066c"
_NO_CENTS = (",-", ".-", ":-", ",--", ".--")  # 100,- is 100


@lru_cache(maxsize=8192)  # goods have few prices, and each column of a row is read
def parse_amount(text: str, mark: DecimalMark = ".", currency: str = "") -> Decimal | None:
    """Return the amount in a cell, None where the cell is empty; a sign beside it must be one of ``currency``, where that is known.

    Raises:
        ValueError: the cell holds something that is no amount with this decimal mark; nothing is guessed.

    """
    cell = text.strip()
    if not cell:
        return None
    if mark == "." and _PLAIN.fullmatch(cell):
        return parse_decimal(cell)
    cell = plain(_with_mark(cell, mark))
    number = _NUMBER.search(cell) if len(cell) <= _LONGEST else None
    if number is None:
        raise _no_amount(text, mark)
    before, body, after = cell[: number.start()], number[0], cell[number.end() :]
    if body[0] == "." and _takes_a_dot(before):
        body = body[1:]  # Rp.5000: the dot is the sign's
    if body[-1] in ".," and after.startswith("-"):
        body, after = body[:-1], body[-1] + after
    negative = _is_negative(before, after, text, mark)
    _check_sign(before, after, text, (mark, currency))
    value = _value(body, mark)
    if value is None:
        raise _no_amount(text, mark)
    return -value if negative else value


def _with_mark(cell: str, mark: DecimalMark) -> str:
    """Arabic amounts have marks of their own, which mean one thing: written with the decimal mark that is looked for."""
    return cell.replace(_ARABIC_GROUPS, "").replace(_ARABIC_MARK, mark)


@lru_cache(maxsize=8192)
def doubt(text: str, currency: str) -> str:
    """Why an amount can be read in two ways as long as nobody has named the decimal mark; empty where it cannot.

    Three digits after the only mark are thousands or decimals: after a comma where the currency has three decimals, after a dot
    where it has not.
    """
    if _ARABIC_MARK in text or _ARABIC_GROUPS in text:
        return ""
    number = _NUMBER.search(plain(text)[:_LONGEST])
    mark: DecimalMark = "," if places(currency) == _THREE else "."
    if number is None or not _THREE_AFTER[mark].fullmatch(number[0]):
        return ""
    return f"{text.strip()[:40]!r} may have three decimals or be a thousand times as much: set decimal_mark for this source"


def doubt_quantity(text: str) -> str:
    """Return the same of a quantity, which may have three decimals after a dot: 0.450 kg."""
    if not _THREE_AFTER[","].fullmatch(text.strip()):
        return ""
    return f"{text.strip()[:40]!r} may have three decimals or be a thousand times as many: set decimal_mark for this source"


def _value(body: str, mark: DecimalMark) -> Decimal | None:
    if not _BLANK_GROUPS.fullmatch(body):
        return None
    bare = _BLANKS.sub("", body)
    other = "," if mark == "." else "."
    if not (_GROUPED[mark].fullmatch(bare) or _UNGROUPED[mark].fullmatch(bare)):
        return None
    return parse_decimal(bare.replace(other, "").replace(mark, "."))


def _takes_a_dot(before: str) -> bool:
    """Whether a dot may be the end of a sign (``Rs.``); after ``$`` or a code it begins a number without a whole part."""
    sign = bare_sign(before.translate(_ASIDE))
    known = currencies_of(sign) if sign and sign[-1].isalpha() else frozenset()
    return bool(known) and sign.upper() not in known


def _is_negative(before: str, after: str, text: str, mark: str) -> bool:
    """Whether it is less than nothing: by a minus on either side, or by brackets."""
    bracketed = before.strip().startswith("(") and after.strip().endswith(")")
    if not bracketed and ("(" in before or ")" in after):
        raise _no_amount(text, mark)
    minus = before.count("-") + (0 if _no_cents(after) else after.count("-"))
    if minus + bracketed > 1 or "+" in after or before.count("+") + minus > 1:
        raise _no_amount(text, mark)
    return bool(minus or bracketed)


def _no_cents(after: str) -> str:
    """How an amount ends that says that it has no cents; empty where it does not say so."""
    return next((end for end in _NO_CENTS if after.startswith(end)), "")


def _check_sign(before: str, after: str, text: str, how: tuple[str, str]) -> None:
    """Raise ValueError where something stands beside the number that is no sign of the currency."""
    mark, currency = how
    for side in (before, after.removeprefix(_no_cents(after))):
        sign = bare_sign(side.translate(_ASIDE))
        if not sign or sign in (signs_of(currency) if currency else ()):
            continue
        known = currencies_of(sign)
        if currency and known:
            named = " or ".join(sorted(known)[:4])
            msg = f"{text[:40]!r} is an amount in {named}, and this source sells in {currency}"
            raise ValueError(msg)
        if not known:
            raise _no_amount(text, mark)


_ASIDE = {ord(char): None for char in "()+-"}


def _no_amount(text: str, mark: str) -> ValueError:
    return ValueError(f"{text[:40]!r} is not an amount (decimal mark {mark!r})")
