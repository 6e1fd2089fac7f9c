"""Outgoing events: what other programs may hear of sales and stores, by webhook. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from syncd.canonical.money import format_amount
from syncd.sale.reasons import group_of_sale
from syncd.sale.sale import Sale
from syncd.sale.states import ON_THE_WIRE, Lane, State


class EventKind(StrEnum):
    """The kind of an outgoing event, as its receiver reads it."""

    ORDER_MADE = "order.made"  # a sale has an order now: it was made, found or taken over
    ORDER_CHANGED = "order.changed"  # an order says what a newer version of its sale says: an edit, a refund, a void
    SALE_HELD = "sale.held"  # a sale waits for a person
    SALE_REJECTED = "sale.rejected"  # BigCommerce or a rule said no
    STORE_PAUSED = "store.paused"  # nothing is sent to a store until what failed goes well again
    STORE_RESUMED = "store.resumed"


def kinds_of(before: Sale | None, after: Sale) -> Iterator[EventKind]:
    """Yield the events of a sale that changed; ``before`` is None where it was recorded only now."""
    was = before.state if before is not None else None
    if after.order_id is not None and (before is None or before.order_id is None):
        yield EventKind.ORDER_MADE
    elif was in ON_THE_WIRE and after.state is State.SYNCED:
        yield EventKind.ORDER_CHANGED
    if after.state is State.HELD and was is not State.HELD:
        yield EventKind.SALE_HELD
    if after.state is State.REJECTED and was is not State.REJECTED:
        yield EventKind.SALE_REJECTED


def data_of(sale: Sale) -> Mapping[str, object]:
    """Return what an event says of its sale: facts that name no person. Amounts are in major units of ``currency``."""
    return {
        "sale": sale.sale_key,
        "receipt": sale.number,
        "source": sale.source,
        "location": sale.location,
        "placed_at": sale.placed_here.isoformat(),
        "business_day": sale.business_day.isoformat(),
        "currency": sale.currency,
        "total_inc_tax": format_amount(sale.total_inc_tax, sale.currency),
        "total_tax": format_amount(sale.total_tax, sale.currency),
        "order_id": sale.order_id,
        "backfill": sale.lane is Lane.BACKFILL,
        "state": sale.state.value,
        "reason": group_of_sale(sale, sale.state).partition(":")[0],  # what follows may quote a till's own words
        "why": sale.why,
        "cure": sale.cure,
    }
