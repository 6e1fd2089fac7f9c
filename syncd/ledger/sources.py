"""The sources of the ledger: how far each was read, its faults, what its adapter keeps, the sales that webhooks announced.

A sale key never changes: it stands in BigCommerce, on the order and in its notes. So a source that is called otherwise from now on
goes by its first name in the keys of its sales, old ones and new ones.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from syncd.canonical import Cursor
from syncd.ledger.adapter_state import PrivateState
from syncd.ledger.faults import FaultRow
from syncd.ledger.record import cursor_name
from syncd.ledger.renaming import Renaming, begin_source_anew, rename_source, source_to_rename
from syncd.ledger.rows import each_value, from_micros, read_as, to_micros
from syncd.ledger.schema import cursors, faults, hints, sales, sources
from syncd.ledger.transactions import Repository, reads, writes

_MOST = 10_000
_LONGEST_WAIT = timedelta(hours=1)
_LAST_TRY = 12


class KnownSource(Struct, frozen=True):
    """A source that the ledger knows: the name in its sale keys, and what it has read so far, as its room describes that (JSON)."""

    name: str
    keys: str
    reads: tuple[str, ...] = ()


class SourceRepository(Repository):
    """The sources that were ever read into this ledger."""

    @reads
    def known(self, connection: Connection) -> dict[str, KnownSource]:
        """Return every source that was read into this ledger, by name."""
        read = _with_a_cursor(connection) | set(each_value(connection, sales.c.source))
        return {**{name: KnownSource(name, name) for name in sorted(read)}, **_noted(connection)}

    @reads
    def names(self, connection: Connection) -> set[str]:
        """Return the sources that have a cursor: each has one from its first batch on."""
        return _with_a_cursor(connection)

    @reads
    def is_noted(self, connection: Connection, name: str, keys: str, reads: str) -> bool:
        """Whether a source was admitted before with these keys and what it reads."""
        row = connection.execute(select(sources).where(sources.c.name == name)).one_or_none()
        return row is not None and row.key_name == keys and reads in json.loads(row.reads)

    @writes
    def note(self, connection: Connection, name: str, keys: str, reads: str) -> None:
        """Keep what a source reads from now on, beside what it read before, and the name in its keys."""
        before = _noted(connection, name).get(name, KnownSource(name, keys))
        values: dict[str, Any] = {"key_name": keys, "reads": json.dumps([*dict.fromkeys((*before.reads, reads))])}
        if not connection.execute(update(sources).where(sources.c.name == name).values(**values)).rowcount:
            connection.execute(insert(sources).values(name=name, **values))

    @writes
    def begin_anew(self, connection: Connection, name: str) -> None:
        """Forget how far a source was read and since when its sales are carried: it is of another type now."""
        begin_source_anew(connection, name)

    @reads
    def to_rename(self, connection: Connection, old: str, new: str) -> Renaming:
        """Return what a source's new name would change; see ``renaming``."""
        return source_to_rename(connection, old, new)

    @writes
    def rename(self, connection: Connection, old: str, new: str) -> Renaming:
        """Give a source another name; see ``renaming``."""
        return rename_source(connection, old, new)

    @reads
    def cursor(self, connection: Connection, source: str, *, backfill: int | None = None) -> Cursor | None:
        """Return where a source was left; None where it was never read."""
        query = select(cursors.c.cursor).where(cursors.c.name == cursor_name(source, backfill))
        return connection.execute(query).scalar_one_or_none()

    @reads
    def cursor_ages(self, connection: Connection) -> dict[str, datetime | None]:
        """Return when each source's cursor was last written; those that were never read are not there."""
        return {row.name: from_micros(row.at) for row in connection.execute(select(cursors.c.name, cursors.c.at))}

    @reads
    def cursor_age(self, connection: Connection, source: str) -> datetime | None:
        """Return when a source's cursor was last written; None where it was never read."""
        return from_micros(
            connection.execute(select(cursors.c.at).where(cursors.c.name == source)).scalar_one_or_none()
        )

    @reads
    def faults(
        self, connection: Connection, source: str | None = None, *, limit: int, settled: bool = False
    ) -> list[FaultRow]:
        """Return the newest faults that are still open; with ``settled``, all of them."""
        query = select(faults).order_by(faults.c.id.desc()).limit(limit)
        if not settled:
            query = query.where(faults.c.settled_at.is_(None))
        rows = connection.execute(query if source is None else query.where(faults.c.source == source))
        return [read_as(FaultRow, row, where=row.place) for row in rows]

    @reads
    def open_faults(self, connection: Connection) -> dict[str, int]:
        """Count the open faults of each source that has any."""
        still_open = select(faults.c.source, func.count()).where(faults.c.settled_at.is_(None))
        return {row[0]: row[1] for row in connection.execute(still_open.group_by(faults.c.source))}

    @writes
    def settle_faults(self, connection: Connection, source: str | None, ids: Sequence[int], actor: str) -> int:
        """Settle the faults of ``ids``, else all open ones of a source, for a person; return how many they were."""
        which: list[ColumnElement[bool]] = [faults.c.settled_at.is_(None)]
        which += [faults.c.source == source] if source is not None else []
        which += [faults.c.id.in_(ids)] if ids else []
        values = {"settled_at": to_micros(self.database.clock.now()), "settled_by": actor}
        return connection.execute(update(faults).where(*which).values(values)).rowcount

    def private(self, source: str) -> PrivateState:
        """Return what a source's adapter keeps for itself."""
        return PrivateState(source, self.database)

    # Sales that a webhook named: kept until they were fetched, so that none is lost with the process that heard of it

    @writes
    def announce(self, connection: Connection, source: str, named: Collection[str]) -> bool:
        """Keep sales that a webhook named, each once; durable on return.

        False where too many wait already: polling finds those sales.
        """
        wanted = list(dict.fromkeys(named))
        there = set(
            connection.execute(select(hints.c.sale_id).where(_of(source), hints.c.sale_id.in_(wanted))).scalars()
        )
        at = to_micros(self.database.clock.now())
        if there:  # named again, perhaps since it was fetched: it is wanted anew
            again = (_of(source), hints.c.sale_id.in_(there))
            connection.execute(update(hints).where(*again).values(not_before=at, tries=0))
        waiting = connection.execute(select(func.count()).where(_of(source))).scalar_one()
        rows = [
            {"source": source, "sale_id": sale, "at": at, "tries": 0, "not_before": at}
            for sale in wanted
            if sale not in there
        ]
        if waiting + len(rows) > _MOST:
            return False
        if rows:
            connection.execute(insert(hints), rows)
        return True

    @reads
    def announced(self, connection: Connection, source: str, limit: int) -> list[str]:
        """Return the announced sales to fetch now, those that were named first going first."""
        due = hints.c.not_before <= to_micros(self.database.clock.now())
        query = select(hints.c.sale_id).where(_of(source), due).order_by(hints.c.at, hints.c.sale_id)
        return list(connection.execute(query.limit(limit)).scalars())

    @writes
    def fetched(self, connection: Connection, source: str, named: Collection[str]) -> None:
        """Drop announced sales that were fetched and recorded."""
        connection.execute(delete(hints).where(_of(source), hints.c.sale_id.in_(named)))

    @writes
    def fetch_later(self, connection: Connection, source: str, sale: str) -> None:
        """Try a sale again that was not there yet, or not whole, each time later; after some tries leave it to polling."""
        one = (_of(source), hints.c.sale_id == sale)
        tries = connection.execute(select(hints.c.tries).where(*one)).scalar_one_or_none()
        if tries is None:
            return
        if tries + 1 >= _LAST_TRY:
            connection.execute(delete(hints).where(*one))
            return
        again = self.database.clock.now() + min(timedelta(seconds=2**tries), _LONGEST_WAIT)
        connection.execute(update(hints).where(*one).values(tries=tries + 1, not_before=to_micros(again)))


def _of(source: str) -> ColumnElement[bool]:
    return hints.c.source == source


def _with_a_cursor(connection: Connection) -> set[str]:
    """Return the sources that have a cursor; a backfill has one of its own, as ``name#number``."""
    return {name.partition("#")[0] for name in connection.execute(select(cursors.c.name)).scalars()}


def _noted(connection: Connection, name: str | None = None) -> dict[str, KnownSource]:
    query = select(sources) if name is None else select(sources).where(sources.c.name == name)
    rows = connection.execute(query)
    return {row.name: KnownSource(row.name, row.key_name, tuple(json.loads(row.reads))) for row in rows}
