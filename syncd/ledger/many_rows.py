"""Write many rows of a table: the fast path of recording and pushing.

A column that is empty in all of the rows is left out of an insert, and written as a NULL of the statement's own by an update:
Python's sqlite3 takes longer to bind one NULL than ten texts or numbers, and most columns of most sales are empty. Statements are
compiled once for each set of columns, and run by the driver itself; the values must be of types that it takes: texts and numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Table, Update, bindparam, insert, null, update

from syncd.ledger.schema import sales

_KEPT = 256
"""Statements that are kept: one for each set of columns that rows have been seen to fill."""
_FOUND_BY = ("of_id", "of_state")


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, by column name, which all name the same columns; None is a NULL, so that no such column may have a default."""
    if rows:
        _run(connection, _insert(table, _filled(rows)), rows)


def update_sales(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Update sales, each found by ``of_id`` and in the state ``of_state``, to the other columns of its row."""
    names = _filled(rows)
    _run(connection, _update(names, tuple(name for name in rows[0] if name not in names)), rows)


def _filled(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the columns that at least one row fills."""
    first, *others = rows
    return tuple(
        name for name, value in first.items() if value is not None or any(row[name] is not None for row in others)
    )


def _run(connection: Connection, statement: Insert | Update, rows: Sequence[Mapping[str, Any]]) -> None:
    written, order = _compiled(statement, connection.dialect)
    connection.exec_driver_sql(written, list(map(itemgetter(*order), rows) if order else rows))


@lru_cache(maxsize=_KEPT)
def _compiled(statement: Insert | Update, dialect: Dialect) -> tuple[str, tuple[str, ...]]:
    """Return a statement as the driver takes it, and the order of its values where it takes them by place."""
    compiled = statement.compile(dialect=dialect)
    return str(compiled), tuple(compiled.positiontup or ())


@lru_cache(maxsize=_KEPT)
def _insert(table: Table, names: Collection[str]) -> Insert:
    return insert(table).values({name: bindparam(name) for name in names})


@lru_cache(maxsize=_KEPT)
def _update(names: Collection[str], emptied: Collection[str]) -> Update:
    written: dict[str, Any] = {name: bindparam(name) for name in names if name not in _FOUND_BY}
    found = (sales.c.id == bindparam("of_id"), sales.c.state == bindparam("of_state"))
    return update(sales).where(*found).values({**written, **{name: null() for name in emptied}})
