"""Map what stands between the lines and the total: fees, delivery, and discounts of the whole, spread over the unit prices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple, TypeVar

from pydantic import JsonValue

from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import FeeKind, LineKind
from syncd.canonical.money import ZERO, allocate, format_money, minor, total
from syncd.canonical.order import Fee, Line
from syncd.mapping.formats import as_text, bounded
from syncd.mapping.lines import Sold, line_name, lowers_total, sold
from syncd.mapping.model import MappingNote
from syncd.mapping.rules import Rules

_LONGEST_NAME = 100
Wired = dict[str, JsonValue]


def as_lines(made: Spread, rules: Rules) -> tuple[Fee, ...]:
    """Return the fees that become lines: by rule; all where the sale has no other line; those without tax that no known class fits.

    An order must have a line, and BigCommerce's own class for fees may be a taxed one ("fees" of
    https://developer.bigcommerce.com/docs/rest-management/orders: its costs must fit the class).
    """
    return tuple(fee for fee in made.fees if not made.lines or _as(fee, rules) == "line")


def _as(fee: Fee, rules: Rules) -> str:
    untaxed_nowhere = fee.total_inc_tax == fee.total_ex_tax and rules.fee_tax_class_id is None
    return rules.fees_as.get(fee.kind) or ("line" if untaxed_nowhere else "fee")


def why_line(fee: Fee, made: Spread, rules: Rules) -> str:
    """Why a fee became a line."""
    if rules.fees_as.get(fee.kind) == "line":
        return "the config wants it as a line"
    return "without tax, and no fee_tax_class_id is set" if made.lines else "the sale has no other line"


def fees(made: Spread, lines: tuple[Fee, ...], rules: Rules) -> Iterator[tuple[Wired, MappingNote]]:
    """Tips, service charges, bags, cash rounded up and the like as custom fees, those of ``lines`` aside."""
    for fee in made.fees:
        if fee not in lines:
            name = fee_name(fee)
            yield _fee(name, fee, rules.fee_tax_class_id), MappingNote(name, "custom fee", f"a {fee.kind.value}")


def fee_name(fee: Fee) -> str:
    """Return what a fee is called: the till's name for it, else its kind."""
    return bounded(fee.name, _LONGEST_NAME) or fee.kind.value.replace("_", " ").capitalize()


def _fee(name: str, fee: Fee, untaxed_class: int | None) -> Wired:
    wired: Wired = {
        "type": "custom_fee",
        "display_name_customer": name,
        "display_name_merchant": name,
        "cost_ex_tax": as_text(fee.total_ex_tax),
        "cost_inc_tax": as_text(fee.total_inc_tax),
    }
    untaxed = fee.total_ex_tax == fee.total_inc_tax and untaxed_class is not None
    return wired | ({"tax_class_id": untaxed_class} if untaxed else {})


def delivery(made: Spread) -> Wired:
    """Delivery charges as the order's shipping cost (a pair, never negative); nothing where there are none."""
    if not made.delivery:
        return {}
    ex_tax, inc_tax = (total(getattr(fee, f"total_{side}") for fee in made.delivery) for side in ("ex_tax", "inc_tax"))
    return {"shipping_cost_ex_tax": as_text(ex_tax), "shipping_cost_inc_tax": as_text(inc_tax)}


def discount_shown(taken: Decimal, rules: Rules) -> Wired:
    """Return the discount as a figure of its own, where the config wants it shown; the prices are lowered by it all the same."""
    return {"discount_amount": as_text(taken)} if taken and rules.show_discount else {}


def discount_decisions(order: CanonicalOrder, made: Spread, rules: Rules) -> Iterator[MappingNote]:
    """Yield a decision for each thing that lowers the sale as a whole."""
    how = "spread over lines, fees and delivery" if made.apart else "spread over the lines' prices"
    for taken in order.discounts:
        yield MappingNote(taken.name, how, f"an order discount of {format_money(taken.amount_inc_tax, order.currency)}")
    for number, line in enumerate(order.lines, start=1):
        if lowers_total(line):
            shown = format_money(line.total_inc_tax, order.currency)
            yield MappingNote(f"line {number}", how, f"{line_name(line, weighed=False)} {shown}: {_back(line)}")
    for fee in order.fees:
        if fee.total_inc_tax < 0:
            yield MappingNote(fee_name(fee), how, f"a charge of {format_money(fee.total_inc_tax, order.currency)}")
    if order.rounding < 0:
        yield MappingNote("cash rounding", how, "the total was rounded down")
    if discount_shown(taken_off(order), rules):
        yield MappingNote("discount_amount", "shown", "a figure for show: the prices are lowered by it already")


