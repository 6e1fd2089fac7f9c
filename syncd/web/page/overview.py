"""The first page: what needs a person, how far behind each store is, what was made, and whether both sides have the same."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import date, timedelta
from functools import partial

from msgspec import Struct

from syncd.ledger import Sides
from syncd.service.needs import needs_of
from syncd.service.overview import SystemOverview
from syncd.web.page.activity import charts_of, orders_today
from syncd.web.page.context import PageContext
from syncd.web.page.request import HtmlPage, PageRequest
from syncd.web.page.stores import neediest

_DAYS = 7
_NEEDS, _STORES = 6, 6
"""Needs and stores that the first page names; where there are more, the worst."""
_MOMENT, _LONG = timedelta(seconds=15), timedelta(minutes=10)


class ProofRow(Struct, frozen=True):
    """One business day, in one currency: both sides, and whether they agree."""

    day: date
    sides: Sides


def overview(context: PageContext, _ask: PageRequest) -> HtmlPage:
    """Everything at a glance."""
    standing = context.standing()
    needs, lags = needs_of(standing), [store.lag for store in standing.stores.values()]
    names = list(standing.stores)
    rows = proof(context)
    return HtmlPage(
        "overview.html",
        {
            "needs": needs[:_NEEDS],
            "more_needs": len(needs) - _NEEDS,
            "stores": neediest(context, _STORES) if len(names) > 1 else [],
            "all_stores": len(names),
            "today": sum(orders_today(context).values()),
            "waiting": sum(store.waiting for store in standing.stores.values()),
            "attention": attention(standing),
            "waits_since": min((lag.live_since for lag in lags if lag.live_since), default=None),
            "newest": max((lag.newest_synced for lag in lags if lag.newest_synced), default=None),
            "charts": charts_of(context, names[0] if len(names) == 1 else None),
            "proof": rows,
            "running": standing.running,
        },
    )


def attention(standing: SystemOverview) -> int:
    """How many sales and records need a person."""
    return sum(standing.faults.values()) + sum(store.attention for store in standing.stores.values())


def proof(context: PageContext) -> list[ProofRow] | None:
    """Both sides of the last days, the newest first; None while they are still added up. Days without sales are left out."""
    days, overviews = [context.today() - timedelta(days=back) for back in range(_DAYS)], context.app.ledger.overviews
    known: dict[Hashable, list[Sides] | None] = {}
    for some, lasts in ((days[:2], _MOMENT), (days[2:], _LONG)):
        looks: dict[Hashable, Callable[[], list[Sides]]] = {
            ("day", day): partial(overviews.sides_of_day, day) for day in some
        }
        known |= context.background.get(looks, lasts)
    if any(sides is None for sides in known.values()):
        return None
    return [ProofRow(day, sides) for day in days for sides in known["day", day] or ()]


def sides_of(context: PageContext, source: str, day: date) -> list[Sides]:
    """Both sides of a day of a source."""
    recent = context.today(source) - day <= timedelta(days=1)
    look = lambda: context.app.ledger.overviews.sides(source, day)  # noqa: E731  one look for one call
    return context.kept.get(("sides", source, day), _MOMENT if recent else _LONG, look)
