"""The Shopify POS source: orders by the time of their last change; those of the web shop are left where they are.

The search is an index that lags, and may leave an order out of its span: the last days are read again every hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import ClassVar

from pydantic import BaseModel

from syncd.canonical import Batch, Cursor
from syncd.sources.base import Finding
from syncd.sources.capabilities import Delivery, Received
from syncd.sources.cloud import Ask, CloudSource, Feed, Page, Read, Signature, event_of
from syncd.sources.context import SourceContext
from syncd.sources.errors import SourceAccessDenied
from syncd.sources.records import Document, moment
from syncd.sources.setup import Setup
from syncd.sources.shopify_pos.api import ShopifyApi, stamp
from syncd.sources.shopify_pos.reading import read_order
from syncd.sources.shopify_pos.settings import ShopifySettings, ShopifyWebhook
from syncd.sources.shopify_pos.setup import SETUP
from syncd.sources.zones import zone, zone_or_utc

_A_SECOND = timedelta(seconds=1)  # what a search is exact to
_SCOPED = timedelta(days=60)
_ALL = "read_all_orders"
_SORTED_BY = {"updated_at": "UPDATED_AT", "processed_at": "PROCESSED_AT"}
_FIELDS = {"updated_at": "updatedAt", "processed_at": "processedAt"}
_SIGNATURE = Signature("X-Shopify-Hmac-Sha256")


class ShopifySource(CloudSource[ShopifySettings]):
    """One shop's tills."""

    Settings: ClassVar[type[BaseModel]] = ShopifySettings
    SETUP: ClassVar[Setup] = SETUP
    feed = Feed(
        changed="updated_at",
        placed="processed_at",
        id="legacyResourceId",
        mark="updatedAt",
        early=timedelta(0),
        late=timedelta(0),
    )

    def __init__(self, settings: ShopifySettings, context: SourceContext) -> None:
        super().__init__(settings, context)
        self._api = ShopifyApi(settings, context)
        self.http = self._api.http
        self._about: tuple[tzinfo, frozenset[str]] | None = None

    def pages(self, ask: Ask) -> Iterator[Page]:
        """Search orders, oldest first by one of their times."""
        query = f"{ask.field}:>='{stamp(ask.since)}'"
        if isinstance(ask.end, datetime):
            query += f" {ask.field}:<'{stamp(ask.end + _A_SECOND)}'"
        for page in self._api.orders(query, _SORTED_BY[ask.field]):
            times = [at for one in page if (at := moment(one.get(_FIELDS[ask.field])))]
            yield Page(page, max(times, default=None))

    def one(self, sale_id: str) -> Document | None:
        """Return an order by its number."""
        return self._api.order(sale_id) if sale_id.isdigit() else None

    def fetch_range(self, start: datetime, end: datetime, since: Cursor | None = None) -> Iterator[Batch]:
        """Yield the orders of a range, by the time at which they were processed.

        Raises:
            SourceAccessDenied: the range begins more than 60 days ago, and the app lacks the scope to see that far.

        """
        _, scopes = self._shop()
        oldest = self.http.now() - _SCOPED
        if start < oldest and scopes and _ALL not in scopes:
            cure = f"Have {_ALL} granted, or begin the backfill at {oldest:%Y-%m-%d}."
            raise SourceAccessDenied(f"this app sees the orders of the last 60 days only: {_ALL} is missing", cure)
        yield from super().fetch_range(start, end, since)

    def prepare(self) -> None:
        """Look up the shop's time zone, and the app's scopes."""
        self._shop()

    def whole(self, records: Sequence[Document], ask: Ask) -> Sequence[Document]:
        """Return the orders with all their lines and refunds; the web shop's need none."""
        del ask
        only = self.settings.only
        return [self._api.whole(one) if "any" in only or one.get("sourceName") in only else one for one in records]

    def reader(self, records: Sequence[Document]) -> Read:
        """Return what reads orders."""
        del records
        where, _ = self._shop()
        return lambda order: read_order(order, self.context.name, self.settings.only, where)

    def heard(self, delivery: Delivery, webhook: ShopifyWebhook) -> Received:
        """``orders/*`` and ``refunds/create``: which order it is about.

        Source: https://shopify.dev/docs/apps/build/webhooks/subscribe/https#validate-the-hmac
        """
        _SIGNATURE.check(delivery, webhook.secret)
        document = event_of(delivery, "Shopify")
        topic = delivery.headers.get("x-shopify-topic", "")
        number = document.get("order_id" if topic.startswith("refunds/") or "order_id" in document else "id")
        known = isinstance(number, int) and not isinstance(number, bool) and 0 < number < 10**20
        return Received(sales=(str(number),), poll=False) if known else Received()

    def findings(self) -> Sequence[Finding]:
        """Return what the token opens, and how far back it sees."""
        shop, scopes = self._api.about()
        next(self._api.orders(f"updated_at:>='{stamp(self.http.now())}'", "UPDATED_AT"), None)
        findings = [
            Finding("ok", f"Shopify answers; {shop.get('name')} in {shop.get('currencyCode')}; orders can be read")
        ]
        if "read_orders" not in scopes and _ALL not in scopes:
            findings.append(Finding("error", "the app may not read orders", "Grant read_orders."))
        elif _ALL not in scopes:
            cure = f"For older sales have {_ALL} granted."
            findings.append(Finding("warning", "backfills reach back 60 days, no further", cure))
        return findings

    def _shop(self) -> tuple[tzinfo, frozenset[str]]:
        if self._about is None:
            shop, scopes = self._api.about()
            named = self.settings.timezone
            self._about = (zone(named) if named else zone_or_utc(shop.get("ianaTimezone")), scopes)
        return self._about
