"""All reads for commands and pages: no locks, connections that cannot write."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, literal_column, or_, select

from syncd.canonical.kinds import SaleStatus
from syncd.ledger.rows import chunked, from_micros, is_state, rows_in, to_micros
from syncd.ledger.sale_columns import read_sale
from syncd.ledger.schema import attempts, audit, backfills, cursors, known_orders, sales
from syncd.sale.sale import Sale
from syncd.sale.states import AttemptKind, BackfillStage, Lane, State

_ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Selection:
    """Which sales a command means; what is not given does not narrow."""

    keys: tuple[str, ...] = ()
    store: str | None = None
    source: str | None = None
    state: State | None = None
    text: str | None = None
    days: tuple[date, date] | None = None
    backfill: int | None = None
    ids: tuple[int, ...] | None = None
    reason: str | None = None
    location: str | None = None
    register: str | None = None
    total: Decimal | None = None
    sku: str | None = None
    lane: Lane | None = None
    has_order: bool | None = None


@dataclass(frozen=True, slots=True)
class AttemptRow:
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


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One change of state: when, who, from what to what, why."""

    at: datetime
    actor: str
    before: str | None
    after: str
    why: str


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that the ledger knows of one sale."""

    sale: Sale
    attempts: tuple[AttemptRow, ...]
    audit: tuple[AuditRow, ...]


@dataclass(frozen=True, slots=True)
class Lag:
    """How old the oldest sale is that waits, and how new the newest that was synced; None where there is none."""

    oldest_pending: datetime | None
    newest_synced: datetime | None


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


def due(connection: Connection, store: str, limit: int, now: datetime, far: timedelta) -> list[Sale]:
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


def _due_queries(connection: Connection) -> Iterator[tuple[Select[Any], Mapping[str, int]]]:
    yield _DUE[Lane.LIVE], {}
    if connection.execute(_PAUSED).first() is None:
        yield _DUE[Lane.BACKFILL], {}
        return
    yield _DUE_OF_NONE, {}
    for number in connection.execute(_NOT_PAUSED).scalars().all():
        yield _DUE_OF_ONE, {"number": number}


def ended_holds(connection: Connection, store: str, now: datetime) -> list[Sale]:
    """Held sales whose hold was to end by now."""
    held = sales.c.store == store, is_state(State.HELD), sales.c.next_attempt_at <= to_micros(now)
    return [read_sale(row) for row in connection.execute(select(sales).where(*held).limit(_ROWS_AT_ONCE))]


def unsettled(connection: Connection, store: str, limit: int, now: datetime, far: timedelta) -> list[Sale]:
    """Unknown sales whose look-up is due, with the floor of their last attempt."""
    ready = (sales.c.next_attempt_at <= to_micros(now)) | (sales.c.next_attempt_at > to_micros(now + far))
    last = select(func.max(attempts.c.id)).where(attempts.c.sale_id == sales.c.id).correlate(sales).scalar_subquery()
    row = [column for column in sales.c if column is not sales.c.document]  # nobody reads what ten thousand of them say
    query = (
        select(*row, literal_column("null").label("document"), attempts.c.order_floor)
        .join(attempts, attempts.c.id == last, isouter=True)
        .where(sales.c.store == store, is_state(State.UNKNOWN), ready)
        .order_by(sales.c.next_attempt_at)
        .limit(limit)
    )
    return [read_sale(row) for row in connection.execute(query)]


_FIRST = (AttemptKind.CREATE.value, AttemptKind.FINISH.value)  # what makes an order the sale's


def stamps(connection: Connection, sale_id: int) -> list[str]:
    """Return what the sale's order was last made to say, and every later try that may have taken effect; oldest first.

    The last success is the newest attempt that was accepted; where a look-up found the order, the newest create. Where there is
    neither, another ledger made the order, and nothing is certain: a try that got lost is no word that it was told.
    """
    stamped = (attempts.c.stamp.is_not(None), attempts.c.kind != AttemptKind.REFUND.value)
    query = select(attempts).where(attempts.c.sale_id == sale_id, *stamped).order_by(attempts.c.id)
    rows = connection.execute(query).all()
    accepted = [row.id for row in rows if row.outcome == "accepted"] or [row.id for row in rows if row.kind in _FIRST]
    return [row.stamp for row in rows if row.id >= accepted[-1]] if accepted else []


def stamps_of(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    """Return the stamp of the newest attempt of each sale that was accepted, else that of its newest create."""
    found: dict[int, str] = {}
    stamped = (attempts.c.stamp.is_not(None), attempts.c.kind != AttemptKind.REFUND.value)
    for some in chunked(ids):
        query = select(attempts).where(*stamped, attempts.c.sale_id.in_(some))
        rows = connection.execute(query.order_by(attempts.c.id)).all()
        found |= {row.sale_id: row.stamp for row in rows if row.kind in _FIRST}
        found |= {row.sale_id: row.stamp for row in rows if row.outcome == "accepted"}
    return found


def sent_at(connection: Connection, ids: Sequence[int]) -> dict[int, datetime]:
    """When the newest attempt of each sale was settled."""
    newest = select(attempts.c.sale_id, func.max(attempts.c.settled_at)).where(attempts.c.settled_at.is_not(None))
    rows = rows_in(connection, newest.group_by(attempts.c.sale_id), attempts.c.sale_id, ids)
    return {number: from_micros(at) for number, at in rows}


def refunds_sent(connection: Connection, sale_id: int) -> list[tuple[str, str | None]]:
    """Return the stamp and the outcome of every refund record that was sent for a sale."""
    of_sale = (
        attempts.c.sale_id == sale_id,
        attempts.c.kind == AttemptKind.REFUND.value,
        attempts.c.stamp.is_not(None),
    )
    return [(row.stamp, row.outcome) for row in connection.execute(select(attempts).where(*of_sale))]


def last_attempt_at(connection: Connection) -> datetime | None:
    """When the newest attempt of all began."""
    newest = select(attempts.c.began_at).order_by(attempts.c.id.desc()).limit(1)
    return from_micros(connection.execute(newest).scalar())


def last_sent(connection: Connection, sale_id: int) -> AttemptKind | None:
    """Return the kind of a sale's newest attempt that was accepted."""
    accepted = select(attempts.c.kind).where(attempts.c.sale_id == sale_id, attempts.c.outcome == "accepted")
    found = connection.execute(accepted.order_by(attempts.c.id.desc()).limit(1)).scalar()
    return None if found is None else AttemptKind(found)


