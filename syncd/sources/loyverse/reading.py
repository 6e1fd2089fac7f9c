"""A Loyverse receipt as a canonical order. Pure.

Amounts are positive, a refund's too: its type gives the sign. ``total_money`` of a line is after discounts and holds its taxes,
those that are included and those that were added. Source: https://developer.loyverse.com/docs/#tag/Receipts and real answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from syncd.canonical import CanonicalOrder
from syncd.canonical.money import ZERO, total
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

_KINDS = {
    "CASH": "cash",
    "CARD": "card",
    "NONINTEGRATEDCARD": "card",
    "INTEGRATEDCARD": "card",
    "WORLDPAY": "card",
    "SUMUP": "card",
    "IZETTLE": "card",
    "TYRO": "card",
    "GIFTCARD": "gift_card",
}


class LoyverseReferenceData(Struct, frozen=True):
    """What is known beside the receipts: the account's currency and zone, and names by id."""

    currency: str
    zone: tzinfo = UTC
    stores: Mapping[str, str] = field(default_factory=dict)
    devices: Mapping[str, str] = field(default_factory=dict)
    employees: Mapping[str, str] = field(default_factory=dict)
    customers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def read_receipt(
    receipt: Document, around: LoyverseReferenceData, source: str, leave_out: Sequence[str] = ()
) -> ParseResult:
    """Return what a receipt says.

    Raises:
        Unreadable: it is not what Loyverse's reference says.
        pydantic.ValidationError: the same, of a field.

    """
    made_by = str(receipt.get("source") or "")
    if any(name.casefold() in made_by.casefold() for name in leave_out):
        return Excluded(f"receipts made by {made_by}")
    kind = str(receipt.get("receipt_type") or "")
    if kind not in ("SALE", "REFUND"):
        msg = f"its type is {kind[:40]!r}"
        raise Unreadable(msg)
    sign = -1 if kind == "REFUND" else 1
    lines = [_line(item, sign) for item in listed(receipt, "line_items")]
    tenders = [_tender(payment, sign) for payment in listed(receipt, "payments")]
    stated = sign * number(receipt, "total_money")
    stated, fees = _charges(receipt, lines, tenders, stated, sign)
    uploaded = moment(receipt.get("created_at"))
    placed = time_of(receipt, "receipt_date", "created_at")
    original = receipt.get("refund_for")
    fields: dict[str, Any] = {
        "source": source,
        "sale_id": receipt.get("receipt_number"),
        "number": receipt.get("receipt_number"),
        "status": "voided" if receipt.get("cancelled_at") else "completed",
        "placed_at": placed.astimezone(around.zone),
        "updated_at": moment(receipt.get("updated_at")),
        "uploaded_at": uploaded,
        "cancelled_at": moment(receipt.get("cancelled_at")),
        "currency": around.currency,
        "prices_include_tax": any(tax.get("type") == "INCLUDED" for tax in listed(receipt, "total_taxes")),
        "location": _named(receipt.get("store_id"), around.stores),
        "register": _named(receipt.get("pos_device_id"), around.devices),
        "cashier": _named(receipt.get("employee_id"), around.employees),
        "lines": lines,
        "fees": fees,
        "tenders": tenders,
        "returns_of": f"{source}:{original}" if sign < 0 and original else None,
        "note": receipt.get("note") or "",
        "total_inc_tax": stated,
        "total_tax": sign * number(receipt, "total_tax", ZERO),
        "extra": {name: receipt[name] for name in ("order", "dining_option", "source") if receipt.get(name)},
    }
    if buyer := receipt.get("customer_id"):
        fields |= people(buyer, around.customers.get(str(buyer), {}))
    return ParsedSale(CanonicalOrder.model_validate(fields))


def _line(item: Document, sign: int) -> dict[str, Any]:
    inc_tax = sign * number(item, "total_money")
    taxes: list[dict[str, Any]] = [
        {
            "name": tax.get("name") or "Tax",
            "rate": tax.get("rate"),
            "amount": sign * number(tax, "money_amount", ZERO),
            "included": tax.get("type") == "INCLUDED",
        }
        for tax in listed(item, "line_taxes")
    ]
    return {
        "line_id": str(item.get("id") or "1"),
        "kind": "product" if item.get("item_id") else "custom",
        "sku": item.get("sku") or None,
        "name": item.get("item_name") or "Item",
        "variant": item.get("variant_name") or None,
        "quantity": sign * number(item, "quantity", Decimal(1)),
        "total_ex_tax": inc_tax - total(tax["amount"] for tax in taxes),
        "total_inc_tax": inc_tax,
        "list_price": number(item, "price", ZERO),
        "discount": sign * number(item, "total_discount", ZERO),
        "discounts": [
            {"name": one.get("name") or "Discount", "amount": sign * number(one, "money_amount", ZERO)}
            for one in listed(item, "line_discounts")
        ],
        "taxes": [tax for tax in taxes if tax["amount"]],
        "modifiers": [
            {
                "name": f"{one.get('name') or 'Modifier'}: {one.get('option') or ''}",
                "amount": number(one, "money_amount", ZERO),
            }
            for one in listed(item, "line_modifiers")
        ],
        "note": item.get("line_note") or "",
    }


def _charges(
    receipt: Document,
    lines: Sequence[Mapping[str, Any]],
    tenders: Sequence[Mapping[str, Any]],
    stated: Decimal,
    sign: int,
) -> tuple[Decimal, list[dict[str, Any]]]:
    """Tip and surcharge as fees. Whether the stated total holds the tip, the payments tell."""
    tip, surcharge = sign * number(receipt, "tip", ZERO), sign * number(receipt, "surcharge", ZERO)
    fees = [
        {"kind": kind, "name": name, "total_ex_tax": amount, "total_inc_tax": amount}
        for kind, name, amount in (("tip", "Tip", tip), ("surcharge", "Surcharge", surcharge))
        if amount
    ]
    goods = total(line["total_inc_tax"] for line in lines) + surcharge
    if tip and goods == stated and total(tender["amount"] for tender in tenders) == stated + tip:
        stated += tip
    return stated, fees


def _tender(payment: Document, sign: int) -> dict[str, Any]:
    kind = str(payment.get("type") or "OTHER")
    details = inside(payment, "payment_details")
    return {
        "at": moment(payment.get("paid_at")),
        "kind": _KINDS.get(kind, "other"),
        "label": payment.get("name") or kind.title(),
        "amount": sign * number(payment, "money_amount"),
        "card_brand": details.get("card_company") or None,
        "card_last4": _digits(details.get("card_number")),
    }


def _digits(text: object) -> str | None:
    digits = "".join(char for char in str(text or "") if char.isascii() and char.isdigit())
    return digits[-4:] or None


def _named(key: object, names: Mapping[str, str]) -> dict[str, Any] | None:
    return {"id": str(key), "name": names.get(str(key), "")} if key else None


def customer_of(row: Document) -> Mapping[str, str]:
    """Return what is known of a customer, from its row; empty texts where nothing is."""
    given, _, family = str(row.get("name") or "").strip().rpartition(" ")
    return {
        "first_name": given or family,
        "last_name": family if given else "",
        "email": str(row.get("email") or ""),
        "phone": str(row.get("phone_number") or ""),
        "street_1": str(row.get("address") or ""),
        "city": str(row.get("city") or ""),
        "state": str(row.get("region") or ""),
        "zip": str(row.get("postal_code") or ""),
        "country": str(row.get("country_code") or ""),
    }
