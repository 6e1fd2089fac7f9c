"""Amounts as the Orders API takes them: text at order level, numbers on product lines, four places at most."""

from __future__ import annotations

from decimal import Decimal

from syncd.canonical.money import round_to

_FOUR_PLACES = Decimal("0.0001")
_EXACT_DIGITS = 15


def as_text(amount: Decimal) -> str:
    """An order-level amount: ``"12.3000"``."""
    return format(round_to(amount, _FOUR_PLACES), "f")


def unit_price(line_total: Decimal, quantity: int) -> Decimal:
    """The price of one piece at four places; what the division loses is carried by the order's subtotals."""
    return round_to(line_total / quantity, _FOUR_PLACES)


def as_number(amount: Decimal) -> float | int:
    """A product line's price, which the API wants as a JSON number.

    A float of at most 15 significant digits is written out as exactly the decimal that it came from, so no cent is lost.

    Raises:
        ValueError: the amount has more digits than that.

    """
    rounded = round_to(amount, _FOUR_PLACES)
    if len(rounded.as_tuple().digits) > _EXACT_DIGITS:
        msg = f"{rounded} is too large for a line price"
        raise ValueError(msg)
    return int(rounded) if rounded == int(rounded) else float(rounded)
