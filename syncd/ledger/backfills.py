"""Backfills: date ranges of a source that somebody asked for, each with where it stands. Whoever walks one goes by its row."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct, field
from sqlalchemy import Connection, Row, func, insert, select, update

from syncd.errors import UsageError
from syncd.ledger.counting import number_of
from syncd.ledger.lease import Lease
from syncd.ledger.rows import from_micros, to_micros
from syncd.ledger.schema import backfills, sales
from syncd.ledger.transactions import Repository, Transactions, reads, writes
from syncd.sale.states import BackfillStage, State

_LATELY = timedelta(minutes=5)


TO_DO = (BackfillStage.ESTIMATING, BackfillStage.OPEN)
_MAY: Mapping[str, tuple[BackfillStage, ...]] = {
    "start": (BackfillStage.ESTIMATING, BackfillStage.ESTIMATED),
    "pause": (BackfillStage.OPEN, BackfillStage.RECORDED),
    "resume": (BackfillStage.PAUSED,),
    "cancel": (
        BackfillStage.ESTIMATING,
        BackfillStage.ESTIMATED,
        BackfillStage.OPEN,
        BackfillStage.RECORDED,
        BackfillStage.PAUSED,
    ),
}


class Estimate(Struct, frozen=True):
    """What a backfill would do: sales by the state that they would be in, sums by currency, requests, and how long those take."""

    sales: int = 0
    new: int = 0
    faults: int = 0
    requests: int = 0
    seconds: float | None = None
    states: Mapping[str, int] = field(default_factory=dict)
    totals: Mapping[str, Decimal] = field(default_factory=dict)

    def to_json(self) -> str:
        """As it is kept."""
        totals = {currency: format(total, "f") for currency, total in self.totals.items()}
        plain = {name: getattr(self, name) for name in ("sales", "new", "faults", "requests", "seconds")}
        return json.dumps({**plain, "states": dict(self.states), "totals": totals})

    @classmethod
    def from_json(cls, text: str) -> Estimate:
        """As it was kept."""
        kept = json.loads(text)
        totals = {currency: Decimal(total) for currency, total in kept.pop("totals").items()}
        return cls(**kept, totals=totals)


class Backfill(Struct, frozen=True):
    """One range ``[start, end)`` of a source; ``last_error`` is why the last try to walk it failed, empty where it did not."""

    number: int
    source: str
    start: datetime
    end: datetime
    stage: BackfillStage
    history: bool
    asked_by: str
    asked_at: datetime
    recorded_at: datetime | None
    last_error: str
    estimate: Estimate | None


class Progress(Struct, frozen=True):
    """How far a backfill is: its sales by state, and how many a second were synced in the last minutes."""

    states: Mapping[State, int]
    per_second: float

    @property
    def sales(self) -> int:
        """The sales that it brought into the ledger; those that were there before are not among them."""
        return sum(self.states.values())

    @property
    def waiting(self) -> int:
        """Those that are still to be pushed."""
        return sum(self.states.get(state, 0) for state in (State.PENDING, State.SENDING, State.UNKNOWN))

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at the rate of the last minutes; None where nothing moves."""
        return self.waiting / self.per_second if self.per_second else None


