"""Shopify's ``orders_export.csv``: one row a line item, the order's own fields on the first row alone.

``Name`` groups the rows of a file, ``Id`` is the stable key. Whether prices include tax is not said but follows from the sums:
Subtotal + Shipping = Total (included) or Subtotal + Shipping + Taxes = Total (added). A tip is a line outside the Subtotal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from syncd.canonical.money import ZERO, allocate, minor_unit, total
from syncd.sources.csv.amounts import DecimalMark
from syncd.sources.csv.fields import BadCell, ExcludedRow, Reading
from syncd.sources.csv.preset import CsvPreset
from syncd.sources.csv.rows import CsvRow
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.csv.shopify_sums import Stated, delivery_tax, work_out

COLUMNS = frozenset({"name", "financial status", "lineitem name", "lineitem quantity", "lineitem price", "total"})
_TIP = ("tip", "tips", "gratuity", "trinkgeld", "pourboire", "propina", "mancia", "fooi")
_COINS = 5
_RATE = re.compile(r"(\d{1,3}(?:[.,]\d{1,4})?) ?%")
_MAY_BE_WEB = 'these may be web orders; if all of them are to go: only = ["any"]'
_UNPAID = ("pending", "authorized", "partially_paid", "expired")
_REFUNDED = {"refunded": "refunded", "partially_refunded": "partially_refunded"}


class ShopifyOptions(CsvSettings):
    """``only`` names the sources of orders to carry; ``unpaid`` orders are left open, or pushed."""

    NAMES_CURRENCY: ClassVar[bool] = True
    NAMES_ZONE: ClassVar[bool] = True

    decimal_mark: DecimalMark | dict[str, DecimalMark] | None = "."
    unpaid: Literal["open", "push"] = "open"
    only: Annotated[tuple[str, ...], Field(min_length=1)] = ("pos",)


def refused(columns: Mapping[str, int], settings: CsvSettings) -> str:
    """Why a file is not read: nothing in it tells the till's orders from the web shop's."""
    only = getattr(settings, "only", ("any",))
    return "" if "source" in columns or "any" in only else f"it has no column Source: {_MAY_BE_WEB}"


def key(row: CsvRow) -> str:
    """Return the order's name: its other rows carry nothing else."""
    return row.get("name")


def keys() -> Callable[[CsvRow], str]:
    """Return the order's name and id: several orders may have one name, and only an order's first row has the id."""
    latest: dict[str, str] = {}

    def of(row: CsvRow) -> str:
        name = row.get("name")
        if number := row.get("id"):
            latest[name] = f"{name}\n{number}"
        return latest.get(name, name)

    return of


