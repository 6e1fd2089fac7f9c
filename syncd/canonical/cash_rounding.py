"""How cash is rounded, by currency: the largest step, and the coins that a till leaves out.

Sources: the central banks' rules, as collected at https://en.wikipedia.org/wiki/Cash_rounding and
https://en.wikipedia.org/wiki/Low-denomination_coin, and the smallest coin or note in use.
"""

from __future__ import annotations

from decimal import Decimal

from syncd.canonical.kinds import TenderStatus
from syncd.canonical.money import ZERO, format_money, minor_unit, total
from syncd.canonical.order import CanonicalOrder

_STEPS = {
    "AMD": "10", "ARS": "10", "AUD": "0.05", "BRL": "0.05", "CAD": "0.05", "CHF": "0.05", "CLP": "10", "COP": "50", "CRC": "5",
    "CZK": "1", "DKK": "0.50", "EUR": "0.05", "HKD": "0.10", "HUF": "5", "IDR": "100", "ILS": "0.10", "INR": "1", "IQD": "250",
    "ISK": "1", "JPY": "1", "KES": "1", "KHR": "100", "KRW": "10", "LAK": "500", "LBP": "1000", "LKR": "1", "MMK": "50",
    "MXN": "0.50", "MYR": "0.05", "NGN": "5", "NOK": "1", "NZD": "0.10", "PHP": "1", "PKR": "1", "PYG": "50", "RSD": "1",
    "RUB": "1", "SEK": "1", "SGD": "0.05", "THB": "1", "TRY": "1", "TWD": "1", "TZS": "50", "UAH": "0.50", "UGX": "50",
    "USD": "0.05", "UYU": "1", "UZS": "100", "VND": "500", "ZAR": "0.10",
}  # fmt: skip
_USUAL = Decimal("0.05")


def cash_step(currency: str) -> Decimal:
    """Return what sums of ``currency`` that are paid in cash may be rounded to, in major units."""
    return Decimal(_STEPS.get(currency, _USUAL))


_AT_MOST = 10  # smallest coins: more is no rounding


def with_cents_as_rounding(order: CanonicalOrder) -> CanonicalOrder:
    """Return the sale with what its lines and its total differ by as rounding, where that can be nothing else.

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
