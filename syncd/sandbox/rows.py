"""The rows of an order's sub-resources, as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from syncd.sandbox.totals import shown


def product_row(order: Mapping[str, Any], returned: Mapping[str, int], line: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line as ``/orders/{id}/products`` shows it; ``returned`` is how much of each line came back."""
    taxes = {
        f"{n}_tax": shown(Decimal(line[f"{n}_inc_tax"]) - Decimal(line[f"{n}_ex_tax"])) for n in ("price", "total")
    }
    side = "inc_tax" if order["is_tax_inclusive_pricing"] else "ex_tax"
    base = {"base_price": line[f"price_{side}"], "base_total": line[f"total_{side}"], "name_customer": line["name"]}
    back = returned.get(str(line["id"]), 0)
    rest = {
        "order_id": order["id"],
        "name_merchant": line["name"],
        "quantity_shipped": 0,
        "quantity_refunded": back,
        "is_refunded": back >= line["quantity"],
    }
    more = {
        "weight": "0.0000",
        "applied_discounts": [],
        "product_options": [
            {"id": place, "option_id": option["id"], "product_option_id": option["id"], "value": option["value"]}
            for place, option in enumerate(line["product_options"], start=1)
        ],
        "return_id": 0,
        "refund_amount": "0.0000",
        "external_id": "",
        "option_set_id": None,
        "event_name": None,
        "parent_order_product_id": None,
        "gift_certificate_id": None,
        "order_pickup_method_id": 0,
    }
    return {**taxes, **{name: value for name, value in line.items() if name != "overridden"}, **base, **rest, **more}


def shipping_row(order: Mapping[str, Any], address: Mapping[str, Any]) -> dict[str, Any]:
    """Return an address as ``/orders/{id}/shipping_addresses`` shows it."""
    plain = {"company": "", "street_2": "", "phone": "", "email": "", "form_fields": []}
    cost = {f"cost_{part}": order[f"shipping_cost_{part}"] for part in ("ex_tax", "inc_tax", "tax")}
    counts = {"order_id": order["id"], "items_total": order["items_total"], "items_shipped": 0}
    return {
        **plain,
        **address,
        **cost,
        **counts,
        "cost_tax_class_id": 0,
        "shipping_zone_id": 0,
        "shipping_zone_name": "",
    }
