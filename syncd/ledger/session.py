"""The one database session of a process in which it holds its rights to push, by PostgreSQL's advisory locks.

One session for all stores: twenty stores must not use up the connections. Whoever writes as a holder writes over this very session,
so that a lost lock means a failed commit and not a second sender. A pooler that hands its sessions round would let two processes
hold one lock: a token, set for the session and looked for in every transaction, shows it.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from hashlib import blake2b
from typing import TypeVar

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from syncd.errors import Busy, LeaseTaken, LedgerError
from syncd.ledger.engine import is_conflict, to_ledger_error, translated
from syncd.ledger.promotion import promoted_at

T = TypeVar("T")
_TRIES = 5
CURE = "Only one process pushes to a store at a time; this one takes over as soon as that one ends."
_SHARED = (
    "the ledger's database is behind a pooler that hands its sessions round (transaction pooling): no lock holds there"
)
_POOLER = "Point [ledger] url at the database itself, or at a pooler in session mode."
_TOKEN = text("select current_setting('syncd.session', true)")
_SET_TOKEN = text("select set_config('syncd.session', :token, false)")
_LOCK = text("select pg_try_advisory_lock(:key)")
_UNLOCK = text("select pg_advisory_unlock(:key)")
_HOLDER = text(
    "select a.pid, coalesce(a.client_addr::text, 'local') as address from pg_locks l join pg_stat_activity a using (pid) "
    "where l.locktype = 'advisory' and l.granted and ((l.classid::bigint << 32) | l.objid::bigint) = :key "
    "and l.database = (select oid from pg_database where datname = current_database())"
)


class Session:
    """The session of a ledger's leases: opened for the first of them, closed after the last. Safe to use from many threads."""

    def __init__(self, engine: Engine, where: str) -> None:
        self._engine, self._where = engine, where
        self._lock = threading.RLock()
        self._connection: Connection | None = None
        self._token = ""
        self._held: set[str] = set()
        self.promoted_at: datetime | None = None
        """When it was noticed that the server is another one than before; as of when the session was opened."""

    @property
    def token(self) -> str:
        """What tells this opening of the session from another; empty while it is closed or lost."""
        connection = self._connection
        alive = connection is not None and not connection.closed and not connection.invalidated
        return self._token if alive else ""

    def take(self, store: str) -> None:
        """Take the lock of a store, without waiting.

        Raises:
            LeaseTaken: another process has it, or this one.
            LedgerError: the database cannot be asked, or its sessions are not ours alone.

        """
        with self._lock, translated(self._where):
            if not self.token:
                self._drop()
                self._open()
            if store in self._held:
                raise LeaseTaken(f"this process is pushing to {store} already", CURE)
            try:
                self._take(store)
                self._held.add(store)
            finally:
                if not self._held:
                    self._drop()

    def _take(self, store: str) -> None:
        assert self._connection is not None  # noqa: S101  it has just been opened
        key = {"key": _key(store)}
        with self._connection.begin():
            if self._connection.execute(_LOCK, key).scalar_one():
                return
            row = self._connection.execute(_HOLDER, key).first()
        who = f"database session {row.pid} ({row.address})" if row else "another process"
        raise LeaseTaken(f"{who} is pushing to {store}", CURE)

    def _open(self) -> None:
        self._token = secrets.token_hex(8)
        self._connection = self._engine.connect()
        self._connection.detach()  # it never goes back into the pool, and takes nobody's place there
        try:
            prove_own(self._connection, self._engine, self._token)
            self.promoted_at = promoted_at(self._connection)
        except BaseException:
            self._drop()
            raise

    def release(self, store: str, token: str) -> None:
        """Give the lock of a store back, if it was taken in the opening of that token."""
        with self._lock:
            if token != self._token:
                return
            self._held.discard(store)
            if self.token and self._connection is not None:
                with suppress(SQLAlchemyError), self._connection.begin():
                    # At once: that the session has ended is noticed by the server when it gets to it.
                    self._connection.execute(_UNLOCK, {"key": _key(store)})
            if not self._held:
                self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self._held.clear()
        if connection is not None:
            with suppress(SQLAlchemyError):
                if not connection.invalidated:
                    with connection.begin():
                        connection.execute(_SET_TOKEN, {"token": ""})
            with suppress(SQLAlchemyError):
                connection.close()

    def run(self, store: str, token: str, operation: Callable[[Connection], T]) -> T:
        """Do a write in the session, if it still is the one in which ``store`` was taken.

        Raises:
            Busy: it is not: the right is lost.
            LedgerError: it could not be done.

        """
        with self._lock:
            connection = self._connection
            if connection is None or self.token != token:
                raise Busy(f"the right to push to {store} was lost with its connection", CURE)
            for tries_left in reversed(range(_TRIES)):
                try:
                    with connection.begin():
                        if connection.execute(_TOKEN).scalar_one() == token:
                            return operation(connection)
                        break
                except DBAPIError as error:
                    if tries_left and is_conflict(error):
                        continue
                    raise to_ledger_error(error, self._where) from error
            self._drop()
            raise Busy(f"the right to push to {store} was lost: {_SHARED}", _POOLER)


def prove_own(connection: Connection, engine: Engine, token: str) -> None:
    """Mark a new session with a token, and make sure that nobody else is given it between two transactions.

    Raises:
        LedgerError: a pooler hands sessions round.

    """
    with connection.begin():
        before = connection.execute(_TOKEN).scalar_one()
        connection.execute(_SET_TOKEN, {"token": token})
    with engine.connect() as other, other.begin():
        other.execute(text("select 1"))  # a pooler would hand out the session that was just set free, and us another
        with connection.begin():
            if before or connection.execute(_TOKEN).scalar_one() != token:
                raise LedgerError(_SHARED, _POOLER)


def _key(store: str) -> int:
    return int.from_bytes(blake2b(f"syncd push {store}".encode(), digest_size=8).digest(), signed=True)
