"""What the ledger knows of stores: pauses, the highest order id, orders seen there, and the epoch of each store's rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from importlib import import_module
from typing import Literal

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from syncd.errors import LedgerError, WoundBack
from syncd.ledger.alerts import Alert, raise_alerts
from syncd.ledger.rows import as_text, from_micros, rows_in, to_micros
from syncd.ledger.schema import known_orders, sales, stores
from syncd.sale.facts import OrderSnapshot, StoreOrder

DOUBLED = "two orders"


Pausing = Literal["read", "answer", "write"]
"""What failed when a store was paused: reading it, requests whose answers were missing, or sales that it refused."""


@dataclass(frozen=True, slots=True)
class StoreState:
    """A store as the ledger knows it; ``paused_why`` is None while it is open."""

    store_hash: str | None = None
    highest_order_id: int = 0
    paused_why: str | None = None
    cure: str = ""
    paused_at: datetime | None = None
    probe_at: datetime | None = None
    key_limit: int | None = None
    checked_at: datetime | None = None
    paused_by: Pausing | None = None


def store_state(connection: Connection, name: str) -> StoreState:
    """Return what is known of a store; the defaults where it was never seen."""
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
        row.key_limit,
        from_micros(row.checked_at),
        row.paused_by,
    )


def update_store(connection: Connection, name: str, values: Mapping[str, object]) -> None:
    """Change a store's row, which is made where there is none."""
    change = update(stores).where(stores.c.name == name).values(**values)
    if not connection.execute(change).rowcount:
        dialect = import_module(f"sqlalchemy.dialects.{connection.dialect.name}")  # of two, one is never needed
        connection.execute(
            dialect.insert(stores).values(name=name).on_conflict_do_nothing()
        )  # another daemon's may be there
        connection.execute(change)


def bind(connection: Connection, name: str, store_hash: str, present: Collection[str] = ()) -> None:
    """Tie a store's name to its hash for good: sales meant for a sandbox must never reach a live store.

    Raises:
        LedgerError: see ``check_binding``.

    """
    check_binding(connection, name, store_hash, present)
    if store_state(connection, name).store_hash is None:
        update_store(connection, name, {"store_hash": store_hash})


def check_binding(connection: Connection, name: str, store_hash: str, present: Collection[str] = ()) -> None:
    """Return where a store's name may stand for its hash; ``present`` are the names that the config has.

    Raises:
        LedgerError: the name is tied to another hash, or the hash to a name that is not in the config any more.

    """
    known = store_state(connection, name).store_hash
    if known is not None and known != store_hash:
        cure = "Give the new store a name of its own in the config, or use another ledger for it."
        raise LedgerError(f"this ledger's store {name!r} is {known!r}; the config now says {store_hash!r}", cure)
    others = connection.execute(select(stores.c.name).where(stores.c.store_hash == store_hash)).scalars().all()
    if known is None and (gone := [other for other in others if other not in present]):
        raise LedgerError(
            f"{gone[0]} is gone from the config, and {name} is the same store of BigCommerce ({store_hash})",
            f"Stop syncd, then: syncd stores rename {gone[0]} {name}",
        )


def note_order_id(connection: Connection, name: str, highest: int) -> None:
    """Remember the highest order id up to which every order of ours is in the ledger; it never goes down."""
    if highest > store_state(connection, name).highest_order_id:
        update_store(connection, name, {"highest_order_id": highest})


def note_listed(connection: Connection, name: str, now: datetime) -> None:
    """All orders of a store were listed for this ledger: what it has of ours is known. The first time counts."""
    if name in unlisted(connection, [name]):
        update_store(connection, name, {"listed_at": to_micros(now)})


def unlisted(connection: Connection, names: Sequence[str]) -> list[str]:
    """Those stores whose orders were never listed for this ledger."""
    done = select(stores.c.name).where(stores.c.name.in_(names), stores.c.listed_at.is_not(None))
    listed = set(connection.execute(done).scalars())
    return [name for name in names if name not in listed]


def newest_of(connection: Connection, keys: str, names: Sequence[str]) -> datetime | None:
    """When the newest sale of a source that has an order was placed; of several stores, where the one that is furthest behind is.

    ``keys`` is the name with which its sale keys begin. None where no store has an order of the source.
    """
    found = []
    prefix = f"{keys}:"
    for name in names:
        theirs = func.substr(known_orders.c.sale_key, 1, len(prefix)) == prefix
        listed = select(func.max(known_orders.c.placed_at)).where(known_orders.c.store == name, theirs)
        linked = select(func.max(sales.c.placed_at)).where(
            sales.c.store == name,
            func.substr(sales.c.sale_key, 1, len(prefix)) == prefix,
            sales.c.order_id.is_not(None),
        )
        newest = [at for query in (listed, linked) if (at := connection.execute(query).scalar()) is not None]
        if newest:
            found.append(max(newest))
    return from_micros(min(found)) if found else None


