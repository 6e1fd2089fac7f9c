"""Sales, for programs: found by a search, told with their story, by what they wait for, and the log."""

from __future__ import annotations

import json

from syncd.errors import UsageError
from syncd.formatting import amount
from syncd.ledger import place_of
from syncd.presentation.explain import link
from syncd.presentation.search import FILTERS, parse, selection_of
from syncd.roles import Scope
from syncd.sale.sale import Sale
from syncd.web.api.models import (
    AttemptOut,
    AttentionOut,
    ChangeOut,
    FactOut,
    LogLineOut,
    LogOut,
    ReasonOut,
    SaleOut,
    SalesOut,
    StoryOut,
)
from syncd.web.api.request import MOST, USUAL, ApiRequest, place_asked
from syncd.web.page.actions import groups
from syncd.web.page.context import PageContext
from syncd.web.page.sales import SaleRow


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
    limit = ask.number("limit", USUAL, MOST)
    found = context.app.ledger.overviews.page(selection_of(wanted), limit + 1, place_asked(ask))
    items = [_sale(context, one, ask.scopes) for one in found[:limit]]
    following = ".".join(map(str, place_of(found[limit - 1]))) if len(found) > limit else None
    return SalesOut(items=items, next=following)


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


def log(context: PageContext, ask: ApiRequest) -> LogOut:
    """Return a page of the log."""
    limit = ask.number("limit", USUAL, MOST)
    found = context.app.ledger.overviews.log(place_asked(ask), limit + 1)
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
