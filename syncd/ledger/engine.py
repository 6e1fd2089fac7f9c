"""From a ledger URL to engines that are safe by construction, and from the driver's errors to ours.

SQLite: WAL, ``synchronous=FULL`` (an intent that a power cut can forget is a duplicate order), every writing transaction
``BEGIN IMMEDIATE``; readers have connections of their own that cannot write. PostgreSQL: the same tables by URL.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import QueuePool

from syncd.errors import Busy, ConfigError, Corrupt, Full, LedgerError, Replaced
from syncd.extras import install_command, is_installed

_BUSY_MS = 30_000
_WAL_MS = 20
# How long to wait for a connection (s), and when to notice that the other end is gone (tcp_user_timeout in ms).
_CONNECTING = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
# The server's side of it, for each session; what a database or a role sets for itself stays.
_BOUNDS = """
    select set_config(s.name, w.value, false) from pg_settings s join (values
        ('statement_timeout', '300s'), ('lock_timeout', '30s'), ('idle_in_transaction_session_timeout', '120s'),
        ('tcp_keepalives_idle', '30'), ('tcp_keepalives_interval', '10'), ('tcp_keepalives_count', '3'),
        ('tcp_user_timeout', '60s')
    ) as w (name, value) on s.name = w.name where s.setting = '0' or s.name like 'tcp_keepalives%'
"""
_PIPELINE_OFF = 0  # psycopg.pq.PipelineStatus.OFF; the driver is an extra, so not imported here
_CROWDED = "Too much goes on at once, or the database answers too slowly: look at it; syncd continues automatically."
_REPLACED = "syncd ends, so that the next start opens what lies there now and lists the store's orders before it sends anything."
_MAGIC = b"SQLite format 3\x00"
_WRITERS_KB, _READERS_KB = 1000, 250  # of cache; there are up to eight readers, and the system keeps what is read often
_PRAGMAS = (
    "synchronous=FULL",
    "fullfsync=ON",  # macOS: a plain fsync leaves what was written in the disk's own cache; elsewhere it changes nothing
    "checkpoint_fullfsync=ON",
    "foreign_keys=ON",
    f"busy_timeout={_BUSY_MS}",
)


class Engines:
    """The two engines of a ledger: ``write`` for one writer at a time, ``read`` for everybody."""

    def __init__(self, url: str) -> None:
        self.url = _driver_url(url)
        self.path = Path(self.url.removeprefix("sqlite:///")) if self.url.startswith("sqlite:///") else None
        self.write = _sqlite(self.url, writing=True) if self.path else _postgresql(self.url)
        self.read = _sqlite(self.url, writing=False) if self.path else self.write
        self._file: tuple[int, int] | None = None

    @property
    def is_sqlite(self) -> bool:
        """Whether the ledger is a file of ours."""
        return self.path is not None

    def prepare_file(self) -> None:
        """Create the SQLite file for its owner only, and refuse one that is something else.

        Raises:
            LedgerError: the folder is missing or closed to us, or the file is not a ledger.

        """
        if self.path is None:
            return
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            with os.fdopen(handle, "rb") as file:
                head, found = file.read(len(_MAGIC)), os.fstat(handle)
                self._file = (found.st_dev, found.st_ino)
        except OSError as error:
            cure = "Check [ledger] url: its folder must exist and be writable for the user that runs syncd."
            raise Full(f"the ledger {self.path} cannot be opened for writing: {error.strerror}", cure) from None
        if head and head != _MAGIC:
            cure = "Restore a backup, or name another file in [ledger] url; this one is not changed."
            raise Corrupt(f"{self.path} is not a ledger", cure)

    def check_file(self) -> None:
        """Make sure that the file is still the one that was prepared: else what is written goes into one that nobody can open.

        Raises:
            Replaced: it was removed, or another one is in its place.

        """
        if self.path is None or self._file is None:
            return
        try:
            found = self.path.stat()
        except OSError:
            raise Replaced(f"the ledger {self.path} was removed while syncd had it open", _REPLACED) from None
        if (found.st_dev, found.st_ino) != self._file:
            raise Replaced(f"another file was put in the place of the ledger {self.path}", _REPLACED)

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.read.dispose()
        self.write.dispose()


def _driver_url(url: str) -> str:
    for plain in ("postgresql://", "postgres://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url.removeprefix(plain)
    return url


def _sqlite(url: str, *, writing: bool) -> Engine:
    pool: dict[str, Any] = {
        "poolclass": QueuePool,
        "pool_size": 1 if writing else 8,
        "max_overflow": 0 if writing else 24,
        "pool_use_lifo": True,  # the one that was used last: others keep small caches, or none
    }
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": _BUSY_MS / 1000}, **pool)

    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = (
            None  # we say BEGIN ourselves: the driver's own is deferred (and fails at once when busy)
        )
        _to_wal(connection)
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(f"PRAGMA cache_size=-{_WRITERS_KB if writing else _READERS_KB}")
        if not writing:
            connection.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _to_wal(connection: sqlite3.Connection) -> None:
    """Switch a new ledger to the write-ahead log. SQLite waits for nobody there (its busy time-out does not count), so we do."""
    until = threading.Event()  # nobody sets it: it only waits
    for turn in range(_BUSY_MS // _WAL_MS):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or turn == _BUSY_MS // _WAL_MS - 1:
                raise
            until.wait(_WAL_MS / 1000)
        else:
            return


def _postgresql(url: str) -> Engine:
    try:
        asked = make_url(url).query
        usual = {name: value for name, value in _CONNECTING.items() if name not in asked}
        engine = create_engine(url, pool_pre_ping=True, pool_size=4, max_overflow=16, connect_args=usual)
    except (ModuleNotFoundError, NoSuchModuleError):
        cure = (
            f"Install it: {install_command(['postgresql'])}"
            if not is_installed("postgresql")
            else "Correct [ledger] url."
        )
        raise ConfigError("the ledger's database has no driver here", cure=cure) from None
    except SQLAlchemyError:
        raise ConfigError(
            "[ledger] url is not a database URL", cure='Write "sqlite:///ledger.db" or a PostgreSQL URL.'
        ) from None

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:  # noqa: ANN401  the driver's own
        _wait_for_disk(connection)
        _bound(connection)

    @event.listens_for(engine, "handle_error")
    def _cut(context: ExceptionContext) -> None:
        if _in_pipeline(context.connection):
            context.is_disconnect = True

    return engine


def _in_pipeline(connection: Connection | None) -> bool:
    """Whether a failed batch left its connection in mid pipeline: it takes no rollback, though the driver calls it whole."""
    raw: Any = connection.connection.driver_connection if connection is not None else None
    return raw is not None and raw.info.pipeline_status != _PIPELINE_OFF


def _bound(connection: Any) -> None:  # noqa: ANN401  psycopg's
    """Nothing takes for ever, and the server notices that we are gone: a lost machine must not keep its locks for hours."""
    with connection.cursor() as cursor:
        cursor.execute(_BOUNDS)
    connection.commit()


def _wait_for_disk(connection: Any) -> None:  # noqa: ANN401  psycopg's
    """Make each commit wait for the disk, whatever the role's or the database's default; leave a stricter setting alone."""
    with connection.cursor() as cursor:
        cursor.execute("show synchronous_commit")
        if cursor.fetchone()[0] in ("off", "local"):
            cursor.execute("set synchronous_commit = on")
    connection.commit()


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn the driver's errors into ours, with a cure."""
    try:
        yield
    except DBAPIError as error:
        raise to_ledger_error(error, where) from error
    except PoolTimeoutError as error:
        raise Busy(f"the ledger {where} has no connection free", _CROWDED) from error


