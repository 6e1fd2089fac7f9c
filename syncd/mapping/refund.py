"""A POS refund as a refund record of the order (V3), for an offline payment: BigCommerce moves no money. Pure.

Each record names the POS refund in its reason, for the API has no key of its own to tell a repeated one by.
Source: https://developer.bigcommerce.com/docs/rest-management/transactions/order-refunds
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import JsonValue

from syncd.canonical import CanonicalOrder
from syncd.canonical.money import ZERO, format_money
from syncd.canonical.order import Refund
from syncd.mapping.amounts import as_number
from syncd.mapping.lines import sold
from syncd.mapping.pairing import pair_lines
from syncd.mapping.payload import Decision, Mapped, Payload
from syncd.mapping.remote import Remote, RemoteLine
from syncd.mapping.stamp import payload_lines
from syncd.mapping.text import bounded

_LONGEST_REASON = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """A refund that the order has no record of yet, and the items that it consists of."""

    refund: Refund
    marker: str
    items: tuple[Payload, ...]


def marker(sale_key: str, refund_id: str) -> str:
    """The words by which a record is known again."""
    return f"[POS refund {sale_key} {refund_id}]"


def next_refund(order: CanonicalOrder, remote: Remote, pushed: Payload) -> Wanted | None:
    """The first refund of the sale without a record; None where all have one. ``pushed`` is the payload of the sale's lines."""
    for refund in order.refunded:
        known_by = marker(order.sale_key, refund.id)
        if refund.amount_inc_tax > 0 and not any(known_by in reason for reason in remote.refund_reasons):
            return Wanted(refund, known_by, _items(order, refund, remote, pushed, known_by))
    return None


def _items(
    order: CanonicalOrder, refund: Refund, remote: Remote, pushed: Payload, known_by: str
) -> tuple[Payload, ...]:
    """By line where every line of the refund is one of the order's, in whole pieces; else by amount."""
    reason = bounded(f"{refund.reason} {known_by}".strip(), _LONGEST_REASON)
    lines = _lines_there(order, remote, pushed)
    by_line: list[Payload] = []
    for back in refund.lines:
        there = lines.get(back.line_id)
        if there is None or back.quantity != int(back.quantity) or not 1 <= back.quantity <= there.quantity:
            return (_by_amount(remote, refund.amount_inc_tax, reason),)
        by_line.append({"item_type": "PRODUCT", "item_id": there.id, "quantity": int(back.quantity), "reason": reason})
    return tuple(by_line) or (_by_amount(remote, refund.amount_inc_tax, reason),)


def _by_amount(remote: Remote, amount: Decimal, reason: str) -> Payload:
    return {"item_type": "ORDER", "item_id": remote.order_id, "amount": as_number(amount), "reason": reason}


def _lines_there(order: CanonicalOrder, remote: Remote, pushed: Payload) -> dict[str, RemoteLine]:
    """The order's line of each line of the sale."""
    wired = payload_lines(pushed)
    pairs, _, _ = pair_lines(wired, remote.lines)
    there = {id(line): found for line, found in pairs}
    return {
        line.line_id: there[id(one)] for (_, line), one in zip(sold(order), wired, strict=False) if id(one) in there
    }


def map_refund(order: CanonicalOrder, wanted: Wanted, ways: Sequence[Sequence[Mapping[str, Any]]]) -> Mapped | None:
    """The body of POST .../refunds with the POS's own amounts; None where BigCommerce offers no way without moving money."""
    offline = [way[0] for way in ways if len(way) == 1 and way[0].get("offline")]
    chosen = next((way for way in offline if way.get("provider_id") == "custom"), offline[0] if offline else None)
    if chosen is None:
        return None
    refund = wanted.refund
    amount, tax = refund.amount_inc_tax, refund.amount_tax if refund.amount_tax is not None else ZERO
    payments: list[JsonValue] = [
        {"provider_id": str(chosen["provider_id"]), "amount": as_number(amount), "offline": True}
    ]
    items: list[JsonValue] = [dict(item) for item in wanted.items]
    body: Payload = {
        "items": items,
        "payments": payments,
        "merchant_calculated_override": {"total_amount": as_number(amount), "total_tax": as_number(tax)},
    }
    why = f"refund {refund.id} of {format_money(amount, order.currency)} has no record yet"
    return Mapped(body, (Decision("refund record", f"by {chosen['provider_id']}, offline", why),))


def return_note(returned: CanonicalOrder) -> str:
    """What the original order's staff note says of a return that is a sale of its own in the POS."""
    goods = ", ".join(f"{line.name} x{format(abs(line.quantity), 'f')}" for line in returned.lines)
    shown = format_money(-returned.total_inc_tax, returned.currency)
    return f"Returned {shown} on {returned.placed_at.date()}: {goods}, POS sale {returned.sale_key}"


def as_refund(returned: CanonicalOrder) -> Refund:
    """A return that is a sale of its own, as a refund of the sale that it belongs to (by amount)."""
    return Refund(
        id=returned.sale_id,
        at=returned.placed_at,
        amount_inc_tax=-returned.total_inc_tax,
        amount_tax=-returned.total_tax if returned.total_tax <= 0 else ZERO,
        reason=returned.note,
    )
