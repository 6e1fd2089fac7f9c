"""A Shopify order as a canonical order. Pure.

Amounts are the shop's own (``shopMoney``). A line's discounts hold its share of the order's; taxes are rounded line by line, so
their sum may be a cent off the order's, which decides. Source: https://shopify.dev/docs/api/admin-graphql/latest/objects/Order
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Any

from syncd.canonical import CanonicalOrder
from syncd.canonical.exchanges import CREDIT
from syncd.canonical.money import ZERO, minor_unit, total
from syncd.sources.records import Document, Excluded, ParsedSale, ParseResult, inside, listed, moment, number, time_of

_OPEN = ("PENDING", "AUTHORIZED", "PARTIALLY_PAID", "EXPIRED")
_GATEWAYS = (
    ("cash", "cash", "Cash"),
    ("gift_card", "gift_card", "Gift Card"),
    ("store_credit", "store_credit", "Store credit"),
    ("shopify_payments", "card", "Card"),
)
_PAID = ("SALE", "CAPTURE")


def read_order(order: Document, source: str, only: Sequence[str], zone: tzinfo | None = None) -> ParseResult:
    """Return what an order says.

    Raises:
        Unreadable: it is not what Shopify's reference says.
        pydantic.ValidationError: the same, of a field.

    """
    made_by = str(order.get("sourceName") or "")
    if "any" not in only and made_by not in only:
        return Excluded(f"orders of {made_by or 'no source'}")
    included = bool(order.get("taxesIncluded"))
    currency = str(order.get("currencyCode") or "")
    rounding = _money(inside(order, "totalCashRoundingAdjustment"), "paymentSet")
    price, tax = _money(order, "totalPriceSet"), _money(order, "totalTaxSet")
    lines = [_line(item, included=included) for item in listed(inside(order, "lineItems"), "nodes")]
    fees = [_shipping(one, included=included) for one in listed(inside(order, "shippingLines"), "nodes")]
    fees = [fee for fee in fees if fee["total_inc_tax"]]
    _settle_tax([*lines, *fees], tax, currency, included=included)
    if tip := _money(order, "totalTipReceivedSet"):
        fees.append({"kind": "tip", "name": "Tip", "total_ex_tax": tip, "total_inc_tax": tip})
    refunds = [_refund(one, included=included) for one in listed(order, "refunds") if "totalRefundedSet" in one]
    tenders = _tenders(listed(order, "transactions"), price + rounding)
    if credit := _exchanged(price + rounding, tenders, refunds):
        tenders.append({"kind": "exchange", "label": CREDIT, "amount": credit})
    placed = time_of(order, "processedAt", "createdAt")
    place, staff = inside(order, "retailLocation"), inside(order, "staffMember")
    fields: dict[str, Any] = {
        "source": source,
        "sale_id": str(order.get("legacyResourceId") or _tail(order.get("id"))),
        "number": order.get("name") or None,
        "status": _status(order, price + rounding, refunds),
        "training": bool(order.get("test")),
        "placed_at": placed.astimezone(zone or UTC),
        "updated_at": moment(order.get("updatedAt")),
        "cancelled_at": moment(order.get("cancelledAt")),
        "currency": currency,
        "prices_include_tax": included,
        "location": {"id": _tail(place.get("id")), "name": place.get("name") or ""} if place else None,
        "register": _register(order.get("sourceIdentifier")),
        "cashier": {"id": _tail(staff.get("id")), "name": staff.get("name") or ""} if staff else None,
        "lines": lines,
        "fees": fees,
        "tenders": tenders,
        "refunds": refunds,
        "rounding": rounding,
        "note": order.get("note") or "",
        "total_inc_tax": price + rounding,
        "total_tax": tax,
        "extra": {name: order[name] for name in ("sourceIdentifier", "displayFulfillmentStatus") if order.get(name)},
        **_people(order),
        **_delivery(order),
    }
    if fields["status"] == "open":
        fields["open_kind"] = "parked"
    return ParsedSale(CanonicalOrder.model_validate(fields))


def _money(holder: Document, name: str) -> Decimal:
    """Return the shop's amount of a ``...Set``; 0 where it is absent.

    Its currency is not looked at: refunds are known to misname it.
    """
    return number(inside(inside(holder, name), "shopMoney"), "amount", ZERO)


def _tail(gid: object) -> str:
    """Return the number at the end of ``gid://shopify/Order/6000000001001``."""
    return str(gid or "").rpartition("/")[2]


