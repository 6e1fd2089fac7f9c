"""Told to stop: whatever the main thread holds in that moment, the program hears of it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from syncd.app import open_app
from syncd.config import load
from syncd.service.daemon import run_daemon, stop_on_signals
from syncd.sources.jsonl import JsonlSource
from syncd.testing.orders import sale
from tests.service.daemons import health, until
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
    ends, shutdown, fetch = threading.Event(), BackgroundScheduler.shutdown, JsonlSource.fetch

    def tell(scheduler: Any, *words: Any, **more: Any) -> None:
        ends.set()
        shutdown(scheduler, *words, **more)

    def fetch_late(source: Any, *words: Any) -> Any:
        assert ends.wait(60)
        time.sleep(0.5)  # the scheduler is within its shutdown by now
        return fetch(source, *words)  # a sale: a push is asked for

    monkeypatch.setattr(BackgroundScheduler, "shutdown", tell)
    monkeypatch.setattr(JsonlSource, "fetch", fetch_late)
    shop.configure('[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n')
    shop.drop("sales.jsonl", sale(source="till").to_json() + "\n")
    monkeypatch.setenv("FLOW_TOKEN", shop.store.token)
    stop = threading.Event()
    with open_app(load(shop.config), stop=stop) as app:
        thread = threading.Thread(target=run_daemon, args=(app, stop), daemon=True)
        thread.start()
        until(lambda: health(app) is not None)
        stop.set()
        thread.join(60)
        assert not thread.is_alive()
        assert app.ledger.counts() != {}
