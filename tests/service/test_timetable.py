"""The timetable when the wall clock is set by years: no missed turns are counted, the lock is free, memory stays flat."""

from __future__ import annotations

import threading
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from syncd.service.scheduler import EachGap, ThreadPerRun

_START = datetime(2000, 1, 1, tzinfo=UTC)  # a box without a battery begins here


@pytest.mark.parametrize("years", [-26, 0, 26, 7000])
def test_a_clock_that_was_set_by_years_costs_one_turn(years: int) -> None:
    trigger, now = EachGap(seconds=1, timezone="UTC"), _START.replace(year=_START.year + years)
    turns, at = 0, _START
    while at <= now and turns < 10:
        turns += 1
        at = trigger.get_next_fire_time(at, now)
    assert turns <= 1
    assert at > now or years <= 0


def test_a_job_that_missed_twenty_six_years_runs_once_and_its_scheduler_still_answers() -> None:
    ran = threading.Event()
    scheduler = BackgroundScheduler(timezone="UTC", job_defaults={"coalesce": True, "misfire_grace_time": None})
    tracemalloc.start()
    scheduler.add_job(ran.set, EachGap(seconds=1, timezone="UTC"), id="push", next_run_time=_START)
    scheduler.start()
    try:
        assert ran.wait(10)
        assert scheduler.get_job("push").next_run_time > datetime.now(UTC) - timedelta(minutes=1)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
        scheduler.shutdown()


def test_a_long_job_keeps_no_other_waiting_and_no_thread_stays_behind() -> None:
    runs, over, before = ThreadPerRun(), threading.Event(), threading.active_count()
    long = [runs.submit(over.wait, 60) for _ in range(50)]
    assert [runs.submit(int, str(n)).result(10) for n in range(50)] == list(range(50))
    over.set()
    assert all(one.result(10) for one in long)
    runs.shutdown()
    assert threading.active_count() == before


def test_a_shutdown_waits_for_what_is_at_work_and_takes_no_more() -> None:
    runs, over, ended = ThreadPerRun(), threading.Event(), threading.Event()
    work = runs.submit(over.wait, 60)

    def shut_down() -> None:
        runs.shutdown()
        ended.set()

    waits = threading.Thread(target=shut_down)
    waits.start()
    assert not ended.wait(0.1)
    with pytest.raises(RuntimeError):
        runs.submit(int)
    over.set()
    waits.join(10)
    assert ended.is_set()
    assert work.done()


def test_what_a_job_raises_is_its_futures() -> None:
    assert isinstance(ThreadPerRun().submit(int, "x").exception(10), ValueError)
