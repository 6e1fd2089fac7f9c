"""Alerts: what a person should hear of that is no sale's state. Raised once for each cause, ended when it is over."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from importlib import import_module

from msgspec import Struct
from sqlalchemy import Connection, select, update

from syncd.ledger.rows import change_in, read_as, to_micros
from syncd.ledger.schema import alerts
from syncd.ledger.transactions import Repository, reads, writes

WOUND_BACK = "ledger wound back"
SERVER_CHANGED = "database failed over"
BEGUN_ANEW = "ledger begun anew"
HAPPENED = (WOUND_BACK, BEGUN_ANEW, SERVER_CHANGED)
"""Kinds of what happened once: nothing ends it, so it is shown for a while and no longer."""
_MOST_SUBJECT = 300


class Alert(Struct, frozen=True):
    """One cause, as long as it lasts: its kind, what it is about (a sale key, an order), the words and the cure."""

    store: str
    kind: str
    subject: str
    words: str
    cure: str
    at: datetime | None = None


class Untold(Struct, frozen=True):
    """Alerts that people have not heard of yet, by number: those that are open, and those of which they know that are over."""

    new: tuple[tuple[int, Alert], ...]
    over: tuple[tuple[int, Alert], ...]


class AlertRepository(Repository):
    """The alerts of all stores, and which of them people are still to hear of."""

    @reads
    def present(self, connection: Connection, store: str | None = None) -> list[Alert]:
        """Return the alerts that are open, oldest first."""
        query = select(alerts).where(alerts.c.ended_at.is_(None)).order_by(alerts.c.id)
        rows = connection.execute(query if store is None else query.where(alerts.c.store == store))
        return [read_as(Alert, row) for row in rows]

    def raise_new(self, new: Sequence[Alert]) -> list[Alert]:
        """Open alerts, each once for as long as it lasts; return those that were not open before."""
        return self._raise(new) if new else []

    @writes
    def _raise(self, connection: Connection, new: Sequence[Alert]) -> list[Alert]:
        return raise_alerts(connection, new, self.database.clock.now())

    @writes
    def end(self, connection: Connection, store: str, kind: str, over: Collection[str]) -> int:
        """End the alerts of one kind about subjects that have been put right; how many those were."""
        is_open = (alerts.c.store == store, alerts.c.kind == kind, alerts.c.ended_at.is_(None))
        rows = connection.execute(select(alerts.c.id, alerts.c.subject).where(*is_open)).all()
        right = {subject[:_MOST_SUBJECT] for subject in over}
        ended = [row.id for row in rows if row.subject in right]
        if ended:
            connection.execute(
                update(alerts).where(alerts.c.id.in_(ended)).values(ended_at=to_micros(self.database.clock.now()))
            )
        return len(ended)

    @writes
    def watched(self, connection: Connection, kinds: Collection[str], present: Sequence[Alert]) -> list[Alert]:
        """Make ``present`` the open alerts of some kinds: open what is new, end what is over; return those that were opened."""
        now = self.database.clock.now()
        opened = raise_alerts(connection, present, now)
        still = {(one.store, one.kind, one.subject[:_MOST_SUBJECT]) for one in present}
        rows = connection.execute(select(alerts).where(alerts.c.ended_at.is_(None), alerts.c.kind.in_(kinds))).all()
        ended = [row.id for row in rows if (row.store, row.kind, row.subject) not in still]
        if ended:
            connection.execute(update(alerts).where(alerts.c.id.in_(ended)).values(ended_at=to_micros(now)))
        return opened

    @writes
    def end_older(self, connection: Connection, kinds: Collection[str], before: datetime) -> int:
        """End alerts of some kinds that were opened before a moment; return how many they were."""
        old = (alerts.c.ended_at.is_(None), alerts.c.kind.in_(kinds), alerts.c.at < to_micros(before))
        ended = update(alerts).where(*old).values(ended_at=to_micros(self.database.clock.now()))
        return connection.execute(ended).rowcount

    @reads
    def untold(self, connection: Connection) -> Untold:
        """Return what people have not heard of yet. What ended before anybody heard of it is left out for good."""
        is_open, is_over = alerts.c.ended_at.is_(None), alerts.c.ended_at.is_not(None)
        new = select(alerts).where(is_open, alerts.c.told_at.is_(None)).order_by(alerts.c.id)
        over = select(alerts).where(is_over, alerts.c.over_told_at.is_(None)).order_by(alerts.c.id)
        rows = connection.execute(over).all()
        return Untold(
            tuple((row.id, read_as(Alert, row)) for row in connection.execute(new)),
            tuple((row.id, read_as(Alert, row)) for row in rows if row.told_at is not None),
        )

    @writes
    def told(self, connection: Connection, what: Untold) -> None:
        """People have heard of these."""
        at = to_micros(self.database.clock.now())
        for ids, column in (([n for n, _ in what.new], "told_at"), ([n for n, _ in what.over], "over_told_at")):
            change_in(connection, update(alerts).values({column: at}), alerts.c.id, ids)
        unheard = (alerts.c.ended_at.is_not(None), alerts.c.over_told_at.is_(None), alerts.c.told_at.is_(None))
        connection.execute(update(alerts).where(*unheard).values(over_told_at=at))


def raise_alerts(connection: Connection, new: Sequence[Alert], now: datetime) -> list[Alert]:
    """Open those alerts that are not open already; those that were opened now."""
    opened = []
    for alert in {(alert.store, alert.kind, alert.subject[:_MOST_SUBJECT]): alert for alert in new}.items():
        (store, kind, subject), one = alert
        same = (
            alerts.c.store == store,
            alerts.c.kind == kind,
            alerts.c.subject == subject,
            alerts.c.ended_at.is_(None),
        )
        words = {"words": one.words, "cure": one.cure}
        if not connection.execute(update(alerts).where(*same).values(**words)).rowcount:
            row = {"store": store, "kind": kind, "subject": subject, **words, "at": to_micros(now)}
            dialect = import_module(f"sqlalchemy.dialects.{connection.dialect.name}")  # of two, one is never needed
            inserted = dialect.insert(alerts).values(**row).on_conflict_do_nothing().returning(alerts.c.id)
            if connection.execute(inserted).first() is not None:  # else another process was quicker
                opened.append(one)
    return opened
