"""The request that makes the order that there is say what its sale says, computed against the order as it is now. Pure."""

from __future__ import annotations

from typing import assert_never

from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import SaleStatus
from syncd.ledger import Kind, Sale, State
from syncd.mapping import Decision, Held, Mapped, Nothing, Remote, Rules, map_update
from syncd.mapping.refund import Wanted, map_refund
from syncd.plan.seen import Seen
from syncd.plan.steps import Change, Hold, Reject, Rest, Step


def plan_change(sale: Sale, order: CanonicalOrder, seen: Seen, rules: Rules) -> Step:
    """The change with its payload; a rest where the order says it already; a hold where a person must look."""
    remote, number = seen.remote, sale.order_id
    assert number is not None  # noqa: S101  the caller has looked
    if remote is None:
        return gone(sale.sale_key, number)
    if order.status is SaleStatus.VOIDED and rules.void == "archive":
        if remote.is_deleted:
            return Rest(State.SYNCED, "voided in the POS, and archived already", says=True)
        decision = Decision("order", "archived", 'voided in the POS, and void = "archive"')
        return Change(Kind.ARCHIVE, number, Mapped({}, (decision,)))
    if seen.refund is not None and (too_much := more_than_was_paid(seen.refund, remote)):
        return Hold(too_much, f"Look at its refunds in both, then: syncd accept {sale.sale_key}", objects=True)
    record = map_refund(order, seen.refund, seen.refund_ways) if seen.refund is not None else None
    result = map_update(order, remote, seen.ours, seen.matches, rules, seen.occasion, awaits_record=record is not None)
    match result:
        case Mapped():
            kind = Kind.CANCEL if order.status is SaleStatus.VOIDED else Kind.UPDATE
            return Change(kind, number, result, more=record is not None)
        case Held(why=why, cure=cure):
            return Hold(why, cure, objects=True)
        case Nothing(decisions=decisions) if record is None:
            said = "; ".join(f"{d.about} {d.choice}: {d.why}" for d in decisions)
            return Rest(State.SYNCED, said or "it says so already", says=True)
        case Nothing():
            assert record is not None  # noqa: S101  the case above took the rest
            return Change(Kind.REFUND, number, record, more=True)
        case _:
            assert_never(result)


def more_than_was_paid(wanted: Wanted, remote: Remote) -> str:
    """Why a refund would give back more than the order came to; empty where it would not."""
    paid, back = remote.total_inc_tax, wanted.refund.amount_inc_tax
    if paid is None or remote.refunded + back <= paid:
        return ""
    left = paid - remote.refunded
    return f"refund {wanted.refund.id} of {back} would give back more than the {left} that are left of order {remote.order_id}"


def gone(key: str, number: int) -> Reject:
    """An order that has been deleted is told, and not made again."""
    return Reject(f"order {number} is no longer in BigCommerce", f"If it was deleted on purpose: syncd skip {key}")