def parse(rows: Sequence[CsvRow], how: Reading[ShopifyOptions]) -> dict[str, Any] | ExcludedRow:
    """Return the rows of one order as the fields of a canonical order; left out where its ``Source`` is none that the config names.

    Raises:
        BadCell: a cell cannot be read, or the first row is missing.

    """
    rows = _once(rows)
    head = next((row for row in rows if row.get("total")), None)
    if head is None:
        raise BadCell(rows[0].line, "the order's first row, which holds its totals, is missing")
    came_from, only = head.get("source").lower(), how.settings.only
    if "any" not in only and not came_from:
        raise BadCell(head.line, f"its Source is empty: {_MAY_BE_WEB}")
    if "any" not in only and came_from not in only:
        return ExcludedRow(f"{came_from} orders (only = {list(only)})")
    currency = how.currency(head, "Currency")
    shipping, tax, whole = how.zero(head, "Shipping"), how.zero(head, "Taxes"), how.amount(head, "Total")
    tipped, sold = _tips_apart(rows, head, how)
    tip, duties = total(_net(row, how) for row in tipped), how.zero(head, "Duties")
    net = [_net(row, how) for row in sold]
    subtotal, off = how.zero(head, "Subtotal"), abs(how.zero(head, "Discount Amount"))
    sums = work_out(Stated(currency, total(net), subtotal, shipping, tip, duties, tax, whole, off))
    sent = shipping - sums.off_delivery
    of_delivery = delivery_tax(tax, _only_rate(head, how), (subtotal, sent), currency, included=sums.included)
    shares = allocate(tax - of_delivery, net, currency)
    lines = [
        _line(n, row, (g, s, sums.included), how)
        for n, (row, g, s) in enumerate(zip(sold, net, shares, strict=True), start=1)
    ]
    fees = (
        [_delivery(head.get("shipping method") or "Shipping", sent, of_delivery, included=sums.included)]
        if shipping
        else []
    )
    fees += [_fee("tip", "Tip", tip)] if tip else []
    fees += [_fee("other", "Duties", duties)] if duties else []
    return {
        "sale_id": head.get("id") or head.get("name"),
        "number": head.get("name"),
        "placed_at": how.time(head, "Created at"),
        "status": _status(head, how),
        "currency": currency,
        "prices_include_tax": sums.included,
        "location": how.place(head.get("location"), how.settings.location or ""),
        "register": how.place(head.get("device id")),
        "cashier": how.place(head.get("employee")),
        "customer": _customer(head),
        "billing": _address(head, "billing"),
        "shipping": _address(head, "shipping"),
        "fulfilment": _fulfilment(head, rows),
        "shipping_method": head.get("shipping method") or None,
        "lines": lines,
        "discounts": [_discount(head, sums.off_goods)] if sums.off_goods else [],
        "fees": fees,
        "tenders": _tenders(head, whole, how),
        "refunds": _refunds(head, how),
        "note": head.get("notes"),
        "total_inc_tax": whole,
        "total_tax": tax,
        "hold": sums.doubt or _hold(head, how),
        "extra": _extra(head),
    }


def _once(rows: Sequence[CsvRow]) -> Sequence[CsvRow]:
    """Return the rows of the order; exports that were pasted together may have it more than once.

    Raises:
        BadCell: they have two orders of this name, or say two things of one.

    """
    heads = [place for place, row in enumerate(rows) if row.get("total")]
    blocks = [list(rows[start:end]) for start, end in pairwise([*heads, len(rows)])]
    for other in blocks[1:]:
        if [list(row.cells) for row in other] != [list(row.cells) for row in blocks[0]]:
            raise BadCell(
                other[0].line, "two orders have this name and no id of their own, or one is there in two versions"
            )
    return [*rows[: heads[0]], *blocks[0]] if len(blocks) > 1 else rows


def _tips_apart(
    rows: Sequence[CsvRow], head: CsvRow, how: Reading[ShopifyOptions]
) -> tuple[list[CsvRow], list[CsvRow]]:
    """Return the rows that are tips, and those that are goods: only a line outside the Subtotal is a tip, whatever it is called."""
    tips = [row for row in rows if row.get("lineitem name").lower() in _TIP and not row.get("lineitem sku")]
    subtotal, off = how.zero(head, "Subtotal"), abs(how.zero(head, "Discount Amount"))
    if not tips or total(_net(row, how) for row in rows) - off == subtotal:
        return [], list(rows)
    return tips, [row for row in rows if row not in tips]


def _net(row: CsvRow, how: Reading[ShopifyOptions]) -> Decimal:
    """Return a line after its own discount."""
    return how.amount(row, "Lineitem price") * how.quantity(row, "Lineitem quantity") - _off(row, how)


def _off(row: CsvRow, how: Reading[ShopifyOptions]) -> Decimal:
    return abs(how.zero(row, "Lineitem discount"))


def _fulfilment(head: CsvRow, rows: Sequence[CsvRow]) -> str:
    """Whether goods were handed over, or are to be sent: a till may sell what the shop sends."""
    sent = head.get("shipping method")
    at_the_till = head.get("source").lower() == "pos"
    waits = any(row.get("lineitem fulfillment status").lower() in ("pending", "unfulfilled") for row in rows)
    return "ship" if sent and (waits or not at_the_till) else "in_store"


def _extra(head: CsvRow) -> dict[str, str]:
    return {n: v for n in ("Source", "Tags", "Payment Reference", "Note Attributes") if (v := head.get(n.lower()))}


def _hold(head: CsvRow, how: Reading[ShopifyOptions]) -> str:
    owed = _owed(head, how)
    if owed > 0 and head.get("financial status").lower() not in _UNPAID:  # unpaid ones have a rule of their own
        return f"{owed} {how.currency(head, 'Currency')} are outstanding in Shopify"
    return ""


