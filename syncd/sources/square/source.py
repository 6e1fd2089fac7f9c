"""The Square source: the account's orders by the time of their last change, location by location."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pydantic import BaseModel

from syncd.errors import SourceError
from syncd.sources.base import Finding
from syncd.sources.capabilities import Delivery, Received
from syncd.sources.cloud import Ask, CloudSource, Feed, Page, Read, Signature, event_of
from syncd.sources.context import SourceContext
from syncd.sources.records import Document, NotReady, ParseResult, Unreadable, moment
from syncd.sources.setup import Setup
from syncd.sources.square.api import SCOPES, SquareApi
from syncd.sources.square.lookups import Lookups
from syncd.sources.square.reading import SquareLocation, is_ready, read_order
from syncd.sources.square.settings import SquareSettings, SquareWebhook
from syncd.sources.square.setup import SETUP
from syncd.sources.zones import zone_or_utc

_PLACES_KEPT = timedelta(hours=1)
_READY_WITHIN = timedelta(minutes=15)
_SIGNATURE = Signature("X-Square-HmacSha256-Signature")


class SquareSource(CloudSource[SquareSettings]):
    """One seller's account. An offline sale may come four days late: https://squareup.com/help/us/en/article/7777."""

    Settings: ClassVar[type[BaseModel]] = SquareSettings
    SETUP: ClassVar[Setup] = SETUP
    feed = Feed(changed="updated_at", placed="closed_at", mark="updated_at", partitions_at_once=10)

    def __init__(self, settings: SquareSettings, context: SourceContext) -> None:
        self._api = SquareApi(settings, context)
        super().__init__(settings, context, self._api.access)
        self.http = self._api.http
        self._lookups = Lookups(self._api, settings, context.clock)
        self._places: dict[str, SquareLocation] = {}
        self._places_at: datetime | None = None

    def pages(self, ask: Ask) -> Iterator[Page]:
        """Search orders, oldest first. The walk stops before an order that is not whole yet, so that it is read again."""
        end = ask.end if isinstance(ask.end, datetime) else None
        not_whole: datetime | None = None
        for page in self._api.orders(ask.where, ask.field, (ask.since, end)):
            late = [moment(order.get(ask.field)) for order in page if not self._is_ready_or_old(order)]
            not_whole = min((at for at in (not_whole, *late) if at is not None), default=None)
            last = moment(page[-1].get(ask.field))
            yield Page(page, min((at for at in (last, not_whole) if at is not None), default=None))

    def one(self, sale_id: str) -> Document | None:
        """Return an order by its id; None where Square has not got it yet, or not its lines."""
        order = self._api.order(sale_id)
        return order if order is not None and self.is_settled(order) else None

    def prepare(self) -> None:
        """Look up the locations, again once in a while: a shop may open another one.

        Raises:
            SourceError: a location of the config is not there.

        """
        now = self.http.now()
        if self._places_at is None or not timedelta(0) <= now - self._places_at < _PLACES_KEPT:
            self._places, self._places_at = self._places_now(), self.http.now()
        if missing := sorted({*self.settings.locations} - self._places.keys()):
            raise SourceError(
                f"Square has no active location {', '.join(missing)}",
                f"Set locations to some of: {_known(self._places)}",
            )

    def partitions(self) -> Sequence[str]:
        """Return the locations to walk."""
        return self.settings.locations or tuple(self._places)

    def is_settled(self, record: Document) -> bool:
        """Whether Square shows the lines of an order."""
        try:
            return is_ready(record)
        except Unreadable:
            return True  # reading it will say what is wrong

    def reader(self, records: Sequence[Document]) -> Read:
        """Return what reads orders, with what they name."""
        around = self._lookups.around(records, self._places)

        def read(order: Document) -> ParseResult:
            found = read_order(order, around, self.context.name, self.settings.leave_out)
            if isinstance(found, NotReady) and self._is_ready_or_old(order):
                msg = "it is paid, and Square shows neither lines nor returns of it"
                raise Unreadable(msg)
            return found

        return read

    def heard(self, delivery: Delivery, webhook: SquareWebhook) -> Received:
        """Return which orders an event is about.

        Payments and refunds tell of till sales; ``order.*`` events only of orders that an API made. The signature covers the
        notification URL, too. Source: https://developer.squareup.com/docs/webhooks/step3validate
        """
        _SIGNATURE.check(delivery, webhook.signature_key, before=webhook.url)
        inside: Any = event_of(delivery, "Square").get("data", {}).get("object", {})
        if not isinstance(inside, Mapping):
            msg = "the body is no event of Square's"
            raise ValueError(msg)
        found = [about.get("order_id") for about in inside.values() if isinstance(about, Mapping)]
        orders = tuple(number for number in found if isinstance(number, str) and number)
        return Received(sales=orders, poll=not orders)

    def findings(self) -> Sequence[Finding]:
        """Return what the token opens: the locations, and what the settings want to read of it."""
        places, settings = self._places_now(), self.settings
        findings = [Finding("ok", f"Square answers; locations {_known(places)}")]
        for missing in sorted(set(settings.locations) - places.keys()):
            cure = f"Set locations to some of: {_known(places)}"
            findings.append(Finding("error", f"there is no active location {missing}", cure))
        for what, scope in SCOPES.items():
            if getattr(settings, what) and (why := self._api.may(what)):
                findings.append(Finding("error", why, f"Grant {scope}, or set {what} = false for this source."))
        if settings.webhook is None:
            cure = f"For orders within a second, add a webhook subscription and [sources.{self.context.configured}.webhook]."
            findings.append(Finding("ok", f"no webhook: sales are found by polling. {cure}"))
        return findings

    def _places_now(self) -> dict[str, SquareLocation]:
        active = [one for one in self._api.locations() if one.get("status", "ACTIVE") == "ACTIVE"]
        return {place.id: place for place in map(_place, active)}

    def _is_ready_or_old(self, order: Document) -> bool:
        changed = moment(order.get("updated_at"))
        return self.is_settled(order) or changed is None or self.http.now() - changed > _READY_WITHIN


def _known(places: Mapping[str, SquareLocation]) -> str:
    return ", ".join(f"{place.id} ({place.name})" for place in places.values()) or "none"


def _place(location: Document) -> SquareLocation:
    name = str(location.get("name") or location.get("business_name") or "")
    zone = zone_or_utc(location.get("timezone"))
    return SquareLocation(str(location.get("id")), name, zone, str(location.get("currency") or ""))
