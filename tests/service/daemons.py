"""A daemon within the test's own process: its clocks can be set, and its parts be made to fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from syncd.app import App, open_app
from syncd.config import load
from syncd.service.daemon import run_daemon
from syncd.service.health import Health, HealthPart, read_health
from tests.shop import Shop

_LONGEST_S = 60.0


@contextmanager
def daemon(shop: Shop, patch: pytest.MonkeyPatch, *, beat_s: float = 0.1) -> Iterator[App]:
    """The app of a daemon that runs in a thread until the end."""
    patch.setenv("FLOW_TOKEN", shop.store.token)
    patch.setenv("WATCHDOG_USEC", str(int(beat_s * 2_000_000)))
    stop = threading.Event()
    with open_app(load(shop.config), stop=stop) as app:
        thread = threading.Thread(target=run_daemon, args=(app, stop))
        thread.start()
        try:
            yield app
        finally:
            stop.set()
            thread.join()


def until(what: Callable[[], bool], why: str = "it did not happen") -> None:
    """Wait for something; the time-out is for a broken program, and no measure of anything."""
    begin = time.monotonic()
    while not what():
        assert time.monotonic() - begin < _LONGEST_S, why
        time.sleep(0.02)


def health(app: App) -> Health | None:
    """What the daemon last reported."""
    return next(iter(read_health(app.ledger)), None)


def part(app: App, name: str) -> HealthPart:
    """How one of its jobs stands; a daemon that has not reported yet has had no cycle."""
    report = health(app)
    return report.parts[name] if report is not None else HealthPart(timedelta(0))
