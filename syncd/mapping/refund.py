"""A POS refund as a refund record of the order (V3), for an offline payment: BigCommerce moves no money. Pure.

Each record begins its reason with a marker that names the POS refund, for the API has no key to tell a repeated one by.
Source: https://developer.bigcommerce.com/docs/rest-management/transactions/order-refunds
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from msgspec import Struct, field
from pydantic import JsonValue

from syncd.canonical import CanonicalOrder
from syncd.canonical.money import ZERO, format_money, minor
from syncd.canonical.order import Refund
from syncd.mapping.formats import as_number, bounded
from syncd.mapping.lines import sold
from syncd.mapping.merge import pair_lines
from syncd.mapping.model import Mapped, MappingNote, Payload, Remote, RemoteLine, RemoteRefund
from syncd.mapping.stamp import payload_lines

_LONGEST_REASON = 1000
_LONGEST_NAME = 260
_MARK = "[POS refund "
_MOST_IN_DOUBT = 3
_PAYS_AGAIN = ("storecredit", "giftcertificate", "store_credit", "gift_certificate")


class Wanted(Struct, frozen=True):
    """A refund that the order has no record of yet, and the items that it consists of."""

    refund: Refund
    marker: str
    items: tuple[Payload, ...]


class RefundProblem(Struct, frozen=True):
    """Records and refunds do not agree in a way that a person must look at; ``may_release``: a person may have it go on."""

    why: str
    may_release: bool = True


class RefundsSent(Struct, frozen=True):
    """The refunds that were sent for a sale, by marker: those that BigCommerce took, and those of which it gave no answer."""

    taken: frozenset[str] = frozenset()
    in_doubt: Mapping[str, int] = field(default_factory=dict)


NONE_SENT = RefundsSent()


def marker(sale_key: str, refund_id: str) -> str:
    """Return the words by which a record is known again: on one line, and short enough never to be cut."""
    named = " ".join(f"{sale_key} {refund_id}".split())
    if len(named) > _LONGEST_NAME:
        named = f"{named[:_LONGEST_NAME]}~{blake2b(named.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}"
    return f"{_MARK}{named}]"


def next_refund(
    order: CanonicalOrder, remote: Remote, pushed: Payload, sent: RefundsSent = NONE_SENT, *, released: bool = False
) -> Wanted | RefundProblem | None:
    """Return what to do about the refunds of a sale: the first without a record, what a person must look at, or nothing.

    ``pushed`` is the payload of the sale's lines, ``sent`` what was sent before. A refund is never sent again that BigCommerce has
    taken, whatever its list of records shows, nor one of an amount that somebody else has recorded (unless ``released``).
    """
    if remote.refunds is None:
        return RefundProblem("BigCommerce does not show the refund records of its order", may_release=False)
    wanted = {marker(order.sale_key, refund.id): refund for refund in order.refunded if refund.amount_inc_tax > 0}
    if not released and (disagrees := _disagrees(order, remote.refunds, wanted)):
        return RefundProblem(disagrees)
    for known_by, refund in wanted.items():
        if any(known_by in record.reasons for record in remote.refunds):
            continue
        shown = format_money(refund.amount_inc_tax, order.currency)
        if known_by in sent.taken:
            return RefundProblem(
                f"BigCommerce took refund {refund.id} of {shown}, and does not show it", may_release=False
            )
        if sent.in_doubt.get(known_by, 0) >= _MOST_IN_DOUBT:
            return RefundProblem(f"{_MOST_IN_DOUBT} requests to record refund {refund.id} of {shown} ended in doubt")
        if not released and any(
            _MARK not in one.reasons and one.amount == refund.amount_inc_tax for one in remote.refunds
        ):
            return RefundProblem(
                f"a refund of {shown} is recorded already, and not by syncd: it may be refund {refund.id}"
            )
        return Wanted(refund, known_by, _items(order, refund, remote, pushed, known_by))
    return None


def _disagrees(order: CanonicalOrder, records: Sequence[RemoteRefund], wanted: Mapping[str, Refund]) -> str:
    """How our own records differ from what the sale says now: a record cannot be changed or taken back."""
    for record in records:
        ours = record.marker_of(f"{_MARK}{' '.join(order.sale_key.split())} ")
        if not ours:
            continue
        refund, shown = wanted.get(ours), format_money(record.amount, order.currency)
        if refund is None:
            return f"a refund of {shown} is recorded for it, which the POS does not know any more"
        if refund.amount_inc_tax != record.amount:
            now = format_money(refund.amount_inc_tax, order.currency)
            return f"refund {refund.id} is recorded with {shown}; the POS now says {now}"
    return ""


def _items(
    order: CanonicalOrder, refund: Refund, remote: Remote, pushed: Payload, known_by: str
) -> tuple[Payload, ...]:
    """By line where every line of the refund is one of the order's, in whole pieces; else by amount."""
    reason = bounded(f"{known_by} {refund.reason}".strip(), _LONGEST_REASON)
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
    """Return the order's line of each line of the sale."""
    wired = payload_lines(pushed)
    pairs, _, _ = pair_lines(wired, remote.lines)
    there = {id(line): found for line, found in pairs}
    return {
        line.line_id: there[id(one)] for (_, line), one in zip(sold(order), wired, strict=False) if id(one) in there
    }


