"""A document that sells goods and takes others back, as the sale and the returns that it is made of. Pure.

The sale keeps the document's id, and its goods keep their own prices: "Exchange credit" pays for them, with what the customer paid
beside it. Each original sale of which goods came back gets a return of its own (``ID/return``, ``ID/return/2``, ...), so that its
order can show them; goods of no known sale are a return without an original. Totals and taxes of the parts come to the document's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal

from pydantic import ValidationError

from syncd.canonical.balance import tax_slack
from syncd.canonical.kinds import LineKind, SaleStatus, TenderKind, TenderStatus
from syncd.canonical.money import ZERO, allocate, minor, minor_unit, total
from syncd.canonical.order import CanonicalOrder, Discount, Fee, Line, Tender
from syncd.canonical.sale_key import sent_key

CREDIT = "Exchange credit"
_LONGEST_ID = 160
# Empties that are handed in beside a purchase ("BOTTLE REFUND" of an NCR till): a deposit that is redeemed, though tills sell it
# as an article. On every second receipt of a shop with bottles, and no sale that they came from is ever known.
_EMPTIES = re.compile(
    r"\b(bottles?|cans?|crates?|kegs?|containers?)\b.*\b(refund|return|redemption|deposit)|d(e?)posit|pfand|leergut|consigne"
    r"|statiegeld|\bpant\b|emballage|\bcrv\b|vasilhame|envases?\b|vuoto",
    re.IGNORECASE,
)
_SOLD = {SaleStatus.REFUNDED, SaleStatus.PARTIALLY_REFUNDED}


def parts_of(order: CanonicalOrder) -> tuple[CanonicalOrder, ...]:
    """Return the sale first, then its returns; a document that is only a sale, or a return of one sale, alone.

    A document whose parts would have the wrong sign (a redeemed deposit of more than the goods) is left whole.
    """
    if not any(line.quantity < 0 for line in order.lines):
        return (order,)
    originals = list(dict.fromkeys(_original(order, line) for line in order.lines if came_back(line)))
    sells = any(line.total_inc_tax > 0 for line in order.lines)
    if not originals:
        return (order,)
    if len(originals) == 1 and not sells:
        return (order.model_copy(update={"returns_of": order.returns_of or originals[0]}),)
    sale = _Share() if sells else None
    returns = [_Share(original) for original in originals]
    _deal(order, sale, returns)
    shares = [sale, *returns] if sale else returns
    _state_totals(order, shares)
    _state_taxes(order, shares)
    if any(share.total > 0 for share in returns) or (sale is not None and sale.total < 0):
        return (order,)
    _settle(order, sale, returns)
    try:
        return tuple(_part(order, share, number, is_exchange=sells) for number, share in enumerate(shares))
    except ValidationError:  # amounts beyond all bounds, which only their sum shows
        return (order,)


def part_id(sale_id: str, number: int) -> str:
    """Return the id of a document's part: its own for the first (0), then ``ID/return``, ``ID/return/2``, ..."""
    if not number:
        return sale_id
    return f"{sent_key(sale_id, _LONGEST_ID)}/return" + (f"/{number}" if number > 1 else "")


def came_back(line: Line) -> bool:
    """Whether a line is goods that a customer gave back: no redeemed deposit, no empties, no amount without an article."""
    if line.quantity >= 0 or line.total_inc_tax > 0:
        return False
    if line.origin is not None:
        return True
    if _EMPTIES.search(line.name):
        return False
    return line.kind in (LineKind.PRODUCT, LineKind.SERVICE) or (
        line.kind is LineKind.CUSTOM and bool(line.sku or line.upc)
    )


@dataclass(slots=True)
class _Share:
    """What of the document belongs to one part."""

    original: str | None = None
    lines: list[Line] = field(default_factory=list)
    discounts: list[Discount] = field(default_factory=list)
    fees: list[Fee] = field(default_factory=list)
    tenders: list[Tender] = field(default_factory=list)
    rounding: Decimal = ZERO
    total: Decimal = ZERO
    tax: Decimal = ZERO

    @property
    def sums(self) -> tuple[Decimal, Decimal]:
        """What its parts come to: with tax, and the tax within that."""
        charged = self.charged
        inc_tax = total(one.total_inc_tax for one in charged) + self.rounding
        tax = total(one.total_inc_tax - one.total_ex_tax for one in charged)
        inc_tax -= total(one.amount_inc_tax for one in self.discounts)
        return inc_tax, tax - total(one.amount_inc_tax - one.amount_ex_tax for one in self.discounts)

    @property
    def taxed(self) -> int:
        """How many of its lines and fees are taxed."""
        return sum(one.total_inc_tax != one.total_ex_tax for one in self.charged)

    @property
    def charged(self) -> list[Line | Fee]:
        """Its lines and fees."""
        return [*self.lines, *self.fees]

    @property
    def paid(self) -> Decimal:
        """What its tenders come to."""
        return total(one.amount for one in self.tenders if one.status is TenderStatus.CAPTURED)


def _original(order: CanonicalOrder, line: Line) -> str | None:
    """Return the key of the sale that a line's goods came from, as the line or else the document names it."""
    named = line.origin.sale_id if line.origin else None
    if not named:
        return order.returns_of
    return named if named.startswith(f"{order.source}:") else f"{order.source}:{named}"


