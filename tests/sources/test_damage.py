"""Ids after a spreadsheet had them: a sale keeps its id, or is a fault that says what happened; it is never another sale."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.sources.csv.damage import Damage, is_date
from syncd.sources.csv.rows import CsvRow
from tests.sources.conftest import Till
from tests.spreadsheet import resaved

IDS: dict[str, st.SearchStrategy[str]] = {
    "13 digits": st.integers(10**12, 10**13 - 1).map(str),
    "19 digits": st.integers(10**18, 10**19 - 1).map(str),
    "till and receipt": st.tuples(st.integers(1, 12), st.integers(1, 9999)).map(lambda pair: f"{pair[0]}-{pair[1]}"),
    "short numbers": st.integers(1, 99_999).map(str),
    "letters and digits": st.from_regex(r"[A-Z]{1,3}-?[0-9]{2,6}", fullmatch=True),
    "uuids": st.uuids().map(str),
}


def generic(ids: list[str]) -> str:
    rows = [f"{one},2026-11-20 10:{n % 60:02d},Tea,5.00,5.00" for n, one in enumerate(ids)]
    return "\n".join(["sale id,date,name,line total,total", *rows]) + "\n"


def loyverse(ids: list[str]) -> str:
    head = "Date,Receipt number,Receipt type,Item,Quantity,Net sales,Taxes,Store"
    return (
        "\n".join([head, *(f"2026-11-20 10:{n % 60:02d},{one},Sale,Tea,1,5.00,0,S" for n, one in enumerate(ids))])
        + "\n"
    )


def shopify(ids: list[str]) -> str:
    head = "Name,Financial Status,Currency,Subtotal,Taxes,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Id,Source"
    rows = [f"#{n},paid,USD,5,0,5,2026-11-20 10:00:00 +0000,1,Tea,5,{one},pos" for n, one in enumerate(ids)]
    return "\n".join([head, *rows]) + "\n"


EXPORTS: dict[str, Callable[[list[str]], str]] = {"generic": generic, "loyverse": loyverse, "shopify": shopify}


def outcome(preset: str, text: str) -> tuple[set[str], int]:
    """The ids of the sales that came out, and how many faults there are."""
    with TemporaryDirectory() as folder:
        till = Till(Path(folder), preset=preset, **({"items_only": "accept"} if preset == "loyverse" else {}))
        till.drop("day.csv", text)
        orders, faults = till.read()
        return {order.sale_id for order in orders}, len(faults)


@pytest.mark.parametrize("preset", EXPORTS)
@settings(deadline=None, max_examples=40)
@given(data=st.data(), formatted=st.booleans())
def test_an_id_that_a_spreadsheet_had_is_the_same_or_its_sale_is_a_fault(
    preset: str, data: st.DataObject, formatted: bool
) -> None:
    kind = "till and receipt" if preset == "loyverse" else data.draw(st.sampled_from(sorted(IDS)), "kind")
    ids = data.draw(st.lists(IDS[kind], min_size=2, max_size=12, unique=True), "ids")
    saved = [resaved(one, formatted=formatted) for one in ids]
    before, faults = outcome(preset, EXPORTS[preset](ids))
    assert (len(before), faults) == (len(ids), 0)  # what nobody has damaged goes through
    after, faults = outcome(preset, EXPORTS[preset](saved))
    assert after <= before, f"{saved} makes new sales"
    assert faults or after == before


@pytest.mark.parametrize(
    "cell", ["Jan-26", "ene-26", "12-Mar", "3-Dec", "2026-01-01", "01/01/2026", "Jan 26", "Mai-26"]
)
def test_a_date_is_known_in_the_forms_that_spreadsheets_give_it(cell: str) -> None:
    assert is_date(cell)


@pytest.mark.parametrize("cell", ["1-2026", "INV-26", "A-1", "MAR", "TILL1-22", "2026-000123", "7", "x-12-y"])
def test_an_id_that_is_merely_like_one_is_no_date(cell: str) -> None:
    assert not is_date(cell)


def test_one_id_of_16_digits_that_ends_in_a_zero_is_no_damage() -> None:
    damage, columns = Damage(("id",)), {"id": 0}
    lines: list[Any] = ["1234567890123450", "1234567890123457", "1234567890123461"]
    assert [damage.saw(CsvRow(n, [one], columns)) for n, one in enumerate(lines)] == ["", "", ""]
    assert list(damage.late()) == []
    assert damage.verdict() == ""
