"""Time, handed in: the wall clock for people, boot time for gaps, and durations as configs write them.

Nothing outside this module reads a clock. ``now`` may jump; ``elapsed`` may not, and goes on while the machine sleeps, so a gap
measured by it is a gap that passed in the world. Linux has ``CLOCK_BOOTTIME`` for that; the ``CLOCK_MONOTONIC`` of macOS goes on in
sleep as well (clock_gettime(3) of macOS).
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_BOOT_ID_OF_MACOS = ("/usr/sbin/sysctl", "-n", "kern.bootsessionuuid")
_LONGEST_S = 36_500 * 86_400.0  # a hundred years: added to any time of ours, it is still a time
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) ?(ms|s|m|h|d)")


@dataclass(frozen=True, slots=True)
class BootTime:
    """Seconds since this boot, and which boot it was: comparable only within one boot."""

    boot_id: str
    seconds: float

    def since(self, earlier: BootTime) -> float | None:
        """Seconds that have passed since ``earlier``, or None where that was another boot."""
        return self.seconds - earlier.seconds if earlier.boot_id == self.boot_id else None


@dataclass(frozen=True, slots=True)
class Now:
    """Both clocks at one moment."""

    wall: datetime
    boot: BootTime

    @classmethod
    def of(cls, clock: Clock) -> Now:
        """Return the moment of the call."""
        return cls(clock.now(), clock.elapsed())

    def age(self, earlier: Now) -> timedelta:
        """How long ago ``earlier`` was: by boot time within one boot, else by the wall clock."""
        seconds = self.boot.since(earlier.boot)
        return self.wall - earlier.wall if seconds is None else timedelta(seconds=seconds)


class Clock(Protocol):
    """The two clocks that syncd reads."""

    def now(self) -> datetime:
        """Return the wall clock, aware, in UTC."""
        ...

    def elapsed(self) -> BootTime:
        """Boot time, for gaps and deadlines."""
        ...

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Sleep at most ``seconds``; True as soon as ``stop`` is set."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def __init__(self) -> None:
        self._boot_id = _boot_id()

    def now(self) -> datetime:
        """Return the wall clock, aware, in UTC."""
        return datetime.fromtimestamp(time.time(), UTC)  # noqa: TID251  the one place that reads the wall clock

    def elapsed(self) -> BootTime:
        """Seconds since boot, suspends included."""
        return BootTime(self._boot_id, time.clock_gettime(_boot_clock()))

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Sleep at most ``seconds``; True as soon as ``stop`` is set."""
        return stop.wait(max(0.0, seconds))


def _boot_clock() -> int:
    """Return the clock that counts since the boot and goes on in sleep."""
    return getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def _boot_id() -> str:
    """Return what names this boot: Linux and macOS have a UUID for each.

    Where neither can be read (a sandbox without ``/proc``), each process counts as a boot of its own: syncd then only waits longer.
    """
    with suppress(OSError):
        return _BOOT_ID.read_text(encoding="ascii").strip()
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(_BOOT_ID_OF_MACOS, capture_output=True, text=True, timeout=5, check=True)  # noqa: S603  a program of the system
        if found := done.stdout.strip():
            return found
    return f"process-{os.getpid()}-{time.clock_gettime_ns(_boot_clock())}"


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
