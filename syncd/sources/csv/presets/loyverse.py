"""Loyverse's exports: receipts by item, joined with receipts where both lie in the folder.

Receipt numbers (``2-1678``: POS 2) are unique in an account's store. Times are local and the date's order follows the account, so
both ``timezone`` and ``date_order`` come from the config.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from syncd.canonical.money import total
from syncd.sources.csv.fields import Reading, agree, first, same_row
from syncd.sources.csv.languages import LOYVERSE
from syncd.sources.csv.preset import CsvPreset
from syncd.sources.csv.rows import CsvRow
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.csv.states import is_refund
from syncd.sources.tenders import kind_of

ITEMS = frozenset({"receipt number", "receipt type", "item", "quantity", "net sales"})
ITEMS_RENAMED = frozenset({"receipt number", "receipt type", "item name", "quantity", "net sales"})
RECEIPTS = frozenset({"receipt number", "receipt type", "total collected", "net sales"})
_ALONE = "receipts by item name no tip and no payment; drop the receipts export of the same days beside it"
_LINE = frozenset(
    {"item", "item name", "sku", "variant", "quantity", "gross sales", "discounts", "net sales", "taxes", "date"}
)
WEIGHS = {
    ITEMS: _LINE,
    ITEMS_RENAMED: _LINE,
    RECEIPTS: frozenset(
        {"total collected", "net sales", "taxes", "tips", "gross sales", "discounts", "status", "date"}
    ),
}


class LoyverseOptions(CsvSettings):
    """Receipts by item without the receipts lack tips and payments: ``hold`` waits for them, and tell not where the tax is."""

    prices_include_tax: bool | None = None
    items_only: Literal["accept", "hold"] = "hold"


def key(row: CsvRow) -> str:
    """Store and receipt number."""
    number = row.get("receipt number")
    return f"{number}@{row.get('store') or row.get('pos')}" if number else ""


def parse(rows: Sequence[CsvRow], how: Reading[LoyverseOptions]) -> dict[str, Any]:
    """Return the rows of one receipt as the fields of a canonical order.

    Raises:
        BadCell: a cell cannot be read.

    """
    items = [row for row in rows if "quantity" in row.columns]
    sums = same_row([row for row in rows if "total collected" in row.columns], "receipt number")
    agree(items, "Date", "POS", "Receipt type", "Cashier name")
    head = (sums or items)[0]
    returned = is_refund(head.get("receipt type"))
    included = _included(sums, how)
    sides = (returned is True, bool(included))
    lines = [_line(number, row, how, sides) for number, row in enumerate(items, start=1)]
    if not lines:
        lines = [_described(head, how)]
    inc_tax = total(line["total_inc_tax"] for line in lines)
    tip = how.zero(head, "Tips")
    status, unknown = how.status(head.get("status"))
    return {
        "sale_id": key(head),
        "number": head.get("receipt number"),
        "placed_at": how.time(head, "Date"),
        "status": status,
        "currency": how.currency(head),
        "prices_include_tax": bool(included),
        "location": how.place(head.get("store"), how.settings.location or ""),
        "register": how.place(head.get("pos")),
        "cashier": how.place(head.get("cashier name")),
        "customer": _customer(first(rows, "Customer name"), first(rows, "Customer contacts")),
        "lines": lines,
        "fees": [{"kind": "tip", "name": "Tip", "total_ex_tax": tip, "total_inc_tax": tip}] if tip else [],
        "tenders": _tenders(sums, how),
        "hold": unknown or _unknown_kind(head, returned) or _alone(sums, lines, how),
        "total_inc_tax": how.amount(sums[0], "Total collected") if sums else inc_tax + tip,
        "total_tax": how.zero(sums[0], "Taxes") if sums else inc_tax - total(line["total_ex_tax"] for line in lines),
    }


def _unknown_kind(row: CsvRow, returned: bool | None) -> str:
    kind = row.get("receipt type")[:40]
    return f"its receipt type, {kind!r}, is neither a sale nor a refund that syncd knows" if returned is None else ""


def _included(sums: Sequence[CsvRow], how: Reading[LoyverseOptions]) -> bool | None:
    """Whether prices hold the tax: as the receipt's own sums say, else as the config does; None where neither tells.

    Source: https://help.loyverse.com/help/sales-summary-report-back-office: gross sales hold a tax that is included in the price.
    """
    if not sums or not how.zero(sums[0], "Taxes"):
        return how.settings.prices_include_tax
    rest = how.amount(sums[0], "Total collected") - how.zero(sums[0], "Tips") - how.amount(sums[0], "Net sales")
    tax = how.zero(sums[0], "Taxes")
    return True if not rest else False if abs(rest) == abs(tax) else how.settings.prices_include_tax


def _alone(sums: Sequence[CsvRow], lines: Sequence[dict[str, Any]], how: Reading[LoyverseOptions]) -> str:
    """Why a sale that stands in the receipts by item alone is held; empty where it is not."""
    if sums:
        return ""
    if how.settings.prices_include_tax is None and any(line["taxes"] for line in lines):
        return "receipts by item do not tell whether prices hold the tax: set prices_include_tax for this source"
    return "" if how.settings.items_only == "accept" else _ALONE


def _line(number: int, row: CsvRow, how: Reading[LoyverseOptions], sides: tuple[bool, bool]) -> dict[str, Any]:
    returned, included = sides
    net, tax = how.amount(row, "Net sales"), how.zero(row, "Taxes")
    quantity = how.quantity(row, "Quantity")
    sign = -1 if returned and net > 0 else 1
    return {
        "line_id": str(number),
        "sku": row.get("sku") or None,
        "name": row.get("item") or row.get("item name") or "Item",
        "variant": row.get("variant") or None,
        "quantity": -abs(quantity) if returned else quantity,
        "total_ex_tax": sign * (net - tax if included else net),
        "total_inc_tax": sign * (net if included else net + tax),
        "discount": abs(how.zero(row, "Discounts")),
        "taxes": [{"amount": sign * tax, "included": included}] if tax else [],
        "modifiers": [{"name": name.strip()} for name in row.get("modifiers applied").split(",") if name.strip()],
        "note": row.get("comment"),
    }


def _described(row: CsvRow, how: Reading[LoyverseOptions]) -> dict[str, Any]:
    """Return a receipt of which only the totals are known: one custom line."""
    inc_tax = how.amount(row, "Total collected") - how.zero(row, "Tips")
    name = row.get("description") or f"Receipt {row.get('receipt number')}"
    sums = {"total_ex_tax": inc_tax - how.zero(row, "Taxes"), "total_inc_tax": inc_tax}
    return {"line_id": "1", "kind": "custom", "name": name, "quantity": -1 if inc_tax < 0 else 1, **sums}


def _tenders(sums: Sequence[CsvRow], how: Reading[LoyverseOptions]) -> list[dict[str, Any]]:
    if not sums or not sums[0].get("payment type"):
        return []
    label = sums[0].get("payment type")
    return [{"kind": kind_of(label, {}), "label": label, "amount": how.amount(sums[0], "Total collected")}]


def _customer(name: str, contacts: str) -> dict[str, Any] | None:
    email = next((part.strip() for part in contacts.replace(";", ",").split(",") if "@" in part), "")
    if not name and not email:
        return None
    given, _, family = name.rpartition(" ")
    return {"first_name": given or family, "last_name": family if given else "", "email": email}


PRESET = CsvPreset(
    "loyverse",
    (ITEMS, ITEMS_RENAMED, RECEIPTS),
    key,
    parse,
    "Receipt number",
    LoyverseOptions,
    WEIGHS,
    ids=("receipt number",),
    aliases=LOYVERSE,
    numbered=True,
    dates=("date",),
    amounts=("net sales", "gross sales", "total collected", "taxes"),
)
