"""The file beside a recorded one that says which of its rows could not be read."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from syncd.canonical import Fault

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


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
