"""The file beside a recorded one that says which of its rows could not be read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from syncd.canonical import Fault
from syncd.sources.own_files import create
from syncd.spreadsheet import lines


def write_faults(path: Path, faults: Iterable[Fault]) -> None:
    """A new CSV of where, why and the raw text, for our eyes alone; no cell of it is taken for a formula.

    Raises:
        OSError: something of that name is there, or the disk is full.

    """
    rows = ((text.replace("\x00", "\\x00") for text in (fault.where, fault.reason, fault.raw)) for fault in faults)
    with create(path) as file:
        file.writelines(line.encode() for line in lines(("where", "reason", "raw"), rows))
