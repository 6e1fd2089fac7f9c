"""The names of sources and stores that the ledger knows, what each source read, and the name with which its sale keys begin.

A sale key never changes: it stands in BigCommerce, on the order and in its notes. So a source that is called otherwise from now on
goes by its first name in the keys of its sales, old ones and new ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, func, insert, select, update

from syncd.ledger.mirror import Run
from syncd.ledger.renaming import (
    Renaming,
    begin_source_anew,
    rename_source,
    rename_store,
    source_to_rename,
    store_to_rename,
)
from syncd.ledger.schema import cursors, sales, sources, stores


@dataclass(frozen=True, slots=True)
class KnownSource:
    """A source that the ledger knows: the name in its sale keys, and what it has read so far, as its room describes that (JSON)."""

    name: str
    keys: str
    reads: tuple[str, ...] = ()


class NameRegistry:
    """The names that a ledger knows; safe to use from many threads and processes."""

    def __init__(self, write: Run, read: Run) -> None:
        self._write, self._read = write, read

    def sources(self) -> dict[str, KnownSource]:
        """Every source that was read into this ledger."""
        return self._read(_sources)

    def stores(self) -> dict[str, str | None]:
        """Every store that this ledger has rows of, with its hash where it was ever spoken to."""
        return self._read(_stores)

    def note_source(self, name: str, keys: str, reads: str) -> None:
        """Keep what a source reads from now on, beside what it read before, and the name in its keys."""
        self._write(lambda connection: _note_source(connection, name, keys, reads))

    def begin_source_anew(self, name: str) -> None:
        """Forget how far a source was read and since when its sales are carried: it is of another type now."""
        self._write(lambda connection: begin_source_anew(connection, name))

    def source_to_rename(self, old: str, new: str) -> Renaming:
        """Return what a source's new name would change; see ``renaming``."""
        return self._read(lambda connection: source_to_rename(connection, old, new))

    def rename_source(self, old: str, new: str) -> Renaming:
        """Give a source another name; see ``renaming``."""
        return self._write(lambda connection: rename_source(connection, old, new))

    def store_to_rename(self, old: str, new: str) -> Renaming:
        """Return what a store's new name would change; see ``renaming``."""
        return self._read(lambda connection: store_to_rename(connection, old, new))

    def rename_store(self, old: str, new: str) -> Renaming:
        """Give a store another name; see ``renaming``."""
        return self._write(lambda connection: rename_store(connection, old, new))


def _note_source(connection: Connection, name: str, keys: str, reads: str) -> None:
    before = _noted(connection).get(name, KnownSource(name, keys))
    values: dict[str, Any] = {"key_name": keys, "reads": json.dumps([*dict.fromkeys((*before.reads, reads))])}
    if not connection.execute(update(sources).where(sources.c.name == name).values(**values)).rowcount:
        connection.execute(insert(sources).values(name=name, **values))


def _noted(connection: Connection) -> dict[str, KnownSource]:
    rows = connection.execute(select(sources))
    return {row.name: KnownSource(row.name, row.key_name, tuple(json.loads(row.reads))) for row in rows}


def _sources(connection: Connection) -> dict[str, KnownSource]:
    read = {name.partition("#")[0] for name in connection.execute(select(cursors.c.name)).scalars()}
    found = {name: KnownSource(name, name) for name in sorted(read | set(_each(connection, sales.c.source)))}
    return {**found, **_noted(connection)}


def _stores(connection: Connection) -> dict[str, str | None]:
    found: dict[str, str | None] = dict.fromkeys(sorted(_each(connection, sales.c.store)))
    return {**found, **{row.name: row.store_hash for row in connection.execute(select(stores))}}


def _each(connection: Connection, column: Column[str]) -> Iterator[str]:
    """Yield the different values of a column, each by a step in its index: there are few among millions of rows."""
    value = connection.execute(select(func.min(column))).scalar()
    while value is not None:
        yield value
        value = connection.execute(select(func.min(column)).where(column > value)).scalar()
