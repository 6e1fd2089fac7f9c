"""A syncd source for Bakery POS, a cloud till that we made up: one list of sales, by the time of their last change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from syncd.canonical import Batch, CanonicalOrder, Cursor
from syncd.errors import SourceError
from syncd.secret import Secret
from syncd.sources import Finding, SourceContext
from syncd.sources.http import ApiProfile, StaticAuth
from syncd.sources.records import Document, ParsedSale, ParseResult, listed, moment, needed, number, parse_documents

_OVERLAP = timedelta(minutes=5)  # the list may show a sale a little later than it was made


class BakerySettings(BaseModel):
    """What ``[sources.<name>]`` may say beside what every source's table does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: Secret
    api_url: str = "https://api.bakery.example"
    timezone: str = "Europe/Berlin"
    page: Annotated[int, Field(ge=1, le=200)] = 100


class BakerySource:
    """One shop's sales."""

    Settings: ClassVar[type[BaseModel]] = BakerySettings

    def __init__(self, settings: BakerySettings, context: SourceContext) -> None:
        self._settings, self._context = settings, context
        auth = StaticAuth({"Authorization": f"Bearer {settings.token.get_secret_value()}"})
        self._http = context.http(settings.api_url, auth, ApiProfile("Bakery POS", per_second=5, burst=10))

    def fetch(self, since: Cursor | None) -> Iterator[Batch]:
        """Every sale that was changed since the cursor, less an overlap: the fingerprint makes repeats free."""
        reached = _read(since, self._http.now() + timedelta(days=1))
        begin = reached - _OVERLAP if reached else self._context.start_from()
        for page in self._pages(begin):
            yield self._batch(page, _cursor(page))
            if self._context.stop.is_set():
                return

    def fetch_range(self, start: datetime, end: datetime, since: Cursor | None = None) -> Iterator[Batch]:
        """Yield the sales of a range; whatever was changed later than it was placed stands later in the list."""
        for page in self._pages(_read(since, None) or start):
            batch = self._batch(page, _cursor(page))
            orders = tuple(order for order in batch.orders if start <= order.placed_at < end)
            yield Batch(orders, batch.faults, batch.cursor)

    def check(self) -> Sequence[Finding]:
        """Whether the token opens the shop."""
        try:
            shop = self._http.get("/shop")
        except SourceError as error:
            return [Finding("error", error.what, error.cure)]
        return [Finding("ok", f"Bakery POS answers: {shop.get('name')}")]

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _pages(self, begin: datetime) -> Iterator[list[Document]]:
        """Page after page, each from the last sale's own time on: rows that move while we read are never skipped.

        A page must hold more sales than can be changed in one and the same moment.
        """
        seen: set[str] = set()
        while True:
            said = self._http.get("/sales", {"changed_since": begin.isoformat(), "limit": self._settings.page})
            rows = listed(said, "sales")
            fresh = [row for row in rows if str(row.get("id")) not in seen]
            if not fresh:
                return
            yield fresh
            begin = needed(moment(rows[-1].get("changed")), "time of change")
            seen = {str(row.get("id")) for row in rows if moment(row.get("changed")) == begin}

    def _batch(self, page: Sequence[Document], cursor: Cursor) -> Batch:
        return parse_documents(page, lambda sale: read_sale(sale, self._context.name, self._settings.timezone), cursor)


def read_sale(sale: Document, source: str, timezone: str) -> ParseResult:
    """Read a sale as a canonical order. Pure, so that it can be tested with documents alone.

    Raises:
        Unreadable, pydantic.ValidationError: the sale is not what Bakery POS's reference says; it becomes a fault.

    """
    lines: list[dict[str, Any]] = [
        {
            "line_id": str(place),
            "sku": item.get("sku") or None,
            "name": item.get("name") or "Item",
            "quantity": number(item, "quantity"),
            "total_ex_tax": number(item, "net"),
            "total_inc_tax": number(item, "net") + number(item, "vat"),
        }
        for place, item in enumerate(listed(sale, "items"), start=1)
    ]
    fields: dict[str, Any] = {
        "source": source,
        "sale_id": sale.get("id"),
        "status": "voided" if sale.get("cancelled") else "completed",
        "placed_at": needed(moment(sale.get("sold")), "time of sale").astimezone(ZoneInfo(timezone)),
        "updated_at": moment(sale.get("changed")),
        "currency": "EUR",
        "lines": lines,
        "tenders": [{"kind": "cash", "label": "Cash", "amount": number(sale, "total")}],
        "note": sale.get("note") or "",
        "total_inc_tax": number(sale, "total"),
        "total_tax": number(sale, "vat"),
    }
    return ParsedSale(CanonicalOrder.model_validate(fields))


def _read(cursor: Cursor | None, latest: datetime | None) -> datetime | None:
    """How far a walk came; None for a cursor that cannot be read or lies in the future: better too much than too little."""
    try:
        said = json.loads(cursor or "{}")
    except ValueError:
        return None
    at = moment(said.get("at")) if isinstance(said, Mapping) else None
    return at if at is None or latest is None or at <= latest else None


def _cursor(page: Sequence[Document]) -> Cursor:
    """Return the time of the last change that the page tells of: a walk that begins there sees everything that comes after."""
    return json.dumps({"at": str(page[-1].get("changed"))})
