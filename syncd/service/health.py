"""Whether the daemon does its work: each of its jobs done well lately, not merely a process that runs.

Ages are taken by boot time where the reader runs on the same boot, so that a clock which is set back or forward neither hides
a dead job nor invents one.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from msgspec import DecodeError, Struct, json
from msgspec.structs import replace

from syncd.app import App
from syncd.clock import BootTime, Clock, Now
from syncd.ledger import Ledger


class Process(Struct, frozen=True):
    """A process on a host: its number is its own only together with when it started."""

    host: str
    pid: int
    started: str

    @classmethod
    def mine(cls) -> Process:
        """Return this process."""
        return cls(socket.gethostname(), os.getpid(), _started(os.getpid()))

    @property
    def is_here(self) -> bool:
        """Whether it runs, or ran, on this host."""
        return self.host == socket.gethostname()

    def alive(self) -> bool | None:
        """Whether it still runs; None where that cannot be seen from here."""
        if not self.is_here:
            return None
        return bool(self.started) and _started(self.pid) == self.started

    def __str__(self) -> str:
        """As a person reads it."""
        return f"process {self.pid} on {self.host}"


def _started(pid: int) -> str:
    """When it started; empty where it has ended, even if nobody has taken note of that yet (a zombie).

    Linux knows it in seconds since the boot, macOS as a time of day: so either stays the same when the clock is set.
    """
    import psutil  # noqa: PLC0415  a command needs it only where a daemon has ever run

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return ""
        began = process.create_time() - (psutil.boot_time() if psutil.LINUX else 0.0)
    except (psutil.Error, OSError):
        return ""
    return f"{began:.2f}"


class HealthPart(Struct, frozen=True):
    """One job: how far apart its good cycles may be, when the last one ended, its last error, and for whom it stands by."""

    max_gap: timedelta
    last_ok: Now | None = None
    last_error: str = ""
    standby: str = ""


class Health(Struct, frozen=True):
    """What one daemon last reported of itself and its jobs."""

    at: Now
    parts: Mapping[str, HealthPart]
    process: Process
    stopped: bool = False
    begun: Now | None = None

    def running(self) -> bool:
        """Whether the daemon that reported this still runs, as far as can be seen from here."""
        return not self.stopped and self.process.alive() is not False

    def unwell(self, now: Now, within: timedelta) -> list[str]:
        """Return a line for every job that has no good cycle, or none for too long; empty where all is well."""
        since = self.at.wall.isoformat(timespec="seconds")
        if not self.running():
            how = "it was stopped" if self.stopped else "it died without a word"
            return [f"no daemon is running: {how} after {since}; start it with syncd run"]
        lines = [f"the daemon ({self.process}) last reported {since}"] if now.age(self.at) > within else []
        for name, part in sorted(self.parts.items()):
            if part.standby:
                continue
            if part.last_ok is None:
                lines.append(f"{name}: no good cycle yet" + (f": {part.last_error}" if part.last_error else ""))
            elif now.age(part.last_ok) > part.max_gap:
                last = part.last_ok.wall.isoformat(timespec="seconds")
                lines.append(f"{name}: last good cycle {last}: {part.last_error or 'no good cycle since'}")
        return lines

    def standing_by(self) -> list[str]:
        """Return a line for every job that another process does, and that this one takes over when that ends."""
        return [f"{name}: standing by: {part.standby}" for name, part in sorted(self.parts.items()) if part.standby]


_HEALTH = json.Decoder(Health)


@dataclass(slots=True)
class _Life:
    """What is known of a job that is not reported: when it last showed that it moves."""

    part: HealthPart
    moved: BootTime = field(default_factory=lambda: BootTime("", 0.0))
    ended: bool = False


class Heartbeats:
    """Gathers the cycles of the daemon's jobs and keeps the result where ``syncd status --healthy`` reads it."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger, self._clock = ledger, clock
        self._lives: dict[str, _Life] = {}
        self._lock = threading.Lock()
        self._process = Process.mine()
        self._begun = Now.of(clock)

    def expect(self, part: str, max_gap: timedelta) -> None:
        """Expect a good cycle of ``part`` at least this often from now on."""
        with self._lock:
            self._lives[part] = _Life(HealthPart(max_gap), self._clock.elapsed())

    def alive(self, part: str) -> None:
        """``part`` is in the middle of its work, and moves."""
        with self._lock:
            self._lives[part].moved = self._clock.elapsed()

    def ok(self, part: str) -> None:
        """``part`` has just finished a good cycle, or has just got something done in a long one."""
        self._ended(part, last_ok=Now.of(self._clock), last_error="", standby="")

    def failed(self, part: str, why: str) -> None:
        """``part`` could not do its work."""
        self._ended(part, last_error=why, standby="")

    def standby(self, part: str, who: str) -> None:
        """``part`` is done by another process, and this one takes over when that ends."""
        self._ended(part, last_error="", standby=who)

    def _ended(self, part: str, **now: Any) -> None:  # noqa: ANN401  fields of Part
        with self._lock:
            life = self._lives[part]
            life.part, life.moved, life.ended = replace(life.part, **now), self._clock.elapsed(), True

    def begun(self) -> bool:
        """Whether every job has ended a first cycle, well or not: before that a report says little."""
        with self._lock:
            return all(life.ended for life in self._lives.values())

    def stuck(self, after: timedelta) -> list[str]:
        """Jobs that have neither ended nor moved for so long, or for twice their own gap: their thread hangs."""
        now = self._clock.elapsed()
        with self._lock:
            return [
                name
                for name, life in sorted(self._lives.items())
                if (now.since(life.moved) or 0.0) > max(after, life.part.max_gap).total_seconds()
            ]

    def report(self, *, stopped: bool = False) -> Health:
        """How things stand now."""
        with self._lock:
            parts = {name: life.part for name, life in self._lives.items()}
        return Health(Now.of(self._clock), parts, self._process, stopped, self._begun)

    def keep(self, *, stopped: bool = False) -> None:
        """Write the report into the ledger."""
        mine = self._process
        document = json.encode(self.report(stopped=stopped)).decode()
        self._ledger.state.put("daemons", {f"{mine.host}/{mine.pid}/{mine.started}": document})

    def forget_the_dead(self) -> None:
        """Drop the reports of daemons of this host that have ended."""
        kept = self._ledger.state.all("daemons")
        dead = [code for code, text in kept.items() if _is_dead(_read(text))]
        self._ledger.state.drop("daemons", dead)


