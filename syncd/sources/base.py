"""What a source is: the protocol that every adapter fulfils, and what syncd hands to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Literal, Protocol, runtime_checkable

from pydantic import BaseModel

from syncd.canonical import Batch, Cursor
from syncd.clock import Clock


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of ``syncd check``: how it stands, what was found, and the cure where there is something to mend."""

    level: Literal["ok", "warning", "error", "mismatch"]  # a mismatch: config and store do not fit together
    what: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What every adapter gets: the source's name in the config, the clock, and the folder that relative paths start from."""

    name: str
    clock: Clock
    base_dir: Path


@dataclass(frozen=True, slots=True)
class FolderReport:
    """What lies in a drop folder: how many files wait, how many of them are still settling, and the names of what nobody reads."""

    path: Path
    waiting: int
    settling: int
    strange: tuple[str, ...]


class Source(Protocol):
    """A configured POS connection. An adapter's class takes ``(settings, context)`` and names its ``Settings`` model."""

    Settings: ClassVar[type[BaseModel]]

    def fetch(self, since: Cursor | None) -> Iterator[Batch]:
        """Yield what is new since the cursor, oldest first; code after a yield runs only once that batch is recorded.

        Raises:
            SourceError: the source as a whole cannot be read.

        """
        ...

    def fetch_range(self, start: datetime, end: datetime) -> Iterator[Batch]:
        """Yield every sale placed in ``[start, end)``, for a backfill; cursors are those of the walk itself.

        Raises:
            SourceError: the source as a whole cannot be read.

        """
        ...

    def check(self) -> Sequence[Finding]:
        """Try the connection without reading sales or changing anything."""
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...


@runtime_checkable
class Watching(Protocol):
    """A source that can tell when there is something new, so that a poll need not wait for its turn."""

    def watch(self, stop: threading.Event) -> Iterator[None]:
        """Yield whenever a poll is worth while; ends once ``stop`` is set."""
        ...


@runtime_checkable
class ReadsFiles(Protocol):
    """A source that can read one file on request, for ``syncd preview``: nothing is moved."""

    def reads(self, path: Path) -> bool:
        """Whether this source would take the file."""
        ...

    def read_file(self, path: Path) -> Iterator[Batch]:
        """The file's sales and faults."""
        ...


@runtime_checkable
class HasFolder(Protocol):
    """A source that reads what is dropped into a folder, and can say what lies there."""

    def folder_report(self) -> FolderReport:
        """What lies in the folder now.

        Raises:
            SourceError: the folder cannot be read.

        """
        ...

    def takes(self, name: str) -> bool:
        """Whether a file of that name is this source's to read."""
        ...
