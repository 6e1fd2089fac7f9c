"""The Lightspeed X source: walks sales by version, a number that grows with every change of any of them."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from syncd.canonical import Batch, Cursor
from syncd.errors import SourceError
from syncd.sources.base import Finding
from syncd.sources.capabilities import Delivery, Received
from syncd.sources.consent import Consent
from syncd.sources.context import SourceContext
from syncd.sources.errors import Forged
from syncd.sources.lightspeed_x.api import LightspeedApi, LightspeedNames
from syncd.sources.lightspeed_x.reading import LightspeedOutlet, LightspeedReferenceData, read_sale
from syncd.sources.lightspeed_x.settings import LightspeedSettings
from syncd.sources.lightspeed_x.setup import SETUP
from syncd.sources.oauth import OAuth
from syncd.sources.records import Document, parse_documents
from syncd.sources.setup import Setup

_LONGEST_EDIT = timedelta(
    minutes=10
)  # how much earlier than its sale_date a sale may have been changed, by clocks that differ


class LightspeedSource:
    """One retailer's sales."""

    Settings: ClassVar[type[BaseModel]] = LightspeedSettings
    SETUP: ClassVar[Setup] = SETUP

    def __init__(self, settings: LightspeedSettings, context: SourceContext) -> None:
        self._settings, self._context = settings, context
        self._api = LightspeedApi(settings, context)
        now = partial(_seconds, context)
        self._outlets = LightspeedNames(self._api, "outlets", now, _place)
        self._registers = LightspeedNames(self._api, "registers", now, _name)
        self._users = LightspeedNames(self._api, "users", now, _user)
        self._products = LightspeedNames(self._api, "products", now, _product)
        self._customers = LightspeedNames(self._api, "customers", now, _customer)
        self._proven: int | None = None

    def fetch(self, since: Cursor | None) -> Iterator[Batch]:
        """Every sale whose version is higher than the cursor's; no overlap is needed, for versions only grow."""
        version = self._known(_version(since))
        if version is None:
            version = self._api.version_at(self._context.start_from())
        for rows, highest in self._api.all("sales", version):
            self._proven = highest
            yield self._batch(rows, _cursor(highest))
            if self._context.stop.is_set():
                return

    def fetch_range(self, start: datetime, end: datetime, since: Cursor | None = None) -> Iterator[Batch]:
        """Yield the sales of a range. Lightspeed has no date filter: the walk takes all that was changed since the range began."""
        version = _version(since)
        if version is None:
            version = self._api.version_at(start - _LONGEST_EDIT)
        for rows, highest in self._api.all("sales", version):
            batch = self._batch(rows, _cursor(highest))
            yield batch.placed_within(start, end)
            if self._context.stop.is_set():
                return

    def fetch_one(self, sale_id: str) -> Batch | None:
        """One sale by its id; None where there is none."""
        sale = self._api.one("sales", sale_id)
        return None if sale is None else self._batch([sale], None)

    def receives(self) -> bool:
        """Whether a webhook is configured."""
        return self._settings.webhook is not None

    def receive(self, delivery: Delivery) -> Received:
        """``sale.update``: a hint to poll. Its body has an older shape, so the sale itself is read from the list."""
        webhook = self._settings.webhook
        if webhook is None:
            raise Forged("this source has no webhook in its config", "Add [sources.<name>.webhook].")
        if webhook.client_secret is not None:
            _prove(delivery, webhook.client_secret.get_secret_value())
        fields = parse_qs(delivery.body.decode("utf-8"), max_num_fields=50)
        if not isinstance(json.loads(fields.get("payload", [""])[0]), Mapping):
            msg = "the field payload is no object"
            raise ValueError(msg)
        return Received()

    def consent(self) -> Consent | None:
        """How the retailer gives access; None where the config has a personal token.

        Source: https://x-series-api.lightspeedhq.com/docs/authorization
        """
        oauth = self._settings.oauth
        if oauth is None or not isinstance(self._api.auth, OAuth):
            return None
        return Consent(
            vendor="Lightspeed",
            page=f"{self._settings.api_url or 'https://secure.retail.lightspeed.app'}/connect",
            client_id=oauth.client_id,
            exchange=self._api.exchanged,
            keep=self._api.auth.keep,
        )

    def check(self) -> Sequence[Finding]:
        """Whether the token opens the retailer, and what it sees there."""
        try:
            outlets = [row for rows, _ in self._api.all("outlets") for row in rows]
            sales, _ = self._api.after("sales", 0, 1)
        except SourceError as error:
            return [Finding("error", error.what, error.cure)]
        named = ", ".join(f"{row.get('id')} ({row.get('name')})" for row in outlets) or "none"
        findings = [
            Finding("ok", f"Lightspeed answers; outlets {named}; {'sales can' if sales else 'no sales yet to'} be read")
        ]
        if self._settings.currency is None and not any(row.get("currency") for row in outlets):
            findings.append(Finding("error", "no outlet names its currency", "Set currency for this source."))
        return findings

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _known(self, version: int | None) -> int | None:
        """Return a cursor's version, unless it is one that no sale has reached: the walk would wait for it for ever."""
        if version in (None, 0, self._proven):
            return version
        rows, _ = self._api.after("sales", version - 1, 1)
        self._proven = version if rows else None
        return self._proven

    def _batch(self, rows: Sequence[Document], cursor: Cursor | None) -> Batch:
        around = self._around(rows)
        settings, name = self._settings, self._context.name
        return parse_documents(
            rows, lambda sale: read_sale(sale, around, name, settings.currency, settings.leave_out), cursor
        )

    def _around(self, rows: Sequence[Document]) -> LightspeedReferenceData:
        def named(key: str) -> list[str]:
            return [str(row[key]) for row in rows if row.get(key)]

        products = [
            str(item["product_id"])
            for row in rows
            for item in row.get("line_items") or ()
            if isinstance(item, Mapping) and item.get("product_id")
        ]
        return LightspeedReferenceData(
            self._outlets.of(named("outlet_id")),
            self._registers.of(named("register_id")),
            self._users.of(named("user_id")),
            self._products.of(products),
            self._customers.of(named("customer_id")) if self._settings.customers else {},
        )