def _deal(order: CanonicalOrder, sale: _Share | None, returns: Sequence[_Share]) -> None:
    """Every line, discount, charge and the rounding to the part that it belongs to, by its sign."""
    by_original, first = {share.original: share for share in returns}, sale or returns[0]
    for line in order.lines:
        (by_original[_original(order, line)] if came_back(line) else first).lines.append(line)
    weights = [abs(total(line.total_inc_tax for line in share.lines)) for share in returns]
    for discount in order.discounts:
        if discount.amount_inc_tax >= 0 and sale is not None:
            sale.discounts.append(discount)
            continue
        sides = zip(*(allocate(one, weights, order.currency) for one in _sides(discount)), strict=True)
        for share, (inc_tax, ex_tax) in zip(returns, sides, strict=True):
            changes = {"amount_inc_tax": inc_tax, "amount_ex_tax": ex_tax}
            share.discounts += [discount.model_copy(update=changes)] if inc_tax or ex_tax else []
    for fee in order.fees:
        (first if fee.total_inc_tax >= 0 else returns[0]).fees.append(fee)
    (first if order.total_inc_tax >= 0 else returns[0]).rounding = order.rounding


def _sides(discount: Discount) -> tuple[Decimal, Decimal]:
    return discount.amount_inc_tax, discount.amount_ex_tax


def _state_totals(order: CanonicalOrder, shares: Sequence[_Share]) -> None:
    """Each part's total, in money. What a document that does not add up lacks is the first part's: that one is held for it."""
    first, *others = shares
    for share in others:
        share.total = minor(share.sums[0], order.currency)
    first.total = order.total_inc_tax - total(share.total for share in others)
    if minor(total(share.sums[0] for share in shares), order.currency) != order.total_inc_tax:
        return
    for share in shares:
        if (
            rest := share.total - share.sums[0]
        ) and share.lines:  # shares of a cent, which only the document's sum rounded
            at = max(range(len(share.lines)), key=lambda place: abs(share.lines[place].total_inc_tax))
            line = share.lines[at]
            moved = {"total_inc_tax": line.total_inc_tax + rest, "total_ex_tax": line.total_ex_tax + rest}
            share.lines[at] = line.model_copy(update=moved)


def _state_taxes(order: CanonicalOrder, shares: Sequence[_Share]) -> None:
    """Each part's tax, in money: that of its lines; what the receipt as a whole rounded off is dealt out where there is slack."""
    first, *others = shares
    for share in others:
        share.tax = minor(share.sums[1], order.currency)
    first.tax = order.total_tax - total(share.tax for share in others)
    unit = minor_unit(order.currency)
    for share in others:
        off = first.tax - first.sums[1]
        sign = 1 if off > 0 else -1
        over = abs(off) - tax_slack(first.taxed, order.currency)
        room = tax_slack(share.taxed, order.currency) - sign * (share.tax - share.sums[1])
        if over > 0 and room >= unit:
            moved = sign * unit * min((over / unit).to_integral_value(ROUND_CEILING), room // unit)
            first.tax, share.tax = first.tax - moved, share.tax + moved


def _settle(order: CanonicalOrder, sale: _Share | None, returns: Sequence[_Share]) -> None:
    """How each part was paid. The goods that came back pay for those that were sold, as far as they go; money did the rest."""
    given = list(order.tenders)
    if sale is not None and (given or not order.total_inc_tax):
        credit = min(sale.total, -total(share.total for share in returns))
        sale.tenders += [_credit(credit)] if credit else []
        back = [_credit(-credit)] if credit else []
        if order.total_inc_tax >= 0:
            sale.tenders += given
            given = back
        else:
            given = back + given
    elif sale is not None:
        given = []
    _give_back(given, returns)


def _credit(amount: Decimal) -> Tender:
    return Tender(kind=TenderKind.EXCHANGE, label=CREDIT, amount=amount)


def _give_back(given: Sequence[Tender], returns: Sequence[_Share]) -> None:
    """Give the tenders to the returns in turn, each as much as it gives back; take one apart that settles several."""
    first, last = returns[0], returns[-1]
    back = [one for one in given if one.status is TenderStatus.CAPTURED and one.amount < 0]
    first.tenders += [one for one in given if one not in back]
    for tender in back:
        left = tender.amount
        for share in returns:
            need = min(share.total - share.paid, ZERO)
            taken = left if share is last else max(left, need)
            if taken:
                whole = taken == tender.amount
                share.tenders.append(tender if whole else tender.model_copy(update={"amount": taken, **_ONCE}))
                left -= taken


_ONCE = {"tip": ZERO, "tendered": None, "change": ZERO, "cash_back": ZERO}


def _part(order: CanonicalOrder, share: _Share, number: int, *, is_exchange: bool) -> CanonicalOrder:
    is_sale = is_exchange and not number
    changes: dict[str, object] = {
        "sale_id": part_id(order.sale_id, number),
        "lines": tuple(share.lines),
        "discounts": tuple(share.discounts),
        "fees": tuple(share.fees),
        "tenders": tuple(share.tenders),
        "taxes": (),
        "rounding": share.rounding,
        "returns_of": share.original,
        "total_inc_tax": share.total,
        "total_tax": share.tax,
    }
    if is_exchange:
        changes["exchanged_with"] = f"{order.source}:{part_id(order.sale_id, 1 if is_sale else 0)}"
    if number:
        status = SaleStatus.COMPLETED if order.status in _SOLD else order.status
        changes |= {"status": status, "refunds": (), "paid_ahead": ZERO, "balance_due": None, "extra": {}}
    part = order.model_copy(update=changes)
    return CanonicalOrder.from_json(part.to_json())  # amounts in their one form: the fingerprint is of those
