from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.canonical.money import (
    allocate,
    format_money,
    minor,
    minor_unit,
    parse_decimal,
    places,
    plain,
    to_minor,
    total,
)

amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=5)


@pytest.mark.parametrize("text", ["1.0", "1.00", "1", "01", "1e0", 1, Decimal("1.000")])
def test_equal_numbers_have_one_form(text: object) -> None:
    assert str(parse_decimal(text)) == "1"


@pytest.mark.parametrize("bad", [1.5, True, None, "", "abc", "NaN", "Infinity", "1e99", "9" * 40, "1,5", []])
def test_what_is_not_an_exact_amount_is_refused(bad: object) -> None:
    with pytest.raises(ValueError, match=r"amount|number"):
        parse_decimal(bad)


def test_a_hundred_keeps_its_plain_form() -> None:
    assert str(plain(Decimal(100))) == "100"
    assert str(plain(Decimal("1E+2"))) == "100"
    assert str(plain(Decimal("-0.00"))) == "0"


@pytest.mark.parametrize(("currency", "count"), [("USD", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("CHF", 2)])
def test_each_currency_has_its_own_number_of_places(currency: str, count: int) -> None:
    assert places(currency) == count


def test_amounts_are_rounded_half_up_at_the_currencys_places() -> None:
    assert to_minor(Decimal("2.345"), "USD") == Decimal("2.35")
    assert to_minor(Decimal("-2.345"), "USD") == Decimal("-2.35")
    assert to_minor(Decimal("2.5"), "JPY") == Decimal(3)


@given(amounts, st.lists(st.decimals(min_value=0, max_value=10**6, places=2), min_size=1, max_size=20))
def test_an_allocated_amount_is_whole_again_when_summed(amount: Decimal, weights: list[Decimal]) -> None:
    shares = allocate(amount, weights, "USD")
    assert total(shares) == to_minor(amount, "USD")
    assert all(share == to_minor(share, "USD") for share in shares)


@given(st.decimals(min_value=0, max_value=10**6, places=2), st.lists(st.integers(1, 1000), min_size=1, max_size=20))
def test_no_allocated_share_is_more_than_a_minor_unit_off_its_due(amount: Decimal, weights: list[int]) -> None:
    shares = allocate(amount, [Decimal(weight) for weight in weights], "USD")
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - amount * weight / sum(weights)) <= minor_unit("USD")


def test_an_amount_without_weights_goes_to_the_first_share() -> None:
    assert allocate(Decimal(5), [Decimal(0), Decimal(0)], "USD") == (Decimal(5), Decimal(0))
    assert allocate(Decimal(5), [], "USD") == ()


def test_money_is_shown_at_the_currencys_places_or_exactly() -> None:
    assert format_money(Decimal("12.3"), "USD") == "12.30 USD"
    assert format_money(Decimal("12.3456"), "USD") == "12.3456 USD"
    assert format_money(Decimal(500), "JPY") == "500 JPY"


def test_an_amount_that_has_the_currencys_places_is_kept_itself_whatever_was_asked_before() -> None:
    for text in ("5.4", "5.40"):
        amount = Decimal(text)
        assert minor(amount, "USD") is amount, "whoever asks tells by this that nothing was rounded"
    assert str(minor(Decimal("5.400"), "USD")) == "5.4"
    assert minor(Decimal("5.405"), "USD") == Decimal("5.41")
