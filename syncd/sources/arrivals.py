"""Tells when a file in a folder is whole: Linux says who closed one after writing, and what was moved in (inotify(7)).

Other systems say only that a file changed (watchfiles): it is whole once it has settled. Where nothing tells (a network share),
the poll finds the files. One thread watches the folders of all sources.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from syncd.clock import Clock

if TYPE_CHECKING:
    from inotify_simple import INotify

_LOOK_S = 0.25
_MOST = 10_000
_MISSING_AGAIN_S = 60.0


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

    def note(self, path: Path) -> None:
        """Note how a file looks that was closed just now."""
        try:
            found = path.stat(follow_symlinks=False)
        except OSError:
            return  # gone again
        with self._lock:
            if len(self._whole) >= _MOST:
                self._whole.clear()  # they are found by their settle time
            self._whole[path] = (found.st_size, found.st_mtime_ns)


class WatchedFolder(Struct, frozen=True):
    """A folder to watch, for how long a file in it must not change to be whole, and where closed files are noted."""

    path: Path
    settle: timedelta
    arrivals: Arrivals


class _Settling:
    """The folders in which something was written, until nothing has been for their settle time."""

    def __init__(self, folders: Mapping[str, WatchedFolder], clock: Clock) -> None:
        self._folders, self._clock = folders, clock
        self._touched: dict[str, float] = {}

    def touch(self, name: str) -> None:
        self._touched[name] = self._clock.elapsed().seconds

    def settled(self) -> set[str]:
        """Return the folders that have come to rest, each once."""
        now = self._clock.elapsed().seconds
        found = {name for name, at in self._touched.items() if now - at > self._folders[name].settle.total_seconds()}
        for name in found:
            del self._touched[name]
        return found


def watch_folders(folders: Mapping[str, WatchedFolder], clock: Clock, stop: threading.Event) -> Iterator[str]:
    """Yield the name of a folder when a poll of it is worth while; ends with ``stop``.

    That is at once, whenever a file became whole, and when one that was written to may have settled. Ends early where this system
    has no means: the polls alone find the files then.
    """
    try:
        from inotify_simple import INotify  # noqa: PLC0415  only the daemon watches, and only Linux has it
    except ImportError:
        yield from _by_changes(folders, clock, stop)
        return
    with suppress(OSError), INotify() as kernel:  # none here, or no more of them for this user
        yield from _by_inotify(kernel, folders, clock, stop)


def _by_inotify(
    kernel: INotify, folders: Mapping[str, WatchedFolder], clock: Clock, stop: threading.Event
) -> Iterator[str]:
    from inotify_simple import flags  # noqa: PLC0415  as above

    asked = flags.CLOSE_WRITE | flags.MOVED_TO | flags.MODIFY | flags.CREATE
    watches: dict[int, list[str]] = {}  # two sources may read one folder
    settling, missing, tried = _Settling(folders, clock), set(folders), -_MISSING_AGAIN_S
    while not stop.is_set():
        begun = set()
        if missing and clock.elapsed().seconds - tried >= _MISSING_AGAIN_S:
            tried = clock.elapsed().seconds
            for name in sorted(missing):
                with suppress(OSError):  # not there, or too many watches: the poll alone finds its files meanwhile
                    watches.setdefault(kernel.add_watch(folders[name].path, asked), []).append(name)
                    settling.touch(name)  # what lies there may have to settle, or came while a poll was busy
                    begun.add(name)
            missing -= begun
        yield from sorted(begun)  # what came between the first poll and this watch
        whole = set()
        for event in kernel.read(timeout=int(_LOOK_S * 1000)):
            names = list(folders) if event.mask & flags.Q_OVERFLOW else watches.get(event.wd, [])
            if event.mask & flags.IGNORED:  # the folder was removed, or its disk: another may take its place
                missing.update(watches.pop(event.wd, []))
                continue
            for name in names:
                settling.touch(name)
                if event.mask & (flags.CLOSE_WRITE | flags.MOVED_TO):
                    folders[name].arrivals.note(folders[name].path / event.name)
                    whole.add(name)
        yield from sorted(whole | settling.settled())


def _by_changes(folders: Mapping[str, WatchedFolder], clock: Clock, stop: threading.Event) -> Iterator[str]:
    """Yield each folder at once, and each time that nothing in it has changed for its settle time."""
    from watchfiles import watch  # noqa: PLC0415  only the daemon watches, and Linux has better

    by_path: dict[str, list[str]] = {}
    settling = _Settling(folders, clock)
    for name, folder in folders.items():
        if folder.path.is_dir():
            by_path.setdefault(str(folder.path.resolve()), []).append(name)
            settling.touch(name)
    yield from [name for names in by_path.values() for name in names]
    if not by_path:
        return
    look = int(_LOOK_S * 1000)
    changes = watch(
        *by_path, stop_event=stop, recursive=False, debounce=look, step=50, rust_timeout=look, yield_on_timeout=True
    )
    try:
        for changed in changes:
            for _, path in changed:
                for name in by_path.get(str(Path(path).resolve().parent), []):
                    settling.touch(name)
            yield from sorted(settling.settled())
    except (OSError, RuntimeError):  # no watch is to be had: the poll alone finds the files
        return
