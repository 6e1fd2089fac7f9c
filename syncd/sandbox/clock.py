"""The sandbox's clock: the machine's, as far ahead of it as a test has sent it. One for the process, as a machine has one."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import format_datetime

_ahead = [0.0]


def wall() -> float:
    """Seconds since the epoch."""
    return time.time() + _ahead[0]  # noqa: TID251  the sandbox is a world of its own, with a clock of its own


def steady() -> float:
    """Seconds that nobody sets back."""
    return time.monotonic() + _ahead[0]  # noqa: TID251  as above


def forward(seconds: float) -> None:
    """Let so many seconds pass at once.

    Raises:
        ValueError: time does not run backwards.

    """
    if seconds < 0:
        raise ValueError("time does not run backwards")
    _ahead[0] += seconds


def now() -> datetime:
    """Return the time of day, in UTC."""
    return datetime.fromtimestamp(wall(), UTC)


def now_text() -> str:
    """Return the time of day as orders show it."""
    return format_datetime(now())


def now_iso() -> str:
    """Return the time of day as V3 shows it."""
    return now().isoformat(timespec="seconds")
