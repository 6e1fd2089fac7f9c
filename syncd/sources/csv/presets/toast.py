"""Toast's nightly ItemSelectionDetails: one row a selection, voided ones among them; each check is a sale.

Checks of one order are paid apart, so a sale is known by its check. The file names neither tips nor payments. Ids have 19
digits: they are text, and never numbers. Source: Toast's data export as public importers read it; a test file after a real one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syncd.canonical.money import total
from syncd.sources.csv.amounts import DecimalMark
from syncd.sources.csv.dates import DateOrder
from syncd.sources.csv.fields import BadCell, Reading, agree, first
from syncd.sources.csv.preset import CsvPreset
from syncd.sources.csv.rows import CsvRow
from syncd.sources.csv.settings import CsvSettings

SELECTIONS = frozenset({"check id", "order id", "item selection id", "menu item", "net price", "qty", "tax", "void?"})


class ToastOptions(CsvSettings):
    """Times are the restaurant's own, month first."""

    decimal_mark: DecimalMark | dict[str, DecimalMark] | None = "."
    date_order: DateOrder | None = "mdy"


def key(row: CsvRow) -> str:
    """Return the check."""
    return row.get("check id")


def parse(rows: Sequence[CsvRow], how: Reading[ToastOptions]) -> dict[str, Any]:
    """Return the rows of one check as the fields of a canonical order.

    Raises:
        BadCell: a cell cannot be read.

    """
    agree(rows, "Order Id", "Location", "Order Date")
    head = rows[0]
    rows = _once(rows)
    kept = [row for row in rows if not _is_true(row, "void?")]
    lines = [_line(row, how) for row in kept or rows]
    tab = first(rows, "Tab Name")
    return {
        "sale_id": key(head),
        "number": head.get("order #") or None,
        "placed_at": how.time(head, "Order Date"),
        "status": "completed" if kept else "voided",
        "currency": how.currency(head),
        "prices_include_tax": any(_is_included(row) for row in kept),
        "location": how.place(head.get("location"), how.settings.location or ""),
        "cashier": how.place(first(rows, "Server")),
        "lines": lines,
        "note": f"Tab {tab}" if tab else "",
        "total_inc_tax": total(line["total_inc_tax"] for line in lines),
        "total_tax": total(line["total_inc_tax"] - line["total_ex_tax"] for line in lines),
        "extra": {"order_id": head.get("order id"), **({"table": head.get("table")} if head.get("table") else {})},
    }


def _once(rows: Sequence[CsvRow]) -> Sequence[CsvRow]:
    """Each selection once: files of several days that were pasted together have some of them again.

    Raises:
        BadCell: one selection is there in two versions.

    """
    known: dict[str, CsvRow] = {}
    kept = []
    for row in rows:
        before = known.setdefault(row.get("item selection id"), row)
        if before is row or not row.get("item selection id"):
            kept.append(row)
        elif list(before.cells) != list(row.cells):
            raise BadCell(row.line, f"selection {row.get('item selection id')} is there twice, in two versions")
    return kept


def _line(row: CsvRow, how: Reading[ToastOptions]) -> dict[str, Any]:
    net, tax = how.amount(row, "Net Price"), how.zero(row, "Tax")
    included = _is_included(row)
    return {
        "line_id": row.get("item selection id") or str(row.line),
        "kind": "gift_card" if _is_true(row, "deferred") else "product",
        "sku": row.get("sku") or row.get("plu") or None,
        "name": row.get("menu item") or "Item",
        "quantity": how.quantity(row, "Qty"),
        "total_ex_tax": net - tax if included else net,
        "total_inc_tax": net if included else net + tax,
        "discount": abs(how.zero(row, "Discount")),
        "taxes": [{"amount": tax, "included": included}] if tax else [],
    }


def _is_true(row: CsvRow, name: str) -> bool:
    return row.get(name).lower() == "true"


def _is_included(row: CsvRow) -> bool:
    return row.get("tax inclusion option").lower() == "tax included"


PRESET = CsvPreset(
    "toast",
    (SELECTIONS,),
    key,
    parse,
    "Check Id",
    ToastOptions,
    ids=("check id", "order id", "item selection id"),
    dates=("order date",),
    amounts=("net price", "tax", "discount"),
)
