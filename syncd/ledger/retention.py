"""What the ledger forgets of sales that were settled long ago: what they said, and how they came there. Keys and order ids stay.

Each store's synced sales are walked by the time at which they were synced, some hundreds a transaction so that no intent waits;
where the walk is, is remembered, so that nothing is looked at twice. A sale that changes again is synced later, and comes again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from msgspec import Struct
from msgspec.structs import astuple
from sqlalchemy import Connection, Select, delete, func, select, update

from syncd.ledger.counting import number_of
from syncd.ledger.rows import to_micros
from syncd.ledger.schema import attempts, audit, faults, known_orders, sales
from syncd.ledger.search import index_again
from syncd.ledger.state import StateRepository
from syncd.ledger.transactions import Transactions
from syncd.sale.states import AttemptKind, State

AT_ONCE = 500


class RetentionPosition(Struct, frozen=True):
    """How far a walk is: the time (microseconds) and the id of the sale that it looked at last."""

    synced_at: int = 0
    id: int = 0


Step = Callable[[Connection, Sequence[int]], int]
"""Forgets something of some sales that are still synced; how much that was."""


def forget_documents(database: Transactions, synced_before: datetime) -> int:
    """Forget what sales said that were synced long ago; key, fingerprint, totals and order id stay. Return how many."""
    return _walk_stores(database, "documents", synced_before, drop_documents)


def forget_history(database: Transactions, before: datetime) -> int:
    """Forget how sales that were synced long ago came there, and faults and noted orders that are settled.

    Returns how many rows.
    """
    gone = _walk_stores(database, "history", before, drop_history)
    while some := database.write(partial(drop_faults, before=before)):
        gone += some
    for store in database.read(stores_of):
        after: str | None = ""
        while after is not None:
            some, after = database.write(partial(drop_known, store=store, after=after))
            gone += some
    return gone


def _walk_stores(database: Transactions, what: str, before: datetime, step: Step) -> int:
    gone, state = 0, StateRepository(database)
    for store in database.read(stores_of):
        kept = state.get("retention", [what], store).get(what)
        place: RetentionPosition | None = RetentionPosition(*json.loads(kept)) if kept else RetentionPosition()
        while place is not None:
            some, place = database.write(partial(walk, store=store, after=place, before=before, step=step))
            gone += some
            if place is not None:
                state.put("retention", {what: json.dumps(astuple(place))}, store)
    return gone


def stores_of(connection: Connection) -> list[str]:
    """Every store that the ledger has sales of."""
    return sorted({store for store, _, _ in number_of(connection)})


def walk(
    connection: Connection, store: str, after: RetentionPosition, before: datetime, step: Step
) -> tuple[int, RetentionPosition | None]:
    """Take the next step of a walk; how much was forgotten, and where the walk is then (None: it is at its end)."""
    page = connection.execute(_page(store, after, before)).all()
    if not page:
        return 0, None
    still = select(sales.c.id).where(sales.c.id.in_([row.id for row in page]), sales.c.state == State.SYNCED.value)
    ids = list(connection.execute(still.order_by(sales.c.id).with_for_update()).scalars())
    return step(connection, ids) if ids else 0, RetentionPosition(page[-1].synced_at, page[-1].id)


def _page(store: str, after: RetentionPosition, before: datetime) -> Select[tuple[int, int]]:
    at, number = sales.c.synced_at, sales.c.id
    later = (at > after.synced_at) | ((at == after.synced_at) & (number > after.id))
    query = select(number, at).where(sales.c.store == store, at >= after.synced_at, at < to_micros(before), later)
    return query.order_by(at, number).limit(AT_ONCE)


def drop_documents(connection: Connection, ids: Sequence[int]) -> int:
    """Forget what sales said; how many had something to forget."""
    which = (sales.c.id.in_(ids), sales.c.document.is_not(None))
    gone = connection.execute(update(sales).where(*which).values(document=None)).rowcount
    connection.execute(update(audit).where(audit.c.sale_id.in_(ids), audit.c.changes.is_not(None)).values(changes=None))
    index_again(connection, ids)
    return gone


def drop_history(connection: Connection, ids: Sequence[int]) -> int:
    """Forget how sales came where they are, but for what later requests rest on.

    That is the newest attempt of each, the newest that says what its order was told, and its refunds, none of which is sent twice.
    """
    newest = select(func.max(attempts.c.id)).where(attempts.c.sale_id.in_(ids)).group_by(attempts.c.sale_id)
    told = newest.where(attempts.c.stamp.is_not(None), attempts.c.kind != AttemptKind.REFUND.value)
    kept = (attempts.c.id.not_in(newest), attempts.c.id.not_in(told), attempts.c.kind != AttemptKind.REFUND.value)
    old = (attempts.c.sale_id.in_(ids), attempts.c.settled_at.is_not(None), *kept)
    gone = connection.execute(delete(attempts).where(*old)).rowcount
    last = select(func.max(audit.c.id)).where(audit.c.sale_id.in_(ids)).group_by(audit.c.sale_id)
    return gone + connection.execute(delete(audit).where(audit.c.sale_id.in_(ids), audit.c.id.not_in(last))).rowcount


def drop_faults(connection: Connection, before: datetime) -> int:
    """Forget the next faults that were settled before a time; how many those were."""
    old = (
        select(faults.c.id).where(faults.c.settled_at < to_micros(before)).order_by(faults.c.settled_at).limit(AT_ONCE)
    )
    ids = list(connection.execute(old).scalars())
    return connection.execute(delete(faults).where(faults.c.id.in_(ids))).rowcount if ids else 0


def drop_known(connection: Connection, store: str, after: str) -> tuple[int, str | None]:
    """Forget the next orders that were noted and are linked to their sale by now; how many, and the last key looked at."""
    query = (
        select(known_orders.c.sale_key)
        .where(known_orders.c.store == store, known_orders.c.sale_key > after)
        .order_by(known_orders.c.sale_key)
        .limit(AT_ONCE)
    )
    keys = list(connection.execute(query).scalars())
    if not keys:
        return 0, None
    linked = select(sales.c.sale_key).where(sales.c.sale_key.in_(keys), sales.c.order_id.is_not(None))
    gone = list(connection.execute(linked).scalars())
    which = (known_orders.c.store == store, known_orders.c.sale_key.in_(gone), known_orders.c.others == "")
    return connection.execute(delete(known_orders).where(*which)).rowcount if gone else 0, keys[-1]
