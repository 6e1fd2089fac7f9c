"""``syncd run`` through its reloads: SIGHUP, or a change in ``conf.d``, reads the config anew, and what has changed is logged."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from syncd.clock import SystemClock
from syncd.config import FOLDER, Config, is_part
from syncd.errors import SyncdError
from syncd.logs import get_logger
from syncd.service.sdnotify import notify

Reads = Callable[[], Config]
Seen = tuple[tuple[str, int, int], ...]
_LOOK_S = 2.0
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


class PartsWatch:
    """Notices that files of ``conf.d`` were added, changed or removed, once they stay for a moment: a file may be half written."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known = self._last = self._look()

    def _look(self) -> Seen:
        """Return each file with its time and its size."""
        found: list[tuple[str, int, int]] = []
        try:
            with os.scandir(self._file.parent / FOLDER) as entries:
                for entry in entries:
                    if is_part(entry.name):
                        facts = entry.stat()
                        found.append((entry.name, facts.st_mtime_ns, facts.st_size))
        except FileNotFoundError:  # the folder, or a file that was removed meanwhile: the next look sees what is left
            pass
        return tuple(sorted(found))

    def changed(self) -> bool:
        """Whether the files differ from what the last True was about, and have not changed since the last call."""
        try:
            before, self._last = self._last, self._look()
        except OSError as error:
            get_logger().warning("folder_not_read", why=str(error.strerror))
            return False
        if self._last != before or self._last == self._known:
            return False
        self._known = self._last
        return True


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

    @contextmanager
    def following(self, looks_every_s: float = _LOOK_S) -> Iterator[None]:
        """Reload after each change in ``conf.d``, until the end of the block."""
        ended, watch = threading.Event(), PartsWatch(self._config.path)

        def follow() -> None:
            while not self._clock.wait(ended, looks_every_s):
                if watch.changed():
                    self.reload()

        thread = threading.Thread(target=follow, name="conf.d", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

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