def _back(line: Line) -> str:
    return "a deposit redeemed" if line.kind is LineKind.DEPOSIT else "goods that came back; their stock is not moved"


_LAST_LOWERED = {LineKind.GIFT_CARD, LineKind.DEPOSIT}
_GOODS, _PAID_AHEAD, _DELIVERY, _FEES = range(4)


class Spread(NamedTuple):
    """What the order is made of: each line that sells something and each charge, at the amounts that it carries there."""

    lines: Sold
    fees: tuple[Fee, ...]
    delivery: tuple[Fee, ...]
    apart: bool
    """Whether all of it had to be spread anew, delivery and fees too."""


class _Part(NamedTuple):
    rank: int
    inc_tax: Decimal
    tax: Decimal

    @property
    def ex_tax(self) -> Decimal:
        return self.inc_tax - self.tax


def spread(order: CanonicalOrder) -> Spread:
    """Return the lines and charges of a sale whose total and tax are not negative; they come to exactly those.

    Every amount has the currency's places, no price is negative, and none is lower than the tax in it.
    """
    lines, fees = sold(order), charged(order)
    if not fees and lines and _comes_to(lines, order):
        return Spread(lines, (), (), False)  # as most receipts are: nothing is to be spread
    return spread_over(lines, fees, order)


def spread_over(lines: Sold, fees: Sequence[Fee], order: CanonicalOrder) -> Spread:
    """Spread what lowers or raises a sale as a whole over its lines and charges."""
    parts = [_part(_rank(line), line, order.currency) for _, line in lines]
    parts += [_part(_DELIVERY if fee.kind is FeeKind.DELIVERY else _FEES, fee, order.currency) for fee in fees]
    shares = _lowered(parts, order) if parts else []
    found, apart = (shares, False) if shares is not None else _anew(parts, order)
    made_lines = tuple((number, _at(line, part)) for (number, line), part in zip(lines, found, strict=False))
    made_fees = [_at(fee, part) for fee, part in zip(fees, found[len(lines) :], strict=True)]
    return Spread(
        made_lines,
        tuple(fee for fee in made_fees if fee.kind is not FeeKind.DELIVERY),
        tuple(fee for fee in made_fees if fee.kind is FeeKind.DELIVERY),
        apart,
    )


def _comes_to(lines: Sold, order: CanonicalOrder) -> bool:
    """Whether lines come to the sale's total and tax, each at whole minor units and no less than nothing."""
    inc_tax, tax = ZERO, ZERO
    for _, line in lines:
        whole, within = line.total_inc_tax, line.total_inc_tax - line.total_ex_tax
        if not ZERO <= within <= whole:
            return False
        if minor(whole, order.currency) is not whole or minor(within, order.currency) is not within:
            return False
        inc_tax += whole
        tax += within
    return inc_tax == order.total_inc_tax and tax == order.total_tax


def charged(order: CanonicalOrder) -> list[Fee]:
    """Return what is charged beside the lines: fees of an amount, and cash rounded up. A negative one lowers the sale instead."""
    fees = [fee for fee in order.fees if fee.total_inc_tax > 0]
    if order.rounding > 0:
        up = order.rounding
        fees.append(Fee(kind=FeeKind.OTHER, name="Cash rounding", total_ex_tax=up, total_inc_tax=up))
    return fees


def taken_off(order: CanonicalOrder) -> Decimal:
    """Return what discounts, goods that came back, redeemed deposits, negative charges and cash rounded down take off, with tax."""
    taken = total(discount.amount_inc_tax for discount in order.discounts)
    taken -= total(line.total_inc_tax for line in order.lines if lowers_total(line))
    taken -= total(fee.total_inc_tax for fee in order.fees if fee.total_inc_tax < 0)
    return taken + (-order.rounding if order.rounding < 0 else ZERO)


def _rank(line: Line) -> int:
    return _PAID_AHEAD if line.kind in _LAST_LOWERED else _GOODS


