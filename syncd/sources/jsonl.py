"""JSON Lines: canonical orders as they are, one a line. For shops that write their own export, and for other programs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, ClassVar

from pydantic import BaseModel, ValidationError

from syncd.canonical import Batch, CanonicalOrder, Fault
from syncd.canonical.order import read_json
from syncd.sources.files import FileSource, place
from syncd.sources.folder import FolderSettings, shown

_BATCH = 500
_LONGEST_LINE = 16 * 1024 * 1024
_RAW_KEPT = 2000


class JsonlSource(FileSource):
    """A drop folder of ``.jsonl`` files."""

    Settings: ClassVar[type[BaseModel]] = FolderSettings
    SUFFIXES = (".jsonl", ".ndjson")

    def batches(self, path: Path) -> Iterator[Batch]:
        """Yield the file's sales and faults, in batches."""
        orders: list[CanonicalOrder] = []
        faults: list[Fault] = []
        number = 0
        try:
            with path.open("rb") as file:
                for number, line in enumerate(_lines(file), start=1):
                    read = parse_line(line, self._names, f"{shown(path)}:{number}")
                    if isinstance(read, CanonicalOrder):
                        orders.append(read)
                    elif read is not None:
                        faults.append(read)
                    if len(orders) + len(faults) >= _BATCH:
                        yield Batch(tuple(orders), tuple(faults), place(path, number))
                        orders, faults = [], []
        except OSError as error:
            faults.append(Fault(shown(path), f"the file cannot be read: {error.strerror}", ""))
        yield Batch(tuple(orders), tuple(faults), place(path, number))

    def is_cut(self, path: Path) -> bool:
        """Whether the file's last line has no end and is no whole sale."""
        return _is_cut(path)


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
    except (ValueError, RecursionError):
        return True
    return False


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file; of one that is too long, a bounded part, marked by a missing line end."""
    while line := file.readline(_LONGEST_LINE):
        yield line
        while len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
            line = file.readline(_LONGEST_LINE)


def parse_line(line: bytes, names: tuple[str, str], where: str) -> CanonicalOrder | Fault | None:
    """Return a line as a canonical order, a fault, or None where it is blank. Pure.

    ``names``: that in the source's sale keys, and that in the config. A line may name either, or none.
    """
    if not line.strip():
        return None
    raw = line[:_RAW_KEPT].decode("utf-8", "replace")
    if len(line) >= _LONGEST_LINE:
        return Fault(where, f"the line is longer than {_LONGEST_LINE} bytes", raw)
    try:
        document = read_json(line.decode("utf-8-sig"))
        if not isinstance(document, dict):
            return Fault(where, "the line is not a JSON object", raw)
        named = document.setdefault("source", names[0])
        if named not in names:
            return Fault(where, f"the sale names source {str(named)[:80]!r}; this source is {names[1]!r}", raw)
        return CanonicalOrder.model_validate({**document, "source": names[0], **_original(document, names)})
    except ValidationError as error:
        return Fault(where, in_words(error), raw, str(document.get("sale_id") or ""))
    except (ValueError, RecursionError) as error:
        return Fault(where, f"the line is not JSON: {str(error)[:200]}", raw)


def _original(document: Mapping[str, object], names: tuple[str, str]) -> dict[str, str]:
    """Return the sale of which a return gives goods back, by its key."""
    original = document.get("returns_of")
    if not isinstance(original, str) or not original.startswith(f"{names[1]}:"):
        return {}
    return {"returns_of": f"{names[0]}:{original.partition(':')[2]}"}


def in_words(error: ValidationError) -> str:
    """Return what is wrong with a sale, field by field."""
    problems = error.errors(include_url=False, include_context=False)
    said = [f"{'.'.join(map(str, item['loc']))}: {item['msg'].removeprefix('Value error, ')}" for item in problems[:5]]
    return "; ".join(said) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
