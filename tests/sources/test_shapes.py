"""Shapes of files: headings in the middle, child rows, totals, tables of several kinds, and files that are something else."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.exports import csv_settings
from tests.sources.conftest import Till

HEAD = "sale_id,date,name,qty,amount,total\n"


def read(
    folder: Path, text: str | bytes, name: str = "day.csv", **settings: object
) -> tuple[dict[str, Decimal], list[str], Till]:
    till = Till(folder, **settings)
    till.drop(name, text)
    orders, faults = till.read()
    return {order.sale_id: order.total_inc_tax for order in orders}, [fault.reason for fault in faults], till


def test_a_heading_in_the_middle_is_skipped_and_one_of_another_layout_begins_a_new_table(tmp_path: Path) -> None:
    found, faults, _ = read(
        tmp_path,
        HEAD
        + "A1,2026-11-20 10:00,Mug,1,10.00,10.00\n"
        + HEAD
        + "A2,2026-11-20 10:00,Mug,1,10.00,10.00\n"
        + "name,total,amount,date,sale_id,qty,cashier\n"
        + "Cup,5.00,5.00,2026-11-21 10:00,A3,1,Ana\n",
    )
    assert (found, faults) == ({"A1": Decimal(10), "A2": Decimal(10), "A3": Decimal(5)}, [])


def test_another_table_below_is_one_fault_that_names_it(tmp_path: Path) -> None:
    found, faults, _ = read(
        tmp_path,
        HEAD + "A1,2026-11-20 10:00,Mug,1,10.00,10.00\n\nPayment,Count,Sum\nCash,1,10.00\nCard,0,0.00\n" + HEAD
        + "A2,2026-11-20 11:00,Cup,1,5.00,5.00\n",
    )  # fmt: skip
    assert found == {"A1": Decimal(10), "A2": Decimal(5)}
    (fault,) = faults
    assert "another table begins here (Payment, Count, Sum)" in fault
    assert "its 2 rows are left" in fault


def test_child_rows_with_empty_cells_belong_to_the_sale_above(tmp_path: Path) -> None:
    found, faults, till = read(
        tmp_path,
        HEAD
        + "A1,2026-11-20 10:00,Mug,1,10.00,18.00\n,,Cup,1,5.00,\n,,Pen,1,3.00,\nA2,2026-11-20 11:00,Cup,1,5.00,5.00\n",
    )
    assert (found, faults, till.holds) == ({"A1": Decimal(18), "A2": Decimal(5)}, [], {})


def test_a_row_without_a_key_but_with_a_date_is_nobodys_child(tmp_path: Path) -> None:
    found, faults, _ = read(
        tmp_path, HEAD + "A1,2026-11-20 10:00,Mug,1,10.00,10.00\n,2026-11-20 10:05,Cup,1,5.00,5.00\n"
    )
    assert found == {"A1": Decimal(10)}
    assert "no sale id" in faults[0]


def test_a_row_without_anything_of_a_sale_joins_none_whose_total_could_not_confirm_it(tmp_path: Path) -> None:
    found, faults, _ = read(tmp_path, HEAD + "A1,2026-11-20 10:00,Mug,1,10.00,\n,,Cup,1,5.00,\n")
    assert found == {"A1": Decimal(10)}
    assert "no sale id" in faults[0]


def test_a_totals_row_of_each_day_and_of_the_whole_is_left_out(tmp_path: Path) -> None:
    found, faults, till = read(
        tmp_path,
        HEAD
        + "A1,2026-11-20 10:00,Mug,1,10.00,18.00\nA1,2026-11-20 10:00,Cup,2,8.00,18.00\nTotal,,,3,18.00,18.00\n"
        + "A2,2026-11-21 10:00,Mug,1,10.00,10.00\nTotal,,,1,10.00,10.00\nGrand total,,,4,28.00,28.00\n",
    )
    assert (found, faults) == ({"A1": Decimal(18), "A2": Decimal(10)}, [])
    assert till.left_out == {"rows of totals": 3}


@pytest.mark.parametrize("row", ["A2,,Mug,1,10.00,10.00", "A2,,,1,10.00,10.00", ",,Mug,1,10.00,10.00"])
def test_a_sale_that_lost_its_date_is_no_total_though_it_comes_to_as_much_as_the_others(
    tmp_path: Path, row: str
) -> None:
    found, faults, till = read(tmp_path, HEAD + f"A1,2026-11-20 10:00,Mug,1,10.00,10.00\n{row}\n")
    assert (found, len(faults), till.left_out) == ({"A1": Decimal(10)}, 1, {})


def test_a_totals_row_above_the_sales_is_left_out(tmp_path: Path) -> None:
    rows = "A1,2026-11-20 10:00,Mug,1,10.00,10.00\nA2,2026-11-20 11:00,Cup,1,5.00,5.00\n"
    found, faults, till = read(tmp_path, HEAD + "Total,,,2,15.00,15.00\n" + rows)
    assert (found, faults) == ({"A1": Decimal(10), "A2": Decimal(5)}, [])
    assert till.left_out == {"rows of totals": 1}


def test_a_row_without_a_date_whose_amounts_are_no_sums_is_a_fault(tmp_path: Path) -> None:
    found, faults, till = read(
        tmp_path, HEAD + "A1,2026-11-20 10:00,Mug,1,10.00,10.00\nA2,,Cup,1,5.00,5.00\nA3,,Cup,1,10.00,9.00\n"
    )
    assert (found, till.left_out) == ({"A1": Decimal(10)}, {})
    assert len(faults) == 2


def test_an_id_or_a_date_that_stands_alone_is_no_footnote(tmp_path: Path) -> None:
    found, faults, till = read(
        tmp_path, HEAD + "A1,2026-11-20 10:00,Mug,1,10.00,10.00\nA2,,,,,\n,2026-11-20 10:00,,,,\n"
    )
    assert (len(found), len(faults), till.left_out) == (1, 2, {})


def test_a_receipt_that_goes_on_after_midnight_is_one_sale(tmp_path: Path) -> None:
    head = "receipt,register,date,name,qty,amount,total\n"
    found, faults, _ = read(
        tmp_path,
        head + "7,T1,2026-11-20 23:58,Mug,1,10.00,15.00\n7,T1,2026-11-21 00:01,Cup,1,5.00,15.00\n"
        "8,T1,2026-11-21 00:05,Cup,1,5.00,5.00\n",
    )  # fmt: skip
    assert (found, faults) == ({"7@T1@2026-11-20": Decimal(15), "8@T1@2026-11-21": Decimal(5)}, [])


def test_a_receipt_number_of_two_days_stays_two_sales(tmp_path: Path) -> None:
    head = "receipt,register,date,name,qty,amount,total\n"
    found, faults, _ = read(
        tmp_path,
        head + "7,T1,2026-11-20 23:58,Mug,1,10.00,10.00\n7,T1,2026-11-21 00:01,Cup,1,5.00,5.00\n",
    )
    assert (len(found), faults) == (2, [])


def test_a_sale_that_was_pasted_twice_has_its_lines_once(tmp_path: Path) -> None:
    rows = "A1,2026-11-20 10:00,Mug,1,10.00,15.00\nA1,2026-11-20 10:00,Cup,1,5.00,15.00\n"
    found, faults, till = read(tmp_path, HEAD + rows + rows)
    assert (found, faults, till.holds) == ({"A1": Decimal(15)}, [], {})
    (order,) = _again(tmp_path, HEAD + rows + rows)
    assert [line.name for line in order.lines] == ["Mug", "Cup"]


def _again(folder: Path, text: str) -> list:  # type: ignore[type-arg]  # orders
    (folder / "again").mkdir()
    till = Till(folder / "again")
    till.drop("day.csv", text)
    return till.read()[0]


def test_two_of_the_same_article_in_two_rows_stay_two(tmp_path: Path) -> None:
    row = "A1,2026-11-20 10:00,Mug,1,10.00,20.00\n"
    (order,) = _again(tmp_path, HEAD + row + row)
    assert len(order.lines) == 2


@pytest.mark.parametrize("text", ["sale_id,date,name,qty,amount,amount,total\nA1,2026-11-20,Mug,1,25.00,30.00,30.00\n"])
def test_two_columns_of_one_name_set_the_file_aside(tmp_path: Path, text: str) -> None:
    found, faults, _ = read(tmp_path, text)
    assert found == {}
    assert "two columns of the name 'amount'" in faults[0]


def test_a_column_that_the_config_gives_a_meaning_has_no_other(tmp_path: Path) -> None:
    found, faults, till = read(
        tmp_path,
        "sale_id,date,name,qty,price,discount\nA1,2026-11-20,Mug,2,20.00,1.00\n",
        columns={"line_total": "price"},
    )
    assert (found, faults, till.holds) == ({"A1": Decimal(20)}, [], {})


@pytest.mark.parametrize("turn", [False, True])
def test_a_workbook_whose_dates_are_half_dates_and_half_texts_is_set_aside(tmp_path: Path, turn: bool) -> None:
    from datetime import datetime

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(HEAD.strip().split(","))
    sheet.append(["A1", datetime(2026, 10, 5, 14, 30), "Mug", 1, 10, 10])  # noqa: DTZ001  as a workbook has it
    sheet.append(["A2", "19/10/2026 14:30" if turn else datetime(2026, 10, 19, 14, 30), "Mug", 1, 10, 10])  # noqa: DTZ001
    book.save(tmp_path / "day.xlsx")
    till = Till(tmp_path, date_order="dmy")
    orders, faults = till.read()
    if turn:
        assert orders == []
        assert "is half dates and half texts" in faults[0].reason
    else:
        assert (len(orders), faults) == (2, [])


def test_dates_that_contradict_the_order_of_the_config_set_the_file_aside(tmp_path: Path) -> None:
    rows = "A1,05/10/2026 10:00,Mug,1,10.00,10.00\nA2,19/10/2026 10:00,Mug,1,10.00,10.00\n"
    found, faults, _ = read(tmp_path, HEAD + rows, date_order="mdy")
    assert found == {}
    assert "has the day first ('19/10/2026 10:00' on line 3): set date_order = \"dmy\"" in faults[0]
    (tmp_path / "turned").mkdir()
    found, faults, _ = read(
        tmp_path / "turned", HEAD + rows + "A3,10/19/2026 10:00,Mug,1,10.00,10.00\n", date_order="dmy"
    )
    assert found == {}
    assert "the day first in some rows and the month in others" in faults[0]


@pytest.mark.parametrize(
    ("cell", "why"),
    [("46300.604", "a spreadsheet's number"), ("1791210600", "seconds since 1970"), ("R8.10.5", "Japanese eras")],
)
def test_dates_that_are_something_else_are_named_once_for_the_file(tmp_path: Path, cell: str, why: str) -> None:
    rows = "".join(f"A{number},{cell},Mug,1,10.00,10.00\n" for number in range(5))
    found, faults, _ = read(tmp_path, HEAD + rows)
    assert (found, len(faults)) == ({}, 1)
    assert why in faults[0]


def test_both_decimal_marks_in_one_column_set_the_file_aside(tmp_path: Path) -> None:
    rows = 'A1,2026-11-20,Mug,1,"12,50","12,50"\nA2,2026-11-20,Mug,1,10.00,10.00\n'
    for mark in (None, ".", ","):
        folder = tmp_path / str(mark and ord(mark))
        folder.mkdir()
        found, faults, _ = read(folder, HEAD + rows, decimal_mark=mark)
        assert found == {}
        assert "its column 'amount' has both decimal marks" in faults[0] or "'line_total' has both" in faults[0]


def test_columns_of_different_decimal_marks_are_read_by_a_mark_for_each(tmp_path: Path) -> None:
    rows = 'A1,2026-11-20,Loaf,0.45,"4,50","4,50"\nA2,2026-11-20,Loaf,1.5,"15,00","15,00"\n'
    found, faults, _ = read(tmp_path, HEAD + rows, decimal_mark=",")
    assert found == {}
    assert "have different decimal marks" in faults[0]
    assert 'quantity = "."' in faults[0]
    (tmp_path / "told").mkdir()
    marks = {"quantity": ".", "line_total": ",", "total": ","}
    found, faults, _ = read(tmp_path / "told", HEAD + rows, decimal_mark=marks)
    assert (found, faults) == ({"A1": Decimal("4.50"), "A2": Decimal(15)}, [])


def test_a_mark_for_a_column_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"'quantiy' is nothing that a column can hold; did you mean quantity\?"):
        csv_settings({"path": "x", "currency": "USD", "timezone": "UTC", "decimal_mark": {"quantiy": "."}})


def test_two_thousand_loaves_for_next_to_nothing_are_looked_at(tmp_path: Path) -> None:
    rows = 'A1,2026-11-20,Loaf,"2,000",5.00,5.00\n'
    _, faults, till = read(tmp_path, HEAD + rows, decimal_mark=".")
    assert faults == []
    assert "2000 of Loaf for 5 USD" in till.holds["A1"]


def test_invisible_marks_and_decomposed_accents_are_no_difference(tmp_path: Path) -> None:
    found, faults, _ = read(
        tmp_path,
        "sale_id,Fecha de emisio\u0301n,name,qty,amount\u200b,\u00a0total\nA1,\u200e05/10/2026 2:30\u202fPM,Mug,1,10.00,10.00\n",
        date_order="dmy",
        columns={"date": "Fecha de emisión"},
    )
    assert (found, faults) == ({"A1": Decimal(10)}, [])


def test_a_spreadsheets_lock_file_is_no_fault_and_remarks_above_the_heading_are_skipped(tmp_path: Path) -> None:
    till = Till(tmp_path)
    till.drop("~$day.csv", b"\x05owner")
    till.drop("day.csv", "# printed by the till\n# for Ana\n" + HEAD + "A1,2026-11-20,Mug,1,10.00,10.00\n")
    orders, faults = till.read()
    assert ([order.sale_id for order in orders], faults) == (["A1"], [])


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"%PDF-1.7 ...", "it is a PDF"),
        (b'{"sales": []}', "it is JSON"),
        (b'<?xml version="1.0"?><POSLog xmlns="x"/>', "it is XML"),
        (b"\x1f\x8b\x08\x00", "packed by gzip"),
        (b"\x89PNG\r\n", "a picture"),
        (b"SQLite format 3\x00", "a database of SQLite"),
        (b"MIME-Version: 1.0\r\n", "a web page saved by a spreadsheet"),
    ],
)
def test_what_is_no_table_is_named_by_what_it_is(tmp_path: Path, content: bytes, why: str) -> None:
    _, faults, _ = read(tmp_path, content)
    assert why in faults[0]


def test_spreadsheet_xml_of_2003_is_read(tmp_path: Path) -> None:
    cells = "".join(f'<Cell><Data ss:Type="String">{name}</Data></Cell>' for name in HEAD.strip().split(","))
    sale = ["A1", "2026-11-20T10:00:00.000", "Mug", "1", "10.00", "10.00"]
    row = "".join(f'<Cell><Data ss:Type="String">{cell}</Data></Cell>' for cell in sale)
    late = '<Cell><Data>A2</Data></Cell><Cell><Data>2026-11-20</Data></Cell><Cell ss:Index="5"><Data>3.00</Data></Cell>'
    text = (
        '<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>'
        '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">'
        f'<Worksheet ss:Name="Day"><Table><Row>{cells}</Row><Row>{row}</Row><Row>{late}</Row></Table></Worksheet></Workbook>'
    )
    found, faults, _ = read(tmp_path, text, "day.xls")
    assert (found, faults) == ({"A1": Decimal(10), "A2": Decimal(3)}, [])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_sale_vanishes_and_none_is_made_up_whatever_surrounds_it(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Titles, remarks, headings, empty lines and sentences among the rows change neither the sales nor their totals."""
    count = data.draw(st.integers(1, 6))
    sales = {f"S{number}": Decimal(number * 5) for number in range(1, count + 1)}
    noise = st.sampled_from(["", "\n", HEAD, "This report was printed by Ana,,,,,\n", ",,,,,\n"])
    text = (
        data.draw(
            st.sampled_from(["", "Sales of the day\n", "# till 1\n", "\ufeff", "Report,Day\nPeriod,2026-11-20\n\n"])
        )
        + HEAD
    )
    for name, amount in sales.items():
        text += f"{name},2026-11-20 10:00,Mug,1,{amount}.00,{amount}.00\n" + data.draw(noise)
    whole = sum(sales.values())
    text += data.draw(st.sampled_from(["", f"Total,,,{count},{whole}.00,{whole}.00\n", f",,Summe,,{whole}.00,\n"]))
    shape = data.draw(st.sampled_from(["comma", "semicolon", "tab", "quoted"]))
    if shape == "quoted":
        text = "".join(f'"{line}";\n' if line.count(",") == 5 else f"{line}\n" for line in text.splitlines())
    elif shape != "comma":
        text = text.replace(",", ";" if shape == "semicolon" else "\t")
    found, faults, _ = read(tmp_path_factory.mktemp("shop"), text)
    assert (found, faults) == (sales, []), text
