"""The drop folder: which files are ready, and where a file goes once its sales are in the ledger.

A file is ready when its size and time have stood still for ``settle``; names that say "not finished" are left alone, and so is
everything that a link could lead out of the folder. Recorded files go to ``processed/``, unreadable ones to ``failed/``.
"""

from __future__ import annotations

import csv
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from syncd.canonical import Fault
from syncd.clock import Clock, Duration
from syncd.errors import AccessDenied, SourceError, Unavailable
from syncd.sources.base import Finding

_UNFINISHED = (".part", ".tmp", ".crdownload", ".download", ".partial", ".swp", "~")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class FolderSettings(BaseModel):
    """Where files are dropped, and how long one must stand still before it is read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    settle: Duration = timedelta(seconds=2)
    pattern: Annotated[str, Field(min_length=1)] = "*"


@dataclass(slots=True)
class Folder:
    """A watched folder; remembers how each file looked when it was last seen."""

    path: Path
    settings: FolderSettings
    clock: Clock
    suffixes: Sequence[str]
    _seen: dict[Path, tuple[int, int, float]] = field(default_factory=dict)

    def ready(self) -> list[Path]:
        """The files to read now, oldest first.

        Raises:
            SourceError: the folder cannot be read.

        """
        found = [entry for entry in self._entries() if self._stands_still(entry)]
        return [Path(entry.path) for entry in sorted(found, key=lambda entry: (entry.stat().st_mtime_ns, entry.name))]

    def _entries(self) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.path) as entries:
                return [entry for entry in entries if self._wanted(entry)]
        except FileNotFoundError:
            raise Unavailable(
                f"the folder {self.path} does not exist", "Create it, or correct the source's path."
            ) from None
        except PermissionError:
            raise AccessDenied(
                f"the folder {self.path} may not be read", "Give the user that runs syncd the right to."
            ) from None
        except OSError as error:
            raise Unavailable(
                f"the folder {self.path} cannot be read: {error.strerror}", "Is its share mounted?"
            ) from None

    def _wanted(self, entry: os.DirEntry[str]) -> bool:
        name = entry.name.lower()
        if entry.name.startswith(".") or name.endswith(_UNFINISHED) or not name.endswith(tuple(self.suffixes)):
            return False
        return entry.is_file(follow_symlinks=False) and Path(entry.name).match(self.settings.pattern)

    def _stands_still(self, entry: os.DirEntry[str]) -> bool:
        """Whether a file's size and time have not changed for ``settle``; a file older than that need not be watched."""
        stat = entry.stat()
        path, now = Path(entry.path), self.clock.elapsed().seconds
        size, stamp, since = self._seen.get(path, (-1, -1, now))
        if (size, stamp) != (stat.st_size, stat.st_mtime_ns):
            self._seen[path] = (stat.st_size, stat.st_mtime_ns, now)
            since = now
        settle = self.settings.settle.total_seconds()
        age = self.clock.now().timestamp() - stat.st_mtime
        return now - since >= settle or age >= settle

    def all_files(self) -> list[Path]:
        """Every file, those already processed too, for a backfill."""
        processed = self.path / "processed"
        done = sorted(processed.iterdir()) if processed.is_dir() else []
        names = tuple(self.suffixes)
        waiting = [Path(entry.path) for entry in self._entries()]
        return sorted(waiting) + [file for file in done if file.is_file() and _is_sales_file(file, names)]

    def closed(self, file: Path) -> Fault | None:
        """The fault of a file that we may not read; it stays where it is."""
        if os.access(file, os.R_OK):
            return None
        return Fault(file.name, "the file may not be read: give the user that runs syncd the right to", "")

    def finish(self, file: Path, faults: Iterable[Fault]) -> None:
        """A file's sales are in the ledger: move it to ``processed/``, its faults beside it."""
        self._move(file, "processed", list(faults))

    def fail(self, file: Path, faults: Iterable[Fault]) -> None:
        """A file could not be read at all: move it to ``failed/``, with the reason beside it."""
        self._move(file, "failed", list(faults))

    def _move(self, file: Path, where: str, faults: list[Fault]) -> None:
        target = self.path / where
        try:
            target.mkdir(exist_ok=True)
            free = _free_name(target / file.name)
            if faults:
                write_faults(free.with_name(f"{free.name}.faults.csv"), faults)
            file.rename(free)
        except OSError as error:
            cure = (
                f"Give syncd the right to write in {self.path}; the file's sales are recorded and will not be doubled."
            )
            raise SourceError(f"{file} cannot be moved to {target}: {error.strerror}", cure) from None
        self._seen.pop(file, None)

    def check(self) -> Iterator[Finding]:
        """What ``syncd check`` says of the folder."""
        if not self.path.is_dir():
            yield Finding("error", f"the folder {self.path} does not exist", "Create it, or correct the source's path.")
            return
        if not os.access(self.path, os.R_OK | os.W_OK | os.X_OK):
            cure = "The user that runs syncd must be able to read the folder and to move files in it."
            yield Finding("error", f"the folder {self.path} may not be read and written", cure)
            return
        yield Finding("ok", f"{self.path} is watched; {len(self._entries())} files wait")

    def watch(self, stop: threading.Event) -> Iterator[None]:
        """Yield when something changes in the folder, and once more when a new file has stood still; ends with ``stop``."""
        from watchfiles import watch  # noqa: PLC0415  only the daemon watches; its module loads native code

        settle_ms = int(self.settings.settle.total_seconds() * 1000) + 50
        try:
            waiting = True  # what came between the first poll and the start of this watch
            for changes in watch(
                self.path,
                stop_event=stop,
                recursive=False,
                yield_on_timeout=True,
                rust_timeout=max(settle_ms, 200),
                debounce=100,
            ):
                if changes or waiting:
                    waiting = bool(changes)
                    yield None
        except OSError:  # no inotify here (a network share, or its limit reached): the poll alone finds the files
            return


def _is_sales_file(file: Path, suffixes: tuple[str, ...]) -> bool:
    return file.name.lower().endswith(suffixes) and not file.name.endswith(".faults.csv")


def _free_name(path: Path) -> Path:
    number, free = 1, path
    while free.exists():
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return free


def write_faults(path: Path, faults: Iterable[Fault]) -> None:
    """A CSV of where, why and the raw text; a cell that a spreadsheet would take for a formula is quoted."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("where", "reason", "raw"))
        for fault in faults:
            writer.writerow(_harmless(text) for text in (fault.where, fault.reason, fault.raw))


def _harmless(text: str) -> str:
    clean = text.replace("\x00", "\\x00")
    return f"'{clean}" if clean.startswith(_FORMULA) else clean
