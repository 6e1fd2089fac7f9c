"""Follows the files of a fleet's config, the main file and thousands in ``conf.d``: the app is always as they say it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from syncd.app import App, Foundation
from syncd.clock import SystemClock
from syncd.config import Config, LeftOut
from syncd.errors import SyncdError
from syncd.logs import get_logger
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


class FollowingApp:
    """The app as its config's files say it now."""

    def __init__(self, foundation: Foundation, config: Config, read: Callable[[], Config]) -> None:
        self._foundation, self._read = foundation, read
        self.now: App = foundation.build(config)
        self._files = FilesWatch(config.path)
        self._told: set[str] = set()
        self._tell_left_out(config.left_out)

    def ask(self) -> None:
        """Read the files again at the next look, changed or not."""
        self._files.ask()

    def look(self) -> bool:
        """Whether the files had changed, and the app is another one now."""
        return self._files.changed() and self._take_up()

    def _take_up(self) -> bool:
        """Go on with the config as its files say it now; with the old one where that cannot be used."""
        try:
            config = self._read()
        except SyncdError as error:
            get_logger().error("reload_refused", why=str(error), cure="Correct it; the old config holds.")
            return False
        before, self.now = self.now, self._foundation.build(config, self.now)
        old, new = before.config.stores, config.stores
        names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
        get_logger().info("config_taken_up", stores=len(new), sources=len(config.sources), changed=names[:20])
        self._tell_left_out(config.left_out)
        return True

    def _tell_left_out(self, left_out: tuple[LeftOut, ...]) -> None:
        """Name each file that cannot be used, once for each reason."""
        for left in left_out:
            if left.words not in self._told:
                get_logger().error("left_out", file=left.file, why=left.words, cure=left.cure)
        self._told = {left.words for left in left_out}

    def close(self) -> None:
        """Close what is open."""
        for till in self.now.tills.values():
            till.close()
        self.now.close()
