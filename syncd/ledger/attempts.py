"""Attempts: intents that are durable before a request leaves, and the outcomes that close them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, func, insert, select, update

from syncd.clock import Now
from syncd.ledger.moves import ONE_MORE, Move, apply, effect
from syncd.ledger.sale import Attempt, Doubt, Intent, Looked, ReplyInfo, Sale, write_doubt
from syncd.ledger.schema import attempts, sales
from syncd.ledger.states import Kind, State, Transition
from syncd.ledger.times import to_micros

_EDITED = "changed in the POS while its request was on the wire"
_BEGIN = insert(attempts).returning(attempts.c.id, sort_by_parameter_order=True)
_INTERRUPTED = "the process that sent it ended before the outcome was written"


def begin(connection: Connection, intents: Sequence[Intent], now: Now) -> list[Attempt]:
    """Commit-to-be of ``intents``: an attempt each, and the sale is ``sending``; a sale that has moved on is left out."""
    values = {"tries": ONE_MORE, "lookups": None}
    moves = [
        Move(intent.sale_id, State.PENDING, State.SENDING, intent.kind.value, values, intent.fingerprint)
        for intent in intents
    ]
    moved = apply(connection, moves, now.wall)
    begun = [intent for intent in intents if intent.sale_id in moved]
    if not begun:
        return []
    rows = [_row(intent, now) for intent in begun]
    numbers = connection.execute(_BEGIN, rows).scalars()
    return [
        Attempt(number, i.sale_id, i.sale_key, i.kind, i.fingerprint, i.digest, now.boot, _target(i, moved[i.sale_id]))
        for number, i in zip(numbers, begun, strict=True)
    ]


def _target(intent: Intent, sale: RowMapping) -> int | None:
    if intent.kind is Kind.CREATE:
        return None
    return intent.order_id if intent.order_id is not None else sale["order_id"]


def _row(intent: Intent, now: Now) -> dict[str, Any]:
    return {
        "sale_id": intent.sale_id,
        "kind": intent.kind.value,
        "fingerprint": intent.fingerprint,
        "digest": intent.digest,
        "order_floor": intent.order_floor,
        "stamp": intent.stamp or None,
        "began_at": to_micros(now.wall),
        "boot_id": now.boot.boot_id,
        "boot_s": repr(now.boot.seconds),
    }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt: the transition that it brings, and what is kept of the answer."""

    attempt: Attempt
    transition: Transition
    reply: ReplyInfo
    at: Now


def settle(connection: Connection, outcomes: Sequence[Outcome], now: Now) -> set[int]:
    """Close attempts and move their sales; an attempt that was closed before (a stale process woke up) changes nothing.

    Returns the ids of the attempts that were closed here.
    """
    ids = [outcome.attempt.id for outcome in outcomes]
    still_open = set(connection.execute(_STILL_OPEN, {"ids": ids}).scalars())
    closing = [outcome for outcome in outcomes if outcome.attempt.id in still_open]
    if closing:
        connection.execute(_CLOSE, [_closed(outcome) for outcome in closing])
        sent = [Sent(o.attempt.sale_id, State.SENDING, o.attempt.fingerprint, o.attempt.id) for o in closing]
        move_sales(connection, list(zip(sent, (o.transition for o in closing), strict=True)), now)
    return still_open


_STILL_OPEN = (
    select(attempts.c.id)
    .where(attempts.c.id.in_(bindparam("ids", expanding=True)), attempts.c.settled_at.is_(None))
    .with_for_update()
)
_CLOSE = (
    update(attempts)
    .where(attempts.c.id == bindparam("of_id"), attempts.c.settled_at.is_(None))
    .values({n: bindparam(n) for n in ("settled_at", "outcome", "status", "request_id", "elapsed_ms", "detail")})
)


def _closed(outcome: Outcome) -> dict[str, Any]:
    reply = outcome.reply
    return {
        "of_id": outcome.attempt.id,
        "settled_at": to_micros(outcome.at.wall),
        "outcome": reply.outcome,
        "status": reply.status,
        "request_id": reply.request_id,
        "elapsed_ms": round(reply.elapsed_s * 1000),
        "detail": reply.detail[:2000],
    }


@dataclass(frozen=True, slots=True)
class Sent:
    """A sale on the wire: the state that it must be in, the fingerprint that was sent, and the attempt."""

    sale_id: int
    before: State
    fingerprint: str
    attempt_id: int | None


def move_sales(connection: Connection, settled: Sequence[tuple[Sent, Transition]], now: Now) -> int:
    """Move sales by their transitions; those edited since they were claimed go straight on to pending in this commit."""
    moves, states = [], {}
    for sent, transition in settled:
        after, why, values = effect(transition, sent.fingerprint, now)
        moves.append(Move(sent.sale_id, sent.before, after, why, values, attempt_id=sent.attempt_id))
        states[sent.sale_id] = after
    moved = apply(connection, moves, now.wall)
    edited = [sent for sent, _ in settled if _edited(sent, moved)]
    _pass_on_edited(connection, [(sent, states[sent.sale_id]) for sent in edited], now.wall)
    return len(moved)


