"""What a store says of itself: name, clock, channels.

Source: https://developer.bigcommerce.com/docs/rest-management/store-information and .../channels
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from syncd.bigcommerce.api import Api
from syncd.errors import StoreUnavailable


class StoreInfo(Struct, frozen=True):
    """The store's name, domain, currency and plan."""

    name: str
    domain: str
    currency: str
    plan: str
    prices_include_tax: bool | None = None


class TaxClass(Struct, frozen=True):
    """A tax class of the store."""

    id: int
    name: str


class Currency(Struct, frozen=True):
    """A currency of the store: its ISO 4217 code, how many places the store gives it, and whether it is the store's own."""

    code: str
    decimal_places: int
    is_default: bool


class Channel(Struct, frozen=True):
    """A channel that orders can belong to."""

    id: int
    name: str
    status: str


class StoreClient:
    """One store's own pages."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def store(self) -> StoreInfo:
        """GET /v2/store."""
        said = self._api.get("/v2/store")
        return StoreInfo(
            str(said.get("name") or "a store without a name"),
            str(said.get("domain") or ""),
            str(said.get("currency") or ""),
            str(said.get("plan_name") or ""),
            included if isinstance(included := said.get("is_price_entered_with_tax"), bool) else None,
        )

    def tax_classes(self) -> list[TaxClass]:
        """GET /v2/tax_classes; none where the list is barred.

        Source: https://developer.bigcommerce.com/docs/rest-management/tax-classes
        """
        listed = self._api.get("/v2/tax_classes", missing_ok=True)
        rows = [item for item in listed or () if isinstance(item, Mapping) and isinstance(item.get("id"), int)]
        return [TaxClass(item["id"], str(item.get("name") or "")) for item in rows]

    def currencies(self) -> list[Currency]:
        """GET /v2/currencies: the currencies that orders may be in, the store's own first; none where the list names no own one.

        Source: https://developer.bigcommerce.com/docs/rest-management/currencies
        """
        listed = self._api.get("/v2/currencies", missing_ok=True)
        found = [
            Currency(str(item["currency_code"]), int(item.get("decimal_places") or 0), bool(item.get("is_default")))
            for item in listed or ()
            if isinstance(item, Mapping) and item.get("currency_code") and item.get("enabled", True)
        ]
        if len(found) > 1 and not any(one.is_default for one in found):
            return []
        return sorted(found, key=lambda one: not one.is_default)

    def time(self) -> datetime:
        """GET /v2/time: the platform's clock, aware."""
        said = self._api.get("/v2/time")
        try:
            return datetime.fromtimestamp(int(said["time"]), UTC)
        except (KeyError, TypeError, ValueError) as error:
            raise StoreUnavailable(f"/v2/time says {str(said)[:80]!r}, which is no time") from error

    def settings(self, name: str) -> Mapping[str, Any]:
        """GET /v3/settings/``name``: ``inventory`` (what an order does to stock) or ``email-statuses`` (which mails go out)."""
        said = self._api.get(f"/v3/settings/{name}", missing_ok=True)
        data = said.get("data") if isinstance(said, Mapping) else None
        return data if isinstance(data, Mapping) else {}

    def tax_settings(self) -> Mapping[str, Any]:
        """GET /v3/tax/settings: the tax provider, and when it gets a document for an order."""
        return self._page("/v3/tax/settings")

    def order_settings(self) -> Mapping[str, Any]:
        """GET /v3/orders/settings: who gets a mail for each new order."""
        return self._page("/v3/orders/settings")

    def locations(self) -> Mapping[str, Any]:
        """GET /v3/inventory/locations: under ``locations``, those that the token may see."""
        said = self._api.get("/v3/inventory/locations", missing_ok=True)
        rows = said.get("data") if isinstance(said, Mapping) else None
        return {"locations": [one for one in rows or () if isinstance(one, Mapping)]}

    def cart_settings(self) -> Mapping[str, Any]:
        """GET /v3/carts/settings: whether shoppers may buy (``allow_purchasing``)."""
        return self._page("/v3/carts/settings")

    def abandoned_cart_settings(self) -> Mapping[str, Any]:
        """GET /v3/abandoned-carts/settings: whether shoppers are mailed about carts (``enable_notification``)."""
        return self._page("/v3/abandoned-carts/settings")

    def promotion_settings(self) -> Mapping[str, Any]:
        """GET /v3/promotions/settings: whether promotions apply to lines whose price was set by an API."""
        return self._page("/v3/promotions/settings")

    def pickup_methods(self) -> list[int]:
        """GET /v3/pickup/methods: the ids of the pick-up methods.

        Source: https://developer.bigcommerce.com/docs/rest-management/pickup/methods
        """
        return [int(one["id"]) for page in self._api.pages("/v3/pickup/methods", {}) for one in page]

    def _page(self, path: str) -> Mapping[str, Any]:
        said = self._api.get(path, missing_ok=True)
        data = said.get("data", said) if isinstance(said, Mapping) else None
        return data if isinstance(data, Mapping) else {}

    def channels(self) -> list[Channel]:
        """GET /v3/channels."""
        pages = self._api.pages("/v3/channels", {})
        return [
            Channel(int(item["id"]), str(item.get("name") or ""), str(item.get("status") or ""))
            for page in pages
            for item in page
        ]
