"""The CSV source: a drop folder of exports, read by a preset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel

from syncd.canonical import Batch, Fault
from syncd.canonical.batch import Cursor
from syncd.sources.arrivals import WatchedFolder
from syncd.sources.base import Finding
from syncd.sources.capabilities import FolderReport
from syncd.sources.context import SourceContext
from syncd.sources.csv.exports import Exports, ExportWalk
from syncd.sources.csv.fields import Reading
from syncd.sources.csv.presets import looks_like, preset
from syncd.sources.csv.rows import UnreadableFile
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.csv.workbook import SUFFIXES as WORKBOOKS
from syncd.sources.folder import shown
from syncd.sources.inbox import Inbox

_SUFFIXES = (".csv", ".tsv", ".txt", *WORKBOOKS)
_BESIDE = 20  # files that may hold the other half of an export


class CsvSource:
    """A drop folder of exports: ``.csv``, ``.tsv`` or ``.txt``, and workbooks."""

    Settings: ClassVar[type[BaseModel]] = CsvSettings

    @staticmethod
    def settings_for(table: Mapping[str, object]) -> type[BaseModel]:
        """Return the settings of the preset that a table names.

        Raises:
            UsageError: there is no such preset.

        """
        return preset(str(table.get("preset", "generic"))).options

    def __init__(self, settings: CsvSettings, context: SourceContext) -> None:
        self._inbox = Inbox.of(settings, context, _SUFFIXES)
        self._folder = self._inbox.folder
        self._exports = Exports(preset(settings.preset), Reading.of(context.name, settings), self._folder)

    def fetch(self, since: Cursor | None) -> Iterator[Batch]:
        """Every file that is ready; one is moved only after all its sales were recorded."""
        del since  # a file that was recorded is moved away, so the folder itself is the cursor
        return self._inbox.filled(self._ready, unpack=True)

    def _ready(self) -> Iterator[Batch]:
        ready = self._folder.ready()
        closed = {file: fault for file in ready if (fault := self._folder.closed(file))}
        if closed:
            yield Batch((), tuple(closed.values()), "{}")
        for files in self._walks([file for file in ready if file not in closed]):
            yield from self._read_and_move(ExportWalk(files))

    def _walks(self, files: list[Path]) -> list[list[Path]]:
        """Files that are read together: all of them where the preset joins two exports, else each by itself."""
        if not files:
            return []
        return [files] if self._exports.preset.together else [[file] for file in files]

    def _read_and_move(self, walk: ExportWalk) -> Iterator[Batch]:
        yield from self._exports.read(walk, patient=True)
        stuck: list[Fault] = []
        for file, look in walk.looks.items():
            if file in walk.waiting:
                continue
            if file in walk.unreadable:
                told = self._folder.fail(file, look, [walk.unreadable[file]])
            else:
                told = self._folder.finish(file, look, walk.faults[file])
            stuck += [told] if told else []
        if stuck:
            yield Batch((), tuple(stuck), "{}")

    def fetch_range(self, start: datetime, end: datetime, since: Cursor | None = None) -> Iterator[Batch]:
        """Yield the sales of a range from every file, processed ones too; nothing is moved here."""
        del since  # files may have come since, and reading them again costs nothing
        return self._inbox.filled(partial(self._range, start, end), unpack=False)

    def _range(self, start: datetime, end: datetime) -> Iterator[Batch]:
        for files in self._walks(self._folder.all_files()):
            for batch in self._exports.read(ExportWalk(files)):
                yield batch.placed_within(start, end)

    def reads(self, path: Path) -> bool:
        """Whether this source would take the file."""
        return self._folder.takes(path.name) and self._wrong_with(path) is None

    def _wrong_with(self, path: Path) -> Exception | None:
        try:
            self._exports.recognise(path)
        except (UnreadableFile, OSError, UnicodeError) as error:
            return error
        return None

    def read_file(self, path: Path) -> Iterator[Batch]:
        """Yield the file's sales and faults, in batches, completed by the other export where that lies beside it.

        Nothing is moved.
        """
        others = (
            one for one in path.parent.iterdir() if one.is_file() and one.name != path.name and self.takes(one.name)
        )
        return self._exports.read(ExportWalk([path]), beside=sorted(others)[:_BESIDE])

    def takes(self, name: str) -> bool:
        """Whether a file of that name is this source's to read."""
        return self._folder.takes(name)

    def folder_report(self) -> FolderReport:
        """Return what lies in the folder now."""
        return self._folder.report()

    def check(self) -> Sequence[Finding]:
        """How the folder stands, and whether the waiting files are what the preset expects."""
        findings = list(self._inbox.check())
        if any(finding.level == "error" for finding in findings):
            return findings
        for file in self._folder.ready():
            wrong = self._wrong_with(file)
            other = looks_like(file, self._exports.reading.settings)
            cure = (
                f'This looks like a {other} export: set preset = "{other}".'
                if other
                else "Is the preset the right one?"
            )
            if wrong is not None:
                findings.append(Finding("warning", f"{shown(file)} will be set aside: {wrong}", cure))
            elif other and self._exports.preset.name == "generic":
                findings.append(Finding("warning", f"{shown(file)} is read by its columns' names alone", cure))
        return findings

    def watched(self) -> WatchedFolder:
        """Return the folder to watch."""
        return self._folder.watched()

    def close(self) -> None:
        """Nothing is held open."""
