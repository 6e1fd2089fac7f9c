"""What the canonical order does to what comes in: money to the minor unit, no card number, nothing that cannot be read again."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.canonical import CanonicalOrder, Fault, check_balance
from syncd.testing.orders import sale

CARD = "4111 1111 1111 1111"
MASKED = "[card ending 1111]"


@given(
    st.recursive(
        st.floats(allow_nan=False) | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_extra_holds_is_read_again_as_it_was_kept(value: Any) -> None:
    order = sale(extra={"x": value})
    assert CanonicalOrder.from_json(order.to_json()) == order


def test_a_fraction_in_extra_is_kept_as_the_text_it_was_written_in() -> None:
    assert sale(extra={"weight": 0.45, "deep": [{"rate": 1.5}]}).extra["weight"] == "0.45"


@pytest.mark.parametrize(
    "fields",
    [
        {"tenders": [{"kind": "card", "label": CARD, "amount": "10.80"}]},
        {"fees": [{"kind": "tip", "name": f"Tip {CARD}", "total_ex_tax": "0", "total_inc_tax": "0"}]},
        {"lines": [{"line_id": "1", "name": "Mug", "variant": CARD, "total_ex_tax": "1", "total_inc_tax": "1"}]},
        {
            "lines": [
                {
                    "line_id": "1",
                    "name": "Mug",
                    "modifiers": [{"name": CARD}],
                    "total_ex_tax": "1",
                    "total_inc_tax": "1",
                }
            ]
        },
        {"billing": {"street_1": f"paid with {CARD}"}},
        {"customer": {"first_name": CARD}},
        {"note": CARD},
        {"extra": {"Details": [{"text": f"x {CARD}"}]}},
        {"cashier": {"id": "1", "name": CARD.replace(" ", "")}},
    ],
)
def test_no_text_of_a_sale_keeps_a_card_number(fields: dict[str, Any]) -> None:
    kept = sale(**fields).to_json()
    assert "1111 1111" not in kept
    assert "11111111" not in kept
    assert MASKED in kept


def test_article_and_phone_numbers_are_kept_digit_by_digit() -> None:
    line = {
        "line_id": "1",
        "name": "Mug",
        "upc": "4006381333931",
        "sku": "4111111111111111",
        "total_ex_tax": "1",
        "total_inc_tax": "1",
    }
    order = sale(lines=[line], customer={"phone": "4915112345674"}, number="5500005555555559")
    assert order.lines[0].upc == "4006381333931"
    assert order.lines[0].sku == "4111111111111111"
    assert (order.customer.phone if order.customer else "", order.number) == ("4915112345674", "5500005555555559")


def test_a_fault_keeps_no_card_number() -> None:
    fault = Fault("day.csv:2", f"{CARD!r} is not an amount", f"s1,{CARD},9.00")
    assert (fault.reason, fault.raw) == (f"'{MASKED}' is not an amount", f"s1,{MASKED},9.00")


def test_totals_of_more_places_are_brought_to_the_minor_unit_once() -> None:
    lines = [
        {"line_id": str(n), "name": "Tea", "total_ex_tax": "3.33333", "total_inc_tax": "3.33333"} for n in range(3)
    ]
    order = sale(
        lines=lines,
        total_inc_tax="9.99999",
        total_tax="0.00001",
        tenders=[{"kind": "cash", "label": "Cash", "amount": "9.99999"}],
    )
    assert (order.total_inc_tax, order.total_tax, order.tenders[0].amount) == (Decimal(10), Decimal(0), Decimal(10))
    assert check_balance(order) == ()
    assert sale(currency="JPY", total_inc_tax="1079.6", total_tax="0").total_inc_tax == 1080


@pytest.mark.parametrize(("untaxed", "stated", "well"), [(0, "0.81", True), (0, "0.82", False), (20, "0.82", False)])
def test_lines_without_tax_give_no_slack_to_the_tax(untaxed: int, stated: str, well: bool) -> None:
    taxed = {"line_id": "1", "name": "Mug", "total_ex_tax": "10.00", "total_inc_tax": "10.80"}
    free = [{"line_id": f"f{n}", "name": "Leaflet", "total_ex_tax": "0", "total_inc_tax": "0"} for n in range(untaxed)]
    order = sale(lines=[taxed, *free], total_inc_tax="10.80", total_tax=stated, tenders=[])
    assert (check_balance(order) == ()) is well


def test_the_currencys_places_hold_for_three_decimals() -> None:
    assert sale(currency="KWD", total_inc_tax="1.2345", total_tax="0").total_inc_tax == Decimal("1.235")
