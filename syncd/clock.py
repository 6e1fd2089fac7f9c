"""Time, handed in: the wall clock for people, boot time for gaps.

Nothing outside this module reads a clock. ``now`` may jump; ``elapsed`` may not, and goes on while the machine sleeps, so a gap
measured by it is a gap that passed in the world. Linux has ``CLOCK_BOOTTIME`` for that; the ``CLOCK_MONOTONIC`` of macOS goes on in
sleep as well (clock_gettime(3) of macOS).
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from msgspec import Struct

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_BOOT_ID_OF_MACOS = ("/usr/sbin/sysctl", "-n", "kern.bootsessionuuid")


class BootTime(Struct, frozen=True):
    """Seconds since this boot, and which boot it was: comparable only within one boot."""

    boot_id: str
    seconds: float

    def since(self, earlier: BootTime) -> float | None:
        """Seconds that have passed since ``earlier``, or None where that was another boot."""
        return self.seconds - earlier.seconds if earlier.boot_id == self.boot_id else None


class Now(Struct, frozen=True):
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
