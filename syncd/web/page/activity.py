"""What happened in the last day, as charts: orders, waits, failures and quota, of one store or of all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from syncd.ledger import SLOT
from syncd.web.page.charts import Chart, bars
from syncd.web.page.context import PageContext

_HOURS = 24
_MOMENT, _WHILE = timedelta(seconds=15), timedelta(minutes=1)


def orders_today(context: PageContext) -> dict[str, int]:
    """How many orders of each store were made since midnight, where the shop is."""
    midnight = context.day(context.today())[0]
    look = lambda: context.app.ledger.activity.orders_since(midnight)  # noqa: E731  one look for one call
    return context.kept.get(("today", midnight), _MOMENT, look)


def charts_of(context: PageContext, store: str | None) -> list[Chart]:
    """Return the last 24 hours of a store, or of all: orders, the longest wait, requests that failed; of a store, its quota too."""
    first = context.now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=_HOURS)
    activity, background = context.app.ledger.activity, context.background
    of_key, failed_key = ("activity", store), ("failures", store)
    slots = background.get({of_key: lambda: activity.of(first, store)}, _MOMENT)[of_key] or {}
    failed = background.get({failed_key: lambda: activity.failures(first, store)}, _MOMENT)[failed_key] or {}
    hours = [first + timedelta(hours=n) for n in range(_HOURS + 1)]
    orders, waits, failures = (dict.fromkeys(hours, 0.0) for _ in range(3))
    for slot, one in slots.items():
        if (hour := slot.replace(minute=0)) in orders:
            orders[hour] += one.orders
            waits[hour] = max(waits[hour], one.longest_wait.total_seconds() / 60)
    for slot, number in failed.items():
        if (hour := slot.replace(minute=0)) in failures:
            failures[hour] += number
    drawn = [
        _by_hour(context, orders, "Orders an hour"),
        _by_hour(context, waits, "Longest wait", " min"),
        _by_hour(context, failures, "Requests that failed"),
    ]
    quota = quota_chart(context, store) if store is not None else None
    return [*drawn, quota] if quota is not None else drawn


def _by_hour(context: PageContext, of_hour: Mapping[datetime, float], title: str, unit: str = "") -> Chart:
    zone = context.zone_of()
    return bars([(f"{hour.astimezone(zone):%H:%M}", value) for hour, value in of_hour.items()], title, unit=unit)


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
    return bars(values, "Quota used", most=100.0, unit=" %")
