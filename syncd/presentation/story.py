"""A sale's story in one line of time: what the POS changed, what was sent and what came of it, what people decided. Pure."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import SaleStatus
from syncd.canonical.money import format_money
from syncd.ledger import AttemptRow, AuditRow, Story
from syncd.sale.changes import FactChange
from syncd.sale.states import AttemptKind

_DONE = {
    AttemptKind.CREATE: "Order {order} was created",
    AttemptKind.UPDATE: "Order {order} was updated",
    AttemptKind.CANCEL: "Order {order} was cancelled",
    AttemptKind.ARCHIVE: "Order {order} was archived",
    AttemptKind.REFUND: "A refund of order {order} was recorded",
    AttemptKind.CART: "A cart was made for it",
    AttemptKind.DRESS: "Its checkout got its details",
    AttemptKind.CONVERT: "A draft order was made of its checkout",
    AttemptKind.FINISH: "Draft order {order} became its order",
    AttemptKind.TIDY: "What was left of its checkout was removed",
    AttemptKind.LOOK: "Order {order} was compared with it: they match",
}
_TRIED = {
    AttemptKind.CREATE: "Create an order",
    AttemptKind.UPDATE: "Update the order",
    AttemptKind.CANCEL: "Cancel the order",
    AttemptKind.ARCHIVE: "Archive the order",
    AttemptKind.REFUND: "Record a refund",
    AttemptKind.CART: "Make a cart",
    AttemptKind.DRESS: "Fill in the checkout",
    AttemptKind.CONVERT: "Make a draft order",
    AttemptKind.FINISH: "Finish the order",
    AttemptKind.TIDY: "Remove what is left of the checkout",
    AttemptKind.LOOK: "Compare with the order",
}
_CAME = {
    "refused": "BigCommerce refused it",
    "unknown": "no clear answer",
    "throttled": "BigCommerce asked syncd to wait",
    "barred": "BigCommerce refused access",
    "notsent": "it could not be sent",
    "interrupted": "syncd was stopped before the answer was written down",
}
_GOOD = ("accepted", "answered")


class StoryEntry(Struct, frozen=True):
    """One entry: when, what happened, who did it (None: a request), the state it led to, facts that changed, and details."""

    at: datetime
    words: str
    level: str
    by: str | None = None
    state: str = ""
    changes: tuple[FactChange, ...] = ()
    detail: str = ""
    request: AttemptRow | None = None


def entries_of(story: Story) -> list[StoryEntry]:
    """Return the story of a sale, oldest first; a request stands where it began."""
    order = str(story.sale.order_id or "")
    told = [_of_audit(row) for row in story.audit] + [_of_attempt(row, order) for row in story.attempts]
    return sorted(told, key=lambda one: one.at)


def _of_audit(row: AuditRow) -> StoryEntry:
    first = row.before is None
    words = "Received from the POS" if first else "Changed in the POS" if row.changes else row.why or "Looked at again"
    detail = row.why if (first and row.why != "recorded") or (row.changes and row.why != "changed in the POS") else ""
    moved = row.after if first or row.before != row.after else ""
    return StoryEntry(row.at, words[:1].upper() + words[1:], "note", row.actor, moved, row.changes, detail)


def _of_attempt(row: AttemptRow, order: str) -> StoryEntry:
    kind = AttemptKind(row.kind)
    if row.outcome is None:
        return StoryEntry(row.began_at, f"{_TRIED[kind]}: being sent now", "note", request=row)
    if row.outcome in _GOOD:
        number = row.detail if kind is AttemptKind.CREATE and row.detail.isdigit() else order
        detail = "" if row.detail.isdigit() else row.detail
        return StoryEntry(row.began_at, _DONE[kind].format(order=number), "good", detail=detail, request=row)
    words = f"{_TRIED[kind]}: {_CAME.get(row.outcome, row.outcome)}"
    level = "bad" if row.outcome in ("refused", "barred") else "look"
    return StoryEntry(row.began_at, words, level, detail=row.detail, request=row)


def marks_of(order: CanonicalOrder | None) -> tuple[str, ...]:
    """Return what stands beside a sale's state: that it is voided, is open, is a return, or how much was given back."""
    if order is None:
        return ()
    found = []
    if order.status is not SaleStatus.COMPLETED:
        found.append(order.status.value)
    if order.total_inc_tax < 0:
        found.append("return")
    if order.refunded:
        back = sum((refund.amount_inc_tax for refund in order.refunded), start=order.total_inc_tax * 0)
        whole = "refunded" if back >= order.total_inc_tax else f"refunded {format_money(back, order.currency)}"
        found.append(whole)
    return tuple(found)
