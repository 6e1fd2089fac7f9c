"""The fields of an order beside its status and its goods: how each is compared, and which way a change of it takes. Pure.

A field is compared by a mark, which is equal for a field as sent and as answered: text without regard to white space, a time as an
instant, an address by its parts. Sources: https://developer.bigcommerce.com/docs/rest-management/orders, "Update an order", and
https://developer.bigcommerce.com/docs/store-operations/orders, "Calculating totals".
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from syncd.mapping.payload import Payload


class Way(StrEnum):
    """How a change of a field reaches an order."""

    PUT = "PUT of the order"
    RECOUNT = "PUT of the order, with all of its totals: the store counts anew"
    FIXED = "none: a remark on the sale"


WAYS: Mapping[str, Way] = {
    "billing_address": Way.RECOUNT,
    "channel_id": Way.PUT,
    "customer_id": Way.PUT,
    "customer_message": Way.PUT,
    "date_created": Way.PUT,
    "delivery": Way.FIXED,
    "payment_method": Way.PUT,
    "shipping_address": Way.RECOUNT,
    "staff_notes": Way.PUT,
}
"""Every field that is compared. ``external_source`` is not: it says how the order came, and never changes."""

FIELDS = tuple(WAYS)
_RECOUNTING = ("billing_address", "shipping_addresses", "products", "consignments", "fees")
_PLACE = (
    "first_name",
    "last_name",
    "company",
    "street_1",
    "street_2",
    "city",
    "state",
    "zip",
    "country_iso2",
    "phone",
    "email",
)


def recounts(body: Mapping[str, Any]) -> bool:
    """Whether a PUT of ``body`` makes the store count the order anew, so that both pairs of totals must go with it."""
    return any(name in body for name in _RECOUNTING) or any(name.startswith("shipping_cost") for name in body)


_ECHOED = ("channel_id", "customer_id", "date_created", "payment_method")


def not_taken(sent: Mapping[str, Any], answered: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields of a request that the order does not show in the answer to it, in words."""
    return tuple(
        f"BigCommerce did not take {SHOWN[name]}"
        for name in _ECHOED
        if name in sent
        and name in answered
        and sent[name] != answered[name]  # most are the same to the letter, and need no mark
        and mark(name, sent[name]) != mark(name, answered[name])
    )


SHOWN = {
    "billing_address": "the billing address",
    "channel_id": "the channel",
    "customer_id": "the customer",
    "customer_message": "the note to the customer",
    "date_created": "the date",
    "payment_method": "the payment method",
    "shipping_address": "the shipping address",
    "staff_notes": "the staff note",
}
"""The fields as people call them."""


def field_of(payload: Payload, name: str) -> Any:  # noqa: ANN401  whatever JSON is there
    """What the payload of a new order says in a field."""
    if name == "shipping_address":
        addresses: Any = payload.get("shipping_addresses") or [None]
        return addresses[0]
    if name == "delivery":
        if payload.get("order_is_digital"):
            return "digital"
        return "pick-up" if "consignments" in payload else "shipping address"
    return payload.get(name)


def delivery_there(fields: Mapping[str, Any]) -> str:
    """How the goods of an order reach the customer, by the order as it was answered."""
    if fields.get("order_is_digital"):
        return "digital"
    return "shipping address" if fields.get("shipping_address_count") else "pick-up"


def mark(name: str, value: Any) -> str:  # noqa: ANN401  whatever JSON is there
    """A digest of one field, equal for a field as sent and as answered."""
    match name:
        case "billing_address":
            return digest(_place(value))
        case "shipping_address":
            return digest([*_place(value), _words(value.get("shipping_method"))]) if isinstance(value, Mapping) else ""
        case "customer_id":
            return digest([str(int(value or 0))])
        case "channel_id":
            return digest([str(int(value or 1))])
        case "date_created":
            return digest([_instant(str(value or ""))])
        case _:
            return digest(str(value or "").split())


def _place(value: Any) -> list[str]:  # noqa: ANN401  an address, or none
    place = value if isinstance(value, Mapping) else {}
    return [_words(place.get(part)) for part in _PLACE]


def _words(value: object) -> str:
    return " ".join(str(value or "").split())


def _instant(text: str) -> str:
    try:
        return str(int(parsedate_to_datetime(text).timestamp()))
    except ValueError:
        return text


def digest(said: list[str]) -> str:
    """16 hex digits."""
    return blake2b("\x1e".join(said).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
