"""The Lightspeed X source: sales by version, a number that grows with every change of any of them.

No filter takes dates: a range is all that was changed since it began. A change that is written late may show under a version that
the walk has passed already, so versions are looked back at like times elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import parse_qs

from pydantic import BaseModel

from syncd.sources.base import Finding
from syncd.sources.capabilities import Delivery, Received
from syncd.sources.cloud import Ask, CloudSource, Feed, Page, Read, Signature
from syncd.sources.context import SourceContext
from syncd.sources.lightspeed_x.api import LightspeedApi, LightspeedNames
from syncd.sources.lightspeed_x.reading import LightspeedOutlet, LightspeedReferenceData, read_sale
from syncd.sources.lightspeed_x.settings import LightspeedSettings
from syncd.sources.lightspeed_x.setup import SETUP
from syncd.sources.positions import Position, Positions
from syncd.sources.records import Document
from syncd.sources.settings import SignedOrNot
from syncd.sources.setup import Setup
from syncd.sources.zones import zone_or_utc

_DIGEST = re.compile(r"signature=([0-9A-Fa-f]{64})")


def _digest(said: str) -> str:
    """Take the digest out of ``signature=<hex>,algorithm=HMAC-SHA256``."""
    found = _DIGEST.search(said)
    return found[1].lower() if found else ""


_SIGNATURE = Signature("X-Signature", ("hex",), found=_digest)


class LightspeedSource(CloudSource[LightspeedSettings]):
    """One retailer's sales."""

    Settings: ClassVar[type[BaseModel]] = LightspeedSettings
    SETUP: ClassVar[Setup] = SETUP
    feed = Feed(changed="version", placed="version", mark="version", early=timedelta(minutes=10), late=None)

    def __init__(self, settings: LightspeedSettings, context: SourceContext) -> None:
        self._api = LightspeedApi(settings, context)
        super().__init__(settings, context, self._api.access)
        self.http = self._api.http
        self._outlets = LightspeedNames(self._api, "outlets", context.clock, _place)
        self._registers = LightspeedNames(self._api, "registers", context.clock, _name)
        self._users = LightspeedNames(self._api, "users", context.clock, _user)
        self._products = LightspeedNames(self._api, "products", context.clock, _product)
        self._customers = LightspeedNames(self._api, "customers", context.clock, _customer)
        self._proven: int | None = None

    def pages(self, ask: Ask) -> Iterator[Page]:
        """Yield sales by version, lowest first."""
        assert isinstance(ask.begin, int)  # noqa: S101  ``place_at`` gives versions
        for rows, highest in self._api.all("sales", ask.begin):
            if ask.end is None:
                self._proven = highest
            yield Page(rows, highest)

    def place_at(self, when: datetime) -> Position:
        """Return the version at which a walk of all that was changed since ``when`` begins."""
        return self._api.version_at(when)

    def trusted(self, positions: Positions) -> Positions:
        """Return positions without a version that no sale has reached: the walk would wait for it for ever."""
        version = next(iter(positions.reached.values()), None)
        if not isinstance(version, int):
            return Positions()
        if version not in (0, self._proven):
            rows, _ = self._api.after("sales", version - 1, 1)
            self._proven = version if rows else None
            return positions if rows else Positions()
        return positions

    def one(self, sale_id: str) -> Document | None:
        """Return a sale by its id."""
        return self._api.one("sales", sale_id)

    def reader(self, records: Sequence[Document]) -> Read:
        """Return what reads sales, with what they name."""
        settings = self.settings
        lines = [line for row in records for line in row.get("line_items") or () if isinstance(line, Mapping)]
        around = LightspeedReferenceData(
            self._outlets.of(records, "outlet_id"),
            self._registers.of(records, "register_id"),
            self._users.of(records, "user_id"),
            self._products.of(lines, "product_id"),
            self._customers.of(records, "customer_id") if settings.customers else {},
        )
        return lambda sale: read_sale(sale, around, self.context.name, settings.currency, settings.leave_out)

    def heard(self, delivery: Delivery, webhook: SignedOrNot) -> Received:
        """``sale.update``: a hint to poll. Its body has an older shape, so the sale itself is read from the list."""
        if webhook.client_secret is not None:
            _SIGNATURE.check(delivery, webhook.client_secret)
        fields = parse_qs(delivery.body.decode("utf-8"), max_num_fields=50)
        if not isinstance(json.loads(fields.get("payload", [""])[0]), Mapping):
            msg = "the field payload is no object"
            raise ValueError(msg)
        return Received()

    def findings(self) -> Sequence[Finding]:
        """Return what the token opens."""
        outlets = [row for rows, _ in self._api.all("outlets") for row in rows]
        sales, _ = self._api.after("sales", 0, 1)
        named = ", ".join(f"{row.get('id')} ({row.get('name')})" for row in outlets) or "none"
        findings = [
            Finding("ok", f"Lightspeed answers; outlets {named}; {'sales can' if sales else 'no sales yet to'} be read")
        ]
        if self.settings.currency is None and not any(row.get("currency") for row in outlets):
            findings.append(Finding("error", "no outlet names its currency", "Set currency for this source."))
        return findings


def _place(row: Document) -> LightspeedOutlet:
    zone = zone_or_utc(row.get("time_zone"))
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
