"""The filters and sort orders that a list of orders takes.

Source: https://developer.bigcommerce.com/docs/rest-management/orders#get-all-orders
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

from syncd.sandbox.answers import invalid

Order = dict[str, Any]
_RANGES = ("id", "total", "date_created", "date_modified")
_EXACTLY = (
    "customer_id",
    "email",
    "status_id",
    "cart_id",
    "payment_method",
    "channel_id",
    "external_order_id",
    "is_deleted",
)
_SHAPE = ("page", "limit", "sort", "include", "consignment_structure")
LIST_PARAMETERS = frozenset((*_EXACTLY, *_SHAPE, *(f"{end}_{name}" for name in _RANGES for end in ("min", "max"))))


def whole(wanted: Mapping[str, str], name: str, default: int) -> int:
    """Return a whole number of a query."""
    try:
        return int(wanted.get(name, default))
    except ValueError:
        raise invalid(name, "must be an integer") from None


def matches(order: Order, wanted: Mapping[str, str]) -> bool:
    """Whether an order fits every filter that the list takes, ids apart."""
    for name in ("customer_id", "status_id", "channel_id", "payment_method", "cart_id"):
        if name in wanted and str(order[name]) != wanted[name]:
            return False
    if "email" in wanted and str(order["billing_address"].get("email", "")).lower() != wanted["email"].lower():
        return False
    if "min_total" in wanted and Decimal(order["total_inc_tax"]) < Decimal(wanted["min_total"]):
        return False
    if "max_total" in wanted and Decimal(order["total_inc_tax"]) > Decimal(wanted["max_total"]):
        return False
    return all(_in_time(order, name, wanted) for name in ("date_created", "date_modified"))


def _in_time(order: Order, name: str, wanted: Mapping[str, str]) -> bool:
    at = sort_key(order, name)
    low, high = wanted.get(f"min_{name}"), wanted.get(f"max_{name}")
    return (not low or at >= _instant(low)) and (not high or at <= _instant(high))


def _instant(text: str) -> float:
    try:
        at = datetime.fromisoformat(text) if "-" in text[:5] else parsedate_to_datetime(text)
    except (TypeError, ValueError):
        raise invalid("date", "must be RFC 2822 or ISO 8601") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def sort_key(order: Order, name: str) -> Any:  # noqa: ANN401  a number or a text, by field
    """Return what a field sorts by: dates by their instant."""
    return _instant(order[name]) if name.startswith("date_") else order[name] or 0
