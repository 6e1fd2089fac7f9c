"""Reads cells as what they mean; an error names the column and the line, so that a person can mend it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any, Generic, TypeVar

from msgspec import Struct

from syncd.canonical.money import ZERO
from syncd.sources.csv.amounts import DecimalMark, doubt, doubt_quantity, parse_amount
from syncd.sources.csv.rows import CsvRow, normal
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.csv.states import state_of, unknown_state
from syncd.sources.csv.times import parse_split_time, parse_time, zone
from syncd.sources.zones import Hours


class BadCell(ValueError):
    """A cell that does not say what its column promises; ``line`` is the row's."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


class ExcludedRow(Struct, frozen=True):
    """A sale that the config leaves out: why, in words that a count goes before (``3 web orders``)."""

    why: str


Chosen_co = TypeVar("Chosen_co", bound=CsvSettings, covariant=True)


class Reading(Struct, Generic[Chosen_co], frozen=True):
    """The settings of a source as its presets need them."""

    source: str
    settings: Chosen_co
    here: tzinfo | None
    hours: Hours
    _remarks: list[str]

    @classmethod
    def of(cls, source: str, settings: Chosen_co) -> Reading[Chosen_co]:  # type: ignore[misc]  # the settings are only ever read
        """Return the reading of a source."""
        remarks: list[str] = []
        here = zone(settings.timezone) if settings.timezone else None
        hours = Hours(settings.ambiguous_hour, settings.skipped_hour, remarks.append)
        return cls(source, settings, here, hours, remarks)

    def take_remarks(self) -> list[str]:
        """Return what had to be assumed since the last call, to be reported with the sale."""
        taken = list(dict.fromkeys(self._remarks))
        self._remarks.clear()
        return taken

    def amount(self, row: CsvRow, name: str, default: Decimal | None = None) -> Decimal:
        """Return the amount in a column; ``default`` where the cell is empty.

        Raises:
            BadCell: it is no amount, or it is empty and there is no default.

        """
        cell = row.get(normal(name))
        try:
            found = self._parse(cell, self.settings.mark_of(normal(name)))
        except ValueError as error:
            raise BadCell(row.line, f"{name}: {error}") from None
        if found is None:
            if default is None:
                raise BadCell(row.line, f"{name} is empty")
            return default
        return found

    def quantity(self, row: CsvRow, name: str, default: Decimal | None = Decimal(1)) -> Decimal:
        """How many, or how much by measure; ``default`` where the cell is empty.

        Raises:
            BadCell: it is no number, it may be read in two ways, or it is empty and there is no default.

        """
        cell = row.get(normal(name))
        try:
            mark = self.settings.mark_of(normal(name))
            if mark is None and (why := doubt_quantity(cell)):
                raise ValueError(why)
            found = parse_amount(cell, mark or ".")
        except ValueError as error:
            raise BadCell(row.line, f"{name}: {error}") from None
        if (value := default if found is None else found) is None:
            raise BadCell(row.line, f"{name} is empty")
        return value

    def _parse(self, cell: str, mark: DecimalMark | None) -> Decimal | None:
        currency = self.settings.currency or ""
        if mark is None and (why := doubt(cell, currency)):
            raise ValueError(why)
        return parse_amount(cell, mark or ".", "" if self.settings.NAMES_CURRENCY else currency)

    def any_amount(self, cell: str) -> Decimal | None:
        """Return what a cell would be as an amount, with the mark of the source; None where it is none."""
        mark = self.settings.decimal_mark
        try:
            return parse_amount(cell, mark if isinstance(mark, str) else ".", self.settings.currency or "")
        except ValueError:
            return None

    def zero(self, row: CsvRow, name: str) -> Decimal:
        """Return the amount in a column, 0 where it is empty."""
        return self.amount(row, name, ZERO)

    def time(self, row: CsvRow, name: str, here: tzinfo | None = None) -> datetime:
        """Return the time in a column, in the zone given, else the source's."""
        if not row.get(normal(name)):
            raise BadCell(row.line, f"{name} is empty")
        try:
            return parse_time(row.get(normal(name)), self.settings.date_order, here or self.here, self.hours)
        except ValueError as error:
            raise BadCell(row.line, f"{name}: {error}") from None

    def split_time(self, row: CsvRow, date: str, clock: str, here: tzinfo | None = None) -> datetime:
        """Return a date and a time of day from two columns."""
        cells = row.get(normal(date)), row.get(normal(clock))
        try:
            return parse_split_time(*cells, self.settings.date_order, here or self.here, self.hours)
        except ValueError as error:
            raise BadCell(row.line, f"{date} and {clock}: {error}") from None

    def us_time(self, row: CsvRow, date: str, clock: str, here: tzinfo) -> datetime:
        """Return a date and a time of day of an export that writes either 2026-07-18 or 07/18/2026."""
        try:
            return parse_split_time(row.get(normal(date)), row.get(normal(clock)), "mdy", here, self.hours)
        except ValueError as error:
            raise BadCell(row.line, f"{date} and {clock}: {error}") from None

    def currency(self, row: CsvRow, name: str = "") -> str:
        """Return the row's own currency where it has one, else the source's."""
        found = (row.get(normal(name)) if name else "") or self.settings.currency or ""
        if not found:
            raise BadCell(row.line, "no currency: set currency for this source")
        return found.upper()

    def status(self, word: str) -> tuple[str, str]:
        """Return what a status means, and why the sale is held where the word is not known."""
        state = state_of(word, self.settings.status_words)
        return (state, "") if state is not None else ("completed", unknown_state(word))

    def place(self, *names: str) -> dict[str, Any] | None:
        """Return a location, register or cashier by the first name that is not empty."""
        found = next((name for name in names if name), "")
        return {"id": found, "name": found} if found else None


def first(rows: Sequence[CsvRow], name: str) -> str:
    """Return the first cell of a column that is not empty."""
    key = normal(name)
    if len(rows) == 1:
        return rows[0].get(key)
    return next((cell for row in rows if (cell := row.get(key))), "")


def same_row(rows: Sequence[CsvRow], name: str) -> list[CsvRow]:
    """Return the one row that an export lists per sale; it may list it twice, in exports of overlapping days.

    Raises:
        BadCell: the rows differ: they are two sales.

    """
    if other := next((row for row in rows[1:] if list(row.cells) != list(rows[0].cells)), None):
        raise BadCell(other.line, f"two different sales have this {name}")
    return list(rows[:1])


def agree(rows: Sequence[CsvRow], *names: str) -> None:
    """Check that the rows of one sale say the same in these columns, where they say anything.

    Raises:
        BadCell: they do not: two receipts carry one number.

    """
    if len(rows) == 1:
        return
    for name in names:
        said = {cell: row for row in rows if (cell := row.get(normal(name)))}
        if len(said) > 1:
            one, other = list(said)[:2]
            why = f"two sales have this number: their rows differ in {name} ({one[:40]!r} and {other[:40]!r})"
            raise BadCell(said[other].line, why)
