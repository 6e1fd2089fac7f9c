"""Whether a sale is sound enough to be pushed without a person looking at it. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

from syncd.canonical import CanonicalOrder, check_balance
from syncd.canonical.money import format_money
from syncd.ledger import Said

_LATEST = timedelta(days=1)
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_ANOTHER_DAY = timedelta(days=1)
_WRONG_CLOCK = "the till's clock is wrong, or this machine's; it goes on by itself once that time is near"


def hold_reason(order: CanonicalOrder, now: datetime, hold: str = "") -> str:
    """Why a person must look at the sale before it is pushed, first its source's own ``hold``; empty where nobody has to."""
    if hold:
        return hold
    if not _known_currency(order.currency):
        return f"{order.currency} is not a currency (ISO 4217)"
    if order.placed_at > now + _LATEST:
        return f"its time, {order.placed_at.isoformat()}, lies in the future: {_WRONG_CLOCK}"
    if order.placed_at < _EARLIEST:
        return f"its time, {order.placed_at.isoformat()}, is impossible: the till's clock is wrong"
    if not order.lines and not order.fees and not order.total_inc_tax:
        return "it has no lines and no total"
    return "; ".join(str(imbalance) for imbalance in check_balance(order))


def ends_at(order: CanonicalOrder, now: datetime) -> datetime | None:
    """When a hold ends by itself: once the sale's time, which lies in the future by a clock that is wrong, does so no more."""
    no_more = order.placed_at - _LATEST
    return no_more if no_more > now else None


def reused_id(said: Said) -> str:
    """Why a known id looks like another sale's: another day *and* another total mean a POS database that began anew."""
    before, order = said.before, said.order
    if before is None:
        return ""
    far = abs(order.placed_at - before.placed_at) > _ANOTHER_DAY
    if not far or before.total_inc_tax == order.total_inc_tax:
        return ""
    day = before.placed_at.astimezone(order.placed_at.tzinfo).date()
    total = format_money(before.total_inc_tax, before.currency)
    return f"looks like a reused id: the ledger knows a sale of {day} with a total of {total} under it"


@cache
def _known_currency(code: str) -> bool:
    import pycountry  # noqa: PLC0415  a large table that a machine with nothing to record need not load

    return pycountry.currencies.get(alpha_3=code) is not None
