"""Refunds of an order (V3): quotes, records for an offline payment, and the transactions that they make.

Source: https://developer.bigcommerce.com/docs/rest-management/transactions/order-refunds
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from syncd.sandbox.answers import Answer, Refusal, ok, v3_error
from syncd.sandbox.clock import now_iso
from syncd.sandbox.orders import Orders, StoredOrder
from syncd.sandbox.world import Asked

_REFUNDED, _PARTIALLY = 4, 14


def respond(orders: Orders, asked: Asked, parts: Sequence[str]) -> Answer:
    """Return the answer to a request under ``/v3/orders/``."""
    match asked.method, parts:
        case "POST", [number, "payment_actions", "refund_quotes"] if number.isdigit():
            return quote(_kept(orders, number), asked.json(), orders.ways.refund_ways)
        case "POST", [number, "payment_actions", "refunds"] if number.isdigit():
            return refund(orders, _kept(orders, number), asked.json())
        case "GET", ["payment_actions", "refunds"]:
            return _all(orders, asked)
        case "GET", [number, "payment_actions", "refunds"] if number.isdigit():
            return ok({"data": _kept(orders, number).refunds, "meta": {}})
        case "GET", [number, "transactions"] if number.isdigit():
            return ok({"data": _transactions(_kept(orders, number)), "meta": {}})
    return v3_error(404, "Not found.")


def _all(orders: Orders, asked: Asked) -> Answer:
    """Every refund of the store, by id; of some orders. An order in which to list them is refused, as was seen of a live store."""
    if orders.ways.refund_list == "missing":
        return v3_error(404, "Not found.")
    if "sort" in asked.query:
        raise Refusal(v3_error(422, "The filter(s): sort are not valid filter parameter(s)."))
    wanted = asked.codes("order_id")
    found = [
        one for kept in orders.kept.values() for one in kept.refunds if wanted is None or str(one["order_id"]) in wanted
    ]
    if since := asked.query.get("created:min"):
        at = datetime.fromisoformat(since)
        found = [one for one in found if datetime.fromisoformat(one["created"]) >= at]
    found.sort(key=lambda one: int(one["id"]))
    start, limit = asked.slice(orders.ways)
    return ok({"data": found[start : start + limit], "meta": {}})  # the reference shows no paging in it


def quote(kept: StoredOrder, body: Mapping[str, Any], offered: str = "custom") -> Answer:
    """Return what the items would come to, and the ways.

    Of an order that was paid elsewhere, offline (see ``Ways.refund_ways``).
    """
    amount = _asked_for(kept, body)
    way = {
        "provider_id": "custom",
        "provider_description": kept.order["payment_method"] or "Custom",
        "amount": float(amount),
        "offline": True,
        "offline_provider": False,
        "offline_reason": "The payment was taken outside the store.",
    }
    credit = way | {"provider_id": "storecredit", "provider_description": "Store Credit", "offline_reason": ""}
    ways = {"custom": [[way]], "store credit first": [[credit], [way]], "none": []}
    data = {
        "order_id": kept.order["id"],
        "total_refund_amount": float(amount),
        "total_refund_tax_amount": 0.0,
        "rounding": 0,
        "adjustment": 0,
        "tax_inclusive": False,
        "refund_methods": ways[offered],
    }
    return ok({"data": data, "meta": {}}, 201)


def refund(orders: Orders, kept: StoredOrder, body: Mapping[str, Any]) -> Answer:
    """Return a refund record; the order's status follows it."""
    calculated = _asked_for(kept, body)
    override = body.get("merchant_calculated_override") or {}
    amount = Decimal(str(override.get("total_amount", calculated)))
    payments = body.get("payments") or []
    if sum((Decimal(str(payment.get("amount", 0))) for payment in payments), Decimal(0)) != amount:
        raise _invalid("payments", "must come to the refund's total")
    if amount <= 0 or amount > _left(kept):
        raise _invalid("amount", f"must lie between 0 and {_left(kept)}")
    orders.newest_refund += 1
    number = orders.newest_refund
    made = {
        "id": number,
        "order_id": kept.order["id"],
        "user_id": 1,
        "created": now_iso(),
        "reason": "",
        "total_amount": float(amount),
        "total_tax": float(override.get("total_tax", 0)),
        "uses_merchant_override_values": bool(override),
        "items": [_item(item) for item in body.get("items") or ()],
        "payments": [_payment(number, place, payment) for place, payment in enumerate(payments, start=1)],
    }
    kept.refunds.append(made)
    whole = kept.refunded >= Decimal(kept.order["total_inc_tax"])
    orders.relabel(kept, _REFUNDED if whole else _PARTIALLY)
    _count_back(kept, body.get("items") or ())
    orders.changed(kept)
    return ok({"data": made, "meta": {}}, 201)


def _kept(orders: Orders, number: str) -> StoredOrder:
    kept = orders.kept.get(int(number))
    if kept is None:
        raise Refusal(v3_error(404, "The order was not found."))
    return kept


def _left(kept: StoredOrder) -> Decimal:
    return Decimal(kept.order["total_inc_tax"]) - kept.refunded


def _asked_for(kept: StoredOrder, body: Mapping[str, Any]) -> Decimal:
    items = body.get("items")
    if not isinstance(items, list) or not items:
        raise _invalid("items", "is required")
    amount = sum((_worth(kept, item) for item in items), Decimal(0))
    if amount > _left(kept):
        raise _invalid("items", f"come to more than the {_left(kept)} that are left")
    return amount


def _worth(kept: StoredOrder, item: Mapping[str, Any]) -> Decimal:
    if item.get("item_type") == "PRODUCT":
        line = next((line for line in kept.lines if line["id"] == item.get("item_id")), None)
        if line is None:
            raise _invalid("item_id", "is no product of this order")
        left = line["quantity"] - kept.returned.get(str(line["id"]), 0)
        if not 1 <= int(item.get("quantity") or 0) <= left:
            raise _invalid("quantity", f"must lie between 1 and {left}")
        return min(Decimal(line["price_inc_tax"]) * int(item["quantity"]), _left(kept))
    if item.get("item_type") != "ORDER" or item.get("item_id") != kept.order["id"]:
        raise _invalid("item_id", "is no item of this order")
    return Decimal(str(item.get("amount", 0)))


def _count_back(kept: StoredOrder, items: Sequence[Mapping[str, Any]]) -> None:
    for item in items:
        if item.get("item_type") == "PRODUCT":
            line = str(item["item_id"])
            kept.returned[line] = kept.returned.get(line, 0) + int(item["quantity"])


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    said = {name: item[name] for name in ("item_type", "item_id", "reason", "quantity") if name in item}
    return said | ({"requested_amount": item["amount"]} if "amount" in item else {})


def _payment(number: int, place: int, payment: Mapping[str, Any]) -> dict[str, Any]:
    plain = {"is_declined": False, "declined_message": "", "transaction_id": f"{number}-{place}"}
    said = {name: payment[name] for name in ("provider_id", "amount", "offline") if name in payment}
    return {"id": number * 10 + place, **said, **plain}


def _transactions(kept: StoredOrder) -> list[dict[str, Any]]:
    return [
        {
            "id": payment["id"],
            "order_id": str(kept.order["id"]),
            "event": "refund",
            "method": "custom",
            "amount": payment["amount"],
            "currency": kept.order["currency_code"],
            "gateway": "custom",
            "date_created": made["created"],
            "status": "ok",
        }
        for made in kept.refunds
        for payment in made["payments"]
    ]


def _invalid(name: str, words: str) -> Refusal:
    return Refusal(v3_error(422, f"The refund is not valid: {name} {words}.", {name: words}))
