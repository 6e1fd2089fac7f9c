"""What BigCommerce demands of an order, as refusals with its own words and status codes.

Source: https://developer.bigcommerce.com/docs/rest-management/orders and its OpenAPI file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

from syncd.sandbox.answers import Refusal, invalid, v2_error
from syncd.sandbox.catalog import Catalog
from syncd.sandbox.totals import number, shown

STATUSES = {
    0: "Incomplete",
    1: "Pending",
    2: "Shipped",
    3: "Partially Shipped",
    4: "Refunded",
    5: "Cancelled",
    6: "Declined",
    7: "Awaiting Payment",
    8: "Awaiting Pickup",
    9: "Awaiting Shipment",
    10: "Completed",
    11: "Awaiting Fulfillment",
    12: "Manual Verification Required",
    13: "Disputed",
    14: "Partially Refunded",
}
READ_ONLY = {
    "id",
    "external_id",
    "cart_id",
    "currency_id",
    "currency_code",
    "currency_exchange_rate",
    "coupon_discount",
    "status",
    "date_modified",
    "date_shipped",
    "total_tax",
    "subtotal_tax",
    "is_deleted",
    "payment_status",
}
_LONGEST = {"staff_notes": 65_535, "customer_message": 65_535, "external_order_id": 255, "external_source": 255}
_LONGEST_NAME = 250


def check_head(body: Mapping[str, Any], channels: Mapping[int, Any]) -> None:
    """The fields of the order itself."""
    for name in READ_ONLY & body.keys():
        raise Refusal(
            v2_error(400, f"The field '{name}' is not supported by this resource.", {"invalid_reason": "read only"})
        )
    for name, longest in _LONGEST.items():
        if len(str(body.get(name) or "")) > longest:
            raise invalid(name, f"must be at most {longest} characters")
    if "status_id" in body and body["status_id"] not in STATUSES:
        raise invalid("status_id", "is not a valid order status")
    if "channel_id" in body and body["channel_id"] not in channels:
        raise invalid("channel_id", "is not a valid channel")
    if body.get("date_created"):
        check_date(str(body["date_created"]))


def check_currency(body: Mapping[str, Any], currencies: Sequence[str]) -> None:
    """The currency that an order is in is one that the store takes."""
    wanted = body.get("default_currency_code")
    if wanted is not None and wanted not in currencies:
        raise invalid("default_currency_code", "is not a currency of this store")


def check_date(text: str) -> None:
    """RFC 2822, as the API wants it."""
    try:
        parsedate_to_datetime(text)
    except (TypeError, ValueError):
        raise invalid("date_created", "must be an RFC 2822 date") from None


def check_address(address: object, name: str) -> dict[str, Any]:
    """An address with its ZIP."""
    if not isinstance(address, Mapping):
        raise Refusal(v2_error(400, f"The required field '{name}' was not supplied."))
    if len(str(address.get("zip") or "").strip()) < 2:
        raise invalid(f"{name}.zip", "must be at least 2 characters")
    return dict(address)


def check_goods(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The lines of ``products`` or of a pick-up consignment; never both."""
    products, consignments = body.get("products"), body.get("consignments")
    if products and consignments:
        raise Refusal(v2_error(400, "Only one of 'products' and 'consignments' may be supplied."))
    if consignments and body.get("shipping_addresses"):
        raise Refusal(v2_error(400, "'shipping_addresses' may not be supplied with 'consignments'."))
    if consignments:
        products = _pickup_lines(consignments)
    if not isinstance(products, list) or not products:
        raise Refusal(v2_error(400, "The required field 'products' was not supplied."))
    if not all(isinstance(line, Mapping) for line in products):
        raise invalid("products", "must be a list of objects")
    return products


def _pickup_lines(consignments: object) -> object:
    pickups = consignments.get("pickups") if isinstance(consignments, Mapping) else None
    if not isinstance(pickups, list) or len(pickups) != 1 or not isinstance(pickups[0], Mapping):
        raise invalid("consignments", "exactly one pick-up is supported")
    if not isinstance(pickups[0].get("pickup_method_id"), int):
        raise invalid("pickup_method_id", "is required")
    return pickups[0].get("line_items")


