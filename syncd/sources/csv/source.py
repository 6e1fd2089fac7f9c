"""The CSV source: a drop folder of exports, read by a preset."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ValidationError

from syncd.canonical import Batch, CanonicalOrder, Cursor, Fault
from syncd.sources.base import Finding, SourceContext
from syncd.sources.csv.fields import BadCell, Reading
from syncd.sources.csv.group import Groups, Placed
from syncd.sources.csv.presets import columns_of, preset
from syncd.sources.csv.rows import BadRow, Row, UnreadableFile, encoding_of, read_table
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.folder import Folder
from syncd.sources.jsonl import in_words

_BATCH = 500
_SUFFIXES = (".csv", ".tsv", ".txt")
Faults = dict[Path, list[Fault]]


class CsvSource:
    """A drop folder of ``.csv``, ``.tsv`` or ``.txt`` exports."""

    Settings: ClassVar[type[BaseModel]] = CsvSettings

    def __init__(self, settings: CsvSettings, context: SourceContext) -> None:
        self._settings = settings
        self._preset = preset(settings.preset)
        self._reading = Reading.of(context.name, settings)
        path = context.base_dir / settings.path.expanduser()
        self._folder = Folder(path, settings, context.clock, _SUFFIXES)

    def fetch(self, since: Cursor | None) -> Iterator[Batch]:
        """Every file that is ready; one is moved only after all its sales were recorded."""
        del since  # a file that was recorded is moved away, so the folder itself is the cursor
        ready = self._folder.ready()
        closed = [(file, fault) for file in ready if (fault := self._folder.closed(file))]
        if closed:
            yield Batch((), tuple(fault for _, fault in closed), _cursor([file for file, _ in closed]))
        shut = {file for file, _ in closed}
        for files in self._passes([file for file in ready if file not in shut]):
            yield from self._read_and_move(files)

    def _passes(self, files: list[Path]) -> list[list[Path]]:
        """Files that are read together: all of them where the preset joins two exports, else each by itself."""
        if not files:
            return []
        return [files] if self._preset.together else [[file] for file in files]

    def _read_and_move(self, files: list[Path]) -> Iterator[Batch]:
        faults: Faults = defaultdict(list)
        unreadable: dict[Path, Fault] = {}
        yield from self._read(files, faults, unreadable)
        for file in files:
            if file in unreadable:
                self._folder.fail(file, [unreadable[file]])
            else:
                self._folder.finish(file, faults[file])

    def fetch_range(self, start: datetime, end: datetime) -> Iterator[Batch]:
        """The sales of a range from every file, processed ones too; nothing is moved."""
        for files in self._passes(self._folder.all_files()):
            for batch in self._read(files, defaultdict(list), {}):
                orders = tuple(order for order in batch.orders if start <= order.placed_at < end)
                yield Batch(orders, batch.faults, batch.cursor)

    def reads(self, path: Path) -> bool:
        """Whether this source would take the file."""
        if not path.name.lower().endswith(_SUFFIXES):
            return False
        try:
            self._add(path, Groups(), [])
        except (UnreadableFile, OSError, UnicodeError):
            return False
        return True

    def read_file(self, path: Path) -> Iterator[Batch]:
        """The file's sales and faults, in batches; nothing is moved."""
        return self._read([path], defaultdict(list), {})

    def _read(self, files: list[Path], faults: Faults, unreadable: dict[Path, Fault]) -> Iterator[Batch]:
        """The sales of files that belong together; ``faults`` and ``unreadable`` fill on the way."""
        lost: list[Fault] = []
        with closing(Groups()) as groups:
            for file in files:
                try:
                    bad = self._add(file, groups, faults[file])
                except (UnreadableFile, OSError, UnicodeError) as error:
                    unreadable[file] = Fault(file.name, f"the file cannot be read: {error}", "")
                    bad = [unreadable[file]]
                lost += bad
            yield from self._batches(groups, files, faults, lost)

    def _add(self, file: Path, groups: Groups, faults: list[Fault]) -> list[Fault]:
        """Put a file's rows into their groups; the faults of rows that belong to none."""
        encoding = encoding_of(file, self._settings.encoding)
        with file.open(encoding=encoding, newline="") as text:
            table = read_table(text, self._settings.delimiter, self._preset.names())
            columns = columns_of(table.columns, self._preset, self._settings)
            number = groups.file(file, columns)
            for found in table.rows:
                row = Row(found.line, found.cells, columns)
                key = self._preset.key(row) if found.cells else ""
                if not key:
                    faults.append(self._keyless(file, found))
                    continue
                groups.add(key, number, row)
                if isinstance(found, BadRow):
                    groups.spoil(number, found.line, found.reason)
        return list(faults)

    def _keyless(self, file: Path, row: Row | BadRow) -> Fault:
        reason = (
            row.reason
            if isinstance(row, BadRow)
            else f"the row has no {self._preset.key_words}: no sale can be told by it"
        )
        return Fault(f"{file.name}:{row.line}", reason, row.raw)

    def _batches(self, groups: Groups, files: list[Path], faults: Faults, lost: list[Fault]) -> Iterator[Batch]:
        orders: list[CanonicalOrder] = []
        for placed in groups:
            read = self._sale(placed)
            if isinstance(read, CanonicalOrder):
                orders.append(read)
            else:
                lost += read
                for where, fault in zip(placed, read, strict=True):
                    faults[where.file].append(fault)
            if len(orders) + len(lost) >= _BATCH:
                yield Batch(tuple(orders), tuple(lost), _cursor(files))
                orders, lost = [], []
        yield Batch(tuple(orders), tuple(lost), _cursor(files))

    def _sale(self, placed: Sequence[Placed]) -> CanonicalOrder | list[Fault]:
        """A sale's rows as an order; where one of them cannot be read, each of them as a fault that says which."""
        if spoilt := next((one for one in placed if one.spoilt), None):
            return [Fault(one.where, _spoilt(spoilt, one), one.row.raw) for one in placed]
        try:
            fields = self._preset.parse([one.row for one in placed], self._reading)
            return CanonicalOrder.model_validate({"source": self._reading.source, **_said(fields)})
        except BadCell as error:
            return [Fault(one.where, _reason(error, one.row), one.row.raw) for one in placed]
        except ValidationError as error:
            return [Fault(one.where, in_words(error), one.row.raw) for one in placed]

    def check(self) -> Sequence[Finding]:
        """How the folder stands, and whether the waiting files are what the preset expects."""
        findings = list(self._folder.check())
        if any(finding.level == "error" for finding in findings):
            return findings
        for file in self._folder.ready():
            try:
                self._add(file, Groups(), [])
            except (UnreadableFile, OSError, UnicodeError) as error:
                findings.append(
                    Finding("warning", f"{file.name} will be set aside: {error}", "Is the preset the right one?")
                )
        return findings

    def watch(self, stop: threading.Event) -> Iterator[None]:
        """Yield when a file arrives."""
        return self._folder.watch(stop)

    def close(self) -> None:
        """Nothing is held open."""


def _said(fields: dict[str, object]) -> dict[str, object]:
    """The fields that the export says; None stands for the default."""
    return {name: value for name, value in fields.items() if value is not None}


def _spoilt(bad: Placed, one: Placed) -> str:
    return bad.spoilt if one is bad else f"another row of the same sale, at {bad.where}: {bad.spoilt}"


def _reason(error: BadCell, row: Row) -> str:
    return str(error) if error.line == row.line else f"another row of the same sale, on line {error.line}: {error}"


def _cursor(files: Sequence[Path]) -> Cursor:
    return json.dumps({"files": [file.name for file in files[:20]]})
