"""The right to push for a store, held by the operating system or the database and not by a timer of ours.

SQLite: a file lock beside the ledger, which the kernel releases when its holder dies. PostgreSQL: an advisory lock
in the one session of this process; intents commit in the very session that holds it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from sqlalchemy import Connection

from syncd.errors import LeaseTaken
from syncd.ledger.session import CURE, Session
from syncd.ledger.transactions import Writer

if TYPE_CHECKING:
    from filelock import FileLock

T = TypeVar("T")


class Lease(Protocol):
    """The right to push for ``store``, for as long as it is alive."""

    @property
    def store(self) -> str:
        """The store that may be pushed to."""
        ...

    @property
    def continuity(self) -> object:
        """What is equal for two takings between which nobody can have written to another ledger, nor this one been taken back."""
        ...

    @property
    def promoted_at(self) -> datetime | None:
        """When the ledger's server was found to be another one than before; None where that never was."""
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
        self._continuity = object()
        self.promoted_at = None

    @property
    def continuity(self) -> object:
        """Return what is this taking's own: a file may be copied, or put back, between two of them."""
        return self._continuity

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
    """A lease by advisory lock; writes go over the session that holds it."""

    def __init__(self, store: str, session: Session) -> None:
        self._store, self._session, self._token = store, session, session.token
        self.promoted_at = session.promoted_at

    @property
    def continuity(self) -> object:
        """The session: a database that is restored, or fails over to another server, ends it."""
        return self._token

    @property
    def store(self) -> str:
        """The store that may be pushed to."""
        return self._store

    def alive(self) -> bool:
        """Whether the session, and with it the lock, still lives."""
        return self._session.token == self._token

    def run(self, operation: Callable[[Connection], T]) -> T:
        """Do a write on the lock's own session."""
        return self._session.run(self._store, self._token, operation)

    def release(self) -> None:
        """Give the lock back."""
        self._session.release(self._store, self._token)


@contextmanager
def take(store: str, session: Session | None, ledger: Path | None, writer: Writer) -> Iterator[Lease]:
    """Take the right to push for a store, without waiting: by a file beside the ``ledger``, else in the database's ``session``.

    Raises:
        LeaseTaken: another process has it; the message names it.

    """
    if ledger is not None:
        with _file_lease(store, ledger, writer) as lease:
            yield lease
        return
    assert session is not None  # noqa: S101  a ledger that is no file has one
    session.take(store)
    held = AdvisoryLease(store, session)
    try:
        yield held
    finally:
        held.release()


@contextmanager
def _file_lease(store: str, ledger: Path, writer: Writer) -> Iterator[FileLease]:
    from filelock import FileLock, Timeout  # noqa: PLC0415  most commands take no lease, and start without it

    path = ledger.with_name(f"{ledger.name}.{store}.lock")
    holder = path.with_suffix(".holder")
    lock = FileLock(path, timeout=0, mode=0o600, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        who = ""
        with suppress(OSError):
            who = holder.read_text(encoding="utf-8").strip()
        raise LeaseTaken(f"{who or 'another process'} is pushing to {store}", CURE) from None
    try:
        _name_holder(holder)
        yield FileLease(store, lock, writer)
    finally:
        lock.release()


def _name_holder(holder: Path) -> None:
    """Say who holds it: a courtesy; the lock is what counts."""
    with suppress(OSError), os.fdopen(os.open(holder, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
