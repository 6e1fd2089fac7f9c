"""Sales that a webhook named: kept until they were fetched, so that none is lost with the process that heard of it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select, update

from syncd.clock import Clock
from syncd.ledger.mirror import Run
from syncd.ledger.rows import to_micros
from syncd.ledger.schema import hints

_MOST = 10_000
_LONGEST_WAIT = timedelta(hours=1)
_LAST_TRY = 12


class Hints:
    """The hints of all sources; safe to use from many threads and processes."""

    def __init__(self, write: Run, read: Run, clock: Clock) -> None:
        self._write, self._read, self._clock = write, read, clock

    def note(self, source: str, sales: Collection[str]) -> bool:
        """Keep hints, each once; they are durable on return. False where too many wait already: polling finds those sales.

        Raises:
            LedgerError: they could not be written.

        """
        now = self._clock.now()
        return self._write(lambda connection: _note(connection, source, sales, now))

    def due(self, source: str, limit: int) -> list[str]:
        """Return the sales to fetch now, those that were named first going first."""
        now = self._clock.now()
        return self._read(lambda connection: _due(connection, source, now, limit))

    def done(self, source: str, sales: Collection[str]) -> None:
        """Drop sales that were fetched and recorded."""
        where = (hints.c.source == source, hints.c.sale_id.in_(sales))
        self._write(lambda connection: connection.execute(delete(hints).where(*where)))

    def later(self, source: str, sale: str) -> None:
        """Try a sale again that was not there yet, or not whole, each time later; after some tries leave it to polling."""
        now = self._clock.now()
        self._write(lambda connection: _later(connection, source, sale, now))


def _note(connection: Connection, source: str, sales: Collection[str], now: datetime) -> bool:
    wanted = list(dict.fromkeys(sales))
    there = set(
        connection.execute(
            select(hints.c.sale_id).where(hints.c.source == source, hints.c.sale_id.in_(wanted))
        ).scalars()
    )
    at = to_micros(now)
    if there:  # named again, perhaps since it was fetched: it is wanted anew
        again = (hints.c.source == source, hints.c.sale_id.in_(there))
        connection.execute(update(hints).where(*again).values(not_before=at, tries=0))
    waiting = connection.execute(select(func.count()).where(hints.c.source == source)).scalar_one()
    rows = [
        {"source": source, "sale_id": sale, "at": at, "tries": 0, "not_before": at}
        for sale in wanted
        if sale not in there
    ]
    if waiting + len(rows) > _MOST:
        return False
    if rows:
        connection.execute(insert(hints), rows)
    return True


def _due(connection: Connection, source: str, now: datetime, limit: int) -> list[str]:
    query = select(hints.c.sale_id).where(hints.c.source == source, hints.c.not_before <= to_micros(now))
    return list(connection.execute(query.order_by(hints.c.at, hints.c.sale_id).limit(limit)).scalars())


def _later(connection: Connection, source: str, sale: str, now: datetime) -> None:
    where = (hints.c.source == source, hints.c.sale_id == sale)
    tries = connection.execute(select(hints.c.tries).where(*where)).scalar_one_or_none()
    if tries is None:
        return
    if tries + 1 >= _LAST_TRY:
        connection.execute(delete(hints).where(*where))
        return
    wait = min(timedelta(seconds=2**tries), _LONGEST_WAIT)
    connection.execute(update(hints).where(*where).values(tries=tries + 1, not_before=to_micros(now + wait)))
