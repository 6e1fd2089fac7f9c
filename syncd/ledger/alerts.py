"""Alerts: what a person should hear of that is no sale's state. Raised once for each cause, ended when it is over."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from syncd.ledger.schema import alerts
from syncd.ledger.times import from_micros, to_micros

_MOST_SUBJECT = 300


@dataclass(frozen=True, slots=True)
class Alert:
    """One cause, as long as it lasts: its kind, what it is about (a sale key, an order), the words and the cure."""

    store: str
    kind: str
    subject: str
    words: str
    cure: str
    at: datetime | None = None


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
            connection.execute(insert(alerts).values(**row))
            opened.append(one)
    return opened


def end_alerts(connection: Connection, store: str, kind: str, over: Collection[str], now: datetime) -> int:
    """End the alerts of one kind about subjects that have been put right; how many those were."""
    is_open = (alerts.c.store == store, alerts.c.kind == kind, alerts.c.ended_at.is_(None))
    rows = connection.execute(select(alerts.c.id, alerts.c.subject).where(*is_open)).all()
    right = {subject[:_MOST_SUBJECT] for subject in over}
    ended = [row.id for row in rows if row.subject in right]
    if ended:
        connection.execute(update(alerts).where(alerts.c.id.in_(ended)).values(ended_at=to_micros(now)))
    return len(ended)


def open_alerts(connection: Connection, store: str | None) -> list[Alert]:
    """The alerts that are open, oldest first."""
    query = select(alerts).where(alerts.c.ended_at.is_(None)).order_by(alerts.c.id)
    rows = connection.execute(query if store is None else query.where(alerts.c.store == store))
    return [Alert(row.store, row.kind, row.subject, row.words, row.cure, from_micros(row.at)) for row in rows]
