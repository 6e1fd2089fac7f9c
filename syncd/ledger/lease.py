"""The right to push for a store, held by the operating system or the database and not by a timer of ours.

SQLite: a file lock beside the ledger, which the kernel releases when its holder dies. PostgreSQL: a session advisory lock;
intents commit on the very connection that holds it, so that a lost lock means a failed commit and not a second sender.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Protocol, TypeVar

from filelock import FileLock, Timeout
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from syncd.errors import Busy, LeaseTaken
from syncd.ledger.engine import Engines, to_ledger_error, translated
from syncd.ledger.writer import Writer

T = TypeVar("T")
_CURE = "Only one process pushes to a store at a time; this one takes over as soon as that one ends."


class Lease(Protocol):
    """The right to push for ``store``, for as long as it is alive."""

    @property
    def store(self) -> str:
        """The store that may be pushed to."""
        ...

    def alive(self) -> bool:
        """Whether the right is still ours."""
        ...

    def run(self, operation: Callable[[Connection], T]) -> T:
        """Do a write that only the holder may do, and wait until it is durable.

        Raises:
            LedgerError: it could not be done, or the right was lost.

        """
        ...


class FileLease:
    """A lease by file lock; writes go through the ledger's one writer."""

    def __init__(self, store: str, lock: FileLock, writer: Writer) -> None:
        self._store, self._lock, self._writer = store, lock, writer

    @property
    def store(self) -> str:
        """The store that may be pushed to."""
        return self._store

    def alive(self) -> bool:
        """Whether the lock is still held."""
        return self._lock.is_locked

    def run(self, operation: Callable[[Connection], T]) -> T:
        """Do a write through the ledger's writer."""
        return self._writer.run(operation)


class AdvisoryLease:
    """A lease by advisory lock; writes go over the connection that holds it."""

    def __init__(self, store: str, connection: Connection, where: str) -> None:
        self._store, self._connection, self._where = store, connection, where
        self._lock = threading.Lock()
        self._lost = False

    @property
    def store(self) -> str:
        """The store that may be pushed to."""
        return self._store

    def alive(self) -> bool:
        """Whether the connection, and with it the lock, still lives."""
        return not self._lost and not self._connection.closed and not self._connection.invalidated

    def run(self, operation: Callable[[Connection], T]) -> T:
        """Do a write on the lock's own connection."""
        with self._lock:
            if not self.alive():
                raise Busy(f"the right to push to {self._store} was lost with its connection", _CURE)
            try:
                with self._connection.begin():
                    return operation(self._connection)
            except DBAPIError as error:
                self._lost |= bool(error.connection_invalidated)
                raise to_ledger_error(error, self._where) from error


@contextmanager
def take(store: str, engines: Engines, writer: Writer, where: str) -> Iterator[Lease]:
    """Take the right to push for a store, without waiting.

    Raises:
        LeaseTaken: another process has it; the message names it.

    """
    if engines.path is not None:
        with _file_lease(store, engines.path, writer) as lease:
            yield lease
    else:
        with _advisory_lease(store, engines, where) as held:
            yield held


@contextmanager
def _file_lease(store: str, ledger: Path, writer: Writer) -> Iterator[FileLease]:
    path = ledger.with_name(f"{ledger.name}.{store}.lock")
    holder = path.with_suffix(".holder")
    lock = FileLock(path, timeout=0, mode=0o600, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        who = ""
        with suppress(OSError):
            who = holder.read_text(encoding="utf-8").strip()
        raise LeaseTaken(f"{who or 'another process'} is pushing to {store}", _CURE) from None
    try:
        with suppress(OSError):  # the name is a courtesy; the lock is what counts
            holder.write_text(f"process {os.getpid()} on {socket.gethostname()}", encoding="utf-8")
        yield FileLease(store, lock, writer)
    finally:
        lock.release()


@contextmanager
def _advisory_lease(store: str, engines: Engines, where: str) -> Iterator[AdvisoryLease]:
    key = int.from_bytes(blake2b(f"syncd push {store}".encode(), digest_size=8).digest(), signed=True)
    with translated(where):
        connection = engines.write.connect()
    try:
        with translated(where), connection.begin():
            got = connection.execute(text("select pg_try_advisory_lock(:key)"), {"key": key}).scalar_one()
            holder = None if got else _advisory_holder(connection, key)
        if not got:
            raise LeaseTaken(f"{holder or 'another process'} is pushing to {store}", _CURE)
        yield AdvisoryLease(store, connection, where)
    finally:
        with suppress(SQLAlchemyError), connection.begin():
            # At once: that the session has ended is noticed by the server when it gets to it.
            connection.execute(text("select pg_advisory_unlock_all()"))
        with suppress(SQLAlchemyError):
            connection.invalidate()  # it never goes back into the pool
        connection.close()


def _advisory_holder(connection: Connection, key: int) -> str | None:
    query = text(
        "select a.pid, coalesce(a.client_addr::text, 'local') as address from pg_locks l join pg_stat_activity a using (pid) "
        "where l.locktype = 'advisory' and l.granted and ((l.classid::bigint << 32) | l.objid::bigint) = :key "
        "and l.database = (select oid from pg_database where datname = current_database())"
    )
    row = connection.execute(query, {"key": key}).one_or_none()
    return f"database session {row.pid} ({row.address})" if row else None
