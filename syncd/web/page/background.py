"""What takes long to look up: shown as it was a moment ago, and looked up again behind the page that asked for it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any, TypeVar

from msgspec import Struct

from syncd.clock import Clock, Now
from syncd.errors import LedgerError

T = TypeVar("T")
_MOST = 2_000
_PATIENCE_S = 0.04
_REST = 20  # a look that took a second is not made again for so many


class _Kept(Struct, frozen=True):
    at: Now
    took: timedelta
    value: Any


class BackgroundReads:
    """Values by key, each looked up by one thread behind the pages; safe to use from many threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._running: dict[Hashable, Future[None]] = {}
        self._pool: ThreadPoolExecutor | None = None

    def get(self, looks: Mapping[Hashable, Callable[[], T]], lasts: timedelta) -> dict[Hashable, T | None]:
        """Return what is known under each key, None where nothing is known yet.

        What is older than ``lasts`` is looked up again meanwhile; for what was never looked up, a moment is waited, unless other
        looks come first: a page that asks for many things waits for one moment, and not for one each.
        """
        with self._lock:
            busy = any(key not in looks for key in self._running)
            never = [self._begin(key, look) for key, look in looks.items() if key not in self._kept]
            for key, look in looks.items():
                if key in self._kept and self._is_old(self._kept[key], lasts):
                    self._begin(key, look)
        wait(never, 0 if busy else _PATIENCE_S)
        with self._lock:
            return {key: self._kept[key].value if key in self._kept else None for key in looks}

    def close(self) -> None:
        """Begin nothing more."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)

    def _is_old(self, kept: _Kept, lasts: timedelta) -> bool:
        return Now.of(self._clock).age(kept.at) > max(lasts, kept.took * _REST)

    def _begin(self, key: Hashable, look: Callable[[], T]) -> Future[None]:
        if (running := self._running.get(key)) is not None:
            return running
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "page reads")
        self._running[key] = self._pool.submit(self._look, key, look)
        return self._running[key]

    def _look(self, key: Hashable, look: Callable[[], T]) -> None:
        begin = Now.of(self._clock)
        try:
            value = look()
        except LedgerError:  # the page itself says so, where it goes on
            with self._lock:
                self._running.pop(key, None)
            return
        now = Now.of(self._clock)
        with self._lock:
            self._kept[key] = _Kept(now, now.age(begin), value)
            self._kept.move_to_end(key)
            self._running.pop(key, None)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
