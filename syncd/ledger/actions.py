"""What people do to sales: retry, skip, release; each move is audited with who made it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, select

from syncd.canonical import CanonicalOrder
from syncd.canonical.order import SaleStatus
from syncd.ledger.moves import Move, apply, audit_row, write_audit
from syncd.ledger.queries import Selection, conditions
from syncd.ledger.sale import read_document
from syncd.ledger.schema import sales
from syncd.ledger.states import State
from syncd.ledger.times import to_micros

_IDS_AT_ONCE = 500
_SKIPPED_DOCUMENT = case((sales.c.state == State.SKIPPED.value, sales.c.document)).label("document")
_IN_FLIGHT = "a request is on the wire or being looked up; wait until it is settled"


@dataclass(frozen=True, slots=True)
class Moved:
    """The sales that moved, and those that did not with the reason."""

    moved: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]


Choice = Callable[[State, CanonicalOrder | None], State | str]
"""The state that an action brings a sale into, or why it does not; the sale's document is shown where it was skipped."""


def retried(before: State, _said: CanonicalOrder | None = None) -> State | str:
    """Where ``retry`` brings a sale. Pure."""
    match before:
        case State.REJECTED | State.PENDING:
            return State.PENDING
        case State.SYNCED:
            return "already in BigCommerce; nothing to retry"
        case State.HELD | State.SKIPPED:
            return f"it is {before}: use release"
        case _:
            return _IN_FLIGHT


def skipped(before: State, _said: CanonicalOrder | None = None) -> State | str:
    """Where ``skip`` brings a sale. Pure."""
    match before:
        case State.SENDING | State.UNKNOWN:
            return _IN_FLIGHT
        case State.SYNCED:
            return "already in BigCommerce; void it in the POS, or archive the order there"
        case _:
            return State.SKIPPED


def released(before: State, said: CanonicalOrder | None = None) -> State | str:
    """Where ``release`` brings a sale. What is no sale (yet) is not pushed, whoever asks. Pure."""
    if said is not None and said.training:
        return "it is a training sale: nothing was sold"
    if said is not None and said.status is SaleStatus.OPEN:
        return "it is still open in the POS: it is pushed once it is completed there"
    match before:
        case State.HELD | State.SKIPPED:
            return State.PENDING
        case State.SENDING | State.UNKNOWN:
            return _IN_FLIGHT
        case State.REJECTED:
            return "it is rejected: use retry"
        case _:
            return f"it is {before}: nothing to release"


def act(connection: Connection, selection: Selection, choose: Choice, who: tuple[str, str], now: datetime) -> Moved:
    """Move every selected sale as ``choose`` says; ``who`` is the actor and the reason that the audit shows."""
    columns = (sales.c.id, sales.c.sale_key, sales.c.state, _SKIPPED_DOCUMENT)
    rows = connection.execute(select(*columns).where(*conditions(selection))).all()
    moves, refused = [], []
    for row in rows:
        before = State(row.state)
        after = choose(before, read_document(row.document))
        if isinstance(after, State):
            moves.append(_move(row.id, before, after, who, now))
        else:
            refused.append((row.sale_key, after))
    done = apply(connection, moves, now)
    wanted = {move.sale_id for move in moves}
    moved = tuple(row.sale_key for row in rows if row.id in done)
    refused += [(row.sale_key, "it has just changed; look again") for row in rows if row.id in wanted - done.keys()]
    missing = sorted(set(selection.keys) - {row.sale_key for row in rows})
    return Moved(moved, (*refused, *((key, "the ledger has no such sale") for key in missing)))


def remark(connection: Connection, orders: tuple[str, Sequence[int]], who: tuple[str, str], now: datetime) -> int:
    """An audit row for each sale that is linked to one of a store's orders, which changes no state."""
    store, order_ids = orders
    moves: list[Move] = []
    actor, what = who
    for start in range(0, len(order_ids), _IDS_AT_ONCE):
        some = sales.c.order_id.in_(order_ids[start : start + _IDS_AT_ONCE])
        found = connection.execute(select(sales.c.id, sales.c.state).where(sales.c.store == store, some))
        moves += [Move(row.id, State(row.state), State(row.state), what, actor=actor) for row in found]
    write_audit(connection, [audit_row(move, now) for move in moves])
    return len(moves)


def _move(sale_id: int, before: State, after: State, who: tuple[str, str], now: datetime) -> Move:
    actor, reason = who
    values: dict[str, Any] = {"next_attempt_at": None, "why": reason, "cure": "", "settled_by": actor}
    if after is State.PENDING:
        values |= {"next_attempt_at": to_micros(now), "why": "", "tries": 0}
    return Move(sale_id, before, after, reason, values, actor=actor)
