"""The drop folder: which files are ready, and where a file goes once its sales are in the ledger.

A file is ready when its size and time have stood still for ``settle``, or as soon as whoever wrote it closed it or moved it here;
names that say "not finished" are left alone, and so is everything that a link could lead out of the folder. Recorded files go to
``processed/``, unreadable ones to ``failed/``; one that changed while it was read stays, and is read again.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Self

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, model_validator

from syncd.canonical import Fault
from syncd.clock import Clock
from syncd.durations import Duration
from syncd.sources.arrivals import Arrivals, WatchedFolder
from syncd.sources.base import Finding
from syncd.sources.capabilities import FolderReport
from syncd.sources.errors import SourceAccessDenied, SourceUnavailable
from syncd.sources.own_files import free_name, own_folder, write_faults
from syncd.sources.packed import BadArchive, CutArchive, is_packed, unpack
from syncd.sources.remote_settings import BucketSettings, SftpSettings

_UNFINISHED = (".part", ".tmp", ".crdownload", ".download", ".partial", ".swp", "~")
_OURS = ("processed", "failed")
_A_DAY = timedelta(days=1)


class FolderSettings(BaseModel):
    """Where files are dropped, and how long one must stand still before it is read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    settle: Duration = timedelta(seconds=2)
    cut_after: Duration = timedelta(minutes=1)
    pattern: Annotated[str, Field(min_length=1)] = "*"
    sftp: SftpSettings | None = None
    bucket: BucketSettings | None = None

    @model_validator(mode="after")
    def _one_elsewhere(self) -> Self:
        if self.sftp is not None and self.bucket is not None:
            msg = "sftp and bucket are two places: make two sources of them"
            raise ValueError(msg)
        return self


class Look(Struct, frozen=True):
    """How a file looked: which one it was, its size, and when it was last written (nanoseconds)."""

    device: int
    inode: int
    size: int
    stamp: int

    @classmethod
    def at(cls, path: Path) -> Look | None:
        """How the file looks now; None where there is none."""
        try:
            return cls.of(path.stat(follow_symlinks=False))
        except OSError:
            return None

    @classmethod
    def of(cls, found: os.stat_result) -> Look:
        """Return the same from a stat that was taken."""
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def made_at(*paths: Path) -> datetime | None:
    """When the newest of some files was written last; None where none is there."""
    stamps = [look.stamp for path in paths if (look := Look.at(path)) is not None]
    return datetime.fromtimestamp(max(stamps) / 1e9, UTC) if stamps else None