def forget_silent(ledger: Ledger, before: datetime) -> None:
    """Drop the reports of daemons that have said nothing since ``before``: on another host nobody can see whether they live."""
    kept = {code: _read(text) for code, text in ledger.state.all("daemons").items()}
    ledger.state.drop("daemons", [code for code, one in kept.items() if one is None or one.at.wall < before])


def _read(text: str) -> Health | None:
    """Read a report; None for one that another version of syncd wrote in another form."""
    try:
        return _HEALTH.decode(text)
    except DecodeError:
        return None


def _is_dead(report: Health | None) -> bool:
    return report is None or report.process.alive() is False


def read_health(ledger: Ledger) -> list[Health]:
    """Return the last reports of the daemons that run on this ledger, those of this host first.

    Of none that runs, the newest report.

    Empty where no daemon has ever run on it.
    """
    kept = [_read(text) for text in ledger.state.all("daemons").values()]
    reports = [one for one in kept if one is not None]
    running = [one for one in reports if one.running()]
    newest = sorted(reports, key=lambda one: one.at.wall)[-1:]
    return sorted(running, key=lambda one: (not one.process.is_here, one.at.wall)) or newest


def is_well(app: App) -> bool:
    """Whether the daemons of this host do their work."""
    reports = of_this_host(read_health(app.ledger))
    now, within = Now.of(app.clock), app.config.service.healthy_within
    return bool(reports) and not any(one.unwell(now, within) for one in reports)


def of_this_host(reports: list[Health]) -> list[Health]:
    """Return the daemons that a check on this host answers for: its own, else all there are."""
    return [one for one in reports if one.process.is_here] or reports
