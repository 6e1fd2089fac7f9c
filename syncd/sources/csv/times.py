"""Times as exports write them: local to a zone that the config or the export names, never guessed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from typing import Literal

from syncd.sources import zones
from syncd.sources.zones import Hours, in_zone

DateOrder = Literal["ymd", "dmy", "mdy"]

_AS_WRITTEN = Hours()
_DATE = re.compile(r"(\d{1,4})[-/. ](\d{1,2})[-/. ](\d{1,4})")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*([AaPp]\.?[Mm]\.?)?")
_OFFSET = re.compile(r"\s*(Z|UTC|[+-]\d{2}:?\d{2})$")
_PLACES = {"ymd": (0, 1, 2), "dmy": (2, 1, 0), "mdy": (2, 0, 1)}

# The display zones of a Square dashboard are Rails' labels
# (https://api.rubyonrails.org/classes/ActiveSupport/TimeZone.html, MAPPING).
LABELS = {
    "Hawaii": "Pacific/Honolulu",
    "Alaska": "America/Juneau",
    "Pacific Time (US & Canada)": "America/Los_Angeles",
    "Arizona": "America/Phoenix",
    "Mountain Time (US & Canada)": "America/Denver",
    "Central Time (US & Canada)": "America/Chicago",
    "Eastern Time (US & Canada)": "America/New_York",
    "Indiana (East)": "America/Indiana/Indianapolis",
    "Saskatchewan": "America/Regina",
    "Atlantic Time (Canada)": "America/Halifax",
    "Newfoundland": "America/St_Johns",
    "Puerto Rico": "America/Puerto_Rico",
    "London": "Europe/London",
    "Edinburgh": "Europe/London",
    "Dublin": "Europe/Dublin",
    "Paris": "Europe/Paris",
    "Madrid": "Europe/Madrid",
    "Berlin": "Europe/Berlin",
    "Tokyo": "Asia/Tokyo",
    "Osaka": "Asia/Tokyo",
    "Perth": "Australia/Perth",
    "Adelaide": "Australia/Adelaide",
    "Darwin": "Australia/Darwin",
    "Brisbane": "Australia/Brisbane",
    "Sydney": "Australia/Sydney",
    "Melbourne": "Australia/Melbourne",
    "Canberra": "Australia/Canberra",
    "Hobart": "Australia/Hobart",
    "Auckland": "Pacific/Auckland",
    "UTC": "Etc/UTC",
}
# Zone abbreviations that Clover prints, as offsets in hours: they resolve the hour that happens twice.
ABBREVIATIONS = {
    "UTC": 0,
    "GMT": 0,
    "BST": 1,
    "AST": -4,
    "ADT": -3,
    "EST": -5,
    "EDT": -4,
    "CST": -6,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
    "AKST": -9,
    "AKDT": -8,
    "HST": -10,
}
_CLOVER = re.compile(r"(\d{1,2})-([A-Za-z]{3})-(\d{4}) (\d{1,2}:\d{2}(?::\d{2})? [AP]M)(?: ([A-Z]{2,5}))?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@cache
def zone(name: str) -> tzinfo:
    """A zone by its IANA name or by the label that Square's dashboard uses.

    Raises:
        ValueError: there is no such zone.

    """
    return zones.zone(LABELS.get(name.strip(), name.strip()))


def parse_time(text: str, order: DateOrder, where: tzinfo | None, hours: Hours = _AS_WRITTEN) -> datetime:
    """A date and a time in one cell, aware. A cell that carries its own offset needs no zone.

    Raises:
        ValueError: it is no time, it never happened in that zone and may not be moved, or its zone is not known.

    """
    cell = text.strip()
    offset = _OFFSET.search(cell)
    if offset and ":" in cell[: offset.start()]:
        return local_time(cell[: offset.start()], order, _fixed(offset[1]), hours)
    if where is None:
        msg = f"{text[:40]!r} names no time zone: set timezone for this source"
        raise ValueError(msg)
    return local_time(cell, order, where, hours)


def local_time(text: str, order: DateOrder, where: tzinfo, hours: Hours = _AS_WRITTEN) -> datetime:
    """A date and a time of day in a zone, aware.

    Raises:
        ValueError: it is no time, or it never happened in that zone and may not be moved.

    """
    date = _DATE.match(text.strip())
    if date is None:
        msg = f"{text[:40]!r} is not a date (order {order})"
        raise ValueError(msg)
    rest = text.strip()[date.end() :].lstrip(" ,T")
    hour, minute, second = _clock(rest) if rest else (0, 0, 0)
    year, month, day = (int(date.group(place + 1)) for place in _PLACES[order])
    try:
        naive = datetime(year if year >= 100 else year + 2000, month, day, hour, minute, second)  # noqa: DTZ001  made aware below
    except ValueError as error:
        msg = f"{text[:40]!r} is not a date in the order {order}: {error}"
        raise ValueError(msg) from None
    return in_zone(naive, where, hours)


def _clock(text: str) -> tuple[int, int, int]:
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        msg = f"{text[:40]!r} is not a time of day"
        raise ValueError(msg)
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    if found[4]:
        if not 1 <= hour <= 12:
            msg = f"{text[:40]!r} is not a time of day"
            raise ValueError(msg)
        hour = hour % 12 + (12 if found[4].lower().startswith("p") else 0)
    return hour, minute, second


def parse_clover(text: str, where: tzinfo | None, hours: Hours = _AS_WRITTEN) -> datetime:
    """``16-Dec-2023 02:44 AM EST``: an English month, a clock of twelve hours, a zone's abbreviation.

    Raises:
        ValueError: it is something else, or its zone is not known.

    """
    found = _CLOVER.fullmatch(text.strip())
    if found is None or found[2].lower() not in _MONTHS:
        msg = f"{text[:40]!r} is not a Clover date such as 16-Dec-2023 02:44 AM EST"
        raise ValueError(msg)
    month = _MONTHS.index(found[2].lower()) + 1
    offset = ABBREVIATIONS.get(found[5] or "")
    here = timezone(timedelta(hours=offset)) if offset is not None else where
    if here is None:
        msg = f"the zone {found[5]!r} is not known: set timezone for this source"
        raise ValueError(msg)
    return local_time(f"{found[3]}-{month:02d}-{found[1]} {found[4]}", "ymd", here, hours)


def _fixed(text: str) -> tzinfo:
    if text in ("Z", "UTC"):
        return UTC
    sign = -1 if text[0] == "-" else 1
    digits = text[1:].replace(":", "")
    return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))
