"""A Square order as a canonical order, a reason why it is none, or a reason to come back later. Pure.

Source: https://developer.squareup.com/reference/square/objects/Order and https://developer.squareup.com/docs/orders-api/order-returns-exchanges
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from syncd.canonical import CanonicalOrder
from syncd.sources.records import Document, Excluded, NotReady, ParsedSale, Unreadable, listed, moment
from syncd.sources.square.lines import came_back, charges, rounding, sold
from syncd.sources.square.money import money
from syncd.sources.square.tenders import given_back, paid

_STATUS = {"COMPLETED": "completed", "OPEN": "open", "CANCELED": "voided"}


class SquareLocation(Struct, frozen=True):
    """A location of the account: its name, its zone and its currency."""

    id: str
    name: str
    zone: tzinfo
    currency: str


class SquareReferenceData(Struct, frozen=True):
    """What is known beside the orders themselves, each by its id."""

    places: Mapping[str, SquareLocation]
    variations: Mapping[str, Document] = field(default_factory=dict)
    payments: Mapping[str, Document] = field(default_factory=dict)
    customers: Mapping[str, Document] = field(default_factory=dict)
    team: Mapping[str, str] = field(default_factory=dict)


def is_ready(order: Document) -> bool:
    """Whether the order is whole: right after the payment, its lines may be missing."""
    if order.get("state") != "COMPLETED" or not listed(order, "tenders"):
        return True
    return bool(order.get("line_items") or order.get("returns") or _drawer(order))


def read_order(
    order: Document, around: SquareReferenceData, source: str, leave_out: Sequence[str]
) -> ParsedSale | Excluded | NotReady:
    """Return what an order says.

    Raises:
        Unreadable: it is not what Square's reference says.
        pydantic.ValidationError: the same, of a field.

    """
    made_by = str((order.get("source") or {}).get("name") or "")
    if any(name.casefold() in made_by.casefold() for name in leave_out):
        return Excluded(f"sales made by {made_by}")
    if _drawer(order):
        return Excluded("drawer openings")
    if order.get("state") == "DRAFT":
        return Excluded("drafts")
    if not is_ready(order):
        return NotReady()
    place = around.places.get(str(order.get("location_id")))
    if place is None:
        msg = f"it is of location {order.get('location_id')}, which the account does not list"
        raise Unreadable(msg)
    return _sale(order, around, source, place)


def _drawer(order: Document) -> bool:
    tenders = listed(order, "tenders")
    lines = order.get("line_items") or order.get("returns")
    return bool(tenders) and not lines and all(one.get("type") == "NO_SALE" for one in tenders)


def _sale(order: Document, around: SquareReferenceData, source: str, place: SquareLocation) -> ParsedSale:
    currency = _currency(order, place)
    back = came_back(order, currency, around.variations)
    lines = [*sold(order, currency, around.variations), *back]
    stated, tax = _totals(order, currency, lines)
    tenders = [*paid(order, currency), *given_back(order, currency)]
    payments = [around.payments[one["id"]] for one in tenders if one["id"] in around.payments]
    returns = bool(back) and not order.get("line_items")
    fields: dict[str, Any] = {
        "source": source,
        "sale_id": order.get("id"),
        "number": _receipt(payments),
        "version": str(order["version"]) if "version" in order else None,
        "status": _status(order, tenders, returns=returns),
        "placed_at": _placed(order, tenders, payments).astimezone(place.zone),
        "updated_at": moment(order.get("updated_at")),
        "currency": currency,
        "prices_include_tax": any(one.get("type") == "INCLUSIVE" for one in listed(order, "taxes")),
        "location": {"id": place.id, "name": place.name},
        "lines": lines,
        "fees": charges(order, currency, lines, stated),
        "tenders": tenders,
        "rounding": rounding(order, currency),
        "total_inc_tax": stated,
        "total_tax": tax,
        "extra": _extra(order),
        **_people(order, around, payments),
    }
    if fields["status"] == "open":
        fields["open_kind"] = "parked"
    return ParsedSale(CanonicalOrder.model_validate(fields))


def _currency(order: Document, place: SquareLocation) -> str:
    for name in ("total_money", "net_amount_due_money"):
        found = order.get(name)
        if isinstance(found, Mapping) and found.get("currency"):
            return str(found["currency"])
    return place.currency


def _totals(order: Document, currency: str, lines: Sequence[Mapping[str, Any]]) -> tuple[Decimal, Decimal]:
    """Return what was collected less what was given back; sums of the order itself where nothing came back."""
    net = order.get("net_amounts")
    if isinstance(net, Mapping) and "total_money" in net:
        return money(net, "total_money", currency), money(net, "tax_money", currency)
    if "total_money" in order:
        return money(order, "total_money", currency), money(order, "total_tax_money", currency)
    msg = f"it states no total, and has {len(lines)} lines"
    raise Unreadable(msg)


def _status(order: Document, tenders: Sequence[Mapping[str, Any]], *, returns: bool) -> str:
    """Return the status: a return whose refund is on its way is open still; one whose refund failed gave nothing back."""
    status = _STATUS.get(str(order.get("state")))
    if status is None:
        state = order.get("state")
        msg = f"its state, {str(state)[:40]!r}, is none that Square documents" if state else "it has no state"
        raise Unreadable(msg)
    if returns and status == "completed" and tenders:
        refunds = {one["status"] for one in tenders}
        if "pending" in refunds:
            return "open"
        if refunds <= {"failed"}:
            return "voided"
    return status


def _placed(order: Document, tenders: Sequence[Mapping[str, Any]], payments: Sequence[Document]) -> datetime:
    """When the customer paid, by the till's own clock where it was offline; else when the order was closed or made."""
    offline = [moment((one.get("offline_payment_details") or {}).get("client_created_at")) for one in payments]
    at = max((one for one in offline if one), default=None)
    at = at or max((one["at"] for one in tenders if one["at"] and one["status"] == "captured"), default=None)
    at = at or moment(order.get("closed_at")) or moment(order.get("created_at"))
    if at is None:
        msg = "it has no time"
        raise Unreadable(msg)
    return at


