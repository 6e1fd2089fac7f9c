"""Notices that a ledger's PostgreSQL server is another one than before: a standby was promoted, or a backup was restored.

With asynchronous replication, what the old server committed last may be gone: an intent that was on the wire, for one. PostgreSQL
gives each promotion a number, the timeline; the ledger remembers the one that it saw.

Source: https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-TIMELINES
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from syncd.ledger.rows import from_micros, to_micros
from syncd.ledger.schema import state
from syncd.logs import get_logger

_NOW = text("select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), clock_timestamp()")
_ROW = (state.c.store == "", state.c.owner == "schema", state.c.name == "timeline")
_CURE = "Nothing to do: each store is listed before anything is created. A synchronous standby would lose no commit."


def promoted_at(connection: Connection) -> datetime | None:
    """Return when it was noticed last that the server is another one, by its own clock; None where that never was.

    A server that does not tell its timeline is taken to be the same one for ever.
    """
    try:
        with connection.begin():
            timeline, now = connection.execute(_NOW).one()
            row = connection.execute(select(state.c.value, state.c.at).where(*_ROW)).one_or_none()
            if row is None:
                values = {"store": "", "owner": "schema", "name": "timeline", "value": timeline, "at": 0}
                connection.execute(insert(state).values(values))
                return None
            if row.value == timeline:
                return from_micros(row.at) if row.at else None
            noticed: dict[str, Any] = {"value": timeline, "at": to_micros(now.astimezone(UTC))}
            connection.execute(update(state).where(*_ROW, state.c.value == row.value).values(noticed))
    except DBAPIError:  # two at once, or a server of another kind: whoever works on it next looks again
        return None
    get_logger().warning("ledger_server_changed", timeline=timeline, before=row.value, cure=_CURE)
    return from_micros(int(noticed["at"]))
