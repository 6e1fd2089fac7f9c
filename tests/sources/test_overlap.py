"""Exports of overlapping days, and receipts that share a number: one sale stays one, and two stay two."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from tests.sources.conftest import Till

Make = Callable[..., Till]
ITEMS = "Date,Time,Time Zone,Item,Qty,Net Sales,Tax,Transaction ID,SKU,Notes\n"
SUMS = "Date,Time,Time Zone,Net Sales,Tax,Tip,Cash,Total Collected,Event Type,Transaction ID\n"
ZONE = "Eastern Time (US & Canada)"


def item(sale_id: str, net: str = "$12.00", tax: str = "$0.96", note: str = "") -> str:
    return f"2026-11-20,10:00:00,{ZONE},Mug,1,{net},{tax},{sale_id},MUG,{note}\n"


def sums(sale_id: str, tip: str = "$0.00", total: str = "$12.96") -> str:
    return f"2026-11-20,10:00:00,{ZONE},$12.00,$0.96,{tip},{total},{total},Payment,{sale_id}\n"


def square(till: Make, **settings: object) -> Till:
    return till(preset="square", timezone=None, **settings)


def test_overlapping_exports_state_a_sale_twice_and_it_is_one(till: Make) -> None:
    shop = square(till, items_only="accept")
    shop.drop("monday.csv", ITEMS + item("a"))
    shop.drop("monday-tuesday.csv", ITEMS + item("a") + item("b"))
    orders, faults = shop.read()
    assert faults == []
    assert {order.sale_id: order.total_inc_tax for order in orders} == {"a": Decimal("12.96"), "b": Decimal("12.96")}
    assert all(len(order.lines) == 1 for order in orders)


def test_a_backfill_over_overlapping_exports_states_each_sale_once(till: Make) -> None:
    from datetime import UTC, datetime

    shop = square(till, items_only="accept")
    for name, text in {
        "mo.csv": item("a"),
        "mo-tu.csv": item("a") + item("b"),
        "week.csv": item("a") + item("b"),
    }.items():
        shop.drop(name, ITEMS + text)
        shop.read()
    walk = shop.source.fetch_range(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
    totals = {order.sale_id: order.total_inc_tax for batch in walk for order in batch.orders}
    assert totals == {"a": Decimal("12.96"), "b": Decimal("12.96")}


def test_the_fuller_of_two_files_states_the_sale(till: Make) -> None:
    shop = square(till, items_only="accept")
    shop.drop("early.csv", ITEMS + item("a"))
    shop.drop("late.csv", ITEMS + item("a") + item("a", "$3.00", "$0.24"))
    (order,), faults = shop.read()
    assert (order.total_inc_tax, faults) == (Decimal("16.20"), [])


def test_files_that_disagree_about_a_sale_are_a_fault_that_names_both(till: Make) -> None:
    shop = square(till, items_only="accept")
    shop.drop("one.csv", ITEMS + item("a") + item("b"))
    shop.drop("two.csv", ITEMS + item("a", "$99.00"))
    (order,), faults = shop.read()
    assert order.sale_id == "b"
    assert len(faults) == 2
    assert all("one.csv" in fault.reason and "two.csv" in fault.reason for fault in faults)


def test_of_files_that_agree_in_money_the_newer_ones_words_are_taken(till: Make) -> None:
    import os

    shop = square(till, items_only="accept")
    os.utime(shop.drop("old.csv", ITEMS + item("a", note="first")), (1, 1))
    os.utime(shop.drop("new.csv", ITEMS + item("a", note="second")), (2, 2))
    (order,), _ = shop.read()
    assert order.lines[0].note == "second"


def test_loyverse_exports_that_overlap_state_a_receipt_once(till: Make) -> None:
    head = "Date,Receipt number,Receipt type,Item,Quantity,Net sales,Taxes,Store,POS\n"
    line = "2026-11-20 10:00,1-{n},Sale,Mug,1,5.00,0.00,Main,POS 1\n"
    shop = till(preset="loyverse", items_only="accept")
    shop.drop("mo.csv", head + line.format(n=1))
    shop.drop("tu.csv", head + line.format(n=1) + line.format(n=2))
    orders, faults = shop.read()
    assert {order.number: order.total_inc_tax for order in orders} == {"1-1": Decimal(5), "1-2": Decimal(5)}
    assert faults == []


# Items first, transactions later


def test_items_without_their_transactions_are_held_and_a_later_file_completes_the_sale(till: Make) -> None:
    shop = square(till)
    shop.drop("items.csv", ITEMS + item("a"))
    (held,), _ = shop.read()
    assert "transactions export" in shop.holds[held.sale_id]
    shop.drop("transactions.csv", SUMS + sums("a", "$2.00", "$14.96"))
    (order,), faults = shop.read()
    assert faults == []
    assert shop.holds == {}
    assert (order.total_inc_tax, order.fees[0].total_inc_tax) == (Decimal("14.96"), Decimal(2))
    assert [(line.name, line.sku) for line in order.lines] == [("Mug", "MUG")]


def test_items_that_come_after_their_transactions_give_the_sale_its_lines(till: Make) -> None:
    shop = square(till)
    shop.drop("transactions.csv", SUMS + sums("a") + sums("b"))
    assert len(shop.read()[0]) == 2
    shop.drop("items.csv", ITEMS + item("a"))
    (order,), faults = shop.read()
    assert (order.sale_id, order.lines[0].sku, order.total_inc_tax, faults) == ("a", "MUG", Decimal("12.96"), [])


# Two receipts with one number

HEAD = "receipt,date,name,line total,total,tender,cashier\n"


@pytest.mark.parametrize(
    "other",
    [
        "7,2026-11-20 16:30,Cake,3.00,,cash,Ann\n",
        "7,2026-11-20 10:00,Cake,3.00,,card,Ann\n",
        "7,2026-11-20 10:00,Cake,3.00,,cash,Bob\n",
        "7,2026-11-20 10:00,Cake,3.00,3.00,cash,Ann\n",
    ],
)
def test_two_receipts_with_one_number_are_faults_that_say_why(till: Make, other: str) -> None:
    shop = till()
    shop.drop("day.csv", HEAD + "7,2026-11-20 10:00,Tea,5.00,5.00,cash,Ann\n" + other)
    orders, faults = shop.read()
    assert orders == []
    assert len(faults) == 2
    assert any("two sales have this number" in fault.reason or "two values" in fault.reason for fault in faults)


def test_two_loyverse_receipts_with_one_number_are_faults(till: Make) -> None:
    head = "Date,Receipt number,Receipt type,Net sales,Taxes,Total collected,Payment type,Store\n"
    shop = till(preset="loyverse")
    shop.drop("r.csv", head + "2026-11-20 10:00,1-1,Sale,5,0,5,Cash,Main\n2026-11-20 11:00,1-1,Sale,9,0,9,Cash,Main\n")
    orders, faults = shop.read()
    assert orders == []
    assert len(faults) == 2


# Tips


@pytest.mark.parametrize(
    ("tips", "tip"), [(("", "2.00"), 2), (("0.00", "2.00"), 2), (("2.00", "2.00"), 2), (("1.00", "2.00"), 3)]
)
def test_a_tip_counts_whichever_row_it_stands_on(till: Make, tips: tuple[str, str], tip: int) -> None:
    shop = till()
    rows = "".join(f"s1,2026-11-20 10:00,Tea,5.00,{amount}\n" for amount in tips)
    shop.drop("day.csv", "sale id,date,name,line total,tip\n" + rows)
    (order,), _ = shop.read()
    assert order.total_inc_tax == 10 + tip
    assert order.fees[0].total_inc_tax == tip


def test_a_files_own_folder_is_left_as_it_was_by_a_partner_search(till: Make) -> None:
    shop = square(till)
    shop.drop("items.csv", ITEMS + item("a"))
    shop.read()
    shop.drop("transactions.csv", SUMS + sums("a"))
    shop.read()
    assert sorted(path.name for path in Path(shop.folder, "processed").iterdir()) == ["items.csv", "transactions.csv"]
