"""Which sale the goods of a return came from, where the POS does not say it: candidates from the ledger, and what is decided."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection, or_, select

from syncd.canonical.money import ZERO
from syncd.canonical.originals import Fit, codes_of, fit
from syncd.clock import Now
from syncd.ledger.actions import IN_FLIGHT, DecisionResult
from syncd.ledger.rows import is_state, read_sale, read_sales, to_micros
from syncd.ledger.schema import sales
from syncd.ledger.transactions import Transactions
from syncd.ledger.transitions import Transition, apply_transitions
from syncd.sale.events import Overridden
from syncd.sale.overrides import Override
from syncd.sale.sale import Sale, read_document
from syncd.sale.states import ON_THE_WIRE, State

_LOOKS_BACK = timedelta(days=180)
_MOST = 300
_LINKED_WITHIN = timedelta(days=30)


def sale_of_key(connection: Connection, key: str) -> Sale | None:
    """Return the sale of a key."""
    row = connection.execute(select(sales).where(sales.c.sale_key == key)).one_or_none()
    return read_sale(row) if row is not None else None


def link(connection: Connection, key: str, decision: Override, database: Transactions, now: Now) -> DecisionResult:
    """Keep that the goods of the return ``key`` came from the sale that the decision names, unless that cannot be."""
    returned = sale_of_key(connection, key)
    if returned is None:
        return DecisionResult((), ((key, "the ledger has no such sale"),))
    if no := _why_not(connection, returned, decision.why):
        return DecisionResult((), ((key, no),))
    kept = Override(decision.verb, decision.by, decision.at, returned.fingerprint, decision.why)
    done = apply_transitions(
        connection, [Transition(returned.id, returned.state, Overridden(kept), actor=decision.by)], database, now
    )
    return DecisionResult((key,), ()) if done else DecisionResult((), ((key, IN_FLIGHT),))


def _why_not(connection: Connection, returned: Sale, key: str) -> str:
    """Why a return cannot be linked to the sale ``key``; empty where it can."""
    original = sale_of_key(connection, key)
    if returned.state in ON_THE_WIRE:
        return IN_FLIGHT
    if returned.total_inc_tax >= 0:
        return "it is no return: nothing came back by it"
    if (order := read_document(returned.document)) is not None and order.returns_of is not None:
        return f"the POS says that it returns goods of {order.returns_of}"
    if returned.order_id is not None:
        return f"order {returned.order_id} shows it already"
    if original is None:
        return f"the ledger has no sale {key}"
    if original.total_inc_tax <= 0 or original.returns_of is not None:
        return f"{key} is a return itself"
    if original.store != returned.store:
        return f"{key} belongs to the store {original.store}, the return to {returned.store}"
    if original.currency != returned.currency:
        return f"{key} is in {original.currency}, the return in {returned.currency}"
    return ""


def candidates(connection: Connection, returned: Sale) -> list[Fit]:
    """Return the sales that the goods of a return may have come from, the best first."""
    order = read_document(returned.document)
    if order is None or returned.returns_of is not None or returned.total_inc_tax >= 0:
        return []
    marks = codes_of(order)
    if order.customer is not None:
        marks += [one for one in (order.customer.id, order.customer.email) if one]
    if not marks:
        return []
    quoted = [json.dumps(mark, ensure_ascii=False) for mark in marks]
    query = select(sales.c.document).where(
        sales.c.source == returned.source,
        sales.c.store == returned.store,
        sales.c.placed_at.between(to_micros(returned.placed_at - _LOOKS_BACK), to_micros(returned.placed_at)),
        sales.c.returns_of.is_(None),
        or_(*(sales.c.document.contains(mark, autoescape=True) for mark in quoted)),
    )
    newest = query.order_by(sales.c.placed_at.desc(), sales.c.id.desc()).limit(_MOST)
    found = []
    for text in connection.execute(newest).scalars():
        sold = read_document(text)
        if sold is None:
            continue
        given = sum((one.amount_inc_tax for one in sold.refunded), ZERO) + _named_total(connection, sold.sale_key)
        if (one := fit(order, sold, sold.total_inc_tax - given)) is not None:
            found.append(one)
    return sorted(found, key=lambda one: one.rank, reverse=True)


def _named_total(connection: Connection, of: str) -> Decimal:
    """Return what all returns that name a sale come to (positive), whether its order shows them yet or not."""
    named = connection.execute(select(sales.c.total_inc_tax).where(sales.c.returns_of == of)).scalars()
    return -sum((Decimal(text) for text in named), ZERO)


def unlinked(connection: Connection, source: str, stores: Sequence[str], now: datetime) -> list[Sale]:
    """Return the returns of a source without a known sale that were placed lately and are held."""
    query = select(sales).where(
        sales.c.source == source,
        sales.c.store.in_(stores),
        sales.c.placed_at >= to_micros(now - _LINKED_WITHIN),
        is_state(State.HELD),
        sales.c.returns_of.is_(None),
        sales.c.total_inc_tax.like("-%"),
        sales.c.order_id.is_(None),
    )
    return read_sales(connection.execute(query.order_by(sales.c.placed_at, sales.c.id).limit(_MOST)))