def returned_total(connection: Connection, of: str, but: str) -> Decimal:
    """Return what the returns that the order of a sale shows come to (positive), leaving out the return ``but``.

    One that has changed since is among them: the order shows it, and goes on doing so.
    """
    shown = or_(is_state(State.SYNCED), sales.c.order_id.is_not(None))
    query = select(sales.c.total_inc_tax).where(sales.c.returns_of == of, sales.c.sale_key != but, shown)
    return -sum((Decimal(text) for text in connection.execute(query).scalars()), Decimal(0))


def of_orders(connection: Connection, store: str, order_ids: Sequence[int]) -> list[Sale]:
    """Return the sales that are linked to some orders of a store."""
    rows = rows_in(connection, select(sales).where(sales.c.store == store), sales.c.order_id, order_ids)
    return [read_sale(row) for row in rows]


def find(connection: Connection, selection: Selection, limit: int, offset: int = 0) -> list[Sale]:
    """Return the chosen sales, newest first."""
    query = select(sales).where(*conditions(selection)).order_by(sales.c.placed_at.desc(), sales.c.id.desc())
    return [read_sale(row) for row in connection.execute(query.limit(limit).offset(offset))]


_EQUAL = ("store", "source", "location", "register", "backfill", "reason")


def conditions(selection: Selection) -> list[ColumnElement[bool]]:
    """Return a selection as conditions on ``sales``."""
    wanted = [sales.c[name] == value for name in _EQUAL if (value := getattr(selection, name)) is not None]
    if selection.keys:
        wanted.append(sales.c.sale_key.in_(selection.keys))
    if selection.ids is not None:
        wanted.append(sales.c.id.in_(selection.ids))
    if selection.lane is not None:
        wanted.append(sales.c.lane == selection.lane.value)
    if selection.has_order is not None:
        wanted.append(sales.c.order_id.is_not(None) if selection.has_order else sales.c.order_id.is_(None))
    if selection.state is not None:
        wanted.append(is_state(selection.state))
    if selection.text:
        wanted.append(sales.c.why.contains(selection.text, autoescape=True))
    if selection.days is not None:
        first, last = selection.days
        wanted.append(sales.c.business_day.between(first.isoformat(), last.isoformat()))
    return wanted + _by_content(selection)


