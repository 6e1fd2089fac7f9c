"""BigCommerce's API as syncd needs it. Knows nothing of sales, the ledger or any POS.

Its names are loaded when they are first asked for: a config needs the settings of a connection, and none of what talks HTTP.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncd.bigcommerce.api import Api
    from syncd.bigcommerce.catalog import CatalogClient, CatalogVariant, ProductPage
    from syncd.bigcommerce.client import FilterBroken, OrdersClient, RemoteOrder, Sending, written
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
    from syncd.bigcommerce.wire import Wire

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
    "Wire",
    "written",
]

_WHERE = {
    "Accepted": "outcome",
    "Api": "api",
    "Barred": "outcome",
    "CatalogClient": "catalog",
    "CatalogVariant": "catalog",
    "CustomersClient": "customers",
    "FilterBroken": "client",
    "NewCustomer": "customers",
    "NotSent": "outcome",
    "OrdersClient": "client",
    "Outcome": "outcome",
    "ProductPage": "catalog",
    "QuotaGovernor": "governor",
    "Refused": "outcome",
    "RemoteOrder": "client",
    "Reply": "outcome",
    "Sending": "client",
    "Shortage": "outcome",
    "StoreClient": "store",
    "Throttled": "outcome",
    "Unknown": "outcome",
    "Wire": "wire",
    "written": "client",
}


def __getattr__(name: str) -> object:
    """Load a name of this package (PEP 562)."""
    if name not in _WHERE:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
