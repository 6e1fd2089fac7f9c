"""Amounts as people of a country write them: no digit is lost, whatever the locale."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.presentation.numbers import NumberFormat


@pytest.mark.parametrize(
    ("locale", "amount", "currency", "shown"),
    [
        ("en", "1234567.5", "USD", "1,234,567.50 USD"),
        ("de", "1234567.5", "EUR", "1.234.567,50 EUR"),
        ("de_CH", "1234.5", "CHF", "1'234.50 CHF"),
        ("en_IN", "1234567.5", "INR", "12,34,567.50 INR"),
        ("fr", "-1234.5", "EUR", "-1\u202f234,50 EUR"),
        ("en", "1234", "JPY", "1,234 JPY"),
        ("en", "0.1234", "USD", "0.1234 USD"),
        ("en", "1.5", "KWD", "1.500 KWD"),
    ],
)
def test_an_amount_is_written_as_people_of_the_country_do(locale: str, amount: str, currency: str, shown: str) -> None:
    assert NumberFormat(locale).money(Decimal(amount), currency).replace("\u2019", "'") == shown


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**11), max_value=10**11))
def test_english_is_written_as_babel_writes_it(amount: Decimal) -> None:
    assert NumberFormat("en").money(amount, "USD") == NumberFormat("en_US").money(amount, "USD")
    assert NumberFormat("en").number(int(amount)) == NumberFormat("en_US").number(int(amount))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**11), max_value=10**11))
def test_no_digit_of_an_amount_is_lost(amount: Decimal) -> None:
    for locale in ("en", "de", "fr", "de_CH"):
        shown = NumberFormat(locale).amount(amount, "USD")
        digits = "".join(char for char in shown if char.isdigit())
        whole, _, places = f"{abs(amount):f}".partition(".")
        assert digits.startswith(whole)
        assert Decimal(f"0.{digits[len(whole) :] or 0}") == Decimal(f"0.{places or 0}")
