"""Durations as configs and people write them: ``90s``, ``15m``, ``7d``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_LONGEST_S = 36_500 * 86_400.0  # a hundred years: added to any time of ours, it is still a time
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) ?(ms|s|m|h|d)")


def parse_duration(text: object) -> timedelta:
    """``"30s"``, ``"250ms"``, ``"15m"``, ``"2h"``, ``"7d"`` or a number of seconds -> timedelta.

    Raises:
        ValueError: for anything else; the message says what is allowed.

    """
    if isinstance(text, timedelta):
        return text
    seconds = None
    if isinstance(text, int | float) and not isinstance(text, bool):
        seconds = float(min(text, _LONGEST_S + 1))
    elif isinstance(text, str) and (match := _DURATION.fullmatch(text)):
        seconds = float(match[1]) * _UNITS[match[2]]
    if seconds is not None and 0 <= seconds <= _LONGEST_S:
        return timedelta(seconds=seconds)
    if seconds is not None:
        msg = "must be between 0 and 36500 days"
        raise ValueError(msg)
    msg = 'must be a duration such as "250ms", "30s", "15m", "2h" or "7d"'
    raise ValueError(msg)


def format_duration(value: timedelta) -> str:
    """Return the shortest text that ``parse_duration`` reads back exactly: ``90s``, ``15m``, ``250ms``."""
    millis = value // timedelta(milliseconds=1)
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if millis and millis % size == 0:
            return f"{millis // size}{unit}"
    return f"{millis}ms"


_DURATION_SCHEMA = {
    "anyOf": [
        {
            "type": "string",
            "pattern": f"^{_DURATION.pattern}$",
            "description": 'such as "250ms", "30s", "15m", "2h" or "7d"',
        },
        {"type": "number", "minimum": 0, "description": "seconds"},
    ]
}
Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema(_DURATION_SCHEMA),
]
