"""The first page: what needs a person, how far behind each store is, what was synced, and whether both sides have the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from syncd.ledger import SLOT, Sides
from syncd.service.needs import needs_of
from syncd.service.overview import StoreStands, SystemOverview
from syncd.web.page.context import PageContext
from syncd.web.page.request import HtmlPage, PageRequest

_HOURS = 24
_DAYS = 7
_CARDS = 6
"""Stores that are drawn; where there are more, those that need a person most."""
_COMPARED = 20
"""Sources of which both sides are compared at a glance."""
_MOMENT, _WHILE, _LONG = timedelta(seconds=15), timedelta(minutes=1), timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class StoreCard:
    """One store at a glance."""

    name: str
    stands: StoreStands
    today: int
    rate: Chart
    quota: Chart | None


@dataclass(frozen=True, slots=True)
class ProofRow:
    """One day of one source: both sides, and whether they agree."""

    day: date
    source: str
    sides: Sides


def overview(context: PageContext, _ask: PageRequest) -> HtmlPage:
    """Everything at a glance."""
    standing, today = context.standing(), orders_today(context)
    names = list(standing.stores)
    if len(names) > _CARDS:
        names = sorted(names, key=lambda name: _need(standing.stores[name]))[:_CARDS]
    cards = [card(context, name, standing.stores[name], today.get(name, 0)) for name in names]
    lags = [store.lag for store in standing.stores.values()]
    rows = list(proof(context)) if len(context.app.tills) <= _COMPARED else None
    return HtmlPage(
        "overview.html",
        {
            "needs": needs_of(standing),
            "cards": cards,
            "stores": len(standing.stores),
            "today": sum(today.values()),
            "waiting": sum(store.waiting for store in standing.stores.values()),
            "attention": attention(standing),
            "waits_since": min((lag.live_since for lag in lags if lag.live_since), default=None),
            "newest": max((lag.newest_synced for lag in lags if lag.newest_synced), default=None),
            "proof": rows,
            "running": standing.running,
        },
    )


def attention(standing: SystemOverview) -> int:
    """How many sales and records need a person."""
    return sum(standing.faults.values()) + sum(store.attention for store in standing.stores.values())


def orders_today(context: PageContext) -> dict[str, int]:
    """How many sales of each store were synced since midnight, where the shop is."""
    midnight = context.day(context.today())[0]
    look = lambda: context.app.ledger.overviews.synced_since(midnight)  # noqa: E731  one look for one call
    return context.kept.get(("today", midnight), _MOMENT, look)


def card(context: PageContext, name: str, stands: StoreStands, today: int) -> StoreCard:
    """One store at a glance."""
    overviews = context.app.ledger.overviews
    first = context.now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=_HOURS)
    synced = context.kept.get(("synced", name), _MOMENT, lambda: overviews.synced(name, first))
    return StoreCard(name, stands, today, _rate(context, synced, first), quota_chart(context, name))


def _need(stands: StoreStands) -> tuple[bool, int, int]:
    """Sort the store first that needs a person most."""
    return (not stands.pause.paused_why, -stands.attention, -stands.waiting)


def _rate(context: PageContext, synced: dict[datetime, int], first: datetime) -> Chart:
    hours = [first + timedelta(hours=n) for n in range(_HOURS + 1)]
    of_hour = dict.fromkeys(hours, 0)
    for slot, number in synced.items():
        of_hour[slot.replace(minute=0)] = of_hour.get(slot.replace(minute=0), 0) + number
    zone = context.zone_of()
    return bars([(f"{hour.astimezone(zone):%H:%M}", of_hour[hour]) for hour in hours], "orders an hour, last 24 hours")


def quota_chart(context: PageContext, store: str) -> Chart | None:
    """How much of the store's quota was used, quarter by quarter, as the daemon noted it each minute; None where nobody did."""
    kept = context.kept.get(("quota", store), _WHILE, lambda: context.app.ledger.state.all("quota", store))
    now = context.now
    begin = datetime.fromtimestamp(now.timestamp() // SLOT.total_seconds() * SLOT.total_seconds(), now.tzinfo)
    slots = [begin - SLOT * n for n in range(_HOURS * 4, -1, -1)]
    used: dict[datetime, list[float]] = {slot: [] for slot in slots}
    for text in kept.values():
        sample = json.loads(text)
        at = datetime.fromisoformat(sample["at"])
        slot = at - timedelta(seconds=at.timestamp() % SLOT.total_seconds())
        if slot in used:
            used[slot].append(sample["used"])
    if not any(used.values()):
        return None
    zone = context.zone_of()
    values = [
        (f"{slot.astimezone(zone):%H:%M}", 100 * sum(some) / len(some) if some else 0.0) for slot, some in used.items()
    ]
    return bars(values, "quota used, last 24 hours", most=100.0, unit=" %")


def proof(context: PageContext) -> Iterator[ProofRow]:
    """Both sides of the last days, the newest first; days on which nothing was sold are left out."""
    for back in range(_DAYS):
        for source in context.app.tills:
            day = context.today(source) - timedelta(days=back)
            for sides in sides_of(context, source, day):
                yield ProofRow(day, source, sides)


def sides_of(context: PageContext, source: str, day: date) -> list[Sides]:
    """Both sides of a day of a source."""
    recent = context.today(source) - day <= timedelta(days=1)
    look = lambda: context.app.ledger.overviews.sides(source, day)  # noqa: E731  one look for one call
    return context.kept.get(("sides", source, day), _MOMENT if recent else _LONG, look)


WIDTH, HEIGHT = 480.0, 96.0
_GAP = 0.18


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, in the chart's own units; ``says`` is what it stands for."""

    x: float
    y: float
    width: float
    height: float
    says: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with what it says to those who do not see it."""

    title: str
    bars: tuple[Bar, ...]
    top: str
    first: str
    last: str
    summary: str


def bars(values: Sequence[tuple[str, float]], title: str, most: float = 0.0, unit: str = "") -> Chart:
    """Return a chart of ``values`` (label and value), as high as the largest of them, or as ``most``."""
    highest = max([most, *(value for _, value in values)]) or 1.0
    step = WIDTH / max(len(values), 1)
    drawn = tuple(
        Bar(
            round(n * step + step * _GAP / 2, 2),
            round(HEIGHT - height, 2),
            round(step * (1 - _GAP), 2),
            round(height, 2),
            f"{label}: {_short(value)}{unit}",
        )
        for n, (label, value) in enumerate(values)
        if (height := HEIGHT * value / highest) > 0
    )
    peak = max(values, key=lambda pair: pair[1], default=("", 0.0))
    most_words = f"most at {peak[0]}: {_short(peak[1])}{unit}" if peak[1] else "none"
    ends = (values[0][0], values[-1][0]) if values else ("", "")
    return Chart(
        title, drawn, f"{_short(highest)}{unit}", *ends, f"{title}: {most_words}, now {_short(values[-1][1])}{unit}"
    )


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"
