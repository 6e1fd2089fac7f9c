"""The sales: recorded in batches, decided about by people, found and listed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, literal, literal_column, or_, select, update

from syncd.canonical import Batch
from syncd.canonical.kinds import SaleStatus
from syncd.canonical.originals import Fit
from syncd.ledger import actions, links
from syncd.ledger.counting import number_of
from syncd.ledger.record import Recorded, RecordOptions, record
from syncd.ledger.rows import (
    after_place,
    change_in,
    each_value,
    from_micros,
    is_state,
    read_as,
    read_sale,
    read_sales,
    rows_in,
    to_micros,
)
from syncd.ledger.schema import attempts, audit, backfills, sales, stores
from syncd.ledger.selection import Selection, conditions
from syncd.ledger.transactions import Repository, reads, writes
from syncd.ledger.transitions import SYNCD
from syncd.sale.changes import FactChange, read_changes
from syncd.sale.overrides import Override, Verb
from syncd.sale.sale import Sale
from syncd.sale.states import BackfillStage, Lane, State

_ROWS_AT_ONCE = 500
_LIVE = sales.c.lane == literal_column(f"'{Lane.LIVE.value}'")


class AttemptRow(Struct, frozen=True):
    """One attempt, as a person reads it."""

    id: int
    kind: str
    began_at: datetime
    settled_at: datetime | None
    outcome: str | None
    status: int | None
    request_id: str | None
    elapsed_s: float | None
    detail: str


class AuditRow(Struct, frozen=True):
    """One change of state: when, who, from what to what, why; ``changes`` are the facts that a new version changed."""

    at: datetime
    actor: str
    before: str | None
    after: str
    why: str
    changes: tuple[FactChange, ...] = ()


class Story(Struct, frozen=True):
    """Everything that the ledger knows of one sale."""

    sale: Sale
    attempts: tuple[AttemptRow, ...]
    audit: tuple[AuditRow, ...]


class Lag(Struct, frozen=True):
    """How old the oldest sale is that waits, and how new the newest that was synced; None where there is none.

    ``live_since`` is when the live sale was recorded that waits longest: one of no backfill.
    """

    oldest_pending: datetime | None = None
    newest_synced: datetime | None = None
    live_since: datetime | None = None


def _lag_columns(store: ColumnElement[str]) -> tuple[ColumnElement[int], ...]:
    """Return what is read of a store's lag, each by an index: the whole of the table is never looked at."""
    of_store = sales.c.store == store
    waiting = select(func.min(sales.c.recorded_at)).where(of_store, is_state(State.PENDING)).scalar_subquery()
    newest = select(func.max(sales.c.synced_at)).where(of_store).scalar_subquery()
    live = select(sales.c.recorded_at).where(of_store, is_state(State.PENDING), _LIVE)
    return waiting, newest, live.order_by(sales.c.placed_at, sales.c.id).limit(1).scalar_subquery()


def _due_of(*which: ColumnElement[bool]) -> Select[Any]:
    ready = (sales.c.next_attempt_at <= bindparam("now")) | (sales.c.next_attempt_at > bindparam("far"))
    query = select(sales).where(sales.c.store == bindparam("store"), is_state(State.PENDING), *which, ready)
    return query.order_by(sales.c.placed_at, sales.c.id).limit(bindparam("most"))


_IN = {lane: sales.c.lane == literal_column(f"'{lane.value}'") for lane in Lane}
_DUE = {lane: _due_of(_IN[lane]) for lane in (Lane.LIVE, Lane.BACKFILL)}
_DUE_OF_NONE = _due_of(_IN[Lane.BACKFILL], sales.c.backfill.is_(None))
_DUE_OF_ONE = _due_of(_IN[Lane.BACKFILL], sales.c.backfill == bindparam("number"))
_PAUSED = select(backfills.c.id).where(backfills.c.state == BackfillStage.PAUSED.value).limit(1)
_NOT_PAUSED = select(backfills.c.id).where(backfills.c.state != BackfillStage.PAUSED.value).order_by(backfills.c.id)


