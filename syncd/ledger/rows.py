"""Convert between rows and values, a sale by one map of its columns; split long lists of parameters; write many rows at once.

A new column of a sale is a line of ``COLUMNS`` here and one in ``schema`` (beside its field in ``Sale`` and its migration).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum, auto
from functools import cache, lru_cache
from operator import attrgetter, itemgetter
from typing import Any, TypeVar, overload

import msgspec
from msgspec import Struct
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Delete,
    Dialect,
    Insert,
    Row,
    Select,
    Table,
    Update,
    bindparam,
    func,
    insert,
    literal_column,
    null,
    select,
    update,
)

from syncd.clock import BootTime
from syncd.ledger.schema import sales
from syncd.sale.checkout import Checkout
from syncd.sale.facts import NO_BELIEF, Belief, Doubt, Objection, OrderSnapshot
from syncd.sale.overrides import Overrides
from syncd.sale.reasons import group_of_sale
from syncd.sale.sale import Sale
from syncd.sale.states import AttemptKind, Lane, State


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


def write_checkout(checkout: Checkout | None) -> str | None:
    """Write how far a checkout has come as JSON."""
    return None if checkout is None else msgspec.json.encode(checkout).decode()


def read_checkout(text: str | None) -> Checkout | None:
    """Read what ``write_checkout`` wrote."""
    return msgspec.json.decode(text, type=Checkout) if text else None


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
S = TypeVar("S", bound=Struct)
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


def read_as(kind: type[S], row: Row[*tuple[Any, ...]], **given: object) -> S:
    """Read a struct from a row: a field as ``given``, else from the column of its name; ``at`` and ``..._at`` are times."""
    values = row._mapping  # noqa: SLF001  SQLAlchemy's documented access to a row's columns
    names = [name for name in kind.__struct_fields__ if name not in given]
    found = {name: from_micros(values[name]) if name.endswith("at") else values[name] for name in names}
    return kind(**found, **given)


def each_value(connection: Connection, column: Column[str]) -> Iterator[str]:
    """Yield the different values of a column, each by a step in its index: there are few among millions of rows."""
    found = select(func.min(column).label("value")).cte("found", recursive=True)
    later = select(func.min(column)).where(column > found.c.value).correlate(found).scalar_subquery()
    found = found.union_all(select(later).where(found.c.value.is_not(None)))
    yield from connection.execute(select(found.c.value).where(found.c.value.is_not(None))).scalars()


def after_place(
    column: ColumnElement[Any], number: ColumnElement[int], place: tuple[object, int]
) -> ColumnElement[bool]:
    """Return the condition for what comes after a place in a walk by a column, and by id among equals."""
    at, last = place
    return (column > at) | ((column == at) & (number > last))


# Many rows
#
# The fast path of recording and pushing. A column that is empty in all of the rows is left out of an insert, and written as a NULL
# of the statement's own by an update: Python's sqlite3 takes longer to bind one NULL than ten texts or numbers, and most columns of
# most sales are empty. Statements are compiled once for each set of columns, and run by the driver itself; values must be of types
# that it takes: texts and numbers.

_KEPT = 256
"""Statements that are kept: one for each set of columns that rows have been seen to fill."""
_FOUND_BY = ("of_id", "of_state")


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, by column name, which all name the same columns; None is a NULL, so that no such column may have a default."""
    if rows:
        execute_many(connection, _insert(table, _filled(rows)), rows)


