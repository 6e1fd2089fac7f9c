"""How things stand, for programs: stores, sources, alerts, backfills, days."""

from __future__ import annotations

from datetime import date, timedelta

from syncd.errors import UsageError
from syncd.formatting import amount
from syncd.ledger import Sides
from syncd.presentation.search import span_of
from syncd.service.needs import all_well, needs_of
from syncd.web.api.models import (
    AlertOut,
    AlertsOut,
    BackfillOut,
    BackfillsOut,
    DayOut,
    DaysOut,
    NeedOut,
    SourceOut,
    SourcesOut,
    StatusOut,
    StoreOut,
    StoresOut,
)
from syncd.web.api.request import MOST, ApiRequest, page_of
from syncd.web.page.activity import orders_today
from syncd.web.page.context import PageContext
from syncd.web.page.lists import fits
from syncd.web.page.overview import attention as attention_of
from syncd.web.page.overview import sides_of
from syncd.web.page.sources import SourceRow, rows_of_sources
from syncd.web.page.stores import StoreRow, rows_of

_MOST_DAYS = 31


def status(context: PageContext, _ask: ApiRequest) -> StatusOut:
    """Return how things stand."""
    standing, today = context.standing(), orders_today(context)
    needs = needs_of(standing)
    return StatusOut(
        well=all_well(needs),
        running=standing.running,
        orders_today=sum(today.values()),
        waiting=sum(store.waiting for store in standing.stores.values()),
        attention=attention_of(standing),
        stores=len(standing.stores),
        needs=[NeedOut(level=one.level, code=one.code, words=one.words, cure=one.full_cure) for one in needs],
    )


def stores(context: PageContext, ask: ApiRequest) -> StoresOut:
    """Return a page of stores, by name."""
    found = [row for row in rows_of(context) if fits(ask.query.get("q", ""), row.name, row.store_hash)]
    some, following = page_of(sorted(found, key=lambda row: row.name), ask)
    return StoresOut(items=[_store(row) for row in some], total=len(found), next=following)


def store(context: PageContext, ask: ApiRequest) -> StoreOut | None:
    """Return one store."""
    row = next((row for row in rows_of(context) if row.name == ask.named.get("name")), None)
    return _store(row) if row is not None else None


def _store(row: StoreRow) -> StoreOut:
    stands = row.stands
    return StoreOut(
        name=row.name,
        store_hash=row.store_hash,
        paused=bool(stands.pause.paused_why),
        why=stands.pause.paused_why or "",
        cure=stands.pause.cure if stands.pause.paused_why else "",
        orders_today=row.today,
        waiting=stands.waiting,
        attention=row.attention,
        states={state.value: number for state, number in stands.states.items()},
        waiting_since=stands.lag.live_since,
        newest_order_at=stands.lag.newest_synced,
    )


def sources(context: PageContext, ask: ApiRequest) -> SourcesOut:
    """Return a page of sources, by name."""
    found = [row for row in rows_of_sources(context) if fits(ask.query.get("q", ""), row.name)]
    some, following = page_of(found, ask)
    return SourcesOut(items=[_source(row) for row in some], total=len(found), next=following)


def _source(row: SourceRow) -> SourceOut:
    common = row.till.config.common if row.till is not None else None
    return SourceOut(
        name=row.name,
        type=common.type if common is not None else None,
        stores=list(common.all_stores) if common is not None else [],
        last_polled_at=row.last_good,
        problem=row.problem,
        unreadable_records=row.faults,
    )


def alerts(context: PageContext, _ask: ApiRequest) -> AlertsOut:
    """Return the open alerts."""
    found = context.app.ledger.alerts.present()[:MOST]
    return AlertsOut(
        items=[
            AlertOut(store=one.store, kind=one.kind, subject=one.subject, words=one.words, cure=one.cure, at=one.at)
            for one in found
        ]
    )


def backfills(context: PageContext, _ask: ApiRequest) -> BackfillsOut:
    """Return the newest backfills."""
    ledger = context.app.ledger
    items = []
    for one in ledger.backfills.newest():
        far = ledger.backfills.progress(one.number)
        items.append(
            BackfillOut(
                number=one.number,
                source=one.source,
                start=one.start,
                end=one.end,
                stage=one.stage.value,
                asked_by=one.asked_by,
                asked_at=one.asked_at,
                sales=far.sales,
                waiting=far.waiting,
                last_error=one.last_error,
            )
        )
    return BackfillsOut(items=items)


def days(context: PageContext, ask: ApiRequest) -> DaysOut:
    """Return both sides of the days of a source.

    Raises:
        UsageError: a day is none, or they are too many; there is no such source.

    """
    source = ask.query.get("source", "")
    if source not in context.app.tills:
        raise UsageError(
            f"there is no source {source}" if source else "source is missing", "Name a source of the config."
        )
    today = context.today(source)
    first, last = _day(ask, "from", today - timedelta(days=6)), _day(ask, "to", today)
    if not 0 <= (last - first).days < _MOST_DAYS:
        raise UsageError(f"from and to must span 1 to {_MOST_DAYS} days", "Ask for them in parts.")
    all_days = [last - timedelta(days=back) for back in range((last - first).days + 1)]
    return DaysOut(items=[_sides(source, day, one) for day in all_days for one in sides_of(context, source, day)])


def _sides(source: str, day: date, sides: Sides) -> DayOut:
    return DayOut(
        day=day,
        source=source,
        currency=sides.currency,
        sales=sides.sales,
        pos_total=amount(sides.pos_total, sides.currency),
        orders=sides.orders,
        order_total=amount(sides.order_total, sides.currency),
        difference=amount(sides.difference, sides.currency),
        missing=sides.missing,
    )


def _day(ask: ApiRequest, name: str, usual: date) -> date:
    text = ask.query.get(name, "")
    span = span_of(text) if text else (usual, usual)
    if span is None or span[0] != span[1]:
        raise UsageError(f"{name} is no day", "Write it as 2026-11-23.")
    return span[0]