@contextmanager
def busy_or_worse(where: str) -> Iterator[None]:
    """Turn SQLite's own errors into errors of the ledger."""
    try:
        yield
    except sqlite3.Error as error:
        raise to_ledger_error(OperationalError("", None, error), where) from error


_CONFLICTS = ("40001", "40P01")  # serialization_failure, deadlock_detected: nothing of the transaction stays
_WAITED = ("55P03", "57014")  # lock_not_available, query_canceled (a time-out)
_SPACE = ("53100", "53200")  # disk_full, out_of_memory


def sqlstate(error: DBAPIError) -> str | None:
    """Return the server's own code of an error (PostgreSQL's appendix A); None where there is none, as with SQLite."""
    found = getattr(error.orig, "sqlstate", None)
    return str(found) if found else None


def is_conflict(error: BaseException) -> bool:
    """Whether two transactions stood in each other's way, and this one was undone whole: to be tried again."""
    return isinstance(error, DBAPIError) and sqlstate(error) in _CONFLICTS


def _of_server(error: DBAPIError, state: str, said: str) -> LedgerError:
    if state in _CONFLICTS:
        return Busy(f"two programs stood in each other's way in the ledger's database: {said}", _CROWDED)
    if state in _WAITED:
        return Busy(f"the ledger's database took too long: {said}", _CROWDED)
    if state in _SPACE or state.startswith("25006"):
        return Full(
            f"the ledger cannot be written: {said}",
            "Free disk space or correct its permissions; syncd continues automatically.",
        )
    if state in ("42P01", "42703"):
        return Corrupt(
            f"the ledger is damaged: {said}", "Restore the newest backup; sales already in BigCommerce are recognised."
        )
    if isinstance(error, OperationalError) or error.connection_invalidated:
        return Busy(
            f"the ledger's database does not answer: {said}", "Check that it runs and that [ledger] url is right."
        )
    return LedgerError(f"the ledger's database refused: {said}")


def to_ledger_error(error: DBAPIError, where: str) -> LedgerError:
    """Our name for what the database said."""
    said = str(error.orig)
    if (state := sqlstate(error)) is not None:
        return _of_server(error, state, said)
    low = said.lower()
    if "locked" in low or "busy" in low:
        return Busy(
            f"the ledger {where} is locked by another program", "Close whatever holds it (a shell in a transaction?)."
        )
    if any(sign in low for sign in ("full", "readonly", "read-only", "disk i/o", "unable to open", "no space")):
        return Full(
            f"the ledger {where} cannot be written: {said}",
            "Free disk space or correct its permissions; syncd continues automatically.",
        )
    if any(sign in low for sign in ("malformed", "not a database", "corrupt", "no such table", "no such column")):
        return Corrupt(
            f"the ledger {where} is damaged: {said}",
            "Restore the newest backup; sales already in BigCommerce are recognised.",
        )
    if isinstance(error, OperationalError) or error.connection_invalidated:
        return Busy(
            f"the ledger's database does not answer: {said}", "Check that it runs and that [ledger] url is right."
        )
    return LedgerError(f"the ledger {where} refused: {said}")
