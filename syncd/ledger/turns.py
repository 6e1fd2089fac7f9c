"""Whose turn it is in a fleet: sources to poll, stores to push to. Rows say it, and a job of a queue is a mere hint to look."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from importlib import import_module

from msgspec import Struct
from sqlalchemy import Connection, delete, func, or_, select, text, update

from syncd.ledger.rows import change_in, chunked, from_micros, is_state, read_as, rows_in, to_micros
from syncd.ledger.schema import backfills, hints, sales, source_turns, stores
from syncd.ledger.transactions import Repository, reads, writes
from syncd.sale.states import BackfillStage, State

_TO_WALK = (BackfillStage.ESTIMATING.value, BackfillStage.OPEN.value)
# Each open state by steps in its index, store by store: there are few stores among millions of sales.
_STORES_IN = """
    with recursive open_stores(store) as (
        select min(store) from sales where state = '{state}' and state <> 'synced'
        union all
        select (select min(store) from sales where state = '{state}' and state <> 'synced' and store > open_stores.store)
        from open_stores where open_stores.store is not null
    )
    select store, (
        select min(next_attempt_at) from sales
        where state = '{state}' and state <> 'synced' and store = open_stores.store
    ) as due_at from open_stores where store is not null
"""
_DUE = {state: text(_STORES_IN.format(state=state)) for state in ("pending", "unknown", "held", "sending")}
_LIVE = text(
    "select 1 from sales where state = 'pending' and state <> 'synced' and store = :store and lane = 'live' limit 1"
)


class SourceTurn(Struct, frozen=True):
    """One source of a fleet: when it is polled next, how often it failed in a row since when, and why (with what to do).

    ``last_ok_at`` is when its last turn went well; before that, when it came into the config.
    """

    source: str
    next_poll_at: datetime
    failures: int
    last_ok_at: datetime
    why: str
    cure: str


class DueStore(Struct, frozen=True):
    """A store that has something to do: since when, and whether a live sale is among what waits."""

    store: str
    since: datetime | None
    live: bool


class DueWork(Struct, frozen=True):
    """What a daemon has to do now, found by one look: stores to push to, stores with answers to look up, and sources.

    ``push`` names those whose pause is to be tried, too; ``backfill`` the sources with a walk to go on with, ``fetch`` those whose
    webhooks named sales.
    """

    push: frozenset[str]
    doubtful: frozenset[str]
    backfill: frozenset[str]
    fetch: frozenset[str]


class TurnRepository(Repository):
    """Turns of sources and stores; many workers ask at once, and each source goes to one of them."""

    @writes
    def follow(self, connection: Connection, sources: Collection[str]) -> None:
        """Give each of ``sources`` turns from now on, and no other source any; those that have turns keep theirs."""
        known = set(connection.execute(select(source_turns.c.source)).scalars())
        at = to_micros(self.database.clock.now())
        for some in chunked(sorted(set(sources) - known)):
            rows = [{"source": name, "next_poll_at": at, "last_ok_at": at} for name in some]
            dialect = import_module(f"sqlalchemy.dialects.{connection.dialect.name}")  # of two, one is never needed
            connection.execute(
                dialect.insert(source_turns).on_conflict_do_nothing(), rows
            )  # another worker's may be there
        change_in(connection, delete(source_turns), source_turns.c.source, sorted(known - set(sources)))

    @reads
    def due_sources(self, connection: Connection, limit: int) -> list[str]:
        """Return the sources whose turn it is, the longest overdue first, up to a limit."""
        at = to_micros(self.database.clock.now())
        due = select(source_turns.c.source).where(source_turns.c.next_poll_at <= at)
        return list(connection.execute(due.order_by(source_turns.c.next_poll_at).limit(limit)).scalars())

    @writes
    def claim(self, connection: Connection, limit: int, hold: timedelta, *, but: Collection[str] = ()) -> list[str]:
        """Take the turns of some due sources, the longest overdue first; nobody else is given them for ``hold``.

        ``but``: sources that the caller may not poll.
        """
        now = self.database.clock.now()
        due = select(source_turns.c.source).where(source_turns.c.next_poll_at <= to_micros(now))
        due = due.order_by(source_turns.c.next_poll_at).limit(limit + len(but)).with_for_update(skip_locked=True)
        barred = set(but)
        names = [name for name in connection.execute(due).scalars() if name not in barred][:limit]
        until = {"next_poll_at": to_micros(now + hold)}
        change_in(connection, update(source_turns).values(until), source_turns.c.source, names)
        return names

    @writes
    def hold(self, connection: Connection, source: str, hold: timedelta) -> None:
        """Keep a turn for longer: its poll goes on."""
        until = to_micros(self.database.clock.now() + hold)
        connection.execute(update(source_turns).where(source_turns.c.source == source).values(next_poll_at=until))

    @writes
    def wake(self, connection: Connection, source: str) -> None:
        """Make it a source's turn now."""
        at = to_micros(self.database.clock.now())
        change = update(source_turns).where(source_turns.c.source == source, source_turns.c.next_poll_at > at)
        connection.execute(change.values(next_poll_at=at))

    @writes
    def polled(self, connection: Connection, source: str, again_in: timedelta) -> None:
        """End a turn that went well."""
        now = self.database.clock.now()
        good = {"failures": 0, "why": "", "cure": "", "last_ok_at": to_micros(now)}
        change = update(source_turns).where(source_turns.c.source == source)
        connection.execute(change.values(**good, next_poll_at=to_micros(now + again_in)))

    @writes
    def failed(
        self, connection: Connection, source: str, again_in: timedelta, words: tuple[str, str], *, counts: bool = True
    ) -> None:
        """End a turn that failed; ``words`` are why, and the cure. ``counts``: it is a failure, and no mere waiting."""
        again = to_micros(self.database.clock.now() + again_in)
        bad = {"why": words[0], "cure": words[1], "failures": source_turns.c.failures + 1} if counts else {}
        connection.execute(
            update(source_turns).where(source_turns.c.source == source).values(**bad, next_poll_at=again)
        )

    @reads
    def of(self, connection: Connection, sources: Sequence[str]) -> dict[str, SourceTurn]:
        """Return the turns of some sources."""
        rows = rows_in(connection, select(source_turns), source_turns.c.source, sources)
        return {row.source: read_as(SourceTurn, row) for row in rows}

    @reads
    def failing(self, connection: Connection) -> list[SourceTurn]:
        """Return the sources whose last turn failed."""
        rows = connection.execute(select(source_turns).where(source_turns.c.failures > 0))
        return [read_as(SourceTurn, row) for row in rows]

    @reads
    def oldest_due_source(self, connection: Connection) -> datetime | None:
        """Return since when it is the turn of the source that waits longest; None where it is nobody's."""
        query = select(source_turns).order_by(source_turns.c.next_poll_at).limit(1)
        row = connection.execute(query).one_or_none()
        turn = read_as(SourceTurn, row) if row is not None else None
        return turn.next_poll_at if turn is not None and turn.next_poll_at <= self.database.clock.now() else None

    @reads
    def announced_sources(self, connection: Connection) -> list[str]:
        """Return the sources whose webhooks named sales that are to be fetched now."""
        return _announced(connection, to_micros(self.database.clock.now()))

    @reads
    def sources_to_backfill(self, connection: Connection) -> list[str]:
        """Return the sources that have a backfill to walk."""
        return _to_backfill(connection)

    @reads
    def due_work(self, connection: Connection) -> DueWork:
        """Return what is to be done now, of all stores and sources."""
        now = to_micros(self.database.clock.now())
        due: dict[str, set[str]] = {state: {store for store, _ in _due(connection, state, now)} for state in _DUE}
        probed = select(stores.c.name).where(stores.c.paused_why.is_not(None), stores.c.probe_at <= now)
        return DueWork(
            push=frozenset(
                (due["pending"] | due["held"] | due["sending"] | set(connection.execute(probed).scalars()))
                - _resting(connection, now)
            ),
            doubtful=frozenset(due["unknown"]),
            backfill=frozenset(_to_backfill(connection)),
            fetch=frozenset(_announced(connection, now)),
        )

    @reads
    def due_stores(self, connection: Connection) -> list[DueStore]:
        """Return the stores that have something to do now, but those that are paused until later.

        Sales to send, answers to look up, holds that have ended, and what a worker that died has left on the wire.
        """
        now = to_micros(self.database.clock.now())
        paused = _resting(connection, now)
        since: dict[str, datetime | None] = {}
        for state in _DUE:
            for store, found in _due(connection, state, now):
                if store not in paused:
                    known = since.get(store)
                    since[store] = min((at for at in (known, found) if at is not None), default=None)
        return [
            DueStore(store, at, live=connection.execute(_LIVE, {"store": store}).first() is not None)
            for store, at in since.items()
        ]

    @reads
    def unchecked_stores(self, connection: Connection, every: timedelta, most: int) -> list[str]:
        """Return stores whose newest orders were not gone through for so long, those that wait longest first; no paused one."""
        before = to_micros(self.database.clock.now() - every)
        old = or_(stores.c.checked_at.is_(None), stores.c.checked_at < before)
        query = select(stores.c.name).where(old, stores.c.paused_why.is_(None), stores.c.store_hash.is_not(None))
        return list(connection.execute(query.order_by(stores.c.checked_at.nulls_first()).limit(most)).scalars())

    @reads
    def paused_stores(self, connection: Connection) -> dict[str, str]:
        """Return the stores to which nothing is sent now, each with why."""
        rows = connection.execute(select(stores.c.name, stores.c.paused_why).where(stores.c.paused_why.is_not(None)))
        return {row.name: row.paused_why for row in rows}

    @reads
    def next_work(self, connection: Connection, store: str) -> datetime | None:
        """Return when a store has sales to send or answers to look up next, paused or not; None where it has none."""
        found = [
            connection.execute(select(func.min(sales.c.next_attempt_at)).where(sales.c.store == store, is_state(state)))
            for state in (State.PENDING, State.UNKNOWN)
        ]
        return from_micros(min((at for one in found if (at := one.scalar()) is not None), default=None))

    @reads
    def has_live_work(self, connection: Connection, store: str) -> bool:
        """Whether a live sale is among what a store has to send."""
        return connection.execute(_LIVE, {"store": store}).first() is not None

    @writes
    def hand_over(self, connection: Connection, store: str, knowledge: str) -> None:
        """Keep what the holder of a store knows of its quota and its circuit, for the next holder."""
        connection.execute(update(stores).where(stores.c.name == store).values(handover=knowledge))

    @reads
    def handed_over(self, connection: Connection, store: str) -> str | None:
        """Return what the last holder of a store knew."""
        return connection.execute(select(stores.c.handover).where(stores.c.name == store)).scalar_one_or_none()


def _due(connection: Connection, state: str, now: int) -> list[tuple[str, datetime | None]]:
    """Return each store with a sale in a state that is due, and since when; of those on the wire nothing says when."""
    rows = connection.execute(_DUE[state])
    return [
        (row.store, from_micros(row.due_at))
        for row in rows
        if state == "sending" or (row.due_at is not None and row.due_at <= now)
    ]


def _resting(connection: Connection, now: int) -> set[str]:
    """Return the stores that are paused until later."""
    resting = select(stores.c.name).where(stores.c.paused_why.is_not(None), stores.c.probe_at > now)
    return set(connection.execute(resting).scalars())


def _announced(connection: Connection, now: int) -> list[str]:
    return list(connection.execute(select(hints.c.source).where(hints.c.not_before <= now).distinct()).scalars())


def _to_backfill(connection: Connection) -> list[str]:
    query = select(backfills.c.source).where(backfills.c.state.in_(_TO_WALK)).distinct()
    return list(connection.execute(query).scalars())
