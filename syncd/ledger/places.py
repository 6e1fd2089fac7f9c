"""What the ledger knows of stores and backfills: pauses, the highest order id, orders seen there, date ranges walked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from syncd.errors import LedgerError
from syncd.ledger.sale import Known
from syncd.ledger.schema import backfills, known_orders, sales, stores
from syncd.ledger.times import from_micros, to_micros


@dataclass(frozen=True, slots=True)
class StoreState:
    """A store as the ledger knows it; ``paused_why`` is None while it is open."""

    store_hash: str | None = None
    highest_order_id: int = 0
    paused_why: str | None = None
    cure: str = ""
    paused_at: datetime | None = None
    probe_at: datetime | None = None


def store_state(connection: Connection, name: str) -> StoreState:
    """What is known of a store; the defaults where it was never seen."""
    row = connection.execute(select(stores).where(stores.c.name == name)).one_or_none()
    if row is None:
        return StoreState()
    return StoreState(
        row.store_hash,
        row.highest_order_id,
        row.paused_why,
        row.paused_cure or "",
        from_micros(row.paused_at),
        from_micros(row.probe_at),
    )


def update_store(connection: Connection, name: str, values: Mapping[str, object]) -> None:
    """Change a store's row, which is made where there is none."""
    if not connection.execute(update(stores).where(stores.c.name == name).values(**values)).rowcount:
        connection.execute(insert(stores).values(name=name, **values))


def bind(connection: Connection, name: str, store_hash: str) -> None:
    """Tie a store's name to its hash for good: sales meant for a sandbox must never reach a live store.

    Raises:
        LedgerError: the name is tied to another hash.

    """
    known = store_state(connection, name).store_hash
    if known is None:
        update_store(connection, name, {"store_hash": store_hash})
    elif known != store_hash:
        cure = "Give the new store a name of its own in the config, or use another ledger for it."
        raise LedgerError(f"this ledger's store {name!r} is {known!r}; the config now says {store_hash!r}", cure)


def note_order_id(connection: Connection, name: str, highest: int) -> None:
    """Remember the highest order id up to which every order of ours is in the ledger; it never goes down."""
    if highest > store_state(connection, name).highest_order_id:
        update_store(connection, name, {"highest_order_id": highest})


def note_known(connection: Connection, name: str, found: Mapping[str, Known]) -> None:
    """Remember orders that the store was seen to have, but for those that the ledger has linked already."""
    if not found:
        return
    keys = list(found)
    linked = select(sales.c.sale_key).where(sales.c.sale_key.in_(keys), sales.c.order_id.is_not(None))
    known = {row.sale_key for row in connection.execute(linked)}
    connection.execute(delete(known_orders).where(known_orders.c.store == name, known_orders.c.sale_key.in_(keys)))
    rows = [
        {
            "store": name,
            "sale_key": key,
            "order_id": order.order_id,
            "total_inc_tax": None if order.total_inc_tax is None else format(order.total_inc_tax, "f"),
            "currency": order.currency,
        }
        for key, order in found.items()
        if key not in known
    ]
    if rows:
        connection.execute(insert(known_orders), rows)


def start_backfill(connection: Connection, source: str, span: tuple[datetime, datetime], now: datetime) -> int:
    """Open a backfill's row; its number goes on every sale that it records."""
    start, end = (to_micros(at) for at in span)
    row = insert(backfills).values(source=source, start_at=start, end_at=end, started_at=to_micros(now))
    return int(connection.execute(row.returning(backfills.c.id)).scalar_one())


def finish_backfill(connection: Connection, number: int, now: datetime) -> None:
    """Close a backfill's row: its whole range is recorded."""
    connection.execute(update(backfills).where(backfills.c.id == number).values(finished_at=to_micros(now)))


def times(paused_at: datetime, probe_at: datetime) -> dict[str, int]:
    """The two times of a pause as columns."""
    return {"paused_at": to_micros(paused_at), "probe_at": to_micros(probe_at)}
