"""Reads for pages: what was synced when, both sides of a day, why sales stand still, the log. Each walks an index, so far only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Numeric,
    and_,
    case,
    cast,
    func,
    literal_column,
    select,
)

from syncd.canonical.kinds import SaleStatus
from syncd.ledger.counting import number_of
from syncd.ledger.log_rows import LogRow, log_rows
from syncd.ledger.rows import after_place, each_value, from_micros, is_state, read_sales, rows_in, to_micros
from syncd.ledger.schema import attempts, sales
from syncd.ledger.search import MOST_FOUND
from syncd.ledger.selection import Selection, conditions, found_by_words
from syncd.ledger.transactions import Repository, reads
from syncd.sale.reasons import ReasonKind, kind_of_group
from syncd.sale.sale import Sale
from syncd.sale.states import State

_STANDS_STILL = (State.HELD.value, State.REJECTED.value)
_MISSING = (*_STANDS_STILL, State.PENDING.value, State.SENDING.value, State.UNKNOWN.value)
_NO_SALE = (0, 5, 6)  # incomplete, cancelled, declined: no order of these statuses counts
_PLACES = 10  # no amount has more
_MOST_FOUND = 200
_ROWS_AT_ONCE = 500


class Sides(Struct, frozen=True):
    """What both sides have of some sales, in one currency: how many, and their sums."""

    currency: str
    sales: int
    orders: int
    pos_total: Decimal
    order_total: Decimal
    missing: int = 0
    """How many sales and returns are not in BigCommerce though they should be: held, rejected, in doubt or on their way."""

    @property
    def agree(self) -> bool:
        """Whether both sides have the same, and nothing is missing."""
        return not self.difference and not self.missing

    @property
    def difference(self) -> Decimal:
        """What the POS has more than BigCommerce."""
        return self.pos_total - self.order_total


class Reason(Struct, frozen=True):
    """Sales of one store that wait for the same reason.

    ``group`` names the reason (see ``sale.reasons``); ``why`` and ``cure`` are those of one; ``totals`` is what they come to,
    by currency; ``oldest`` and ``newest`` are the first and the last by time of sale, ``since`` when the first began to wait.
    """

    store: str
    state: State
    group: str
    why: str
    cure: str
    number: int
    oldest: datetime
    newest: datetime
    since: datetime
    totals: Mapping[str, Decimal]

    @property
    def kind(self) -> ReasonKind:
        """What is known of such reasons."""
        return kind_of_group(self.group)

    @property
    def words(self) -> str:
        """What is wrong: of one sale in its own words, of several in the words of their kind, where these say enough."""
        return self.why if self.number == 1 or self.kind.by_words else self.kind.many

    @property
    def help(self) -> str:
        """What to do about it."""
        return self.cure if self.number == 1 else self.kind.do


class Attempted(NamedTuple):
    """What attempts are counted by."""

    store: str
    kind: str
    outcome: str


class OverviewRepository(Repository):
    """What pages show of sales and attempts: each read walks an index, as far as it shows."""

    @reads
    def sources(self, connection: Connection) -> set[str]:
        """Return the sources that have any sale."""
        return set(each_value(connection, sales.c.source))

    @reads
    def sides(self, connection: Connection, source: str, day: date) -> list[Sides]:
        """Return both sides of a source's business day, by currency; see ``_sides``."""
        return _sides(connection, sales.c.source == source, sales.c.business_day == day.isoformat())

    @reads
    def sides_of_store(self, connection: Connection, store: str, first: date, last: date) -> list[Sides]:
        """Return both sides of some business days of a store, both included, by currency; see ``_sides``."""
        days = sales.c.business_day.between(first.isoformat(), last.isoformat())
        return _sides(connection, sales.c.store == store, days)

    @reads
    def sides_of_day(self, connection: Connection, day: date) -> list[Sides]:
        """Return both sides of a business day of all sources, by currency; see ``_sides``."""
        return _sides(connection, sales.c.business_day == day.isoformat())

    def of_days(self, store: str, first: date, last: date) -> Iterator[Sale]:
        """Every sale of a store of some business days, both included, by day, page by page."""
        days, after = (first, last), ("", 0)
        while page := self.database.read(partial(_of_days, store=store, days=days, after=after)):
            yield from page
            after = (page[-1].business_day.isoformat(), page[-1].id)

    @reads
    def synced_after(self, connection: Connection, store: str, after: tuple[int, int], limit: int) -> list[Sale]:
        """Return the next sales of a store that were synced after a place, by time and id."""
        at = after[0]
        later = after_place(sales.c.synced_at, sales.c.id, after)
        query = select(sales).where(sales.c.store == store, sales.c.synced_at >= at, later, is_state(State.SYNCED))
        return read_sales(connection.execute(query.order_by(sales.c.synced_at, sales.c.id).limit(limit)))

    @reads
    def returns_of(self, connection: Connection, store: str, keys: Sequence[str]) -> list[Sale]:
        """Return the returns of a store that name one of some sales, by time."""
        rows = rows_in(connection, select(sales).where(sales.c.store == store), sales.c.returns_of, keys)
        return sorted(read_sales(rows), key=lambda one: (one.placed_at, one.id))

    @reads
    def refunded_since(self, connection: Connection, store: str, day: date) -> list[Sale]:
        """Return the sales of a store from before a day of which money was given back on it, or later."""
        first = day.isoformat()
        query = select(sales).where(sales.c.store == store, sales.c.refunded_on >= first, sales.c.business_day < first)
        return read_sales(connection.execute(query.order_by(sales.c.id)))

    @reads
    def placed(self, connection: Connection, source: str, start: datetime, end: datetime) -> int:
        """How many sales of a source were placed in ``[start, end)``."""
        within = (sales.c.placed_at >= to_micros(start), sales.c.placed_at < to_micros(end))
        return int(connection.execute(select(func.count()).where(sales.c.source == source, *within)).scalar_one())

    @reads
    def first_placed(self, connection: Connection, source: str) -> datetime | None:
        """Return the time of a source's first sale; None where it has none."""
        query = select(func.min(sales.c.placed_at)).where(sales.c.source == source)
        return from_micros(connection.execute(query).scalar())

    @reads
    def newest_placed(self, connection: Connection) -> datetime | None:
        """When the newest sale was placed."""
        query = select(sales.c.placed_at).order_by(sales.c.placed_at.desc()).limit(1)
        return from_micros(connection.execute(query).scalar())

    @reads
    def key_of(self, connection: Connection, number: int) -> str | None:
        """Return the key of the sale with this number in the ledger."""
        return connection.execute(select(sales.c.sale_key).where(sales.c.id == number)).scalar_one_or_none()

    @reads
    def newest_attempt(self, connection: Connection) -> int:
        """Return the number of the newest attempt, 0 where there is none."""
        return int(connection.execute(select(func.max(attempts.c.id))).scalar() or 0)

    @reads
    def reasons(self, connection: Connection, state: State) -> list[Reason]:
        """Why the sales of a state are in it, the most frequent reason first."""
        by = (sales.c.store, sales.c.reason, sales.c.currency)
        parts = _parts(connection, sales.c.total_inc_tax)
        firsts = (func.min(sales.c[name]) for name in ("why", "cure", "placed_at", "changed_at"))
        query = select(*by, func.count(), *(func.sum(part) for part in parts), *firsts, func.max(sales.c.placed_at))
        query = query.where(is_state(state), sales.c.reason != "").group_by(*by)
        found: dict[tuple[str, str], Reason] = {}
        for store, group, currency, number, units, rest, *first in connection.execute(query):
            why, cure, oldest, since, newest = first
            one = Reason(
                store, state, group, why, cure or "", int(number), from_micros(oldest), from_micros(newest), from_micros(since),
                {currency: _amount(units, rest)},
            )  # fmt: skip
            before = found.get((store, group))
            found[store, group] = one if before is None else _both(before, one)
        return sorted(found.values(), key=lambda one: (-one.number, one.group, one.store))

    @reads
    def named(
        self, connection: Connection, name: str, sources: Sequence[str], stores: Sequence[str]
    ) -> tuple[int, ...]:
        """Return the sales that ``name`` may mean: a sale key, the POS's own id, a receipt number, or an order's number."""
        keys = [name, *(f"{source}:{name}" for source in sources)]
        found = [sales.c.sale_key.in_(keys), sales.c.number == name]
        if name.isdigit() and len(name) <= 18:
            found.append(sales.c.store.in_(stores) & (sales.c.order_id == int(name)))
        ids: dict[int, None] = {}
        for one in found:  # each by an index of its own
            ids |= dict.fromkeys(connection.execute(select(sales.c.id).where(one).limit(_MOST_FOUND)).scalars())
        return tuple(ids)

    @reads
    def page(
        self, connection: Connection, selection: Selection, limit: int, before: tuple[int, int] | None = None
    ) -> list[Sale]:
        """Return the chosen sales, newest first; those before a place (``place_of`` the last one of the page before)."""
        query = select(sales.c.id).where(*conditions(selection, connection.dialect.name))
        if before is not None:
            at, number = before
            earlier = (sales.c.placed_at < at) | ((sales.c.placed_at == at) & (sales.c.id < number))
            query = query.where(sales.c.placed_at <= at, earlier)
        query = query.order_by(sales.c.placed_at.desc(), sales.c.id.desc()).limit(limit)
        ids = list(connection.execute(query).scalars())  # what is sorted are numbers, and no documents
        found = {one.id: one for one in read_sales(rows_in(connection, select(sales), sales.c.id, ids))}
        return [found[number] for number in ids]

    @reads
    def how_many(self, connection: Connection, selection: Selection, most: int) -> int:
        """How many sales are chosen: exactly where only a store or a state is, else as far as ``most``."""
        if selection == Selection(store=selection.store, state=selection.state):
            of_states = number_of(connection, selection.store).items()
            return sum(number for (_, _, state), number in of_states if selection.state in (None, state))
        some = select(sales.c.id).where(*conditions(selection, connection.dialect.name)).limit(most).subquery()
        return int(connection.execute(select(func.count()).select_from(some)).scalar_one())

    @reads
    def is_cut(self, connection: Connection, selection: Selection) -> bool:
        """Whether more sales have a selection's words than a search looks at: then it chooses among the newest alone."""
        found = found_by_words(selection, connection.dialect.name)
        if found is None:
            return False
        return int(connection.execute(select(func.count()).select_from(found.subquery())).scalar_one()) >= MOST_FOUND

    @reads
    def attempted(self, connection: Connection, after: int) -> tuple[dict[Attempted, int], int]:
        """Count attempts later than ``after`` by outcome, up to the first that is open; return where the next count begins, too."""
        newest = int(connection.execute(select(func.max(attempts.c.id))).scalar() or 0)
        still_open = select(func.min(attempts.c.id)).where(attempts.c.settled_at.is_(None), attempts.c.id > after)
        first_open = connection.execute(still_open).scalar()
        up_to = max(after, newest if first_open is None else int(first_open) - 1)
        by = (sales.c.store, attempts.c.kind, attempts.c.outcome)
        counted = select(*by, func.count()).join(sales, sales.c.id == attempts.c.sale_id)
        rows = connection.execute(counted.where(attempts.c.id > after, attempts.c.id <= up_to).group_by(*by))
        return {Attempted(row[0], row[1], row[2] or "none"): int(row[3]) for row in rows}, up_to

    @reads
    def log(self, connection: Connection, before: tuple[int, int] | None, limit: int) -> list[LogRow]:
        """Return the newest lines of the log; those before a line's place."""
        return log_rows(connection, before, limit)


