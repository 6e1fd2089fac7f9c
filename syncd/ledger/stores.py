"""What the ledger knows of stores: pauses, the highest order id, orders seen there, and the epoch of each store's rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from importlib import import_module
from typing import Literal

from msgspec import Struct
from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from syncd.errors import LedgerError, WoundBack
from syncd.ledger.alerts import Alert, raise_alerts
from syncd.ledger.outbox import announce_store
from syncd.ledger.renaming import Renaming, rename_store, store_to_rename
from syncd.ledger.rows import as_text, each_value, from_micros, is_state, read_as, rows_in, to_micros
from syncd.ledger.schema import known_orders, sales, stores
from syncd.ledger.transactions import Repository, reads, writes
from syncd.sale.facts import OrderSnapshot, StoreOrder
from syncd.sale.outgoing import EventKind
from syncd.sale.states import State

DOUBLED = "two orders"


Pausing = Literal["read", "answer", "write"]
"""What failed when a store was paused: reading it, requests whose answers were missing, or sales that it refused."""


class StoreState(Struct, frozen=True):
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


class StoreRepository(Repository):
    """The stores of the ledger, by the name that each has in the config."""

    @reads
    def get(self, connection: Connection, store: str) -> StoreState:
        """Return what is known of a store; the defaults where it was never seen."""
        return store_state(connection, store)

    @reads
    def all(self, connection: Connection) -> dict[str, StoreState]:
        """Return what is known of every store that was ever seen."""
        rows = connection.execute(select(stores))
        return {row.name: read_as(StoreState, row, cure=row.paused_cure or "") for row in rows}

    @reads
    def hashes(self, connection: Connection) -> dict[str, str | None]:
        """Return every store that this ledger has rows of, with its hash where it was ever spoken to."""
        found: dict[str, str | None] = dict.fromkeys(sorted(each_value(connection, sales.c.store)))
        return {**found, **{row.name: row.store_hash for row in connection.execute(select(stores))}}

    def bind(self, store: str, store_hash: str, present: Collection[str] = ()) -> None:
        """Tie a store's name to its hash for good: sales meant for a sandbox must never reach a live store.

        Raises:
            LedgerError: see ``check_binding``.

        """
        if self.get(store).store_hash != store_hash:
            self._bind(store, store_hash, present)

    @writes
    def _bind(self, connection: Connection, store: str, store_hash: str, present: Collection[str]) -> None:
        _check_binding(connection, store, store_hash, present)
        if store_state(connection, store).store_hash is None:
            update_store(connection, store, {"store_hash": store_hash})

    @reads
    def check_binding(self, connection: Connection, store: str, store_hash: str, present: Collection[str] = ()) -> None:
        """Check that a store's name may stand for its hash; ``present`` are the names that the config has.

        Raises:
            LedgerError: the name is tied to another hash, or the hash to a name that is not in the config any more.

        """
        _check_binding(connection, store, store_hash, present)

    @reads
    def to_rename(self, connection: Connection, old: str, new: str) -> Renaming:
        """Return what a store's new name would change; see ``renaming``."""
        return store_to_rename(connection, old, new)

    @writes
    def rename(self, connection: Connection, old: str, new: str) -> Renaming:
        """Give a store another name; see ``renaming``."""
        return rename_store(connection, old, new)

    @writes
    def pause(
        self, connection: Connection, store: str, words: tuple[str, str], by: Pausing, probe_at: datetime
    ) -> None:
        """Pause a store, or keep it paused, until what failed (``by``) goes well again; ``words`` are why, and the cure.

        Since when it is paused stays.
        """
        before = store_state(connection, store).paused_at
        since = before or self.database.clock.now()
        values = {"paused_why": words[0], "paused_cure": words[1], "paused_by": by}
        update_store(connection, store, {**values, "paused_at": to_micros(since), "probe_at": to_micros(probe_at)})
        if before is None:
            announce_store(connection, self.database, store, EventKind.STORE_PAUSED, why=words[0], cure=words[1])

    @writes
    def try_now(self, connection: Connection, store: str) -> None:
        """Have a paused store tried at once; nothing for one that is open."""
        paused = (stores.c.name == store, stores.c.paused_why.is_not(None))
        connection.execute(update(stores).where(*paused).values(probe_at=to_micros(self.database.clock.now())))

    @writes
    def unpause(self, connection: Connection, store: str) -> None:
        """Open a store again."""
        before = store_state(connection, store).paused_at
        names = ("paused_why", "paused_cure", "paused_by", "paused_at", "probe_at")
        update_store(connection, store, dict.fromkeys(names))
        if before is not None:
            paused_at = before.isoformat()
            announce_store(connection, self.database, store, EventKind.STORE_RESUMED, paused_at=paused_at)

    @writes
    def note_order_id(self, connection: Connection, store: str, highest: int) -> None:
        """Remember the highest order id up to which every order of ours is in the ledger; it never goes down."""
        if highest > store_state(connection, store).highest_order_id:
            update_store(connection, store, {"highest_order_id": highest})

    @writes
    def note_listed(self, connection: Connection, store: str) -> None:
        """Remember that all orders of a store were listed for this ledger: what it has of ours is known. The first time counts."""
        if unlisted(connection, [store]):
            update_store(connection, store, {"listed_at": to_micros(self.database.clock.now())})

    @reads
    def unlisted(self, connection: Connection, names: Sequence[str]) -> list[str]:
        """Return those stores whose orders were never listed for this ledger."""
        return unlisted(connection, names)

    @writes
    def note_key_limit(self, connection: Connection, store: str, limit: int) -> None:
        """Remember that the store cuts our keys at a length."""
        update_store(connection, store, {"key_limit": limit})

    @writes
    def note_checked(self, connection: Connection, store: str, at: datetime) -> None:
        """Remember when the store's newest orders were gone through."""
        update_store(connection, store, {"checked_at": to_micros(at)})

    def note_known(self, store: str, found: Sequence[tuple[str, StoreOrder]]) -> list[Alert]:
        """Remember orders that the store was seen to have under sale keys, unless the ledger has linked them already.

        Of several with one key the lowest live one counts; returns the alerts that were opened for the others.
        """
        return self._note_known(store, found) if found else []

    @writes
    def _note_known(self, connection: Connection, store: str, found: Sequence[tuple[str, StoreOrder]]) -> list[Alert]:
        return note_known(connection, store, found, self.database.clock.now())

    def known(self, store: str, keys: Sequence[str]) -> dict[str, StoreOrder]:
        """Return the orders that the store was seen to have under ``keys``."""
        return self.database.read(partial(known, store=store, keys=keys)) if keys else {}

    @reads
    def newest_of(self, connection: Connection, keys: str, names: Sequence[str]) -> datetime | None:
        """Return when the newest sale of a source that has an order was placed; of several stores, where the slowest is.

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

    @reads
    def open_checkouts(self, connection: Connection, store: str) -> int:
        """Count the pending sales of a store whose cart is there; one whose cart could not be made has a checkout and no cart."""
        begun = sales.c.store == store, is_state(State.PENDING), sales.c.checkout.is_not(None)
        there = sales.c.checkout.like('%"cart_id"%'), sales.c.checkout.not_like('%"cart_deleted"%')
        return int(connection.execute(select(func.count()).select_from(sales).where(*begun, *there)).scalar() or 0)

    @reads
    def knows_any(self, connection: Connection, store: str) -> bool:
        """Whether any order is noted for the store at all."""
        noted = select(known_orders.c.order_id).where(known_orders.c.store == store)
        by_index = noted.order_by(known_orders.c.store, known_orders.c.sale_key)  # else a server may walk every store's
        return connection.execute(by_index.limit(1)).first() is not None


def store_state(connection: Connection, name: str) -> StoreState:
    """Return what is known of a store; the defaults where it was never seen."""
    row = connection.execute(select(stores).where(stores.c.name == name)).one_or_none()
    if row is None:
        return StoreState()
    return read_as(StoreState, row, cure=row.paused_cure or "")


def update_store(connection: Connection, name: str, values: Mapping[str, object]) -> None:
    """Change a store's row, which is made where there is none."""
    change = update(stores).where(stores.c.name == name).values(**values)
    if not connection.execute(change).rowcount:
        dialect = import_module(f"sqlalchemy.dialects.{connection.dialect.name}")  # of two, one is never needed
        connection.execute(
            dialect.insert(stores).values(name=name).on_conflict_do_nothing()
        )  # another daemon's may be there
        connection.execute(change)


def _check_binding(connection: Connection, name: str, store_hash: str, present: Collection[str] = ()) -> None:
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


def unlisted(connection: Connection, names: Sequence[str]) -> list[str]:
    """Those stores whose orders were never listed for this ledger."""
    done = select(stores.c.name).where(stores.c.name.in_(names), stores.c.listed_at.is_not(None))
    listed = set(connection.execute(done).scalars())
    return [name for name in names if name not in listed]


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
