"""The queue of a fleet: Procrastinate in the ledger's own database, in a schema of its own.

A job says "look at store X", and no more. Losing, doubling or delaying jobs costs time and nothing else, so the schema carries the
version of Procrastinate's tables in its name: workers of two versions have a queue each, beside one ledger.

Source: https://procrastinate.readthedocs.io (queueing locks, priorities, PsycopgConnector).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import IntEnum
from hashlib import blake2b
from typing import Any, LiteralString, Self

import psycopg
from msgspec import Struct
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.schema import SchemaManager
from psycopg import sql
from sqlalchemy import make_url

from syncd.errors import ConfigError, LedgerError
from syncd.logs import get_logger

PREFIX = "syncd_queue_"
QUEUES: Mapping[str, int] = {"push": 48, "poll": 8, "control": 2}
"""How many jobs of each queue one worker does at once."""
_SYNC_CONNECTIONS, _ASYNC_CONNECTIONS = 2, 3
_CONNECT_S = 10
_SAID_AGAIN = 100
_MIGRATION_LOCK = 7305803386275  # beside the ledger's own
_STALE = "1 hour"
_KEEPALIVES = {
    "connect_timeout": _CONNECT_S,
    "keepalives": 1,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_HEAL: LiteralString = (
    "delete from procrastinate_jobs where status not in ('todo', 'doing') "
    "or (status = 'todo' and (scheduled_at > now() or split_part(queue_name, ' ', 1) <> all(%(queues)s::text[])))"
)
_NEEDS_POSTGRESQL = "a fleet needs a ledger on PostgreSQL, which many machines can reach"


def polls_of(host: str) -> str:
    """Return the queue of the jobs that read sources: of any, or of those that one machine alone can read.

    A digest stands for the machine: the name of a queue is the name of a channel as well, which PostgreSQL wants short.
    """
    return f"poll {blake2b(host.encode(), digest_size=6).hexdigest()}" if host else "poll"


class Priority(IntEnum):
    """What goes first: a quiet store must not wait behind another store's years of sales."""

    CONTROL = 20
    LIVE = 10
    BACKFILL = 0
    CHECK = -10


class QueueCount(Struct, frozen=True):
    """How many jobs of a queue wait, and how many are done now."""

    queue: str
    waiting: int
    running: int


def queue_schema() -> str:
    """Return the name of the queue's PostgreSQL schema, which tells one version of Procrastinate's tables from another."""
    return PREFIX + blake2b(SchemaManager.get_schema().encode(), digest_size=4).hexdigest()


def connection_of(url: str) -> dict[str, Any]:
    """Return what psycopg connects with: the ledger's URL, and time-outs after which a dead connection is given up.

    Raises:
        ConfigError: the ledger is on no PostgreSQL server.

    """
    if not url.startswith(("postgresql", "postgres")):
        raise ConfigError(_NEEDS_POSTGRESQL, cure='Write [ledger] url = "postgresql://user@host/syncd".')
    parts = make_url(url.replace("postgres://", "postgresql://", 1)).set(drivername="postgresql")
    usual = {name: value for name, value in _KEEPALIVES.items() if name not in parts.query}
    return {"conninfo": parts.render_as_string(hide_password=False), "kwargs": usual}


def _settings() -> sql.Composed:
    """Return what each connection begins with: it works in the queue's schema, and no commit of its own waits for the disk.

    A statement, and no option of the connection, for poolers refuse those.
    """
    return sql.SQL("set search_path = {}; set synchronous_commit = off").format(sql.Identifier(queue_schema()))


async def _configure_async(connection: psycopg.AsyncConnection[Any]) -> None:
    await connection.execute(_settings())
    await connection.commit()


def _configure(connection: psycopg.Connection[Any]) -> None:
    connection.execute(_settings())
    connection.commit()


def async_app(url: str) -> App:
    """Return the app of a worker's event loop; not open yet."""
    return App(
        connector=PsycopgConnector(
            **connection_of(url),
            min_size=1,
            max_size=_ASYNC_CONNECTIONS,
            timeout=_CONNECT_S,
            configure=_configure_async,
        )
    )


