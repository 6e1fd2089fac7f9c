"""APScheduler with our settings: every job is an idempotent pass over what is due, so late or merged runs cost only lag."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from syncd.app import App
from syncd.service.jobs import Jobs, source_part, store_part
from syncd.sources.base import Watching

_RECONCILE_MOST = timedelta(seconds=15)
_RECONCILE_LEAST = timedelta(milliseconds=200)
_LOOK_OVER = timedelta(hours=1)  # a pass a day; whether it is due is looked at this often
_REFRESH = timedelta(minutes=1)


def build_scheduler(app: App, jobs: Jobs) -> BackgroundScheduler:
    """The daemon's timetable, not yet started: poll each source; push, reconcile, refresh and look over each store; keep house."""
    seats = len(app.tills) + 4 * len(app.stores) + 1
    scheduler = BackgroundScheduler(
        timezone="UTC",
        executors={"default": ThreadPoolExecutor(seats)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    now = app.clock.now()

    def every(gap: timedelta, name: str, job: object, *args: str) -> None:
        scheduler.add_job(job, "interval", seconds=gap.total_seconds(), id=name, args=args, next_run_time=now)

    for name, till in app.tills.items():
        every(till.config.common.every, f"poll {name}", jobs.poll, name)
    for name, store in app.stores.items():
        settle = store.settings.push.settle
        every(app.config.service.push_every, f"push {name}", jobs.push, name)
        every(min(max(settle / 4, _RECONCILE_LEAST), _RECONCILE_MOST), f"reconcile {name}", jobs.reconcile, name)
        every(_REFRESH, f"refresh {name}", jobs.refresh, name)
        every(_LOOK_OVER, f"look over {name}", jobs.look_over, name)
    every(app.config.service.housekeep_every, "housekeep", jobs.housekeep)

    def recorded(store: str) -> None:
        jobs.ask(store_part(store))
        scheduler.modify_job(f"push {store}", next_run_time=app.clock.now())

    jobs.recorded = recorded
    return scheduler


def watch_sources(
    app: App, jobs: Jobs, scheduler: BackgroundScheduler, stop: threading.Event
) -> list[threading.Thread]:
    """A thread for each source that can tell of something new; each asks for a poll at once."""
    threads = []
    for name, till in app.tills.items():
        if isinstance(till.source, Watching):
            thread = threading.Thread(
                target=_watch,
                args=(till.source, partial(_poll_now, name, jobs, scheduler, app), stop),
                name=f"watch {name}",
                daemon=True,
            )
            thread.start()
            threads.append(thread)
    return threads


def _watch(source: Watching, poll_now: Callable[[], None], stop: threading.Event) -> None:
    for _ in source.watch(stop):
        poll_now()


def _poll_now(name: str, jobs: Jobs, scheduler: BackgroundScheduler, app: App) -> None:
    jobs.ask(source_part(name))
    scheduler.modify_job(f"poll {name}", next_run_time=app.clock.now())
