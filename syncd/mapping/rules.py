"""The rules of a store that the mapper follows: what shops differ in, from ``[stores.<name>]`` in the config."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from syncd.canonical.order import SaleStatus

# https://developer.bigcommerce.com/docs/rest-management/orders/order-status: 10 Completed, 5 Cancelled, 4 Refunded,
# 14 Partially Refunded, 7 Awaiting Payment.
_STATUS = {
    SaleStatus.COMPLETED: 10,
    SaleStatus.OPEN: 7,
    SaleStatus.VOIDED: 5,
    SaleStatus.REFUNDED: 4,
    SaleStatus.PARTIALLY_REFUNDED: 14,
}


class DefaultAddress(BaseModel):
    """The address that a walk-in's order carries: usually the shop's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first_name: Annotated[str, Field(min_length=1)] = "In-store"
    last_name: Annotated[str, Field(min_length=1)] = "Customer"
    company: str = ""
    street_1: Annotated[str, Field(min_length=1)]
    street_2: str = ""
    city: Annotated[str, Field(min_length=1)]
    state: str = ""
    zip: Annotated[str, Field(min_length=2)]
    country_iso2: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    phone: str = ""
    email: str = ""


class LocationRules(BaseModel):
    """What one shop location does otherwise; keyed by the location's id or name in the POS."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channel_id: Annotated[int, Field(ge=1)] | None = None
    default_address: DefaultAddress | None = None
    stock: Literal["bigcommerce", "elsewhere"] | None = None


class Rules(BaseModel):
    """How sales become orders in one store."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channel_id: Annotated[int, Field(ge=1)] = 1
    default_address: DefaultAddress
    unknown_sku: Literal["custom", "reject"] = "custom"
    stock: Literal["bigcommerce", "elsewhere"] = "bigcommerce"
    match_customers: bool = True
    status: dict[SaleStatus, Annotated[int, Field(ge=0, le=14)]] = Field(default_factory=dict)
    shipping_method: Annotated[str, Field(min_length=1)] = "In store"
    pickup_method_id: Annotated[int, Field(ge=1)] | None = None
    external_source: str | None = None
    locations: dict[str, LocationRules] = Field(default_factory=dict)


def status_id(status: SaleStatus, rules: Rules) -> int:
    """The order status for a sale's: the store's own choice, else the default."""
    return rules.status.get(status, _STATUS[status])
