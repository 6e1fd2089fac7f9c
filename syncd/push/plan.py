"""What a due sale needs: a create, a change, a refund record, or nothing that we may send. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import assert_never

from syncd.canonical import CanonicalOrder
from syncd.canonical.order import SaleStatus
from syncd.ledger import Kind, Sale, State
from syncd.ledger.states import Held, Pending, Rejected, Skipped, Synced
from syncd.mapping import Decision, Mapped, Nothing, Payload, Remote, Rules, map_create, map_update, skipped_by
from syncd.mapping import payload as mapped
from syncd.mapping.refund import map_refund, return_note
from syncd.mapping.rules import applied
from syncd.mapping.statuses import status_words
from syncd.push.seen import Seen, is_return

Unsent = Held | Rejected | Skipped | Synced | Pending
_WAITS = timedelta(seconds=5)
_RETURN_CURE = "Enter the return in BigCommerce by hand (a refund of the original order), then: syncd skip {key}"


@dataclass(frozen=True, slots=True)
class Plan:
    """One request to make: its kind, its payload with the decisions behind it, and the order that it changes.

    ``more`` says that the sale is not yet in line once this took effect.
    """

    kind: Kind
    mapped: Mapped
    order_id: int | None = None
    more: bool = False

    @property
    def digest(self) -> str:
        """A digest of the payload, for the attempt's row."""
        return digest(self.mapped.payload)

    @property
    def states_total(self) -> bool:
        """Whether the answer's totals must be the sale's."""
        return self.kind is Kind.CREATE or "total_inc_tax" in self.mapped.payload


def digest(payload: Payload) -> str:
    """16 hex digits that name a payload."""
    return blake2b(json.dumps(payload, sort_keys=True).encode(), digest_size=8).hexdigest()


def plan(sale: Sale, order: CanonicalOrder, seen: Seen, rules: Rules, now: datetime) -> Plan | Unsent:
    """The request that brings BigCommerce in line with ``order``, or the state that the sale takes without one."""
    if is_return(order):
        return _return(sale, order, seen, rules, now)
    if sale.order_id is not None:
        return _change(sale, order, seen, rules)
    if order.status is SaleStatus.VOIDED:
        return Skipped("voided in the POS before it was pushed")
    if (why := skipped_by(order, rules)) is not None:
        return Skipped(why)
    result = map_create(order, seen.matches, rules, seen.occasion)
    match result:
        case Mapped():
            return Plan(Kind.CREATE, result)
        case mapped.Held(why=why, cure=cure):
            return Held(why, cure)
        case mapped.Declined(why=why, cure=cure):
            return Rejected(why, cure)
        case _:
            assert_never(result)


def _change(sale: Sale, order: CanonicalOrder, seen: Seen, rules: Rules) -> Plan | Unsent:
    remote, number = seen.remote, sale.order_id
    assert number is not None  # noqa: S101  the caller has looked
    if remote is None:
        return _gone(sale.sale_key, number)
    if order.status is SaleStatus.VOIDED and rules.void == "archive":
        if remote.is_deleted:
            return Synced(number, "voided in the POS, and archived already")
        decision = Decision("order", "archived", 'voided in the POS, and void = "archive"')
        return Plan(Kind.ARCHIVE, Mapped({}, (decision,)), number)
    record = map_refund(order, seen.refund, seen.refund_ways) if seen.refund is not None else None
    result = map_update(order, remote, seen.ours, seen.matches, rules, seen.occasion, awaits_record=record is not None)
    match result:
        case Mapped():
            kind = Kind.CANCEL if order.status is SaleStatus.VOIDED else Kind.UPDATE
            return Plan(kind, result, number, more=record is not None)
        case mapped.Held(why=why, cure=cure):
            return Held(why, cure, number)
        case Nothing(decisions=decisions) if record is None:
            return Synced(
                number, "; ".join(f"{d.about} {d.choice}: {d.why}" for d in decisions) or "it says so already"
            )
        case Nothing():
            assert record is not None  # noqa: S101  the case above took the rest
            return Plan(Kind.REFUND, record, number, more=True)
        case _:
            assert_never(result)


def _gone(key: str, number: int) -> Rejected:
    return Rejected(f"order {number} is no longer in BigCommerce", f"If it was deleted on purpose: syncd skip {key}")


def _return(sale: Sale, order: CanonicalOrder, seen: Seen, rules: Rules, now: datetime) -> Plan | Unsent:
    """Goods that came back as a sale of their own: the order of the sale that they belong to shows it."""
    if (unsent := _not_returnable(sale, order, seen.original, now)) is not None:
        return unsent
    original, remote = seen.original, seen.remote
    assert original is not None and original.order_id is not None  # noqa: S101, PT018  _not_returnable has looked
    if remote is None:
        return _gone(sale.sale_key, original.order_id)
    if remote.is_deleted:
        why = f"returns goods of {original.sale_key}, whose order {remote.order_id} is archived in BigCommerce"
        return Held(why, _RETURN_CURE.format(key=sale.sale_key))
    record = map_refund(order, seen.refund, seen.refund_ways) if seen.refund is not None else None
    body, decisions = _return_body(order, seen, remote, original, rules, labels=rules.refunds == "status" or not record)
    if body:
        return Plan(Kind.UPDATE, Mapped(body, decisions), remote.order_id, more=record is not None)
    if record is not None:
        return Plan(Kind.REFUND, record, remote.order_id, more=True)
    return Synced(remote.order_id, f"order {remote.order_id} shows the return already")


def _not_returnable(sale: Sale, order: CanonicalOrder, original: Sale | None, now: datetime) -> Unsent | None:
    cure = _RETURN_CURE.format(key=sale.sale_key)
    if order.status is SaleStatus.VOIDED:
        if sale.order_id is None:
            return Skipped("a return, voided in the POS before it was pushed")
        return Held(f"a return that was voided after order {sale.order_id} showed it", cure, sale.order_id)
    if order.returns_of is None:
        return Held("a return that names no original sale: BigCommerce has no order for goods that came back", cure)
    if original is None:
        return Held(f"returns goods of {order.returns_of}, which this ledger does not know", cure)
    if original.store != sale.store:
        return Held(f"returns goods of {order.returns_of}, which belongs to the store {original.store}", cure)
    if original.order_id is None:
        if original.state in (State.PENDING, State.SENDING, State.UNKNOWN):
            return Pending(now + _WAITS, f"waits for {original.sale_key}, whose goods it returns, to be pushed")
        return Held(f"returns goods of {original.sale_key}, which is {original.state} and has no order", cure)
    return None


def _return_body(  # noqa: PLR0913  the return, its order and its sale, and the rules
    order: CanonicalOrder, seen: Seen, remote: Remote, original: Sale, rules: Rules, *, labels: bool
) -> tuple[Payload, tuple[Decision, ...]]:
    body: Payload = {}
    note, notes = return_note(order), str(remote.fields.get("staff_notes") or "")
    if " ".join(note.split()) not in " ".join(notes.split()):
        body["staff_notes"] = f"{notes.rstrip()}\n{note}".strip()
    came_back = seen.returned_before - order.total_inc_tax
    whole = came_back >= original.total_inc_tax
    status = SaleStatus.REFUNDED if whole else SaleStatus.PARTIALLY_REFUNDED
    number = applied(order, rules).status_id(status)
    if labels and remote.status_id != number:
        body["status_id"] = number
    said = f"{came_back} of {original.total_inc_tax} {order.currency} of {original.sale_key} came back"
    return body, (Decision("status", status_words(number), said), Decision("staff_notes", "added to", note))
