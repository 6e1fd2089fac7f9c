"""The wall clock is set: no job waits for the old time to come again, and health goes by the time that has passed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine

from syncd.app import App
from syncd.clock import Now, SystemClock
from syncd.testing.orders import sale
from tests.service.daemons import daemon, health, part, until
from tests.shop import Shop

QUICK = """
[service]
push_every = "200ms"
housekeep_every = "300ms"
healthy_within = "12s"
[sources.till]
type = "jsonl"
path = "inbox"
settle = "0s"
every = "200ms"
"""
JOBS = ("dispatch", "poll till", "push main", "reconcile main", "housekeep")


def good_at(app: App, job: str) -> float:
    good = part(app, job).last_ok
    return 0.0 if good is None else good.boot.seconds


@pytest.mark.parametrize("days", [-1, -400, 1, 9497])
def test_every_job_goes_on_when_the_clock_is_set(shop: Shop, monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    shop.configure(QUICK)
    with daemon(shop, monkeypatch) as app:
        until(lambda: (found := health(app)) is not None and all(found.parts[job].last_ok for job in JOBS))
        with time_machine.travel(SystemClock().now() + timedelta(days=days), tick=True):
            before = SystemClock().elapsed().seconds
            shop.drop("sales.jsonl", sale(source="till", sale_id="after", placed_at=_now()).to_json() + "\n")
            for job in JOBS:
                until(lambda job=job: good_at(app, job) > before + 1, f"{job} runs no more")  # type: ignore[misc]  # mypy#12557
            until(lambda: any(order["external_order_id"] == "till:after" for order in shop.store.orders()))
            report = health(app)
            assert report is not None
            assert report.unwell(Now.of(app.clock), timedelta(minutes=10)) == []


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
