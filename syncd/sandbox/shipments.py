"""The shipments of an order: made of its lines, changed, taken back; and the taxes of its lines.

Source: https://developer.bigcommerce.com/docs/rest-management/orders/order-shipments and .../order-taxes
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from syncd.sandbox.answers import Refusal, invalid, v2_error
from syncd.sandbox.clock import now_text
from syncd.sandbox.orders import Orders, StoredOrder
from syncd.sandbox.totals import shown

_CHANGEABLE = (
    "tracking_number",
    "tracking_link",
    "shipping_method",
    "shipping_provider",
    "tracking_carrier",
    "comments",
)
_SHIPPED, _PARTIALLY = 2, 3


def create(orders: Orders, kept: StoredOrder, body: Mapping[str, Any]) -> dict[str, Any]:
    """POST: some pieces of some lines leave; the order's status follows."""
    if not isinstance(body.get("order_address_id"), int):
        raise Refusal(v2_error(400, "The required field 'order_address_id' was not supplied."))
    items = body.get("items")
    if not isinstance(items, list) or not items:
        raise Refusal(v2_error(400, "The required field 'items' was not supplied."))
    lines, gone = {line["id"]: line for line in kept.lines}, shipped(kept)
    for item in items:
        line = lines.get(item.get("order_product_id"))
        if line is None or not 1 <= int(item.get("quantity") or 0) <= line["quantity"] - gone[line["id"]]:
            raise invalid("items", "does not belong to this order, or has been shipped already")
    made = {
        "id": max((one["id"] for one in kept.shipments), default=0) + 1,
        "order_id": kept.order["id"],
        "customer_id": kept.order["customer_id"],
        "order_address_id": body["order_address_id"],
        "date_created": now_text(),
        "merchant_shipping_cost": "0.0000",
        **{name: str(body.get(name) or "") for name in _CHANGEABLE},
        "billing_address": kept.order["billing_address"],
        "shipping_address": kept.shipping[0] if kept.shipping else kept.order["billing_address"],
        "items": [_item(lines[item["order_product_id"]], item["quantity"]) for item in items],
    }
    kept.shipments.append(made)
    _follow(orders, kept)
    return made


def _item(line: Mapping[str, Any], quantity: int) -> dict[str, Any]:
    return {"order_product_id": line["id"], "product_id": line["product_id"], "quantity": quantity}


def change(orders: Orders, kept: StoredOrder, number: int, body: Mapping[str, Any]) -> dict[str, Any]:
    """PUT: what is said of a shipment; never its lines."""
    found = one(kept, number)
    found.update({name: str(body[name] or "") for name in _CHANGEABLE if name in body})
    orders.changed(kept)
    return found


def remove(orders: Orders, kept: StoredOrder, number: int | None) -> None:
    """DELETE: one, or all of them; their lines have not left."""
    gone = one(kept, number) if number is not None else None
    kept.shipments[:] = [] if gone is None else [shipment for shipment in kept.shipments if shipment is not gone]
    _follow(orders, kept)


def one(kept: StoredOrder, number: int) -> dict[str, Any]:
    """Return a shipment of an order; a Refusal where there is none."""
    for shipment in kept.shipments:
        if shipment["id"] == number:
            return shipment
    raise Refusal(v2_error(404, "The requested resource was not found."))


def shipped(kept: StoredOrder) -> Counter[int]:
    """How many pieces of each line have left."""
    counted: Counter[int] = Counter()
    for shipment in kept.shipments:
        for item in shipment["items"]:
            counted[item["order_product_id"]] += item["quantity"]
    return counted


def _follow(orders: Orders, kept: StoredOrder) -> None:
    gone = shipped(kept).total()
    kept.order["items_shipped"] = gone
    if gone:
        orders.relabel(kept, _SHIPPED if gone >= kept.order["items_total"] else _PARTIALLY)
    orders.changed(kept)


def taxes(kept: StoredOrder) -> list[dict[str, Any]]:
    """One row for each taxed line; prices that came with the order make the tax an override."""
    rows: list[dict[str, Any]] = []
    for line in kept.lines:
        ex_tax, inc_tax = Decimal(line["total_ex_tax"]), Decimal(line["total_inc_tax"])
        if inc_tax == ex_tax:
            continue
        name = "API Tax Override" if line["overridden"] else "Tax"
        amount = shown(inc_tax - ex_tax)
        rows.append(
            {
                "id": len(rows) + 1,
                "order_id": kept.order["id"],
                "order_address_id": 1,
                "tax_rate_id": 0,
                "tax_class_id": 0,
                "name": name,
                "class": name,
                "rate": shown((inc_tax - ex_tax) / ex_tax * 100) if ex_tax else "0.0000",
                "priority": 1,
                "priority_amount": amount,
                "line_amount": amount,
                "order_product_id": str(line["id"]),
                "line_item_type": "item",
            }
        )
    return rows
