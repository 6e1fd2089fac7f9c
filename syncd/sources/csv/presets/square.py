"""Square's dashboard exports: item details joined with transactions on ``Transaction ID``.

The items file has the lines but no tip, tender, service charge or rounding; the transactions file has those but no lines.
With both, a sale is exact; with items alone it is held until the transactions come (or its total is theirs, by rule); with
transactions alone it is one custom line, until the items come.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar, Literal

from syncd.canonical.cash_rounding import cash_step
from syncd.canonical.money import ZERO, total
from syncd.sources.csv.amounts import DecimalMark
from syncd.sources.csv.fields import BadCell, Reading, first, same_row
from syncd.sources.csv.preset import CsvPreset
from syncd.sources.csv.rows import CsvRow
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.csv.times import LABELS, zone

ITEMS = frozenset({"transaction id", "item", "qty", "net sales", "tax"})
TRANSACTIONS = frozenset({"transaction id", "total collected", "net sales", "tax", "event type"})
WEIGHS = {
    ITEMS: frozenset({"item", "sku", "price point name", "qty", "gross sales", "discounts", "net sales", "tax"}),
    TRANSACTIONS: frozenset(
        {"total collected", "gross sales", "net sales", "tax", "tip", "service charges", "event type"}
    ),
}
_TENDERS = (
    ("Card", "card", "Card"),
    ("Cash", "cash", "Cash"),
    ("Square Gift Card", "gift_card", "Square Gift Card"),
    ("Cash App", "other", "Cash App"),
    ("Other Tender", "other", "Other"),
)


class SquareOptions(CsvSettings):
    """Items without their transactions lack tips and tenders: ``hold`` waits for them."""

    NAMES_ZONE: ClassVar[bool] = True

    decimal_mark: DecimalMark | dict[str, DecimalMark] | None = "."
    items_only: Literal["accept", "hold"] = "hold"


def key(row: CsvRow) -> str:
    """Return the group that a row belongs to; empty where the export does not say."""
    return row.get("transaction id")


def parse(rows: Sequence[CsvRow], how: Reading[SquareOptions]) -> dict[str, Any]:
    """Return the rows of one Transaction ID as the fields of a canonical order.

    Raises:
        BadCell: a cell cannot be read.

    """
    items = [row for row in rows if "qty" in row.columns]
    sums = [row for row in rows if "total collected" in row.columns]
    sums = _payments(sums)
    lines = [_line(number, row, how) for number, row in enumerate(items, start=1)]
    fields = _head(items, sums, how)
    if not sums:
        return fields | _items_only(lines, how)
    return fields | _whole(lines, sums, how)


def _payments(sums: Sequence[CsvRow]) -> list[CsvRow]:
    """Return the payments of one sale: several people may share a bill, and each payment has a row of its own.

    Raises:
        BadCell: rows of one transaction that are not its payments.

    """
    by_payment: dict[str, list[CsvRow]] = {}
    for row in sums:
        by_payment.setdefault(row.get("payment id"), []).append(row)
    if len(by_payment) < 2 or any(row.get("event type").lower() != "payment" for row in sums):
        return same_row(sums, "Transaction ID") if sums else []
    return [same_row(rows, "Payment ID")[0] for rows in by_payment.values()]


def _head(items: Sequence[CsvRow], sums: Sequence[CsvRow], how: Reading[SquareOptions]) -> dict[str, Any]:
    rows = [*sums, *items]
    label = first(rows, "Time Zone")
    here = zone(label) if label in LABELS else how.here
    if here is None:
        raise BadCell(rows[0].line, f"the zone {label!r} is not known: set timezone for this source")
    status, unknown = how.status(first(sums, "Transaction Status"))
    customer, refund = first(rows, "Customer Name"), first(rows, "Event Type").lower() == "refund"
    return {
        "sale_id": key(rows[0]),
        "placed_at": how.us_time(rows[0], "Date", "Time", here),
        "status": status,
        "hold": unknown,
        "currency": how.currency(rows[0]),
        "location": how.place(first(rows, "Location"), how.settings.location or ""),
        "register": how.place(first(rows, "Device Name"), first(rows, "Device Nickname")),
        "cashier": how.place(first(sums, "Staff Name").split(",")[0]),
        "customer": _customer(customer, first(rows, "Customer ID")),
        "note": "Refund" if refund else "",
        "extra": {name: value for name in ("Payment ID", "Details") if (value := first(rows, name))},
    }


def _customer(name: str, number: str) -> dict[str, Any] | None:
    if not name:
        return None
    given, _, family = name.rpartition(" ")
    return {"id": number or None, "first_name": given or family, "last_name": family if given else ""}


def _line(number: int, row: CsvRow, how: Reading[SquareOptions]) -> dict[str, Any]:
    net, tax = how.amount(row, "Net Sales"), how.zero(row, "Tax")
    modifiers = [name.strip() for name in row.get("modifiers applied").split(",") if name.strip()]
    variant = row.get("price point name")
    return {
        "line_id": str(number),
        "kind": _kind(row),
        "sku": row.get("sku") or None,
        "upc": row.get("gtin") or None,
        "name": row.get("item") or "Custom Amount",
        "variant": variant if variant and variant != "Regular" else None,
        "quantity": how.quantity(row, "Qty"),
        "unit": row.get("unit") or None,
        "total_ex_tax": net,
        "total_inc_tax": net + tax,
        "discount": abs(how.zero(row, "Discounts")),
        "taxes": [{"amount": tax}] if tax else [],
        "modifiers": [{"name": name} for name in modifiers],
        "note": row.get("notes"),
    }


def _kind(row: CsvRow) -> str:
    if "gift card" in row.get("itemization type").lower():
        return "gift_card"
    return "custom" if row.get("item") in ("", "Custom Amount") else "product"


def _items_only(lines: list[dict[str, Any]], how: Reading[SquareOptions]) -> dict[str, Any]:
    inc_tax = total(line["total_inc_tax"] for line in lines)
    fields = {
        "lines": lines,
        "total_inc_tax": inc_tax,
        "total_tax": inc_tax - total(line["total_ex_tax"] for line in lines),
    }
    if how.settings.items_only == "hold":
        why = "the items export names no tip or tender; drop the transactions export of the same days beside it"
        return fields | {"hold": why}
    return fields


def _whole(lines: list[dict[str, Any]], rows: Sequence[CsvRow], how: Reading[SquareOptions]) -> dict[str, Any]:
    def summed(name: str) -> Decimal:
        return total(how.zero(row, name) for row in rows)

    row = rows[0]
    collected, tax = total(how.amount(row, "Total Collected") for row in rows), summed("Tax")
    service, tip = summed("Service Charges"), summed("Tip")
    gift_cards, net = summed("Gift Card Sales"), total(how.amount(row, "Net Sales") for row in rows)
    if not lines:
        lines = [_described(row, net - service, tax)]
        lines += [_gift_card(gift_cards)] if gift_cards else []
    elif gift_cards and total(line["total_ex_tax"] for line in lines) + service == net:
        lines = [*lines, _gift_card(gift_cards)]  # this items export left the gift card out
    charged_tax = total(line["total_inc_tax"] - line["total_ex_tax"] for line in lines)
    service_tax = tax - charged_tax if service else ZERO
    fees = [_fee("service_charge", "Service charge", service, service_tax)] if service else []
    fees += [_fee("tip", "Tip", tip, ZERO)] if tip else []
    rest = collected - total(part["total_inc_tax"] for part in (*lines, *fees))
    rounded = bool(rest) and abs(rest) <= cash_step(how.currency(row)) and bool(summed("Cash"))
    return {
        "lines": lines,
        "fees": fees,
        "tenders": [tender for one in rows for tender in _tenders(one, how, how.zero(one, "Tip"))],
        "rounding": rest if rounded else ZERO,
        "total_inc_tax": collected,
        "total_tax": tax,
    }


def _described(row: CsvRow, net: Decimal, tax: Decimal) -> dict[str, Any]:
    name = row.get("description") or "Square sale"
    quantity = -1 if net < 0 else 1
    return {
        "line_id": "1",
        "kind": "custom",
        "name": name,
        "quantity": quantity,
        "total_ex_tax": net,
        "total_inc_tax": net + tax,
    }


def _gift_card(amount: Decimal) -> dict[str, Any]:
    return {
        "line_id": "gift-card",
        "kind": "gift_card",
        "name": "Gift card",
        "total_ex_tax": amount,
        "total_inc_tax": amount,
    }


def _fee(kind: str, name: str, amount: Decimal, tax: Decimal) -> dict[str, Any]:
    return {"kind": kind, "name": name, "total_ex_tax": amount, "total_inc_tax": amount + tax}


def _tenders(row: CsvRow, how: Reading[SquareOptions], tip: Decimal) -> list[dict[str, Any]]:
    """Read the tender columns: they hold amounts; brands and digits are comma-joined lists, not always of one length."""
    found = []
    for column, kind, label in _TENDERS:
        amount = how.zero(row, column)
        if amount:
            found.append({"kind": kind, "label": _label(row, column, label), "amount": amount, **_card(row, column)})
    if found and tip:
        found[0]["tip"] = tip
    return found


def _label(row: CsvRow, column: str, label: str) -> str:
    return row.get("other tender type") or label if column == "Other Tender" else label


def _card(row: CsvRow, column: str) -> dict[str, Any]:
    brands = [name.strip() for name in row.get("card brand").split(",") if name.strip()]
    digits = [text.strip() for text in row.get("pan suffix").split(",") if text.strip().isdigit()]
    if column != "Card" or len(brands) != 1 or len(digits) > 1:
        return {}
    return {"card_brand": brands[0], "card_last4": digits[0][-4:] if digits else None}


PRESET = CsvPreset(
    "square",
    (ITEMS, TRANSACTIONS),
    key,
    parse,
    "Transaction ID",
    SquareOptions,
    WEIGHS,
    ids=("transaction id", "payment id"),
    dates=("date",),
    amounts=("total collected", "net sales", "gross sales", "tax"),
)
