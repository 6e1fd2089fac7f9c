"""The jobs of a fleet's queue: their names, their periods, and their edge, where an error is logged and ends nothing.

Tasks never raise, and nothing is retried by the queue: what is due is in the ledger, and the sweep finds it.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from procrastinate import App as QueueApp
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status

from syncd.clock import Clock
from syncd.errors import LeaseTaken, Stopped, SyncdError
from syncd.fleet.chores import Chores
from syncd.fleet.queue import Priority
from syncd.fleet.turns import FleetTurns
from syncd.logs import bind, get_logger

# The sixth field is seconds: https://pypi.org/project/croniter
_TICK, _SWEEP, _REAP, _WATCH, _HOUSEKEEP = (
    "* * * * * */5",
    "* * * * * */15",
    "* * * * * */30",
    "* * * * * 0",
    "17 * * * * 0",
)
_STALLED_S = 30
_SAID_AGAIN_S = 600.0


@dataclass(slots=True)
class RunningJobs:
    """What this worker does now, and how often it has done each kind of job."""

    clock: Clock
    running: dict[int, tuple[str, float]] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    _said: dict[str, tuple[str, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def job(self, kind: str, about: str = "") -> Iterator[None]:
        """Do a job until the end of the block: an error is logged, the same one seldom, and goes no further."""
        number, begun = threading.get_ident(), self.clock.elapsed().seconds
        with self._lock:
            self.running[number] = (f"{kind} {about}".strip(), begun)
        try:
            with bind(job=kind):
                yield
        except (LeaseTaken, Stopped):
            pass  # another worker is at it, or this one is to end
        except SyncdError as error:
            self._failed(kind, about, error.what, error.cure)
        except Exception as error:  # noqa: BLE001  a job's edge: the queue must never hear of it
            self.failed[kind] += 1
            get_logger().exception("job_failed_unexpectedly", job=kind, about=about, why=str(error))
        finally:
            with self._lock:
                self.running.pop(number, None)
                self.done[kind] += 1

    def _failed(self, kind: str, about: str, why: str, cure: str) -> None:
        self.failed[kind] += 1
        key, now = f"{kind} {about}", self.clock.elapsed().seconds
        before, at = self._said.get(key, ("", -math.inf))
        if why != before or now - at >= _SAID_AGAIN_S:
            self._said[key] = (why, now)
            get_logger().error("job_failed", job=kind, about=about, why=why, cure=cure)

    def oldest_s(self) -> float:
        """How long the job runs that runs longest; 0 where none does."""
        with self._lock:
            begun = [at for _, at in self.running.values()]
        return self.clock.elapsed().seconds - min(begun) if begun else 0.0


def register_tasks(queue: QueueApp, turns: FleetTurns, chores: Chores, busy: RunningJobs) -> None:
    """Tell a worker's queue which function does which job. Each blocks, and runs in a thread."""

    def task(name: str, work: Callable[..., None], about: str = "") -> Any:  # noqa: ANN401  procrastinate's own
        def run(**words: Any) -> None:  # noqa: ANN401  a job's arguments
            words.pop("timestamp", None)
            if set(words) != ({about} if about else set()):
                get_logger().warning("job_not_understood", job=name, cure="Nothing to do: it was of no use.")
                return
            with busy.job(name, str(words.get(about, ""))):
                work(**words)

        return queue.task(name=name, queue="control")(run)

    task("push", turns.push, "store")
    task("check", turns.check, "store")
    task("poll", turns.poll, "number")
    task("fetch", turns.fetch, "source")
    task("backfill", turns.backfill, "source")
    for name, work, cron in (
        ("tick", chores.tick, _TICK),
        ("sweep", chores.sweep, _SWEEP),
        ("watch", chores.watch, _WATCH),
        ("events", chores.send_events, _TICK),
        ("housekeep", chores.housekeep, _HOUSEKEEP),
    ):
        # One of each waits at most: a fleet that stood still makes up for nothing.
        periodic = queue.periodic(cron=cron, queue="control", queueing_lock=name, priority=int(Priority.CONTROL))
        periodic(task(name, work))

    @queue.periodic(cron=_REAP, queue="control", queueing_lock="reap", priority=int(Priority.CONTROL))
    @queue.task(name="reap", queue="control")
    async def reap(timestamp: int) -> None:
        """Delete the jobs of workers that died: what they were about is found by the sweep."""
        del timestamp
        try:
            await queue.job_manager.prune_stalled_workers(_STALLED_S)
            for job in await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=_STALLED_S):
                await queue.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)
        except ConnectorException as error:
            get_logger().warning("stalled_jobs_left", why=str(error.__cause__ or error).splitlines()[0])