class BackfillRepository(Repository):
    """The backfills of all sources."""

    def __init__(self, database: Transactions, lease: Callable[[str], AbstractContextManager[Lease]]) -> None:
        super().__init__(database)
        self._lease = lease

    @writes
    def ask(  # noqa: PLR0913  what is asked for, and by whom
        self,
        connection: Connection,
        source: str,
        start: datetime,
        end: datetime,
        *,
        by: str,
        history: bool = False,
        estimate: bool = False,
    ) -> Backfill:
        """Ask for a range; one of the same range and kind that is not over goes on instead. Durable on return."""
        wanted = {"source": source, "start_at": to_micros(start), "end_at": to_micros(end), "history": int(history)}
        stage = BackfillStage.ESTIMATING if estimate else BackfillStage.OPEN
        values = {**wanted, "asked_by": by, "started_at": to_micros(self.database.clock.now())}
        return _ask(connection, wanted, values, stage)

    @reads
    def get(self, connection: Connection, number: int) -> Backfill:
        """One backfill.

        Raises:
            UsageError: there is none of that number.

        """
        found = _row_of(connection, number)
        if found is None:
            raise UsageError(f"there is no backfill {number}", "List them with: syncd backfills list")
        return found

    @reads
    def newest(self, connection: Connection, limit: int = 50) -> list[Backfill]:
        """Return the newest backfills first."""
        query = select(backfills).order_by(backfills.c.id.desc()).limit(limit)
        return [_read(row) for row in connection.execute(query)]

    @reads
    def to_do(self, connection: Connection, source: str) -> list[Backfill]:
        """Those of a source that are to be walked, oldest first."""
        which = (backfills.c.source == source, backfills.c.state.in_([stage.value for stage in TO_DO]))
        query = select(backfills).where(*which).order_by(backfills.c.id)
        return [_read(row) for row in connection.execute(query)]

    def walking(self, number: int) -> AbstractContextManager[Lease]:
        """Hold the right to walk a backfill, which the system takes back should the walker die.

        Raises:
            LeaseTaken: another process walks it.

        """
        return self._lease(f"backfill {number}")

    def start(self, number: int) -> Backfill:
        """Carry out what was estimated."""
        return self._turn(number, "start")

    def pause(self, number: int) -> Backfill:
        """Record and push nothing more of it for now; what is on the wire is finished."""
        return self._turn(number, "pause")

    def resume(self, number: int) -> Backfill:
        """Go on."""
        return self._turn(number, "resume")

    def cancel(self, number: int) -> Backfill:
        """Record nothing more of it, for good. What waits to be pushed is the caller's to skip."""
        return self._turn(number, "cancel")

    def estimated(self, number: int, estimate: Estimate) -> None:
        """Its sales are counted."""
        values = {"state": BackfillStage.ESTIMATED.value, "estimate": estimate.to_json(), "ails": ""}
        self._change(number, BackfillStage.ESTIMATING, values)

    def recorded(self, number: int) -> None:
        """Its whole range is recorded."""
        values = {
            "state": BackfillStage.RECORDED.value,
            "finished_at": to_micros(self.database.clock.now()),
            "ails": "",
        }
        self._change(number, BackfillStage.OPEN, values)

    @writes
    def note_error(self, connection: Connection, number: int, why: str) -> None:
        """Keep why the last try to walk it failed; an empty ``why`` says that it went well."""
        where = (backfills.c.id == number, backfills.c.ails != why)
        connection.execute(update(backfills).where(*where).values(ails=why))

    @reads
    def progress(self, connection: Connection, number: int) -> Progress:
        """How far it is."""
        return _progress(connection, number, self.database.clock.now())

    @writes
    def _change(self, connection: Connection, number: int, before: BackfillStage, values: Mapping[str, object]) -> None:
        where = (backfills.c.id == number, backfills.c.state == before.value)  # paused meanwhile: so it stays
        connection.execute(update(backfills).where(*where).values(**values))

    def _turn(self, number: int, what: str) -> Backfill:
        before = self.get(number)
        if before.stage not in _MAY[what]:
            words = " or ".join(_MAY[what])
            raise UsageError(f"backfill {number} is {before.stage}", f"Only one that is {words} can be told to {what}.")
        after = {
            "start": BackfillStage.OPEN,
            "pause": BackfillStage.PAUSED,
            "resume": BackfillStage.RECORDED if before.recorded_at else BackfillStage.OPEN,
            "cancel": BackfillStage.CANCELLED,
        }[what]
        self._change(number, before.stage, {"state": after.value})
        return self.get(number)


def _ask(
    connection: Connection, wanted: Mapping[str, object], values: Mapping[str, object], stage: BackfillStage
) -> Backfill:
    same = [backfills.c[name] == value for name, value in wanted.items()]
    alive = backfills.c.state.not_in((BackfillStage.RECORDED.value, BackfillStage.CANCELLED.value))
    number = connection.execute(select(func.max(backfills.c.id)).where(*same, alive)).scalar_one_or_none()
    if number is None:
        row = insert(backfills).values(**values, state=stage.value)
        number = connection.execute(row.returning(backfills.c.id)).scalar_one()
    elif stage is BackfillStage.OPEN:
        connection.execute(update(backfills).where(backfills.c.id == number).values(state=stage.value))
    found = _row_of(connection, int(number))
    assert found is not None  # noqa: S101  it was written a line above
    return found


def _row_of(connection: Connection, number: int) -> Backfill | None:
    row = connection.execute(select(backfills).where(backfills.c.id == number)).one_or_none()
    return _read(row) if row is not None else None


def _read(row: Row[*tuple[object, ...]]) -> Backfill:
    return Backfill(
        row.id,
        row.source,
        from_micros(row.start_at),
        from_micros(row.end_at),
        BackfillStage(row.state),
        bool(row.history),
        row.asked_by,
        from_micros(row.started_at),
        from_micros(row.finished_at),
        row.ails,
        Estimate.from_json(row.estimate) if row.estimate else None,
    )


def _progress(connection: Connection, number: int, now: datetime) -> Progress:
    counted = select(sales.c.state, func.count()).where(sales.c.backfill == number).group_by(sales.c.state)
    states = {State(row[0]): int(row[1]) for row in connection.execute(counted)}
    since = to_micros(now - _LATELY)
    stores = {store for store, _, _ in number_of(connection)}  # few: they lead the index of what was synced
    lately = select(func.count(), func.min(sales.c.synced_at)).where(
        sales.c.store.in_(stores), sales.c.synced_at >= since, sales.c.backfill == number
    )
    synced, first = connection.execute(lately).one()
    seconds = max((to_micros(now) - first) / 1e6, 1.0) if first else 1.0
    return Progress(states, synced / seconds)