def check_line(line: Mapping[str, Any], catalog: Catalog) -> dict[str, Any]:
    """One product line, priced; ``product_id`` 0 is a custom one."""
    quantity = line.get("quantity")
    if not isinstance(quantity, int) or isinstance(quantity, bool) or not quantity:
        raise invalid("quantity", "must be a whole number other than 0")
    prices = [line.get("price_ex_tax"), line.get("price_inc_tax")]
    if (prices[0] is None) != (prices[1] is None):
        raise invalid("price_inc_tax", "price_ex_tax and price_inc_tax must be given together")
    if "product_id" in line:
        product, variant = _product(line, catalog)
    elif not line.get("name") or prices[0] is None:
        raise invalid("products", "a custom product needs name, quantity, price_inc_tax and price_ex_tax")
    else:
        product, variant = {}, {}
    name = str(line.get("name") or product.get("name"))
    if len(name) > _LONGEST_NAME:
        raise invalid("name", f"must be at most {_LONGEST_NAME} characters")
    list_price = str(product.get("price", 0))
    ex_tax, inc_tax = (number(line, f"price_{side}", list_price) for side in ("ex_tax", "inc_tax"))
    if ex_tax < 0 or inc_tax < 0:
        raise invalid("price_ex_tax", "must not be negative")
    return {
        "product_id": product.get("id", 0),
        "variant_id": variant.get("id", 0),
        "name": name,
        "sku": str(variant.get("sku") or line.get("sku") or ""),
        "upc": str(variant.get("upc") or line.get("upc") or ""),
        "type": product.get("type", "physical"),
        "product_options": [{"id": o["id"], "value": str(o["value"])} for o in line.get("product_options") or ()],
        "quantity": quantity,
        "price_ex_tax": shown(ex_tax),
        "price_inc_tax": shown(inc_tax),
        "total_ex_tax": shown(ex_tax * quantity),
        "total_inc_tax": shown(inc_tax * quantity),
    }


def _product(line: Mapping[str, Any], catalog: Catalog) -> tuple[dict[str, Any], dict[str, Any]]:
    product = catalog.products.get(line["product_id"])
    if product is None:
        raise invalid("product_id", f"product {line['product_id']} does not exist")
    said = {option["id"]: str(option["value"]) for option in line.get("product_options") or ()}
    variant = _variant(catalog.of_product[product["id"]], line.get("variant_id"), said)
    known = {value["option_id"] for one in catalog.of_product[product["id"]] for value in one["option_values"]}
    if strange := said.keys() - known - {modifier["id"] for modifier in product["modifiers"]}:
        raise invalid("product_options", f"option {min(strange)} does not belong to the product")
    for modifier in product["modifiers"]:
        value, choices = said.get(modifier["id"]), modifier.get("option_values") or ()
        if not value and modifier["required"]:
            raise invalid("product_options", f"the required option {modifier['display_name']} is missing")
        if value and choices and value not in {str(choice["id"]) for choice in choices}:
            raise invalid("product_options", f"{value} is no choice of {modifier['display_name']}")
    return product, variant


def _variant(variants: Sequence[dict[str, Any]], number: int | None, said: Mapping[int, str]) -> dict[str, Any]:
    """The variant that a line names: by its id, by its options, or the only one that there is."""
    if number:
        found = [variant for variant in variants if variant["id"] == number]
        if not found:
            raise invalid("variant_id", "does not belong to the product")
        return found[0]
    if len(variants) == 1:
        return variants[0]
    for variant in variants:
        if all(said.get(value["option_id"]) == str(value["id"]) for value in variant["option_values"]):
            return variant
    raise invalid("product_options", "the product has variants: variant_id or product_options is required")


def check_fees(fees: object) -> list[dict[str, Any]]:
    """Custom fees: a display name, and two of three costs."""
    if fees is None:
        return []
    if not isinstance(fees, list):
        raise invalid("fees", "must be a list")
    return [_fee(place, fee) for place, fee in enumerate(fees, start=1)]


def _fee(place: int, fee: Mapping[str, Any]) -> dict[str, Any]:
    if fee.get("type") != "custom_fee":
        raise invalid("fees.type", "must be custom_fee")
    if not (fee.get("display_name_customer") or fee.get("display_name_merchant")):
        raise invalid("fees", "a display name is required")
    given = [name for name in ("cost_ex_tax", "cost_inc_tax", "cost_tax") if fee.get(name) is not None]
    if len(given) < 2:
        raise invalid("fees", "two of cost_ex_tax, cost_inc_tax and cost_tax are required")
    ex_tax, inc_tax, tax = (number(fee, name) for name in ("cost_ex_tax", "cost_inc_tax", "cost_tax"))
    if "cost_ex_tax" not in given:
        ex_tax = inc_tax - tax
    elif "cost_inc_tax" not in given:
        inc_tax = ex_tax + tax
    return {
        "id": place,
        "type": "custom_fee",
        "display_name_customer": str(fee.get("display_name_customer") or fee["display_name_merchant"]),
        "display_name_merchant": str(fee.get("display_name_merchant") or fee["display_name_customer"]),
        "source": str(fee.get("source") or ""),
        "tax_class_id": fee.get("tax_class_id"),
        "base_cost": shown(ex_tax),
        "cost_ex_tax": shown(ex_tax),
        "cost_inc_tax": shown(inc_tax),
        "cost_tax": shown(inc_tax - ex_tax),
    }


def digital(lines: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> bool:
    """Whether an order needs no delivery."""
    return bool(body.get("order_is_digital")) or all(line["type"] == "digital" for line in lines)
