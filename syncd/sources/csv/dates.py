"""Reads dates and times of day as tills write them, in any language: numbers, named months, clocks of 12 and 24 hours. Pure.

Nothing is guessed: numbers that may be day or month need an order, and what is a number of something else is named.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from syncd.sources.csv.calendar_words import bare_word, half_of_day, is_weekday, month_of
from syncd.sources.csv.plain import plain

DateOrder = Literal["ymd", "dmy", "mdy"]

_LONGEST = 80  # no date has more characters
_YEARS = range(1970, 2100)
_BUDDHIST, _HIJRI = range(2400, 2700), range(1300, 1500)
_PLACES = {"ymd": (0, 1, 2), "dmy": (2, 1, 0), "mdy": (2, 0, 1)}
_NUMBERS = re.compile(r"(\d{1,4})(?:[-/.] ?| )(\d{1,2})(?:[-/.] ?| )(\d{1,4})(?![\d:])\.?")
_TOGETHER = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})(?=$|[ T_-]|\d{4}$|\d{6}$)")
_TOKEN = re.compile(r"\d{1,4}(?!\d)|[^\W\d_]{1,20}|[-/., ']")
_OFFSET = re.compile(r"(?: ?(?:GMT|UTC) ?)?([+-])(\d{2})(?::?(\d{2}))?$| ?(?:Z|GMT|UTC)$")
_ABBREVIATION = re.compile(r" ([A-Z]{3,5})$")
_CLOCK = re.compile(r"(\d{1,2})(?:[:.h](\d{2})(?:[:.](\d{2})(?:[.,]\d{1,9})?)?)?h?")
_CLOCK_TOGETHER = re.compile(r"(\d{2})(\d{2})(\d{2})?")
_YEARS_WORD = re.compile("(?<=\\d) ?[\u0433\u0440]\\.,?(?= |$)")  # the year of Russian, Bulgarian and Ukrainian dates
_CLOCK_FIRST = re.compile(r"(\d{1,2}:\d{2}(?::\d{2})?(?: ?[AaPp]\.?[Mm]\.?)?),? (.+)")
_HALF_BEHIND = re.compile(r"(\d[\d:.,]{0,20}) ?(\D{1,16})")
_HALF_BEFORE = re.compile(r"(\D{1,16}?) ?(\d[\d:.,]{0,20})")
_ASIDE = str.maketrans(
    dict.fromkeys("年년月월", "-")
    | dict.fromkeys("時时분分", ":")
    | {"시": ":", "日": " ", "일": " ", "秒": " ", "초": " "}
)
_SMALL_WORDS = frozenset(
    ("de", "del", "of", "the", "den", "st", "nd", "rd", "th", "er", "d", "di")
)  # 5 de octubre, Oct 5th
_BEFORE_CLOCK = ("at ", "um ", "kl. ", "kl ", "klo ", "a las ", "a la ", "alle ", "om ", "a ", "à ", "o ")
_BEHIND_CLOCK = (" uhr", " hrs", " h", " hs")
_SERIAL = re.compile(r"\d{5}(?:[.,]\d{1,12})?")
_EPOCH = re.compile(r"1\d{9}(?:\.\d{1,9})?|1\d{12}")
_ERA = re.compile(r"(?:[MTSHRmtshr]|明治|大正|昭和|平成|令和)\d{1,2}[-./年].*")
_NOON = 12


class Written(Struct, frozen=True):
    """A local time as it is written; ``offset`` from UTC or the zone's ``abbreviation`` where they stand beside it."""

    local: datetime
    offset: timedelta | None = None
    abbreviation: str = ""
    clock: bool = True  # a time of day stands there


@lru_cache(maxsize=4096)  # the rows of a sale repeat its time
def read_date(text: str, order: DateOrder | None) -> Written:
    """Return the date, and the time of day where there is one, that a cell holds.

    Raises:
        ValueError: it holds something else, or does not tell day from month while ``order`` is None.

    """
    cell = " ".join(plain(text).translate(_ASIDE).split()) if len(text) <= _LONGEST else ""
    if not cell:
        raise _no_date(text, order)
    if why := oddity(cell):
        raise ValueError(why)
    if cell.endswith(")") and "(" in cell:  # ... GMT-0400 (Eastern Daylight Time)
        cell = cell[: cell.rindex("(")].strip()
    if not cell.isascii():
        cell = _YEARS_WORD.sub("", cell).replace("،", ",")
    if first := _CLOCK_FIRST.fullmatch(cell):
        cell = f"{first[2]} {first[1]}"
    day, rest = _day(cell, order, text)
    rest = rest.lstrip(" ,T_-").rstrip(" :")
    if not rest:
        return Written(day, clock=False)
    offset, abbreviation = None, ""
    if found := _OFFSET.search(rest):
        rest, offset = rest[: found.start()], _delta(found)
    elif (zone := _ABBREVIATION.search(rest)) and half_of_day(zone[1]) is None:
        rest, abbreviation = rest[: zone.start()], zone[1]
    hour, minute, second = read_clock(rest)
    return Written(day.replace(hour=hour, minute=minute, second=second), offset, abbreviation)


