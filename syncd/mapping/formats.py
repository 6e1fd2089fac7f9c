"""Write text, amounts and statuses as BigCommerce takes them: on one line and bounded, with four decimals, by number."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from functools import lru_cache

from syncd.canonical.money import round_to


def bounded(text: str, longest: int) -> str:
    """``text`` on one line, cut at ``longest`` characters with an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


@lru_cache(maxsize=4096)  # units, tenders and countries are few, and stand on every receipt
def folded(text: str) -> str:
    """Return a name without what writers differ in: case, accents of Latin, Greek and Cyrillic, punctuation, a leading "the"."""
    spread = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(char for char in spread if not "\u0300" <= char <= "\u036f")
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFC", bare)).strip().removeprefix("the ")


_FOUR_PLACES = Decimal("0.0001")
_EXACT_BELOW = Decimal(10) ** 11  # with four places, 15 significant digits: a float keeps them


def as_text(amount: Decimal) -> str:
    """Return an order-level amount: ``"12.3000"``."""
    return format(round_to(amount, _FOUR_PLACES), "f")


def unit_price(line_total: Decimal, quantity: int) -> Decimal:
    """Return the price of one piece at four places; what the division loses is carried by the order's subtotals."""
    return round_to(line_total if quantity == 1 else line_total / quantity, _FOUR_PLACES)


def as_number(amount: Decimal) -> float | int:
    """Return an amount of four places at most, such as a product line's price, which the API wants as a JSON number.

    A float of at most 15 significant digits is written out as exactly the decimal that it came from, so no cent is lost.

    Raises:
        ValueError: the amount has more digits than that.

    """
    if abs(amount) >= _EXACT_BELOW:
        msg = f"{amount} is too large for a line price"
        raise ValueError(msg)
    number = float(amount)
    return int(number) if number.is_integer() else number


_NAMES = (
    "Incomplete",
    "Pending",
    "Shipped",
    "Partially Shipped",
    "Refunded",
    "Cancelled",
    "Declined",
    "Awaiting Payment",
    "Awaiting Pickup",
    "Awaiting Shipment",
    "Completed",
    "Awaiting Fulfillment",
    "Manual Verification Required",
    "Disputed",
    "Partially Refunded",
)


def status_words(number: int) -> str:
    """``Completed (10)``."""
    return f"{_NAMES[number]} ({number})" if 0 <= number < len(_NAMES) else str(number)


def normal_code(code: str) -> str:
    """Return a SKU or UPC as it is compared: no blanks around it, upper case."""
    return code.strip().upper()
