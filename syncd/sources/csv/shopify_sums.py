"""What the sums of a Shopify order say: whether prices hold the tax, and what its discount took off goods and delivery. Pure."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from syncd.canonical.money import ZERO, format_money, minor_unit, to_minor

_SLACK = 3  # smallest coins: each line's tax is rounded


class Stated(Struct, frozen=True):
    """The amounts of one order as the export has them; ``lines`` are the goods after their own discounts. Major units."""

    currency: str
    lines: Decimal
    subtotal: Decimal
    shipping: Decimal
    tip: Decimal
    duties: Decimal
    tax: Decimal
    total: Decimal
    discount: Decimal


class Sums(Struct, frozen=True):
    """``off_goods`` and ``off_delivery`` are what the order's discount took; ``doubt`` is why a person must look."""

    included: bool
    off_goods: Decimal
    off_delivery: Decimal
    doubt: str = ""


def work_out(said: Stated) -> Sums:
    """Total = Subtotal + Shipping + tip + Duties (tax included), or that + Taxes (added), less what was taken off the delivery."""
    beyond = said.total - said.subtotal - said.shipping - said.tip - said.duties
    off_goods = said.lines - said.subtotal
    included, off_delivery = beyond != said.tax or not said.tax, ZERO
    if beyond not in (ZERO, said.tax):
        included, off_delivery = _off_delivery(said, beyond, said.discount - off_goods)
    return Sums(included, off_goods, off_delivery, _doubt(said, off_goods + off_delivery))


def delivery_tax(
    tax: Decimal, rate: Decimal | None, parts: tuple[Decimal, Decimal], currency: str, *, included: bool
) -> Decimal:
    """How much of an order's tax is the delivery's; ``parts`` are what the goods and the delivery come to.

    The export does not say. It is told by the rate, where the tax fits goods and delivery together and not the goods alone.
    """
    if rate is None or not tax or not parts[1]:
        return ZERO
    goods, delivery = (part * rate / (100 + rate if included else 100) for part in parts)
    slack = minor_unit(currency) * _SLACK
    if abs(tax - goods) <= slack or abs(tax - goods - delivery) > slack:
        return ZERO
    return to_minor(delivery, currency)


def _off_delivery(said: Stated, beyond: Decimal, left: Decimal) -> tuple[bool, Decimal]:
    """Whether the tax is included, and what the discount took off the delivery, where that explains the total exactly."""
    for included, off in ((True, -beyond), (False, said.tax - beyond)):
        if off == left and ZERO < off <= said.shipping:
            return included, off
    return True, ZERO  # it does not add up, and is held for that


def _doubt(said: Stated, taken: Decimal) -> str:
    """Return what is missing from the goods and no discount explains: another order's line, or a row that was lost."""
    most = max(said.discount, ZERO)
    if taken <= most or (not said.discount and not taken):
        return ""
    goods, subtotal, off = (format_money(one, said.currency) for one in (said.lines, said.subtotal, most))
    return f"its lines come to {goods}, its Subtotal is {subtotal}, and its discounts of {off} do not explain that"
