"""Told to stop: whatever the main thread holds in that moment, the program hears of it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from syncd.service.daemon import stop_on_signals

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