def place_of(sale: Sale) -> tuple[int, int]:
    """Where a sale stands in a list, newest first."""
    return to_micros(sale.placed_at), sale.id


def _sides(connection: Connection, *chosen: ColumnElement[bool]) -> list[Sides]:
    """Return what the POS sold and what BigCommerce last answered of some sales, by currency; returns are in no sum.

    The sums are of whole numbers, so that no float ever adds up money: exact in both databases.
    """
    voided = sales.c.document.like(f'%"status":"{SaleStatus.VOIDED.value}"%')
    no_order = sales.c.order_id.is_(None) | sales.c.there_status.in_(_NO_SALE)
    stands = case((no_order, ~func.coalesce(voided, False)), else_=True)  # a document is read only where it matters
    counts = sales.c.order_id.is_not(None) & sales.c.there_status.not_in(_NO_SALE)
    is_sale = sales.c.total_inc_tax.not_like("-%")
    sold, there = and_(is_sale, stands), and_(is_sale, counts)
    missing = sales.c.state.in_(_MISSING) & ((~is_sale) | sales.c.order_id.is_(None) | sales.c.state.in_(_STANDS_STILL))
    query = select(
        sales.c.currency,
        func.sum(case((missing, 1), else_=0)),
        func.sum(case((sold, 1), else_=0)),
        func.sum(case((there, 1), else_=0)),
        *(func.sum(case((sold, part), else_=0)) for part in _parts(connection, sales.c.total_inc_tax)),
        *(func.sum(case((there, part), else_=0)) for part in _parts(connection, sales.c.there_total)),
    ).where(*chosen, sales.c.state != State.SKIPPED.value)
    rows = connection.execute(query.group_by(sales.c.currency).order_by(sales.c.currency))
    found = [
        Sides(row[0], int(row[2]), int(row[3]), _amount(*row[4:6]), _amount(*row[6:8]), int(row[1])) for row in rows
    ]
    return [one for one in found if one.sales or one.orders or one.missing]


