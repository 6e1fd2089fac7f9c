"""What takes long to look up is shown as it was, and no page waits for more than a moment, however much it asks for."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from syncd.clock import SystemClock
from syncd.web.page import background
from syncd.web.page.background import BackgroundReads
from tests.planted_bugs import planted

_LONG = timedelta(hours=1)


def test_what_is_looked_up_within_a_moment_is_shown_at_once() -> None:
    reads = BackgroundReads(SystemClock())
    with planted(background, "_PATIENCE_S", 60.0):
        assert reads.get({"a": lambda: 1, "b": lambda: 2}, _LONG) == {"a": 1, "b": 2}
        assert reads.get({"a": lambda: 9}, _LONG) == {"a": 1}, "it is young enough"
    reads.close()


def test_a_page_that_asks_for_many_things_waits_for_the_first_alone() -> None:
    reads, over, begun = BackgroundReads(SystemClock()), threading.Event(), threading.Event()

    def slow() -> int:
        begun.set()
        over.wait(60)
        return 1

    with planted(background, "_PATIENCE_S", 60.0), ThreadPoolExecutor(2) as pool:
        first = pool.submit(lambda: reads.get({"slow": slow}, _LONG))
        assert begun.wait(10)
        second = pool.submit(lambda: reads.get({"other": lambda: 2}, _LONG))
        assert second.result(20) == {"other": None}
        assert not first.done()
        over.set()
        assert first.result(20) == {"slow": 1}
        assert reads.get({"other": lambda: 2}, _LONG) == {"other": 2}
    reads.close()
