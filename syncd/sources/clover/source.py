"""The Clover source: walks orders by ``modifiedTime`` and refunds by ``createdTime``: one of a payment may not move its order."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import BaseModel

from syncd.canonical import Batch, Cursor
from syncd.errors import SourceError
from syncd.sources.base import Finding
from syncd.sources.capabilities import Delivery, Received
from syncd.sources.clover.api import EXPANDED, CloverApi, millis
from syncd.sources.clover.reading import CloverReferenceData, read_order, sums_up
from syncd.sources.clover.settings import CloverSettings
from syncd.sources.clover.setup import SETUP
from syncd.sources.consent import Consent
from syncd.sources.context import SourceContext
from syncd.sources.dedup import told_documents
from syncd.sources.errors import Forged
from syncd.sources.oauth import OAuth
from syncd.sources.records import Document, Unreadable, inside, parse_documents
from syncd.sources.setup import Setup
from syncd.sources.zones import zone

_NAMES_KEPT_S = 900.0
_ONE_BY_ONE = 5
_DAY_MS = 86_400_000


class CloverSource:
    """One merchant's orders."""

    Settings: ClassVar[type[BaseModel]] = CloverSettings
    SETUP: ClassVar[Setup] = SETUP

    def __init__(self, settings: CloverSettings, context: SourceContext) -> None:
        self._settings, self._context = settings, context
        self._api = CloverApi(settings, context)
        self._merchant = ""
        self._skus: dict[str, tuple[str, str]] = {}
        self._employees: dict[str, str] = {}
        self._names_at: float | None = None
        self._told = {
            what: told_documents("id", mark) for what, mark in (("orders", "modifiedTime"), ("refunds", "createdTime"))
        }

    def fetch(self, since: Cursor | None) -> Iterator[Batch]:
        """Every order that was changed since the cursor, less an overlap, and every order that a new refund is of."""
        self._names()  # its answer tells Clover's own clock
        start, latest = millis(self._context.start_from()), millis(self._api.http.now()) + _DAY_MS
        orders, refunds = _read(since, latest)
        reached = {"orders": orders or start, "refunds": refunds or orders or start}
        overlap = self._settings.overlap // timedelta(milliseconds=1)
        for page in self._api.changed("orders", "modifiedTime", reached["orders"] - overlap, {"expand": EXPANDED}):
            reached["orders"] = max(reached["orders"], _last(page, "modifiedTime"))
            if fresh := self._told["orders"].fresh(page):
                yield self._batch(fresh, json.dumps(reached))
                self._told["orders"].note(fresh)
            if self._context.stop.is_set():
                return
        for page in self._api.changed("refunds", "createdTime", reached["refunds"] - overlap):
            reached["refunds"] = max(reached["refunds"], _last(page, "createdTime"))
            if fresh := self._told["refunds"].fresh(page):
                named = dict.fromkeys(str(inside(one, "orderRef").get("id") or "") for one in fresh)
                found = [order for key in named if key and (order := self._api.one(f"orders/{key}", EXPANDED))]
                yield self._batch(found, json.dumps(reached))
                self._told["refunds"].note(fresh)
            if self._context.stop.is_set():
                return

    def fetch_range(self, start: datetime, end: datetime, since: Cursor | None = None) -> Iterator[Batch]:
        """Yield the orders of a range: the walk takes all that was changed since it began.

        Lists by ``createdTime`` end at 90 days.
        """
        orders, _ = _read(since, None)
        begin = orders or millis(start - timedelta(days=1))
        self._names()
        for page in self._api.changed("orders", "modifiedTime", begin, {"expand": EXPANDED}):
            begin = max(begin, _last(page, "modifiedTime"))
            batch = self._batch(page, json.dumps({"orders": begin}))
            yield batch.placed_within(start, end)
            if self._context.stop.is_set():
                return

    def fetch_one(self, sale_id: str) -> Batch | None:
        """One order by its id; where there is none, it was deleted."""
        self._names()
        order = self._api.one(f"orders/{sale_id}", EXPANDED)
        return Batch((), (), None, deleted_ids=(sale_id,)) if order is None else self._batch([order], None)

    def receives(self) -> bool:
        """Whether a webhook is configured."""
        return self._settings.webhook is not None

    def receive(self, delivery: Delivery) -> Received:
        """Orders that were made, changed or deleted, and payments, which only say that something was paid.

        Source: https://docs.clover.com/dev/docs/webhooks
        """
        webhook = self._settings.webhook
        if webhook is None:
            raise Forged("this source has no webhook in its config", "Add [sources.<name>.webhook].")
        event = json.loads(delivery.body)
        if webhook.auth_code is None:
            code = event.get("verificationCode") if isinstance(event, Mapping) else None
            if not isinstance(code, str) or len(code) > 100:
                raise Forged(
                    "this source's webhook has no auth_code yet", "Verify the callback, then set webhook.auth_code."
                )
            return Received(
                poll=False, says=f"Clover's verification code for this callback is {code}: type it in at Clover."
            )
        code_said = delivery.headers.get("x-clover-auth", "").encode()
        if not hmac.compare_digest(webhook.auth_code.get_secret_value().encode(), code_said):
            raise Forged("X-Clover-Auth is not the auth_code of this source's webhook")
        ours = event["merchants"].get(self._settings.merchant_id) or []
        ids = [str(one["objectId"]) for one in ours]
        orders = tuple(key[2:] for key in dict.fromkeys(ids) if key.startswith("O:") and 2 < len(key) <= 40)
        return Received(sales=orders, poll=any(not key.startswith("O:") for key in ids))

    def consent(self) -> Consent | None:
        """How the merchant gives access; None where the config has a token of the merchant's own.

        Source: https://docs.clover.com/dev/docs/oauth-flow-for-low-trust-apps-pkce
        """
        oauth = self._settings.oauth
        if oauth is None or not isinstance(self._api.auth, OAuth):
            return None
        return Consent(
            vendor="Clover",
            page=f"{self._settings.api_url.replace('://api.', '://www.')}/oauth/v2/authorize",
            client_id=oauth.client_id,
            exchange=self._api.exchanged,
            keep=self._api.auth.keep,
            pkce=True,
        )

    def check(self) -> Sequence[Finding]:
        """Whether the token opens the merchant, and what it sees there."""
        try:
            merchant = self._api.one("")
            if merchant is None:
                return [
                    Finding("error", f"Clover knows no merchant {self._settings.merchant_id}", "Check merchant_id.")
                ]
            next(self._api.changed("orders", "modifiedTime", millis(self._api.http.now())), None)
        except SourceError as error:
            return [Finding("error", error.what, error.cure)]
        findings = [Finding("ok", f"Clover answers; merchant {merchant.get('name')}; orders can be read")]
        if self._settings.timezone == "UTC":
            findings.append(Finding("warning", "times are shown in UTC", "Set timezone, such as America/Chicago."))
        return findings

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _batch(self, page: Sequence[Document], cursor: Cursor | None) -> Batch:
        whole = [self._whole(order) for order in page]
        skus = self._skus_of(whole) if self._settings.skus else {}
        settings = self._settings
        around = CloverReferenceData(
            settings.merchant_id, self._merchant, zone(settings.timezone), skus, self._employees
        )
        return parse_documents(
            whole, lambda order: read_order(order, around, self._context.name, settings.leave_out), cursor
        )

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

    def _names(self) -> None:
        """Look up the shop's name and its staff again every quarter of an hour; forget article numbers as often."""
        now = self._context.clock.elapsed().seconds
        if self._names_at is not None and now - self._names_at <= _NAMES_KEPT_S:
            return
        self._names_at = now
        self._merchant = str((self._api.one("") or {}).get("name") or "")
        self._skus = {}
        if self._settings.staff:
            self._employees = {str(row.get("id")): str(row.get("name") or "") for row in self._api.all("employees")}

    def _skus_of(self, orders: Sequence[Document]) -> Mapping[str, tuple[str, str]]:
        named = {
            str(item["item"]["id"])
            for order in orders
            for item in (order.get("lineItems") or {}).get("elements") or ()
            if isinstance(item, Mapping) and isinstance(item.get("item"), Mapping) and item["item"].get("id")
        }
        missing = sorted(named - self._skus.keys())
        if len(missing) > _ONE_BY_ONE:
            rows = self._api.all("items")
        else:
            rows = [self._api.one(f"items/{key}") or {"id": key} for key in missing]
        self._skus |= dict.fromkeys(missing, ("", ""))
        self._skus |= {str(row.get("id")): (str(row.get("sku") or ""), str(row.get("code") or "")) for row in rows}
        return self._skus


def _read(cursor: Cursor | None, latest: int | None) -> tuple[int | None, int | None]:
    """How far orders and refunds were walked (epoch milliseconds); None of what cannot be read, or lies in the future."""
    try:
        said = json.loads(cursor or "{}")
    except ValueError:
        return None, None
    if not isinstance(said, Mapping):
        return None, None
    found = [said.get(name) for name in ("orders", "refunds")]
    orders, refunds = (
        at if isinstance(at, int) and not isinstance(at, bool) and (latest is None or at <= latest) else None
        for at in found
    )
    return orders, refunds


def _last(page: Sequence[Document], field: str) -> int:
    return max((at for one in page if isinstance(at := one.get(field), int)), default=0)
