"""What must be true in the end, worked out from what the till said last and from what staff did; shares no code with the mapper."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

from syncd.canonical.kinds import SaleStatus
from syncd.sale.sale import Sale
from syncd.sale.states import State
from tests.chaos.life_till import Living, total_of

_STATUS = {
    SaleStatus.COMPLETED: 10,
    SaleStatus.VOIDED: 5,
    SaleStatus.REFUNDED: 4,
    SaleStatus.PARTIALLY_REFUNDED: 14,
}
_SHOP = "1 Main"


@dataclass
class Staff:
    """What staff did to the order of a sale."""

    lines: list[tuple[str, Decimal]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    fields: set[str] = field(default_factory=set)
    refunded: bool = False
    restored: bool = False  # a ledger was lost since, and with it what it had sent: that looks like a person's doing


@dataclass(frozen=True)
class There:
    """What the store has of a sale: its live orders, and of the first one its lines, its shipping address, its refund records."""

    orders: list[dict[str, Any]]
    lines: list[dict[str, Any]]
    shipping: Mapping[str, Any] | None
    refunds: list[dict[str, Any]]


def wrong(living: Living, sale: Sale | None, there: There, staff: Staff, *, records: bool) -> Iterator[str]:
    """How a sale's order, and the ledger's word of it, differ from what is true without anybody being told."""
    if sale is None:
        yield "the ledger does not know it"
    elif len(there.orders) > 1:
        yield f"it has {len(there.orders)} orders"
    elif not there.orders:
        if not (living.is_void or sale.state in (State.HELD, State.REJECTED, State.SKIPPED)):
            yield f"it has no order, and is {sale.state}"
    elif sale.state in (State.HELD, State.REJECTED):
        yield from _held(living, sale, staff, records=records)
    elif sale.state is not State.SYNCED:
        yield f"it is {sale.state}"
    else:
        yield from _synced(living, sale, there, staff, records=records)


def _held(living: Living, sale: Sale, staff: Staff, *, records: bool) -> Iterator[str]:
    if not sale.why or not sale.cure:
        yield f"it is {sale.state} without words"
    if not _may_be_held(living, staff, records=records):
        yield f"it is held for no reason: {sale.why}"


def _synced(living: Living, sale: Sale, there: There, staff: Staff, *, records: bool) -> Iterator[str]:
    order, told = there.orders[0], "; ".join(sale.belief.differs)
    for what, true, shown in _compared(living, there, staff, records=records):
        if true != shown and what not in told:
            yield f"its {what}: {shown} is there, {true} is true (told: {told or 'nothing'})"
    if sale.order_id != order["id"]:
        yield f"the ledger says order {sale.order_id}, it is {order['id']}"


def _may_be_held(living: Living, staff: Staff, *, records: bool) -> bool:
    """Whether a person is rightly asked: both sides changed the same, or records and refunds do not agree."""
    touched = bool(staff.lines or staff.fields or staff.refunded or staff.restored)
    return touched or (records and (living.corrected or bool(living.returns)))


def _compared(living: Living, there: There, staff: Staff, *, records: bool) -> Iterator[tuple[str, Any, Any]]:
    order, last = there.orders[0], living.last
    note = str(order["staff_notes"] or "")
    yield "status", True, "status" in staff.fields or order["status_id"] in _statuses(living, staff)
    for words in staff.notes:
        yield "staff's note", True, words in note
    for back in living.returns:
        yield "note of a return", True, f"till:{back.name}" in note
    if living.is_void:
        return  # a void changes the status alone
    if last.note:
        yield "note", True, last.note in note
    added = sum((amount for _, amount in staff.lines), Decimal(0))
    yield "total", total_of(living.said) + added, Decimal(order["total_inc_tax"])
    yield "tax", last.total_tax, Decimal(order["total_tax"])
    yield "lines", _lines(living, staff), Counter((line["name"], line["quantity"]) for line in there.lines)
    # what staff made them stays, and somebody is told
    yield "payment method", _paid_by(living), order["payment_method"]
    yield "billing address", living.said["street"] or _SHOP, order["billing_address"]["street_1"]
    yield "date", int(last.placed_at.timestamp()), int(_when(order["date_created"]).timestamp())
    if living.said["ship"] and "shipping address" not in staff.fields:
        yield "shipping address", living.said["ship"], (there.shipping or {}).get("street_1")
    if records and not staff.refunded:
        yield "refunds", _given(living), sum((Decimal(str(one["total_amount"])) for one in there.refunds), Decimal(0))


def _paid_by(living: Living) -> str:
    if living.brings is None:
        return str(living.said["tender"])
    rest = total_of(living.said) - living.brings.said["amount"]
    return f"Exchange credit + {living.said['tender']}" if rest > 0 else "Exchange credit"


def _statuses(living: Living, staff: Staff) -> tuple[int, ...]:
    if living.returns or staff.refunded:
        return (4, 14)
    return (_STATUS[living.last.status],)


def _given(living: Living) -> Decimal:
    return sum((one["amount"] for one in living.said["refunds"]), Decimal(0)) + living.came_back()


def _lines(living: Living, staff: Staff) -> Counter[tuple[str, int]]:
    said = Counter((line["name"], line["count"]) for line in living.said["lines"])
    if living.said["tip"]:
        said["Tip", 1] += 1
    said.update((name, 1) for name, _ in staff.lines)
    return said


def _when(text: str) -> datetime:
    return parsedate_to_datetime(text)
