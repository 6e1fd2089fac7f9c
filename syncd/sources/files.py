"""A source that reads files which are each whole by themselves: what such sources share, whatever the files hold."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import ClassVar

from msgspec.structs import replace

from syncd.canonical import Batch, Cursor, Fault
from syncd.errors import SyncdError
from syncd.sources.arrivals import WatchedFolder
from syncd.sources.base import Finding
from syncd.sources.capabilities import FolderReport
from syncd.sources.context import SourceContext
from syncd.sources.folder import FolderSettings, Look, made_at, shown
from syncd.sources.inbox import Inbox


class NoSalesFile(Exception):
    """The file as a whole is none that this source reads."""


class FileSource(ABC):
    """A drop folder. A file is moved only after its last batch was recorded: the folder itself is the cursor."""

    SUFFIXES: ClassVar[tuple[str, ...]]

    def __init__(self, settings: FolderSettings, context: SourceContext) -> None:
        self._name = context.name
        self._names = (context.name, context.configured)
        self._inbox = Inbox.of(settings, context, self.SUFFIXES)
        self._folder = self._inbox.folder

    @abstractmethod
    def batches(self, path: Path) -> Iterator[Batch]:
        """Yield the file's sales and faults, in batches.

        Raises:
            NoSalesFile: it is none of this source's files.

        """

    @abstractmethod
    def is_cut(self, path: Path) -> bool:
        """Whether the file ends in the middle of something: perhaps the rest is still to come."""

    def fetch(self, since: Cursor | None) -> Iterator[Batch]:
        """Every file that is ready, those in archives too; one that could not be fetched is reported at the end."""
        del since
        return self._inbox.filled(self._ready, unpack=True)

    def _ready(self) -> Iterator[Batch]:
        for file in self._folder.ready():
            if closed := self._folder.closed(file):
                yield Batch((), (closed,), place(file, 0))  # told once, and left where it is
                continue
            look = Look.at(file)
            if look is None:
                continue  # gone since it was listed
            if self.is_cut(file) and self._folder.may_be_cut(file, look):
                continue
            yield from self._read_and_move(file, look)

    def _read_and_move(self, file: Path, look: Look) -> Iterator[Batch]:
        faults: list[Fault] = []
        try:
            stated_at = made_at(file)
            for batch in self.batches(file):
                faults += batch.faults
                yield replace(batch, stated_at=stated_at)
        except NoSalesFile as error:
            yield self._set_aside(file, look, faults, f"the file cannot be read: {error}")
            return
        except (SyncdError, GeneratorExit):
            raise
        except Exception as error:  # noqa: BLE001  whatever nobody foresaw is this file's: it is set aside, and the next goes on
            yield self._set_aside(file, look, faults, f"syncd cannot read the file ({type(error).__name__}: {error})")
            return
        if told := self._folder.finish(file, look, faults):
            yield Batch((), (told,), place(file, 0))

    def _set_aside(self, file: Path, look: Look, faults: Sequence[Fault], words: str) -> Batch:
        why = Fault(shown(file), words, "")
        told = self._folder.fail(file, look, [*faults, why])
        return Batch((), (why, *([told] if told else [])), place(file, 0))

    def fetch_range(self, start: datetime, end: datetime, since: Cursor | None = None) -> Iterator[Batch]:
        """Yield the sales of a range from every file, processed ones too; nothing is moved here."""
        del since  # files may have come since, and reading them again costs nothing
        return self._inbox.filled(partial(self._range, start, end), unpack=False)

    def _range(self, start: datetime, end: datetime) -> Iterator[Batch]:
        for file in self._folder.all_files():
            for batch in self.read_file(file):
                yield batch.placed_within(start, end)

    def reads(self, path: Path) -> bool:
        """Whether this source would take the file."""
        return self._folder.takes(path.name)

    def takes(self, name: str) -> bool:
        """Whether a file of that name is this source's to read."""
        return self._folder.takes(name)

    def folder_report(self) -> FolderReport:
        """Return what lies in the folder now."""
        return self._folder.report()

    def read_file(self, path: Path) -> Iterator[Batch]:
        """Yield the file's sales and faults, in batches; nothing is moved."""
        try:
            stated_at = made_at(path)
            yield from (replace(batch, stated_at=stated_at) for batch in self.batches(path))
        except NoSalesFile as error:
            yield Batch((), (Fault(shown(path), f"the file cannot be read: {error}", ""),), place(path, 0))

    def check(self) -> Sequence[Finding]:
        """How the folder stands."""
        return list(self._inbox.check())

    def watched(self) -> WatchedFolder:
        """Return the folder to watch."""
        return self._folder.watched()

    def close(self) -> None:  # noqa: B027  a subclass that holds something open says so; most hold nothing
        """Nothing is held open."""


def place(path: Path, number: int) -> Cursor:
    """How far a file has been read: for those who look at the ledger, since the folder is the cursor."""
    return json.dumps({"file": shown(path), "line": number})
