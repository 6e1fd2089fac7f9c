"""Numbers, amounts and times as people read them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from syncd.canonical.money import format_amount


def count(number: int, noun: str) -> str:
    """``1 sale``, ``1,204 sales``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def amount(value: Decimal, currency: str) -> str:
    """``12.30``: an amount at its currency's places, for a column that has the currency beside it."""
    return format_amount(value, currency)


def when(at: datetime | None, now: datetime | None = None) -> str:
    """Return a time as people read it, with how long ago where ``now`` is given."""
    if at is None:
        return "-"
    shown = at.strftime("%Y-%m-%d %H:%M:%S %z")
    return shown if now is None else f"{shown} ({ago((now - at).total_seconds())})"


def lasts(seconds: float) -> str:
    """``4 min``, ``30 s``."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def ago(seconds: float) -> str:
    """``4 min ago``, ``in 30 s``."""
    text = lasts(abs(seconds))
    return f"{text} ago" if seconds >= 0 else f"in {text}"
