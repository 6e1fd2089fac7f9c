"""Attempts: intents that are durable before a request leaves, and the outcomes that close them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import Future
from datetime import datetime
from functools import partial
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from syncd.clock import Now
from syncd.ledger.lease import Lease
from syncd.ledger.rows import chunked, execute_many, from_micros, is_state, read_sales, rows_in, to_micros
from syncd.ledger.schema import attempts, backfills, sales
from syncd.ledger.stores import advance, read_epoch
from syncd.ledger.transactions import OutcomeBatcher, Repository, Transactions, reads, writes_under_lease
from syncd.ledger.transitions import Transition, apply_transitions
from syncd.sale.attempt import Attempt, Intent
from syncd.sale.events import Drifted, Observed, OutcomeUnknown, SaleEvent, TimePassed
from syncd.sale.facts import UNTOUCHED, Doubt, Trail
from syncd.sale.sale import Sale
from syncd.sale.states import MAKES_ORDER, ON_THE_WIRE, REPEATABLE, AttemptKind, BackfillStage, Lane, State

_INTERRUPTED = "the process that sent it ended before the outcome was written"
_BEGIN = insert(attempts).returning(attempts.c.sale_id, attempts.c.id)  # a sale at a time: in any order, then
_FIRST = (AttemptKind.CREATE.value, AttemptKind.FINISH.value)  # what makes an order the sale's
_CLAIMED = (
    select(
        sales.c.id,
        sales.c.state,
        sales.c.fingerprint,
        sales.c.sent_as,
        sales.c.order_id,
        sales.c.lane,
        sales.c.backfill,
    )
    .where(sales.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(sales.c.id)
    .with_for_update()
)
_PAUSED = select(backfills.c.id).where(backfills.c.state == BackfillStage.PAUSED.value)
_CLAIM = (
    update(sales)
    .where(sales.c.id == bindparam("of_id"), sales.c.state == State.PENDING.value)
    .values(
        state=State.SENDING.value,
        tries=sales.c.tries + 1,
        next_attempt_at=None,
        changed_at=bindparam("changed"),
        sent_as=bindparam("sent_as"),
    )
)


class ReplyInfo(Struct, frozen=True):
    """What the ledger keeps of an answer: HTTP status, request id, seconds, the outcome's name and its text."""

    status: int | None
    request_id: str | None
    elapsed_s: float
    outcome: str
    detail: str


class Outcome(Struct, frozen=True):
    """How an attempt ended: the event for its sale, and what is kept of the answer."""

    attempt: Attempt
    event: SaleEvent
    reply: ReplyInfo
    at: Now


class Begun(Struct, frozen=True):
    """The attempts of a claim, and the epoch of the store's rows after it."""

    attempts: list[Attempt]
    epoch: int


