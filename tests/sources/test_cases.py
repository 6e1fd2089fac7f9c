"""Files that people dropped and that came out wrong once: each comes out as its README says."""

from __future__ import annotations

import shlex
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from syncd.canonical import CanonicalOrder, Fault
from syncd.canonical.balance import check_balance
from tests.shared import CASES
from tests.sources.conftest import Till

FILES = CASES / "files"
pytestmark = pytest.mark.skipif(not FILES.is_dir(), reason="the cases are not beside the project")


@dataclass
class Read:
    """What came out of a case: the newest version of each sale, faults, holds, what was left out."""

    orders: dict[str, CanonicalOrder] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    holds: dict[str, str] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def totals(self) -> dict[str, Decimal]:
        return {name: order.total_inc_tax for name, order in self.orders.items()}

    @property
    def words(self) -> str:
        return "\n".join(fault.reason for fault in self.faults)

    @property
    def total(self) -> Decimal:
        return sum(self.totals.values(), Decimal(0))


def read(tmp_path: Path, case: str, steps: str = "", **changes: Any) -> Read:
    """Drop a case's files, step by step, as its ``case.env`` says."""
    folder = FILES / case
    env = dict(word.partition("=")[::2] for word in shlex.split((folder / "case.env").read_text()) if "=" in word)
    extra = tomllib.loads(env.get("EXTRA", "").encode().decode("unicode_escape").encode("latin-1").decode())
    columns = extra.pop("sources", {}).get("till", {}).get("columns")
    settings: dict[str, Any] = {
        "preset": env["PRESET"],
        "currency": env.get("CUR", "USD"),
        "timezone": env.get("ZONE", "America/New_York"),
        **({"date_order": env["ORDER"]} if "ORDER" in env else {"date_order": None}),
        **extra,
        **({"columns": columns} if columns else {}),
        **changes,
    }
    if settings["date_order"] is None:
        del settings["date_order"]
    found = Read()
    till = Till(tmp_path, **{"date_order": None, **settings})
    for step in (steps or env["STEPS"]).split():
        for name in step.split(","):
            till.drop(name, (folder / name).read_bytes())
        orders, faults = till.read()
        found.orders |= {order.sale_id: order for order in orders}
        found.faults += faults
        found.holds |= till.holds
        found.left_out.update(till.left_out)
    return found


def test_01_ids_that_a_spreadsheet_has_shortened_make_no_second_order(tmp_path: Path) -> None:
    found = read(tmp_path, "01-shopify-ids-shortened-by-excel")
    assert (len(found.orders), found.total) == (8, Decimal("15970.00"))
    assert [fault.where for fault in found.faults] == ["resaved.csv"]
    assert "50 of its 50 rows have ids that are none any more: a spreadsheet has shortened the number" in found.words


def test_02_sales_whose_shortened_ids_are_equal_do_not_vanish(tmp_path: Path) -> None:
    found = read(tmp_path, "02-shopify-ids-equal-after-excel")
    assert found.orders == {}
    assert "a spreadsheet has shortened" in found.words


def test_02_sales_of_one_file_with_one_id_are_faults_both(tmp_path: Path) -> None:
    text = (FILES / "02-shopify-ids-equal-after-excel" / "raw.csv").read_text()
    till = Till(tmp_path, preset="shopify", currency="PKR", timezone="Asia/Karachi")
    till.drop("a.csv", text)
    whole, faults = till.read()
    assert faults == []
    one, two = whole[0], whole[1]
    till.drop("b.csv", text.replace(str(two.sale_id), str(one.sale_id)))
    orders, faults = till.read()
    assert {order.sale_id for order in orders} == {order.sale_id for order in whole} - {one.sale_id, two.sale_id}
    assert {fault.sale for fault in faults} == {one.sale_id}
    assert f"have the same id, {one.sale_id}" in faults[0].reason