def _by_content(selection: Selection) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if selection.total is not None:
        plain = selection.total.normalize()
        wanted.append(sales.c.total_inc_tax.in_({format(plain, f) for f in ("f", ".1f", ".2f", ".3f")}))
    if selection.sku is not None:
        wanted.append(
            sales.c.document.contains(f'"sku":{json.dumps(selection.sku, ensure_ascii=False)}', autoescape=True)
        )
    return wanted


def sale(connection: Connection, key: str) -> Sale | None:
    """One sale by its key."""
    row = connection.execute(select(sales).where(sales.c.sale_key == key)).one_or_none()
    return read_sale(row) if row is not None else None


def story(connection: Connection, key: str) -> Story | None:
    """Return a sale with its attempts and its audit rows, oldest first."""
    found = sale(connection, key)
    if found is None:
        return None
    tries = connection.execute(_of(attempts.c.sale_id, found.id, select(attempts).order_by(attempts.c.id)))
    rows = connection.execute(_of(audit.c.sale_id, found.id, select(audit).order_by(audit.c.id)))
    return Story(
        found,
        tuple(
            AttemptRow(
                row.id,
                row.kind,
                from_micros(row.began_at),
                from_micros(row.settled_at),
                row.outcome,
                row.status,
                row.request_id,
                None if row.elapsed_ms is None else row.elapsed_ms / 1000,
                row.detail,
            )
            for row in tries
        ),
        tuple(AuditRow(from_micros(row.at), row.actor, row.before, row.after, row.why) for row in rows),
    )


def _of(column: ColumnElement[Any], sale_id: int, query: Select[Any]) -> Select[Any]:
    return query.where(column == sale_id)


def lag(connection: Connection, store: str) -> Lag:
    """How far behind a store is."""
    waiting = select(func.min(sales.c.recorded_at)).where(sales.c.store == store, is_state(State.PENDING))
    newest = select(func.max(sales.c.synced_at)).where(sales.c.store == store)
    return Lag(from_micros(connection.execute(waiting).scalar()), from_micros(connection.execute(newest).scalar()))


def source_names(connection: Connection) -> set[str]:
    """Return the sources that have a cursor: each has one from its first batch on, a backfill's under ``name#number``."""
    return {name.partition("#")[0] for name in connection.execute(select(cursors.c.name)).scalars()}


def open_checkouts(connection: Connection, store: str) -> int:
    """Count the pending sales of a store whose cart is there; one whose cart could not be made has a checkout and no cart."""
    begun = sales.c.store == store, is_state(State.PENDING), sales.c.checkout.is_not(None)
    there = sales.c.checkout.like('%"cart_id"%'), sales.c.checkout.not_like('%"cart_deleted"%')
    return int(connection.execute(select(func.count()).select_from(sales).where(*begun, *there)).scalar() or 0)


def knows_any(connection: Connection, store: str) -> bool:
    """Whether any order is noted for the store at all."""
    noted = select(known_orders.c.order_id).where(known_orders.c.store == store)
    by_index = noted.order_by(known_orders.c.store, known_orders.c.sale_key)  # else a server may walk every store's
    return connection.execute(by_index.limit(1)).first() is not None


def by_key(connection: Connection, keys: Sequence[str]) -> dict[str, Sale]:
    """Return the sales of some keys, as the ledger or as their orders have them."""
    found: dict[str, Sale] = {}
    wanted = set(keys)
    for column in (sales.c.sale_key, sales.c.sent_as):
        for sale in map(read_sale, rows_in(connection, select(sales), column, keys)):
            found[sale.sale_key if sale.sale_key in wanted else sale.sent_key] = sale
    return found