def _receipt(payments: Sequence[Document]) -> str | None:
    return next((str(one["receipt_number"]) for one in payments if one.get("receipt_number")), None)


def _people(order: Document, around: SquareReferenceData, payments: Sequence[Document]) -> dict[str, Any]:
    device: Mapping[str, Any] = next((one["device_details"] for one in payments if one.get("device_details")), {})
    register = device.get("device_id") or device.get("device_name")
    member = next((str(one["team_member_id"]) for one in payments if one.get("team_member_id")), "")
    found: dict[str, Any] = {}
    if register:
        found["register"] = {"id": str(register), "name": str(device.get("device_name") or "")}
    if member:
        found["cashier"] = {"id": member, "name": around.team.get(member, "")}
    if number := order.get("customer_id"):
        found |= _customer(str(number), around.customers.get(str(number)))
    return found


def _customer(number: str, about: Document | None) -> dict[str, Any]:
    if about is None:
        return {"customer": {"id": number}}
    who = {
        "first_name": about.get("given_name") or "",
        "last_name": about.get("family_name") or "",
        "company": about.get("company_name") or "",
        "phone": about.get("phone_number") or "",
        "email": about.get("email_address") or "",
    }
    address = about.get("address")
    if not isinstance(address, Mapping) or not address.get("address_line_1"):
        return {"customer": {"id": number, **who}}
    billing = {
        "street_1": address.get("address_line_1") or "",
        "street_2": address.get("address_line_2") or "",
        "city": address.get("locality") or "",
        "state": address.get("administrative_district_level_1") or "",
        "zip": address.get("postal_code") or "",
        "country": address.get("country") or "",
    }
    return {"customer": {"id": number, **who}, "billing": {**who, **billing}}


def _extra(order: Document) -> dict[str, Any]:
    kept = {
        name: order[name] for name in ("reference_id", "ticket_name", "metadata", "fulfillments") if order.get(name)
    }
    made_by = (order.get("source") or {}).get("name")
    return kept | ({"source": made_by} if made_by else {})
