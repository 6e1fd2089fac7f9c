"""Cents between the lines and the total of a sale that its POS rounded as a whole. Pure."""

from __future__ import annotations

from syncd.canonical.kinds import TenderStatus
from syncd.canonical.money import ZERO, format_money, minor_unit, total
from syncd.canonical.order import CanonicalOrder

_AT_MOST = 10  # smallest coins: more is no rounding


def with_cents_as_rounding(order: CanonicalOrder) -> CanonicalOrder:
    """The sale with what its lines and its total differ by as rounding, where that can be nothing else.

    A POS that rounds the tax of a receipt once (Odoo by its setting, Dolibarr) states a total that may be off its lines by up to
    the smallest coin for each line. What was paid must confirm the total.
    """
    parts = total(line.total_inc_tax for line in order.lines) + total(fee.total_inc_tax for fee in order.fees)
    off = order.total_inc_tax - parts + total(discount.amount_inc_tax for discount in order.discounts)
    coin = minor_unit(order.currency)
    paid = total(tender.amount for tender in order.tenders if tender.status is TenderStatus.CAPTURED)
    confirmed = paid == order.total_inc_tax and order.rounding == ZERO
    if not confirmed or not coin <= abs(off) <= coin * min(len(order.lines), _AT_MOST):
        return order
    said = f"The POS rounded the sale as a whole: by {format_money(off, order.currency)}"
    return order.model_copy(update={"rounding": off, "note": "; ".join(filter(None, (order.note, said)))})
