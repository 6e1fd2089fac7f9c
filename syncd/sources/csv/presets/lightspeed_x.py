"""Lightspeed Retail X-Series (Vend) sales ledger: ``Sale``, ``Sale Line`` and ``Payment`` rows under one Sale UUID.

Prices are ex tax and per unit, at up to five places; Total = (Price + Tax) x Quantity. Source: the vendor's own export tool,
https://github.com/vend/vend-cli, commands/exportSales.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from syncd.canonical.money import total
from syncd.sources.csv.amounts import DecimalMark
from syncd.sources.csv.fields import BadCell, Reading
from syncd.sources.csv.preset import CsvPreset
from syncd.sources.csv.rows import CsvRow
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.values import people

COLUMNS = frozenset({"invoice number", "line type", "sale date", "total", "paid", "details"})
_OPEN = ("open", "saved", "parked", "layby", "lay-by", "awaiting")
_ON_ACCOUNT = ("onaccount", "on account")
_KINDS = {
    "cash": "cash",
    "credit card": "card",
    "gift card": "gift_card",
    "store credit": "store_credit",
    "on account": "on_account",
}


class LightspeedXOptions(CsvSettings):
    """Sales on account are sales, for the goods are gone; ``open`` waits until they are paid."""

    decimal_mark: DecimalMark | dict[str, DecimalMark] | None = "."
    on_account: Literal["sale", "open"] = "sale"


def key(row: CsvRow) -> str:
    """Return the sale's UUID; older exports have none: its invoice number and day."""
    return row.get("sale uuid") or (
        f"{row.get('invoice number')}@{row.get('sale date')}" if row.get("invoice number") else ""
    )


def parse(rows: Sequence[CsvRow], how: Reading[LightspeedXOptions]) -> dict[str, Any]:
    """Return the rows of one sale as the fields of a canonical order.

    Raises:
        BadCell: a cell cannot be read, or the sale has no Sale row.

    """
    heads = [row for row in rows if row.get("line type").lower() == "sale"]
    if len(heads) != 1:
        raise BadCell(rows[0].line, f"the sale has {len(heads)} rows of Line Type Sale; it must have one")
    head = heads[0]
    unknown = [row for row in rows if row.get("line type").lower() not in ("sale", "sale line", "payment")]
    if unknown:
        raise BadCell(unknown[0].line, f"Line Type {unknown[0].get('line type')!r} is not known")
    status, hold = _status(head.get("status"), how)
    tenders = [_tender(row, how) for row in _of(rows, "payment")]
    on_account = status == "open" and how.settings.on_account == "sale" and _is_on_account(head)
    owed = how.amount(head, "Total") - total(tender["amount"] for tender in tenders)
    return {
        "sale_id": key(head),
        "number": head.get("invoice number") or None,
        "placed_at": how.split_time(head, "Sale Date", "Sale Time"),
        "status": status,
        **({"open_kind": "on_account", "balance_due": owed} if on_account else {}),
        "hold": hold,
        "currency": how.currency(head),
        "location": how.place(how.settings.location or ""),
        "register": how.place(head.get("register")),
        "cashier": how.place(head.get("user")),
        **_customer(head),
        "lines": [_line(n, row, how) for n, row in enumerate(_of(rows, "sale line"), start=1)],
        "tenders": tenders,
        "note": head.get("sale note").strip('"'),
        "total_inc_tax": how.amount(head, "Total"),
        "total_tax": how.zero(head, "Tax"),
    }


def _of(rows: Sequence[CsvRow], kind: str) -> list[CsvRow]:
    return [row for row in rows if row.get("line type").lower() == kind]


def _status(text: str, how: Reading[LightspeedXOptions]) -> tuple[str, str]:
    """Goods on account or laid by are not paid; of the former, the store's rule decides. With why the sale is held, if it is."""
    status = text.lower().replace("_", " ")
    if "void" in status or "cancel" in status or "delete" in status:
        return "voided", ""
    if "closed" in status or not status:
        return "completed", ""
    return ("open", "") if any(word in status for word in (*_ON_ACCOUNT, *_OPEN)) else how.status(text)


def _is_on_account(head: CsvRow) -> bool:
    status = head.get("status").lower().replace("_", " ")
    return any(word in status for word in _ON_ACCOUNT)


def _line(number: int, row: CsvRow, how: Reading[LightspeedXOptions]) -> dict[str, Any]:
    quantity, price = how.quantity(row, "Quantity", None), how.amount(row, "Price")
    per_unit_tax, off = how.zero(row, "Tax"), how.zero(row, "Discount")
    return {
        "line_id": str(number),
        "sku": row.get("product sku") or None,
        "name": row.get("details") or "Item",
        "quantity": quantity,
        "total_ex_tax": price * quantity,
        "total_inc_tax": how.amount(row, "Total"),
        "list_price": price + off,
        "discount": abs(off * quantity),
        "taxes": [{"amount": per_unit_tax * quantity}] if per_unit_tax else [],
    }


def _tender(row: CsvRow, how: Reading[LightspeedXOptions]) -> dict[str, Any]:
    label = row.get("details") or "Payment"
    return {"kind": _KINDS.get(label.lower(), "other"), "label": label, "amount": how.amount(row, "Paid")}


_HOME = {
    "street_1": "customer address1",
    "street_2": "customer address2",
    "city": "customer city",
    "state": "customer state",
    "zip": "customer postcode",
    "country": "customer countryid",
}


def _customer(row: CsvRow) -> dict[str, Any]:
    name, email = row.get("customer name"), row.get("customer email")
    if not name and not email:
        return {}
    given, _, family = name.rpartition(" ")
    names = {"first_name": given or family, "last_name": family if given else ""}
    home = {ours: row.get(theirs) for ours, theirs in _HOME.items()}
    return people(row.get("customer code"), {**names, "email": email, **home})


PRESET = CsvPreset(
    "lightspeed_x",
    (COLUMNS,),
    key,
    parse,
    "Sale UUID or Invoice Number",
    LightspeedXOptions,
    ids=("sale uuid", "invoice number"),
    dates=("date",),
    amounts=("total", "subtotal", "paid", "sales tax"),
)