def _seconds(context: SourceContext) -> float:
    return context.clock.elapsed().seconds


def _version(cursor: Cursor | None) -> int | None:
    try:
        said = json.loads(cursor or "{}")
    except ValueError:
        return None
    version = said.get("version") if isinstance(said, Mapping) else None
    return version if isinstance(version, int) and not isinstance(version, bool) and version >= 0 else None


def _cursor(version: int) -> Cursor:
    return json.dumps({"version": version})


_SIGNATURE = re.compile(r"signature=([0-9A-Fa-f]{64})")


def _prove(delivery: Delivery, secret: str) -> None:
    """``X-Signature: signature=<hex>,algorithm=HMAC-SHA256`` over the body, with the application's client secret."""
    found = _SIGNATURE.search(delivery.headers.get("x-signature", ""))
    wanted = hmac.new(secret.encode(), delivery.body, hashlib.sha256).hexdigest()
    if found is None or not hmac.compare_digest(wanted, found[1].lower()):
        raise Forged("X-Signature is not that of the client secret over the body")


def _place(row: Document) -> LightspeedOutlet:
    try:
        zone: Any = ZoneInfo(str(row.get("time_zone") or "UTC"))
    except (ValueError, OSError, KeyError):
        zone = UTC
    return LightspeedOutlet(str(row.get("name") or ""), zone, str(row.get("currency") or ""))


def _name(row: Document) -> str:
    return str(row.get("name") or "")


def _user(row: Document) -> str:
    return str(row.get("display_name") or row.get("username") or "")


def _product(row: Document) -> Mapping[str, str]:
    codes = [code for code in row.get("product_codes") or () if isinstance(code, Mapping)]
    upc = next((str(code.get("code")) for code in codes if str(code.get("type")).upper() in ("UPC", "EAN")), "")
    options = [
        str(one.get("value"))
        for one in row.get("variant_options") or ()
        if isinstance(one, Mapping) and one.get("value")
    ]
    return {"sku": str(row.get("sku") or ""), "name": _name(row), "upc": upc, "variant": " / ".join(options)}


def _customer(row: Document) -> Mapping[str, str]:
    return {
        "code": str(row.get("customer_code") or ""),
        "first_name": str(row.get("first_name") or ""),
        "last_name": str(row.get("last_name") or ""),
        "company": str(row.get("company_name") or ""),
        "email": str(row.get("email") or ""),
        "phone": str(row.get("mobile") or row.get("phone") or ""),
        **_address(row, "physical" if row.get("physical_address_1") or row.get("physical_address1") else "postal"),
    }


def _address(row: Document, kind: str) -> dict[str, str]:
    """Where a customer lives, else where letters go; the names differ by the API's version."""

    def said(*names: str) -> str:
        return next((str(row[f"{kind}_{name}"]) for name in names if row.get(f"{kind}_{name}")), "")

    suburb = said("suburb")
    return {
        "street_1": said("address_1", "address1"),
        "street_2": said("address_2", "address2"),
        "city": said("city") or suburb,
        "state": said("state"),
        "zip": said("postcode"),
        "country": said("country_id", "country"),
    }
