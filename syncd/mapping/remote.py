"""An order as BigCommerce has it now, as far as an update needs it: read elsewhere, compared here.

Source: https://developer.bigcommerce.com/docs/rest-management/orders (and its products, fees and refunds).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from syncd.canonical.money import ZERO


@dataclass(frozen=True, slots=True)
class RemoteLine:
    """A product line of the order; ``product_id`` 0 is a custom one. Prices are for one piece."""

    id: int
    product_id: int
    variant_id: int
    sku: str
    name: str
    quantity: int
    price_inc_tax: Decimal
    price_ex_tax: Decimal


@dataclass(frozen=True, slots=True)
class RemoteFee:
    """A custom fee of the order."""

    id: int
    name: str
    cost_inc_tax: Decimal
    cost_ex_tax: Decimal


@dataclass(frozen=True, slots=True)
class RemoteRefund:
    """A refund record: what was given back, and its reasons (its own and its items'), on one line."""

    amount: Decimal
    reasons: str

    def marker_of(self, beginning: str) -> str:
        """The marker in its reasons that begins so; empty where there is none."""
        _, found, rest = self.reasons.partition(beginning)
        return f"{found}{rest.partition(']')[0]}]" if found else ""


@dataclass(frozen=True, slots=True)
class Remote:
    """One order; ``fields`` is its body as answered.

    Lines, fees and ``shipping`` (its shipping address) are read only where an update may touch them; ``refunds`` are None where
    BigCommerce does not show them.
    """

    order_id: int
    status_id: int
    is_deleted: bool
    total_inc_tax: Decimal | None
    total_tax: Decimal | None
    fields: Mapping[str, Any] = field(default_factory=dict)
    lines: tuple[RemoteLine, ...] = ()
    fees: tuple[RemoteFee, ...] = ()
    pickup_id: int | None = None
    shipping: Mapping[str, Any] | None = None
    refunds: tuple[RemoteRefund, ...] | None = ()

    @property
    def refunded(self) -> Decimal:
        """What its refund records come to."""
        return sum((record.amount for record in self.refunds or ()), ZERO)
