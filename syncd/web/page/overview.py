"""The first page: what needs a person, how far behind each store is, what was synced, and whether both sides have the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from syncd.ledger import SLOT, Sides, StoreState
from syncd.sale.states import Lane, State
from syncd.service.needs import needs_of
from syncd.service.overview import StoreStands, SystemOverview
from syncd.web.page.context import PageContext
from syncd.web.page.request import HtmlPage, PageRequest

_HOURS = 24
_DAYS = 7
_ALERTS = 5
_MOMENT, _WHILE, _LONG = timedelta(seconds=15), timedelta(minutes=1), timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class StoreCard:
    """One store at a glance."""

    name: str
    state: StoreState
    today: int
    waiting: int
    backfilling: int
    waits_since: datetime | None
    newest: datetime | None
    rate: Chart
    quota: Chart


@dataclass(frozen=True, slots=True)
class ProofRow:
    """One day of one source: both sides, and whether they agree."""

    day: date
    source: str
    sides: Sides


def overview(context: PageContext, _ask: PageRequest) -> HtmlPage:
    """Everything at a glance."""
    standing = context.kept.get("standing", timedelta(seconds=2), lambda: SystemOverview.of(context.app))
    cards = [card(context, name, standing.stores[name]) for name in context.app.config.stores]
    rows = list(proof(context))
    return HtmlPage(
        "overview.html",
        {
            "needs": needs_of(standing),
            "cards": cards,
            "today": sum(one.today for one in cards),
            "waiting": sum(one.waiting for one in cards),
            "attention": attention(standing),
            "waits_since": min((one.waits_since for one in cards if one.waits_since), default=None),
            "newest": max((one.newest for one in cards if one.newest), default=None),
            "proof": rows,
            "days": sorted({row.day for row in rows}, reverse=True),
            "running": standing.running,
        },
    )


def attention(standing: SystemOverview) -> int:
    """How many sales and records need a person."""
    stores = standing.stores.values()
    sales = sum(store.states[State.HELD] + store.states[State.REJECTED] for store in stores)
    return sales + sum(standing.faults.values()) + sum(len(store.alerts) for store in stores)


def card(context: PageContext, name: str, stands: StoreStands) -> StoreCard:
    """One store at a glance."""
    now, overviews = context.now, context.app.ledger.overviews
    first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=_HOURS)
    synced = context.kept.get(("synced", name), _MOMENT, lambda: overviews.synced(name, first))
    midnight = context.day(context.today())[0]
    counts = context.app.ledger.sales.counts(name)
    backfilling = sum(n for (_, lane, state), n in counts.items() if lane is Lane.BACKFILL and state is State.PENDING)
    return StoreCard(
        name,
        stands.pause,
        sum(number for slot, number in synced.items() if slot >= midnight),
        stands.states[State.PENDING] + stands.states[State.SENDING] - backfilling,
        backfilling,
        overviews.waiting_since(name),
        stands.lag.newest_synced,
        _rate(context, synced, first),
        quota_chart(context, name),
    )


def _rate(context: PageContext, synced: dict[datetime, int], first: datetime) -> Chart:
    hours = [first + timedelta(hours=n) for n in range(_HOURS + 1)]
    of_hour = dict.fromkeys(hours, 0)
    for slot, number in synced.items():
        of_hour[slot.replace(minute=0)] = of_hour.get(slot.replace(minute=0), 0) + number
    zone = context.zone_of()
    return bars([(f"{hour.astimezone(zone):%H:%M}", of_hour[hour]) for hour in hours], "orders an hour, last 24 hours")


def quota_chart(context: PageContext, store: str) -> Chart:
    """How much of the store's quota was used, quarter by quarter; from what the daemon noted every minute."""
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