@pytest.mark.parametrize(
    ("steps", "currency", "amounts"),
    [("clp.csv", "CLP", {"96990", "139990"}), ("eur.csv", "EUR", {"1000"}), ("idr.csv", "IDR", {"25000"})],
)
def test_03_a_dot_between_thousands_is_refused_until_the_mark_is_set(
    tmp_path: Path, steps: str, currency: str, amounts: set[str]
) -> None:
    if not (FILES / "03-dot-as-thousands-mark" / steps).exists():
        pytest.skip("the case has no such file")
    found = read(tmp_path, "03-dot-as-thousands-mark", steps, currency=currency)
    assert all(int(total) < 1000 for total in found.totals.values())
    assert "set decimal_mark for this source" in found.words
    told = read(tmp_path, "03-dot-as-thousands-mark", steps, currency=currency, decimal_mark=",")
    assert told.faults == []
    assert amounts <= {format(total, "f") for total in told.totals.values()}


def test_05_two_orders_of_one_name_are_two(tmp_path: Path) -> None:
    found = read(tmp_path, "05-shopify-two-orders-of-one-name")
    assert sorted(found.totals.values()) == [Decimal("1620.00"), Decimal("2100.00")]
    assert (found.faults, [order.discounts for order in found.orders.values()]) == ([], [(), ()])
    pasted = read(tmp_path, "05-shopify-two-orders-of-one-name", "pasted-together.csv")
    assert pasted.faults == []
    assert all(not order.discounts for order in pasted.orders.values())
    assert all(
        sum(line.total_inc_tax for line in order.lines) == order.total_inc_tax for order in pasted.orders.values()
    )


def test_06_a_receipt_number_that_became_a_date_is_no_sale(tmp_path: Path) -> None:
    found = read(tmp_path, "06-loyverse-receipt-numbers-as-dates")
    assert not any("Jan" in name for name in found.orders)
    assert "a spreadsheet has made a date of the receipt number, Jan-26" in found.words


def test_13_a_cent_that_is_outstanding_holds_no_paid_order(tmp_path: Path) -> None:
    found = read(tmp_path, "13-shopify-a-cent-outstanding")
    assert (len(found.orders), found.holds, found.faults) == (4, {}, [])
    assert all(order.tenders[0].amount == order.total_inc_tax for order in found.orders.values())


def test_21_ids_of_19_digits_that_were_shortened_are_told_as_such(tmp_path: Path) -> None:
    found = read(tmp_path, "21-unlike-files-of-one-vendor")
    assert found.orders == {}
    assert "a spreadsheet has shortened" in found.words


def test_26_what_a_code_took_off_the_delivery_and_duties_add_up(tmp_path: Path) -> None:
    free = read(tmp_path, "26-shopify-free-shipping-and-duties")
    assert sorted(free.totals.values()) == [Decimal("57.00"), Decimal("93.00")]
    assert (free.holds, free.faults) == ({}, [])
    assert all(sum(fee.total_inc_tax for fee in order.fees) == 0 for order in free.orders.values())
    (abroad,) = read(tmp_path, "26-shopify-free-shipping-and-duties", "duties.csv", currency="TRY").orders.values()
    assert (abroad.total_inc_tax, abroad.total_tax) == (Decimal("4841.74"), Decimal("440.16"))
    assert {fee.name: fee.total_inc_tax for fee in abroad.fees} == {"FedEx": Decimal(760), "Duties": Decimal("181.74")}


def test_28_orders_that_may_be_the_web_shops_are_not_taken_for_the_tills(tmp_path: Path) -> None:
    found = read(tmp_path, "28-shopify-without-a-source-column")
    assert found.orders == {}
    assert 'it has no column Source: these may be web orders; if all of them are to go: only = ["any"]' in found.words
    every = read(tmp_path, "28-shopify-without-a-source-column", only=["any"])
    assert len(every.orders) == 50


def test_04_a_selection_that_is_there_twice_is_charged_once(tmp_path: Path) -> None:
    found = read(tmp_path, "04-toast-selection-twice-in-one-file")
    assert {name: format(total, "f") for name, total in found.totals.items()} == {"C-1": "15.12", "C-2": "30.24"}
    assert found.faults == []


def test_22_what_square_voided_or_only_authorised_is_no_sale(tmp_path: Path) -> None:
    found = read(tmp_path, "22-square-status-words")
    counted = Counter((order.status.value, name in found.holds) for name, order in found.orders.items())
    assert counted == {("completed", False): 1, ("voided", False): 4, ("open", False): 3, ("completed", True): 1}
    assert any("is not known: say what it means, status_words" in why for why in found.holds.values())


