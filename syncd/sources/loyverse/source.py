"""The Loyverse source: receipts newest first only, in spans of time, about sixty requests a minute.

Source: https://developer.loyverse.com/docs/
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from msgspec.structs import replace
from pydantic import BaseModel

from syncd.sources.base import Finding
from syncd.sources.capabilities import Delivery, Received
from syncd.sources.cloud import (
    Ask,
    CloudSource,
    Feed,
    Kept,
    NameCache,
    Page,
    Read,
    Signature,
    event_of,
    names_of,
    one_of,
    pages_by_cursor,
    stamp,
)
from syncd.sources.context import SourceContext
from syncd.sources.errors import SourceRejected
from syncd.sources.http import ApiProfile, StaticAuth
from syncd.sources.loyverse.reading import LoyverseReferenceData, customer_of, read_receipt
from syncd.sources.loyverse.settings import LoyverseSettings
from syncd.sources.loyverse.setup import SETUP
from syncd.sources.records import Document
from syncd.sources.settings import SignedOrNot
from syncd.sources.setup import Setup
from syncd.sources.zones import zone

_DENIED = (
    "Check the access token (Loyverse back office, Access tokens); an OAuth one needs RECEIPTS_READ and STORES_READ."
)
_NO_HISTORY = 402  # of more than 31 days back it is a paid option
_NONE_KEPT = "spans of time of which Loyverse keeps no receipts for this account (HTTP 402)"
_SIGNATURE = Signature("X-Loyverse-Signature", ("hex", "base64"), hashlib.sha1)


class LoyverseSource(CloudSource[LoyverseSettings]):
    """One merchant's receipts."""

    Settings: ClassVar[type[BaseModel]] = LoyverseSettings
    SETUP: ClassVar[Setup] = SETUP
    feed = Feed(
        changed="updated_at",
        placed="created_at",
        id="receipt_number",
        mark="updated_at",
        spans=True,
        ahead=timedelta(0),
        oldest=datetime(2014, 1, 1, tzinfo=UTC),
    )

    def __init__(self, settings: LoyverseSettings, context: SourceContext) -> None:
        super().__init__(settings, context)
        auth = StaticAuth({"Authorization": f"Bearer {settings.token.get_secret_value()}"})
        self.http = context.http(settings.api_url, auth, ApiProfile("Loyverse", per_second=1, burst=20, denied=_DENIED))
        self._names = Kept(context.clock, self._look_up)
        self._customers = NameCache[str, Mapping[str, str]](context.clock, self._customers_of, {})

    def pages(self, ask: Ask) -> Iterator[Page]:
        """GET /v1.0/receipts: those of a span, newest first; HTTP 402 of a span of which the account keeps none."""
        begin, end = ask.span
        times = {f"{ask.field}_min": stamp(begin), f"{ask.field}_max": stamp(end)}
        try:
            for rows in self._listed("receipts", {**times, "limit": self.settings.page}):
                yield Page(rows)
        except SourceRejected as refused:
            if refused.status != _NO_HISTORY:
                raise
            yield Page((), left_out={_NONE_KEPT: 1})

    def one(self, sale_id: str) -> Document | None:
        """GET /v1.0/receipts/{number}."""
        return one_of(self.http, f"/v1.0/receipts/{sale_id}")

    def prepare(self) -> None:
        """Look up the names of stores, tills and staff."""
        self._names.get()

    def reader(self, records: Sequence[Document]) -> Read:
        """Return what reads receipts, with the customers that they name."""
        around = self._names.get()
        if self.settings.customers:
            around = replace(around, customers=self._customers.of(str(one.get("customer_id") or "") for one in records))
        return lambda one: read_receipt(one, around, self.context.name, self.settings.leave_out)

    def heard(self, delivery: Delivery, webhook: SignedOrNot) -> Received:
        """``receipts.update``: which receipts it is about, or a mere hint where nothing proves who sent it."""
        if webhook.client_secret is not None:
            _SIGNATURE.check(delivery, webhook.client_secret)
        receipts = event_of(delivery, "Loyverse").get("receipts")
        if not isinstance(receipts, list):
            msg = "the body is no event of Loyverse's"
            raise ValueError(msg)
        if webhook.client_secret is None:
            return Received()
        sales = tuple(str(one.get("receipt_number") or "") for one in receipts if isinstance(one, Mapping))
        return Received(sales=sales, poll=not any(sales))

    def findings(self) -> Sequence[Finding]:
        """Return what the token opens."""
        around = self._names.get()
        named = ", ".join(f"{key} ({name})" for key, name in around.stores.items()) or "none"
        if not around.currency:
            return [Finding("error", "Loyverse does not tell the account's currency", "Set currency for this source.")]
        return [Finding("ok", f"Loyverse answers; stores {named}; sales in {around.currency}")]

    def _look_up(self) -> LoyverseReferenceData:
        merchant = (one_of(self.http, "/v1.0/merchant") or {}).get("currency") if not self.settings.currency else None
        code = merchant.get("code") if isinstance(merchant, Mapping) else merchant
        return LoyverseReferenceData(
            self.settings.currency or str(code or ""),
            zone(self.settings.timezone),
            names_of(self._all("stores")),
            names_of(self._all("pos_devices")),
            names_of(self._all("employees")),
        )

    def _all(self, what: str) -> list[Document]:
        return [row for rows in self._listed(what, {"limit": 250}) for row in rows]

    def _listed(self, what: str, params: Mapping[str, object]) -> Iterator[list[Document]]:
        return pages_by_cursor(self.http, f"/v1.0/{what}", what, params, goes_alone=("limit",))

    def _customers_of(self, ids: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        return {key: customer_of(one_of(self.http, f"/v1.0/customers/{key}") or {}) for key in ids}
