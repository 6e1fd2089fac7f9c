"""The clock of a compressed day, shared by every process in it, and a daemon that lives by it."""

from __future__ import annotations

import mmap
import struct
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta
from pathlib import Path

from syncd import logs
from syncd.app import open_app
from syncd.clock import BootTime, SystemClock
from syncd.config import load
from syncd.errors import SyncdError
from syncd.service.health import Heartbeats
from syncd.service.jobs import Jobs

_PLACES = {"ahead": 0, "set_by": 8, "kept_up": 16}
_BEAT_S = 15.0


class DayClock:
    """The machine's clocks, sent ahead by whoever writes into the file that all processes of the day map."""

    def __init__(self, file: Path) -> None:
        self._system = SystemClock()
        if not file.exists():
            file.write_bytes(bytes(24))
        with file.open("r+b") as opened:
            self._shared = mmap.mmap(opened.fileno(), 24)

    def read(self, name: str) -> float:
        """``ahead``: seconds sent ahead; ``set_by``: how wrong the wall clock is; ``kept_up``: till when a second daemon worked."""
        return float(struct.unpack_from("d", self._shared, _PLACES[name])[0])

    def write(self, name: str, value: float) -> None:
        """The same, for whoever leads the day."""
        struct.pack_into("d", self._shared, _PLACES[name], value)

    def world(self) -> datetime:
        """What time it really is in that day."""
        return self._system.now() + timedelta(seconds=self.read("ahead"))

    def now(self) -> datetime:
        """The wall clock, as wrong as it was set."""
        return self.world() + timedelta(seconds=self.read("set_by"))

    def elapsed(self) -> BootTime:
        """Boot time."""
        real = self._system.elapsed()
        return BootTime(real.boot_id, real.seconds + self.read("ahead"))

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Wait until so much of the day has passed; True as soon as ``stop`` is set."""
        end = self.elapsed().seconds + seconds
        while self.elapsed().seconds < end:
            if stop.wait(0.002):
                return True
        return stop.is_set()


class DayDaemon:
    """The daemon's own jobs over a real app, each in its thread, called by boot time as the scheduler calls them."""

    def __init__(self, config: Path, clock: DayClock) -> None:
        self._exits, self._stop, self._clock = ExitStack(), threading.Event(), clock
        app = self._exits.enter_context(open_app(load(config), clock, self._stop))
        self._pulse = Heartbeats(app.ledger, clock)
        self._jobs = Jobs(app, self._pulse, self._stop)
        self._wanted: set[str] = set()
        self._jobs.run_now = self._wanted.add
        self._table = {job.name: job for job in self._jobs.timetable()}
        now = clock.elapsed().seconds
        self._next = dict.fromkeys(self._table, now)
        self._beat = now
        self._at_work: dict[str, Future[None]] = {}
        self._pool = ThreadPoolExecutor(len(self._table))

    def next_at(self) -> float:
        """When, in boot time, something is due."""
        return min(*self._next.values(), self._beat)

    def tick(self) -> bool:
        """Start what is due; whether anything is at work."""
        now = self._clock.elapsed().seconds
        for name, job in self._table.items():
            done = name not in self._at_work or self._at_work[name].done()
            if done and (self._next[name] <= now or name in self._wanted):
                self._wanted.discard(name)
                self._next[name] = now + job.every.total_seconds()
                self._at_work[name] = self._pool.submit(job.run)
        if self._beat <= now:
            self._beat = now + _BEAT_S
            self._keep()
        at_work = any(
            not work.done() for work in self._at_work.values()
        )  # asked first: a job that ends may want another
        return at_work or bool(self._wanted)

    def _keep(self, *, stopped: bool = False) -> None:
        with suppress(SyncdError):  # told by the jobs; a ledger that cannot be written has no news of us either
            self._pulse.keep(stopped=stopped)

    def close(self) -> None:
        """SIGTERM: finish what is on the wire, say so, give the leases back."""
        self._stop.set()
        self._pool.shutdown(wait=True)
        self._jobs.close()
        self._keep(stopped=True)
        self._exits.close()


def main() -> None:
    """A second daemon in a process of its own: ``python -m tests.chaos.daylight CONFIG CLOCK``."""
    logs.setup("json", "warning")
    clock = DayClock(Path(sys.argv[2]))
    daemon = DayDaemon(Path(sys.argv[1]), clock)
    while True:
        reached = clock.elapsed().seconds
        while daemon.tick():
            time.sleep(0.002)
        clock.write("kept_up", reached)
        time.sleep(0.002)


if __name__ == "__main__":
    main()
