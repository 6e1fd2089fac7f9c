"""Convert between rows and values: sales, facts, times and amounts; and split long lists of parameters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar, overload

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, Delete, Row, Select, Update, literal_column

from syncd.clock import BootTime
from syncd.ledger.schema import sales
from syncd.sale.checkout import Checkout
from syncd.sale.facts import NO_BELIEF, Belief, Doubt, Objection, OrderSnapshot
from syncd.sale.overrides import Overrides
from syncd.sale.sale import Sale
from syncd.sale.states import AttemptKind, Lane, State


def read_sale(row: Row[*tuple[Any, ...]]) -> Sale:
    """Read a sale from its row."""
    return sale_of(row._mapping)  # noqa: SLF001  SQLAlchemy's documented access to a row's columns


def sale_of(values: Mapping[Any, Any]) -> Sale:
    """Read a sale from its columns."""
    return Sale(
        id=values["id"],
        sale_key=values["sale_key"],
        source=values["source"],
        store=values["store"],
        lane=Lane(values["lane"]),
        state=State(values["state"]),
        fingerprint=values["fingerprint"],
        placed_at=(placed := from_micros(values["placed_at"])),
        business_day=date.fromisoformat(values["business_day"]) if values["business_day"] else placed.date(),
        recorded_at=from_micros(values["recorded_at"]),
        changed_at=from_micros(values["changed_at"]),
        next_attempt_at=from_micros(values["next_attempt_at"]),
        synced_at=from_micros(values["synced_at"]),
        tries=values["tries"],
        why=values["why"],
        cure=values["cure"],
        currency=values["currency"],
        total_inc_tax=Decimal(values["total_inc_tax"]),
        total_tax=Decimal(values["total_tax"]),
        number=values["number"],
        location=values["location"],
        register=values["register"],
        document=values["document"],
        source_hold=values["hold"] or "",
        returns_of=values["returns_of"],
        history=bool(values["history"]),
        version=values["version"],
        updated_at=from_micros(values["updated_at"]),
        stated_at=from_micros(values["stated_at"]),
        read_by=values["read_by"],
        belief=_belief(values) if values["order_id"] is not None else NO_BELIEF,
        doubt=read_doubt(values["doubt"]),
        objection=read_objection(values["objection"]),
        overrides=Overrides.from_json(values["decisions"]),
        out_of_stock={int(number): why for number, why in json.loads(values["short"] or "{}").items()},
        checkout=read_checkout(values["checkout"]),
        unconfirmed_creates=values["unclean"],
        external_key=values["sent_as"],
        newest_order_before=values.get("order_floor"),
    )


def _belief(values: Mapping[Any, Any]) -> Belief:
    total, tax = values["asked_total"], values["asked_tax"]
    return Belief(
        values["order_id"],
        values["told"],
        OrderSnapshot(
            values["there_status"],
            _amount(values["there_total"]),
            _amount(values["there_tax"]),
            values["there_currency"],
            from_micros(values["there_placed_at"]),
        ),
        (Decimal(total), Decimal(tax)) if total is not None and tax is not None else None,
        tuple(json.loads(values["differs"] or "[]")),
    )


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def fact_columns(sale: Sale) -> dict[str, Any]:
    """Return the columns of a sale's belief, doubt, objection and overrides."""
    belief, there = sale.belief, sale.belief.snapshot
    total, tax = belief.requested_totals or (None, None)
    return {
        "order_id": belief.order_id,
        "told": belief.confirmed_version,
        "there_status": there.status_id,
        "there_total": as_text(there.total_inc_tax),
        "there_tax": as_text(there.total_tax),
        "there_currency": there.currency,
        "there_placed_at": None if there.placed_at is None else to_micros(there.placed_at),
        "asked_total": as_text(total),
        "asked_tax": as_text(tax),
        "differs": json.dumps(belief.differs) if belief.differs else None,
        "doubt": write_doubt(sale.doubt),
        "objection": write_objection(sale.objection),
        "decisions": sale.overrides.to_json(),
        "returns_of": sale.returns_of,
        "short": json.dumps(sale.out_of_stock) if sale.out_of_stock else None,
        "checkout": write_checkout(sale.checkout),
        "unclean": sale.unconfirmed_creates,
        "tries": sale.tries,
    }


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
