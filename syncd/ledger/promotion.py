"""Notices that a ledger's PostgreSQL server is another one than before: a standby was promoted, or a backup was restored.

With asynchronous replication, what the old server committed last may be gone: an intent that was on the wire, for one. PostgreSQL
gives each promotion a number, the timeline, and each new cluster an identifier; the ledger remembers those that it saw.

Sources: https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-TIMELINES and
https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-CONTROL-SYSTEM
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from syncd.ledger.alerts import SERVER_CHANGED, Alert, raise_alerts
from syncd.ledger.rows import from_micros, to_micros
from syncd.ledger.schema import state
from syncd.logs import get_logger

_NOW = text("select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), clock_timestamp()")
_CLUSTER = text("select system_identifier from pg_control_system()")
_ROW = (state.c.store == "", state.c.owner == "schema", state.c.name == "server")
_WORDS = "the ledger's PostgreSQL failed over to another server, or was restored: what it committed last may be gone"
_CURE = (
    "Nothing to do for orders: each store is listed before anything is created. Sales of files that were moved away just before: "
    "syncd backfill"
)


def promoted_at(connection: Connection) -> datetime | None:
    """Return when it was noticed last that the server is another one, by its own clock; None where that never was.

    A server that does not tell its timeline is taken to be the same one for ever.
    """
    try:
        with connection.begin():
            timeline, now = connection.execute(_NOW).one()
        server = _server(connection, timeline)
        with connection.begin():
            row = connection.execute(select(state.c.value, state.c.at).where(*_ROW)).one_or_none()
    except DBAPIError:
        return None
    if row is not None and row.value == server:
        return from_micros(row.at) if row.at else None
    at = to_micros(now.astimezone(UTC)) if row is not None else 0
    _keep(connection, server, at, known=row is not None)
    if row is None:
        return None
    get_logger().warning("ledger_server_changed", now=server, before=row.value, cure=_CURE)
    return from_micros(at)


def _server(connection: Connection, timeline: str) -> str:
    """Return what tells one server from another: its timeline, and its cluster's identifier where the server says it."""
    with suppress(DBAPIError), connection.begin():
        return f"timeline {timeline} of cluster {connection.execute(_CLUSTER).scalar_one()}"
    return f"timeline {timeline}"


def _keep(connection: Connection, server: str, at: int, *, known: bool) -> None:
    """Remember the server. Where that cannot be written, or another process was quicker, this process knows it all the same."""
    with suppress(DBAPIError), connection.begin():
        if known:
            connection.execute(update(state).where(*_ROW, state.c.value != server).values(value=server, at=at))
            raise_alerts(connection, [Alert("", SERVER_CHANGED, server, _WORDS, _CURE)], from_micros(at))
        else:
            row = {"store": "", "owner": "schema", "name": "server", "value": server, "at": at}
            connection.execute(insert(state).values(row))