class SaleRepository(Repository):
    """Every sale of the ledger."""

    @writes
    def record(self, connection: Connection, batch: Batch, options: RecordOptions) -> Recorded:
        """Write a batch of sales, its faults and its cursor in one transaction; returns once it is durable.

        Raises:
            LedgerError: nothing of the batch was written.

        """
        return record(connection, batch, options, self.database, self.database.now)

    @writes
    def decide(  # noqa: PLR0913  a decision, who made it, and when it counts
        self,
        connection: Connection,
        verb: Verb,
        selection: Selection,
        by: str,
        why: str = "",
        *,
        not_before: datetime | None = None,
    ) -> actions.DecisionResult:
        """Keep a person's decision about the chosen sales: which of them it was kept for, and which not.

        What is to be sent for them then is not sent ``not_before`` that time.
        """
        now = self.database.now
        done = actions.act(connection, selection, Override(verb, by, now.wall, "", why), self.database, now)
        if not_before is not None:
            _schedule(connection, done.moved, not_before)
        return done

    @writes
    def undo(self, connection: Connection, keys: Sequence[str], decided: Override, by: str) -> actions.DecisionResult:
        """Take a decision back: that of ``decided``'s verb and author, made then or later, where it is a sale's last one."""
        now = self.database.now
        undone = Override(Verb.UNDO, by, now.wall, "")
        return actions.act(connection, Selection(keys=tuple(keys)), undone, self.database, now, last=decided)

    @writes
    def send_now(self, connection: Connection, keys: Sequence[str]) -> None:
        """Let nothing wait for its time of what is to be sent for some sales."""
        _schedule(connection, keys, self.database.clock.now())

    @writes
    def remark(self, connection: Connection, store: str, order_ids: Sequence[int], actor: str, what: str) -> int:
        """Write into the story of each linked sale what a person did to its order; how many sales those are."""
        return actions.remark(connection, (store, order_ids), (actor, what), self.database.now)

    @writes
    def link(self, connection: Connection, returned: str, original: str, by: str = SYNCD) -> actions.DecisionResult:
        """Keep that the goods of a return came from a sale; says why not, where that cannot be."""
        now = self.database.now
        return links.link(connection, returned, Override(Verb.LINK, by, now.wall, "", original), self.database, now)

    @reads
    def originals_for(self, connection: Connection, returned: Sale) -> list[Fit]:
        """Return the sales that the goods of a return may have come from, the best first; none where the sale is known."""
        return links.candidates(connection, returned)

    @reads
    def unlinked(self, connection: Connection, source: str, stores: Sequence[str]) -> list[Sale]:
        """Return the returns of a source without a known sale that were placed in the last 30 days and are held."""
        return links.unlinked(connection, source, stores, self.database.clock.now())

    @reads
    def due(self, connection: Connection, store: str, limit: int, now: datetime, far: timedelta) -> list[Sale]:
        """Pending sales whose time has come (or lies absurdly far ahead: the clock was set back), live first, oldest first.

        While a backfill is paused, the others' sales come one backfill after the other: nobody walks what the paused one left.
        """
        at = {"store": store, "now": to_micros(now), "far": to_micros(now + far)}
        found: list[Sale] = []
        for query, words in _due_queries(connection):
            if len(found) >= limit:
                break
            rows = connection.execute(query, {**at, **words, "most": limit - len(found)})
            found += [read_sale(row) for row in rows]
        return found

    @reads
    def unsettled(self, connection: Connection, store: str, limit: int, now: datetime, far: timedelta) -> list[Sale]:
        """Unknown sales whose look-up is due, with the floor of their last attempt."""
        ready = (sales.c.next_attempt_at <= to_micros(now)) | (sales.c.next_attempt_at > to_micros(now + far))
        last = (
            select(func.max(attempts.c.id)).where(attempts.c.sale_id == sales.c.id).correlate(sales).scalar_subquery()
        )
        row = [
            column for column in sales.c if column is not sales.c.document
        ]  # nobody reads what ten thousand of them say
        query = (
            select(*row, literal_column("null").label("document"), attempts.c.order_floor)
            .join(attempts, attempts.c.id == last, isouter=True)
            .where(sales.c.store == store, is_state(State.UNKNOWN), ready)
            .order_by(sales.c.next_attempt_at)
            .limit(limit)
        )
        return read_sales(connection.execute(query))

    @reads
    def get(self, connection: Connection, key: str) -> Sale | None:
        """Return the sale of a key."""
        return links.sale_of_key(connection, key)

    @reads
    def by_key(self, connection: Connection, keys: Sequence[str]) -> dict[str, Sale]:
        """Return the sales of some keys, as the ledger or as their orders have them."""
        found: dict[str, Sale] = {}
        wanted = set(keys)
        for column in (sales.c.sale_key, sales.c.sent_as):
            for sale in map(read_sale, rows_in(connection, select(sales), column, keys)):
                found[sale.sale_key if sale.sale_key in wanted else sale.sent_key] = sale
        return found

    @reads
    def find(self, connection: Connection, selection: Selection, *, limit: int, offset: int = 0) -> list[Sale]:
        """Return the chosen sales, newest first."""
        query = (
            select(sales)
            .where(*conditions(selection, connection.dialect.name))
            .order_by(sales.c.placed_at.desc(), sales.c.id.desc())
        )
        return read_sales(connection.execute(query.limit(limit).offset(offset)))

    @reads
    def story(self, connection: Connection, key: str) -> Story | None:
        """Return a sale with its attempts and its audit rows, oldest first."""
        found = links.sale_of_key(connection, key)
        if found is None:
            return None
        tries = connection.execute(select(attempts).where(attempts.c.sale_id == found.id).order_by(attempts.c.id))
        rows = connection.execute(select(audit).where(audit.c.sale_id == found.id).order_by(audit.c.id))
        return Story(
            found,
            tuple(
                read_as(AttemptRow, row, elapsed_s=None if row.elapsed_ms is None else row.elapsed_ms / 1000)
                for row in tries
            ),
            tuple(read_as(AuditRow, row, changes=read_changes(row.changes)) for row in rows),
        )

    @reads
    def of_orders(self, connection: Connection, store: str, order_ids: Sequence[int]) -> list[Sale]:
        """Return the sales that are linked to some orders of a store."""
        rows = rows_in(connection, select(sales).where(sales.c.store == store), sales.c.order_id, order_ids)
        return read_sales(rows)

    @reads
    def returned_total(self, connection: Connection, of: str, *, but: str) -> Decimal:
        """Return what the returns that the order of a sale shows come to (positive), leaving out the return ``but``.

        One that has changed since is among them: the order shows it, and goes on doing so.
        """
        shown = or_(is_state(State.SYNCED), sales.c.order_id.is_not(None))
        query = select(sales.c.total_inc_tax).where(sales.c.returns_of == of, sales.c.sale_key != but, shown)
        return -sum((Decimal(text) for text in connection.execute(query).scalars()), Decimal(0))

    @reads
    def counts(self, connection: Connection, store: str | None = None) -> dict[tuple[str, Lane, State], int]:
        """Count sales by store, lane and state."""
        return number_of(connection, store)

    @reads
    def lags(self, connection: Connection, names: Collection[str]) -> dict[str, Lag]:
        """How far behind each of some stores is: one statement for all that were ever spoken to, however many."""
        found: dict[str, Lag] = {}
        columns: list[Any] = [stores.c.name, *_lag_columns(stores.c.name)]
        for name, *at in connection.execute(select(*columns)):
            found[name] = Lag(*map(from_micros, at))
        if not found.keys() >= set(names):
            for name in set(each_value(connection, sales.c.store)) - found.keys():  # never spoken to
                columns = list(_lag_columns(literal(name)))
                found[name] = Lag(*map(from_micros, connection.execute(select(*columns)).one()))
        return {name: found.get(name, Lag()) for name in names}

    def placed(self, store: str, start: datetime, end: datetime) -> Iterator[Sale]:
        """Every sale of a store that was placed in ``[start, end]``, oldest first, page by page."""
        after = (0, 0)
        while page := self.database.read(partial(_placed, store=store, span=(start, end), after=after)):
            yield from page
            after = (to_micros(page[-1].placed_at), page[-1].id)

    def ids_placed(self, source: str, start: datetime, end: datetime) -> Iterator[str]:
        """Yield the POS's own ids of a source's sales that were placed in ``[start, end]`` and are not void, page by page."""
        after = (0, 0)
        while page := self.database.read(partial(_ids_placed, source=source, span=(start, end), after=after)):
            yield from (key.partition(":")[2] for _, _, key in page)
            after = page[-1][:2]

    def linked(self, store: str, start: datetime | None, end: datetime | None) -> Iterator[Sale]:
        """Every sale of a store that is linked to an order and was placed in ``[start, end]``, page by page."""
        if start is not None:
            ever = datetime(9999, 1, 1, tzinfo=UTC)
            yield from (sale for sale in self.placed(store, start, end or ever) if sale.order_id is not None)
            return
        after = (0, 0)
        while page := self.database.read(partial(_linked, store=store, after=after)):
            yield from (sale for sale in page if end is None or sale.placed_at <= end)
            after = (page[-1].order_id or 0, page[-1].id)