class AttemptRepository(Repository):
    """Intents before a request leaves, outcomes after it, and what look-ups said. Writes need the lease of their store."""

    def __init__(self, database: Transactions, outcomes: OutcomeBatcher) -> None:
        super().__init__(database)
        self._outcomes = outcomes
        self._epochs: dict[str, int] = {}

    def accept_epoch(self, store: str) -> None:
        """Accept the store's epoch as it is now; only the holder of its lease may."""
        self._epochs[store] = self.database.read(partial(read_epoch, store=store))

    def follow_epoch(self, store: str) -> None:
        """Accept what others have claimed since this process held the store; an epoch that went back shows at the next claim."""
        self._epochs[store] = max(self._epochs.get(store, 0), self.database.read(partial(read_epoch, store=store)))

    def begin(self, lease: Lease, intents: Sequence[Intent]) -> Sequence[Attempt]:
        """Commit intents, durably, before anything is sent; leave out sales that changed since they were read.

        Raises:
            WoundBack: the ledger was taken back in time; nothing was claimed.

        """
        now, known = self.database.now, self._epochs.get(lease.store, 0)
        begun = lease.run(lambda connection: begin(connection, lease.store, intents, known, now))
        self._epochs[lease.store] = begun.epoch
        return begun.attempts

    def settle(self, attempt: Attempt, news: SaleEvent, reply: ReplyInfo) -> Future[State | None]:
        """Close an attempt with its outcome; outcomes commit in groups. Gives the sale's state; None where it was closed before."""
        outcome = Outcome(attempt, news, reply, self.database.now)
        return self._outcomes.add(outcome, partial(settle, database=self.database))

    @reads
    def trail(self, connection: Connection, store: str, order_id: int) -> Trail:
        """Return what was sent to an order; ask before the order is read."""
        return trails(connection, store, [order_id]).get(order_id, UNTOUCHED)

    @writes_under_lease
    def record_without_request(
        self, connection: Connection, decided: Sequence[tuple[Sale, SaleEvent]]
    ) -> dict[int, State]:
        """Apply events of pending sales that need no request; skip a sale that changed since it was read."""
        now = self.database.now
        moves = [Transition(sale.id, State.PENDING, news, sale.fingerprint) for sale, news in decided]
        made = apply_transitions(connection, moves, self.database, now)
        looks = [
            _look(sale, news, now)
            for sale, news in decided
            if isinstance(news, Observed) and news.stamp and sale.id in made
        ]
        if looks:
            connection.execute(insert(attempts), looks)
        return {number: sale.state for number, sale in made.items()}

    @writes_under_lease
    def drift(self, connection: Connection, drifted: Sequence[tuple[Sale, Drifted]]) -> int:
        """Mark sales whose orders were changed, so that each is looked at again; return how many."""
        moves = [Transition(sale.id, sale.state, news, sale.fingerprint) for sale, news in drifted]
        return len(apply_transitions(connection, moves, self.database, self.database.now))

    def reevaluate_holds(self, lease: Lease) -> int:
        """Decide again about held sales whose hold should have ended; return how many are held no more."""
        now = self.database.now
        ended = self.database.read(partial(_ended_holds, store=lease.store, now=now.wall))
        why = "what it waited for has come"
        moves = [Transition(sale.id, State.HELD, TimePassed(why), sale.fingerprint) for sale in ended]
        if not moves:
            return 0
        moved = lease.run(lambda connection: apply_transitions(connection, moves, self.database, now))
        return sum(sale.state is not State.HELD for sale in moved.values())

    def recover_interrupted(self, lease: Lease) -> int:
        """Set a dead holder's ``sending`` sales to ``unknown``: their requests may have arrived. Return how many."""
        return self._recover(lease, lease.store)

    @writes_under_lease
    def _recover(self, connection: Connection, store: str) -> int:
        now = self.database.now
        rows = connection.execute(
            select(
                sales.c.id, attempts.c.id.label("attempt_id"), attempts.c.kind, attempts.c.fingerprint, attempts.c.more
            )
            .join(attempts, (attempts.c.sale_id == sales.c.id) & attempts.c.settled_at.is_(None), isouter=True)
            .where(sales.c.store == store, is_state(State.SENDING))
        ).all()
        moves = [
            Transition(
                row.id,
                State.SENDING,
                OutcomeUnknown(_left_open(row, now), _INTERRUPTED, at_once=True),
                attempt_id=row.attempt_id,
            )
            for row in rows
        ]
        apply_transitions(connection, moves, self.database, now)
        closing = [_interrupted(row.attempt_id, now.wall) for row in rows if row.attempt_id is not None]
        if closing:
            connection.execute(_CLOSE, closing)
        return len(rows)

    def resolve(
        self, lease: Lease, settled: Sequence[tuple[Sale, SaleEvent]], now: Now
    ) -> dict[int, tuple[State, str]]:
        """Apply what look-ups said of sales in doubt, some hundreds a transaction so that nobody waits long.

        ``now`` is when the look-ups began. A sale whose doubt is another by now is skipped. Returns the state of each sale that
        moved, by its id, and why.
        """
        moved: dict[int, tuple[State, str]] = {}
        for some in chunked(settled):
            moves = [Transition(sale.id, State.UNKNOWN, news, doubt=sale.doubt) for sale, news in some]
            made = lease.run(partial(apply_transitions, moves=moves, database=self.database, now=now))
            moved |= {number: (sale.state, sale.why) for number, sale in made.items()}
        return moved

    @writes_under_lease
    def reschedule_lookups(self, connection: Connection, unsettled: Sequence[Sale], again_at: datetime) -> None:
        """Make failed look-ups again later; they count for nothing."""
        if unsettled:
            connection.execute(_POSTPONE, [{"of_id": sale.id, "again_at": to_micros(again_at)} for sale in unsettled])

    @reads
    def last_attempt_at(self, connection: Connection) -> datetime | None:
        """When the newest attempt of all began."""
        newest = select(attempts.c.began_at).order_by(attempts.c.id.desc()).limit(1)
        return from_micros(connection.execute(newest).scalar())

    @reads
    def stamps(self, connection: Connection, sale: Sale) -> list[str]:
        """Return what the sale's order was last made to say, and every later try that may have taken effect; oldest first.

        The last success is the newest attempt that was accepted; where a look-up found the order, the newest create. Where there is
        neither, another ledger made the order, and nothing is certain: a try that got lost is no word that it was told.
        """
        stamped = (attempts.c.stamp.is_not(None), attempts.c.kind != AttemptKind.REFUND.value)
        query = select(attempts).where(attempts.c.sale_id == sale.id, *stamped).order_by(attempts.c.id)
        rows = connection.execute(query).all()
        accepted = [row.id for row in rows if row.outcome == "accepted"] or [
            row.id for row in rows if row.kind in _FIRST
        ]
        return [row.stamp for row in rows if row.id >= accepted[-1]] if accepted else []

    @reads
    def stamps_of(self, connection: Connection, ids: Sequence[int]) -> dict[int, str]:
        """Return the stamp of the newest attempt of each sale that was accepted, else that of its newest create."""
        found: dict[int, str] = {}
        stamped = (attempts.c.stamp.is_not(None), attempts.c.kind != AttemptKind.REFUND.value)
        for some in chunked(ids):
            query = select(attempts).where(*stamped, attempts.c.sale_id.in_(some))
            rows = connection.execute(query.order_by(attempts.c.id)).all()
            found |= {row.sale_id: row.stamp for row in rows if row.kind in _FIRST}
            found |= {row.sale_id: row.stamp for row in rows if row.outcome == "accepted"}
        return found

    @reads
    def sent_at(self, connection: Connection, ids: Sequence[int]) -> dict[int, datetime]:
        """When the newest attempt of each sale was settled."""
        newest = select(attempts.c.sale_id, func.max(attempts.c.settled_at)).where(attempts.c.settled_at.is_not(None))
        rows = rows_in(connection, newest.group_by(attempts.c.sale_id), attempts.c.sale_id, ids)
        return {number: from_micros(at) for number, at in rows}

    @reads
    def refunds_sent(self, connection: Connection, sale: Sale) -> list[tuple[str, str | None]]:
        """Return the stamp and the outcome of every refund record that was sent for a sale."""
        of_sale = (
            attempts.c.sale_id == sale.id,
            attempts.c.kind == AttemptKind.REFUND.value,
            attempts.c.stamp.is_not(None),
        )
        return [(row.stamp, row.outcome) for row in connection.execute(select(attempts).where(*of_sale))]

    @reads
    def last_sent(self, connection: Connection, sale: Sale) -> AttemptKind | None:
        """Return the kind of a sale's newest attempt that was accepted."""
        accepted = select(attempts.c.kind).where(attempts.c.sale_id == sale.id, attempts.c.outcome == "accepted")
        found = connection.execute(accepted.order_by(attempts.c.id.desc()).limit(1)).scalar()
        return None if found is None else AttemptKind(found)