def _edited(sent: Sent, moved: Mapping[int, RowMapping]) -> bool:
    return sent.sale_id in moved and moved[sent.sale_id]["fingerprint"] != sent.fingerprint


def _pass_on_edited(connection: Connection, edited: Sequence[tuple[Sent, State]], now: datetime) -> None:
    """An edit that arrived in flight: an unknown sale keeps waiting (nothing may overtake), every other is due again."""
    again = {"next_attempt_at": to_micros(now), "why": "", "cure": "", "tries": 0}
    moves = [
        Move(sent.sale_id, state, State.PENDING, _EDITED, again, attempt_id=sent.attempt_id)
        for sent, state in edited
        if state not in (State.UNKNOWN, State.PENDING)
    ]
    if moves:
        apply(connection, moves, now)


def mark(connection: Connection, decided: Sequence[tuple[Sale, Transition]], now: Now) -> int:
    """Move pending sales that need no request; one that has moved on since it was read is left as it is."""
    moves = []
    for sale, transition in decided:
        after, why, values = effect(transition, sale.fingerprint, now)
        moves.append(Move(sale.id, State.PENDING, after, why, values, sale.fingerprint))
    return len(apply(connection, moves, now.wall))


def orphans(connection: Connection, store: str, now: Now) -> int:
    """A dead holder's ``sending`` rows become ``unknown``: their requests may have arrived."""
    rows = connection.execute(
        select(sales.c.id, attempts.c.id.label("attempt_id"))
        .join(attempts, (attempts.c.sale_id == sales.c.id) & attempts.c.settled_at.is_(None), isouter=True)
        .where(sales.c.store == store, sales.c.state == State.SENDING.value)
    ).all()
    values = {"why": _INTERRUPTED, "next_attempt_at": to_micros(now.wall), "lookups": write_doubt(Doubt(now.boot))}
    moves = [Move(r.id, State.SENDING, State.UNKNOWN, _INTERRUPTED, values, attempt_id=r.attempt_id) for r in rows]
    apply(connection, moves, now.wall)
    closing = [
        {**dict.fromkeys(("status", "request_id", "elapsed_ms")), **_interrupted(row.attempt_id, now.wall)}
        for row in rows
        if row.attempt_id is not None
    ]
    if closing:
        connection.execute(_CLOSE, closing)
    return len(rows)


def _interrupted(attempt_id: int, now: datetime) -> dict[str, Any]:
    return {"of_id": attempt_id, "settled_at": to_micros(now), "outcome": "interrupted", "detail": _INTERRUPTED}


def resolve(connection: Connection, settled: Sequence[tuple[Sale, Transition]], now: Now) -> int:
    """What look-ups say of unknown sales; guarded by state, so that a sale settled meanwhile is left alone."""
    last = _last_attempts(connection, [sale.id for sale, _ in settled])
    return move_sales(
        connection, [(_unknown(sale, last.get(sale.id)), transition) for sale, transition in settled], now
    )


def _unknown(sale: Sale, last: tuple[int, str] | None) -> Sent:
    attempt_id, fingerprint = last or (None, sale.fingerprint)
    return Sent(sale.id, State.UNKNOWN, fingerprint, attempt_id)


def _last_attempts(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[int, str]]:
    newest = select(func.max(attempts.c.id)).where(attempts.c.sale_id.in_(ids)).group_by(attempts.c.sale_id)
    rows = connection.execute(
        select(attempts.c.id, attempts.c.sale_id, attempts.c.fingerprint).where(attempts.c.id.in_(newest))
    )
    return {row.sale_id: (row.id, row.fingerprint) for row in rows}


_NOTED = (
    update(sales)
    .where(sales.c.id == bindparam("of_id"), sales.c.state == State.UNKNOWN.value)
    .values(next_attempt_at=bindparam("again_at"), lookups=bindparam("doubt"))
)


def noted(connection: Connection, looked: Sequence[Looked]) -> None:
    """Look-ups that did not settle: when to look again, and the doubt as it stands now."""
    rows = [(look, look.doubt or look.sale.doubt) for look in looked]
    connection.execute(
        _NOTED,
        [
            {"of_id": look.sale.id, "again_at": to_micros(look.again_at), "doubt": doubt and write_doubt(doubt)}
            for look, doubt in rows
        ],
    )


_DROPPED_AT_ONCE = 1000


def drop_documents(connection: Connection, synced_before: datetime) -> int:
    """Forget the documents of the next thousand sales that were synced before a time; how many those were."""
    old = (
        select(sales.c.id)
        .where(sales.c.state == State.SYNCED.value, sales.c.document.is_not(None))
        .where(sales.c.synced_at < to_micros(synced_before))
        .limit(_DROPPED_AT_ONCE)
    )
    return connection.execute(update(sales).where(sales.c.id.in_(old.scalar_subquery())).values(document=None)).rowcount