def note_known(
    connection: Connection, name: str, found: Sequence[tuple[str, StoreOrder]], now: datetime
) -> list[Alert]:
    """Remember orders that the store was seen to have, but for those that the ledger has linked already.

    Of several with one key the lowest live one counts; the alerts that were opened for the others.
    """
    keys = list({key for key, _ in found})
    if not keys:
        return []
    ours = _linked(connection, keys)
    before = known(connection, name, keys)
    best = dict(before)
    for key, order in found:
        best[key] = best[key].preferred(order) if key in best else order
    connection.execute(delete(known_orders).where(known_orders.c.store == name, known_orders.c.sale_key.in_(keys)))
    rows = [_known_row(name, key, order) for key, order in best.items() if key not in ours]
    if rows:
        connection.execute(insert(known_orders), rows)
    doubled = [
        _doubled(name, key, order, ours.get(key)) for key, order in best.items() if key not in ours and order.duplicates
    ]
    return raise_alerts(connection, doubled, now) if doubled else []


def _linked(connection: Connection, keys: Sequence[str]) -> dict[str, int]:
    """Return the order that the ledger has for each key, where it has one."""
    found: dict[str, int] = {}
    for column in (sales.c.sale_key, sales.c.sent_as):
        rows = connection.execute(
            select(column, sales.c.order_id).where(column.in_(keys), sales.c.order_id.is_not(None))
        )
        found.update((row[0], row[1]) for row in rows)
    return found


def _known_row(store: str, key: str, order: StoreOrder) -> dict[str, object]:
    there = order.snapshot
    return {
        "store": store,
        "sale_key": key,
        "order_id": order.order_id,
        "total_inc_tax": as_text(there.total_inc_tax),
        "currency": there.currency,
        "status_id": there.status_id,
        "total_tax": as_text(there.total_tax),
        "placed_at": None if there.placed_at is None else to_micros(there.placed_at),
        "archived": int(order.archived),
        "draft": int(order.draft),
        "cart_id": order.cart_id,
        "others": ",".join(map(str, order.duplicates)),
    }


def _doubled(store: str, key: str, order: StoreOrder, linked: int | None) -> Alert:
    kept = linked or order.order_id
    others = ", ".join(str(number) for number in (*order.duplicates, order.order_id) if number != kept)
    words = f"{key} has more than one order: {kept} is taken for it, {others} besides"
    return Alert(store, DOUBLED, key, words, f"Look at both in BigCommerce and archive the wrong one ({others}).")


def known(connection: Connection, store: str, keys: Sequence[str]) -> dict[str, StoreOrder]:
    """Return the orders that the store was seen to have under ``keys``."""
    found: dict[str, StoreOrder] = {}
    query = select(known_orders).where(known_orders.c.store == store)
    for row in rows_in(connection, query, known_orders.c.sale_key, keys):
        there = OrderSnapshot(
            row.status_id,
            Decimal(row.total_inc_tax) if row.total_inc_tax else None,
            Decimal(row.total_tax) if row.total_tax else None,
            row.currency,
            from_micros(row.placed_at),
        )
        others = tuple(int(number) for number in row.others.split(",") if number)
        found[row.sale_key] = StoreOrder(row.order_id, there, bool(row.archived), bool(row.draft), row.cart_id, others)
    return found


def set_pause(
    connection: Connection, name: str, words: tuple[str, str], by: Pausing, at: tuple[datetime, datetime]
) -> None:
    """Pause a store, or keep it paused: why and the cure, what failed, now and when to try again. Since when it is paused stays."""
    now, probe_at = at
    since = store_state(connection, name).paused_at or now
    values = {"paused_why": words[0], "paused_cure": words[1], "paused_by": by}
    update_store(connection, name, {**values, "paused_at": to_micros(since), "probe_at": to_micros(probe_at)})


def clear_pause(connection: Connection, name: str) -> None:
    """Open a store again."""
    update_store(connection, name, dict.fromkeys(("paused_why", "paused_cure", "paused_by", "paused_at", "probe_at")))


# The epoch: a number that rises with every claim, so that a ledger taken back in time is noticed. Whoever holds the right to push
# knows how far it has come, and claims only if the rows say the same: after a restored backup, or on a replica that lagged, they
# say less, and nothing is sent before the store was listed again.

_BACK_CURE = (
    "syncd lists the store's orders again before it sends anything. Read again what came since: syncd backfill."
)


def read_epoch(connection: Connection, store: str) -> int:
    """Return the number of a store's rows now."""
    return int(connection.execute(select(stores.c.epoch).where(stores.c.name == store)).scalar() or 0)


_ADVANCE = (
    update(stores)
    .where(stores.c.name == bindparam("of_store"), stores.c.epoch == bindparam("known"))
    .values(epoch=bindparam("after"))
)


def advance(connection: Connection, store: str, known: int) -> int:
    """Raise the number by one; the new one.

    Raises:
        WoundBack: it is not what this process knows it to be.

    """
    if connection.execute(_ADVANCE, {"of_store": store, "known": known, "after": known + 1}).rowcount:
        return known + 1
    found = read_epoch(connection, store)
    if known == 0 == found:  # the store has no row yet
        update_store(connection, store, {"epoch": 1})
        return 1
    raise WoundBack(
        f"the ledger of {store} was taken back in time: it is at claim {found}, and was at {known}", _BACK_CURE
    )
