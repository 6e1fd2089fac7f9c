"""Whether the daemon does its work: each source polled and each store pushed lately, not merely a process that runs."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from syncd.clock import Clock
from syncd.ledger import Ledger

_KEY = ("-", "health")
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Health:
    """When each part last finished a good cycle (aware times), and what ails those that did not."""

    at: datetime
    good: Mapping[str, datetime]
    ails: Mapping[str, str]

    def unwell(self, now: datetime, within: timedelta) -> list[str]:
        """A line for every part whose last good cycle is too long ago; empty where all is well."""
        lines = [f"the daemon last reported {self.at.isoformat()}"] if now - self.at > within else []
        for part, at in sorted(self.good.items()):
            if now - at > within:
                why = self.ails.get(part, "no good cycle since")
                lines.append(f"{part}: last good cycle {at.isoformat()}: {why}")
        return lines


class Pulse:
    """Gathers the cycles of the daemon's jobs and keeps the result where ``syncd status --healthy`` reads it."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger, self._clock = ledger, clock
        self._good: dict[str, datetime] = {}
        self._ails: dict[str, str] = {}
        self._lock = threading.Lock()

    def expect(self, part: str) -> None:
        """From now on ``part`` owes a good cycle."""
        with self._lock:
            self._good.setdefault(part, self._clock.now())

    def good(self, part: str) -> None:
        """``part`` has just finished a good cycle."""
        with self._lock:
            self._good[part] = self._clock.now()
            self._ails.pop(part, None)

    def bad(self, part: str, why: str) -> None:
        """``part`` could not do its work."""
        with self._lock:
            self._ails[part] = why

    def report(self) -> Health:
        """How things stand now."""
        with self._lock:
            return Health(self._clock.now(), dict(self._good), dict(self._ails))

    def keep(self) -> None:
        """Write the report into the ledger."""
        report = self.report()
        document = {
            "at": report.at.isoformat(),
            "good": {part: at.isoformat() for part, at in report.good.items()},
            "ails": dict(report.ails),
        }
        self._ledger.cache_put(*_KEY, {"daemon": json.dumps(document)})


def read_health(ledger: Ledger) -> Health | None:
    """The daemon's last report, or None where no daemon has run on this ledger."""
    text = ledger.cache_get(*_KEY, ["daemon"], younger_than=_EVER).get("daemon")
    if not text:
        return None
    document = json.loads(text)
    good = {part: datetime.fromisoformat(at) for part, at in document["good"].items()}
    return Health(datetime.fromisoformat(document["at"]), good, document["ails"])