def update_sales(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Update sales, each found by ``of_id`` and in the state ``of_state``, to the other columns of its row."""
    names = _filled(rows)
    execute_many(connection, _update(names, tuple(name for name in rows[0] if name not in names)), rows)


def _filled(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the columns that at least one row fills."""
    first, *others = rows
    return tuple(
        name for name, value in first.items() if value is not None or any(row[name] is not None for row in others)
    )


def execute_many(connection: Connection, statement: Insert | Update, rows: Sequence[Mapping[str, Any]]) -> None:
    """Run a statement, one that a module keeps, for each row of parameters, by their names."""
    written, order, own = _compiled(statement, connection.dialect)
    whole = [{**own, **row} for row in rows] if own else rows
    connection.exec_driver_sql(written, list(map(itemgetter(*order), whole) if order else whole))


@lru_cache(maxsize=_KEPT)
def _compiled(statement: Insert | Update, dialect: Dialect) -> tuple[str, tuple[str, ...], Mapping[str, Any]]:
    """Return a statement as the driver takes it, the order of its values where it takes them by place, and its own values."""
    compiled = statement.compile(dialect=dialect)
    own = {name: compiled.params[name] for bind, name in compiled.bind_names.items() if not bind.required}
    return str(compiled), tuple(compiled.positiontup or ()), own


@lru_cache(maxsize=_KEPT)
def _insert(table: Table, names: Collection[str]) -> Insert:
    return insert(table).values({name: bindparam(name) for name in names})


@lru_cache(maxsize=_KEPT)
def _update(names: Collection[str], emptied: Collection[str]) -> Update:
    written: dict[str, Any] = {name: bindparam(name) for name in names if name not in _FOUND_BY}
    found = (sales.c.id == bindparam("of_id"), sales.c.state == bindparam("of_state"))
    return update(sales).where(*found).values({**written, **{name: null() for name in emptied}})


# A sale and its row


class Part(Enum):
    """Which write of a sale its columns belong to."""

    IDENTITY = auto()
    """Written once, as the sale is recorded."""
    VERSION = auto()
    """What the POS states: written with each version."""
    STATUS = auto()
    """What follows for the sale: written with each transition."""
    FACT = auto()
    """What is known of its order, and what people decided: written with each transition."""


Convert = Callable[[Any], Any]


class SaleColumn(Struct, frozen=True):
    """A column, and the write that it belongs to.

    ``source`` is the attribute of a sale that it keeps, by its path; ``write`` makes the column's value of that where it is not
    None. Without a source, ``write`` is given the sale. ``field`` is the field of ``Sale`` that is read from it alone, if any.
    """

    name: str
    part: Part
    source: str = ""
    write: Convert | None = None
    field: str = ""
    read: Convert | None = None


def _field(
    name: str, part: Part, field: str = "", read: Convert | None = None, write: Convert | None = None
) -> SaleColumn:
    """Return a column that is one field of ``Sale``, of the same name unless ``field`` says another."""
    return SaleColumn(name, part, field or name, write, field or name, read)


def _written(name: str, part: Part, source: str = "", write: Convert | None = None) -> SaleColumn:
    """Return a column that is read together with others, or not at all."""
    return SaleColumn(name, part, source, write)


def _time(name: str, part: Part) -> SaleColumn:
    return SaleColumn(name, part, name, to_micros, name, from_micros)


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _read_day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _read_short(text: str | None) -> dict[int, str]:
    return {int(number): why for number, why in json.loads(text or "{}").items()}


def _requested(which: int) -> Callable[[tuple[Decimal, Decimal]], str | None]:
    return lambda totals: as_text(totals[which])


def _value(one: Lane | State) -> str:
    return one.value


COLUMNS = (
    _field("sale_key", Part.IDENTITY),
    _field("source", Part.IDENTITY),
    _field("store", Part.IDENTITY),
    _field("lane", Part.IDENTITY, read=Lane, write=_value),
    _time("recorded_at", Part.IDENTITY),
    _field("history", Part.IDENTITY, read=bool, write=int),
    _field("fingerprint", Part.VERSION),
    _time("placed_at", Part.VERSION),
    _field("business_day", Part.VERSION, read=_read_day, write=date.isoformat),
    _field("refunded_on", Part.VERSION, read=_read_day, write=date.isoformat),
    _field("currency", Part.VERSION),
    _field("total_inc_tax", Part.VERSION, read=Decimal, write=as_text),
    _field("total_tax", Part.VERSION, read=Decimal, write=as_text),
    _field("number", Part.VERSION),
    _field("location", Part.VERSION),
    _field("register", Part.VERSION),
    _field("document", Part.VERSION),
    _field("hold", Part.VERSION, "source_hold", lambda text: text or "", lambda words: words or None),
    _field("version", Part.VERSION),
    _time("updated_at", Part.VERSION),
    _time("stated_at", Part.VERSION),
    _field("read_by", Part.VERSION),
    _field("state", Part.STATUS, read=State, write=_value),
    _field("why", Part.STATUS),
    _field("cure", Part.STATUS),
    _written("reason", Part.STATUS, write=lambda sale: group_of_sale(sale, sale.state)),
    _time("next_attempt_at", Part.STATUS),
    _time("synced_at", Part.STATUS),
    _time("changed_at", Part.STATUS),
    _written("order_id", Part.FACT, "belief.order_id"),
    _written("told", Part.FACT, "belief.confirmed_version"),
    _written("there_status", Part.FACT, "belief.snapshot.status_id"),
    _written("there_total", Part.FACT, "belief.snapshot.total_inc_tax", as_text),
    _written("there_tax", Part.FACT, "belief.snapshot.total_tax", as_text),
    _written("there_currency", Part.FACT, "belief.snapshot.currency"),
    _written("there_placed_at", Part.FACT, "belief.snapshot.placed_at", to_micros),
    _written("asked_total", Part.FACT, "belief.requested_totals", _requested(0)),
    _written("asked_tax", Part.FACT, "belief.requested_totals", _requested(1)),
    _written("differs", Part.FACT, "belief.differs", lambda differs: json.dumps(differs) if differs else None),
    _field("doubt", Part.FACT, read=read_doubt, write=write_doubt),
    _field("objection", Part.FACT, read=read_objection, write=write_objection),
    _field("decisions", Part.FACT, "overrides", Overrides.from_json, Overrides.to_json),
    _field("returns_of", Part.FACT),
    _field("short", Part.FACT, "out_of_stock", _read_short, lambda short: json.dumps(short) if short else None),
    _field("checkout", Part.FACT, read=read_checkout, write=write_checkout),
    _field("unclean", Part.FACT, "unconfirmed_creates"),
    _field("tries", Part.FACT),
)
_SENT_AS = _field("sent_as", Part.IDENTITY, "external_key")  # written by a claim alone
_PLAIN = tuple((one.field, one.name) for one in (*COLUMNS, _SENT_AS) if one.field and one.read is None)
_CONVERTED = tuple((one.field, one.name, one.read) for one in COLUMNS if one.field and one.read is not None)


class _Writers(Struct, frozen=True):
    """How the columns of some writes are made: ``get`` reads the attributes of all ``names`` at once, and few need converting."""

    names: tuple[str, ...]
    get: Callable[[Sale], tuple[Any, ...]]
    converted: tuple[tuple[str, Convert], ...]
    of_sale: tuple[tuple[str, Convert], ...]


@cache
def _writers(*parts: Part) -> _Writers:
    mine = [one for one in COLUMNS if one.part in parts]
    kept = [one for one in mine if one.source]
    return _Writers(
        tuple(one.name for one in kept),
        attrgetter(*(one.source for one in kept)),
        tuple((one.name, one.write) for one in kept if one.write is not None),
        tuple((one.name, one.write) for one in mine if not one.source and one.write is not None),
    )


def columns_of(sale: Sale, *parts: Part) -> dict[str, Any]:
    """Return the columns of a sale that belong to some writes."""
    how = _writers(*parts)
    values = dict(zip(how.names, how.get(sale), strict=True))
    for name, write in how.converted:
        if (value := values[name]) is not None:
            values[name] = write(value)
    for name, write in how.of_sale:
        values[name] = write(sale)
    return values


def read_sale(row: Row[*tuple[Any, ...]]) -> Sale:
    """Read a sale from its row."""
    # A plain dictionary: each look into a row's own mapping costs more than all of the copy.
    values = dict(row._mapping)  # noqa: SLF001  SQLAlchemy's documented access to a row's columns
    fields: dict[str, Any] = {field: values[name] for field, name in _PLAIN}
    for field, name, read in _CONVERTED:
        fields[field] = read(values[name])
    fields["business_day"] = fields["business_day"] or fields["placed_at"].date()
    belief = _belief(values) if values["order_id"] is not None else NO_BELIEF
    return Sale(id=values["id"], belief=belief, newest_order_before=values.get("order_floor"), **fields)


def read_sales(rows: Iterable[Row[*tuple[Any, ...]]]) -> list[Sale]:
    """Read sales from their rows."""
    return [read_sale(row) for row in rows]


def _belief(values: Mapping[Any, Any]) -> Belief:
    total, tax = _amount(values["asked_total"]), _amount(values["asked_tax"])
    snapshot = OrderSnapshot(
        values["there_status"],
        _amount(values["there_total"]),
        _amount(values["there_tax"]),
        values["there_currency"],
        from_micros(values["there_placed_at"]),
    )
    requested = (total, tax) if total is not None and tax is not None else None
    return Belief(values["order_id"], values["told"], snapshot, requested, tuple(json.loads(values["differs"] or "[]")))
