"""Sales by store, lane and state, kept by triggers, so that counting costs the same for ten sales and for millions.

SQLite has one writer, and its triggers keep the sums. On PostgreSQL two transactions that each touch two sums in their own order
would wait for each other: its triggers append what changes, and once a minute that is folded into the sums.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select, text, union_all

from syncd.ledger.schema import count_changes, counts
from syncd.sale.states import Lane, State

_ALONE = text("select pg_try_advisory_xact_lock(7305803386275)")
_FOLD = text("""
    with gone as (delete from count_changes returning store, lane, state, number, before),
         moves as (select store, lane, state, number from gone
                   union all select store, lane, before, -number from gone where before is not null),
         sums as (select store, lane, state, sum(number) as number from moves group by 1, 2, 3 order by 1, 2, 3)
    insert into counts (store, lane, state, number) select store, lane, state, number from sums
    on conflict (store, lane, state) do update set number = counts.number + excluded.number
""")


def number_of(connection: Connection, store: str | None = None) -> dict[tuple[str, Lane, State], int]:
    """Sales by store, lane and state; places without any are left out."""
    change = count_changes.c
    left = select(change.store, change.lane, change.before, -change.number).where(change.before.is_not(None))
    came = select(change.store, change.lane, change.state, change.number)
    both = union_all(select(counts.c.store, counts.c.lane, counts.c.state, counts.c.number), came, left).subquery()
    place = (both.c.store, both.c.lane, both.c.state)
    query = select(*place, func.sum(both.c.number).label("number")).group_by(*place)
    rows = connection.execute(query if store is None else query.where(both.c.store == store))
    return {(row.store, Lane(row.lane), State(row.state)): int(row.number) for row in rows if row.number}


def fold_counts(connection: Connection) -> None:
    """Add what has changed to the sums (PostgreSQL). Where another process is at it this moment, nothing is to be done."""
    if connection.execute(_ALONE).scalar_one():
        connection.execute(_FOLD)
