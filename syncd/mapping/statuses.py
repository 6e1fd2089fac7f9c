"""BigCommerce's order statuses, for people: a number alone says nothing.

Source: https://developer.bigcommerce.com/docs/rest-management/orders#order-status
"""

from __future__ import annotations

_NAMES = (
    "Incomplete",
    "Pending",
    "Shipped",
    "Partially Shipped",
    "Refunded",
    "Cancelled",
    "Declined",
    "Awaiting Payment",
    "Awaiting Pickup",
    "Awaiting Shipment",
    "Completed",
    "Awaiting Fulfillment",
    "Manual Verification Required",
    "Disputed",
    "Partially Refunded",
)


def status_words(number: int) -> str:
    """``Completed (10)``."""
    return f"{_NAMES[number]} ({number})" if 0 <= number < len(_NAMES) else str(number)