def _parts(connection: Connection, column: ColumnElement[Any]) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Return an amount's whole units, and its places as a whole number: two sums, of which neither overflows on SQLite.

    Sums there are of 64 bits, and an amount may have twelve digits before the point.
    """
    if connection.dialect.name != "sqlite":
        return cast(column, Numeric), literal_column("0", Integer)
    point = func.instr(column, ".")
    digits = func.substr(func.substr(column, point + 1).op("||")("0" * _PLACES), 1, _PLACES)
    rest = case((point > 0, cast(digits, Integer)), else_=0)
    return cast(column, Integer), case((column.like("-%"), -rest), else_=rest)


def _amount(units: Any, rest: Any) -> Decimal:  # noqa: ANN401  whole numbers or Decimals, as the database has them
    return Decimal(units or 0) + Decimal(rest or 0).scaleb(-_PLACES)


def _both(one: Reason, other: Reason) -> Reason:
    """Return the same reason in two currencies as one."""
    return replace(
        one,
        number=one.number + other.number,
        oldest=min(one.oldest, other.oldest),
        newest=max(one.newest, other.newest),
        since=min(one.since, other.since),
        totals={**one.totals, **other.totals},
    )


def _of_days(connection: Connection, store: str, days: tuple[date, date], after: tuple[str, int]) -> list[Sale]:
    """Return the next sales of a store of some business days, by day and id; ``after`` is the last one's day and id."""
    day = after[0]
    column, first, last = sales.c.business_day, max(day, days[0].isoformat()), days[1].isoformat()
    later = after_place(column, sales.c.id, after)
    query = select(sales).where(sales.c.store == store, column.between(first, last), later)
    return read_sales(connection.execute(query.order_by(column, sales.c.id).limit(_ROWS_AT_ONCE)))
