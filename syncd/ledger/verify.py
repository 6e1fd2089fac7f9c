"""Is the ledger sound? The file itself, and that its tables agree with one another. Reads only, streaming."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, func, select, text

from syncd.canonical import CanonicalOrder, fingerprint
from syncd.ledger.counting import number_of
from syncd.ledger.schema import attempts, audit, sales
from syncd.sale.states import State

_MOST = 20  # of one kind: a damaged ledger would otherwise list millions


def problems(connection: Connection) -> Iterator[str]:
    """Yield a line for everything that is not as it must be; nothing where all is well."""
    yield from _file(connection)
    yield from _open_attempts(connection)
    yield from _audits(connection)
    yield from _links(connection)
    yield from _counts(connection)
    yield from _documents(connection)


def _file(connection: Connection) -> Iterator[str]:
    if connection.dialect.name != "sqlite":
        return
    for row in connection.execute(text(f"pragma integrity_check({_MOST})")):
        if row[0] != "ok":
            yield f"the file is damaged: {row[0]}"
    for row in connection.execute(text("pragma foreign_key_check")).fetchmany(_MOST):
        yield f"a row of {row[0]} belongs to a row of {row[2]} that is not there"


def _open_attempts(connection: Connection) -> Iterator[str]:
    is_open = attempts.c.settled_at.is_(None)
    lone = (
        select(sales.c.sale_key)
        .join(attempts, (attempts.c.sale_id == sales.c.id) & is_open, isouter=True)
        .where(sales.c.state == State.SENDING.value, attempts.c.id.is_(None))
    )
    for row in connection.execute(lone.limit(_MOST)):
        yield f"{row.sale_key} is sending without an attempt"
    stray = (
        select(sales.c.sale_key, sales.c.state)
        .join(attempts, (attempts.c.sale_id == sales.c.id) & is_open)
        .where(sales.c.state != State.SENDING.value)
    )
    for row in connection.execute(stray.limit(_MOST)):
        yield f"{row.sale_key} is {row.state} with an attempt that was never closed"


def _audits(connection: Connection) -> Iterator[str]:
    """Yield sales whose state neither their newest audit row nor their newest attempt (open, or accepted) explains."""
    newest = select(audit.c.sale_id, func.max(audit.c.id).label("last")).group_by(audit.c.sale_id).subquery()
    tried = select(attempts.c.sale_id, func.max(attempts.c.id).label("last")).group_by(attempts.c.sale_id).subquery()
    sending = (sales.c.state == State.SENDING.value) & attempts.c.id.is_not(None) & attempts.c.settled_at.is_(None)
    synced = (sales.c.state == State.SYNCED.value) & (func.coalesce(attempts.c.outcome, "") == "accepted")
    told = (
        select(sales.c.sale_key, sales.c.state, audit.c.after)
        .join(newest, newest.c.sale_id == sales.c.id, isouter=True)
        .join(audit, audit.c.id == newest.c.last, isouter=True)
        .join(tried, tried.c.sale_id == sales.c.id, isouter=True)
        .join(attempts, attempts.c.id == tried.c.last, isouter=True)
        .where(audit.c.after.is_(None) | ((audit.c.after != sales.c.state) & ~sending & ~synced))
    )
    for row in connection.execute(told.limit(_MOST)):
        yield f"{row.sale_key} is {row.state}; its audit ends with {row.after or 'nothing'}"


def _links(connection: Connection) -> Iterator[str]:
    bare = select(sales.c.sale_key).where(sales.c.state == State.SYNCED.value, sales.c.order_id.is_(None))
    for row in connection.execute(bare.limit(_MOST)):
        yield f"{row.sale_key} is synced with no order"
    shared = (
        select(sales.c.store, sales.c.order_id, func.count().label("number"))
        .where(sales.c.order_id.is_not(None), sales.c.returns_of.is_(None))
        .group_by(sales.c.store, sales.c.order_id)
        .having(func.count() > 1)
    )
    for row in connection.execute(shared.limit(_MOST)):
        yield f"{row.number} sales are linked to order {row.order_id} of {row.store}"


def _counts(connection: Connection) -> Iterator[str]:
    columns = (sales.c.store, sales.c.lane, sales.c.state)
    real = {tuple(row[:3]): row[3] for row in connection.execute(select(*columns, func.count()).group_by(*columns))}
    kept = {(store, lane.value, state.value): number for (store, lane, state), number in number_of(connection).items()}
    for place in sorted(real.keys() | kept.keys()):
        if real.get(place, 0) != kept.get(place, 0):
            yield f"{' '.join(place)}: {real.get(place, 0)} sales, counted as {kept.get(place, 0)}"


def _documents(connection: Connection) -> Iterator[str]:
    """Yield documents that do not fit their fingerprint: they were changed, or rotted on the disk."""
    found = 0
    query = select(sales.c.sale_key, sales.c.fingerprint, sales.c.document).where(sales.c.document.is_not(None))
    for row in connection.execution_options(yield_per=1000).execute(query):
        if (problem := _document(row.document, row.fingerprint)) and found < _MOST:
            found += 1
            yield f"{row.sale_key}: {problem}"


def _document(document: str, mark: str) -> str:
    try:
        order = CanonicalOrder.from_json(document)
    except ValueError:
        return "its document cannot be read"
    return "" if fingerprint(order) == mark else "its document does not match its fingerprint"
