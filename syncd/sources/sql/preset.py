"""What a preset is: what to ask a till's database for, and how a sale's rows are read.

Each is one module of ``presets``, or of a package of somebody else's (entry points ``syncd.sql_presets``), that holds one of these
as ``PRESET``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from msgspec import Struct
from sqlalchemy import Row, Select
from sqlalchemy.sql.elements import ColumnElement

from syncd.sources.records import ParseResult, Unreadable
from syncd.sources.sql.schema import Schema
from syncd.sources.sql.settings import SqlSettings
from syncd.sources.zones import Hours, in_zone

Rows = Sequence[Row[Any]]


class SaleRows(Struct, frozen=True):
    """A sale's own row, and the rows of its parts by the part's name; ``digest`` tells, within a process, what they said before."""

    row: Row[Any]
    parts: Mapping[str, Rows]
    digest: int = 0

    @property
    def id(self) -> str:
        """The sale's id: the first column."""
        return str(self.row[0])

    def of(self, part: str) -> Rows:
        """Return the rows of a part; none where there are none."""
        return self.parts.get(part, ())


class Axis(Struct, frozen=True):
    """A column of times that sales are walked by. Times in the database stand in ``zone``, whether or not it says so."""

    column: ColumnElement[Any]
    zone: tzinfo = UTC
    aware: bool = False  # the column says its zone
    indexed: tuple[str, str] = ("", "")  # table and column that an index should begin with

    def there(self, at: datetime) -> datetime:
        """Return an aware time as the database writes it."""
        at = at.astimezone(self.zone)
        return at if self.aware else at.replace(tzinfo=None)

    def here(self, value: object) -> datetime | None:
        """Return what the database says, aware; of an hour that happens twice the first, for a walk must rather see too much."""
        if not isinstance(value, datetime):
            return None
        return value if value.tzinfo is not None else value.replace(tzinfo=self.zone)


class RowQuery(Struct, frozen=True):
    """What to ask for. Every select's first column is the sale's id; that of ``sales`` has the times of its axes next: one, or two.

    ``mark`` is the time of change where the POS keeps one, else the time of sale. ``notes`` are told by ``syncd check``.
    One that is not ``sure`` was made of an empty table, and is made anew next time.
    """

    sales: Select[Any]
    key: ColumnElement[Any]
    mark: Axis
    placed: Axis
    parts: Mapping[str, tuple[Select[Any], ColumnElement[Any]]]
    read: Callable[[SaleRows], ParseResult]
    notes: tuple[str, ...] = ()
    sure: bool = True


class Shop(Struct, frozen=True):
    """Who asks: the source's name, its settings, and the zone and currency that the config or the database says."""

    source: str
    settings: Any
    zone: tzinfo
    currency: str

    def time(self, naive: object, near: datetime | None = None) -> tuple[datetime, str]:
        """Return a local time, aware, and what had to be assumed. ``near`` decides which of two hours it was, where it is known.

        Raises:
            Unreadable: it is no time.

        """
        if not isinstance(naive, datetime):
            msg = f"its time is {str(naive)[:40]!r}"
            raise Unreadable(msg)
        said: list[str] = []
        hours = Hours(self.settings.ambiguous_hour, self.settings.skipped_hour, said.append)
        try:
            at = in_zone(naive, self.zone, hours)
        except ValueError as error:
            raise Unreadable(str(error)) from None
        if near is not None and at.utcoffset() != at.replace(fold=1).utcoffset():
            at = min((at.replace(fold=0), at.replace(fold=1)), key=lambda one: abs(one.astimezone(UTC) - near))
        return at, "; ".join(said)


class SqlPreset(Struct, frozen=True):
    """One POS's schema. ``prepare`` looks at the database that is there, and says what to ask it for."""

    name: str
    prepare: Callable[[Schema, Any, str], RowQuery]
    options: type[SqlSettings] = SqlSettings
