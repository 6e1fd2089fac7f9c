"""Intake: a batch of sales, its faults and its cursor, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, Row, insert, select, text, update

from syncd.canonical import Batch, CanonicalOrder, fingerprint
from syncd.ledger.faults import record_faults, settle_by_sales
from syncd.ledger.moves import SYNCD, write_audit
from syncd.ledger.sale import Route, Router
from syncd.ledger.schema import cursors, sales
from syncd.ledger.states import Lane, State
from syncd.ledger.times import to_micros

_KEYS_AT_ONCE = 500
_ON_THE_WIRE = (State.SENDING, State.UNKNOWN)
_ANOTHER_DAY = timedelta(days=1) // timedelta(microseconds=1)
_REUSED = "looks like a reused id: the ledger knows a sale of {day} with a total of {total} under it"
_REUSED_CURE = (
    "If the POS's database was reset, give the source a new name; if it is the same sale: syncd release {key}"
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one batch came to: new and changed sales, sales already known as they are, those held, new faults."""

    new: int = 0
    changed: int = 0
    same: int = 0
    held: int = 0
    faults: int = 0


@dataclass(frozen=True, slots=True)
class Intake:
    """Where a batch belongs: its source, the router for its sales, its lane and its backfill."""

    source: str
    router: Router
    lane: Lane
    backfill: int | None
    history: bool = False


def record(connection: Connection, intake: Intake, batch: Batch, now: datetime) -> Recorded:
    """Write a batch; the same sale twice in it counts once, the last version wins."""
    _alone(connection, intake.source)
    prints = {order.sale_key: (order, fingerprint(order)) for order in batch.orders}
    known = {row.sale_key: row for row in _known(connection, list(prints))}
    new = [(order, mark) for key, (order, mark) in prints.items() if key not in known]
    moved = [
        (order, mark, known[key])
        for key, (order, mark) in prints.items()
        if key in known and known[key].fingerprint != mark
    ]
    held = _insert(connection, intake, new, now)
    held += sum(_change(connection, intake, order, mark, row, now) for order, mark, row in moved)
    _promote(connection, intake, [row.id for key, row in known.items() if row.lane == Lane.BACKFILL.value])
    settle_by_sales(connection, intake.source, list(prints), now)
    faulty = record_faults(connection, intake.source, batch.faults, now)
    write_cursor(connection, cursor_name(intake.source, intake.backfill), batch.cursor, now)
    return Recorded(len(new), len(moved), len(prints) - len(new) - len(moved), held, faulty)