class Hints:
    """Defers jobs, from any thread. A hint that cannot be given is dropped: the sweep finds what it was about."""

    def __init__(self, url: str) -> None:
        connection = connection_of(url)
        self._app = App(
            connector=SyncPsycopgConnector(
                **connection, min_size=1, max_size=_SYNC_CONNECTIONS, timeout=_CONNECT_S, configure=_configure
            )
        )
        self._lost = 0

    def __enter__(self) -> Self:
        """Open its connections."""
        self._app.open()
        return self

    def __exit__(self, *_error: object) -> None:
        """Close them."""
        self._app.close()

    def push(self, store: str, *, live: bool = True) -> bool:
        """Have a worker push to a store; False where one is about to anyway."""
        priority = Priority.LIVE if live else Priority.BACKFILL
        return self._defer("push", "push", f"push:{store}", priority, store=store)

    def poll(self, number: int = 0, host: str = "") -> bool:
        """Have a worker poll sources whose turn it is; ``number`` tells several such jobs at a time from each other.

        ``host``, here and below: a worker of that machine, which alone can read the source.
        """
        return self._defer(polls_of(host), "poll", f"poll:{host}:{number}", Priority.LIVE, number=number)

    def fetch(self, source: str, host: str = "") -> bool:
        """Have a worker fetch the sales that a source's webhooks named."""
        return self._defer(polls_of(host), "fetch", f"fetch:{source}", Priority.LIVE, source=source)

    def backfill(self, source: str, host: str = "") -> bool:
        """Have a worker walk a source's backfills for a turn."""
        return self._defer(polls_of(host), "backfill", f"backfill:{source}", Priority.BACKFILL, source=source)

    def check(self, store: str) -> bool:
        """Have a worker look over a store's newest orders."""
        return self._defer("push", "check", f"check:{store}", Priority.CHECK, store=store)

    def heal(self) -> None:
        """Delete jobs that nobody would ever do: put off to later, moved to a queue of nobody, or over and kept.

        None of ours is so; and as long as such a job waits, no other hint about the same thing is taken.
        """
        connector = self._app.connector.get_sync_connector()
        try:
            connector.execute_query(_HEAL, queues=list(QUEUES))
        except ConnectorException as error:
            get_logger().warning("queue_not_healed", why=_why(error))

    def _defer(self, queue: str, task: str, lock: str, priority: Priority, **words: str | int) -> bool:
        job = self._app.configure_task(task, allow_unknown=True, queue=queue, queueing_lock=lock, priority=priority)
        try:
            job.defer(**words)
        except AlreadyEnqueued:
            return False
        except ConnectorException as error:
            if self._lost % _SAID_AGAIN == 0:
                get_logger().warning(
                    "hint_not_given", task=task, why=_why(error), cure="Nothing to do: the sweep finds it."
                )
            self._lost += 1
            return False
        return True


def _why(error: BaseException) -> str:
    return str(error.__cause__ or error).strip().partition("\n")[0] or type(error).__name__


@contextmanager
def _session(url: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    connection = connection_of(url)
    try:
        with psycopg.connect(connection["conninfo"], **connection["kwargs"]) as session:
            # For this transaction alone: a pooler may hand the session to somebody else afterwards.
            session.execute(sql.SQL("set local search_path = {}").format(sql.Identifier(queue_schema())))
            yield session
    except psycopg.Error as error:
        raise LedgerError(f"the fleet's queue cannot be used: {_why(error)}", "Run: syncd fleet migrate") from None


def migrate_queue(url: str) -> bool:
    """Create the queue's schema; True where it was not there. Queues of other versions that no worker uses any more are dropped.

    Raises:
        LedgerError: the database refuses.

    """
    schema = queue_schema()
    with _session(url) as session:
        session.execute("select pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
        made = not _is_there(session, schema)
        if made:
            session.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
            session.execute(SchemaManager.get_schema().encode())
            # Rows come and go: a table that was never analysed, or is seldom vacuumed, is walked from end to end for each job.
            session.execute(
                "alter table procrastinate_jobs set (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.0)"
            )
            session.execute("alter table procrastinate_jobs set (autovacuum_analyze_threshold = 1000)")
            session.execute(
                "alter table procrastinate_events set (autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_scale_factor = 0.0)"
            )
        session.execute("analyze procrastinate_jobs")
        for (other,) in session.execute(
            "select nspname from pg_namespace where nspname like %s and nspname <> %s", (f"{PREFIX}%", schema)
        ).fetchall():
            if not _has_workers(session, other):
                session.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(other)))
    return made


def _is_there(session: psycopg.Connection[tuple[Any, ...]], schema: str) -> bool:
    row = session.execute("select to_regclass(%s)", (f"{schema}.procrastinate_jobs",)).fetchone()
    return row is not None and row[0] is not None


def _has_workers(session: psycopg.Connection[tuple[Any, ...]], schema: str) -> bool:
    table = sql.Identifier(schema, "procrastinate_workers")
    query = sql.SQL("select 1 from {} where last_heartbeat > now() - interval {} limit 1").format(
        table, sql.Literal(_STALE)
    )
    return session.execute(query).fetchone() is not None


def check_queue(url: str) -> None:
    """Check that the queue is there.

    Raises:
        LedgerError: it is not, or cannot be reached.

    """
    with _session(url) as session:
        if not _is_there(session, queue_schema()):
            raise LedgerError("this database has no queue for a fleet yet", "Run: syncd fleet migrate")


def count_jobs(url: str) -> list[QueueCount]:
    """Count the jobs of each queue.

    Raises:
        LedgerError: the queue cannot be read.

    """
    with _session(url) as session:
        rows = session.execute(
            "select split_part(queue_name, ' ', 1), count(*) filter (where status = 'todo'), "
            "count(*) filter (where status = 'doing') from procrastinate_jobs group by 1"
        ).fetchall()
    found = {name: QueueCount(name, waiting, running) for name, waiting, running in rows}
    return [found.get(name, QueueCount(name, 0, 0)) for name in QUEUES]
