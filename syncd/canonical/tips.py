"""Tips that a shop wants in the note of an order and not in its total. Pure."""

from __future__ import annotations

from syncd.canonical.kinds import FeeKind
from syncd.canonical.money import ZERO, total
from syncd.canonical.order import CanonicalOrder, Refund


def without_tips(order: CanonicalOrder) -> CanonicalOrder:
    """Return the sale with its tips in ``tips_in_note``: in no fee, no total, no refund's amount. What was paid stays.

    A receipt of a tip alone keeps it: there would be no order left.
    """
    tips = [fee for fee in order.fees if fee.kind is FeeKind.TIP]
    if not order.lines or not (tips or any(refund.tip for refund in order.refunds)):
        return order
    inc_tax, ex_tax = total(fee.total_inc_tax for fee in tips), total(fee.total_ex_tax for fee in tips)
    changed = {
        "fees": tuple(fee for fee in order.fees if fee.kind is not FeeKind.TIP),
        "refunds": tuple(map(_without_tip, order.refunds)),
        "tips_in_note": order.tips_in_note + inc_tax,
        "total_inc_tax": order.total_inc_tax - inc_tax,
        "total_tax": order.total_tax - (inc_tax - ex_tax),
    }
    return order.model_copy(update=changed)


def _without_tip(refund: Refund) -> Refund:
    if not refund.tip:
        return refund
    changed = {
        "tip": ZERO,
        "tip_in_note": refund.tip_in_note + refund.tip,
        "amount_inc_tax": refund.amount_inc_tax - refund.tip,
    }
    return refund.model_copy(update=changed)