def _schedule(connection: Connection, keys: Sequence[str], at: datetime) -> None:
    """Let what is to be sent for some sales wait until then."""
    change_in(
        connection,
        update(sales).where(is_state(State.PENDING)).values(next_attempt_at=to_micros(at)),
        sales.c.sale_key,
        keys,
    )


def _due_queries(connection: Connection) -> Iterator[tuple[Select[Any], Mapping[str, int]]]:
    yield _DUE[Lane.LIVE], {}
    if connection.execute(_PAUSED).first() is None:
        yield _DUE[Lane.BACKFILL], {}
        return
    yield _DUE_OF_NONE, {}
    for number in connection.execute(_NOT_PAUSED).scalars().all():
        yield _DUE_OF_ONE, {"number": number}


def _placed(connection: Connection, store: str, span: tuple[datetime, datetime], after: tuple[int, int]) -> list[Sale]:
    """Return the next sales of a store placed in ``span``, by time and id; ``after`` is the last one's (microseconds, id)."""
    at = after[0]
    later = after_place(sales.c.placed_at, sales.c.id, after)
    query = select(sales).where(sales.c.store == store, sales.c.placed_at <= to_micros(span[1]), later)
    query = query.where(sales.c.placed_at >= max(at, to_micros(span[0])))
    rows = connection.execute(query.order_by(sales.c.placed_at, sales.c.id).limit(_ROWS_AT_ONCE))
    return read_sales(rows)


