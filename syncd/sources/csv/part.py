"""One table of a file on its way to sales: its rows by sale, and what the table as a whole says against them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from syncd.sources.csv.damage import Damage, Ids
from syncd.sources.csv.evidence import Evidence
from syncd.sources.csv.fields import Reading
from syncd.sources.csv.group import Groups
from syncd.sources.csv.preset import CsvPreset
from syncd.sources.csv.rows import BadRow, CsvRow, Table, Widths
from syncd.sources.csv.strays import is_footnote, may_be_totals, totals_among

Wanted = Callable[[str, int], bool]
"""Whether a row is wanted: asked with its sale's key, and which of the preset's tables it is of."""


class ExportPart:
    """Gathers the rows of one table. Rows that may be totals wait in ``strays`` until the table was read to its end."""

    def __init__(self, preset: CsvPreset, reading: Reading[Any], table: Table, number: int) -> None:
        self._preset, self._reading, self._table, self._number = preset, reading, table, number
        self._kind = next((n for n, which in enumerate(preset.tables) if which <= table.columns.keys()), 0)
        settings = reading.settings
        self._widths = Widths(table.width)
        self._damage = Damage(preset.ids, preset.numbered)
        self._ids = Ids(preset.id_column)
        self._evidence = Evidence(
            tuple(name for name in preset.dates if name in table.columns),
            tuple(name for name in preset.amounts if name in table.columns),
            settings.date_order,
            {name: settings.mark_of(name) for name in preset.amounts},
            table.typed,
        )
        self.cut = ""
        self.keyless: list[CsvRow | BadRow] = []
        self.strays: dict[int, tuple[str, CsvRow]] = {}
        self.left_out: Counter[str] = Counter()

    def gather(self, groups: Groups, wanted: Wanted) -> None:
        """Put the rows into their groups."""
        key_of, before = self._preset.keys(), ""
        for found in self._table.rows:
            row = CsvRow(found.line, found.cells, self._table.columns)
            if isinstance(found, BadRow):
                self.cut = found.reason if found.cut else self.cut
            elif is_footnote(row, self._table.width, self._preset.ids):
                self.left_out["footnotes"] += 1
                continue
            self._widths.saw(found)
            key = key_of(row) if found.cells else ""
            if isinstance(found, CsvRow) and key != before and may_be_totals(row, self._preset.dates):
                self.strays[row.line] = (key, row)
                continue
            before = key or before
            self._place(key, found, groups, wanted)

    def _place(self, key: str, found: CsvRow | BadRow, groups: Groups, wanted: Wanted) -> None:
        row = CsvRow(found.line, found.cells, self._table.columns)
        if not key:
            self.keyless.append(found)
        elif wanted(key, self._kind):
            groups.add(key, self._number, row)
            self._ids.saw(key, row)
            self._evidence.saw(row)
            if reason := found.reason if isinstance(found, BadRow) else self._damage.saw(row):
                groups.spoil(self._number, found.line, reason)

    def settle(self, groups: Groups, wanted: Wanted, again: Table) -> None:
        """Leave out the strays that are sums of the rows above; another is a row like any other. ``again``: the table anew."""
        key_of = self._preset.keys()
        rows = (
            (key_of(row), row)
            for found in again.rows
            if isinstance(found, CsvRow) and (row := CsvRow(found.line, found.cells, again.columns))
        )
        sums = totals_among(rows, list(self.strays), self._preset.amounts, self._reading.any_amount)
        for line, (key, row) in self.strays.items():
            if line in sums:
                self.left_out["rows of totals"] += 1
            else:
                self._place(key, row, groups, wanted)

    def spoil(self, groups: Groups) -> None:
        """Mark the rows that cannot be trusted, as only the whole table tells."""
        for line, reason in (*self._widths.torn(), *self._damage.late(), *self._ids.equal()):
            groups.spoil(self._number, line, reason)

    def verdict(self) -> str:
        """Why the file as a whole is not to be read; empty where it is."""
        return self._damage.verdict() or self._evidence.verdict()
