"""A sale of Bakery POS as a canonical order. Pure, so that it can be tested with documents alone."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from syncd.canonical import CanonicalOrder
from syncd.sources.records import Document, ParsedSale, ParseResult, listed, moment, needed, number


def read_sale(sale: Document, source: str, timezone: str) -> ParseResult:
    """Read a sale as a canonical order.

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
