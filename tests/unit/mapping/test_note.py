"""What the staff note tells: everything of the receipt that no field of the order shows; and what it must leave as it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.mapping.create import map_create
from syncd.mapping.model import Mapped, Matches
from syncd.mapping.rules import Rules
from syncd.testing.orders import sale

SHOP = {"street_1": "1 Main Street", "city": "Austin", "state": "TX", "zip": "78701", "country_iso2": "US"}
RULES = Rules.model_validate({"default_address": SHOP})


def note(**changes: Any) -> str:
    made = map_create(sale(**changes), Matches(), RULES)
    assert isinstance(made, Mapped), made
    return str(made.payload["staff_notes"])


def line(**changes: Any) -> dict[str, Any]:
    return {"line_id": "1", "name": "TV", "total_inc_tax": "10.80", "total_ex_tax": "10.00", **changes}


def cash(amount: str) -> dict[str, Any]:
    return {"tenders": [{"kind": "cash", "label": "Cash", "amount": amount}]}


TOLD: dict[str, tuple[dict[str, Any], str]] = {
    "the id of a payment": (
        {
            "tenders": [
                {
                    "id": "pay_8ZZ1",
                    "kind": "card",
                    "label": "Card",
                    "amount": "10.80",
                    "card_brand": "Visa",
                    "card_last4": "1111",
                }
            ]
        },
        "Paid 10.80 USD by Visa 1111, payment pay_8ZZ1",
    ),
    "change": (
        {"tenders": [{"kind": "cash", "label": "Cash", "amount": "10.80", "change": "9.20"}]},
        "Paid 10.80 USD by Cash, change 9.20 USD",
    ),
    "change as a tender of its own": (
        {
            "tenders": [
                {"kind": "cash", "label": "Cash", "amount": "20.00"},
                {"kind": "cash", "label": "Change", "amount": "-9.20"},
            ]
        },
        "Given back 9.20 USD by Change",
    ),
    "the list price and a discount without a name": (
        {"lines": [line(list_price="12.00", discount="1.20")]},
        "TV: discount -1.20 USD, list price 12.00 USD",
    ),
    "a named discount of a line, and the rest of it": (
        {"lines": [line(discount="2.00", discounts=[{"name": "Staff", "amount": "1.50"}])]},
        "TV: Staff -1.50 USD, discount -0.50 USD",
    ),
    "an order discount without a name": (
        {
            "lines": [line(total_inc_tax="15.80", total_ex_tax="15.00")],
            "discounts": [{"amount_inc_tax": "5.00", "amount_ex_tax": "5.00"}],
        },
        "Discount 5.00 USD",
    ),
    "cash rounded down": (
        {"lines": [line(total_inc_tax="10.82", total_ex_tax="10.02")], "rounding": "-0.02"},
        "Rounded by -0.02 USD",
    ),
    "cash rounded up": (
        {"lines": [line(total_inc_tax="10.78", total_ex_tax="9.98")], "rounding": "0.02"},
        "Rounded by 0.02 USD",
    ),
    "a deposit that was redeemed": (
        {
            "lines": [
                line(name="Sofa", total_inc_tax="110.80", total_ex_tax="110.00"),
                line(
                    line_id="2",
                    name="Deposit",
                    kind="deposit",
                    quantity="-1",
                    total_inc_tax="-100.00",
                    total_ex_tax="-100.00",
                ),
            ]
        },
        "Redeemed 100.00 USD: Deposit",
    ),
    "goods that came back": (
        {
            "lines": [
                line(name="Jacket", total_inc_tax="32.40", total_ex_tax="31.60"),
                line(line_id="2", name="Shirt", quantity="-1", total_inc_tax="-21.60", total_ex_tax="-21.60"),
            ]
        },
        "Came back 21.60 USD: Shirt",
    ),
    "a charge that lowers the total": (
        {
            "lines": [line(total_inc_tax="12.80", total_ex_tax="12.00")],
            "fees": [{"kind": "other", "name": "Bottle bank", "total_inc_tax": "-2.00", "total_ex_tax": "-2.00"}],
        },
        "Taken off 2.00 USD: Bottle bank",
    ),
}


@pytest.mark.parametrize("what", TOLD)
def test_what_no_field_of_the_order_shows_stands_in_the_note(what: str) -> None:
    changes, words = TOLD[what]
    total = {"total_inc_tax": "10.80", "total_tax": "0.80"}
    assert words in note(**{**cash("10.80"), **total, **changes}).splitlines()


def test_change_is_no_way_in_which_a_sale_was_paid() -> None:
    tenders = [
        {"kind": "cash", "label": "Cash", "amount": "20.00"},
        {"kind": "cash", "label": "Change", "amount": "-9.20"},
    ]
    made = map_create(sale(tenders=tenders), Matches(), RULES)
    assert isinstance(made, Mapped)
    assert made.payload["payment_method"] == "Cash"


IMEIS = ("356938035643809", "353879234252633")


def test_serial_numbers_and_keys_stay_whole_and_card_numbers_in_words_do_not() -> None:
    key = "4111111111111111"  # an id that looks like a card's number
    said = note(sale_id=key, note=f"paid with {key}", lines=[line(name="Phone", serials=IMEIS)])
    assert f"POS sale till:{key}" in said
    assert "Phone: serial 356938035643809, serial 353879234252633" in said
    assert "Note: paid with [card ending 1111]" in said


@given(st.integers(10**12, 10**19 - 1))
def test_no_number_in_a_key_or_a_serial_is_ever_masked(number: int) -> None:
    said = note(sale_id=str(number), number=str(number), lines=[line(serials=[str(number)])])
    assert said.count(str(number)) == 3


@pytest.mark.parametrize("letter", ["x", "ü", "日", "😀"])
def test_a_note_is_bounded_in_bytes_and_never_cut_within_a_letter(letter: str) -> None:
    said = note(note=letter * 70_000)
    assert 59_900 < len(said.encode()) <= 60_000
    assert said.endswith(letter)


@pytest.mark.parametrize(
    ("quantity", "unit", "sent"),
    [
        ("3", "kg", (1, "TV (3 kg)")),
        ("2.5", "kg", (1, "TV (2.5 kg)")),
        ("3", "each", (3, "TV")),
        ("3", "Stück", (3, "TV")),
        ("3", None, (3, "TV")),
    ],
)
def test_a_quantity_with_a_unit_is_a_measure_and_no_number_of_pieces(
    quantity: str, unit: str, sent: tuple[int, str]
) -> None:
    made = map_create(
        sale(lines=[line(quantity=quantity, unit=unit, total_inc_tax="10.80", total_ex_tax="9.90")], total_tax="0.90"),
        Matches(),
        RULES,
    )
    assert isinstance(made, Mapped)
    products: Any = made.payload["products"]
    assert [(wired["quantity"], wired["name"]) for wired in products] == [sent]
