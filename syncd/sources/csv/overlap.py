"""Exports of overlapping days state a sale more than once: its rows are taken from one file, if the files agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from syncd.sources.csv.group import Placed
from syncd.sources.folder import shown

Weighs = Mapping[frozenset[str], frozenset[str]]
"""For each table that a preset reads, told by its columns: the columns in which two statements of a sale must agree."""


class FilesDisagree(Exception):
    """Two files state one sale differently; the message names both."""


def one_file_each(placed: Sequence[Placed], weighs: Weighs) -> list[Placed]:
    """Return a sale's rows, those of each table from one file: from the fullest, else from the newest.

    Raises:
        FilesDisagree: a file states what the chosen one does not.

    """
    kept: list[Placed] = []
    rest = list(placed)
    for table, columns in weighs.items():
        of_table = [one for one in rest if table <= one.row.columns.keys()]
        rest = [one for one in rest if not table <= one.row.columns.keys()]
        kept += _from_one_file(of_table, columns)
    return kept + rest


def _from_one_file(placed: Sequence[Placed], columns: frozenset[str]) -> list[Placed]:
    by_file: dict[object, list[Placed]] = {}
    for one in placed:
        by_file.setdefault(one.file, []).append(one)
    if len(by_file) <= 1:
        return list(placed)
    chosen = max(by_file.values(), key=lambda rows: (len(rows), rows[0].stamp))
    for other in by_file.values():
        if other is not chosen and _states(other, chosen, columns) - _states(chosen, other, columns):
            names = f"{shown(other[0].file)} and {shown(chosen[0].file)}"
            raise FilesDisagree(f"{names} state this sale differently: export it anew, and drop only that file")
    return chosen


def _states(rows: Sequence[Placed], beside: Sequence[Placed], columns: frozenset[str]) -> Counter[tuple[str, ...]]:
    """Return what the rows say in the columns that both files have."""
    both = sorted(columns & rows[0].row.columns.keys() & beside[0].row.columns.keys())
    return Counter(tuple(one.row.get(name) for name in both) for one in rows)
