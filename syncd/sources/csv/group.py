"""Gathers the rows of each sale, neighbours or not, in bounded memory: small files in a dictionary, large ones on disk."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from syncd.sources.csv.rows import CsvRow
from syncd.sources.folder import shown

_IN_MEMORY = 8_000
_WRITTEN_AT_ONCE = 5_000


class Placed(Struct, frozen=True):
    """A row and the file that it stands in."""

    file: Path
    row: CsvRow
    spoilt: str = ""  # why the row cannot be trusted, where it cannot
    stamp: int = 0  # when the file was last written, in nanoseconds: which of two is newer

    @property
    def where(self) -> str:
        """``name.csv:12``."""
        return f"{shown(self.file)}:{self.row.line}"


class Groups:
    """The rows of a pass, by sale; sales come out in the order of their first row while all fits in memory."""

    def __init__(self) -> None:
        self._files: list[tuple[Path, Mapping[str, int], int]] = []
        self._dropped: set[int] = set()
        self._memory: dict[str, list[tuple[int, int, list[str]]]] = {}
        self._count = 0
        self._spoilt: dict[tuple[int, int], str] = {}
        self._spill: sqlite3.Connection | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def file(self, path: Path, columns: Mapping[str, int], stamp: int = 0) -> int:
        """Announce a file, last written at ``stamp``; the number goes with each of its rows."""
        self._files.append((path, columns, stamp))
        return len(self._files) - 1

    def drop(self, path: Path) -> None:
        """Forget the rows of a file: it proved to be unreadable, or not yet whole."""
        self._dropped |= {number for number, (file, _, _) in enumerate(self._files) if file == path}

    def add(self, key: str, file: int, row: CsvRow) -> None:
        """One row of the sale ``key``."""
        self._memory.setdefault(key, []).append((file, row.line, list(row.cells)))
        self._count += 1
        if self._count >= _IN_MEMORY or (self._spill is not None and self._count >= _WRITTEN_AT_ONCE):
            self._write()

    def spoil(self, file: int, line: int, reason: str) -> None:
        """Spoil the sale of a row that cannot be trusted."""
        self._spoilt[file, line] = reason

    def _write(self) -> None:
        if self._spill is None:
            self._folder = tempfile.TemporaryDirectory(prefix="syncd-")
            self._spill = sqlite3.connect(Path(self._folder.name) / "rows.db")
            self._spill.execute("pragma journal_mode=off")
            self._spill.execute("pragma synchronous=off")
            self._spill.execute("create table rows (key text, file integer, line integer, cells text)")
        rows = [
            (key, file, line, json.dumps(cells)) for key, found in self._memory.items() for file, line, cells in found
        ]
        self._spill.executemany("insert into rows values (?, ?, ?, ?)", rows)
        self._memory, self._count = {}, 0

    def __iter__(self) -> Iterator[list[Placed]]:
        """Each sale's rows, in the order of their files and lines."""
        for rows in self._kept():
            if found := [self._placed(*row) for row in rows if row[0] not in self._dropped]:
                yield found

    def _kept(self) -> Iterator[list[tuple[int, int, list[str]]]]:
        if self._spill is None:
            yield from self._memory.values()
            return
        self._write()
        self._spill.execute("create index by_key on rows (key, file, line)")
        current: str | None = None
        found: list[tuple[int, int, list[str]]] = []
        for key, file, line, cells in self._spill.execute(
            "select key, file, line, cells from rows order by key, file, line"
        ):
            if key != current and found:
                yield found
                found = []
            current = key
            found.append((file, line, json.loads(cells)))
        if found:
            yield found

    def _placed(self, file: int, line: int, cells: list[str]) -> Placed:
        path, columns, stamp = self._files[file]
        return Placed(path, CsvRow(line, cells, columns), self._spoilt.get((file, line), ""), stamp)

    def close(self) -> None:
        """Remove what was spilled to disk."""
        if self._spill is not None:
            self._spill.close()
        if self._folder is not None:
            self._folder.cleanup()
