"""Amounts and numbers as people of a country write them; a currency stands as its code behind its amount. Pure.

Source of the formats: the Unicode Common Locale Data Repository, by Babel. Plain English (``en``) needs none of its data,
which take seven megabytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from syncd.canonical.money import minor_unit

if TYPE_CHECKING:
    from babel import Locale

_PLAIN = "en"


@dataclass(frozen=True)
class NumberFormat:
    """The numbers of a locale (``en_GB``)."""

    locale: str

    @cached_property
    def _parsed(self) -> Locale:
        from babel import Locale  # noqa: PLC0415  see above

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
        return self._decimal(amount, max(_places(minor_unit(currency)), _places(amount.normalize())))

    def number(self, value: int) -> str:
        """``1,234``."""
        return self._decimal(Decimal(value), 0)

    def _decimal(self, value: Decimal, places: int) -> str:
        if self.locale == _PLAIN:
            return f"{value:,.{places}f}"
        from babel.numbers import format_decimal  # noqa: PLC0415  see above

        return format_decimal(value, self._whole + (f".{'0' * places}" if places else ""), self._parsed)


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0
