"""What people decide about sales: retry, release, accept, skip, hold; each decision is kept and audited with who made it."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import Connection, select

from syncd.clock import Now
from syncd.ledger.rows import rows_in
from syncd.ledger.schema import sales
from syncd.ledger.selection import Selection, conditions
from syncd.ledger.transactions import Transactions
from syncd.ledger.transitions import Transition, apply_transitions, audit_row, locked, write_audit
from syncd.sale.events import Overridden
from syncd.sale.overrides import Override, Verb
from syncd.sale.sale import Sale, read_document
from syncd.sale.states import ON_THE_WIRE, State

IN_FLIGHT = "a request is being sent or looked up; wait until that is done"
_PLAINLY = {
    Verb.RETRY: "retried by a person",
    Verb.RELEASE: "released by a person",
    Verb.ACCEPT: "accepted by a person: the order is right",
    Verb.SKIP: "skipped by a person",
    Verb.HOLD: "held by a person",
    Verb.ASIDE: "set aside with its backfill",
    Verb.LINK: "linked by a person",
    Verb.UNDO: "the last decision was taken back",
}


class DecisionResult(Struct, frozen=True):
    """The sales that a decision was kept for, and those for which it makes no sense, with the reason."""

    moved: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]


def why_not(verb: Verb, sale: Sale) -> str:
    """Why a decision makes no sense for a sale; empty where it does. Pure."""
    state = sale.state
    if state in ON_THE_WIRE:
        return IN_FLIGHT
    match verb:
        case Verb.RETRY:
            return _not_retried(sale)
        case Verb.RELEASE:
            return _not_released(sale)
        case Verb.ACCEPT:
            return _not_accepted(sale)
        case Verb.SKIP if state in (State.SYNCED, State.PENDING) and sale.order_id is not None:
            return "already in BigCommerce; void it in the POS, or archive the order there"
        case Verb.ASIDE if sale.order_id is not None:
            return "already in BigCommerce"
        case Verb.LINK:
            return "name the sale that its goods came from: syncd link RETURN SALE"
        case Verb.UNDO:
            return _not_undone(sale)
        case _:
            return ""


def _not_undone(sale: Sale) -> str:
    last = sale.overrides.made[-1] if sale.overrides.made else None
    if last is None:
        return "nobody has decided anything about it"
    if last.verb is Verb.LINK and sale.order_id is not None:
        return f"too late: order {sale.order_id} shows it"
    if last.verb in (Verb.RELEASE, Verb.RETRY) and sale.belief.confirmed_version == sale.fingerprint:
        return f"too late: order {sale.order_id} has been sent"
    return ""


def _not_retried(sale: Sale) -> str:
    state, checkout = sale.state, sale.checkout
    if state is State.SYNCED:
        return "already in BigCommerce; nothing to retry"
    if state is State.HELD and checkout is not None and checkout.ended is not None:
        return ""  # its checkout was given up: this tries another, where a release goes by the Orders API
    return f"it is {state}: use release" if state in (State.HELD, State.SKIPPED) else ""


def _not_released(sale: Sale) -> str:
    """Say why a document that is no sale (yet) is not pushed, whoever asks."""
    said = read_document(sale.document)
    if said is not None and said.training:
        return "it is a training sale: nothing was sold"
    if said is not None and said.is_open:
        return "it is still open in the POS: it is pushed once it is completed there"
    if sale.state is State.REJECTED:
        return "it is rejected: use retry"
    return "" if sale.state in (State.HELD, State.SKIPPED) else f"it is {sale.state}: nothing to release"


def _not_accepted(sale: Sale) -> str:
    if sale.order_id is None:
        return "no order in BigCommerce that could be right; to leave it out for good: skip"
    return ""


def _not_last(wanted: Override | None, sale: Sale) -> str:
    made = sale.overrides.made
    if wanted is None or (
        made and (made[-1].verb, made[-1].by) == (wanted.verb, wanted.by) and made[-1].at >= wanted.at
    ):
        return ""
    return "something else was decided about it since"


def act(  # noqa: PLR0913  a decision, what it is about, and what decides what follows
    connection: Connection,
    selection: Selection,
    decision: Override,
    database: Transactions,
    now: Now,
    *,
    last: Override | None = None,
) -> DecisionResult:
    """Keep a decision for every selected sale that it makes sense for; its ``fingerprint`` is each sale's own.

    Where ``last`` is given, the last decision about the sale must be that one.
    """
    verb, why = decision.verb, decision.why or _PLAINLY[decision.verb]
    ids = connection.execute(select(sales.c.id).where(*conditions(selection, connection.dialect.name))).scalars().all()
    found = locked(connection, ids)
    reasons = {sale.id: _not_last(last, sale) or why_not(verb, sale) for sale in found.values()}
    refused = [(sale.sale_key, reasons[sale.id]) for sale in found.values() if reasons[sale.id]]
    moves = [
        Transition(
            sale.id,
            sale.state,
            Overridden(Override(verb, decision.by, decision.at, sale.fingerprint, why)),
            actor=decision.by,
        )
        for sale in found.values()
        if not reasons[sale.id]
    ]
    done = apply_transitions(connection, moves, database, now)
    moved = tuple(sale.sale_key for sale in found.values() if sale.id in done)
    missing = sorted(set(selection.keys) - {sale.sale_key for sale in found.values()})
    return DecisionResult(moved, (*refused, *((key, "the ledger has no such sale") for key in missing)))


def remark(connection: Connection, orders: tuple[str, Sequence[int]], who: tuple[str, str], now: Now) -> int:
    """Write an audit row for each sale that is linked to one of a store's orders; change nothing else."""
    store, order_ids = orders
    actor, what = who
    query = select(sales.c.id).where(sales.c.store == store)
    ids = [row.id for row in rows_in(connection, query, sales.c.order_id, order_ids)]
    found = locked(connection, ids).values()
    write_audit(
        connection,
        [audit_row(sale.id, (sale.state, sale.state), what, now.wall, actor=actor) for sale in found],
    )
    return len(ids)
