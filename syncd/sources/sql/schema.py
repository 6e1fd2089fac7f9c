"""The tables of a till's database as they are there: named in whatever case, with the columns that this version has."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Connection, MetaData, Table, inspect, null
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.sql.elements import ColumnElement

from syncd.sources.errors import SourceUnavailable


class FoundTables:
    """A table that is there; its columns are found in whatever case."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._columns: dict[str, Column[Any]] = {column.name.lower(): column for column in table.columns}

    def __getitem__(self, name: str) -> Column[Any]:
        """Return a column that every version has.

        Raises:
            Unavailable: this one has none.

        """
        try:
            return self._columns[name]
        except KeyError:
            what = f"the table {self.table.name} has no column {name}"
            raise SourceUnavailable(what, "Is the preset the right one, and the POS a version that it knows?") from None

    def get(self, name: str) -> ColumnElement[Any]:
        """Return a column that not every version has; NULL where it is missing."""
        column = self._columns.get(name)
        return null().label(name) if column is None else column

    def has(self, name: str) -> bool:
        """Whether there is such a column."""
        return name in self._columns

    def is_indexed(self, connection: Connection, name: str) -> bool:
        """Whether an index, or the key, begins with a column."""
        look = inspect(connection)
        begins = [list[str | None](index["column_names"][:1]) for index in look.get_indexes(self.table.name)]
        begins.append([*look.get_pk_constraint(self.table.name)["constrained_columns"][:1]])
        return any(names and str(names[0]).lower() == name for names in begins)


class Schema:
    """What a connection's database holds."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        look = inspect(connection)
        names = [*look.get_table_names(), *look.get_view_names()]
        self._names = {name.lower(): name for name in sorted(names, reverse=True)}  # of two cases, upper goes before
        self._found: dict[str, FoundTables] = {}

    def has(self, name: str) -> bool:
        """Whether there is such a table."""
        return name.lower() in self._names

    def table(self, name: str) -> FoundTables:
        """Return a table by its name, in whatever case.

        Raises:
            Unavailable: there is none.

        """
        key = name.lower()
        if key not in self._found:
            if key not in self._names:
                what = f"the database has no table {name}"
                raise SourceUnavailable(what, "Does url name the POS's database, and is the preset the right one?")
            try:
                table = Table(self._names[key], MetaData(), autoload_with=self.connection, resolve_fks=False)
            except NoSuchTableError:
                raise SourceUnavailable(f"the table {name} cannot be looked at", "Grant SELECT on it.") from None
            self._found[key] = FoundTables(table)
        return self._found[key]