def _taxes(holder: Document, *, included: bool) -> list[dict[str, Any]]:
    found = []
    for tax in listed(holder, "taxLines"):
        rate = number(tax, "ratePercentage", ZERO) or number(tax, "rate", ZERO) * 100
        amount = _money(tax, "priceSet")
        if amount:
            found.append({"name": tax.get("title") or "Tax", "rate": rate, "amount": amount, "included": included})
    return found


def _line(item: Document, *, included: bool) -> dict[str, Any]:
    quantity, unit = number(item, "quantity"), _money(item, "originalUnitPriceSet")
    shares = listed(item, "discountAllocations")
    off = total(_money(one, "allocatedAmountSet") for one in shares) if shares else _money(item, "totalDiscountSet")
    net, taxes = unit * quantity - off, _taxes(item, included=included)
    tax = total(one["amount"] for one in taxes)
    variant = inside(item, "variant")
    kind = "gift_card" if item.get("isGiftCard") else "product" if variant else "custom"
    return {
        "line_id": _tail(item.get("id")),
        "kind": kind,
        "sku": item.get("sku") or None,
        "upc": variant.get("barcode") or None,
        "name": item.get("title") or item.get("name") or "Item",
        "variant": item.get("variantTitle") or None,
        "quantity": quantity,
        "total_ex_tax": net - tax if included else net,
        "total_inc_tax": net if included else net + tax,
        "list_price": unit,
        "discount": off,
        "taxes": taxes,
    }


def _shipping(line: Document, *, included: bool) -> dict[str, Any]:
    net, taxes = _money(line, "discountedPriceSet"), _taxes(line, included=included)
    tax = total(one["amount"] for one in taxes)
    sums = {"total_ex_tax": net - tax if included else net, "total_inc_tax": net if included else net + tax}
    return {"kind": "delivery", "name": line.get("title") or "Shipping", "taxes": taxes, **sums}


def _settle_tax(parts: Sequence[dict[str, Any]], tax: Decimal, currency: str, *, included: bool) -> None:
    """Line taxes are rounded one by one: a difference of cents to the order's own tax goes to the largest of them."""
    taxed = [part for part in parts if part["taxes"]]
    rest = tax - total(one["amount"] for part in taxed for one in part["taxes"])
    most = minor_unit(currency) * sum(len(part["taxes"]) for part in taxed)
    if not rest or not taxed or abs(rest) > most:
        return
    largest = max(taxed, key=lambda part: part["total_inc_tax"])
    name = "total_ex_tax" if included else "total_inc_tax"
    largest[name] += -rest if included else rest


def _status(order: Document, stated: Decimal, refunds: Sequence[dict[str, Any]]) -> str:
    said = str(order.get("displayFinancialStatus") or "")
    if order.get("cancelledAt") or said == "VOIDED":
        return "voided"
    if said in _OPEN:
        return "open"
    back = total(one["amount_inc_tax"] for one in refunds if one["status"] == "completed")
    if not back:
        return "completed"
    return "refunded" if back >= stated else "partially_refunded"


def _tenders(transactions: Sequence[Document], stated: Decimal) -> list[dict[str, Any]]:
    """Successful sales and captures; of cash, what was given as change is taken out where the sale holds it."""
    found = [_tender(one) for one in transactions if one.get("kind") in _PAID and one.get("status") == "SUCCESS"]
    changes = [one for one in transactions if one.get("kind") == "CHANGE" and one.get("status") == "SUCCESS"]
    change = total(abs(_paid(one)) for one in changes)
    cash = next((one for one in found if one["kind"] == "cash"), None)
    if cash is not None and change and total(one["amount"] for one in found) - change == stated:
        cash |= {"tendered": cash["amount"], "change": change, "amount": cash["amount"] - change}
    return found


def _paid(transaction: Document) -> Decimal:
    return _money(transaction, "amountSet") + _money(transaction, "amountRoundingSet")


def _tender(transaction: Document) -> dict[str, Any]:
    gateway = str(transaction.get("gateway") or "")
    kind, label = next(((kind, label) for name, kind, label in _GATEWAYS if gateway == name), ("other", ""))
    return {
        "id": _tail(transaction.get("id")),
        "at": moment(transaction.get("processedAt")),
        "kind": kind,
        "label": label or transaction.get("formattedGateway") or gateway or "Payment",
        "amount": _paid(transaction),
    }


