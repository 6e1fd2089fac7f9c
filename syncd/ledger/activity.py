"""What happened when: orders made, how long each waited, requests that failed; by quarters of an hour, for charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import BigInteger, ColumnElement, Connection, cast, func, literal_column, select

from syncd.ledger.rows import from_micros, to_micros
from syncd.ledger.schema import attempts, sales, stores
from syncd.ledger.transactions import Repository, reads
from syncd.sale.states import Lane

SLOT = timedelta(minutes=15)  # local days of every time zone begin at such a quarter
_MICROS = SLOT // timedelta(microseconds=1)
_MOST_ATTEMPTS = 10_000


class SlotActivity(Struct, frozen=True):
    """One quarter of an hour: orders that were made, and how long the live sale among them waited that waited longest."""

    orders: int
    longest_wait: timedelta


class ActivityRepository(Repository):
    """Reads for charts: each walks an index over the time that it shows."""

    @reads
    def of(self, connection: Connection, since: datetime, store: str | None = None) -> dict[datetime, SlotActivity]:
        """Return what happened in each quarter since then, of one store or of all; quarters without an order are left out."""
        slot = _slot(connection, sales.c.synced_at)
        wait = func.max(sales.c.synced_at - sales.c.recorded_at).filter(sales.c.lane == Lane.LIVE.value)
        chosen = sales.c.store.in_(select(stores.c.name)) if store is None else sales.c.store == store
        query = select(slot.label("slot"), func.count(), wait).where(chosen, sales.c.synced_at >= to_micros(since))
        rows = connection.execute(query.group_by(literal_column("slot")))
        return {
            from_micros(row[0] * _MICROS): SlotActivity(int(row[1]), timedelta(microseconds=max(int(row[2] or 0), 0)))
            for row in rows
        }

    @reads
    def orders_of(
        self, connection: Connection, names: Sequence[str], since: datetime
    ) -> dict[str, Mapping[datetime, int]]:
        """Return how many orders each of some stores got in each quarter since then."""
        slot = _slot(connection, sales.c.synced_at)
        query = select(sales.c.store, slot.label("slot"), func.count()).where(
            sales.c.store.in_(names), sales.c.synced_at >= to_micros(since)
        )
        found: dict[str, dict[datetime, int]] = {name: {} for name in names}
        for store, number, count in connection.execute(query.group_by(sales.c.store, literal_column("slot"))):
            found[store][from_micros(number * _MICROS)] = int(count)
        return dict(found)

    @reads
    def orders_since(self, connection: Connection, since: datetime) -> dict[str, int]:
        """How many orders each store got since then: by index for each, in one statement."""
        of_store = (sales.c.store == stores.c.name, sales.c.synced_at >= to_micros(since))
        number = select(func.count()).where(*of_store).scalar_subquery()
        return {row[0]: int(row[1]) for row in connection.execute(select(stores.c.name, number))}

    @reads
    def failures(self, connection: Connection, since: datetime, store: str | None = None) -> dict[datetime, int]:
        """Return how many requests failed in each quarter since then, among the newest; of one store or of all."""
        newest = int(connection.execute(select(func.max(attempts.c.id))).scalar() or 0)
        slot = _slot(connection, attempts.c.began_at)
        query = select(slot.label("slot"), func.count()).where(
            attempts.c.id > newest - _MOST_ATTEMPTS,
            attempts.c.began_at >= to_micros(since),
            attempts.c.outcome.is_not(None),
            attempts.c.outcome != "accepted",
        )
        if store is not None:
            of_sale = select(sales.c.store).where(sales.c.id == attempts.c.sale_id).scalar_subquery()
            query = query.where(of_sale == store)
        rows = connection.execute(query.group_by(literal_column("slot")))
        return {from_micros(row[0] * _MICROS): int(row[1]) for row in rows}


def _slot(connection: Connection, at: ColumnElement[int]) -> ColumnElement[int]:
    slot = at / literal_column(str(_MICROS), BigInteger)
    return cast(slot if connection.dialect.name == "sqlite" else func.floor(slot), BigInteger)
