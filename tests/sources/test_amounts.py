"""Amounts in the spellings of the world: read as what they are, or refused; never as something else."""

from __future__ import annotations

import json
import unicodedata
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from babel import Locale
from babel.localedata import locale_identifiers
from babel.numbers import format_currency, get_currency_precision
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.sources.csv.amounts import doubt, parse_amount
from syncd.sources.csv.plain import plain
from syncd.sources.csv.signs import bare_sign, currencies_of
from tests.currency_signs import FILE, signs
from tests.sources.conftest import Till

GROUPS = (".", ",", "'", "")  # a blank is stripped
HEAD = "sale id,date,name,line total,total\n"


@pytest.mark.parametrize(
    ("text", "mark", "currency", "amount"),
    [
        ("Rp 25.000", ",", "IDR", "25000"),
        ("Rp.25000", ".", "IDR", "25000"),
        ("RM12.50", ".", "MYR", "12.50"),
        ("S$5.00", ".", "SGD", "5"),
        ("R 45.00", ".", "ZAR", "45"),
        ("\uffe51,200", ".", "JPY", "1200"),
        ("\uff11\uff12", ".", "JPY", "12"),
        ("MX$50.00", ".", "MXN", "50"),
        ("Php 20.00", ".", "PHP", "20"),
        ("\u221245,50 kr", ",", "SEK", "-45.50"),
        ("\u200e-45.50", ".", "USD", "-45.50"),
        ("100,- kr", ",", "NOK", "100"),
        ("100:-", ".", "SEK", "100"),
        ("HK$5", ".", "HKD", "5"),
        ("NT$5", ".", "TWD", "5"),
        ("5 K\u010d", ".", "CZK", "5"),
        ("5,5 lei", ",", "RON", "5.5"),
        ("\u20ba5", ".", "TRY", "5"),
        ("5 \u043b\u0432.", ".", "BGN", "5"),
        ("$.50", ".", "USD", "0.50"),
        ("usd 5", ".", "USD", "5"),
    ],
)
def test_signs_and_minus_are_read_in_their_usual_spellings(text: str, mark: Any, currency: str, amount: str) -> None:
    assert parse_amount(text, mark, currency) == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "currency"), [("\u20ac5", "USD"), ("5.00 kr", "EUR"), ("CHF 5", "EUR"), ("\xa35.00", "USD")]
)
def test_an_amount_beside_the_sign_of_another_currency_is_refused_by_name(text: str, currency: str) -> None:
    with pytest.raises(ValueError, match=f"and this source sells in {currency}"):
        parse_amount(text, ".", currency)


