"""Amounts as the Orders API takes them: text at order level, numbers on product lines, four places at most."""

from __future__ import annotations

from decimal import Decimal

from syncd.canonical.money import round_to

_FOUR_PLACES = Decimal("0.0001")
_EXACT_BELOW = Decimal(10) ** 11  # with four places, 15 significant digits: a float keeps them


def as_text(amount: Decimal) -> str:
    """An order-level amount: ``"12.3000"``."""
    return format(round_to(amount, _FOUR_PLACES), "f")


def unit_price(line_total: Decimal, quantity: int) -> Decimal:
    """The price of one piece at four places; what the division loses is carried by the order's subtotals."""
    return round_to(line_total if quantity == 1 else line_total / quantity, _FOUR_PLACES)


def as_number(amount: Decimal) -> float | int:
    """An amount of four places at most, such as a product line's price, which the API wants as a JSON number.

    A float of at most 15 significant digits is written out as exactly the decimal that it came from, so no cent is lost.

    Raises:
        ValueError: the amount has more digits than that.

    """
    if abs(amount) >= _EXACT_BELOW:
        msg = f"{amount} is too large for a line price"
        raise ValueError(msg)
    number = float(amount)
    return int(number) if number.is_integer() else number
