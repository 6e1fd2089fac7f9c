"""The outbox: events that other programs are to hear of, written in the transaction of what they tell, deleted once they are taken.

Nothing is lost and nothing is told that did not happen. A receiver may hear of an event twice (its answer was lost), with one id.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from syncd.clock import Now
from syncd.ledger.rows import change_in, chunked, from_micros, to_micros
from syncd.ledger.schema import outbox
from syncd.ledger.transactions import Repository, Transactions, reads, writes
from syncd.sale.outgoing import EventKind, data_of, kinds_of
from syncd.sale.sale import Sale

_PERSONAL = ("why", "cure")  # words that a till or BigCommerce may have put a name into
_COUNTED = 10_000
LONGEST_WAIT = timedelta(hours=6)
"""No event is put off for longer."""


class OutboxMessage(Struct, frozen=True):
    """An event that waits to be sent: its place in the outbox, its id for the receiver, and what it says.

    ``tries`` is how often its receiver refused it, ``why`` the last reason.
    """

    number: int
    message_id: str
    at: datetime
    kind: EventKind
    store: str
    data: Mapping[str, object]
    sale_id: int | None = None
    tries: int = 0
    why: str = ""


class OutboxBacklog(Struct, frozen=True):
    """How many events wait (at most 10,000 are counted), and the oldest of them."""

    waiting: int
    oldest: OutboxMessage | None


class OutboxRepository(Repository):
    """Events that wait to be sent."""

    @reads
    def due(self, connection: Connection, most: int) -> list[OutboxMessage]:
        """Return the events that are due, those that wait longest first.

        One that is due later than any is put off was written by a clock that was ahead: it is due as well.
        """
        now = self.database.clock.now()
        found = _in_order(connection, outbox.c.next_attempt_at <= to_micros(now), most)
        return found or _in_order(connection, outbox.c.next_attempt_at > to_micros(now + LONGEST_WAIT), most)

    @writes
    def taken(self, connection: Connection, numbers: Sequence[int]) -> None:
        """Delete events that their receiver has taken."""
        for some in chunked(numbers):
            connection.execute(delete(outbox).where(outbox.c.id.in_(some)))

    @writes
    def refused(self, connection: Connection, number: int, why: str, again_at: datetime) -> None:
        """Keep that the receiver refused an event, why, and when it is sent again."""
        again = {"tries": outbox.c.tries + 1, "why": why, "next_attempt_at": to_micros(again_at)}
        connection.execute(update(outbox).where(outbox.c.id == number).values(**again))

    @reads
    def backlog(self, connection: Connection) -> OutboxBacklog:
        """Return how many events wait, and which waits longest."""
        some = select(outbox.c.at).where(outbox.c.at > 0).order_by(outbox.c.at).limit(_COUNTED).subquery()
        number = connection.execute(select(func.count()).select_from(some)).scalar_one()
        oldest = connection.execute(select(outbox).order_by(outbox.c.at).limit(1)).first()
        return OutboxBacklog(int(number), None if oldest is None else _message(oldest))

    @writes
    def drop(self, connection: Connection, before: datetime | None = None) -> int:
        """Delete the events from before a moment, or all; return how many those were."""
        old = delete(outbox)
        return connection.execute(old if before is None else old.where(outbox.c.at < to_micros(before))).rowcount


def announce_sales(
    connection: Connection, database: Transactions, changed: Iterable[tuple[Sale | None, Sale]], now: Now
) -> None:
    """Write the events of sales that change in this transaction: each as it was (None: not recorded yet) and as it is."""
    rows = [
        _row(kind, after.store, data_of(after), now.wall, sale_id=after.id)
        for before, after in changed
        for kind in kinds_of(before, after)
        if kind in database.events
    ]
    if rows:
        connection.execute(insert(outbox), rows)


def announce_store(connection: Connection, database: Transactions, store: str, kind: EventKind, **data: str) -> None:
    """Write the event of a store that changes in this transaction."""
    if kind in database.events:
        connection.execute(insert(outbox).values(_row(kind, store, data, database.clock.now())))


def forget_in_outbox(connection: Connection, sales: Collection[int]) -> None:
    """Blank the words that events of some sales quote."""
    rows = connection.execute(select(outbox.c.id, outbox.c.data).where(outbox.c.sale_id.in_(sales))).all()
    for row in rows:
        data = {**json.loads(row.data), **dict.fromkeys(_PERSONAL, "")}
        change_in(connection, update(outbox).values(data=json.dumps(data)), outbox.c.id, [row.id])


def _in_order(connection: Connection, which: ColumnElement[bool], most: int) -> list[OutboxMessage]:
    query = select(outbox).where(which).order_by(outbox.c.next_attempt_at, outbox.c.id)
    return [_message(row) for row in connection.execute(query.limit(most))]


def _row(
    kind: EventKind, store: str, data: Mapping[str, object], at: datetime, sale_id: int | None = None
) -> dict[str, Any]:
    micros = to_micros(at)
    return {
        # Not the row's number: that begins again at 1 once the outbox is empty, and receivers leave out an id that they know.
        "message_id": uuid4().hex,
        "at": micros,
        "kind": kind.value,
        "store": store,
        "sale_id": sale_id,
        "data": json.dumps(data),
        "next_attempt_at": micros,
    }


def _message(row: Any) -> OutboxMessage:  # noqa: ANN401  a row of SQLAlchemy's
    return OutboxMessage(
        row.id,
        row.message_id,
        from_micros(row.at),
        EventKind(row.kind),
        row.store,
        json.loads(row.data),
        row.sale_id,
        row.tries,
        row.why,
    )
