"""How well a return fits a sale that its goods may have come from, where the POS does not say which one it was. Pure."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from syncd.canonical.exchanges import came_back
from syncd.canonical.kinds import SaleStatus
from syncd.canonical.money import minor_unit
from syncd.canonical.order import CanonicalOrder, Line

_SOLD = {SaleStatus.COMPLETED, SaleStatus.PARTIALLY_REFUNDED}


class Fit(Struct, frozen=True):
    """A sale that goods may have come from: how many of the lines were sold in it, at the same price or not, and to whom.

    ``same_customer`` is None where one of the two names none.
    """

    sale_key: str
    lines: int
    of_lines: int
    same_price: bool
    same_customer: bool | None
    days: int

    @property
    def is_whole(self) -> bool:
        """Whether nothing speaks against it: all of the goods, at the same price, and no other customer."""
        return self.lines == self.of_lines and self.same_price and self.same_customer is not False

    @property
    def rank(self) -> tuple[int, bool, bool, int]:
        """What sorts the best one last."""
        return (self.lines, self.same_customer is True, self.same_price, -self.days)

    @property
    def reason(self) -> str:
        """``all of its goods at the same price, same customer, 3 days before``."""
        goods = "all of its goods" if self.lines == self.of_lines else f"{self.lines} of {self.of_lines} lines"
        price = " at the same price" if self.same_price else " at another price"
        who = {True: ", same customer", False: ", another customer", None: ""}[self.same_customer]
        when = "the same day" if not self.days else f"{self.days} day{'s' if self.days > 1 else ''} before"
        return f"{goods if self.lines else 'none of its goods'}{price if self.lines else ''}{who}, {when}"


def fit(returned: CanonicalOrder, sold: CanonicalOrder, left: Decimal) -> Fit | None:
    """How ``returned`` fits ``sold``, of which ``left`` was not given back yet (tax included); None where it cannot be its sale."""
    before = sold.placed_at < returned.placed_at and sold.sale_key != returned.exchanged_with
    if not before or sold.status not in _SOLD or sold.training or sold.currency != returned.currency:
        return None
    if sold.total_inc_tax <= 0 or left < -returned.total_inc_tax:
        return None
    backs = [line for line in returned.lines if came_back(line)]
    pairs = [(line, of) for line in backs if (of := _sold_as(line, sold)) is not None]
    who = _same_customer(returned, sold)
    if not pairs and not who:
        return None
    same = bool(pairs) and all(_price(back, sold.currency) == _price(of, sold.currency) for back, of in pairs)
    return Fit(sold.sale_key, len(pairs), len(backs), same, who, (returned.placed_at - sold.placed_at).days)


def codes_of(returned: CanonicalOrder) -> list[str]:
    """Return the article numbers of what came back, and the names of what has none: one of them stands in every sale that fits."""
    return list(dict.fromkeys(line.sku or line.upc or line.name for line in returned.lines if came_back(line)))


def _sold_as(back: Line, sold: CanonicalOrder) -> Line | None:
    for line in sold.lines:
        same = line.sku == back.sku if back.sku else line.upc == back.upc if back.upc else line.name == back.name
        if same and line.quantity >= -back.quantity:
            return line
    return None


def _price(line: Line, currency: str) -> Decimal:
    """Return what a piece came to, in money."""
    return (line.total_inc_tax / line.quantity).quantize(minor_unit(currency)) if line.quantity else line.total_inc_tax


def _same_customer(one: CanonicalOrder, other: CanonicalOrder) -> bool | None:
    """By id, e-mail or phone; None where nothing can be compared."""
    a, b = one.customer, other.customer
    if a is None or b is None:
        return None
    pairs = [(a.id, b.id), (a.email.strip().casefold(), b.email.strip().casefold()), (a.phone, b.phone)]
    known = [x == y for x, y in pairs if x and y]
    return any(known) if known else None
