"""BigCommerce's API as syncd needs it. Knows nothing of sales, the ledger or any POS.

A config needs the settings of a connection, and none of what talks HTTP: the names are loaded when they are asked for.
"""

from typing import TYPE_CHECKING

from syncd.late import late_names

if TYPE_CHECKING:
    from syncd.bigcommerce.api import Api
    from syncd.bigcommerce.catalog import CatalogClient, CatalogVariant, ProductPage
    from syncd.bigcommerce.client import FilterBroken, OrdersClient, RemoteOrder, Sending, written
    from syncd.bigcommerce.connection import store_wire
    from syncd.bigcommerce.customers import CustomersClient, NewCustomer
    from syncd.bigcommerce.governor import QuotaGovernor
    from syncd.bigcommerce.outcome import (
        Accepted,
        Barred,
        NotSent,
        Outcome,
        Refused,
        Reply,
        Shortage,
        Throttled,
        Unknown,
    )
    from syncd.bigcommerce.store import StoreClient

__all__ = [
    "Accepted",
    "Api",
    "Barred",
    "CatalogClient",
    "CatalogVariant",
    "CustomersClient",
    "FilterBroken",
    "NewCustomer",
    "NotSent",
    "OrdersClient",
    "Outcome",
    "ProductPage",
    "QuotaGovernor",
    "Refused",
    "RemoteOrder",
    "Reply",
    "Sending",
    "Shortage",
    "StoreClient",
    "Throttled",
    "Unknown",
    "store_wire",
    "written",
]

__getattr__ = late_names(
    __name__,
    {
        "api": ("Api",),
        "catalog": (
            "CatalogClient",
            "CatalogVariant",
            "ProductPage",
        ),
        "client": (
            "FilterBroken",
            "OrdersClient",
            "RemoteOrder",
            "Sending",
            "written",
        ),
        "customers": (
            "CustomersClient",
            "NewCustomer",
        ),
        "governor": ("QuotaGovernor",),
        "outcome": (
            "Accepted",
            "Barred",
            "NotSent",
            "Outcome",
            "Refused",
            "Reply",
            "Shortage",
            "Throttled",
            "Unknown",
        ),
        "store": ("StoreClient",),
        "connection": ("store_wire",),
    },
)
