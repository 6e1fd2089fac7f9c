"""``syncd run`` through its reloads: SIGHUP reads the config anew, says what has changed, and goes on with that, or as before."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from syncd.clock import SystemClock
from syncd.config import Config
from syncd.errors import SyncdError
from syncd.logs import get_logger
from syncd.service.sdnotify import notify

Reads = Callable[[], Config]
Differs = Callable[[Config, Config], list[str]]
_AGAIN_S = 60.0


class Stop(threading.Event):
    """The end of the whole run; setting it ends the turn as well."""

    def __init__(self) -> None:
        super().__init__()
        self.turn = threading.Event()

    def set(self) -> None:
        """Told to end."""
        super().set()
        self.turn.set()


class Turns:
    """One turn after the other, each with the config that holds then."""

    def __init__(self, stop: Stop, reads: Reads, differs: Differs) -> None:
        self._stop, self._reads, self._differs = stop, reads, differs
        self._config = reads()
        self._next: Config | None = None
        self._lock, self._clock = threading.Lock(), SystemClock()

    def reload(self) -> None:
        """Read the config; where it is good and differs, the turn ends and another begins with it."""
        with self._lock:
            try:
                found = self._reads()
                changes = self._differs(self._config, found)
            except SyncdError as error:
                get_logger().error(
                    "reload_refused", why=str(error), cure="Mend it and reload again; the old config holds."
                )
                return
            if not changes:
                get_logger().info("reloaded", changed=[])
                return
            get_logger().info("reloading", changed=changes)
            self._next = found
            self._stop.turn.set()

    def leaving(self) -> Sequence[str]:
        """Return what the service manager hears at the end of a turn."""
        if self._stop.is_set() or self._next is None:
            return ("STOPPING=1", "STATUS=Draining")
        return (
            "RELOADING=1",
            "STATUS=Reloading",
        )

    def run(self, turn: Callable[[Config, threading.Event], None]) -> None:
        """Run ``turn`` again and again, until the stop. A new config that cannot even begin is given up for the one before.

        Raises:
            SyncdError: the config that held cannot begin.

        """
        before: Config | None = None
        while not self._stop.is_set():
            begun = self._clock.elapsed().seconds
            try:
                turn(self._config, self._stop.turn)
            except SyncdError as error:
                young = self._clock.elapsed().seconds - begun < _AGAIN_S
                if before is None or not young:
                    raise
                get_logger().error("reload_refused", why=str(error), cure="The old config holds again.")
                self._config, before = before, None
                self._stop.turn.clear()
                continue
            before = self._begin_next()

    def _begin_next(self) -> Config | None:
        with self._lock:
            before, self._config, self._next = self._config, self._next or self._config, None
            if not self._stop.is_set():
                self._stop.turn.clear()
                notify("STATUS=Reloaded")
            return before
