"""Words for the state of a sale: known in the languages of tills, told by the config, else the sale waits for a person."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from syncd.canonical.balance import check_balance
from syncd.sources.csv.states import is_refund, state_of
from tests.sources.conftest import Till

HEAD = "sale id,date,name,line total,status\n"


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("Complete", "completed"),
        ("", "completed"),
        ("BEZAHLT", "completed"),
        ("Payée", "completed"),
        ("Storniert", "voided"),
        ("Annulé", "voided"),
        ("Failed", "voided"),
        ("Misslyckad", "voided"),
        ("Awaiting Capture", "open"),
        ("Lay-by", "open"),
        ("Öppen", "open"),
        ("Refunded", "refunded"),
        ("Rückerstattet", None),
        ("Frobnicated", None),
        ("#REF!", None),
    ],
)
def test_a_status_means_what_tills_mean_by_it_or_nothing(word: str, state: str | None) -> None:
    assert state_of(word, {}) == state


@pytest.mark.parametrize(
    ("word", "refund"),
    [
        ("Refund", True),
        ("Rückerstattung", True),
        ("Reembolso", True),
        ("Verkauf", False),
        ("Venta", False),
        ("Tax", None),
        ("", None),
    ],
)
def test_a_kind_of_row_is_a_sale_or_a_refund_in_any_language_or_not_known(word: str, refund: bool | None) -> None:
    assert is_refund(word) is refund


@pytest.mark.parametrize(
    ("preset", "head", "row"),
    [
        ("generic", HEAD, "{id},2026-11-20 10:00,Tea,5.00,{word}\n"),
        (
            "loyverse",
            "Date,Receipt number,Receipt type,Total collected,Net sales,Taxes,Store,Status\n",
            "2026-11-20 10:00,1-{id},Sale,5.00,5.00,0,S,{word}\n",
        ),
        (
            "lightspeed_x",
            "Invoice Number,Line Type,Sale Date,Sale Time,Total,Paid,Details,Status,Quantity,Price,Sale UUID\n",
            "{id},Sale,2026-11-20,10:00:00,5.00,5.00,,{word},,,u{id}\n{id},Sale Line,,,5.00,,Tea,,1,5.00,u{id}\n",
        ),
        (
            "square",
            "Date,Time,Time Zone,Gross Sales,Net Sales,Tax,Tip,Total Collected,Cash,Event Type,Transaction ID,Transaction Status\n",
            "2026-11-20,10:00:00,UTC,$5.00,$5.00,$0.00,$0.00,$5.00,$5.00,Payment,T{id},{word}\n",
        ),
    ],
)
def test_a_status_that_nobody_knows_holds_the_sale_until_the_config_says_what_it_means(
    till: Any, preset: str, head: str, row: str
) -> None:
    text = (
        head
        + row.format(id=1, word="Erledigt?!")
        + row.format(id=2, word="Frobnicated")
        + row.format(id=3, word="Failed")
    )
    shop: Till = till(preset=preset)
    shop.drop("a.csv", text)
    orders, faults = shop.read()
    assert faults == []
    assert [order.status.value for order in orders] == ["completed", "completed", "voided"]
    (why,) = shop.holds.values()
    assert "its status 'Frobnicated' is not known" in why
    told: Till = till(preset=preset, status_words={"Frobnicated": "voided"})
    told.drop("b.csv", text)
    orders, _ = told.read()
    assert [order.status.value for order in orders] == ["completed", "voided", "voided"]
    assert told.holds == {}


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("word", ["Refund", "Devolución", "Retoure"])
def test_a_row_of_a_kind_that_gives_back_is_a_return_whatever_the_sign_of_its_amounts(
    till: Any, sign: str, word: str
) -> None:
    shop: Till = till()
    head = "sale id,date,kind,name,quantity,line total,tax,tender\n"
    back = f"2,2026-11-20 11:00,{word},Tea,1,{sign}5.00,{sign}0.40,Cash\n"
    shop.drop("a.csv", head + "1,2026-11-20 10:00,Sale,Tea,1,5.00,0.40,Cash\n" + back)
    (sold, gone), faults = shop.read()
    assert faults == []
    assert [sold.total_inc_tax, gone.total_inc_tax, gone.total_tax] == [
        Decimal(one) for one in ("5.40", "-5.40", "-0.40")
    ]
    assert (gone.sale_id, gone.returns_of) == ("2/refund-20261120110000", "till:2")
    assert [gone.lines[0].quantity, gone.tenders[0].amount] == [Decimal(-1), gone.total_inc_tax]
    assert check_balance(gone) == ()


def test_a_kind_that_nobody_knows_holds_its_sale(till: Any) -> None:
    shop: Till = till()
    shop.drop("a.csv", "sale id,date,kind,name,line total\n1,2026-11-20 10:00,Frobnicate,Tea,5.00\n")
    assert len(shop.read()[0]) == 1
    assert "its kind, 'Frobnicate', is neither" in shop.holds["1"]
