"""Convert between rows and values: times, amounts, JSON; and split long lists of parameters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar, overload

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, Delete, Row, Select, Update, literal_column

from syncd.clock import BootTime
from syncd.ledger.schema import sales
from syncd.sale.checkout import Checkout
from syncd.sale.facts import Doubt, Objection
from syncd.sale.states import AttemptKind, State


def as_text(amount: Decimal | None) -> str | None:
    """Write an amount as the ledger keeps it."""
    return None if amount is None else format(amount, "f")


def write_doubt(doubt: Doubt | None) -> str | None:
    """Write a doubt as JSON."""
    if doubt is None:
        return None
    times = [[at.boot_id, at.seconds] for at in (doubt.since, *doubt.looks)]
    return json.dumps([doubt.kind, doubt.fingerprint, times, doubt.named, doubt.idle, doubt.interrupted, doubt.more])


def read_doubt(text: str | None) -> Doubt | None:
    """Read what ``write_doubt`` wrote."""
    if not text:
        return None
    kind, fingerprint, times, named, *idle = json.loads(text)
    since, *looks = (BootTime(boot, seconds) for boot, seconds in times)
    return Doubt(AttemptKind(kind), fingerprint, since, tuple(looks), named, *idle)


_CHECKOUT = TypeAdapter(Checkout)


def write_checkout(checkout: Checkout | None) -> str | None:
    """Write how far a checkout has come as JSON."""
    return None if checkout is None else _CHECKOUT.dump_json(checkout, exclude_defaults=True).decode()


def read_checkout(text: str | None) -> Checkout | None:
    """Read what ``write_checkout`` wrote."""
    return _CHECKOUT.validate_json(text) if text else None


def write_objection(objection: Objection | None) -> str | None:
    """Write an objection as JSON."""
    if objection is None:
        return None
    return json.dumps([objection.fingerprint, objection.state, objection.why, objection.cure])


def read_objection(text: str | None) -> Objection | None:
    """Read what ``write_objection`` wrote."""
    if not text:
        return None
    fingerprint, state, why, cure = json.loads(text)
    return Objection(fingerprint, State(state), why, cure)


T = TypeVar("T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)


def to_micros(at: datetime) -> int:
    """Convert an aware time to microseconds since 1970."""
    return (at - _EPOCH) // _MICRO


@overload
def from_micros(micros: int) -> datetime: ...
@overload
def from_micros(micros: int | None) -> datetime | None: ...
def from_micros(micros: int | None) -> datetime | None:
    """Convert microseconds since 1970 to an aware time in UTC."""
    return None if micros is None else _EPOCH + timedelta(microseconds=micros)


def is_state(state: State) -> ColumnElement[bool]:
    """Return the condition for a state, written out and not bound: only then does SQLite use the partial indexes."""
    it_is = sales.c.state == literal_column(f"'{state.value}'")
    return it_is if state is State.SYNCED else it_is & (sales.c.state != literal_column("'synced'"))


_AT_ONCE = 500  # parameters of one statement: SQLite's oldest limit is 999


def chunked(values: Sequence[T], size: int = _AT_ONCE) -> Iterator[Sequence[T]]:
    """Split values into parts that one statement can take."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def rows_in(
    connection: Connection, query: Select[*tuple[Any, ...]], column: ColumnElement[Any], values: Sequence[object]
) -> Iterator[Row[*tuple[Any, ...]]]:
    """Yield the rows of ``query`` whose ``column`` is one of ``values``, however many those are."""
    for some in chunked(values):
        yield from connection.execute(query.where(column.in_(some)))


def change_in(
    connection: Connection, change: Update | Delete, column: ColumnElement[Any], values: Sequence[object]
) -> int:
    """Update or delete the rows whose ``column`` is one of ``values``; return how many they were."""
    return sum(connection.execute(change.where(column.in_(some))).rowcount for some in chunked(values))
