"""What BigCommerce demands of an order, as refusals with its own words and status codes.

Source: https://developer.bigcommerce.com/docs/rest-management/orders and its OpenAPI file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from syncd.sandbox.answers import Refusal, invalid, v2_error
from syncd.sandbox.totals import amount, shown

_EMAIL = re.compile(r"[^@\s,;!#?$%^&*()~]+@[^@\s,;!#?$%^&*()~]+")
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
_LIVE_CHANNELS = ("active", "prelaunch", "connected")
READ_ONLY = (
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
    "payment_status",
)
KNOWN = frozenset(
    (
        *(
            "products",
            "consignments",
            "billing_address",
            "shipping_addresses",
            "fees",
            "discount_amount",
            "date_created",
        ),
        *("customer_message", "staff_notes", "payment_method", "payment_provider_id", "external_source", "is_deleted"),
        *("external_order_id", "external_merchant_id", "channel_id", "customer_id", "status_id", "ip_address"),
        *(
            "ip_address_v6",
            "geoip_country",
            "geoip_country_iso2",
            "customer_locale",
            "tax_provider_id",
            "ebay_order_id",
        ),
        *("base_handling_cost", "base_shipping_cost", "base_wrapping_cost", "order_is_digital", "items_total"),
        *("default_currency_code", "items_shipped", "refunded_amount", "is_email_opt_in", "credit_card_type"),
        *(f"{name}_{side}" for name in ("subtotal", "total") for side in ("ex_tax", "inc_tax")),
        *(f"{c}_cost_{side}" for c in ("shipping", "handling", "wrapping") for side in ("ex_tax", "inc_tax")),
    )
)
_LONGEST = {"staff_notes": 65_535, "customer_message": 65_535, "external_order_id": 255, "external_source": 255}


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the store has that an order may name: its channels, its customers, its currencies; which fields it refuses."""

    channels: Mapping[int, Mapping[str, Any]]
    currencies: Sequence[str]
    has_customer: Callable[[int], bool]
    refuses_field: Callable[[str], bool] = lambda _: False


def check_head(body: Mapping[str, Any], allowed: Allowed) -> None:
    """Check the fields of the order itself."""
    for name in READ_ONLY:
        if name in body:
            words = f"The field '{name}' cannot be written to. Please remove it from your request before trying again."
            raise Refusal(v2_error(400, words))
    if strange := sorted(filter(allowed.refuses_field, body)):
        raise Refusal(v2_error(400, f"The field '{strange[0]}' is not supported by this resource."))
    for name, longest in _LONGEST.items():
        if len(str(body.get(name) or "")) > longest:
            raise invalid(name, f"must be at most {longest} characters")
    if "status_id" in body and body["status_id"] not in STATUSES:
        raise invalid("status_id", "is not a valid order status")
    if body.get("date_created"):
        check_date(str(body["date_created"]))
    for name, right in (("order_is_digital", bool), ("items_shipped", int)):
        if name in body and not isinstance(body[name], right):
            raise invalid(name, "is of the wrong type")
    _check_named(body, allowed)


def _check_named(body: Mapping[str, Any], allowed: Allowed) -> None:
    """Check that the channel, the customer and the currency are the store's own."""
    if "channel_id" in body:
        channel = allowed.channels.get(body["channel_id"])
        if channel is None or channel.get("status", "active") not in _LIVE_CHANNELS:
            raise invalid("channel_id", "is missing or disconnected")
    customer = body.get("customer_id")
    if customer is not None and (
        not isinstance(customer, int) or isinstance(customer, bool) or (customer and not allowed.has_customer(customer))
    ):
        raise Refusal(v2_error(400, "The field 'customer_id' is invalid."))
    wanted = body.get("default_currency_code")
    if wanted is not None and wanted not in allowed.currencies:
        raise invalid("default_currency_code", "is not a currency of this store")


def check_date(text: str) -> None:
    """RFC 2822, as the API wants it."""
    try:
        parsedate_to_datetime(text)
    except (TypeError, ValueError):
        raise invalid("date_created", "must be an RFC 2822 date") from None


def check_address(address: object, name: str) -> dict[str, Any]:
    """Return an address with its ZIP, a country, no state that is null, and an e-mail address that is one or empty.

    What no field says may be left out; what is said must not be empty for the country (its code does not help then).
    """
    if address is None:
        raise Refusal(v2_error(400, f"The required field '{name}' was not supplied."))
    if not isinstance(address, Mapping):
        raise Refusal(v2_error(400, f"The field '{name}' is invalid."))
    for part in ("country", "country_iso2"):
        if part in address and (not isinstance(address[part], str) or not address[part].strip()):
            raise Refusal(v2_error(400, f"The field '{part}' is invalid."))
    if "country" not in address and "country_iso2" not in address:
        why = {"invalid_reason": f"{name.removesuffix('es').replace('_', ' ').capitalize()} country not supplied."}
        raise Refusal(v2_error(400, f"The field '{name}.country' is invalid.", why))
    if "state" in address and address["state"] is None:
        raise Refusal(v2_error(400, "The field 'state' does not allow null values."))
    if (email := address.get("email")) and not _EMAIL.fullmatch(str(email)):
        raise Refusal(v2_error(400, "The field 'email' is invalid."))
    if len(str(address.get("zip") or "").strip()) < 2:
        raise invalid(f"{name}.zip", "must be at least 2 characters")
    return dict(address)


def check_goods(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the lines of ``products`` or of a pick-up consignment; never both."""
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


_LOCATION = {"code": 50, "postal_code": 50, "country_alpha2": 2, "phone": 125}


def _pickup_lines(consignments: object) -> object:
    pickups = consignments.get("pickups") if isinstance(consignments, Mapping) else None
    if not isinstance(pickups, list) or len(pickups) != 1 or not isinstance(pickups[0], Mapping):
        raise invalid("consignments", "exactly one pick-up is supported")
    if not isinstance(pickups[0].get("pickup_method_id"), int):
        raise invalid("pickup_method_id", "is required")
    location = pickups[0].get("location")
    for name, text in (location if isinstance(location, Mapping) else {}).items():
        most = _LOCATION.get(name, 255)
        if len(str(text)) > most:
            raise invalid(f"consignments.pickups.location.{name}", f"must be at most {most} characters")
    return pickups[0].get("line_items")


def check_fees(fees: object) -> list[dict[str, Any]]:
    """Check custom fees: a display name, and two of three costs."""
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
    ex_tax, inc_tax, tax = (amount(fee, name) for name in ("cost_ex_tax", "cost_inc_tax", "cost_tax"))
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