def map_refund(order: CanonicalOrder, wanted: Wanted, ways: Sequence[Sequence[Mapping[str, Any]]]) -> Mapped | None:
    """Return the body of POST .../refunds with the POS's own amounts; None where BigCommerce offers no way without moving money.

    ``custom`` is the way of an order that was paid elsewhere. Store credit and gift certificates are never taken, whatever they
    are called: they would pay the shopper a second time.
    """
    single = [way[0] for way in ways if len(way) == 1 and way[0].get("provider_id") not in _PAYS_AGAIN]
    custom = next((way for way in single if way.get("provider_id") == "custom"), None)
    chosen = custom or next((way for way in single if way.get("offline")), None)
    if chosen is None:
        return None
    refund = wanted.refund
    amount, tax = refund.amount_inc_tax, tax_of(order, refund)
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
    decision = MappingNote("refund record", f"by {chosen['provider_id']}, offline", why)
    return Mapped(body, (decision,), json.dumps({"refund": wanted.marker}))


def tax_of(order: CanonicalOrder, refund: Refund) -> Decimal:
    """Return the tax within a refund: as the POS states it, else by the rates of the lines that came back, else of the sale."""
    if refund.amount_tax is not None:
        return refund.amount_tax
    sold_as = {line.line_id: line for line in order.lines}
    by_line = [(sold_as.get(back.line_id), back.amount_inc_tax) for back in refund.lines]
    if by_line and sum((back for _, back in by_line), ZERO) == refund.amount_inc_tax:
        taxes = [
            _share(back, line.total_inc_tax - line.total_ex_tax, line.total_inc_tax) for line, back in by_line if line
        ]
        if len(taxes) == len(by_line):
            return minor(sum(taxes, ZERO), order.currency)
    return minor(_share(refund.amount_inc_tax, order.total_tax, order.total_inc_tax), order.currency)


def _share(part: Decimal, tax: Decimal, whole: Decimal) -> Decimal:
    return part * tax / whole if whole and tax else ZERO


def more_than_was_paid(wanted: Wanted, remote: Remote) -> str:
    """Why a refund would give back more than the order came to; empty where it would not."""
    paid, back, refunded = remote.total_inc_tax, wanted.refund.amount_inc_tax, remote.refunded
    if paid is None or refunded + back <= paid:
        return ""
    left = paid - refunded
    return f"refund {wanted.refund.id} of {back} would give back more than the {left} that are left of order {remote.order_id}"


def return_note(returned: CanonicalOrder) -> str:
    """Return what the original order's staff note says of a return that is a sale of its own in the POS."""
    goods = ", ".join(f"{line.name} x{format(abs(line.quantity), 'f')}" for line in returned.lines)
    shown = format_money(-returned.total_inc_tax, returned.currency)
    said = f"Returned {shown} on {returned.placed_at.date()}: {goods}, POS sale {returned.sale_key}"
    return said + (f", exchanged for goods of {returned.exchanged_with}" if returned.exchanged_with else "")


def as_refund(returned: CanonicalOrder) -> Refund:
    """Return a return that is a sale of its own, as a refund of the sale that it belongs to (by amount)."""
    return Refund(
        id=returned.sale_id,
        at=returned.placed_at,
        amount_inc_tax=-returned.total_inc_tax,
        amount_tax=-returned.total_tax if returned.total_tax <= 0 else ZERO,
        reason=returned.note,
    )