def _ids_placed(
    connection: Connection, source: str, span: tuple[datetime, datetime], after: tuple[int, int]
) -> list[tuple[int, int, str]]:
    """Return the next sales of a source placed in ``span`` that its POS does not say are void: time (microseconds), id and key."""
    at = after[0]
    later = after_place(sales.c.placed_at, sales.c.id, after)
    query = select(sales.c.placed_at, sales.c.id, sales.c.sale_key).where(sales.c.source == source, later)
    query = query.where(sales.c.placed_at.between(max(at, to_micros(span[0])), to_micros(span[1])))
    query = query.where(
        sales.c.document.not_like(f'%"status":"{SaleStatus.VOIDED.value}"%')
    )  # as ``to_json`` writes it
    rows = connection.execute(query.order_by(sales.c.placed_at, sales.c.id).limit(_ROWS_AT_ONCE))
    return [(row[0], row[1], row[2]) for row in rows]


def _linked(connection: Connection, store: str, after: tuple[int, int]) -> list[Sale]:
    """Return the next sales of a store that are linked to an order, by order and id; ``after`` is the last one's."""
    order = after[0]
    later = after_place(sales.c.order_id, sales.c.id, after)
    query = select(sales).where(sales.c.store == store, sales.c.order_id.is_not(None), sales.c.order_id >= order, later)
    rows = connection.execute(query.order_by(sales.c.order_id, sales.c.id).limit(_ROWS_AT_ONCE))
    return read_sales(rows)
