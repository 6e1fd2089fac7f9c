"""Gives a source or a store another name in every row, in one transaction. No sale key changes, and nothing in BigCommerce."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import Column, ColumnElement, Connection, Table, delete, func, insert, select, update

from syncd.errors import UsageError
from syncd.ledger.adapter_state import OF_THE_START
from syncd.ledger.schema import (
    alerts,
    backfills,
    cache,
    catalog,
    cursors,
    faults,
    hints,
    known_orders,
    mirrors,
    outbox,
    sales,
    source_state,
    sources,
    state,
    stores,
)
from syncd.sale.states import NOT_DONE


class Renaming(Struct, frozen=True):
    """What goes by another name: sales, how many of them have an order, how many are not done; and the name in the sale keys."""

    sales: int
    orders: int
    not_done: int
    keys: str = ""


def source_to_rename(connection: Connection, old: str, new: str) -> Renaming:
    """Return what a source's new name would change.

    Raises:
        UsageError: the ledger has sales of ``new`` already; both would begin with names of their own.

    """
    own = connection.execute(select(func.count()).where(sales.c.source == new)).scalar_one()
    if own:
        what = f"{new} has {own:,} sales of its own in this ledger"
        raise UsageError(what, f"Give the source that was {old} a name that is not in use yet, or call it {old} again.")
    keys = connection.execute(select(sources.c.key_name).where(sources.c.name == old)).scalar() or old
    return _counted(connection, sales.c.source == old, keys)


def rename_source(connection: Connection, old: str, new: str) -> Renaming:
    """Give a source another name.

    Raises:
        UsageError: see ``source_to_rename``; nothing was changed.

    """
    found = source_to_rename(connection, old, new)
    connection.execute(delete(cursors).where(_cursor_of(new)))
    connection.execute(delete(sources).where(sources.c.name == new))
    connection.execute(delete(source_state).where(source_state.c.source == new, source_state.c.name.in_(OF_THE_START)))
    for table, name in ((faults, faults.c.digest), (hints, hints.c.sale_id), (source_state, source_state.c.name)):
        _keep_one_of_each(connection, table, name, (old, new))
    for cursor in connection.execute(select(cursors.c.name).where(_cursor_of(old))).scalars().all():
        renamed = new + cursor.removeprefix(old)
        connection.execute(update(cursors).where(cursors.c.name == cursor).values(name=renamed))
    for table in (sales, faults, source_state, hints, backfills):
        connection.execute(update(table).where(table.c.source == old).values(source=new))
    if not connection.execute(update(sources).where(sources.c.name == old).values(name=new)).rowcount:
        connection.execute(insert(sources).values(name=new, key_name=found.keys, reads="[]"))
    return found


def begin_source_anew(connection: Connection, name: str) -> None:
    """Forget a source's cursors and the start of its sales; the sales themselves stay."""
    connection.execute(delete(cursors).where(_cursor_of(name)))
    connection.execute(delete(source_state).where(source_state.c.source == name, source_state.c.name.in_(OF_THE_START)))


def _keep_one_of_each(connection: Connection, table: Table, name: Column[str], both: tuple[str, str]) -> None:
    """Where both sources have a row of one name, keep that of the new one: a token that was renewed last is the one that works."""
    old, new = both
    theirs = select(name).where(table.c.source == new).scalar_subquery()
    connection.execute(delete(table).where(table.c.source == old, name.in_(theirs)))


def _cursor_of(source: str) -> ColumnElement[bool]:
    """Return the cursors of a source, those of its backfills too."""
    return (cursors.c.name == source) | cursors.c.name.startswith(f"{source}#", autoescape=True)


def store_to_rename(connection: Connection, old: str, new: str) -> Renaming:
    """Return what a store's new name would change.

    Raises:
        UsageError: ``new`` is another store of BigCommerce already.

    """
    both = connection.execute(select(stores).where(stores.c.name.in_([old, new])))
    hashes: dict[str, str | None] = {row.name: row.store_hash for row in both}
    if None not in (hashes.get(old), hashes.get(new)) and hashes[old] != hashes[new]:
        what = f"{old} is the store {hashes[old]} of BigCommerce, and {new} is {hashes[new]}"
        raise UsageError(what, "Two stores stay two: look at the store_hash of each in the config.")
    return _counted(connection, sales.c.store == old)


def rename_store(connection: Connection, old: str, new: str) -> Renaming:
    """Give a store another name; what was recorded for the new name meanwhile is kept.

    Raises:
        UsageError: see ``store_to_rename``; nothing was changed.

    """
    found = store_to_rename(connection, old, new)
    for table in (catalog, mirrors, cache, state, known_orders):
        connection.execute(delete(table).where(table.c.store == new))
        connection.execute(update(table).where(table.c.store == old).values(store=new))
    for table in (sales, alerts, outbox):
        connection.execute(update(table).where(table.c.store == old).values(store=new))
    if connection.execute(select(stores.c.name).where(stores.c.name == old)).first():
        connection.execute(delete(stores).where(stores.c.name == new))
        connection.execute(update(stores).where(stores.c.name == old).values(name=new))
    return found


def _counted(connection: Connection, which: ColumnElement[bool], keys: str = "") -> Renaming:
    def number(*also: ColumnElement[bool]) -> int:
        return int(connection.execute(select(func.count()).select_from(sales).where(which, *also)).scalar_one())

    states: Sequence[str] = [state.value for state in NOT_DONE]
    return Renaming(number(), number(sales.c.order_id.is_not(None)), number(sales.c.state.in_(states)), keys)
