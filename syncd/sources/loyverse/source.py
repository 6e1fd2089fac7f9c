"""The Loyverse source: walks receipts by the time of their last change, span after span.

Loyverse lists newest first only, so a span is walked to its end before the cursor moves past it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from pydantic import BaseModel

from syncd.canonical import Batch, Cursor
from syncd.errors import SourceError
from syncd.sources.base import Finding
from syncd.sources.capabilities import Delivery, Received
from syncd.sources.context import SourceContext
from syncd.sources.dedup import told_documents
from syncd.sources.errors import Forged
from syncd.sources.loyverse.api import LoyverseApi, NoHistory
from syncd.sources.loyverse.reading import LoyverseReferenceData, read_receipt
from syncd.sources.loyverse.settings import LoyverseSettings
from syncd.sources.loyverse.setup import SETUP
from syncd.sources.records import Document, parse_documents
from syncd.sources.setup import Setup
from syncd.sources.time_cursor import TimeCursor, spans
from syncd.sources.zones import zone

_NAMES_KEPT_S = 900.0
_CURSOR_MOVES = timedelta(hours=1)  # where nothing is sold, the cursor is written this often
_OFFLINE = timedelta(days=4)
_FOUNDED = datetime(2014, 1, 1, tzinfo=UTC)  # Loyverse has no receipt that is older
_NONE_KEPT = "spans of time of which Loyverse keeps no receipts for this account (HTTP 402)"


class LoyverseSource:
    """One merchant's receipts."""

    Settings: ClassVar[type[BaseModel]] = LoyverseSettings
    SETUP: ClassVar[Setup] = SETUP

    def __init__(self, settings: LoyverseSettings, context: SourceContext) -> None:
        self._settings, self._context = settings, context
        self._api = LoyverseApi(settings, context)
        self._names: LoyverseReferenceData | None = None
        self._names_at = 0.0
        self._customers: dict[str, Mapping[str, str]] = {}
        self._told = told_documents("receipt_number", "updated_at")

    def fetch(self, since: Cursor | None) -> Iterator[Batch]:
        """Every receipt that was changed since the cursor, less an overlap; every few hours those of the last days again."""
        self._around()  # its answer tells Loyverse's own clock
        until = self._api.http.now()
        marks = TimeCursor.read(since, until + timedelta(days=1))
        reached, looked = marks.reached, marks.swept_at
        begin = reached - self._settings.overlap if reached else self._context.start_from()
        if reached and until - looked >= self._settings.look_back_every:
            begin = max(min(begin, until - self._settings.look_back), self._context.start_from())
            looked = until
        elif reached is None:
            looked = until
        yield from self._walk("updated_at", (max(begin, _FOUNDED), until), reached, looked)

    def fetch_range(self, start: datetime, end: datetime, since: Cursor | None = None) -> Iterator[Batch]:
        """Yield the receipts of a range, by the time at which Loyverse got them; some days on for those made offline."""
        self._around()
        until = min(end + _OFFLINE, self._api.http.now())
        reached = TimeCursor.read(since).reached
        for batch in self._walk("created_at", (reached or start - timedelta(minutes=5), until), None, until):
            yield batch.placed_within(start, end)

    def fetch_one(self, sale_id: str) -> Batch | None:
        """One receipt by its number; None where there is none."""
        receipt = self._api.one("receipts", sale_id)
        return None if receipt is None else self._batch([receipt], None)

    def receives(self) -> bool:
        """Whether a webhook is configured."""
        return self._settings.webhook is not None

    def receive(self, delivery: Delivery) -> Received:
        """``receipts.update``: which receipts it is about, or a mere hint where nothing proves who sent it."""
        webhook = self._settings.webhook
        if webhook is None:
            raise Forged("this source has no webhook in its config", "Add [sources.<name>.webhook].")
        if webhook.client_secret is not None:
            _prove(delivery, webhook.client_secret.get_secret_value())
        event = json.loads(delivery.body)
        receipts = event.get("receipts") if isinstance(event, Mapping) else None
        if not isinstance(receipts, list):
            msg = "the body is no event of Loyverse's"
            raise ValueError(msg)
        if webhook.client_secret is None:
            return Received()
        numbers = [
            str(one["receipt_number"]) for one in receipts if isinstance(one, Mapping) and one.get("receipt_number")
        ]
        sales = tuple(number for number in numbers if len(number) <= 60)
        return Received(sales=sales, poll=not sales)

    def check(self) -> Sequence[Finding]:
        """Whether the token opens the account, and what it sees there."""
        try:
            around = self._around()
        except SourceError as error:
            return [Finding("error", error.what, error.cure)]
        named = ", ".join(f"{key} ({name})" for key, name in around.stores.items()) or "none"
        if not around.currency:
            return [Finding("error", "Loyverse does not tell the account's currency", "Set currency for this source.")]
        return [Finding("ok", f"Loyverse answers; stores {named}; sales in {around.currency}")]

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _walk(
        self, field: str, span: tuple[datetime, datetime], reached: datetime | None, looked: datetime
    ) -> Iterator[Batch]:
        """Span after span, oldest first. Until the end of a span the cursor stays at its beginning."""
        written = reached
        for begin, end in spans(*span, timedelta(days=1), timedelta(days=128)):
            found = 0
            cursor = TimeCursor(max(begin, reached) if reached else begin, looked).text()
            try:
                for page in self._api.receipts(field, (begin, end)):
                    fresh = self._told.fresh(page) if field == "updated_at" else page
                    found += len(fresh)
                    if fresh:
                        yield self._batch(fresh, cursor)
                        self._told.note(fresh)
                    if self._context.stop.is_set():
                        return
            except NoHistory:
                yield Batch((), (), None, {_NONE_KEPT: 1})
            quiet = written is None or end - written >= _CURSOR_MOVES
            if found or (quiet and end >= span[1]):
                yield Batch((), (), TimeCursor(max(end, reached) if reached else end, looked).text())
                written = end

    def _batch(self, page: Sequence[Document], cursor: Cursor | None) -> Batch:
        around = self._around(page)
        name, leave_out = self._context.name, self._settings.leave_out
        return parse_documents(page, lambda one: read_receipt(one, around, name, leave_out), cursor, "receipt_number")

    def _around(self, page: Sequence[Document] = ()) -> LoyverseReferenceData:
        """Names of stores, tills and staff, asked for again every quarter of an hour; customers once each."""
        now = self._context.clock.elapsed().seconds
        if self._names is None or now - self._names_at > _NAMES_KEPT_S:
            settings = self._settings
            self._names_at = now
            self._customers = {}
            self._names = LoyverseReferenceData(
                settings.currency or self._api.currency(),
                zone(settings.timezone),
                {str(row.get("id")): str(row.get("name") or "") for row in self._api.all("stores")},
                {str(row.get("id")): str(row.get("name") or "") for row in self._api.all("pos_devices")},
                {str(row.get("id")): str(row.get("name") or "") for row in self._api.all("employees")},
                self._customers,
            )
        if self._settings.customers:
            for key in {str(one["customer_id"]) for one in page if one.get("customer_id")} - self._customers.keys():
                self._customers[key] = _customer(self._api.one("customers", key) or {})
        return self._names


def _prove(delivery: Delivery, secret: str) -> None:
    """``X-Loyverse-Signature``: HMAC-SHA1 of the body with the application's client secret, in hexadecimal digits or base64."""
    digest = hmac.new(secret.encode(), delivery.body, hashlib.sha1).digest()
    said = delivery.headers.get("x-loyverse-signature", "").encode()
    if not (hmac.compare_digest(said, digest.hex().encode()) or hmac.compare_digest(said, base64.b64encode(digest))):
        raise Forged("X-Loyverse-Signature is not that of the client secret over the body")


def _customer(row: Document) -> Mapping[str, str]:
    given, _, family = str(row.get("name") or "").strip().rpartition(" ")
    return {
        "first_name": given or family,
        "last_name": family if given else "",
        "email": str(row.get("email") or ""),
        "phone": str(row.get("phone_number") or ""),
        "street_1": str(row.get("address") or ""),
        "city": str(row.get("city") or ""),
        "state": str(row.get("region") or ""),
        "zip": str(row.get("postal_code") or ""),
        "country": str(row.get("country_code") or ""),
    }
