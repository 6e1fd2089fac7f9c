"""The figures of a comparison: what both sides have of a day, a location and a way of paying. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from msgspec import Struct

from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import FeeKind, TenderStatus
from syncd.canonical.money import ZERO, allocate, total
from syncd.canonical.order import Tender
from syncd.mapping.rules import Rules
from syncd.mapping.tenders import tender_name

NOT_TOLD = "not told"


class Key(Struct, frozen=True, order=True):
    """A business day, a location, a way of paying and a currency."""

    day: date
    location: str
    tender: str
    currency: str


@dataclass(slots=True)
class Side:
    """What one side has: how many sales or orders, their totals, what was given back, and the tax that is left in it."""

    number: int = 0
    gross: Decimal = ZERO
    refunds: Decimal = ZERO
    tax: Decimal = ZERO

    @property
    def net(self) -> Decimal:
        """What is left."""
        return self.gross - self.refunds

    def add(self, other: Side) -> None:
        """Both together."""
        self.number, self.gross = self.number + other.number, self.gross + other.gross
        self.refunds, self.tax = self.refunds + other.refunds, self.tax + other.tax


@dataclass(slots=True)
class AuditFigures:
    """Both sides; tips and rounding are the POS's.

    ``left_out`` is what a rule or a person keeps out of BigCommerce, tips that are in notes alone among it.
    """

    pos: Side = field(default_factory=Side)
    there: Side = field(default_factory=Side)
    tips: Decimal = ZERO
    rounding: Decimal = ZERO
    left_out: Decimal = ZERO

    @property
    def difference(self) -> Decimal:
        """What the POS has and BigCommerce lacks, though nobody wants it so."""
        return self.pos.net - self.there.net - self.left_out

    def add(self, other: AuditFigures) -> None:
        """Both together."""
        self.pos.add(other.pos)
        self.there.add(other.there)
        self.tips, self.rounding = self.tips + other.tips, self.rounding + other.rounding
        self.left_out += other.left_out


class Missing(Struct):
    """What is not in BigCommerce for one reason: how many sales and returns, and what they come to."""

    number: int = 0
    amounts: dict[str, Decimal] = {}

    def add(self, currency: str, amount: Decimal) -> None:
        """One more."""
        self.number += 1
        self.amounts[currency] = self.amounts.get(currency, ZERO) + amount


def by_currency(rows: Mapping[Key, AuditFigures]) -> dict[str, AuditFigures]:
    """Return the rows of each currency together."""
    found: dict[str, AuditFigures] = {}
    for key, row in sorted(rows.items(), key=lambda item: item[0]):
        found.setdefault(key.currency, AuditFigures()).add(row)
    return found


def shares(tenders: Iterable[Tender], amount: Decimal, currency: str, rules: Rules | None) -> list[tuple[str, Decimal]]:
    """``amount`` by the ways in which it was paid or given back, the largest first; by card where ``rules`` name cards."""
    paid: dict[str, Decimal] = {}
    for tender in tenders:
        if tender.status is TenderStatus.CAPTURED and tender.amount:
            label = tender_name(tender, rules) if rules else tender.kind.value.replace("_", " ")
            paid[label] = paid.get(label, ZERO) + tender.amount
    paid = {label: part for label, part in paid.items() if part}
    if not paid:
        return [(NOT_TOLD, amount)]
    whole = total(paid.values())
    if abs(whole) == abs(amount):
        parts = [(label, part if whole == amount else -part) for label, part in paid.items()]
    else:
        weights = [abs(part) for part in paid.values()]
        parts = list(zip(paid, allocate(amount, weights, currency), strict=True))
    return sorted(parts, key=lambda part: abs(part[1]), reverse=True)


def tips_of(order: CanonicalOrder) -> Decimal:
    """Return the tips of a sale, in its order or in the note alone."""
    return order.tips_in_note + total(fee.total_inc_tax for fee in order.fees if fee.kind is FeeKind.TIP)
