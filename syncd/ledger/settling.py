"""Outcomes on their way into the ledger: those that gather while the writer is busy are written by one operation."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future

from sqlalchemy import Connection

from syncd.ledger import attempts
from syncd.ledger.attempts import Outcome
from syncd.ledger.writer import Writer
from syncd.sale.sale import Judge
from syncd.sale.states import State

_Waiting = tuple[Outcome, "Future[State | None]"]


class Settling:
    """Gathers outcomes and hands them to the writer."""

    def __init__(self, writer: Writer, judge: Judge) -> None:
        self._writer, self._judge = writer, judge
        self._waiting: list[_Waiting] = []
        self._lock = threading.Lock()

    def add(self, outcome: Outcome) -> Future[State | None]:
        """Queue an outcome; the future is the sale's state once that is durable, None where the attempt was closed before."""
        future: Future[State | None] = Future()
        with self._lock:
            self._waiting.append((outcome, future))
            first = len(self._waiting) == 1
        if first:
            taken: list[_Waiting] = []
            self._writer.submit(lambda connection: self._write(connection, taken)).add_done_callback(
                lambda done: _tell(taken, done) if taken else self._refuse(done)
            )
        return future

    def _write(self, connection: Connection, taken: list[_Waiting]) -> dict[int, State]:
        with self._lock:
            taken += self._waiting  # the operation may be tried again: what it took before stays
            self._waiting = []
        outcomes = [outcome for outcome, _ in taken]
        return attempts.settle(connection, outcomes, self._judge, outcomes[-1].at)

    def _refuse(self, done: Future[dict[int, State]]) -> None:
        """The operation never ran (the ledger is closed or could not begin): nobody may wait for ever."""
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
