"""Gathers the rows of each sale, neighbours or not, in bounded memory: small files in a dictionary, large ones on disk."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from syncd.sources.csv.rows import Row

_IN_MEMORY = 20_000
_WRITTEN_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Placed:
    """A row and the file that it stands in."""

    file: Path
    row: Row
    spoilt: str = ""  # why the row cannot be trusted, where it cannot

    @property
    def where(self) -> str:
        """``name.csv:12``."""
        return f"{self.file.name}:{self.row.line}"


class Groups:
    """The rows of a pass, by sale; sales come out in the order of their first row while all fits in memory."""

    def __init__(self) -> None:
        self._files: list[tuple[Path, Mapping[str, int]]] = []
        self._memory: dict[str, list[tuple[int, int, list[str]]]] = {}
        self._count = 0
        self._spoilt: dict[tuple[int, int], str] = {}
        self._spill: sqlite3.Connection | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def file(self, path: Path, columns: Mapping[str, int]) -> int:
        """Announce a file; the number goes with each of its rows."""
        self._files.append((path, columns))
        return len(self._files) - 1

    def add(self, key: str, file: int, row: Row) -> None:
        """One row of the sale ``key``."""
        self._memory.setdefault(key, []).append((file, row.line, list(row.cells)))
        self._count += 1
        if self._count >= _IN_MEMORY or (self._spill is not None and self._count >= _WRITTEN_AT_ONCE):
            self._write()

    def spoil(self, file: int, line: int, reason: str) -> None:
        """The row of that line cannot be trusted, and so neither can its sale."""
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
        if self._spill is None:
            for kept in self._memory.values():
                yield [self._placed(*one) for one in kept]
            return
        self._write()
        self._spill.execute("create index by_key on rows (key, file, line)")
        current: str | None = None
        found: list[Placed] = []
        for key, file, line, cells in self._spill.execute(
            "select key, file, line, cells from rows order by key, file, line"
        ):
            if key != current and found:
                yield found
                found = []
            current = key
            found.append(self._placed(file, line, json.loads(cells)))
        if found:
            yield found

    def _placed(self, file: int, line: int, cells: list[str]) -> Placed:
        path, columns = self._files[file]
        return Placed(path, Row(line, cells, columns), self._spoilt.get((file, line), ""))

    def close(self) -> None:
        """Remove what was spilled to disk."""
        if self._spill is not None:
            self._spill.close()
        if self._folder is not None:
            self._folder.cleanup()
