"""Time zones by name."""

from __future__ import annotations

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo


def zone(name: str) -> tzinfo:
    """A zone by its IANA name.

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
    """The same of what a POS says; UTC where it says nothing that is known."""
    try:
        return zone(str(name or "UTC"))
    except ValueError:
        return UTC
