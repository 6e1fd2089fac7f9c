"""The Clover source: orders by ``modifiedTime``, and refunds by ``createdTime``: one of a payment may not move its order."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import ClassVar

from pydantic import BaseModel

from syncd.canonical import Batch
from syncd.sources.base import Finding
from syncd.sources.capabilities import Delivery, Received
from syncd.sources.cloud import Ask, CloudSource, Feed, Kept, NameCache, Page, Read, event_of, names_of
from syncd.sources.clover.api import EXPANDED, CloverApi, time_at
from syncd.sources.clover.reading import CloverReferenceData, read_order, sums_up
from syncd.sources.clover.settings import CloverSettings, CloverWebhook
from syncd.sources.clover.setup import SETUP
from syncd.sources.context import SourceContext
from syncd.sources.errors import Forged
from syncd.sources.records import Document, Unreadable, inside
from syncd.sources.setup import Setup
from syncd.sources.zones import zone

_ONE_BY_ONE = 5
_TIMES = {"orders": "modifiedTime", "refunds": "createdTime"}
_EXPAND: Mapping[str, Mapping[str, object]] = {"orders": {"expand": EXPANDED}, "refunds": {}}


class CloverSource(CloudSource[CloverSettings]):
    """One merchant's orders. A range is asked for by the time of change: lists by ``createdTime`` end at 90 days."""

    Settings: ClassVar[type[BaseModel]] = CloverSettings
    SETUP: ClassVar[Setup] = SETUP
    feed = Feed(changed="modifiedTime", placed="modifiedTime", mark="modifiedTime", early=timedelta(days=1), late=None)

    def __init__(self, settings: CloverSettings, context: SourceContext) -> None:
        self._api = CloverApi(settings, context)
        super().__init__(settings, context, self._api.access)
        self.http = self._api.http
        self._names = Kept(context.clock, self._look_up)
        self._skus = NameCache[str, tuple[str, str]](context.clock, self._skus_of, ("", ""))

    def partitions(self) -> Sequence[str]:
        """Return the lists to walk."""
        return tuple(_TIMES)

    def range_partitions(self) -> Sequence[str]:
        """Return the list that has every order of a range."""
        return ("orders",)

    def pages(self, ask: Ask) -> Iterator[Page]:
        """Yield orders or refunds, oldest first."""
        (what,) = ask.where
        for page in self._api.changed(what, _TIMES[what], ask.since, _EXPAND[what]):
            times = [at for one in page if (at := time_at(one.get(_TIMES[what])))]
            yield Page(page, max(times, default=None))

    def one(self, sale_id: str) -> Document | None:
        """Return an order by its id."""
        return self._api.one(f"orders/{sale_id}", EXPANDED)

    def fetch_one(self, sale_id: str) -> Batch | None:
        """Return an order by its id; where there is none, it was deleted."""
        return super().fetch_one(sale_id) or Batch((), (), None, deleted_ids=(sale_id,))

    def prepare(self) -> None:
        """Look up the shop's name and its staff."""
        self._names.get()

    def whole(self, records: Sequence[Document], ask: Ask) -> Sequence[Document]:
        """Return orders, those of refunds too, with the modifications of their lines."""
        if ask.where == ("refunds",):
            keys = dict.fromkeys(str(inside(one, "orderRef").get("id") or "") for one in records)
            records = [order for key in keys if key and (order := self.one(key))]
        return [self._whole(order) for order in records]

    def reader(self, records: Sequence[Document]) -> Read:
        """Return what reads orders, with the article numbers that they name."""
        settings, (merchant, employees) = self.settings, self._names.get()
        skus = self._skus.of(_items(records)) if settings.skus else {}
        around = CloverReferenceData(settings.merchant_id, merchant, zone(settings.timezone), skus, employees)
        return lambda order: read_order(order, around, self.context.name, settings.leave_out)

    def heard(self, delivery: Delivery, webhook: CloverWebhook) -> Received:
        """Orders that were made, changed or deleted, and payments, which only say that something was paid.

        Source: https://docs.clover.com/dev/docs/webhooks
        """
        event = event_of(delivery, "Clover")
        if webhook.auth_code is None:
            code = event.get("verificationCode")
            if not isinstance(code, str) or len(code) > 100:
                raise Forged(
                    "this source's webhook has no auth_code yet", "Verify the callback, then set webhook.auth_code."
                )
            says = f"Clover's verification code for this callback is {code}: type it in at Clover."
            return Received(poll=False, says=says)
        code_said = delivery.headers.get("x-clover-auth", "").encode()
        if not hmac.compare_digest(webhook.auth_code.get_secret_value().encode(), code_said):
            raise Forged("X-Clover-Auth is not the auth_code of this source's webhook")
        ids = [str(one["objectId"]) for one in event["merchants"].get(self.settings.merchant_id) or []]
        orders = tuple(key[2:] for key in ids if key.startswith("O:"))
        return Received(sales=orders, poll=any(not key.startswith("O:") for key in ids))

    def findings(self) -> Sequence[Finding]:
        """Return what the token opens."""
        merchant = self._api.one("")
        if merchant is None:
            return [Finding("error", f"Clover knows no merchant {self.settings.merchant_id}", "Check merchant_id.")]
        next(self._api.changed("orders", "modifiedTime", self.http.now()), None)
        findings = [Finding("ok", f"Clover answers; merchant {merchant.get('name')}; orders can be read")]
        if self.settings.timezone == "UTC":
            findings.append(Finding("warning", "times are shown in UTC", "Set timezone, such as America/Chicago."))
        return findings

    def _whole(self, order: Document) -> Document:
        """Return the order with its modifications, which a list may leave out.

        Asked for where the lines do not come to what was paid.
        """
        try:
            if sums_up(order):
                return order
        except (Unreadable, AttributeError, TypeError, ArithmeticError):
            return order  # reading it will say what is wrong
        return {**order, "lineItems": {"elements": self._api.lines(str(order.get("id")))}}

    def _look_up(self) -> tuple[str, Mapping[str, str]]:
        merchant = str((self._api.one("") or {}).get("name") or "")
        return merchant, names_of(self._api.all("employees")) if self.settings.staff else {}

    def _skus_of(self, missing: Sequence[str]) -> Mapping[str, tuple[str, str]]:
        if len(missing) > _ONE_BY_ONE:
            rows = self._api.all("items")
        else:
            rows = [found for key in missing if (found := self._api.one(f"items/{key}"))]
        return {str(row.get("id")): (str(row.get("sku") or ""), str(row.get("code") or "")) for row in rows}


def _items(orders: Sequence[Document]) -> list[str]:
    """Return the articles that orders name; a line of another form is the reader's to complain of."""
    return [
        str(item["item"]["id"])
        for order in orders
        for item in (order.get("lineItems") or {}).get("elements") or ()
        if isinstance(item, Mapping) and isinstance(item.get("item"), Mapping) and item["item"].get("id")
    ]
