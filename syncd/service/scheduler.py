"""APScheduler with our settings: every job is an idempotent pass over what is due, so late or merged runs cost only lag."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import ParamSpec, TypeVar

from apscheduler.executors.pool import BasePoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from syncd.app import App
from syncd.clock import Clock, Now
from syncd.logs import get_logger
from syncd.service.job_names import poll_job
from syncd.service.jobs import Jobs
from syncd.sources import Watching
from syncd.sources.arrivals import watch_folders

P = ParamSpec("P")
T = TypeVar("T")
_JUMP = timedelta(seconds=2)


class ThreadPerRun(Executor):
    """Runs each call in a thread of its own, which ends with it: few at rest, and no long job keeps another one waiting."""

    def __init__(self) -> None:
        self._running = set[threading.Thread]()
        self._lock, self._closed = threading.Lock(), False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call.

        Raises:
            RuntimeError: this was shut down, or the system gives no more threads.

        """
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001  it belongs to whoever has the future, not to this thread
                future.set_exception(error)
            finally:
                with self._lock:
                    self._running.discard(thread)

        thread = threading.Thread(target=run, name="job", daemon=True)
        with self._lock:
            if self._closed:
                raise RuntimeError("no call is taken after the shutdown")
            thread.start()
            self._running.add(thread)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; with ``wait``, return once those that run have ended."""
        del cancel_futures  # none waits
        with self._lock:
            self._closed, running = True, list(self._running)
        if wait:
            for thread in running:
                thread.join()


class _Threads(BasePoolExecutor):  # type: ignore[misc]  # APScheduler has no types
    """The jobs' threads. APScheduler waits for jobs while it holds the lock that a job needs which asks for another: for ever."""

    def __init__(self) -> None:
        super().__init__(ThreadPerRun())

    def shutdown(self, wait: bool = True) -> None:
        """Begin nothing more; ``drain`` waits."""
        del wait
        super().shutdown(wait=False)

    def drain(self) -> None:
        """Wait for what is at work."""
        super().shutdown(wait=True)


class Timetable:
    """The daemon's jobs over APScheduler; every one runs at once after ``start``, then at its own gap."""

    def __init__(self, app: App, jobs: Jobs) -> None:
        self._threads = _Threads()
        self.scheduler = _build(app, jobs, self._threads)

    def start(self) -> None:
        """Begin."""
        self.scheduler.start()

    def close(self) -> None:
        """Begin nothing more, and wait for what is at work, which may ask for other jobs to the last."""
        self.scheduler.shutdown()
        self._threads.drain()


def _build(app: App, jobs: Jobs, threads: _Threads) -> BackgroundScheduler:
    table = jobs.timetable()
    # A pass that takes longer than its gap is normal work; it warns of each turn that is merged into the next.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
    scheduler = BackgroundScheduler(
        timezone="UTC",
        executors={"default": threads},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    now = app.clock.now()
    for job in table:
        gap = job.every.total_seconds()
        trigger = EachGap(seconds=gap, timezone="UTC")
        scheduler.add_job(job.run, trigger, id=job.name, name=job.name, next_run_time=now)

    jobs.run_now = partial(_run_now, jobs=jobs, scheduler=scheduler, clock=app.clock)
    return scheduler


class EachGap(IntervalTrigger):  # type: ignore[misc]  # APScheduler has no types
    """A turn after each gap; turns that were missed are one.

    APScheduler lists every turn that lies between the last one and now, under the lock that every job needs. After a clock that was
    set forward by years that is hundreds of millions; here the turn after a missed one lies a gap after now.
    """

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """Return the next turn, given the last one."""
        following: datetime = (previous_fire_time or now) + self.interval
        again: datetime = now + self.interval
        return following if following > now else again


class Jumps:
    """Notices that the wall clock was set, and runs every job at once: APScheduler would wait for the old time to come again."""

    def __init__(self, scheduler: BackgroundScheduler, clock: Clock) -> None:
        self._scheduler, self._clock = scheduler, clock
        self._last = Now.of(clock)

    def look(self) -> timedelta:
        """How far the wall clock was set since the last look, beyond what has passed; a small slew counts for nothing."""
        last, self._last = self._last, Now.of(self._clock)
        set_by = self._last.wall - last.wall - self._last.age(last)
        if abs(set_by) < _JUMP:
            return timedelta(0)
        for job in self._scheduler.get_jobs():
            job.modify(next_run_time=self._last.wall)
        get_logger().warning("clock_was_set", by_s=round(set_by.total_seconds(), 1))
        return set_by


def watch_sources(app: App, jobs: Jobs, stop: threading.Event) -> None:
    """Start the thread that watches the sources' folders, where there are any, and asks for a poll when something is new."""
    sources = {name: till.source for name, till in app.tills.items()}
    folders = {name: source.watched() for name, source in sources.items() if isinstance(source, Watching)}

    def watch() -> None:
        for name in watch_folders(folders, app.clock, stop):
            jobs.run_now(poll_job(name))

    if folders:
        threading.Thread(target=watch, name="watch folders", daemon=True).start()


def _run_now(job: str, jobs: Jobs, scheduler: BackgroundScheduler, clock: Clock) -> None:
    jobs.request(job)
    with suppress(JobLookupError):  # it was shut down since: the next start does what is left
        scheduler.modify_job(job, next_run_time=clock.now())
