"""Clocks that tests move: one that stands still until then, and one that runs ahead of the machine's."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from syncd.clock import BootTime, SystemClock


class ManualClock:
    """Wall clock and boot time under a test's control; ``wait`` moves both instead of sleeping."""

    def __init__(self, now: datetime = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)) -> None:
        self._now = now
        self._boot, self._seconds = 1, 1000.0

    def now(self) -> datetime:
        """Return the wall clock, aware, in UTC."""
        return self._now

    def elapsed(self) -> BootTime:
        """Boot time."""
        return BootTime(f"boot-{self._boot}", self._seconds)

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Let ``seconds`` pass at once, unless ``stop`` is set."""
        if not stop.is_set():
            self.pass_time(seconds)
        return stop.is_set()

    def pass_time(self, seconds: float) -> None:
        """Time passes: both clocks move."""
        self._now += timedelta(seconds=seconds)
        self._seconds += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock, forward or back; boot time does not notice."""
        self._now += timedelta(seconds=seconds)

    def reboot(self) -> None:
        """Another boot: its seconds say nothing about those of the boot before."""
        self._boot += 1
        self._seconds = 5.0


class AheadClock:
    """The machine's clocks, so much ahead as a test wants: waits that a test would sit through pass at once."""

    def __init__(self) -> None:
        self._system, self._ahead_s = SystemClock(), 0.0

    def now(self) -> datetime:
        """Return the wall clock, aware, in UTC."""
        return self._system.now() + timedelta(seconds=self._ahead_s)

    def elapsed(self) -> BootTime:
        """Boot time."""
        real = self._system.elapsed()
        return BootTime(real.boot_id, real.seconds + self._ahead_s)

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Sleep in real time; True as soon as ``stop`` is set."""
        return self._system.wait(stop, seconds)

    def pass_time(self, seconds: float) -> None:
        """Time passes: both clocks move."""
        self._ahead_s += seconds
