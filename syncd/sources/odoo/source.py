"""The Odoo source: POS orders by their time of change, span after span, by id within a span.

A change of a line or a payment need not change its order's ``write_date``: short spans ask for those too, and the orders of the
last days are read again every hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import ClassVar

from msgspec.structs import replace
from pydantic import BaseModel

from syncd.sources.base import Finding
from syncd.sources.cloud import Ask, CloudSource, Feed, Kept, NameCache, Page, Read
from syncd.sources.context import SourceContext
from syncd.sources.odoo.api import OdooApi, stamp
from syncd.sources.odoo.fields import LINE, ORDER, PAYMENT
from syncd.sources.odoo.reading import MONEY_PRODUCTS, OdooReferenceData, key_of, read_order
from syncd.sources.odoo.settings import OdooSettings
from syncd.sources.odoo.setup import SETUP
from syncd.sources.records import Document
from syncd.sources.setup import Setup
from syncd.sources.zones import zone

_SHORT = timedelta(days=1)
_PRODUCT = ("default_code", "barcode")
_PARTNER = ("name", "email", "phone", "mobile", "street", "street2", "city", "zip", "state_id", "country_id")
_TILL = ("name", "tip_product_id", "discount_product_id", "currency_id", *MONEY_PRODUCTS)


class OdooSource(CloudSource[OdooSettings]):
    """The tills of one Odoo database."""

    Settings: ClassVar[type[BaseModel]] = OdooSettings
    SETUP: ClassVar[Setup] = SETUP
    feed = Feed(
        changed="write_date",
        placed="date_order",
        look_back="date_order",
        spans=True,
        ahead=timedelta(seconds=1),
        early=timedelta(0),
        late=timedelta(0),
        cursor_every=timedelta(minutes=1),
        oldest=datetime(2005, 1, 1, tzinfo=UTC),
    )

    def __init__(self, settings: OdooSettings, context: SourceContext) -> None:
        super().__init__(settings, context)
        self._api = api = OdooApi(settings, context)
        self.http = api.http
        self._shop = Kept(context.clock, self._look_up)
        self._products = NameCache[int, Document](
            context.clock, partial(api.by_id, "product.product", wanted=_PRODUCT), {}
        )
        self._partners = NameCache[int, Document](context.clock, partial(api.by_id, "res.partner", wanted=_PARTNER), {})

    def pages(self, ask: Ask) -> Iterator[Page]:
        """Yield the orders of a span with their lines and payments."""
        begin, end = ask.span
        within: list[object] = [[ask.field, ">=", stamp(begin)], [ask.field, "<", stamp(end + timedelta(seconds=1))]]
        seen: set[int] = set()
        for page in self._api.pages("pos.order", self._ours(within), ORDER, self.settings.page):
            seen.update(row["id"] for row in page)
            yield Page(self._whole(page))
        if ask.field == "write_date" and end - begin <= _SHORT:
            touched = [key for key in self._touched(within) if key not in seen]
            for start in range(0, len(touched), self.settings.page):
                ids = touched[start : start + self.settings.page]
                yield Page(self._whole(self._api.all("pos.order", self._ours([["id", "in", ids]]), ORDER)))

    def one(self, sale_id: str) -> Document | None:
        """Return an order by its id."""
        found = self._api.all("pos.order", [["id", "=", int(sale_id)]], ORDER) if sale_id.isdigit() else []
        return next(iter(self._whole(found)), None)

    def prepare(self) -> None:
        """Look up tills, taxes and ways of paying."""
        self._shop.get()

    def reader(self, records: Sequence[Document]) -> Read:
        """Return what reads orders, with the products, customers and original sales that these name."""
        lines = [line for order in records for line in order["lines"]]
        back = {key for line in lines if (key := key_of(line.get("refunded_orderline_id")))}
        sold = self._api.by_id("pos.order.line", sorted(back), ["order_id"]) if back else {}
        around = replace(
            self._shop.get(),
            products=self._products.of(key_of(line.get("product_id")) for line in lines),
            originals={key: order for key, row in sold.items() if (order := key_of(row.get("order_id")))},
        )
        if self.settings.customers:
            around = replace(around, partners=self._partners.of(key_of(order.get("partner_id")) for order in records))
        return lambda order: read_order(order, around, self.context.name)

    def findings(self) -> Sequence[Finding]:
        """Return which tills the key opens."""
        around = self._shop.get()
        tills = ", ".join(str(row.get("name")) for row in around.configs.values()) or "none"
        self._api.all("pos.order", [["id", "=", 0]], ORDER)
        return [
            Finding(
                "ok", f"Odoo answers; tills {tills}; sales in {around.currency or 'whatever currency an order names'}"
            )
        ]

    def _touched(self, within: list[object]) -> list[int]:
        """Return the orders of which a line or a payment was changed."""
        found = {key_of(row.get("order_id")) for row in self._api.all("pos.order.line", within, ["order_id"])}
        found |= {key_of(row.get("pos_order_id")) for row in self._api.all("pos.payment", within, ["pos_order_id"])}
        return sorted(key for key in found if key)

    def _ours(self, domain: list[object]) -> list[object]:
        tills = list(self.settings.tills)
        return [*domain, ["config_id.name", "in", tills]] if tills else domain

    def _whole(self, page: Sequence[Document]) -> list[Document]:
        ids = [row["id"] for row in page]
        lines: dict[int | None, list[Document]] = {}
        for row in self._api.all("pos.order.line", [["order_id", "in", ids]], LINE) if ids else ():
            lines.setdefault(key_of(row.get("order_id")), []).append(row)
        payments: dict[int | None, list[Document]] = {}
        for row in self._api.all("pos.payment", [["pos_order_id", "in", ids]], PAYMENT) if ids else ():
            payments.setdefault(key_of(row.get("pos_order_id")), []).append(row)
        return [{**row, "lines": lines.get(row["id"], []), "payments": payments.get(row["id"], [])} for row in page]

    def _look_up(self) -> OdooReferenceData:
        settings = self.settings
        return OdooReferenceData(
            settings.currency or "",
            zone(settings.timezone),
            configs=self._by_id("pos.config", _TILL),
            taxes=self._by_id("account.tax", ("name", "amount", "price_include")),
            methods=self._by_id("pos.payment.method", ("name", "type", "is_cash_count")),
            tenders=settings.tenders,
            cash_step=settings.cash_step,
        )

    def _by_id(self, model: str, wanted: Sequence[str]) -> Mapping[int, Document]:
        return {int(row["id"]): row for row in self._api.all(model, [], wanted)}
