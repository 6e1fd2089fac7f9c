"""JSON Lines: canonical orders as they are, one a line. For shops that write their own export, and for other programs."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO, ClassVar

from pydantic import BaseModel, ValidationError

from syncd.canonical import Batch, CanonicalOrder, Cursor, Fault
from syncd.sources.base import Finding
from syncd.sources.context import SourceContext
from syncd.sources.doors import FolderReport
from syncd.sources.folder import Folder, FolderSettings, Look, shown

_BATCH = 500
_LONGEST_LINE = 16 * 1024 * 1024
_RAW_KEPT = 2000


class JsonlSource:
    """A drop folder of ``.jsonl`` files."""

    Settings: ClassVar[type[BaseModel]] = FolderSettings

    def __init__(self, settings: FolderSettings, context: SourceContext) -> None:
        self._name = context.name
        path = context.base_dir / settings.path.expanduser()
        self._folder = Folder(path, settings, context.clock, (".jsonl", ".ndjson"))

    def fetch(self, since: Cursor | None) -> Iterator[Batch]:
        """Every file that is ready; one is moved only after its last batch was recorded."""
        del since  # a file that was recorded is moved away, so the folder itself is the cursor
        for file in self._folder.ready():
            if closed := self._folder.closed(file):
                yield Batch((), (closed,), _cursor(file, 0))  # told once, and left where it is
                continue
            look = Look.at(file)
            if look is None:
                continue  # gone since it was listed
            if _is_cut(file) and self._folder.may_be_cut(file, look):
                continue
            faults: list[Fault] = []
            for batch in self.read_file(file):
                faults += batch.faults
                yield batch
            if told := self._folder.finish(file, look, faults):
                yield Batch((), (told,), _cursor(file, 0))

    def fetch_range(self, start: datetime, end: datetime, since: Cursor | None = None) -> Iterator[Batch]:
        """The sales of a range from every file, processed ones too; nothing is moved."""
        del since  # files may have come since, and reading them again costs nothing
        for file in self._folder.all_files():
            for batch in self.read_file(file):
                orders = tuple(order for order in batch.orders if start <= order.placed_at < end)
                yield replace(batch, orders=orders)

    def reads(self, path: Path) -> bool:
        """Whether this source would take the file."""
        return self._folder.takes(path.name)

    def takes(self, name: str) -> bool:
        """Whether a file of that name is this source's to read."""
        return self._folder.takes(name)

    def folder_report(self) -> FolderReport:
        """What lies in the folder now."""
        return self._folder.report()

    def read_file(self, path: Path) -> Iterator[Batch]:
        """The file's sales and faults, in batches."""
        orders: list[CanonicalOrder] = []
        faults: list[Fault] = []
        number = 0
        try:
            with path.open("rb") as file:
                for number, line in enumerate(_lines(file), start=1):
                    read = parse_line(line, self._name, f"{shown(path)}:{number}")
                    if isinstance(read, CanonicalOrder):
                        orders.append(read)
                    elif read is not None:
                        faults.append(read)
                    if len(orders) + len(faults) >= _BATCH:
                        yield Batch(tuple(orders), tuple(faults), _cursor(path, number))
                        orders, faults = [], []
        except OSError as error:
            faults.append(Fault(shown(path), f"the file cannot be read: {error.strerror}", ""))
        yield Batch(tuple(orders), tuple(faults), _cursor(path, number))

    def check(self) -> Sequence[Finding]:
        """How the folder stands."""
        return list(self._folder.check())

    def watch(self, stop: threading.Event) -> Iterator[None]:
        """Yield when a file arrives."""
        return self._folder.watch(stop)

    def close(self) -> None:
        """Nothing is held open."""


def _is_cut(path: Path) -> bool:
    """Whether the file's last line has no end and is no whole sale: perhaps the rest is still to come."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _LONGEST_LINE))
            last = file.read().rpartition(b"\n")[2]
    except OSError:
        return False  # reading it will say so
    try:
        json.loads(last or b"{}")
    except ValueError:
        return True
    return False


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file; of one that is too long, a bounded part, marked by a missing line end."""
    while line := file.readline(_LONGEST_LINE):
        yield line
        while len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
            line = file.readline(_LONGEST_LINE)


def parse_line(line: bytes, source: str, where: str) -> CanonicalOrder | Fault | None:
    """A line as a canonical order of ``source``, a fault, or None where it is blank. Pure."""
    if not line.strip():
        return None
    raw = line[:_RAW_KEPT].decode("utf-8", "replace")
    if len(line) >= _LONGEST_LINE:
        return Fault(where, f"the line is longer than {_LONGEST_LINE} bytes", raw)
    try:
        document = json.loads(line.decode("utf-8-sig"), parse_float=Decimal)
        if not isinstance(document, dict):
            return Fault(where, "the line is not a JSON object", raw)
        named = document.setdefault("source", source)
        if named != source:
            return Fault(where, f"the sale names source {str(named)[:80]!r}; this source is {source!r}", raw)
        return CanonicalOrder.model_validate(document)
    except ValidationError as error:
        return Fault(where, in_words(error), raw, str(document.get("sale_id") or ""))
    except (ValueError, RecursionError) as error:
        return Fault(where, f"the line is not JSON: {str(error)[:200]}", raw)


def in_words(error: ValidationError) -> str:
    """What is wrong with a sale, field by field."""
    problems = error.errors(include_url=False, include_context=False)
    said = [f"{'.'.join(map(str, item['loc']))}: {item['msg'].removeprefix('Value error, ')}" for item in problems[:5]]
    return "; ".join(said) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")


def _cursor(path: Path, line: int) -> Cursor:
    return json.dumps({"file": shown(path), "line": line})