def _owed(head: CsvRow, how: Reading[ShopifyOptions]) -> Decimal:
    """Return what is still to be paid; a few of the smallest coin are a rest of rounding where Shopify itself says paid."""
    owed = how.zero(head, "Outstanding Balance")
    paid = head.get("financial status").lower() == "paid"
    return ZERO if paid and abs(owed) <= _COINS * minor_unit(how.currency(head, "Currency")) else owed


def _status(head: CsvRow, how: Reading[ShopifyOptions]) -> str:
    paid = head.get("financial status").lower()
    if head.get("cancelled at") or paid == "voided":
        return "voided"
    if paid in _UNPAID:
        return "open" if how.settings.unpaid == "open" else "completed"
    return _REFUNDED.get(paid, "completed")


def _line(
    number: int, row: CsvRow, sums: tuple[Decimal, Decimal, bool], how: Reading[ShopifyOptions]
) -> dict[str, Any]:
    net, tax, included = sums
    return {
        "line_id": str(number),
        "sku": row.get("lineitem sku").lstrip("'") or None,
        "name": row.get("lineitem name") or "Item",
        "quantity": how.quantity(row, "Lineitem quantity"),
        "total_ex_tax": net - tax if included else net,
        "total_inc_tax": net if included else net + tax,
        "list_price": how.amount(row, "Lineitem price"),
        "discount": _off(row, how),
        "taxes": [{"amount": tax, "included": included}] if tax else [],
    }


def _discount(head: CsvRow, taken: Decimal) -> dict[str, Any]:
    code = head.get("discount code")
    return {"name": code or "Discount", "code": code or None, "amount_inc_tax": taken, "amount_ex_tax": taken}


def _fee(kind: str, name: str, amount: Decimal) -> dict[str, Any]:
    return {"kind": kind, "name": name, "total_ex_tax": amount, "total_inc_tax": amount}


def _delivery(name: str, amount: Decimal, tax: Decimal, *, included: bool) -> dict[str, Any]:
    sums = {
        "total_ex_tax": amount - tax if included else amount,
        "total_inc_tax": amount if included else amount + tax,
    }
    return {"kind": "delivery", "name": name, "taxes": [{"amount": tax, "included": included}] if tax else [], **sums}


def _only_rate(head: CsvRow, how: Reading[ShopifyOptions]) -> Decimal | None:
    """Return the rate of the order's tax where it has one alone, from its name: ``ES IVA 21 %``."""
    if not how.zero(head, "Tax 1 Value") or any(how.zero(head, f"Tax {number} Value") for number in range(2, 6)):
        return None
    found = _RATE.search(head.get("tax 1 name"))
    return Decimal(found[1].replace(",", ".")) if found else None


def _tenders(head: CsvRow, whole: Decimal, how: Reading[ShopifyOptions]) -> list[dict[str, Any]]:
    if head.get("financial status").lower() in (*_UNPAID, "voided") or not whole:
        return []
    owed = _owed(head, how)
    label = head.get("payment method") or "Payment"
    return [{"kind": "cash" if label.lower() == "cash" else "other", "label": label, "amount": whole - max(owed, ZERO)}]


def _refunds(head: CsvRow, how: Reading[ShopifyOptions]) -> list[dict[str, Any]]:
    """Return what came back in all: the export does not say which lines."""
    amount = how.zero(head, "Refunded Amount")
    return [{"id": "refunded", "amount_inc_tax": amount}] if amount else []


def _customer(head: CsvRow) -> dict[str, Any] | None:
    email = head.get("email")
    return {"email": email, "phone": _unquoted(head.get("phone"))} if email else None


def _address(head: CsvRow, kind: str) -> dict[str, Any] | None:
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


PRESET = CsvPreset(
    "shopify",
    (COLUMNS,),
    key,
    parse,
    "Name",
    ShopifyOptions,
    id_column="id",
    reader=keys,
    ids=("id",),
    amounts=("total", "subtotal", "taxes", "lineitem price"),
    refused=refused,
)
