"""Whether a sale adds up: the check that decides between pushing and holding."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from syncd.canonical.kinds import SaleStatus, TenderStatus
from syncd.canonical.money import format_money, minor_unit, to_minor, total
from syncd.canonical.order import CanonicalOrder, Fee, Line

_PAID = {SaleStatus.COMPLETED, SaleStatus.REFUNDED, SaleStatus.PARTIALLY_REFUNDED}


class Imbalance(Struct, frozen=True):
    """A sum that should be there and is not: what was summed, what it came to, what the POS states."""

    what: str
    found: Decimal
    stated: Decimal
    currency: str

    def __str__(self) -> str:
        """Return the difference in words, amounts at the currency's places."""
        off = format_money(self.found - self.stated, self.currency)
        found, stated = format_money(self.found, self.currency), format_money(self.stated, self.currency)
        return f"{self.what} come to {found}, the POS states {stated}: a difference of {off}"


def check_balance(order: CanonicalOrder) -> tuple[Imbalance, ...]:
    """Every way in which the sale does not add up, to the minor unit; empty where it does.

    Lines + fees - order discounts + rounding must be ``total_inc_tax``; the tax within them must be ``total_tax`` (each taxed
    line or fee may be off by half a minor unit, and the receipt by one, since a POS rounds tax per line or per receipt); captured
    tenders must come to the total, and the tips that are in the note alone, where the sale is paid and names its tenders.
    """
    checks = (_total(order), _tax(order), _tenders(order))
    return tuple(found for found in checks if found is not None)


def _total(order: CanonicalOrder) -> Imbalance | None:
    parts = total([line.total_inc_tax for line in order.lines]) + order.rounding
    if order.fees or order.discounts:
        parts += total([fee.total_inc_tax for fee in order.fees])
        parts -= total([discount.amount_inc_tax for discount in order.discounts])
    return _differs(order, "lines, fees, discounts and rounding", parts, order.total_inc_tax)


def _tax(order: CanonicalOrder) -> Imbalance | None:
    charged: tuple[Line | Fee, ...] = (*order.lines, *order.fees)
    within = [part.total_inc_tax - part.total_ex_tax for part in charged]
    parts = total(within)
    if order.discounts:
        parts -= total([discount.amount_inc_tax - discount.amount_ex_tax for discount in order.discounts])
    if parts == order.total_tax:
        return None
    taxed = sum(map(bool, within))
    slack = tax_slack(taxed, order.currency)
    return None if abs(parts - order.total_tax) <= slack else Imbalance("taxes", parts, order.total_tax, order.currency)


def tax_slack(taxed: int, currency: str) -> Decimal:
    """How far a receipt's tax may be off the sum of its ``taxed`` lines and fees: half a minor unit each, and one for itself."""
    return minor_unit(currency) * (1 + Decimal(taxed) / 2)


def _tenders(order: CanonicalOrder) -> Imbalance | None:
    counted = [tender.amount for tender in order.tenders if tender.status is TenderStatus.CAPTURED]
    if order.status not in _PAID or not order.tenders:
        return None
    return _differs(order, "tenders", total(counted), order.total_inc_tax + order.tips_in_note)


def _differs(order: CanonicalOrder, what: str, found: Decimal, stated: Decimal) -> Imbalance | None:
    if found == stated or to_minor(found, order.currency) == to_minor(stated, order.currency):
        return None
    return Imbalance(what, found, stated, order.currency)