def _part(rank: int, of: Line | Fee, currency: str) -> _Part:
    tax = max(ZERO, of.total_inc_tax - of.total_ex_tax)
    if (
        rank > _PAID_AHEAD
    ):  # a charge keeps its amount, so it must be one of the currency; the lines take up what that rounds away
        return _Part(rank, minor(of.total_inc_tax, currency), minor(min(tax, of.total_inc_tax), currency))
    return _Part(rank, of.total_inc_tax, min(tax, of.total_inc_tax))


def _lowered(parts: Sequence[_Part], order: CanonicalOrder) -> list[_Part] | None:
    """Prices and taxes lowered rank by rank to the sale's sums; None where a price would fall below the tax in it."""
    inc_tax = _to_sum([part.inc_tax for part in parts], parts, order.total_inc_tax, order.currency)
    tax = _to_sum([part.tax for part in parts], parts, order.total_tax, order.currency)
    if inc_tax is None or tax is None:
        return None
    found = [_Part(part.rank, *sides) for part, *sides in zip(parts, inc_tax, tax, strict=True)]
    return found if all(ZERO <= part.tax <= part.inc_tax for part in found) else None


def _to_sum(amounts: list[Decimal], parts: Sequence[_Part], wanted: Decimal, currency: str) -> list[Decimal] | None:
    """``amounts`` in minor units that come to ``wanted``, each rank lowered to nothing before the next is touched."""
    found, off = list(amounts), total(amounts) - wanted
    if not off and all(amount >= 0 and minor(amount, currency) is amount for amount in amounts):
        return found  # as most receipts are
    ranks = sorted({part.rank for part in parts})
    if off < 0:  # a cent of rounding to add: where there is something to add it to
        charged_ranks = [part.rank for part, amount in zip(parts, amounts, strict=True) if amount]
        first = min(charged_ranks, default=ranks[0])
        ranks.sort(key=lambda rank: (rank != first, rank))
    left: dict[int, Decimal] = {}
    for rank in ranks:
        whole = total(amount for amount, part in zip(amounts, parts, strict=True) if part.rank == rank)
        left[rank] = max(ZERO, whole - off)
        off -= whole - left[rank]
    if off:
        return None
    fine = {rank: share for rank, share in left.items() if minor(share, currency) is not share}
    left |= zip(fine, allocate(total(fine.values()), list(fine.values()), currency), strict=True)
    for rank, share in left.items():
        places = [place for place, part in enumerate(parts) if part.rank == rank]
        for place, amount in zip(places, _shares(share, [amounts[place] for place in places], currency), strict=True):
            found[place] = amount
    return found


def _shares(wanted: Decimal, weights: list[Decimal], currency: str) -> Sequence[Decimal]:
    """Return the weights themselves where they come to ``wanted`` and are whole minor units, else ``wanted`` allocated by them."""
    if total(weights) == wanted and all(minor(weight, currency) is weight for weight in weights):
        return weights
    return allocate(wanted, weights, currency)


def _anew(parts: Sequence[_Part], order: CanonicalOrder) -> tuple[list[_Part], bool]:
    """Price without tax and tax, each allocated over the lines, or over everything where the charges alone come to more.

    The last resort, which always comes out; and whether the charges were touched.
    """
    charges = [part for part in parts if part.rank > _PAID_AHEAD]
    ex_tax = order.total_inc_tax - order.total_tax - total(part.ex_tax for part in charges)
    tax = order.total_tax - total(part.tax for part in charges)
    touched = len(charges) == len(parts) or ex_tax < 0 or tax < 0
    if touched:
        ex_tax, tax, charges = order.total_inc_tax - order.total_tax, order.total_tax, []
    lowered = parts[: len(parts) - len(charges)]
    ex_taxes = allocate(ex_tax, [part.ex_tax for part in lowered], order.currency)
    taxes = allocate(tax, [part.tax for part in lowered], order.currency)
    found = [_Part(part.rank, one + two, two) for part, one, two in zip(lowered, ex_taxes, taxes, strict=True)]
    return [*found, *charges], touched


Charge = TypeVar("Charge", Line, Fee)


def _at(of: Charge, part: _Part) -> Charge:
    if of.total_inc_tax == part.inc_tax and of.total_ex_tax == part.ex_tax:
        return of
    return of.model_copy(update={"total_inc_tax": part.inc_tax, "total_ex_tax": part.ex_tax})
