"""Money and quantities: ``Decimal`` from text, never a float; quantised here and nowhere else.

All amounts are in major units of the order's currency (12.30 means twelve dollars thirty).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import cache, lru_cache
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

ZERO = Decimal(0)

_ZERO_PLACES = (
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF",
)  # fmt: skip
_THREE_PLACES = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
_FOUR_PLACES = ("CLF", "UYW")
# ISO 4217 table A.1, "minor unit" column (https://www.six-group.com/en/products-services/financial-information/
# data-standards.html); every currency that is not listed has two places.
_PLACES = {
    **dict.fromkeys(_ZERO_PLACES, 0),
    **dict.fromkeys(_THREE_PLACES, 3),
    **dict.fromkeys(_FOUR_PLACES, 4),
}
# A shop's amount has far fewer digits; what is longer is damage, and must not cost us memory or precision.
_MAX_DIGITS = 24
_TOO_MUCH = Decimal(10) ** 12  # sums of many of them still fit into what databases add up
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)


def parse_decimal(value: object) -> Decimal:
    """Return an exact, finite decimal in its plain form (``1.0`` and ``1.00`` become ``1``) from text, int or Decimal.

    Raises:
        ValueError: for a float (its cents are already lost), NaN, infinity, or anything that is not a number.

    """
    if isinstance(value, float | bool) or not isinstance(value, str | int | Decimal):
        msg = 'an amount must be text such as "12.30", not a floating-point number'
        raise ValueError(msg)
    return _parsed(value)


@lru_cache(maxsize=8192)  # a shop's prices and quantities are few, and recur on every receipt
def _parsed(value: str | int | Decimal) -> Decimal:
    try:
        number = Decimal(value)
    except InvalidOperation:
        msg = f"{str(value)[:40]!r} is not a number"
        raise ValueError(msg) from None
    too_long = len(number.as_tuple().digits) > _MAX_DIGITS or abs(number.adjusted()) > _MAX_DIGITS
    if not number.is_finite() or too_long or abs(number) >= _TOO_MUCH:
        msg = f"{str(value)[:40]!r} is not an amount of money"
        raise ValueError(msg)
    return plain(number)


def plain(number: Decimal) -> Decimal:
    """Return the one form in which a number is kept: no trailing zeros, no exponent, no negative zero."""
    if not number:
        return ZERO
    text = format(number, "f")
    return Decimal(text.rstrip("0").rstrip(".")) if "." in text else Decimal(text)


def _text(number: Decimal) -> str:
    return format(number, "f")


Money = Annotated[Decimal, BeforeValidator(parse_decimal), PlainSerializer(_text, return_type=str, when_used="json")]
Quantity = Money


@cache
def places(currency: str) -> int:
    """How many decimal places ``currency`` (ISO 4217 code) has."""
    return _PLACES.get(currency, 2)


@cache
def minor_unit(currency: str) -> Decimal:
    """Return the smallest amount of ``currency``: 0.01 for USD, 1 for JPY, 0.001 for KWD."""
    return Decimal(1).scaleb(-places(currency))


def round_to(amount: Decimal, step: Decimal) -> Decimal:
    """``amount`` to the places of ``step`` (a power of ten), half up."""
    return amount.quantize(step, context=_EXACT)


def to_minor(amount: Decimal, currency: str) -> Decimal:
    """``amount`` at the currency's own number of places, half up."""
    return round_to(amount, minor_unit(currency))


def minor(amount: Decimal, currency: str) -> Decimal:
    """Return the amount itself, where it has no more places than the currency; else round it to them, half up."""
    exponent = amount.as_tuple().exponent
    return amount if isinstance(exponent, int) and -exponent <= places(currency) else plain(to_minor(amount, currency))


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Return the exact sum."""
    return sum(amounts, ZERO)


def allocate(amount: Decimal, weights: Sequence[Decimal], currency: str) -> tuple[Decimal, ...]:
    """Split ``amount`` by ``weights`` into minor units whose sum is exactly ``amount``, remainders to the largest first.

    Where all weights are zero the first share takes everything. ``amount`` itself is brought to minor units first.
    """
    whole = to_minor(amount, currency)
    if not weights:
        return ()
    scale = total(weights)
    if not scale:
        return (whole, *(ZERO for _ in weights[1:]))
    exact = [whole * weight / scale for weight in weights]
    shares = [to_minor(share, currency) for share in exact]
    unit = minor_unit(currency)
    missing = int((whole - total(shares)) / unit)
    step = unit if missing > 0 else -unit
    by_error = sorted(
        range(len(shares)), key=lambda i: (exact[i] - shares[i]) * (1 if missing > 0 else -1), reverse=True
    )
    for turn in range(abs(missing)):
        shares[by_error[turn % len(shares)]] += step
    return tuple(shares)


def format_amount(amount: Decimal, currency: str) -> str:
    """``12.30``: the currency's places at least, more where the amount has more."""
    whole = amount.quantize(minor_unit(currency), context=_EXACT)
    return _text(whole if whole == amount else amount)


def format_money(amount: Decimal, currency: str) -> str:
    """``12.30 USD``, as ``format_amount`` has it."""
    return f"{format_amount(amount, currency)} {currency}"
