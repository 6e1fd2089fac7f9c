"""The Shopify POS source: walks orders by the time of their last change; those of the web shop are left where they are."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import ClassVar

from pydantic import BaseModel

from syncd.canonical import Batch, Cursor
from syncd.errors import SourceError
from syncd.sources.base import Finding
from syncd.sources.capabilities import Delivery, Received
from syncd.sources.context import SourceContext
from syncd.sources.dedup import told_documents
from syncd.sources.errors import Forged, SourceAccessDenied
from syncd.sources.records import Document, moment, parse_documents
from syncd.sources.setup import Setup
from syncd.sources.shopify_pos.api import ShopifyApi, stamp
from syncd.sources.shopify_pos.reading import read_order
from syncd.sources.shopify_pos.settings import ShopifySettings
from syncd.sources.shopify_pos.setup import SETUP
from syncd.sources.time_cursor import TimeCursor
from syncd.sources.zones import zone, zone_or_utc

_SCOPED = timedelta(days=60)
_ALL = "read_all_orders"


class ShopifySource:
    """One shop's tills."""

    Settings: ClassVar[type[BaseModel]] = ShopifySettings
    SETUP: ClassVar[Setup] = SETUP

    def __init__(self, settings: ShopifySettings, context: SourceContext) -> None:
        self._settings, self._context = settings, context
        self._api = ShopifyApi(settings, context)
        self._about: tuple[tzinfo, frozenset[str]] | None = None
        self._told = told_documents("id", "updatedAt")

    def fetch(self, since: Cursor | None) -> Iterator[Batch]:
        """Every order that was changed since the cursor, less an overlap; every hour those of the last days again.

        The search is an index that lags, and may leave an order out of the span that it belongs to.
        """
        self._shop()  # its answer tells Shopify's own clock
        now, start = self._api.http.now(), self._context.start_from()
        marks = TimeCursor.read(since, now + timedelta(days=1))
        reached, looked = marks.reached, marks.swept_at
        if reached and now - looked >= self._settings.look_back_every:
            back = max(min(reached, now - self._settings.look_back), start)
            yield from self._walk(f"updated_at:>='{stamp(back)}'", reached, (looked, False))
            looked = now
            yield Batch((), (), TimeCursor(reached, looked).text())
        elif reached is None:
            looked = now
        begin = reached - self._settings.overlap if reached else start
        yield from self._walk(f"updated_at:>='{stamp(begin)}'", reached or start, (looked, True))

    def _walk(self, query: str, reached: datetime, how: tuple[datetime, bool]) -> Iterator[Batch]:
        looked, moves = how
        for page in self._api.orders(query, "UPDATED_AT"):
            if moves:
                reached = max([reached, *(at for one in page if (at := moment(one.get("updatedAt"))))])
            if fresh := self._told.fresh(page):
                yield self._batch(fresh, TimeCursor(reached, looked).text())
                self._told.note(fresh)
            if self._context.stop.is_set():
                return

    def fetch_range(self, start: datetime, end: datetime, since: Cursor | None = None) -> Iterator[Batch]:
        """Yield the orders of a range, by the time at which they were processed.

        Raises:
            Denied: the range begins more than 60 days ago, and the app lacks the scope to see that far.

        """
        _, scopes = self._shop()
        oldest = self._api.http.now() - _SCOPED
        if start < oldest and scopes and _ALL not in scopes:
            cure = f"Have {_ALL} granted, or begin the backfill at {oldest:%Y-%m-%d}."
            raise SourceAccessDenied(f"this app sees the orders of the last 60 days only: {_ALL} is missing", cure)
        reached = TimeCursor.read(since).reached
        begin = max(start, reached - timedelta(seconds=1)) if reached else start
        query = f"processed_at:>='{stamp(begin)}' processed_at:<'{stamp(end + timedelta(seconds=1))}'"
        at = begin
        for page in self._api.orders(query, "PROCESSED_AT"):
            at = max([at, *(time for one in page if (time := moment(one.get("processedAt"))))])
            batch = self._batch(page, TimeCursor(at).text())
            yield batch.placed_within(start, end)
            if self._context.stop.is_set():
                return

    def fetch_one(self, sale_id: str) -> Batch | None:
        """One order by its number; None where there is none."""
        order = self._api.order(sale_id) if sale_id.isdigit() else None
        return None if order is None else self._batch([order], None)

    def receives(self) -> bool:
        """Whether a webhook is configured."""
        return self._settings.webhook is not None

    def receive(self, delivery: Delivery) -> Received:
        """``orders/*`` and ``refunds/create``: which order it is about.

        Source: https://shopify.dev/docs/apps/build/webhooks/subscribe/https#validate-the-hmac
        """
        if self._settings.webhook is None:
            raise Forged("this source has no webhook in its config", "Add [sources.<name>.webhook].")
        secret = self._settings.webhook.secret.get_secret_value().encode()
        wanted = base64.b64encode(hmac.new(secret, delivery.body, hashlib.sha256).digest())
        if not hmac.compare_digest(wanted, delivery.headers.get("x-shopify-hmac-sha256", "").encode()):
            raise Forged("X-Shopify-Hmac-Sha256 is not that of the app's secret over the body")
        document = json.loads(delivery.body)
        if not isinstance(document, Mapping):
            msg = "the body is no object"
            raise ValueError(msg)
        topic = delivery.headers.get("x-shopify-topic", "")
        number = document.get("order_id" if topic.startswith("refunds/") or "order_id" in document else "id")
        known = isinstance(number, int) and not isinstance(number, bool) and 0 < number < 10**20
        return Received(sales=(str(number),), poll=False) if known else Received()

    def check(self) -> Sequence[Finding]:
        """Whether the token opens the shop, and how far back it sees."""
        try:
            shop, scopes = self._api.about()
            next(self._api.orders(f"updated_at:>='{stamp(self._api.http.now())}'", "UPDATED_AT"), None)
        except SourceError as error:
            return [Finding("error", error.what, error.cure)]
        findings = [
            Finding("ok", f"Shopify answers; {shop.get('name')} in {shop.get('currencyCode')}; orders can be read")
        ]
        if "read_orders" not in scopes and _ALL not in scopes:
            findings.append(Finding("error", "the app may not read orders", "Grant read_orders."))
        elif _ALL not in scopes:
            cure = f"For older sales have {_ALL} granted."
            findings.append(Finding("warning", "backfills reach back 60 days, no further", cure))
        return findings

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _shop(self) -> tuple[tzinfo, frozenset[str]]:
        if self._about is None:
            shop, scopes = self._api.about()
            named = self._settings.timezone
            self._about = (zone(named) if named else zone_or_utc(shop.get("ianaTimezone")), scopes)
        return self._about

    def _batch(self, page: Sequence[Document], cursor: Cursor | None) -> Batch:
        where, _ = self._shop()
        only, name = self._settings.only, self._context.name
        ours = [self._api.whole(order) if "any" in only or order.get("sourceName") in only else order for order in page]
        return parse_documents(ours, lambda order: read_order(order, name, only, where), cursor, "legacyResourceId")
