"""Zettle's report of receipts: one row a receipt, with its totals, its tax by rate and its articles in one cell.

The articles have no prices of their own there, so a receipt is one custom line. Totals hold their tax. The languages of its
columns: ``languages.ZETTLE``.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from syncd.canonical.kinds import TenderKind
from syncd.canonical.money import total
from syncd.sources.csv.fields import Reading, same_row
from syncd.sources.csv.languages import ZETTLE, ZETTLE_TAX
from syncd.sources.csv.preset import CsvPreset
from syncd.sources.csv.rows import CsvRow
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.csv.states import is_refund
from syncd.sources.tenders import kind_of

COLUMNS = frozenset({"date", "receipt number", "total", "payment method", "event type", "description"})
_LONGEST_NAME = 200
_CARDS = ("contactless", "chip", "swipe", "magstripe", "keyed")


class ZettleOptions(CsvSettings):
    """Nothing of its own: totals hold their tax."""


def key(row: CsvRow) -> str:
    """Return the receipt's number."""
    return row.get("receipt number")


def parse(rows: Sequence[CsvRow], how: Reading[ZettleOptions]) -> dict[str, Any]:
    """Return the row of one receipt as the fields of a canonical order.

    Raises:
        BadCell: a cell cannot be read, or two receipts carry one number.

    """
    row = same_row(rows, "receipt number")[0]
    collected, tip = how.amount(row, "Total"), how.zero(row, "Tip")
    kind = row.get("event type")
    came_back = collected < 0 or is_refund(kind) is True
    sign = -1 if came_back and collected > 0 else 1
    tax = sign * total(how.zero(row, name) for name in row.columns if name.startswith(ZETTLE_TAX))
    goods = sign * (collected - tip)
    unknown = is_refund(kind) is None and kind
    return {
        "sale_id": key(row),
        "number": key(row),
        "placed_at": how.split_time(row, "date", "time") if row.get("time") else how.time(row, "date"),
        "hold": f"its event type, {kind[:40]!r}, is neither a sale nor a refund that syncd knows" if unknown else "",
        "currency": how.currency(row),
        "prices_include_tax": True,
        "location": how.place(how.settings.location or ""),
        "register": how.place(row.get("sold via")),
        "cashier": how.place(row.get("staff")),
        "lines": [_line(row, goods, tax)],
        "fees": [{"kind": "tip", "name": "Tip", "total_ex_tax": sign * tip, "total_inc_tax": sign * tip}]
        if tip
        else [],
        "tenders": [_tender(row, sign * collected)],
        "total_inc_tax": sign * collected,
        "total_tax": tax,
    }


def _line(row: CsvRow, goods: Decimal, tax: Decimal) -> dict[str, Any]:
    return {
        "line_id": "1",
        "kind": "custom",
        "name": row.get("description")[:_LONGEST_NAME] or f"Receipt {key(row)}",
        "quantity": -1 if goods < 0 else 1,
        "total_ex_tax": goods - tax,
        "total_inc_tax": goods,
        "taxes": [{"amount": tax, "included": True}] if tax else [],
    }


def _tender(row: CsvRow, amount: Decimal) -> dict[str, Any]:
    label = row.get("payment method")
    brand, digits = row.get("card issuer"), row.get("last digits")
    is_card = bool(brand) or label.lower() in _CARDS
    card = {"card_brand": brand or None, "card_last4": digits[-4:] if digits.isdigit() else None} if is_card else {}
    return {
        "kind": TenderKind.CARD if is_card else kind_of(label, {}),
        "label": label or "Other",
        "amount": amount,
        **card,
    }


PRESET = CsvPreset(
    "zettle",
    (COLUMNS,),
    key,
    parse,
    "Receipt number",
    ZettleOptions,
    aliases=ZETTLE,
    ids=("receipt number",),
    dates=("date",),
    amounts=("total",),
)
