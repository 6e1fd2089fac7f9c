"""The Odoo source: POS orders by their time of change, span after span, by id within a span.

A change of a line or a payment need not change its order's ``write_date``: short spans ask for those too, and the orders of the
last days are read again every hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from pydantic import BaseModel

from syncd.canonical import Batch, Cursor
from syncd.errors import SourceError
from syncd.sources.base import Finding
from syncd.sources.context import SourceContext
from syncd.sources.dedup import RecentRecords
from syncd.sources.odoo.api import OdooApi, stamp
from syncd.sources.odoo.fields import LINE, ORDER, PAYMENT
from syncd.sources.odoo.reading import MONEY_PRODUCTS, OdooReferenceData, key_of, read_order
from syncd.sources.odoo.settings import OdooSettings
from syncd.sources.odoo.setup import SETUP
from syncd.sources.records import Document, parse_documents
from syncd.sources.setup import Setup
from syncd.sources.time_cursor import TimeCursor, spans
from syncd.sources.zones import zone

_FOUNDED = datetime(2005, 1, 1, tzinfo=UTC)
_KEPT_S = 900.0
_CURSOR_MOVES = timedelta(minutes=1)
_SHORT = timedelta(days=1)


class OdooSource:
    """The tills of one Odoo database."""

    Settings: ClassVar[type[BaseModel]] = OdooSettings
    SETUP: ClassVar[Setup] = SETUP

    def __init__(self, settings: OdooSettings, context: SourceContext) -> None:
        self._settings, self._context = settings, context
        self._api = OdooApi(settings, context)
        self._around = OdooReferenceData()
        self._around_at: float | None = None
        self._told = RecentRecords[Document](lambda one: str(one["id"]), repr)

    def fetch(self, since: Cursor | None) -> Iterator[Batch]:
        """Every order that was changed since the cursor, less an overlap; every hour those of the last days again."""
        self._shop()  # its answer tells Odoo's own clock
        until = self._api.http.now()
        marks = TimeCursor.read(since, until + timedelta(days=1))
        begin = max(marks.reached - self._settings.overlap if marks.reached else self._context.start_from(), _FOUNDED)
        yield from self._walk("write_date", (begin, until + timedelta(seconds=1)), marks)
        if until - marks.swept_at >= self._settings.look_back_every or marks.swept_at > until:
            look_from = max(until - self._settings.look_back, self._context.start_from())
            for page in self._orders("date_order", (look_from, until + timedelta(days=1))):
                if batch := self._fresh(page, None):
                    yield batch
                    self._told.note(page)
                if self._context.stop.is_set():
                    return
            yield Batch((), (), TimeCursor(max(filter(None, (marks.reached, until))), until).text())

    def fetch_range(self, start: datetime, end: datetime, since: Cursor | None = None) -> Iterator[Batch]:
        """Yield the orders of a range, by their own time."""
        self._shop()
        reached = TimeCursor.read(since).reached
        for batch in self._walk("date_order", (max(start, reached or start), end), TimeCursor(None), all_of_it=True):
            yield batch.placed_within(start, end)

    def check(self) -> Sequence[Finding]:
        """Whether the key opens the database, and which tills it sees there."""
        try:
            self._shop()
            tills = ", ".join(str(row.get("name")) for row in self._around.configs.values()) or "none"
            self._api.all("pos.order", [["id", "=", 0]], ORDER)
        except SourceError as error:
            return [Finding("error", error.what, error.cure)]
        where = f"sales in {self._around.currency or 'whatever currency an order names'}"
        return [Finding("ok", f"Odoo answers; tills {tills}; {where}")]

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _walk(
        self, field: str, span: tuple[datetime, datetime], marks: TimeCursor, *, all_of_it: bool = False
    ) -> Iterator[Batch]:
        """Span after span, oldest first. Until the end of a span the cursor stays at its beginning."""
        reached = written = marks.reached
        for begin, end in spans(*span, timedelta(days=1), timedelta(days=128)):
            found = 0
            cursor = TimeCursor(max(begin, reached) if reached else begin, marks.swept_at).text()
            for page in self._orders(field, (begin, end)):
                if batch := self._batch(page, cursor) if all_of_it else self._fresh(page, cursor):
                    found += 1
                    yield batch
                    self._told.note(page)
                if self._context.stop.is_set():
                    return
            upto = min(end, self._api.http.now())
            if found or ((written is None or upto - written >= _CURSOR_MOVES) and end >= span[1]):
                yield Batch((), (), TimeCursor(max(upto, reached) if reached else upto, marks.swept_at).text())
                written = upto

    def _orders(self, field: str, span: tuple[datetime, datetime]) -> Iterator[list[Document]]:
        """Yield the orders of a span with their lines and payments."""
        begin, end = span
        within: list[object] = [[field, ">=", stamp(begin)], [field, "<", stamp(end + timedelta(seconds=1))]]
        seen: set[int] = set()
        for page in self._api.pages("pos.order", self._ours(within), ORDER, self._settings.page):
            seen.update(row["id"] for row in page)
            yield self._whole(page)
        if field == "write_date" and end - begin <= _SHORT:
            touched = [key for key in self._touched(within) if key not in seen]
            for start in range(0, len(touched), self._settings.page):
                ids = touched[start : start + self._settings.page]
                yield self._whole(self._api.all("pos.order", self._ours([["id", "in", ids]]), ORDER))

    def _touched(self, within: list[object]) -> list[int]:
        """Return the orders of which a line or a payment was changed."""
        found = {key_of(row.get("order_id")) for row in self._api.all("pos.order.line", within, ["order_id"])}
        found |= {key_of(row.get("pos_order_id")) for row in self._api.all("pos.payment", within, ["pos_order_id"])}
        return sorted(key for key in found if key)

    def _ours(self, domain: list[object]) -> list[object]:
        return [*domain, ["config_id.name", "in", list(self._settings.tills)]] if self._settings.tills else domain

    def _whole(self, page: Sequence[Document]) -> list[Document]:
        ids = [row["id"] for row in page]
        lines: dict[int | None, list[Document]] = {}
        for row in self._api.all("pos.order.line", [["order_id", "in", ids]], LINE) if ids else ():
            lines.setdefault(key_of(row.get("order_id")), []).append(row)
        payments: dict[int | None, list[Document]] = {}
        for row in self._api.all("pos.payment", [["pos_order_id", "in", ids]], PAYMENT) if ids else ():
            payments.setdefault(key_of(row.get("pos_order_id")), []).append(row)
        return [{**row, "lines": lines.get(row["id"], []), "payments": payments.get(row["id"], [])} for row in page]

    def _fresh(self, page: Sequence[Document], cursor: Cursor | None) -> Batch | None:
        fresh = self._told.fresh(page)
        return self._batch(fresh, cursor) if fresh else None

    def _batch(self, page: Sequence[Document], cursor: Cursor | None) -> Batch:
        around = self._known(page)
        return parse_documents(page, lambda order: read_order(order, around, self._context.name), cursor)

    def _shop(self) -> None:
        """Tills, taxes and ways of paying, asked for again every quarter of an hour."""
        now = self._context.clock.elapsed().seconds
        if self._around_at is not None and now - self._around_at <= _KEPT_S:
            return
        api, settings = self._api, self._settings
        configs = api.all(
            "pos.config", [], ["name", "tip_product_id", "discount_product_id", "currency_id", *MONEY_PRODUCTS]
        )
        self._around = OdooReferenceData(
            settings.currency or "",
            zone(settings.timezone),
            {},
            {int(row["id"]): row for row in api.all("account.tax", [], ["name", "amount", "price_include"])},
            {int(row["id"]): row for row in api.all("pos.payment.method", [], ["name", "type", "is_cash_count"])},
            {int(row["id"]): row for row in configs},
            tenders=settings.tenders,
            cash_step=settings.cash_step,
        )
        self._around_at = now

    def _known(self, page: Sequence[Document]) -> OdooReferenceData:
        """Return what is known, with the products, customers and original sales that these orders name."""
        self._shop()
        lines = [line for order in page for line in order["lines"]]
        products = self._more(self._around.products, "product.product", (line.get("product_id") for line in lines))
        partners = self._around.partners
        if self._settings.customers:
            partners = self._more(partners, "res.partner", (order.get("partner_id") for order in page))
        back = {key for line in lines if (key := key_of(line.get("refunded_orderline_id")))}
        sold = self._api.by_id("pos.order.line", sorted(back), ["order_id"]) if back else {}
        originals = {key: order for key, row in sold.items() if (order := key_of(row.get("order_id")))}
        self._around = replace(self._around, products=products, partners=partners)
        return replace(self._around, originals=originals)

    def _more(self, known: Mapping[int, Document], model: str, relations: Iterator[object]) -> Mapping[int, Document]:
        wanted = {key for one in relations if (key := key_of(one))} - known.keys()
        return {**known, **self._api.by_id(model, sorted(wanted), _WANTED[model])} if wanted else known


_WANTED: Mapping[str, Sequence[str]] = {
    "product.product": ("default_code", "barcode"),
    "res.partner": ("name", "email", "phone", "mobile", "street", "street2", "city", "zip", "state_id", "country_id"),
}
