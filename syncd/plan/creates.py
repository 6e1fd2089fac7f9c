"""The request that makes an order of a sale. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import SaleStatus
from syncd.mapping import Declined, Held, Mapped, Rules, map_create, map_negative
from syncd.plan.seen import Seen, is_return
from syncd.plan.steps import Create, Hold, Reject, Step


def plan_create(order: CanonicalOrder, seen: Seen, rules: Rules) -> Step:
    """The create with its payload, or why there is none."""
    if seen.currencies and order.currency not in seen.currencies:
        return _wrong_currency(order, seen.currencies)
    records = rules.refunds == "record" and bool(order.refunded)
    whole = (
        order.model_copy(update={"status": SaleStatus.COMPLETED}) if records else order
    )  # the records move the status
    negative = is_return(order)
    result = (map_negative if negative else map_create)(whole, seen.matches, rules, seen.occasion)
    match result:
        case Mapped():
            return Create(_in_own_currency(result, seen.currencies), more=records)
        case Held(why=why, cure=cure):
            return Hold(why, cure, objects=True)
        case Declined(why=why, cure=cure):
            return Reject(why, cure)
        case _:
            assert_never(result)


def _in_own_currency(mapped: Mapped, allowed: tuple[str, ...]) -> Mapped:
    """Without the order's currency where that is the store's own: the field is writable where several currencies are on.

    Source: https://developer.bigcommerce.com/docs/start/migration/orders/prepare-data ("default_currency_code").
    """
    if not allowed or mapped.payload.get("default_currency_code") != allowed[0]:
        return mapped
    payload = {name: value for name, value in mapped.payload.items() if name != "default_currency_code"}
    return replace(mapped, payload=payload)


def _wrong_currency(order: CanonicalOrder, allowed: tuple[str, ...]) -> Hold:
    why = f"the sale is in {order.currency}; the store takes {', '.join(allowed)}"
    cure = (
        f"Name another store for source {order.source}, or add {order.currency} to the store's transactional currencies"
    )
    return Hold(why, f"{cure}; then: syncd release {order.sale_key}", objects=True)