def _alone(connection: Connection, source: str) -> None:
    """One intake of a source at a time: two would both find a sale missing and both insert it. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        key = int.from_bytes(blake2b(f"syncd record {source}".encode(), digest_size=8).digest(), signed=True)
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": key})


_KNOWN = (
    sales.c.id,
    sales.c.sale_key,
    sales.c.fingerprint,
    sales.c.state,
    sales.c.lane,
    sales.c.settled_by,
    sales.c.placed_at,
    sales.c.total_inc_tax,
    sales.c.currency,
)


def _known(connection: Connection, keys: Sequence[str]) -> Iterable[Row[*tuple[Any, ...]]]:
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        some = sales.c.sale_key.in_(keys[start : start + _KEYS_AT_ONCE])
        yield from connection.execute(select(*_KNOWN).where(some).with_for_update())


def _insert(connection: Connection, intake: Intake, orders: Sequence[tuple[CanonicalOrder, str]], now: datetime) -> int:
    if not orders:
        return 0
    rows, routes = [], []
    for order, mark in orders:
        route = intake.router(order)
        routes.append(route)
        rows.append(_row(order, mark, intake, route, now))
    connection.execute(insert(sales), rows)
    first = _ids(connection, [order.sale_key for order, _ in orders])
    audits = [
        _audit(first[order.sale_key], None, route.state, route.why or "recorded", now)
        for (order, _), route in zip(orders, routes, strict=True)
    ]
    write_audit(connection, audits)
    return sum(route.state is State.HELD for route in routes)


def _ids(connection: Connection, keys: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        query = select(sales.c.sale_key, sales.c.id).where(sales.c.sale_key.in_(keys[start : start + _KEYS_AT_ONCE]))
        found.update((row.sale_key, row.id) for row in connection.execute(query))
    return found


def _row(order: CanonicalOrder, mark: str, intake: Intake, route: Route, now: datetime) -> dict[str, Any]:
    micros = to_micros(now)
    return {
        "sale_key": order.sale_key,
        "source": intake.source,
        "store": route.store,
        "lane": intake.lane.value,
        "recorded_at": micros,
        "backfill": intake.backfill,
        "history": int(intake.history),
        **_said(order, mark, now),
        **_routed(route, now),
    }


def _said(order: CanonicalOrder, mark: str, now: datetime) -> dict[str, Any]:
    return {
        "fingerprint": mark,
        "placed_at": to_micros(order.placed_at),
        "changed_at": to_micros(now),
        "currency": order.currency,
        "total_inc_tax": format(order.total_inc_tax, "f"),
        "total_tax": format(order.total_tax, "f"),
        "number": order.number,
        "location": order.location.label if order.location else None,
        "register": order.register.label if order.register else None,
        "document": order.to_json(),
        "returns_of": order.returns_of,
    }


def _routed(route: Route, now: datetime) -> dict[str, Any]:
    due = to_micros(now) if route.state is State.PENDING else None
    return {
        "state": route.state.value,
        "why": route.why,
        "cure": route.cure,
        "next_attempt_at": due,
        "settled_by": SYNCD,
    }


def _audit(sale_id: int, before: State | None, after: State, why: str, now: datetime) -> dict[str, Any]:
    return {
        "sale_id": sale_id,
        "at": to_micros(now),
        "actor": SYNCD,
        "before": before.value if before else None,
        "after": after.value,
        "why": why,
        "attempt_id": None,
    }


def _change(  # noqa: PLR0913, PLR0917  one sale, as it is said now and as it is kept
    connection: Connection, intake: Intake, order: CanonicalOrder, mark: str, row: Row[*tuple[Any, ...]], now: datetime
) -> int:
    """A sale says something new: its document always, its state as the sale calls for and as far as nothing is on the wire."""
    before = State(row.state)
    values = _said(order, mark, now)
    if before in _ON_THE_WIRE:
        after, why = before, "changed in the POS while a request was on the wire"
    elif before is State.SKIPPED and row.settled_by != SYNCD:
        after, why = before, "changed in the POS; a person had skipped it"
    else:
        route = _reused(order, row) or intake.router(order)
        after, why = route.state, route.why or "changed in the POS"
        values |= _routed(route, now) | {"tries": 0}
    connection.execute(update(sales).where(sales.c.id == row.id, sales.c.state == before.value).values(**values))
    write_audit(connection, [_audit(row.id, before, after, why, now)])
    return int(after is State.HELD)


def _reused(order: CanonicalOrder, row: Row[*tuple[Any, ...]]) -> Route | None:
    """A known id with another day *and* another total is more likely a POS database that began anew than an edit."""
    far = abs(to_micros(order.placed_at) - row.placed_at) > _ANOTHER_DAY
    if not far or Decimal(row.total_inc_tax) == order.total_inc_tax:
        return None
    day = datetime.fromtimestamp(row.placed_at / 1e6, order.placed_at.tzinfo).date()
    why = _REUSED.format(day=day, total=f"{row.total_inc_tax} {row.currency}")
    return Route("", State.HELD, why, _REUSED_CURE.format(key=order.sale_key))


def _promote(connection: Connection, intake: Intake, ids: Sequence[int]) -> None:
    """A backfilled sale that arrives live as well need not wait behind its backfill."""
    if intake.lane is Lane.LIVE and ids:
        waiting = (sales.c.id.in_(ids), sales.c.state == State.PENDING.value)
        connection.execute(update(sales).where(*waiting).values(lane=Lane.LIVE.value))


def cursor_name(source: str, backfill: int | None) -> str:
    """The name under which a cursor is kept; a backfill walks with one of its own."""
    return source if backfill is None else f"{source}#{backfill}"


def write_cursor(connection: Connection, name: str, cursor: str, now: datetime) -> None:
    """Move a cursor."""
    values = {"cursor": cursor, "at": to_micros(now)}
    if not connection.execute(update(cursors).where(cursors.c.name == name).values(**values)).rowcount:
        connection.execute(insert(cursors).values(name=name, **values))
