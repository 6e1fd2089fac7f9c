"""Amounts and numbers as people of a country write them; a currency stands as its code behind its amount. Pure.

Source of the formats: the Unicode Common Locale Data Repository, by Babel.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from babel import Locale
from babel.numbers import format_decimal

from syncd.canonical.money import minor_unit


@dataclass(frozen=True)
class NumberFormat:
    """The numbers of a locale (``en_GB``)."""

    locale: str

    @cached_property
    def _parsed(self) -> Locale:
        return Locale.parse(self.locale)

    @cached_property
    def _whole(self) -> str:
        """The pattern of whole numbers: where their digits are parted."""
        return str(self._parsed.decimal_formats[None].pattern).partition(";")[0].partition(".")[0]

    def money(self, amount: Decimal, currency: str) -> str:
        """``1,234.50 USD``."""
        return f"{self.amount(amount, currency)} {currency}"

    def amount(self, amount: Decimal, currency: str) -> str:
        """``1,234.50``: with the currency's places at least, more where the amount has more."""
        places = max(_places(minor_unit(currency)), _places(amount.normalize()))
        return format_decimal(amount, self._whole + (f".{'0' * places}" if places else ""), self._parsed)

    def number(self, value: int) -> str:
        """``1,234``."""
        return format_decimal(value, self._whole, self._parsed)


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0
