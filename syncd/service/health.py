"""Whether the daemon does its work: each source polled and each store pushed lately, not merely a process that runs."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from syncd.clock import Clock
from syncd.ledger import Ledger

_KEY = ("-", "health")
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_START_FIELD = 19  # of /proc/<pid>/stat, counted after the command's name (proc(5), field 22)


@dataclass(frozen=True, slots=True)
class Process:
    """A process on a host: its number is its own only together with when it started."""

    host: str
    pid: int
    started: str

    @classmethod
    def mine(cls) -> Process:
        """The one that asks."""
        return cls(socket.gethostname(), os.getpid(), _started(os.getpid()))

    def alive(self) -> bool | None:
        """Whether it still runs; None where that cannot be seen from here."""
        if self.host != socket.gethostname():
            return None
        return bool(self.started) and _started(self.pid) == self.started


def _started(pid: int) -> str:
    try:
        return (
            Path(f"/proc/{pid}/stat")
            .read_text(encoding="ascii", errors="replace")
            .rpartition(")")[2]
            .split()[_START_FIELD]
        )
    except (OSError, IndexError):
        return ""


@dataclass(frozen=True, slots=True)
class Health:
    """When each part last finished a good cycle (aware times; None: not yet), and what ails those that did not."""

    at: datetime
    good: Mapping[str, datetime | None]
    ails: Mapping[str, str]
    process: Process
    stopped: bool = False

    def running(self) -> bool:
        """Whether the daemon that reported this still runs, as far as can be seen from here."""
        return not self.stopped and self.process.alive() is not False

    def unwell(self, now: datetime, within: timedelta) -> list[str]:
        """A line for every part that has no good cycle, or none for too long; empty where all is well."""
        if not self.running():
            how = "it was stopped" if self.stopped else "it died without a word"
            return [
                f"no daemon is running: {how} after {self.at.isoformat(timespec='seconds')}; start it with syncd run"
            ]
        lines = [f"the daemon last reported {self.at.isoformat()}"] if now - self.at > within else []
        for part, at in sorted(self.good.items()):
            why = self.ails.get(part)
            if at is None:
                lines.append(f"{part}: no good cycle yet" + (f": {why}" if why else ""))
            elif now - at > within:
                lines.append(f"{part}: last good cycle {at.isoformat()}: {why or 'no good cycle since'}")
        return lines


class Pulse:
    """Gathers the cycles of the daemon's jobs and keeps the result where ``syncd status --healthy`` reads it."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger, self._clock = ledger, clock
        self._good: dict[str, datetime | None] = {}
        self._ails: dict[str, str] = {}
        self._lock = threading.Lock()
        self._process = Process.mine()

    def expect(self, part: str) -> None:
        """From now on ``part`` owes a good cycle."""
        with self._lock:
            self._good.setdefault(part, None)

    def good(self, part: str) -> None:
        """``part`` has just finished a good cycle."""
        with self._lock:
            self._good[part] = self._clock.now()
            self._ails.pop(part, None)

    def bad(self, part: str, why: str) -> None:
        """``part`` could not do its work."""
        with self._lock:
            self._ails[part] = why

    def report(self, *, stopped: bool = False) -> Health:
        """How things stand now."""
        with self._lock:
            return Health(self._clock.now(), dict(self._good), dict(self._ails), self._process, stopped)

    def keep(self, *, stopped: bool = False) -> None:
        """Write the report into the ledger."""
        report = self.report(stopped=stopped)
        document = {
            "at": report.at.isoformat(),
            "good": {part: at.isoformat() if at else None for part, at in report.good.items()},
            "ails": dict(report.ails),
            "process": asdict(report.process),
            "stopped": stopped,
        }
        self._ledger.cache_put(*_KEY, {"daemon": json.dumps(document)})


def read_health(ledger: Ledger) -> Health | None:
    """The daemon's last report, or None where no daemon has run on this ledger."""
    text = ledger.cache_get(*_KEY, ["daemon"], younger_than=_EVER).get("daemon")
    if not text:
        return None
    document = json.loads(text)
    good = {part: datetime.fromisoformat(at) if at else None for part, at in document["good"].items()}
    process = Process(**document.get("process", {"host": "", "pid": 0, "started": ""}))
    at = datetime.fromisoformat(document["at"])
    return Health(at, good, document["ails"], process, document.get("stopped", False))
