"""What a checkout comes to: the store's own prices, discounts and tax at the address. Pure.

Sources: "Checkouts" and "Tax settings" of https://developer.bigcommerce.com/docs. Tax is rounded on each line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

_LONG = Context(prec=40, rounding=ROUND_HALF_UP)
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class CartItem:
    """A line of a cart; ``price`` a piece is on the side of tax that the store prices in. ``kind``: physical, digital, custom."""

    id: str
    kind: str
    name: str
    sku: str
    quantity: int
    price: Decimal
    product_id: int = 0
    variant_id: int = 0
    options: tuple[tuple[int, str], ...] = ()
    overridden: bool = False


@dataclass(frozen=True, slots=True)
class ItemTotal:
    """What an item comes to after its share of the discounts."""

    item: CartItem
    ex_tax: Decimal
    inc_tax: Decimal
    discount: Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of a checkout; ``goods`` on the side of tax that the store prices in, before ``discount``."""

    includes_tax: bool
    goods: Decimal
    discount: Decimal
    items: tuple[ItemTotal, ...]
    shipping: Decimal
    fees: Decimal
    certificates: Decimal

    @property
    def tax(self) -> Decimal:
        """The tax of all lines."""
        return sum((one.inc_tax - one.ex_tax for one in self.items), _ZERO)

    @property
    def subtotal_ex_tax(self) -> Decimal:
        """The lines without tax."""
        return sum((one.ex_tax for one in self.items), _ZERO) + self.certificates

    @property
    def grand_total(self) -> Decimal:
        """What the shopper is to pay."""
        return self.subtotal_ex_tax + self.tax + self.shipping + self.fees


@dataclass(frozen=True, slots=True)
class Charges:
    """What is added to the goods."""

    shipping: Decimal = _ZERO
    fees: Decimal = _ZERO
    certificates: Decimal = _ZERO


@dataclass(frozen=True, slots=True)
class Taxing:
    """How the store taxes: whether its prices include tax, the rate in percent at the address, the currency's places."""

    includes_tax: bool
    rate: Decimal
    places: int


def work_out(items: Sequence[CartItem], taken: Mapping[str, Decimal], charges: Charges, taxing: Taxing) -> Totals:
    """Return the totals. ``taken`` is what is taken off: by item id, and under "" from the order, by the value of its lines."""
    goods = sum((one.price * one.quantity for one in items), _ZERO)
    whole = taken.get("", _ZERO)
    found = []
    for item in items:
        value = item.price * item.quantity
        share = taken.get(item.id, _ZERO) + (_LONG.divide(whole * value, goods) if goods else _ZERO)
        found.append(_taxed(item, value - share, share, taxing))
    discount = sum(taken.values(), _ZERO)
    return Totals(
        taxing.includes_tax, goods, discount, tuple(found), charges.shipping, charges.fees, charges.certificates
    )


def _taxed(item: CartItem, left: Decimal, share: Decimal, taxing: Taxing) -> ItemTotal:
    factor = 1 + taxing.rate / 100
    left = _rounded(left, taxing)
    if taxing.includes_tax:
        return ItemTotal(item, _rounded(_LONG.divide(left, factor), taxing), left, share)
    return ItemTotal(item, left, left + _rounded(left * (factor - 1), taxing), share)


def _rounded(amount: Decimal, taxing: Taxing) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-taxing.places), ROUND_HALF_UP)