def placed(connection: Connection, store: str, span: tuple[datetime, datetime], after: tuple[int, int]) -> list[Sale]:
    """Return the next sales of a store placed in ``span``, by time and id; ``after`` is the last one's (microseconds, id)."""
    at, number = after
    later = (sales.c.placed_at > at) | ((sales.c.placed_at == at) & (sales.c.id > number))
    query = select(sales).where(sales.c.store == store, sales.c.placed_at <= to_micros(span[1]), later)
    query = query.where(sales.c.placed_at >= max(at, to_micros(span[0])))
    rows = connection.execute(query.order_by(sales.c.placed_at, sales.c.id).limit(_ROWS_AT_ONCE))
    return [read_sale(row) for row in rows]


def of_days(connection: Connection, store: str, days: tuple[date, date], after: tuple[str, int]) -> list[Sale]:
    """Return the next sales of a store of some business days, by day and id; ``after`` is the last one's day and id."""
    day, number = after
    column, first, last = sales.c.business_day, max(day, days[0].isoformat()), days[1].isoformat()
    later = (column > day) | ((column == day) & (sales.c.id > number))
    query = select(sales).where(sales.c.store == store, column.between(first, last), later)
    return [read_sale(row) for row in connection.execute(query.order_by(column, sales.c.id).limit(_ROWS_AT_ONCE))]


def synced_after(connection: Connection, store: str, after: tuple[int, int], limit: int) -> list[Sale]:
    """Return the next sales of a store that were synced after a place, by time and id."""
    at, number = after
    later = (sales.c.synced_at > at) | ((sales.c.synced_at == at) & (sales.c.id > number))
    query = select(sales).where(sales.c.store == store, sales.c.synced_at >= at, later, is_state(State.SYNCED))
    return [read_sale(row) for row in connection.execute(query.order_by(sales.c.synced_at, sales.c.id).limit(limit))]


def returns_of(connection: Connection, store: str, keys: Sequence[str]) -> list[Sale]:
    """Return the returns of a store that name one of some sales, by time."""
    rows = rows_in(connection, select(sales).where(sales.c.store == store), sales.c.returns_of, keys)
    return sorted(map(read_sale, rows), key=lambda one: (one.placed_at, one.id))


def refunded_since(connection: Connection, store: str, day: date) -> list[Sale]:
    """Return the sales of a store from before a day of which money was given back on it, or later."""
    first = day.isoformat()
    query = select(sales).where(sales.c.store == store, sales.c.refunded_on >= first, sales.c.business_day < first)
    return [read_sale(row) for row in connection.execute(query.order_by(sales.c.id))]


def told_by(
    connection: Connection, source: str, span: tuple[datetime, datetime], after: tuple[int, int]
) -> list[tuple[int, int, str]]:
    """Return the next sales of a source placed in ``span`` that its POS does not say are void: time (microseconds), id and key."""
    at, number = after
    later = (sales.c.placed_at > at) | ((sales.c.placed_at == at) & (sales.c.id > number))
    query = select(sales.c.placed_at, sales.c.id, sales.c.sale_key).where(sales.c.source == source, later)
    query = query.where(sales.c.placed_at.between(max(at, to_micros(span[0])), to_micros(span[1])))
    query = query.where(
        sales.c.document.not_like(f'%"status":"{SaleStatus.VOIDED.value}"%')
    )  # as ``to_json`` writes it
    rows = connection.execute(query.order_by(sales.c.placed_at, sales.c.id).limit(_ROWS_AT_ONCE))
    return [(row[0], row[1], row[2]) for row in rows]


def linked(connection: Connection, store: str, after: tuple[int, int]) -> list[Sale]:
    """Return the next sales of a store that are linked to an order, by order and id; ``after`` is the last one's."""
    order, number = after
    later = (sales.c.order_id > order) | ((sales.c.order_id == order) & (sales.c.id > number))
    query = select(sales).where(sales.c.store == store, sales.c.order_id.is_not(None), sales.c.order_id >= order, later)
    rows = connection.execute(query.order_by(sales.c.order_id, sales.c.id).limit(_ROWS_AT_ONCE))
    return [read_sale(row) for row in rows]
