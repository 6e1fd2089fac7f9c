"""Shopify's ``orders_export.csv``: one row a line item, the order's own fields on the first row alone.

``Name`` groups the rows of a file, ``Id`` is the stable key. Whether prices include tax is not said but follows from the sums:
Subtotal + Shipping = Total (included) or Subtotal + Shipping + Taxes = Total (added). A tip is a line outside the Subtotal.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from syncd.canonical.money import ZERO, allocate, total
from syncd.sources.csv.amounts import DecimalMark
from syncd.sources.csv.fields import BadCell, LeftOut, Reading
from syncd.sources.csv.preset import Preset
from syncd.sources.csv.rows import Row
from syncd.sources.csv.settings import CsvSettings

COLUMNS = frozenset({"name", "financial status", "lineitem name", "lineitem quantity", "lineitem price", "total"})
_TIP = ("tip", "tips", "gratuity", "trinkgeld", "pourboire", "propina", "mancia", "fooi")
_UNPAID = ("pending", "authorized", "partially_paid", "expired")
_REFUNDED = {"refunded": "refunded", "partially_refunded": "partially_refunded"}


class Options(CsvSettings):
    """``only`` names the sources of orders to carry; ``unpaid`` orders are left open, or pushed."""

    NAMES_CURRENCY: ClassVar[bool] = True
    NAMES_ZONE: ClassVar[bool] = True

    decimal_mark: DecimalMark | None = "."
    unpaid: Literal["open", "push"] = "open"
    only: Annotated[tuple[str, ...], Field(min_length=1)] = ("pos",)


def key(row: Row) -> str:
    """The order's name: its other rows carry nothing else."""
    return row.get("name")


def parse(rows: Sequence[Row], how: Reading[Options]) -> dict[str, Any] | LeftOut:
    """The rows of one order as the fields of a canonical order; left out where its ``Source`` is none that the config names.

    Raises:
        BadCell: a cell cannot be read, or the first row is missing.

    """
    head = next((row for row in rows if row.get("total")), None)
    if head is None:
        raise BadCell(rows[0].line, "the order's first row, which holds its totals, is missing")
    if (
        (came_from := head.get("source").lower())
        and came_from not in how.settings.only
        and "any" not in how.settings.only
    ):
        return LeftOut(f"{came_from} orders (only = {list(how.settings.only)})")
    currency = how.currency(head, "Currency")
    subtotal, shipping, tax = how.zero(head, "Subtotal"), how.zero(head, "Shipping"), how.zero(head, "Taxes")
    whole = how.amount(head, "Total")
    tipped, sold = _tips_apart(rows, head, how)
    tip = total(_gross(row, how) for row in tipped)
    included = subtotal + shipping + tip == whole
    gross = [_gross(row, how) for row in sold]
    shares = allocate(tax, gross, currency)
    lines = [
        _line(n, row, (g, s, included), how)
        for n, (row, g, s) in enumerate(zip(sold, gross, shares, strict=True), start=1)
    ]
    taken = total(gross) - subtotal
    fees = [_fee("delivery", head.get("shipping method") or "Shipping", shipping)] if shipping else []
    fees += [_fee("tip", "Tip", tip)] if tip else []
    return {
        "sale_id": head.get("id") or head.get("name"),
        "number": head.get("name"),
        "placed_at": how.time(head, "Created at"),
        "status": _status(head, how),
        "currency": currency,
        "prices_include_tax": included,
        "location": how.place(head.get("location"), how.settings.location or ""),
        "register": how.place(head.get("device id")),
        "cashier": how.place(head.get("employee")),
        "customer": _customer(head),
        "billing": _address(head, "billing"),
        "shipping": _address(head, "shipping"),
        "fulfilment": "in_store" if came_from == "pos" or not head.get("shipping method") else "ship",
        "shipping_method": head.get("shipping method") or None,
        "lines": lines,
        "discounts": [_discount(head, taken)] if taken else [],
        "fees": fees,
        "tenders": _tenders(head, whole, how),
        "refunds": _refunds(head, how),
        "note": head.get("notes"),
        "total_inc_tax": whole,
        "total_tax": tax,
        "hold": _hold(head, how),
        "extra": _extra(head),
    }


