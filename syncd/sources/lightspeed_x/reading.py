"""A Lightspeed X sale as a canonical order. Pure.

Prices are without tax and net of discounts, to five decimals; only the sale's own totals are rounded. Returns are sales of their
own, with negative quantities. Source: https://x-series-api.lightspeedhq.com/docs/sales and real answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from syncd.canonical import CanonicalOrder
from syncd.canonical.money import ZERO, minor_unit, to_minor, total
from syncd.sources.records import (
    Document,
    Excluded,
    ParsedSale,
    ParseResult,
    Unreadable,
    inside,
    listed,
    moment,
    number,
    time_of,
)
from syncd.sources.values import people

_STATUS = {
    "SAVED": ("open", "parked"),
    "OPEN": ("open", "parked"),
    "CLOSED": ("completed", None),
    "VOIDED": ("voided", None),
    "LAYBY": ("open", "lay_by"),
    "LAYBY_CLOSED": ("completed", None),
    "ONACCOUNT": ("open", "on_account"),
    "ONACCOUNT_CLOSED": ("completed", None),
    "AWAITING_DISPATCH": ("open", "work_order"),
    "DISPATCHED_CLOSED": ("completed", None),
    "AWAITING_PICKUP": ("open", "work_order"),
    "PICKED_UP_CLOSED": ("completed", None),
    "SERVICE": ("open", "work_order"),
    "SERVICE_CLOSED": ("completed", None),
}
_STATES = {"parked": "SAVED", "pending": "OPEN", "closed": "CLOSED", "voided": "VOIDED"}
_KINDS = {"1": "cash", "3": "card"}  # the vendor's own classes of the shop's payment types
_BY_NAME = (("gift", "gift_card"), ("store credit", "store_credit"), ("account", "on_account"), ("loyalty", "loyalty"))


class LightspeedOutlet(Struct, frozen=True):
    """An outlet: its name, zone and currency."""

    name: str
    zone: tzinfo = UTC
    currency: str = ""


class LightspeedReferenceData(Struct, frozen=True):
    """What is known beside the sales, each by its id."""

    outlets: Mapping[str, LightspeedOutlet] = field(default_factory=dict)
    registers: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict)
    products: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    customers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def read_sale(
    sale: Document, around: LightspeedReferenceData, source: str, currency: str | None, leave_out: Sequence[str]
) -> ParseResult:
    """Return what a sale says.

    Raises:
        Unreadable: it is not what Lightspeed's reference says.
        pydantic.ValidationError: the same, of a field.

    """
    made_by = str(sale.get("source") or "")
    if any(name.casefold() in made_by.casefold() for name in leave_out):
        return Excluded(f"sales made by {made_by}")
    outlet = str(sale.get("outlet_id") or "")
    place = around.outlets.get(outlet, LightspeedOutlet(""))
    lines = [_line(item, around) for item in listed(sale, "line_items") if _counts(item)]
    code = currency or place.currency
    if not code:
        msg = f"its outlet {outlet} names no currency: set currency for this source"
        raise Unreadable(msg)
    stated, tax = _totals(sale, code)
    status, kind = _status(sale)
    original = sale.get("return_for")
    fields: dict[str, Any] = {
        "source": source,
        "sale_id": sale.get("id"),
        "number": str(sale.get("receipt_number") or sale.get("invoice_number") or "") or None,
        "version": str(sale["version"]) if sale.get("version") else None,
        "status": status,
        "open_kind": kind,
        "placed_at": time_of(sale, "sale_date", "created_at").astimezone(place.zone),
        "updated_at": moment(sale.get("updated_at")),
        "currency": code,
        "location": {"id": outlet, "name": place.name} if outlet else None,
        "register": _named(sale.get("register_id"), around.registers),
        "cashier": _named(sale.get("user_id"), around.users),
        "lines": lines,
        "fees": _fees(sale, code, lines, stated),
        "tenders": [_tender(payment) for payment in listed(sale, "payments") if not payment.get("deleted_at")],
        "returns_of": f"{source}:{original}" if original else None,
        "note": sale.get("note") or "",
        "total_inc_tax": stated,
        "total_tax": tax,
        **_customer(sale, around.customers),
        "extra": {name: sale[name] for name in ("short_code", "source", "attributes", "return_ids") if sale.get(name)},
    }
    return ParsedSale(CanonicalOrder.model_validate(fields))


def _counts(item: Document) -> bool:
    """Say whether a line counts: a return begins with all lines of its sale; what is not given back stays with quantity 0."""
    return bool(number(item, "quantity", ZERO)) or bool(_of(item, "price_total", "total_price", ZERO))


def _of(item: Document, name: str, other: str, default: Decimal | None = None) -> Decimal:
    """Every amount comes under two names; which one an answer has depends on its age."""
    return number(item, name, default) if item.get(name) is not None else number(item, other, default)


def _line(item: Document, around: LightspeedReferenceData) -> dict[str, Any]:
    quantity = number(item, "quantity", Decimal(1))
    unit_price, unit_tax = _of(item, "price", "unit_price", ZERO), _of(item, "tax", "unit_tax", ZERO)
    ex_tax = _of(item, "price_total", "total_price", unit_price * quantity)
    tax = _of(item, "tax_total", "total_tax", unit_tax * quantity)
    about = around.products.get(str(item.get("product_id")), {})
    unit_discount = _of(item, "discount", "unit_discount", ZERO)
    card = item.get("gift_card_number")
    return {
        "line_id": str(item.get("id") or item.get("sequence") or "1"),
        "kind": "gift_card" if card else "product",
        "sku": about.get("sku") or None,
        "upc": about.get("upc") or None,
        "name": about.get("name") or ("Gift card" if card else "Item"),
        "variant": about.get("variant") or None,
        "quantity": quantity,
        "total_ex_tax": ex_tax,
        "total_inc_tax": ex_tax + tax,
        "list_price": unit_price + unit_discount,
        "discount": _of(item, "discount_total", "total_discount", unit_discount * quantity),
        "taxes": [
            {"name": "Tax", "amount": number(part, "total_tax", ZERO)}
            for part in listed(item, "tax_components")
            if number(part, "total_tax", ZERO)
        ],
        "gift_card": str(card) if card else None,
        "note": item.get("note") or item.get("return_reason") or "",
    }


def _totals(sale: Document, currency: str) -> tuple[Decimal, Decimal]:
    """Return what was to be paid, rounded once, and the tax within it."""
    totals = inside(sale, "totals")  # webhooks and the old API put them there
    tax = number(sale, "total_tax", number(totals, "total_tax", ZERO))
    if sale.get("total_price_incl") is not None:
        stated = number(sale, "total_price_incl")
    else:
        stated = number(sale, "total_price", number(totals, "total_price", None) if totals else None) + tax
    return to_minor(stated, currency), to_minor(tax, currency)


def _status(sale: Document) -> tuple[str, str | None]:
    if sale.get("deleted_at"):
        return "voided", None
    said = str(sale.get("status") or _STATES.get(str(sale.get("state")), ""))
    found = _STATUS.get(said)
    if found is None:
        msg = f"its status is {said[:40]!r}"
        raise Unreadable(msg)
    return found


def _fees(sale: Document, currency: str, lines: Sequence[Mapping[str, Any]], stated: Decimal) -> list[dict[str, Any]]:
    """Return what was charged beside the lines: delivery of a web order, and a surcharge where the lines do not hold it already."""
    charged = inside(sale, "ecom_custom_charges")
    fees = []
    if amount := number(charged, "total_incl", ZERO):
        tax = number(charged, "total_tax", ZERO)
        fees.append({"kind": "delivery", "name": "Charges", "total_ex_tax": amount - tax, "total_inc_tax": amount})
    rest = stated - total(part["total_inc_tax"] for part in (*lines, *fees))
    surcharge = number(sale, "total_surcharge", ZERO)
    if surcharge and abs(rest - surcharge) <= minor_unit(currency):
        fees.append({"kind": "surcharge", "name": "Surcharge", "total_ex_tax": surcharge, "total_inc_tax": surcharge})
    return fees


def _tender(payment: Document) -> dict[str, Any]:
    kind = inside(payment, "payment_type")
    label = payment.get("name") or inside(payment, "retailer_payment_type").get("name") or kind.get("name") or "Payment"
    found = next((known for word, known in _BY_NAME if word in str(label).casefold()), None)
    return {
        "id": payment.get("id"),
        "at": moment(payment.get("payment_date")),
        "kind": found or _KINDS.get(str(payment.get("payment_type_id")), "other"),
        "label": label,
        "amount": number(payment, "amount"),
    }


def _named(key: object, names: Mapping[str, str]) -> dict[str, Any] | None:
    return {"id": str(key), "name": names.get(str(key), "")} if key else None


def _customer(sale: Document, customers: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Who bought; a walk-in has a customer's record too, without a name."""
    about = customers.get(str(sale.get("customer_id")), {})
    known = {name: value for name, value in about.items() if value and name != "code"}
    if not known or about.get("code") == "WALKIN":
        return {}
    return people(sale.get("customer_id"), known)
