"""Time zones by name, and local times in them.

An hour that happens twice (clocks set back) is taken as the first or the second by config; one that never happens (clocks set
forward: the till's clock was not) is taken as the same time an hour on, and remarked, or is an error by config.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from dateutil.tz import datetime_ambiguous, datetime_exists
from msgspec import Struct

Fold = Literal["first", "second"]
Skipped = Literal["later", "fault"]


class Hours(Struct, frozen=True):
    """What becomes of an hour that happens twice, and of one that never does; ``remark`` is told of each time that was moved."""

    ambiguous: Fold = "first"
    skipped: Skipped = "later"
    remark: Callable[[str], None] = lambda _: None


def zone(name: str) -> tzinfo:
    """Return a zone by its IANA name.

    Raises:
        ValueError: there is none of that name.

    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        msg = f"{name!r} is not a time zone: write one such as America/Chicago"
        raise ValueError(msg) from None


def zone_or_utc(name: object) -> tzinfo:
    """Return the same of what a POS says; UTC where it says nothing that is known."""
    try:
        return zone(str(name or "UTC"))
    except ValueError:
        return UTC


def in_zone(naive: datetime, where: tzinfo, hours: Hours) -> datetime:
    """Return a local time with its zone; an hour that happens twice, or never, by ``hours``.

    Raises:
        ValueError: clocks were set forward over it, and the config wants that to be a fault.

    """
    aware = naive.replace(tzinfo=where)
    if aware.utcoffset() == aware.replace(fold=1).utcoffset():
        return aware  # most hours happen once
    if not datetime_exists(aware):
        never = f"{naive:%Y-%m-%d %H:%M} never happened in {where}: clocks were set forward over it"
        if hours.skipped == "fault":
            msg = f"{never}; is the zone right?"
            raise ValueError(msg)
        moved = aware.astimezone(UTC).astimezone(where)
        hours.remark(f"{never}; taken as {moved:%H:%M}")
        return moved
    return aware.replace(fold=1) if hours.ambiguous == "second" and datetime_ambiguous(aware) else aware