@dataclass(slots=True)
class Folder:
    """A watched folder; remembers how each file looked when it was last seen."""

    path: Path
    settings: FolderSettings
    clock: Clock
    suffixes: Sequence[str]
    arrivals: Arrivals = field(default_factory=Arrivals)
    _seen: dict[Path, tuple[Look, float]] = field(default_factory=dict)
    _stuck: dict[Path, Look] = field(default_factory=dict)

    def ready(self) -> list[Path]:
        """Return the files to read now, oldest first.

        Raises:
            SourceError: the folder cannot be read.

        """
        return [path for _, path in self._still() if self.takes(path.name)]

    def unpack(self) -> list[Fault]:
        """Lay the members of the archives that are ready beside them, and move these away; what could not be unpacked.

        Raises:
            SourceError: the folder cannot be read.

        """
        told: list[Fault | None] = []
        for look, archive in self._still():
            if self.takes(archive.name):
                continue
            if closed := self.closed(archive):
                told.append(closed)
                continue
            try:
                unpack(archive, self.takes)
                told.append(self.finish(archive, look, ()))
            except (BadArchive, OSError) as error:
                if isinstance(error, CutArchive) and self.may_be_cut(archive, look):
                    continue
                why = getattr(error, "strerror", None) or error
                fault = Fault(shown(archive), f"the archive cannot be read: {why}", "")
                told += [fault, self.fail(archive, look, [fault])]
        return [fault for fault in told if fault is not None]

    def _still(self) -> list[tuple[Look, Path]]:
        """Return what stands still and waits to be read or unpacked, oldest first."""
        found = [(look, path) for path, look in self._looks() if self._stands_still(path, look)]
        return sorted(found, key=lambda one: (one[0].stamp, one[1]))

    def _looks(self) -> list[tuple[Path, Look]]:
        """Return the files that wait to be read, and how they look; one that could not be moved away is not read over and over."""
        looks = [(path, Look.at(path)) for path in self._names()]
        return [(path, look) for path, look in looks if look is not None and self._stuck.get(path) != look]

    def _names(self) -> list[Path]:
        return [Path(entry.path) for entry in self._entries() if self._wanted(entry)]

    def _entries(self) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.path) as entries:
                return list(entries)
        except FileNotFoundError:
            raise SourceUnavailable(
                f"the folder {self.path} does not exist", "Create it, or correct the source's path."
            ) from None
        except PermissionError:
            raise SourceAccessDenied(
                f"the folder {self.path} may not be read", "Give the user that runs syncd the right to."
            ) from None
        except OSError as error:
            raise SourceUnavailable(
                f"the folder {self.path} cannot be read: {error.strerror}", "Is its share mounted?"
            ) from None

    def _wanted(self, entry: os.DirEntry[str]) -> bool:
        ours = self.takes(entry.name) or is_packed(entry.name, self.takes)
        return ours and not _hidden(entry.name) and entry.is_file(follow_symlinks=False)

    def takes(self, name: str) -> bool:
        """Whether a file of that name is this source's to read."""
        return name.lower().endswith(tuple(self.suffixes)) and Path(name).match(self.settings.pattern)

    def _stands_still(self, path: Path, look: Look) -> bool:
        """Whether a file was closed as it is, or has not changed for ``settle``; an older one need not be watched."""
        if self.arrivals.closed(path, look.size, look.stamp):
            return True
        return self.quiet_for(path, look, self.settings.settle)

    def quiet_for(self, path: Path, look: Look, gap: timedelta) -> bool:
        """Whether a file has looked the same for so long, by its own time or by what was seen of it."""
        now = self.clock.elapsed().seconds
        before, since = self._seen.get(path, (None, now))
        if before != look:
            since = now
        self._seen[path] = (look, since)
        age = self.clock.now().timestamp() - look.stamp / 1e9
        return now - since >= gap.total_seconds() or age >= gap.total_seconds()

    def may_be_cut(self, path: Path, look: Look) -> bool:
        """Whether a file that ends in the middle of a line may still be on its way: it changed less than ``cut_after`` ago."""
        return not self.quiet_for(path, look, self.settings.cut_after)

    def all_files(self) -> list[Path]:
        """Every file, those already processed too, oldest first, for a backfill."""
        return _by_age([path for path in self._names() if self.takes(path.name)] + self._processed())

    def processed_within(self, gap: timedelta) -> list[Path]:
        """Return the processed files that were written less than so long ago, newest first."""
        oldest = (self.clock.now() - gap).timestamp() * 1e9
        return [path for path in reversed(_by_age(self._processed())) if path.stat().st_mtime_ns >= oldest]

    def _processed(self) -> list[Path]:
        folder = self.path / "processed"
        found = folder.iterdir() if folder.is_dir() and not folder.is_symlink() else ()
        names = tuple(self.suffixes)
        return [file for file in found if file.is_file() and not file.is_symlink() and _is_sales_file(file, names)]

    def closed(self, file: Path) -> Fault | None:
        """Return the fault of a file that we may not read; it stays where it is."""
        if os.access(file, os.R_OK):
            return None
        return Fault(shown(file), "the file may not be read: give the user that runs syncd the right to", "")

    def finish(self, file: Path, look: Look, faults: Iterable[Fault]) -> Fault | None:
        """Move a recorded file to ``processed/``, its faults beside it; return a fault where that fails."""
        return self._move(file, look, "processed", list(faults))

    def fail(self, file: Path, look: Look, faults: Iterable[Fault]) -> Fault | None:
        """Move a file that could not be read at all to ``failed/``, with the reason beside it."""
        return self._move(file, look, "failed", list(faults))

    def _move(self, file: Path, look: Look, where: str, faults: list[Fault]) -> Fault | None:
        """Move a file that still looks as it did when it was opened; what changed since stays, to be read again."""
        if Look.at(file) != look:
            return None
        try:
            target = own_folder(self.path / where)
            free = free_name(target / file.name)
            file.rename(free)
            if Look.at(free) != look:  # replaced or written in the very moment: it goes back, and is read again
                free.rename(free_name(file))
                return None
            if faults:
                write_faults(free_name(free.with_name(f"{free.name}.faults.csv")), faults)
        except OSError as error:
            self._stuck[file] = look
            cure = f"give syncd the right to write in {self.path}; its sales are recorded and will not be doubled"
            return Fault(shown(file), f"the file cannot be moved to {where}/: {error.strerror}: {cure}", "")
        self._seen.pop(file, None)
        self.arrivals.forget(file)
        return None

    def report(self) -> FolderReport:
        """Return what lies in the folder: files that wait, those of them that are settling, and what this source never reads.

        Raises:
            SourceError: the folder cannot be read.

        """
        looks = self._looks()
        settling = sum(not self._stands_still(path, look) for path, look in looks)
        entries = [one for one in self._entries() if not _hidden(one.name) and not self._wanted(one)]
        strange = {_strange(one): _arrived(one) for one in entries if one.name not in _OURS}
        oldest = self.clock.now().timestamp() - _A_DAY.total_seconds()
        unread = tuple(sorted(name for name, arrived in strange.items() if arrived <= oldest))
        return FolderReport(self.path, len(looks), settling, tuple(sorted(strange)), unread)

    def check(self) -> Iterator[Finding]:
        """Yield what ``syncd check`` says of the folder."""
        if not self.path.is_dir():
            yield Finding("error", f"the folder {self.path} does not exist", "Create it, or correct the source's path.")
            return
        if not os.access(self.path, os.R_OK | os.W_OK | os.X_OK):
            cure = "The user that runs syncd must be able to read the folder and to move files in it."
            yield Finding("error", f"the folder {self.path} may not be read and written", cure)
            return
        waiting = len(self._names())
        yield Finding(
            "ok", f"{self.path} is watched; {waiting} file{'' if waiting == 1 else 's'} wait{'s' * (waiting == 1)}"
        )

    def watched(self) -> WatchedFolder:
        """Return the folder to watch."""
        return WatchedFolder(self.path, self.settings.settle, self.arrivals)


