"""The one way in which a sale changes its state: a guarded update, and an audit row that says who and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, assert_never

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from syncd.clock import Now
from syncd.errors import LedgerError
from syncd.ledger.sale import Doubt, write_doubt
from syncd.ledger.schema import audit, sales
from syncd.ledger.states import (
    Held,
    Pending,
    Rejected,
    Skipped,
    State,
    Synced,
    Transition,
    Unsure,
    allowed,
)
from syncd.ledger.times import to_micros

SYNCD = "syncd"
ONE_MORE = object()  # the value of ``tries`` in a move that begins an attempt

_IDS_AT_ONCE = 500
_CHANGED = (
    "order_id",
    "pushed_fingerprint",
    "next_attempt_at",
    "synced_at",
    "tries",
    "why",
    "cure",
    "lookups",
    "settled_by",
)
_READ = [sales.c.id, sales.c.state, sales.c.fingerprint, *(sales.c[name] for name in _CHANGED)]
_SELECT = select(*_READ).where(sales.c.id.in_(bindparam("ids", expanding=True))).with_for_update()
_AUDIT = insert(audit)
_UPDATE = (
    update(sales)
    .where(sales.c.id == bindparam("of_id"), sales.c.state == bindparam("of_state"))
    .values({name: bindparam(name) for name in ("state", "changed_at", *_CHANGED)})
)


@dataclass(frozen=True, slots=True)
class Move:
    """A change of state of one sale: from what it must be now to what it becomes, and the columns that change with it.

    Where ``fingerprint`` is given, the sale must still say that.
    """

    sale_id: int
    before: State
    after: State
    why: str
    values: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: str | None = None
    attempt_id: int | None = None
    actor: str = SYNCD


def apply(connection: Connection, moves: Sequence[Move], now: datetime) -> dict[int, RowMapping]:
    """Make those moves whose sale still is what the move expects (one move a sale); the moved sales as they were before."""
    rows = _rows(connection, [move.sale_id for move in moves])
    made = [move for move in moves if _expected(move, rows.get(move.sale_id))]
    if made:
        connection.execute(_UPDATE, [_columns(move, rows[move.sale_id], now) for move in made])
        write_audit(connection, [audit_row(move, now) for move in made])
    return {move.sale_id: rows[move.sale_id] for move in made}


def _rows(connection: Connection, ids: Sequence[int]) -> dict[int, RowMapping]:
    """The sales as they are, locked for this transaction (SQLite's is exclusive as it is)."""
    found: dict[int, RowMapping] = {}
    for start in range(0, len(ids), _IDS_AT_ONCE):
        rows = connection.execute(_SELECT, {"ids": ids[start : start + _IDS_AT_ONCE]})
        found.update((row["id"], row) for row in rows.mappings())
    return found


def _expected(move: Move, row: RowMapping | None) -> bool:
    if not allowed(move.before, move.after):
        raise LedgerError(f"a sale may not go from {move.before} to {move.after}")
    if row is None or row["state"] != move.before.value:
        return False
    return move.fingerprint is None or row["fingerprint"] == move.fingerprint


def _columns(move: Move, row: RowMapping, now: datetime) -> dict[str, Any]:
    values = {name: move.values.get(name, row[name]) for name in _CHANGED}
    if values["tries"] is ONE_MORE:
        values["tries"] = row["tries"] + 1
    return {
        "of_id": move.sale_id,
        "of_state": move.before.value,
        "state": move.after.value,
        "changed_at": to_micros(now),
        **values,
    }


def audit_row(move: Move, now: datetime) -> dict[str, Any]:
    """The audit row of a move."""
    return {
        "sale_id": move.sale_id,
        "at": to_micros(now),
        "actor": move.actor,
        "before": move.before.value,
        "after": move.after.value,
        "why": move.why,
        "attempt_id": move.attempt_id,
    }


def write_audit(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append audit rows."""
    if rows:
        connection.execute(_AUDIT, [dict(row) for row in rows])


def effect(transition: Transition, fingerprint: str, now: Now) -> tuple[State, str, dict[str, Any]]:
    """The state, the reason and the columns that a transition brings; ``fingerprint`` is what was pushed. Pure."""
    match transition:
        case Synced(order_id=order_id, note=note):
            values = {
                "order_id": order_id,
                "pushed_fingerprint": fingerprint,
                "synced_at": to_micros(now.wall),
                "tries": 0,
            }
            return State.SYNCED, note, values | {"why": "", "cure": "", "next_attempt_at": None, "lookups": None}
        case Pending(at=at, why=why, order_id=order_id):
            values = {"why": why, "cure": "", "next_attempt_at": to_micros(at), "lookups": None}
            return State.PENDING, why, values | ({} if order_id is None else {"order_id": order_id})
        case Rejected(why=why, cure=cure):
            return State.REJECTED, why, {"why": why, "cure": cure, "next_attempt_at": None}
        case Unsure(look_up_at=at, why=why):
            doubt = write_doubt(Doubt(now.boot))
            return State.UNKNOWN, why, {"why": why, "cure": "", "next_attempt_at": to_micros(at), "lookups": doubt}
        case Held(why=why, cure=cure, order_id=order_id):
            values = {"why": why, "cure": cure, "next_attempt_at": None}
            pushed = {"order_id": order_id, "pushed_fingerprint": fingerprint} if order_id is not None else {}
            return State.HELD, why, values | pushed
        case Skipped(why=why):
            return State.SKIPPED, why, {"why": why, "cure": "", "next_attempt_at": None}
        case _:
            assert_never(transition)
