"""Times as exports write them: local to a zone that the config or the export names, never guessed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from functools import cache

from syncd.sources import zones
from syncd.sources.csv.dates import DateOrder, Written, read_date
from syncd.sources.zones import Hours, in_zone

_AS_WRITTEN = Hours()
_MIDNIGHT = time(0)

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
    """Return a zone by its IANA name or by the label that Square's dashboard uses.

    Raises:
        ValueError: there is no such zone.

    """
    return zones.zone(LABELS.get(name.strip(), name.strip()))


def parse_time(text: str, order: DateOrder | None, where: tzinfo | None, hours: Hours = _AS_WRITTEN) -> datetime:
    """Return a date and a time in one cell, aware. A cell that carries its own offset needs no zone.

    Raises:
        ValueError: it is no time, it never happened in that zone and may not be moved, or its zone is not known.

    """
    written = read_date(text, order)
    if written.offset is not None:
        return written.local.replace(tzinfo=timezone(written.offset) if written.offset else UTC)
    if where is None:
        msg = f"{text[:40]!r} names no time zone: set timezone for this source"
        raise ValueError(msg)
    if written.abbreviation:
        return _by_abbreviation(written, where, text)
    return in_zone(written.local, where, hours)


def parse_split_time(
    date: str, clock: str, order: DateOrder | None, where: tzinfo | None, hours: Hours = _AS_WRITTEN
) -> datetime:
    """Return a date and a time of day from two cells; the second may repeat the date.

    Raises:
        ValueError: as for one cell, or the second cell holds another day than the first.

    """
    if not date or not clock:
        return parse_time(date or clock, order, where, hours)
    try:
        both = read_date(clock, order)
    except ValueError:
        return parse_time(f"{_day_alone(date, order)} {clock}", order, where, hours)
    if read_date(date, order).local.date() != both.local.date():
        msg = f"{date[:40]!r} and {clock[:40]!r} are different days"
        raise ValueError(msg)
    return parse_time(clock, order, where, hours)


def _day_alone(text: str, order: DateOrder | None) -> str:
    """Return the date of a cell, without the midnight that an export or a spreadsheet adds to it."""
    written = read_date(text, order)
    return f"{written.local:%Y-%m-%d}" if written.local.time() == _MIDNIGHT else text


def _by_abbreviation(written: Written, where: tzinfo, text: str) -> datetime:
    """Return a local time beside its zone's abbreviation, which tells the hour that happens twice."""
    for fold in (0, 1):
        aware = written.local.replace(tzinfo=where, fold=fold)
        if aware.tzname() == written.abbreviation:
            return aware
    named = written.local.replace(tzinfo=where).tzname()
    msg = f"{text[:40]!r} is a time in {written.abbreviation}, and this source's zone has {named} at that time: is timezone right?"
    raise ValueError(msg)


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
    return parse_time(f"{found[3]}-{month:02d}-{found[1]} {found[4]}", "ymd", here, hours)
