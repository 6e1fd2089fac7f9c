"""Square's money: whole numbers of the currency's smallest unit.

Source: https://developer.squareup.com/reference/square/objects/Money
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from syncd.canonical.money import ZERO, minor_unit
from syncd.sources.records import Unreadable


def money(holder: Mapping[str, Any], name: str, currency: str) -> Decimal:
    """Return the amount of a ``..._money`` field in major units; 0 where it is absent.

    Raises:
        Unreadable: it is no amount, or of another currency.

    """
    found = holder.get(name)
    if found is None:
        return ZERO
    amount = found.get("amount", 0) if isinstance(found, Mapping) else None
    if not isinstance(amount, int) or isinstance(amount, bool):
        msg = f"{name} is no amount of money"
        raise Unreadable(msg)
    if amount and found.get("currency") != currency:
        msg = f"{name} is in {found.get('currency')}, the order in {currency}"
        raise Unreadable(msg)
    return amount * minor_unit(currency)
