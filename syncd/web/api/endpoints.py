"""What each address of the API answers. Read from the same functions as the page."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar

from pydantic import BaseModel

from syncd.errors import UsageError
from syncd.formatting import amount
from syncd.ledger import Scope, Sides, place_of
from syncd.presentation.explain import link
from syncd.presentation.search import FILTERS, parse, selection_of, span_of
from syncd.sale.sale import Sale
from syncd.service.needs import all_well, needs_of
from syncd.web.api.models import (
    AlertOut,
    AlertsOut,
    AttemptOut,
    AttentionOut,
    BackfillOut,
    BackfillsOut,
    ChangeOut,
    DayOut,
    DaysOut,
    FactOut,
    LogLineOut,
    LogOut,
    NeedOut,
    ReasonOut,
    SaleOut,
    SalesOut,
    SourceOut,
    SourcesOut,
    StatusOut,
    StoreOut,
    StoresOut,
    StoryOut,
)
from syncd.web.page.actions import groups
from syncd.web.page.activity import orders_today
from syncd.web.page.context import PageContext
from syncd.web.page.lists import fits
from syncd.web.page.overview import attention as attention_of
from syncd.web.page.overview import sides_of
from syncd.web.page.sales import SaleRow, place_in
from syncd.web.page.sources import SourceRow, rows_of_sources
from syncd.web.page.stores import StoreRow, rows_of

T = TypeVar("T")
_MOST, _USUAL = 200, 50
_MOST_DAYS = 31


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """What a program asks for, and what it may read."""

    query: Mapping[str, str]
    named: Mapping[str, Any]
    scopes: frozenset[Scope]

    def number(self, name: str, usual: int, most: int) -> int:
        """Return a whole number of the query.

        Raises:
            UsageError: it is none, or too large.

        """
        text = self.query.get(name, "")
        if not text:
            return usual
        if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
            raise UsageError(f"{name} must be a whole number from 1 to {most}", "Correct it, or leave it out.")
        return int(text)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a query."""

    name: str
    says: str
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address: what it answers, which scope may read it, and which parameters it has."""

    path: str
    says: str
    scope: Scope
    answers: type[BaseModel]
    run: Callable[[PageContext, ApiRequest], BaseModel | None]
    parameters: Sequence[Parameter] = ()


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
    some, following = _page(sorted(found, key=lambda row: row.name), ask)
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
    some, following = _page(found, ask)
    return SourcesOut(items=[_source(row) for row in some], total=len(found), next=following)


def _source(row: SourceRow) -> SourceOut:
    common = row.till.config.common if row.till is not None else None
    return SourceOut(
        name=row.name,
        type=common.type if common is not None else None,
        stores=list(common.all_stores) if common is not None else [],
        last_polled_at=row.last_good,
        problem=row.ails,
        unreadable_records=row.faults,
    )


def _page(rows: Sequence[T], ask: ApiRequest) -> tuple[Sequence[T], int | None]:
    page, size = ask.number("page", 1, 1_000_000), ask.number("limit", _USUAL, _MOST)
    end = page * size
    return rows[end - size : end], page + 1 if end < len(rows) else None


def sales(context: PageContext, ask: ApiRequest) -> SalesOut:
    """Return the sales that a search finds.

    Raises:
        UsageError: a filter is not understood.

    """
    wanted = parse(ask.query.get("q", ""), {name: ask.query.get(name, "") for name in FILTERS})
    if wanted.wrong:
        raise UsageError(wanted.wrong, "Correct it, or leave it out.")
    if wanted.words and Scope.CUSTOMERS not in ask.scopes:
        raise UsageError(
            "words find customers and goods", "Use a token with the scope customers, or receipt=, total= and the like."
        )
    limit = ask.number("limit", _USUAL, _MOST)
    found = context.app.ledger.overviews.page(selection_of(wanted), limit + 1, _place(ask))
    items = [_sale(context, one, ask.scopes) for one in found[:limit]]
    following = ".".join(map(str, place_of(found[limit - 1]))) if len(found) > limit else None
    return SalesOut(items=items, next=following)


def _place(ask: ApiRequest) -> tuple[int, int] | None:
    text = ask.query.get("before", "")
    place = place_in(text)
    if text and place is None:
        raise UsageError("before is no place in this list", "Take it from the answer before.")
    return place


def sale(context: PageContext, ask: ApiRequest) -> StoryOut | None:
    """Return one sale with its story."""
    number = int(ask.named["number"])
    key = context.app.ledger.overviews.key_of(number) if number < 2**62 else None
    story = context.app.ledger.sales.story(key) if key is not None else None
    if story is None:
        return None
    document = json.loads(story.sale.document) if story.sale.document and Scope.CUSTOMERS in ask.scopes else None
    return StoryOut(
        sale=_sale(context, story.sale, ask.scopes),
        order_link=link(context.app, story.sale),
        attempts=[
            AttemptOut(
                id=one.id,
                kind=one.kind,
                began_at=one.began_at,
                outcome=one.outcome,
                http_status=one.status,
                request_id=one.request_id,
                seconds=one.elapsed_s,
                detail=one.detail if Scope.CUSTOMERS in ask.scopes else "",
            )
            for one in story.attempts
        ],
        changes=[
            ChangeOut(
                at=one.at,
                by=one.actor,
                before=one.before,
                after=one.after,
                why=one.why,
                changes=[FactOut(what=fact.what, before=fact.before, after=fact.after) for fact in one.changes]
                if Scope.CUSTOMERS in ask.scopes
                else None,
            )
            for one in story.audit
        ],
        document=document,
    )


def _sale(context: PageContext, one: Sale, scopes: frozenset[Scope]) -> SaleOut:
    row = SaleRow.of(one) if Scope.CUSTOMERS in scopes else None
    return SaleOut(
        id=one.id,
        key=one.sale_key,
        state=one.state.value,
        receipt=one.number,
        store=one.store,
        source=one.source,
        location=one.location,
        register=one.register,
        placed_at=one.placed_here if one.document else one.placed_at.astimezone(context.zone_of(one.source)),
        business_day=one.business_day,
        currency=one.currency,
        total_inc_tax=amount(one.total_inc_tax, one.currency),
        total_tax=amount(one.total_tax, one.currency),
        order_id=one.order_id,
        why=one.why,
        cure=one.cure,
        customer=row.customer if row is not None else None,
        goods=row.goods if row is not None else None,
        paid_with=row.paid if row is not None else None,
    )


def attention(context: PageContext, _ask: ApiRequest) -> AttentionOut:
    """Return what waits for a decision."""
    return AttentionOut(
        items=[
            ReasonOut(
                store=one.store,
                state=one.state.value,
                reason=one.group,
                words=one.words,
                help=one.help,
                sales=one.number,
                totals={currency: amount(total, currency) for currency, total in one.totals.items()},
                oldest_placed_at=one.oldest,
                newest_placed_at=one.newest,
                since=one.since,
            )
            for group in groups(context)
            for one in group.reasons
        ]
    )


def alerts(context: PageContext, _ask: ApiRequest) -> AlertsOut:
    """Return the open alerts."""
    found = context.app.ledger.alerts.present()[:_MOST]
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


def log(context: PageContext, ask: ApiRequest) -> LogOut:
    """Return a page of the log."""
    limit = ask.number("limit", _USUAL, _MOST)
    found = context.app.ledger.overviews.log(_place(ask), limit + 1)
    items = [
        LogLineOut(
            at=one.at,
            sale_id=one.sale_id,
            key=one.sale_key,
            by=one.actor,
            before=one.before,
            after=one.after,
            why=one.why,
            http_status=one.status,
            request_id=one.request_id,
            order_id=one.order_id,
        )
        for one in found[:limit]
    ]
    return LogOut(items=items, next=".".join(map(str, found[limit - 1].place)) if len(found) > limit else None)


_WORDS = Parameter("q", "Words; each must be in the name.")
_LIMIT = Parameter("limit", f"How many at once, {_MOST} at most; {_USUAL} where it is left out.", is_number=True)
_PAGES = (_WORDS, Parameter("page", "The number of the page, from 1.", is_number=True), _LIMIT)
_BEFORE = Parameter("before", "Where the page begins: `next` of the answer before.")
_FILTER_SAYS = {
    "state": "Of this state.",
    "source": "Of this source.",
    "store": "Of this store.",
    "day": "Of this business day, month or year: 2026-11-23, 2026-11, 2026.",
    "from": "Of this business day or later.",
    "to": "Of this business day or earlier.",
    "location": "Of this location.",
    "register": "Of this register.",
    "receipt": "With this receipt number.",
    "sku": "With a line of this SKU.",
    "total": "With this total.",
}
_SEARCH = (
    Parameter("q", "Any words: receipt, order number, customer, goods, SKU, amount, day, part of a key."),
    *(Parameter(name, _FILTER_SAYS[name]) for name in FILTERS),
    _BEFORE,
    _LIMIT,
)
_DAYS = (
    Parameter("source", "The source; required."),
    Parameter("from", "The first day; six days ago where it is left out."),
    Parameter("to", "The last day; today where it is left out."),
)
ENDPOINTS = (
    Endpoint("/status", "How things stand", Scope.STATUS, StatusOut, status),
    Endpoint("/stores", "Stores", Scope.STATUS, StoresOut, stores, _PAGES),
    Endpoint("/stores/{name}", "One store", Scope.STATUS, StoreOut, store),
    Endpoint("/sources", "Sources", Scope.STATUS, SourcesOut, sources, _PAGES),
    Endpoint("/alerts", "Open alerts", Scope.STATUS, AlertsOut, alerts),
    Endpoint("/backfills", "The newest backfills", Scope.STATUS, BackfillsOut, backfills),
    Endpoint("/days", "POS and BigCommerce compared by day", Scope.STATUS, DaysOut, days, _DAYS),
    Endpoint("/sales", "Sales that a search finds, newest first", Scope.SALES, SalesOut, sales, _SEARCH),
    Endpoint("/sales/{number}", "One sale with its story", Scope.SALES, StoryOut, sale),
    Endpoint("/attention", "Sales that wait for a decision, by reason", Scope.SALES, AttentionOut, attention),
    Endpoint("/log", "What happened to which sale", Scope.SALES, LogOut, log, (_BEFORE, _LIMIT)),
)