def _exchanged(stated: Decimal, tenders: Sequence[dict[str, Any]], refunds: Sequence[dict[str, Any]]) -> Decimal:
    """Return what of the order was paid with goods that came back: the till puts an exchange's new goods into the same order.

    Such goods are in a refund whose money is less than they are worth; the refund then comes to what they are worth.
    """
    owed, credit = stated - total(one["amount"] for one in tenders), ZERO
    for refund in refunds:
        short = total(line["amount_inc_tax"] for line in refund["lines"]) - refund["amount_inc_tax"]
        taken = min(short, owed - credit)
        if taken > 0 and refund["status"] == "completed":
            money = [{"kind": "other", "label": "Refund", "amount": -refund["amount_inc_tax"]}]
            back = {"kind": "exchange", "label": CREDIT, "amount": -taken}
            refund["tenders"] = [*(money if refund["amount_inc_tax"] else []), back]
            refund["amount_inc_tax"] += taken
            credit += taken
    return credit


def _refund(refund: Document, *, included: bool) -> dict[str, Any]:
    """Money that went back, with the lines that came back; what is neither pending nor failed counts."""
    back = listed(inside(refund, "refundLineItems"), "nodes")
    moves = listed(inside(refund, "transactions"), "nodes")
    states = {str(one.get("status")) for one in moves}
    status = "completed" if not states or "SUCCESS" in states else "pending" if "PENDING" in states else "failed"
    rounded = total(_money(one, "amountRoundingSet") for one in moves)
    return {
        "id": str(refund.get("legacyResourceId") or _tail(refund.get("id"))),
        "at": moment(refund.get("createdAt")),
        "status": status,
        "amount_inc_tax": _money(refund, "totalRefundedSet") + abs(rounded) * (1 if rounded > 0 else -1),
        "amount_tax": total(_money(one, "totalTaxSet") for one in back),
        "lines": [
            {
                "line_id": _tail(inside(one, "lineItem").get("id")),
                "quantity": number(one, "quantity"),
                "amount_inc_tax": _money(one, "subtotalSet") + (ZERO if included else _money(one, "totalTaxSet")),
            }
            for one in back
        ],
        "reason": refund.get("note") or "",
    }


def _register(identifier: object) -> dict[str, str] | None:
    """``801-1-1001`` is location, device and a number."""
    parts = str(identifier or "").split("-")
    return {"id": f"{parts[0]}-{parts[1]}", "name": f"Till {parts[1]}"} if len(parts) == 3 else None


def _people(order: Document) -> dict[str, Any]:
    who = inside(order, "customer")
    email = who.get("email") or order.get("email") or ""
    if not who and not email:
        return {}
    names = {"first_name": who.get("firstName") or "", "last_name": who.get("lastName") or ""}
    customer = {"id": _tail(who.get("id")) or None, **names, "email": email, "phone": who.get("phone") or ""}
    billing = _address(inside(order, "billingAddress"), email)
    return {"customer": customer} | ({"billing": billing} if billing else {})


def _delivery(order: Document) -> dict[str, Any]:
    """Return the way of delivery: an address and goods that are here still are to be sent.

    Without an address they were carried out.
    """
    shipping = _address(inside(order, "shippingAddress"), str(order.get("email") or ""))
    open_lines = any(number(item, "unfulfilledQuantity", ZERO) for item in listed(inside(order, "lineItems"), "nodes"))
    lines = listed(inside(order, "shippingLines"), "nodes")
    if not shipping or not (open_lines or lines):
        return {}
    method = next((str(one.get("title")) for one in lines if one.get("title")), None)
    return {"shipping": shipping, "fulfilment": "ship", "shipping_method": method}


def _address(address: Document, email: str) -> dict[str, str] | None:
    if not address.get("address1"):
        return None
    wanted = {
        "first_name": "firstName",
        "last_name": "lastName",
        "company": "company",
        "street_1": "address1",
        "street_2": "address2",
        "city": "city",
        "state": "province",
        "zip": "zip",
        "country": "countryCodeV2",
        "phone": "phone",
    }
    return {ours: str(address.get(theirs) or "") for ours, theirs in wanted.items()} | {"email": email}
