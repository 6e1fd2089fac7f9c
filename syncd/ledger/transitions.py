"""Apply events to sales: the one way in which a recorded sale changes.

Each move is a guarded update that names the state before, with an audit row that says who and why, in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, bindparam, select

from syncd.clock import Now
from syncd.ledger.outbox import announce_sales
from syncd.ledger.rows import Part, chunked, columns_of, insert_rows, read_sale, to_micros, update_sales
from syncd.ledger.schema import audit, sales
from syncd.ledger.transactions import Transactions
from syncd.sale.changes import FactChange, write_changes
from syncd.sale.events import Applied, CheckoutMoved, Deferred, LookedUp, SaleEvent, TimePassed, describe, next_status
from syncd.sale.facts import Doubt, Status
from syncd.sale.sale import Sale
from syncd.sale.states import State

SYNCD = "syncd"

# Locked in the order of their ids: two transactions that lock the same sales never wait for each other.
_SELECT = select(sales).where(sales.c.id.in_(bindparam("ids", expanding=True))).order_by(sales.c.id).with_for_update()


class Transition(Struct, frozen=True):
    """An event for one sale, valid while the sale is in the state ``before``.

    Where ``fingerprint`` is given the sale must still say that, and where ``doubt`` is given be in that very doubt.
    """

    sale_id: int
    before: State
    event: SaleEvent
    fingerprint: str | None = None
    doubt: Doubt | None = None
    attempt_id: int | None = None
    actor: str = SYNCD


def apply_transitions(
    connection: Connection, moves: Sequence[Transition], database: Transactions, now: Now
) -> dict[int, Sale]:
    """Apply the transitions whose sale is still as expected (one a sale); return the changed sales."""
    found = locked(connection, [move.sale_id for move in moves])
    made: dict[int, Sale] = {}
    updates, audits = [], []
    for move in moves:
        sale = found.get(move.sale_id)
        if sale is None or not _expected(move, sale):
            continue
        after, status = next_status(sale, move.event, database.decider, now)
        made[sale.id] = after
        updates.append({**columns_of(after, Part.STATUS, Part.FACT), "of_id": sale.id, "of_state": sale.state.value})
        if _is_told(move, sale, after):
            states, why = (sale.state, after.state), _why(move.event, status)
            audits.append(audit_row(sale.id, states, why, now.wall, actor=move.actor, attempt_id=move.attempt_id))
    if updates:
        update_sales(connection, updates)
        write_audit(connection, audits)
    if database.events:
        announce_sales(connection, database, ((found[number], sale) for number, sale in made.items()), now)
    return made


def _is_told(move: Transition, before: Sale, after: Sale) -> bool:
    """Whether a transition needs an audit row: not if nothing changed, and not for a success, which its attempt shows."""
    event = move.event
    if move.attempt_id is not None and isinstance(event, Applied) and after.state is State.SYNCED:
        return bool(event.differs)
    if move.attempt_id is not None and isinstance(event, CheckoutMoved) and after.state is State.PENDING:
        return bool(event.why)
    if isinstance(event, Deferred) and after.state is before.state and after.why == before.why:
        return False  # it waits for the same as before
    return after.state is not before.state or not isinstance(event, LookedUp | TimePassed)


def locked(connection: Connection, ids: Sequence[int]) -> dict[int, Sale]:
    """Read sales, locked for this transaction (SQLite's transactions are exclusive anyway)."""
    found: dict[int, Sale] = {}
    for some in chunked(ids):
        rows = connection.execute(_SELECT, {"ids": some})
        found.update((row.id, read_sale(row)) for row in rows)
    return found


def _expected(move: Transition, sale: Sale) -> bool:
    if sale.state is not move.before:
        return False
    if move.doubt is not None and sale.doubt != move.doubt:
        return False
    return move.fingerprint is None or sale.fingerprint == move.fingerprint


def _why(news: SaleEvent, status: Status) -> str:
    """Describe the event and the status that followed, each once."""
    told, follows = describe(news), status.why
    return told if not follows or follows in told else f"{told}; {follows}" if told else follows


def audit_row(  # noqa: PLR0913  a row of nine columns
    sale_id: int,
    states: tuple[State | None, State],
    why: str,
    now: datetime,
    *,
    actor: str = SYNCD,
    attempt_id: int | None = None,
    fingerprint: str | None = None,
    changes: tuple[FactChange, ...] = (),
) -> dict[str, Any]:
    """Return an audit row: a sale's states before and after, why and who.

    Where a version made the change, also its fingerprint, and what it says otherwise than the one before.
    """
    before, after = states
    return {
        "sale_id": sale_id,
        "at": to_micros(now),
        "actor": actor,
        "before": before.value if before else None,
        "after": after.value,
        "why": why,
        "attempt_id": attempt_id,
        "fingerprint": fingerprint,
        "changes": write_changes(changes),
    }


def write_audit(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Append audit rows."""
    insert_rows(connection, audit, rows)