@pytest.mark.parametrize("steps", ["one-file.csv", "day1.csv day2.csv", "day2.csv one-file.csv"])
@pytest.mark.parametrize("told", [True, False])
def test_11_a_refund_under_the_sales_number_is_a_return_of_it(tmp_path: Path, steps: str, told: bool) -> None:
    if not told and steps.startswith("day2"):
        pytest.skip("a refund alone, of no told kind, looks like a return with a number of its own")
    columns = {
        "sale_id": "Transaktionsnummer",
        "date": "Datum",
        "tender": "Zahlungsmethode",
        "quantity": "Menge",
        "name": "Beschreibung",
        "line_total": "Preis (brutto)",
        "tax": "Steuer",
        "sku": "Sku",
        **({"kind": "Typ"} if told else {}),
    }
    if not told and "day2" in steps:
        steps = "one-file.csv"
    found = read(tmp_path, "11-refund-row-with-the-sales-number", steps, columns=columns)
    assert found.faults == []
    back = found.orders["TAAA2/refund-20230324124200"]
    assert (back.returns_of, back.total_inc_tax, back.total_tax) == ("till:TAAA2", Decimal(-19), Decimal("-1.35"))
    if steps != "day2.csv":
        assert found.totals["TAAA2"] == Decimal(19)
        assert len(found.orders) >= 3


def test_27_where_loyverse_has_the_tax_is_told_by_its_receipts(tmp_path: Path) -> None:
    found = read(tmp_path, "27-loyverse-tax-in-the-price")
    assert (found.faults, found.holds) == ([], {})
    sums = {order.number: (order.total_inc_tax, order.total_tax) for order in found.orders.values()}
    assert sums == {"2-1001": (Decimal(107), Decimal(7)), "2-1002": (Decimal("192.60"), Decimal("12.60"))}
    assert all(check_balance(order) == () for order in found.orders.values())


def test_27_items_alone_wait_until_the_config_says_where_the_tax_is(tmp_path: Path) -> None:
    case = "27-loyverse-tax-in-the-price"
    held = read(tmp_path, case, "items.csv", items_only="accept")
    assert all("set prices_include_tax for this source" in why for why in held.holds.values())
    assert len(held.holds) == len(held.orders) == 2
    told = read(tmp_path, case, "items.csv", items_only="accept", prices_include_tax=True)
    assert (told.holds, told.total) == ({}, Decimal("299.60"))


def test_08_rows_in_quotes_as_a_whole_are_taken_apart(tmp_path: Path) -> None:
    found = read(tmp_path, "08-whole-rows-in-quotes")
    assert (len(found.orders), found.faults) == (3, [])


def test_09_a_file_is_what_its_first_bytes_say(tmp_path: Path) -> None:
    for name in ("html.xls", "tabs.xls", "workbook.csv"):
        folder = tmp_path / name
        folder.mkdir()
        found = read(folder, "09-xls-that-is-none", name)
        assert (found.totals, found.faults) == ({"A1": Decimal(10), "A2": Decimal(5)}, []), name


def test_10_a_header_below_other_lines_is_found(tmp_path: Path) -> None:
    assert read(tmp_path, "10-lines-before-the-header").totals == {"A1": Decimal(10)}
    assert read(tmp_path, "10-lines-before-the-header", "title.csv", decimal_mark=None).totals == {"A1": Decimal(10)}


def test_14_totals_and_footnotes_are_no_faults(tmp_path: Path) -> None:
    zettle = read(tmp_path, "14-totals-row-and-footnotes")
    assert (len(zettle.orders), zettle.total, zettle.faults) == (6, Decimal("2435.00"), [])
    assert sum(order.total_tax for order in zettle.orders.values()) == Decimal("487.00")
    assert zettle.left_out == {"footnotes": 1}
    (tmp_path / "totals").mkdir()
    plain = read(tmp_path / "totals", "14-totals-row-and-footnotes", "totals.csv", columns={}, currency="USD")
    assert (plain.totals, plain.faults) == ({"A1": Decimal(10), "A2": Decimal(5)}, [])
    assert plain.left_out == {"rows of totals": 1}