def begin(connection: Connection, store: str, intents: Sequence[Intent], epoch: int, now: Now) -> Begun:
    """Claim sales: write an attempt for each intent, and set its sale to ``sending``.

    Left out are a sale that has moved on, one whose backfill was paused meanwhile, and a change whose order was sent another
    one since it was looked at.

    Raises:
        WoundBack: the store's rows are not at ``epoch``.

    """
    if not intents:
        return Begun([], epoch)
    after = advance(connection, store, epoch)
    found = {row.id: row for row in connection.execute(_CLAIMED, {"ids": [intent.sale_id for intent in intents]})}
    as_read = [(i, row) for i in intents if (row := found.get(i.sale_id)) is not None and _as_read(i, row)]
    as_read = _not_paused(connection, as_read)
    begun = _one_an_order(connection, store, as_read)
    if not begun:
        return Begun([], after)
    changed = to_micros(now.wall)
    claims = [{"of_id": row.id, "changed": changed, "sent_as": i.external_key or row.sent_as} for i, row in begun]
    execute_many(connection, _CLAIM, claims)  # no audit row: the attempt says it
    rows = connection.execute(_BEGIN, [_row(intent, _target(intent, row), now) for intent, row in begun])
    numbers: dict[int, int] = {row.sale_id: row.id for row in rows}
    made = [
        Attempt(
            numbers[i.sale_id],
            i.sale_id,
            i.sale_key,
            i.kind,
            i.fingerprint,
            i.digest,
            now.boot,
            _target(i, row),
            i.more,
        )
        for i, row in begun
    ]
    return Begun(made, after)