def _tips_apart(rows: Sequence[Row], head: Row, how: Reading[Options]) -> tuple[list[Row], list[Row]]:
    """The rows that are tips, and those that are goods: only a line outside the Subtotal is a tip, whatever it is called."""
    tips = [row for row in rows if row.get("lineitem name").lower() in _TIP and not row.get("lineitem sku")]
    subtotal, off = how.zero(head, "Subtotal"), abs(how.zero(head, "Discount Amount"))
    if not tips or total(_gross(row, how) for row in rows) - off == subtotal:
        return [], list(rows)
    return tips, [row for row in rows if row not in tips]


def _gross(row: Row, how: Reading[Options]) -> Decimal:
    return how.amount(row, "Lineitem price") * how.quantity(row, "Lineitem quantity")


def _extra(head: Row) -> dict[str, str]:
    return {n: v for n in ("Source", "Tags", "Payment Reference", "Note Attributes") if (v := head.get(n.lower()))}


def _hold(head: Row, how: Reading[Options]) -> str:
    owed = how.zero(head, "Outstanding Balance")
    if owed > 0 and head.get("financial status").lower() not in _UNPAID:  # unpaid ones have a rule of their own
        return f"{owed} {how.currency(head, 'Currency')} are outstanding in Shopify"
    return ""


def _status(head: Row, how: Reading[Options]) -> str:
    paid = head.get("financial status").lower()
    if head.get("cancelled at") or paid == "voided":
        return "voided"
    if paid in _UNPAID:
        return "open" if how.settings.unpaid == "open" else "completed"
    return _REFUNDED.get(paid, "completed")


def _line(number: int, row: Row, sums: tuple[Decimal, Decimal, bool], how: Reading[Options]) -> dict[str, Any]:
    gross, tax, included = sums
    return {
        "line_id": str(number),
        "sku": row.get("lineitem sku").lstrip("'") or None,
        "name": row.get("lineitem name") or "Item",
        "quantity": how.quantity(row, "Lineitem quantity"),
        "total_ex_tax": gross - tax if included else gross,
        "total_inc_tax": gross if included else gross + tax,
        "list_price": how.amount(row, "Lineitem price"),
        "taxes": [{"amount": tax, "included": included}] if tax else [],
    }


def _discount(head: Row, taken: Decimal) -> dict[str, Any]:
    code = head.get("discount code")
    return {"name": code or "Discount", "code": code or None, "amount_inc_tax": taken, "amount_ex_tax": taken}


def _fee(kind: str, name: str, amount: Decimal) -> dict[str, Any]:
    return {"kind": kind, "name": name, "total_ex_tax": amount, "total_inc_tax": amount}


def _tenders(head: Row, whole: Decimal, how: Reading[Options]) -> list[dict[str, Any]]:
    if head.get("financial status").lower() in (*_UNPAID, "voided") or not whole:
        return []
    owed = how.zero(head, "Outstanding Balance")
    label = head.get("payment method") or "Payment"
    return [{"kind": "cash" if label.lower() == "cash" else "other", "label": label, "amount": whole - max(owed, ZERO)}]


def _refunds(head: Row, how: Reading[Options]) -> list[dict[str, Any]]:
    """The export tells how much came back in all, not which lines."""
    amount = how.zero(head, "Refunded Amount")
    return [{"id": "refunded", "amount_inc_tax": amount}] if amount else []


def _customer(head: Row) -> dict[str, Any] | None:
    email = head.get("email")
    return {"email": email, "phone": _unquoted(head.get("phone"))} if email else None


def _address(head: Row, kind: str) -> dict[str, Any] | None:
    def cell(name: str) -> str:
        return _unquoted(head.get(f"{kind} {name}"))

    if not cell("name") and not cell("address1"):
        return None
    given, _, family = cell("name").rpartition(" ")
    return {
        "first_name": given or family,
        "last_name": family if given else "",
        "company": cell("company"),
        "street_1": cell("address1"),
        "street_2": cell("address2"),
        "city": cell("city"),
        "state": cell("province name") or cell("province"),
        "zip": cell("zip"),
        "country": cell("country"),
        "phone": cell("phone"),
        "email": head.get("email"),
    }


def _unquoted(cell: str) -> str:
    """Shopify puts an apostrophe before a ZIP or phone, so that spreadsheets keep its zeros."""
    return cell.lstrip("'")


PRESET = Preset("shopify", (COLUMNS,), key, parse, "Name", Options, id_column="id")