def test_14_a_time_column_that_holds_the_day_as_well_gives_its_time(tmp_path: Path) -> None:
    columns = {
        "date": "Dato",
        "time": "Tid",
        "receipt": "Kvitteringsnummer",
        "name": "Beskrivelse",
        "line_total": "Total",
        "tax": "Moms (25.0%)",
        "total_tax": "Moms (25.0%)",
        "tender": "Betalingsmetode",
    }
    found = read(tmp_path, "14-totals-row-and-footnotes", columns=columns)
    assert (len(found.orders), found.faults) == (6, [])


def test_17_rows_that_are_repeated_for_each_payment_are_one_sale(tmp_path: Path) -> None:
    found = read(tmp_path, "17-split-tender-rows")
    assert (found.totals, found.faults) == ({"O-1": Decimal(30), "O-2": Decimal(10)}, [])
    (tender,) = found.orders["O-1"].tenders
    assert (tender.label, len(found.orders["O-1"].lines)) == ("Cash + Card", 2)
    (tmp_path / "pending").mkdir()
    paid = read(tmp_path / "pending", "17-split-tender-rows", "pending-beside-paid.csv")
    assert (paid.totals, paid.faults, paid.holds) == ({"O-1": Decimal(10), "O-2": Decimal(20)}, [], {})
    assert [tender.label for tender in paid.orders["O-2"].tenders] == ["Cash"]


def test_23_the_payments_of_a_bill_that_several_people_paid_add_up(tmp_path: Path) -> None:
    found = read(tmp_path, "23-square-bill-paid-by-several")
    (order,) = found.orders.values()
    assert (found.faults, order.total_inc_tax) == ([], Decimal("8.74"))
    assert sum(tender.amount for tender in order.tenders) == Decimal("8.74")
    assert [fee.total_inc_tax for fee in order.fees] == [Decimal("1.50")]
    assert (len(order.tenders), check_balance(order)) == (4, ())


@pytest.mark.parametrize("mapped", [True, False])
def test_07_a_loyverse_account_in_spanish_is_read(tmp_path: Path, mapped: bool) -> None:
    by_itself: dict[str, Any] = {} if mapped else {"columns": {}}
    found = read(tmp_path, "07-loyverse-spanish", items_only="accept", **by_itself)
    assert (found.faults, len(found.orders)) == ([], 3)
    sums = {order.number: (order.total_inc_tax, order.placed_at.hour) for order in found.orders.values()}
    assert sums == {"2-1001": (Decimal(80), 20), "2-1002": (Decimal(200), 20), "2-1003": (Decimal(-100), 20)}
    (back,) = [order for order in found.orders.values() if order.total_inc_tax < 0]
    assert back.lines[0].quantity == -1


def test_21_a_list_of_payments_is_named_and_what_to_drop_instead(tmp_path: Path) -> None:
    found = read(tmp_path, "21-unlike-files-of-one-vendor", "clover-payments.csv", preset="clover")
    assert (found.orders, len(found.faults)) == ({}, 1)
    assert "it is Clover's payments export, which says of no sale what was sold: drop its orders export" in found.words
    (tmp_path / "items").mkdir()
    sums = read(tmp_path / "items", "21-unlike-files-of-one-vendor", "loyverse-items-sold.csv", preset="loyverse")
    assert "a summary by article (Loyverse)" in sums.words


def test_15_signs_of_currencies_and_the_real_minus_are_read(tmp_path: Path) -> None:
    text = (FILES / "15-currency-signs" / "amounts.csv").read_text()
    assert text
    found = read(tmp_path, "15-currency-signs")
    assert len(found.orders) + len({fault.sale for fault in found.faults}) == len(text.splitlines()) - 1


def test_16_dates_of_the_case_are_read(tmp_path: Path) -> None:
    found = read(tmp_path, "16-dates-with-month-names")
    assert found.faults == []
    assert {(order.placed_at.month, order.placed_at.day) for order in found.orders.values()} == {(10, 5)}
