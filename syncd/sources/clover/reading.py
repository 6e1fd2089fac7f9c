"""A Clover order as a canonical order. Pure.

An item that was refunded lowers the order's ``total``; a refund of a payment leaves it as it was. So what the sale came to is taken
from its payments, and what came back from its refunds. Source: https://docs.clover.com/dev/reference/orders and real orders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from syncd.canonical import CanonicalOrder
from syncd.canonical.exchanges import CREDIT
from syncd.canonical.money import ZERO, to_minor, total
from syncd.sources.clover.money import Sum, as_fee, as_line, cents, elements, sums
from syncd.sources.records import Document, Excluded, ParsedSale, ParseResult, Unreadable, inside
from syncd.sources.values import people

_KINDS = (
    ("gift", "gift_card"),
    ("cash", "cash"),
    ("credit", "card"),
    ("debit", "card"),
    ("card", "card"),
    ("store credit", "store_credit"),
)
_WELL = ("SUCCESS", "AUTH_COMPLETED", "OFFLINE_RETRYING", "")


class CloverReferenceData(Struct, frozen=True):
    """What is known beside the orders: the shop's zone and name, and names and article numbers by id."""

    merchant: str
    merchant_name: str = ""
    zone: tzinfo = UTC
    skus: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    employees: Mapping[str, str] = field(default_factory=dict)


def read_order(order: Document, around: CloverReferenceData, source: str, leave_out: Sequence[str]) -> ParseResult:
    """Return what an order says.

    Raises:
        Unreadable: it is not what Clover's reference says.
        pydantic.ValidationError: the same, of a field.

    """
    said = " ".join(
        str(text) for text in (inside(order, "orderType").get("label"), order.get("title"), order.get("note")) if text
    )
    if found := next((name for name in leave_out if name.casefold() in said.casefold()), ""):
        return Excluded(f"orders of {found}")
    currency = str(order.get("currency") or "")
    if not currency:
        msg = "it names no currency"
        raise Unreadable(msg)
    paid = [
        one
        for one in elements(order, "payments")
        if str(one.get("result") or "") in _WELL and not one.get("voidReason")
    ]
    items = elements(order, "lineItems")
    if not items and not paid and not elements(order, "credits"):
        return Excluded("orders without lines")
    return _sale(order, items, paid, around, (source, currency))


def sums_up(order: Document) -> bool:
    """Whether the order's lines, as they are shown, come to its payments or its total: a list leaves modifications out."""
    currency = str(order.get("currency") or "USD")
    paid = [one for one in elements(order, "payments") if str(one.get("result") or "") in _WELL]
    tax = total(cents(one, "taxAmount", currency) for one in paid)
    lines = sums(order, elements(order, "lineItems"), currency, tax)
    goods = total(line.net for line in lines) + (ZERO if order.get("isVat") else tax)
    wanted = total(cents(one, "amount", currency) for one in paid)
    return not paid or goods == wanted


