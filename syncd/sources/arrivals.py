"""Tells when a file in a folder is whole: Linux says who closed one after writing, and what was moved in (inotify(7)).

Other systems say only that a file changed (watchfiles): it is whole once it has settled. Where nothing tells (a network share),
the poll finds the files.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

_LOOK_S = 0.25
_MOST = 10_000


class Arrivals:
    """The files that were closed or moved into a folder, each with how it looked then."""

    def __init__(self) -> None:
        self._whole: dict[Path, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def closed(self, path: Path, size: int, stamp: int) -> bool:
        """Whether the file was closed looking like this: of so many bytes, written at ``stamp`` (nanoseconds)."""
        with self._lock:
            return self._whole.get(path) == (size, stamp)

    def forget(self, path: Path) -> None:
        """Forget a file that is gone from the folder."""
        with self._lock:
            self._whole.pop(path, None)

    def watch(self, folder: Path, settle: timedelta, stop: threading.Event) -> Iterator[None]:
        """Yield at once, whenever a file became whole, and when one that was written to may have settled; ends with ``stop``."""
        try:
            from inotify_simple import INotify, flags  # noqa: PLC0415  only the daemon watches, and only Linux has it
        except ImportError:
            yield from _settled(folder, settle, stop)
            return
        with ExitStack() as exits:
            try:
                kernel = exits.enter_context(INotify())
                kernel.add_watch(folder, flags.CLOSE_WRITE | flags.MOVED_TO | flags.MODIFY | flags.CREATE)
            except OSError:  # no inotify here, or its limit is reached: the poll alone finds the files
                return
            yield None  # what came between the first poll and this watch
            quiet_s: float | None = (
                0.0  # since the last event: what it told of may have to settle, or came while a poll was busy
            )
            while not stop.is_set():
                events = kernel.read(timeout=int(_LOOK_S * 1000))
                whole = [event for event in events if event.mask & (flags.CLOSE_WRITE | flags.MOVED_TO)]
                for event in whole:
                    self._note(folder / event.name)
                if events:
                    quiet_s = 0.0
                elif quiet_s is not None:
                    quiet_s += _LOOK_S
                settled = quiet_s is not None and quiet_s > settle.total_seconds()
                if settled:
                    quiet_s = None
                if whole or settled:
                    yield None

    def _note(self, path: Path) -> None:
        try:
            found = path.stat(follow_symlinks=False)
        except OSError:
            return  # gone again
        with self._lock:
            if len(self._whole) >= _MOST:
                self._whole.clear()  # they are found by their settle time
            self._whole[path] = (found.st_size, found.st_mtime_ns)


def _settled(folder: Path, settle: timedelta, stop: threading.Event) -> Iterator[None]:
    """Yield at once, and each time that nothing in the folder has changed for the settle time."""
    from watchfiles import watch  # noqa: PLC0415  only the daemon watches, and Linux has better

    yield None
    quiet_s: float | None = 0.0
    look = int(_LOOK_S * 1000)
    changes = watch(
        folder, stop_event=stop, recursive=False, debounce=look, step=50, rust_timeout=look, yield_on_timeout=True
    )
    try:
        for changed in changes:
            quiet_s = 0.0 if changed else quiet_s + _LOOK_S if quiet_s is not None else None
            if quiet_s is not None and quiet_s > settle.total_seconds():
                quiet_s = None
                yield None
    except (OSError, RuntimeError):  # the folder is gone, or no watch is to be had: the poll alone finds the files
        return