@pytest.mark.parametrize(
    "text", ["5 items", "(5", "5)", "(-5)", "1 2 3", "=5", "5%", "--5", "5-5", "1.234.56", "kr", "$", "5 5.00"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an amount"):
        parse_amount(text, ".", "USD")


@pytest.mark.parametrize(
    ("text", "currency", "doubtful"),
    [
        ("96.990", "CLP", True),
        ("1.000", "EUR", True),
        ("Rp 25.000", "IDR", True),
        ("-1.000", "EUR", True),
        ("1,234", "KWD", True),
        ("1.234", "KWD", False),
        ("1,234", "USD", False),
        ("0.450", "EUR", False),
        ("12.34", "USD", False),
        ("1,234.500", "EUR", False),
    ],
)
def test_three_digits_after_the_only_mark_are_doubtful_where_the_currency_does_not_tell(
    text: str, currency: str, doubtful: bool
) -> None:
    assert bool(doubt(text, currency)) is doubtful


@pytest.mark.parametrize(("currency", "amount"), [("CLP", "96.990"), ("EUR", "1.000"), ("IDR", "25.000")])
def test_a_dot_between_thousands_is_never_taken_for_a_decimal_mark(till: Any, currency: str, amount: str) -> None:
    text = HEAD + f"1,2026-11-20 10:00,Tea,{amount},{amount}\n2,2026-11-20 10:05,Tea,500,500\n"
    shop: Till = till(currency=currency)
    shop.drop("day.csv", text)
    orders, faults = shop.read()
    assert [order.sale_id for order in orders] == ["2"]
    assert [fault.sale for fault in faults] == ["1"]
    assert "set decimal_mark" in faults[0].reason
    told: Till = till(currency=currency, decimal_mark=",")
    told.drop("day.csv", text)
    (first, _), faults = told.read()
    assert (faults, first.total_inc_tax) == ([], Decimal(amount.replace(".", "")))


@cache
def _locales() -> list[Locale]:
    """The languages whose amounts have a dot or a comma for their decimals, and usual marks between thousands."""
    every = [(one, one.number_symbols.get("latn", {})) for one in map(Locale.parse, locale_identifiers())]
    return [
        one
        for one, marks in every
        if marks.get("decimal") in (".", ",")
        and plain(marks.get("group", "")) in GROUPS
        and one.currency_formats["standard"].grouping[0] == 3  # not toki pona's two
    ]


@settings(deadline=None)  # the first look reads the languages
@given(data=st.data())
def test_what_any_language_writes_is_read_as_it_was_meant_or_refused(data: st.DataObject) -> None:
    language = data.draw(st.sampled_from(_locales()), "language")
    currency = data.draw(st.sampled_from(["EUR", "USD", "JPY", "CLP", "IDR", "INR", "SEK", "CHF", "BRL", "KWD", "PLN"]))
    places = get_currency_precision(currency)
    amount = Decimal(data.draw(st.integers(-(10**9), 10**9))).scaleb(-places)
    text = format_currency(amount, currency, locale=language, numbering_system="latn")
    mark: Any = language.number_symbols["latn"]["decimal"]
    try:
        read = parse_amount(text, mark, currency)
    except ValueError:
        letters = {char for char in text if unicodedata.category(char)[0] in "LM"}
        assert letters, f"{text!r} of {language} should be read"  # the name of a currency in words is not
        return
    assert read == amount


def test_every_amount_of_the_usual_tills_is_read() -> None:
    for name, currency in [
        *(
            ("de", "EUR"),
            ("de_CH", "CHF"),
            ("fr", "EUR"),
            ("en_IN", "INR"),
            ("sv", "SEK"),
            ("nb", "NOK"),
            ("da", "DKK"),
        ),
        *(
            ("fi", "EUR"),
            ("es_CL", "CLP"),
            ("es_MX", "MXN"),
            ("pt_BR", "BRL"),
            ("id", "IDR"),
            ("ms", "MYR"),
            ("ja", "JPY"),
        ),
        *(("ko", "KRW"), ("zh", "CNY"), ("th", "THB"), ("vi", "VND"), ("tr", "TRY"), ("pl", "PLN"), ("cs", "CZK")),
        *(
            ("hu", "HUF"),
            ("ro", "RON"),
            ("bg", "BGN"),
            ("uk", "UAH"),
            ("en_ZA", "ZAR"),
            ("en_PH", "PHP"),
            ("en_SG", "SGD"),
        ),
    ]:
        mark: Any = Locale.parse(name).number_symbols["latn"]["decimal"]
        for amount in ("1234567.5", "-1234", "0.5", "-0.5", "12"):
            rounded = Decimal(amount).quantize(Decimal(1).scaleb(-get_currency_precision(currency)))
            text = format_currency(rounded, currency, locale=name, numbering_system="latn")
            assert parse_amount(text, mark, currency) == rounded, (name, text)


def test_the_file_of_signs_is_what_babel_says() -> None:

    assert json.loads(FILE.read_text(encoding="utf-8")) == signs()
    assert currencies_of(bare_sign("Kr.")) >= {"SEK", "NOK", "DKK"}


@pytest.mark.parametrize("mark", [".", ","])
@pytest.mark.parametrize(
    ("text", "amount"), [("\u0661\u0662\u066b\u0665\u0660", "12.50"), ("1\u066c234\u066b500", "1234.500")]
)
def test_arabic_marks_mean_one_thing_whatever_the_decimal_mark(text: str, amount: str, mark: Any) -> None:
    assert parse_amount(text, mark) == Decimal(amount)
    assert doubt(text, "SAR") == ""