def _sale(
    order: Document,
    items: Sequence[Document],
    paid: Sequence[Document],
    around: CloverReferenceData,
    named: tuple[str, str],
) -> ParsedSale:
    source, currency = named
    included = bool(order.get("isVat"))
    tax = total(cents(one, "taxAmount", currency) for one in paid)
    lines = sums(order, items, currency, tax if paid else None)
    stated = total(cents(one, "amount", currency) for one in paid)
    traded = _exchange(order, items, currency, stated, included=included) if paid else None
    if traded is not None:
        lines, tax, stated = traded.lines, tax + traded.tax, stated + traded.credit
    tip = total(cents(one, "tipAmount", currency) for one in paid)
    partly = str(order.get("paymentState") or "") == "PARTIALLY_PAID" and traded is None
    if partly:
        lines = sums(order, items, currency, None)
    if not paid or partly:
        tax = total(line.tax for line in lines)
        stated = total(line.net for line in lines) + (ZERO if included else tax)
    fees = [as_fee(line, included=included) for line in lines if line.item.get("isOrderFee")]
    if tip:
        fees.append({"kind": "tip", "name": "Tip", "total_ex_tax": tip, "total_inc_tax": tip})
    refunds = [
        _refund(one, lines, currency, included=included) for one in elements(order, "refunds") if not one.get("voided")
    ]
    tenders = [_tender(one, currency) for one in paid]
    if traded is not None:
        refunds.append(traded.refund(included=included))
        tenders.append({"kind": "exchange", "label": CREDIT, "amount": traded.credit})
    employee = str(inside(order, "employee").get("id") or "")
    device = str(inside(order, "device").get("id") or "")
    fields: dict[str, Any] = {
        "source": source,
        "sale_id": order.get("id"),
        "status": "open" if partly else _status(order, paid, stated, refunds, tip),
        "training": bool(order.get("testMode")),
        "placed_at": _placed(order, paid).astimezone(around.zone),
        "updated_at": _time(order.get("modifiedTime")),
        "currency": currency,
        "prices_include_tax": included,
        "location": {"id": around.merchant, "name": around.merchant_name},
        "register": {"id": device} if device else None,
        "cashier": {"id": employee, "name": around.employees.get(employee, "")} if employee else None,
        **_customer(order),
        "lines": [
            as_line(line, currency, around.skus, included=included) for line in lines if not line.item.get("isOrderFee")
        ],
        "fees": fees,
        "tenders": tenders,
        "refunds": refunds,
        "note": order.get("note") or "",
        "total_inc_tax": stated + tip,
        "total_tax": tax,
        "extra": {name: order[name] for name in ("title", "payType", "paymentState", "state") if order.get(name)},
    }
    if fields["status"] == "open":
        fields |= {"open_kind": "parked", "balance_due": stated + tip - total(one["amount"] for one in tenders)}
    return ParsedSale(CanonicalOrder.model_validate(fields), _hold(order, currency))


class _Exchange(Struct, frozen=True):
    """Goods that were exchanged for others of the same order: all lines with their tax, those that came back, their worth."""

    lines: list[Sum]
    back: Sequence[Sum]
    tax: Decimal
    credit: Decimal

    def refund(self, *, included: bool) -> dict[str, Any]:
        """Return the goods that came back, as a refund that paid for others."""
        return {
            "id": "exchange",
            "amount_inc_tax": self.credit,
            "tenders": [{"kind": "exchange", "label": CREDIT, "amount": -self.credit}],
            "lines": [_line_back(line, included=included) for line in self.back],
        }


def _exchange(
    order: Document, items: Sequence[Document], currency: str, paid: Decimal, *, included: bool
) -> _Exchange | None:
    """Say why an exchange waits.

    An exchanged line stays in the order, and its worth is in no payment for what was taken instead.
    """
    if not any(item.get("exchanged") for item in items):
        return None
    lines = sums(order, items, currency, None)
    back = [line for line in lines if line.item.get("exchanged")]
    worth = total(_worth(line, included=included) for line in back)
    credit = min(total(_worth(line, included=included) for line in lines) - paid, worth)
    if credit <= 0:
        return None
    tax = total(line.tax for line in back)
    return _Exchange(lines, back, to_minor(tax * credit / worth, currency), credit)


def _worth(line: Sum, *, included: bool) -> Decimal:
    return line.net if included else line.net + line.tax


def _line_back(line: Sum, *, included: bool) -> dict[str, Any]:
    return {"line_id": line.item.get("id"), "quantity": 1, "amount_inc_tax": _worth(line, included=included)}


def _hold(order: Document, currency: str) -> str:
    """Say why a manual refund waits: it names no sale, money went out, and a person must say of which."""
    back = total(cents(one, "amount", currency) for one in elements(order, "credits"))
    return (
        f"{back} {currency} were given back by a manual refund: name the sale, or release it unchanged" if back else ""
    )


