"""Spans of time, oldest first: for APIs that list newest first, or cut what is asked for at a longest span."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta


def spans(begin: datetime, end: datetime, first: timedelta, longest: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """``[begin, end]`` in parts that share their ends: the first ones short, so that there is soon something to see.

    Nothing where the end lies before the beginning.
    """
    step = first
    while begin < end:
        yield begin, min(begin + step, end)
        begin += step
        step = min(step * 2, longest)
