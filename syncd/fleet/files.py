"""Notices when the files of a fleet's config change: the main file, and thousands in ``conf.d``."""

from __future__ import annotations

import threading
from pathlib import Path

from syncd.clock import SystemClock
from syncd.service.reload import PartsWatch

_REST = 100  # times what a look at the files takes: thousands of them take a hundredth of a core


class FilesWatch:
    """Notices changes of the config file and of ``conf.d``."""

    def __init__(self, file: Path) -> None:
        self._file, self._parts, self._asked = file, PartsWatch(file), threading.Event()
        self._clock, self._next = SystemClock(), 0.0
        self._seen = self._last = self._main()

    def _main(self) -> tuple[int, int] | None:
        try:
            facts = self._file.stat()
        except OSError:
            return None
        return facts.st_mtime_ns, facts.st_size

    def ask(self) -> None:
        """Take the files for changed."""
        self._asked.set()

    def changed(self) -> bool:
        """Whether to read them again: a file differs and has stayed so since the last call. Thousands are looked at less often."""
        begun = self._clock.elapsed().seconds
        if begun < self._next and not self._asked.is_set():
            return False
        changed = self._look()
        self._next = begun + (self._clock.elapsed().seconds - begun) * _REST
        return changed

    def _look(self) -> bool:
        before, self._last = self._last, self._main()
        main = self._last is not None and self._last == before and self._last != self._seen
        if main:
            self._seen = self._last
        asked = self._asked.is_set()
        self._asked.clear()
        return self._parts.changed() or main or asked
