"""Told to stop: whatever the main thread holds in that moment, the program hears of it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from syncd.app import open_app
from syncd.config import load
from syncd.service.daemon import run_daemon, stop_on_signals
from tests.doubles.clover import CloverDouble
from tests.service.daemons import until
from tests.shop import Shop

# The signal comes while the main thread holds the lock of the event, as it does for a moment in every wait.
IN_THE_WORST_MOMENT = """
import os, signal, threading
from syncd.service.daemon import stop_on_signals
stop = threading.Event()
with stop_on_signals(stop):
    with stop._cond:
        os.kill(os.getpid(), signal.{name})
    stop.wait()
print("stopped")
"""

CLOVER = """
[sources.till]
type = "clover"
merchant_id = "MID1"
token = {{ env = "FLOW_TOKEN" }}
api_url = "{url}"
start_from = "ever"
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_in_the_worst_moment_is_heard(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_THE_WORST_MOMENT.format(name=name)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.endswith("stopped\n"), done.stderr


def test_the_handlers_of_before_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM), threading.active_count()
    with stop_on_signals(threading.Event()):
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert (signal.getsignal(signal.SIGTERM), threading.active_count()) == before


def test_a_job_that_asks_for_another_while_the_daemon_ends_lets_it_end(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, let_go, shutdown = threading.Event(), threading.Event(), BackgroundScheduler.shutdown

    def answer_late(_: object) -> None:
        asked.set()
        let_go.wait(60)

    def let_go_within(scheduler: Any, *words: Any, **more: Any) -> None:
        threading.Timer(0.5, let_go.set).start()  # the scheduler is within its shutdown by then
        shutdown(scheduler, *words, **more)

    monkeypatch.setattr(BackgroundScheduler, "shutdown", let_go_within)
    monkeypatch.setenv("FLOW_TOKEN", shop.store.token)
    stop = threading.Event()
    with CloverDouble() as pos:
        pos.sell(1)  # when it is read, a push is asked for
        pos.token, pos.on_answer = shop.store.token, answer_late
        shop.configure(CLOVER.format(url=pos.url))
        with open_app(load(shop.config), stop=stop) as app:
            thread = threading.Thread(target=run_daemon, args=(app, stop), daemon=True)
            thread.start()
            until(asked.is_set)
            stop.set()
            thread.join(60)
            assert not thread.is_alive()
            assert let_go.is_set()
            assert app.ledger.sales.counts() != {}