def read_clock(text: str) -> tuple[int, int, int]:
    """Return a time of day: hour, minute, second.

    Raises:
        ValueError: it is none.

    """
    cell = " ".join(plain(text).translate(_ASIDE).split()).strip(" :")
    low = cell.lower()
    for word in _BEFORE_CLOCK:
        if low.startswith(word) and low[len(word) :][:1].isdigit():
            cell = cell[len(word) :]
    for word in _BEHIND_CLOCK:
        if low.endswith(word):
            cell = cell[: -len(word)]
    half = None
    if behind := _HALF_BEHIND.fullmatch(cell):
        half, cell = half_of_day(behind[2]), behind[1] if half_of_day(behind[2]) is not None else cell
    elif before := _HALF_BEFORE.fullmatch(cell):
        half, cell = half_of_day(before[1]), before[2] if half_of_day(before[1]) is not None else cell
    found = _CLOCK.fullmatch(cell)
    if (found and (found[2] or half is not None or cell.endswith("h"))) or (found := _CLOCK_TOGETHER.fullmatch(cell)):
        hour, minute, second = int(found[1]), int(found[2] or 0), int(found[3] or 0)
        if half is not None and 1 <= hour <= _NOON:
            hour = hour % _NOON + half * _NOON
            half = None
        if half is None and hour < 24 and minute < 60 and second < 60:
            return hour, minute, second
    msg = f"{text[:40]!r} is not a time of day"
    raise ValueError(msg)


def oddity(text: str) -> str:
    """Return what a cell is that stands for a time and is no date as people write it; empty where it is none of those."""
    cell = text.strip()
    if _SERIAL.fullmatch(cell):
        day = datetime(1899, 12, 30) + timedelta(days=float(cell.replace(",", ".")))  # noqa: DTZ001  a spreadsheet knows no zones
        if day.year in _YEARS:
            return f"{cell!r} is a spreadsheet's number for {day:%Y-%m-%d %H:%M}: format its column as a date or export anew"
    if _EPOCH.fullmatch(cell):
        unit = "milliseconds" if len(cell) == 13 else "seconds"
        return f"{cell!r} is a count of {unit} since 1970: have dates exported, such as 2026-10-05 14:30"
    if _ERA.fullmatch(cell):
        return f"{cell[:40]!r} is a year of the Japanese eras: have years exported as 2026"
    return ""


def _day(cell: str, order: DateOrder | None, text: str) -> tuple[datetime, str]:
    """Midnight of the day that a cell begins with, and what follows it."""
    if found := _TOGETHER.match(cell):
        return _date(found[1], int(found[2]), int(found[3]), text, "ymd"), cell[found.end() :]
    if found := _NUMBERS.match(cell):
        order = "ymd" if len(found[1]) > 2 else order
        if order is None:
            msg = f"{text[:40]!r} does not tell day from month: set date_order for this source"
            raise ValueError(msg)
        year, month, day = (found[place + 1] for place in _PLACES[order])
        return _date(year, int(month), int(day), text, order), cell[found.end() :]
    return _named(cell, order, text)


def _named(cell: str, order: DateOrder | None, text: str) -> tuple[datetime, str]:
    """Return a day whose month is named: ``Mon Oct 05 2026``, ``5. Oktober 2026``, ``5 de octubre de 2026``, ``05-Oct-26``."""
    month, numbers, place = None, list[str](), 0
    while place < len(cell) and (month is None or len(numbers) < 2):
        token = _TOKEN.match(cell, place)
        if token is None or (numbers and month is None and len(numbers) == 2):
            raise _no_date(text, order)
        place = token.end()
        word = token[0]
        if word[0].isdigit():
            numbers.append(word)
        elif word[0].isalpha() and bare_word(word) not in _SMALL_WORDS:
            known = month_of(word)
            if known is None and is_weekday(word) and not numbers:
                continue
            if known is None or month is not None:
                raise _no_date(text, order)
            month = known
    if month is None or len(numbers) < 2 or cell[place : place + 1] == ":":
        raise _no_date(text, order)
    one, two = numbers
    year, day = (one, two) if len(one) == 4 else (two, one)
    return _date(year, month, int(day), text, "dmy"), cell[place:].removeprefix(".")


def _date(written: str, month: int, day: int, text: str, order: DateOrder) -> datetime:
    year = int(written) + (2000 if len(written) <= 2 else 0)
    if year not in _YEARS:
        kind = (
            "the Buddhist calendar" if year in _BUDDHIST else "the Hijri or Persian calendar" if year in _HIJRI else ""
        )
        kind = (
            f"a year of {kind}: have years exported as 2026"
            if kind
            else f"no year of a sale (read in the order {order})"
        )
        msg = f"{text[:40]!r}: {year} is {kind}"
        raise ValueError(msg)
    try:
        return datetime(year, month, day)  # noqa: DTZ001  made aware by whoever knows the zone
    except ValueError as error:
        msg = f"{text[:40]!r} is not a date in the order {order}: {error}"
        raise ValueError(msg) from None


def _delta(found: re.Match[str]) -> timedelta:
    if not found[1]:
        return timedelta(0)
    delta = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return -delta if found[1] == "-" else delta


def _no_date(text: str, order: DateOrder | None) -> ValueError:
    return ValueError(f"{text[:40]!r} is not a date" + (f" (order {order})" if order else ""))