def _as_read(intent: Intent, row: Row[*tuple[Any, ...]]) -> bool:
    return bool(row.state == State.PENDING.value and row.fingerprint == intent.fingerprint)


_Claim = tuple[Intent, Row[*tuple[Any, ...]]]


def _not_paused(connection: Connection, claims: Sequence[_Claim]) -> list[_Claim]:
    """Leave out claims of paused backfills."""
    if all(row.lane == Lane.LIVE.value or row.backfill is None for _, row in claims):
        return list(claims)
    paused = set(connection.execute(_PAUSED).scalars())
    return [(i, row) for i, row in claims if row.lane == Lane.LIVE.value or row.backfill not in paused]


def _one_an_order(connection: Connection, store: str, claims: Sequence[_Claim]) -> list[_Claim]:
    """Keep at most one change an order, and only if nothing was sent to the order since it was read."""
    targets = {intent.sale_id: number for intent, row in claims if (number := _target(intent, row)) is not None}
    if not targets:
        return list(claims)
    known, taken, free = trails(connection, store, set(targets.values())), set[int](), list[_Claim]()
    for intent, row in claims:
        number = targets.get(intent.sale_id)
        if number is not None:
            trail = known.get(number, UNTOUCHED)
            if number in taken or trail.busy or trail.newest != intent.after:
                continue
            taken.add(number)
        free.append((intent, row))
    return free


_NAMES_ITS_ORDER = REPEATABLE | MAKES_ORDER | {AttemptKind.FINISH}
"""Attempts that change the order that they name, if any, and never the sale's."""


def _target(intent: Intent, row: Row[*tuple[Any, ...]]) -> int | None:
    if intent.kind in _NAMES_ITS_ORDER:
        return intent.order_id
    target = intent.order_id if intent.order_id is not None else row.order_id
    return None if target is None else int(target)


def _row(intent: Intent, target: int | None, now: Now) -> dict[str, Any]:
    return {
        "sale_id": intent.sale_id,
        "kind": intent.kind.value,
        "order_id": target,
        "fingerprint": intent.fingerprint,
        "digest": intent.digest,
        "order_floor": intent.newest_order_before,
        "stamp": intent.stamp or None,
        "more": int(intent.more),
        "began_at": to_micros(now.wall),
        "boot_id": now.boot.boot_id,
        "boot_s": repr(now.boot.seconds),
    }


