"""Where a sale goes when it is recorded: to which store, and whether it may be pushed as it is. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

from syncd.canonical import CanonicalOrder, check_balance
from syncd.canonical.order import SaleStatus
from syncd.clock import Clock
from syncd.ledger import Route, Router, State

_LATEST = timedelta(days=1)
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_MEND = "Correct the sale in the POS or its export, or accept it as it is: syncd release {key}"


def router(store: str, clock: Clock) -> Router:
    """A router that sends every sale of a source to ``store``, in the state that the sale itself calls for."""

    def route(order: CanonicalOrder) -> Route:
        return route_sale(order, store, clock.now())

    return route


def route_sale(order: CanonicalOrder, store: str, now: datetime) -> Route:
    """The state in which ``order`` enters the ledger, with the reason and the cure where it is not pushed."""
    if order.training:
        return Route(store, State.SKIPPED, "a training sale")
    if order.status is SaleStatus.OPEN:
        return Route(store, State.SKIPPED, "still open in the POS: pushed once it is completed")
    if order.status is SaleStatus.VOIDED:
        return Route(store, State.PENDING)
    if why := hold_reason(order, now):
        return Route(store, State.HELD, why, _MEND.format(key=order.sale_key))
    return Route(store, State.PENDING)


def hold_reason(order: CanonicalOrder, now: datetime) -> str:
    """Why a person must look at the sale before it is pushed; empty where nobody has to."""
    if isinstance(reason := order.extra.get("hold"), str) and reason:
        return reason
    if not _known_currency(order.currency):
        return f"{order.currency} is not a currency (ISO 4217)"
    if order.placed_at > now + _LATEST:
        return f"its time, {order.placed_at.isoformat()}, lies in the future: the till's clock is wrong"
    if order.placed_at < _EARLIEST:
        return f"its time, {order.placed_at.isoformat()}, is impossible: the till's clock is wrong"
    if not order.lines and not order.fees and not order.total_inc_tax:
        return "it has no lines and no total"
    return "; ".join(str(imbalance) for imbalance in check_balance(order))


@cache
def _known_currency(code: str) -> bool:
    import pycountry  # noqa: PLC0415  a large table that a machine with nothing to record need not load

    return pycountry.currencies.get(alpha_3=code) is not None