def shown(file: Path) -> str:
    """Return a file's name as it can be stored and shown, whatever bytes it is made of."""
    return os.fsencode(file.name).decode("utf-8", "replace")


def _hidden(name: str) -> bool:
    return name.startswith((".", "~$")) or name.lower().endswith(_UNFINISHED)


def _strange(entry: os.DirEntry[str]) -> str:
    """Return an entry that is not read, with its kind where that is the reason."""
    name = shown(Path(entry.name))
    if entry.is_symlink():
        return f"{name} (a link)"
    if entry.is_dir(follow_symlinks=False):
        return f"{name}/ (a folder)"
    mode = entry.stat(follow_symlinks=False).st_mode
    return name if stat.S_ISREG(mode) else f"{name} (no regular file)"


def _arrived(entry: os.DirEntry[str]) -> float:
    """When an entry came to lie here, at the latest: seconds since 1970; never, where it is gone again."""
    try:
        return entry.stat(follow_symlinks=False).st_ctime
    except OSError:
        return float("inf")


def _by_age(files: Iterable[Path]) -> list[Path]:
    return sorted(files, key=lambda file: (file.stat().st_mtime_ns, file.name))


def _is_sales_file(file: Path, suffixes: tuple[str, ...]) -> bool:
    return file.name.lower().endswith(suffixes) and not file.name.endswith(".faults.csv")
