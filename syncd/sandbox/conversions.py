"""Make a draft order of a checkout, and count what the store does once the draft becomes a sale: stock and mails."""

from __future__ import annotations

from typing import Any

from syncd.sandbox.carts import Cart
from syncd.sandbox.checkout_totals import Totals
from syncd.sandbox.orders import Orders, StoredOrder
from syncd.sandbox.totals import shown


def order_body(cart: Cart, totals: Totals) -> dict[str, Any]:
    """Return the order of a checkout as the Orders API would be given it: the store's own prices and totals."""
    lines: list[dict[str, Any]] = []
    for one in totals.items:
        item = one.item
        lines.append(
            {
                "product_id": item.product_id,
                "variant_id": item.variant_id,
                "name": item.name,
                "sku": item.sku,
                "quantity": item.quantity,
                "price_ex_tax": str(one.ex_tax / item.quantity),
                "price_inc_tax": str(one.inc_tax / item.quantity),
                "product_options": [{"id": option, "value": value} for option, value in item.options],
            }
        )
    lines += [
        {
            "name": one["name"],
            "quantity": one["quantity"],
            "price_ex_tax": str(one["amount"]),
            "price_inc_tax": str(one["amount"]),
        }
        for one in cart.certificates
    ]
    body: dict[str, Any] = {
        "status_id": 0,
        "channel_id": cart.channel_id,
        "default_currency_code": cart.currency,
        "billing_address": _as_v2(cart.billing or {}),
        "customer_message": cart.message,
        "subtotal_ex_tax": str(totals.subtotal_ex_tax),
        "subtotal_inc_tax": str(totals.subtotal_ex_tax + totals.tax),
        "total_ex_tax": str(totals.grand_total - totals.tax),
        "total_inc_tax": str(totals.grand_total),
        "shipping_cost_ex_tax": str(totals.shipping),
        "shipping_cost_inc_tax": str(totals.shipping),
        "fees": [
            {
                "type": "custom_fee",
                "display_name_customer": fee["display_name"],
                "display_name_merchant": fee["name"],
                "cost_ex_tax": fee["cost"],
                "cost_inc_tax": fee["cost"],
                "source": fee["source"],
            }
            for fee in cart.fees
        ],
    }
    pickup = next((one["selected_pickup_option"] for one in cart.consignments if "selected_pickup_option" in one), None)
    if pickup is not None:
        return body | {"consignments": {"pickups": [{**pickup, "line_items": lines}]}}
    shipped = [
        {**_as_v2(one["address"]), "shipping_method": one["selected_shipping_option"]["description"]}
        for one in cart.consignments
    ]
    return body | {"products": lines} | ({"shipping_addresses": shipped} if shipped else {})


def _as_v2(address: dict[str, Any]) -> dict[str, Any]:
    named = {
        "street_1": address.get("address1"),
        "street_2": address.get("address2"),
        "city": address.get("city"),
        "state": address.get("state_or_province") or address.get("state_or_province_code"),
        "zip": address.get("postal_code") or "N/A",
        "country_iso2": address.get("country_code"),
    }
    same = {name: address.get(name) for name in ("first_name", "last_name", "company", "phone", "email")}
    return {name: value for name, value in {**same, **named}.items() if value}


def converted(orders: Orders, cart: Cart, totals: Totals) -> StoredOrder:
    """Keep a draft: status 0, no stock taken, no mail sent."""
    kept = orders.draft(order_body(cart, totals), takes_stock=False)
    lowered = "coupon_discount" if cart.coupons else "discount_amount"
    kept.order |= {"cart_id": cart.id, "order_source": "checkout_api", lowered: shown(totals.discount)}
    kept.is_draft = True
    if orders.ways.mail_at == "conversion":
        kept.mails += 1
    return orders.add(kept)