def settle(connection: Connection, outcomes: Sequence[Outcome], database: Transactions, now: Now) -> dict[int, State]:
    """Close attempts and apply their events; an attempt that was closed before (a stale process woke up) changes nothing.

    Returns, for each attempt that was closed here, the state that its sale was left in.
    """
    ids = [outcome.attempt.id for outcome in outcomes]
    still_open = set(connection.execute(_STILL_OPEN, {"ids": ids}).scalars())
    closing = [outcome for outcome in outcomes if outcome.attempt.id in still_open]
    if not closing:
        return {}
    execute_many(connection, _CLOSE, [_closed(outcome) for outcome in closing])
    moves = [Transition(o.attempt.sale_id, State.SENDING, o.event, attempt_id=o.attempt.id) for o in closing]
    moved = apply_transitions(connection, moves, database, now)
    return {o.attempt.id: moved[o.attempt.sale_id].state for o in closing if o.attempt.sale_id in moved}


_STILL_OPEN = (
    select(attempts.c.id)
    .where(attempts.c.id.in_(bindparam("ids", expanding=True)), attempts.c.settled_at.is_(None))
    .order_by(attempts.c.id)
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


def _look(sale: Sale, saw: Observed, now: Now) -> dict[str, Any]:
    """Keep a look that found the order up to date like an attempt: later changes are compared with its stamp."""
    at = to_micros(now.wall)
    kept = {
        "sale_id": sale.id,
        "kind": AttemptKind.LOOK.value,
        "order_id": saw.order_id,
        "fingerprint": saw.fingerprint,
    }
    settled = {"settled_at": at, "outcome": "accepted", "detail": saw.why, "stamp": saw.stamp, "digest": ""}
    began = {"began_at": at, "boot_id": now.boot.boot_id, "boot_s": repr(now.boot.seconds)}
    return {**kept, **settled, **began}


def _left_open(row: Row[*tuple[Any, ...]], now: Now) -> Doubt:
    kind, more = AttemptKind(row.kind or AttemptKind.CREATE), bool(row.more)
    return Doubt(kind, row.fingerprint or "", now.boot, interrupted=True, more=more)


def _interrupted(attempt_id: int, now: datetime) -> dict[str, Any]:
    unknown = dict.fromkeys(("status", "request_id", "elapsed_ms"))
    return {
        **unknown,
        "of_id": attempt_id,
        "settled_at": to_micros(now),
        "outcome": "interrupted",
        "detail": _INTERRUPTED,
    }


_POSTPONE = (
    update(sales)
    .where(sales.c.id == bindparam("of_id"), sales.c.state == State.UNKNOWN.value)
    .values(next_attempt_at=bindparam("again_at"))
)


_TRAILS = (
    select(attempts.c.order_id, attempts.c.id, sales.c.state)
    .join(sales, sales.c.id == attempts.c.sale_id)
    .where(attempts.c.order_id.in_(bindparam("orders", expanding=True)), sales.c.store == bindparam("store"))
)


def trails(connection: Connection, store: str, order_ids: Collection[int]) -> dict[int, Trail]:
    """Return the trail of each order; an order that nothing was sent to is left out."""
    found: dict[int, Trail] = {}
    if not order_ids:
        return found
    for row in connection.execute(_TRAILS, {"store": store, "orders": list(order_ids)}):
        before = found.get(row.order_id, UNTOUCHED)
        on_its_way = State(row.state) in ON_THE_WIRE
        found[row.order_id] = Trail(max(before.newest, row.id), before.busy or on_its_way)
    return found


def _ended_holds(connection: Connection, store: str, now: datetime) -> list[Sale]:
    """Held sales whose hold was to end by now."""
    held = sales.c.store == store, is_state(State.HELD), sales.c.next_attempt_at <= to_micros(now)
    return read_sales(connection.execute(select(sales).where(*held).limit(500)))