def _status(
    order: Document, paid: Sequence[Document], stated: Decimal, refunds: Sequence[Mapping[str, Any]], tip: Decimal
) -> str:
    if not paid and (stated or order.get("state") == "open"):
        return "open"
    back = total(one["amount_inc_tax"] for one in refunds)
    if not back:
        return "completed"
    return "refunded" if back >= stated + tip else "partially_refunded"


def _refund(refund: Document, lines: Sequence[Sum], currency: str, *, included: bool) -> dict[str, Any]:
    """Return a refund with the lines that carry its id, or that come to its amount; one of a payment names none."""
    amount, tip = cents(refund, "amount", currency), cents(refund, "tipAmount", currency)
    own = [line for line in lines if inside(line.item, "refund").get("id") == refund.get("id")]
    back = [line for line in lines if line.item.get("refunded")]
    if not own and total(_worth(line, included=included) for line in back) == amount:
        own = back
    return {
        "id": refund.get("id"),
        "at": _time(refund.get("createdTime")),
        "amount_inc_tax": amount + tip,
        "amount_tax": cents(refund, "taxAmount", currency),
        "tip": tip,
        "lines": [_line_back(line, included=included) for line in own],
    }


def _tender(payment: Document, currency: str) -> dict[str, Any]:
    tender, card = inside(payment, "tender"), inside(payment, "cardTransaction")
    label = str(tender.get("label") or ("Card" if card else "Cash" if "cashTendered" in payment else "Payment"))
    known = next((kind for word, kind in _KINDS if word in label.casefold()), "other")
    tip = cents(payment, "tipAmount", currency)
    amount = cents(payment, "amount", currency) + tip
    tendered = cents(payment, "cashTendered", currency) if payment.get("cashTendered") else None
    digits = str(card.get("last4") or "")
    return {
        "id": payment.get("id"),
        "at": _time(payment.get("createdTime")),
        "kind": known,
        "label": str(card.get("cardType") or "").replace("_", " ").title() or label,
        "amount": amount,
        "tip": tip,
        "tendered": tendered,
        "change": max(tendered - amount, ZERO) if tendered is not None else ZERO,
        "cash_back": cents(payment, "cashbackAmount", currency),
        "card_brand": str(card.get("cardType") or "").replace("_", " ").title() or None,
        "card_last4": digits if digits.isdigit() and len(digits) <= 4 else None,
    }


def _placed(order: Document, paid: Sequence[Document]) -> datetime:
    """When the customer paid, by the device's own clock: offline payments come later than they were made."""
    times = [one.get("clientCreatedTime") or one.get("createdTime") for one in paid]
    last = max((at for at in times if isinstance(at, int)), default=None)
    found = _time(last or order.get("clientCreatedTime") or order.get("createdTime"))
    if found is None:
        msg = "it has no createdTime"
        raise Unreadable(msg)
    return found


def _time(millis: object) -> datetime | None:
    if not isinstance(millis, int) or isinstance(millis, bool) or not 0 < millis < 2**46:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=millis)


def _customer(order: Document) -> dict[str, Any]:
    who = next(iter(elements(order, "customers")), None)
    if who is None:
        return {}
    email = next((str(one.get("emailAddress") or "") for one in elements(who, "emailAddresses")), "")
    phone = next((str(one.get("phoneNumber") or "") for one in elements(who, "phoneNumbers")), "")
    about = {
        "first_name": who.get("firstName") or "",
        "last_name": who.get("lastName") or "",
        "email": email,
        "phone": phone,
    }
    home = next(iter(elements(who, "addresses")), {})
    parts = {
        "street_1": "address1",
        "street_2": "address2",
        "city": "city",
        "state": "state",
        "zip": "zip",
        "country": "country",
    }
    place = {ours: str(home.get(theirs) or "") for ours, theirs in parts.items()}
    return people(who.get("id"), about | place)
