"""How the ledger is read and written: repositories above, and one writer below that commits in groups.

A repository's methods are written as work on a connection; a decorator says on which: one that cannot write (``reads``), the one
writer's (``writes``), or the one that holds the right to push for a store (``writes_under_lease``).

Operations that arrive together, outcomes among them, share one durable commit.

Each operation runs in a savepoint of its own, so that one that fails takes nobody with it; its future is resolved only
after the commit, and with the commit's error where that fails.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import Future
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

from msgspec import Struct
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, OperationalError

from syncd.clock import Clock, Now
from syncd.errors import LedgerError
from syncd.ledger.engine import Engines, is_conflict, to_ledger_error, translated
from syncd.sale.outgoing import EventKind
from syncd.sale.sale import Decider
from syncd.sale.states import State

if TYPE_CHECKING:
    from syncd.ledger.attempts import Outcome
    from syncd.ledger.lease import Lease

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R", bound="Repository")
Operation = Callable[[Connection], T]
_GROUP = 64
_TRIES = 5
_Job = tuple[Operation[Any], "Future[Any]"]


class Run(Protocol):
    """Runs an operation of ours in the ledger: in a transaction, or on a connection that cannot write."""

    def __call__(self, operation: Callable[[Connection], T], /) -> T:
        """Return what the operation returned; durable, where it wrote.

        Raises:
            LedgerError: it could not be done; nothing of it stays.

        """
        ...


class Transactions(Struct, frozen=True):
    """One ledger, as repositories see it. Safe to use from many threads. ``events`` are the kinds that go to the outbox."""

    write: Run
    read: Run
    clock: Clock
    decider: Decider
    events: AbstractSet[EventKind] = frozenset()

    @property
    def now(self) -> Now:
        """The time, on both clocks."""
        return Now.of(self.clock)


class Repository:
    """One part of the ledger; safe to use from many threads and processes. Every method may raise ``LedgerError``."""

    def __init__(self, database: Transactions) -> None:
        self.database = database


def reads(query: Callable[Concatenate[R, Connection, P], T]) -> Callable[Concatenate[R, P], T]:
    """Run a method of a repository on a connection that cannot write."""

    @wraps(query)
    def run(self: R, /, *args: P.args, **named: P.kwargs) -> T:
        return self.database.read(lambda connection: query(self, connection, *args, **named))

    return run


def writes(change: Callable[Concatenate[R, Connection, P], T]) -> Callable[Concatenate[R, P], T]:
    """Run a method of a repository in a transaction; it returns once that is durable."""

    @wraps(change)
    def run(self: R, /, *args: P.args, **named: P.kwargs) -> T:
        return self.database.write(lambda connection: change(self, connection, *args, **named))

    return run


def writes_under_lease(
    change: Callable[Concatenate[R, Connection, P], T],
) -> Callable[Concatenate[R, Lease, P], T]:
    """Run a method of a repository in a transaction that only the holder of a lease may make."""

    @wraps(change)
    def run(self: R, lease: Lease, /, *args: P.args, **named: P.kwargs) -> T:
        return lease.run(lambda connection: change(self, connection, *args, **named))

    return run


class Writer:
    """The only thread that writes to the ledger (the lease's own connection on PostgreSQL apart)."""

    def __init__(self, engines: Engines, where: str) -> None:
        self._engines, self._where = engines, where
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="ledger writer", daemon=True)
        self._thread.start()

    def submit(self, operation: Operation[T]) -> Future[T]:
        """Queue an operation; the future is done once its group is committed."""
        future: Future[T] = Future()
        if self._closed:
            future.set_exception(LedgerError("the ledger is closed"))
        else:
            self._jobs.put((operation, future))
        return future

    def run(self, operation: Operation[T]) -> T:
        """Do an operation and wait until it is durable.

        Raises:
            LedgerError: it could not be done; nothing of it stays.

        """
        return self.submit(operation).result()

    def close(self) -> None:
        """Write what is queued, then stop."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
            self._thread.join()

    def _work(self) -> None:
        try:
            while (first := self._jobs.get()) is not None:
                group, last = self._gather(first)
                self._commit(group)
                if last:
                    break
        finally:
            self._refuse_waiting()

    def _refuse_waiting(self) -> None:
        """However this thread ended, nobody may wait for it for ever."""
        self._closed = True
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            if job is not None:
                job[1].set_exception(LedgerError("the ledger is closed"))

    def _gather(self, first: _Job) -> tuple[list[_Job], bool]:
        group = [first]
        while len(group) < _GROUP:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return group, True
            group.append(job)
        return group, False

    def _commit(self, group: list[_Job], tries: int = _TRIES) -> None:
        done: list[tuple[Future[Any], Any]] = []
        try:
            self._engines.check_file()
            with translated(self._where), self._engines.write.begin() as connection:
                if len(group) == 1:  # nobody to protect from it: no savepoint
                    done.append((group[0][1], group[0][0](connection)))
                else:
                    for operation, future in group:
                        self._one(connection, operation, future, done)
        except Exception as error:  # noqa: BLE001  the thread's edge: everybody who waits must hear of it
            if tries > 1 and is_conflict(error.__cause__ or error):
                for job in group:  # each alone, so that its locks are few: an outcome is never thrown away
                    if not job[1].done():
                        self._commit([job], tries - 1)
                return
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
            return
        for future, value in done:
            future.set_result(value)

    def _one(self, connection: Connection, operation: Operation[Any], future: Future[Any], done: list[Any]) -> None:
        try:
            with connection.begin_nested():
                value = operation(connection)
        except OperationalError:
            raise  # full, locked or gone: SQLite may have rolled the whole group back already
        except DBAPIError as error:
            future.set_exception(to_ledger_error(error, self._where))
        except Exception as error:  # noqa: BLE001  it belongs to whoever waits for the future, not to this thread
            future.set_exception(error)
        else:
            done.append((future, value))


_Waiting = tuple["Outcome", "Future[State | None]"]


class Settle(Protocol):
    """Closes attempts with their outcomes; returns the state of the sale of each that was closed, by attempt."""

    def __call__(self, connection: Connection, outcomes: Sequence[Outcome], *, now: Now) -> dict[int, State]:
        """Close them in this transaction."""
        ...


class OutcomeBatcher:
    """Gathers outcomes and hands them to the writer."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._waiting: list[_Waiting] = []
        self._lock = threading.Lock()

    def add(self, outcome: Outcome, settle: Settle) -> Future[State | None]:
        """Queue an outcome that ``settle`` writes.

        The future is the sale's state once that is durable; None where the attempt was closed before.
        """
        future: Future[State | None] = Future()
        with self._lock:
            self._waiting.append((outcome, future))
            first = len(self._waiting) == 1
        if first:
            taken: list[_Waiting] = []
            self._writer.submit(lambda connection: self._write(connection, taken, settle)).add_done_callback(
                lambda done: _tell(taken, done) if taken else self._refuse(done)
            )
        return future

    def _write(self, connection: Connection, taken: list[_Waiting], settle: Settle) -> dict[int, State]:
        with self._lock:
            taken += self._waiting  # the operation may be tried again: what it took before stays
            self._waiting = []
        outcomes = [outcome for outcome, _ in taken]
        return settle(connection, outcomes, now=outcomes[-1].at)

    def _refuse(self, done: Future[dict[int, State]]) -> None:
        """Fail an operation that never ran (the ledger is closed or could not begin): nobody may wait for ever."""
        with self._lock:
            taken, self._waiting = self._waiting, []
        _tell(taken, done)


def _tell(taken: Sequence[_Waiting], done: Future[dict[int, State]]) -> None:
    error = done.exception()
    closed = {} if error else done.result()
    for outcome, future in taken:
        if error:
            future.set_exception(error)
        else:
            future.set_result(closed.get(outcome.attempt.id))
