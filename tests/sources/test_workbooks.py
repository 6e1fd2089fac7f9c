"""Workbooks through the presets of CSV: found sheets and headers, the workbook's own types, and bombs."""

from __future__ import annotations

import csv
import json
import os
import resource
import time
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime
from datetime import time as clock_time
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from syncd.sources.csv import workbook, workbook_rows
from tests.shared import SAMPLES, needs_samples
from tests.sources.conftest import Till

Make = Callable[..., Till]
HEAD = ("Sale ID", "Date", "Name", "Quantity", "Line total", "Total")
_FIXTURES = Path(__file__).parents[1] / "fixtures"


def save(path: Path, *, hidden: str = "", **sheets: Sequence[Sequence[Any]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        if name == hidden:
            sheet.sheet_state = "hidden"
    book.save(path)
    return path


def test_header_and_sheet_are_found_and_types_are_the_workbook_s_own(till: Make) -> None:
    shop = till(date_order="dmy")
    rows = [
        ("Sales of November",),
        (),
        HEAD,
        (1001, datetime(2026, 3, 11, 9, 30), "Mug", 2, 5.4, 5.4),  # noqa: DTZ001  a cell has no zone
        (1002, date(2026, 11, 4), "Tea", 0.45, 0.1 + 0.2, 0.3),
    ]
    save(shop.folder / "day.xlsx", Summary=[("Total", 5.7)], Sales=rows)
    orders, faults = shop.read()
    assert faults == []
    assert [
        (one.sale_id, one.placed_at.isoformat(), str(one.total_inc_tax), str(one.lines[0].quantity)) for one in orders
    ] == [
        ("1001", "2026-03-11T09:30:00-05:00", "5.4", "2"),
        ("1002", "2026-11-04T00:00:00-06:00", "0.3", "0.45"),
    ]


def test_a_date_and_a_time_in_columns_of_their_own_are_put_together(till: Make) -> None:
    shop = till()
    head = ("Sale ID", "Date", "Time", "Name", "Line total")
    save(shop.folder / "day.xlsx", Sales=[head, ("a", date(2026, 11, 4), clock_time(17, 5, 9), "Tea", 3)])
    (order,), _ = shop.read()
    assert order.placed_at.isoformat() == "2026-11-04T17:05:09-06:00"


def test_every_sheet_with_the_header_is_read_and_hidden_ones_are_not(till: Make) -> None:
    shop = till()
    rows = {key: (key, "2026-11-20 10:00", "Mug", 1, 5, 5) for key in "abc"}
    save(
        shop.folder / "year.xlsx",
        May=[HEAD, rows["a"]],
        June=[(), HEAD, rows["b"]],
        Old=[HEAD, rows["c"]],
        hidden="Old",
    )
    orders, faults = shop.read()
    assert ([order.sale_id for order in orders], faults) == (["a", "b"], [])


def test_a_decimal_comma_in_the_config_does_not_touch_the_workbook_s_numbers(till: Make) -> None:
    shop = till(decimal_mark=",")
    save(shop.folder / "day.xlsx", Sales=[HEAD, ("a", "2026-11-20 10:00", "Mug", 1, 1234.56, "1.234,56")])
    (order,), _ = shop.read()
    assert str(order.total_inc_tax) == "1234.56"


def test_an_id_that_a_spreadsheet_has_cut_is_a_fault_and_no_sale(till: Make) -> None:
    shop = till()
    rows = [HEAD, (1300000015734303122, "2026-11-20 10:00", "Mug", 1, 5, 5), ("b", "2026-11-20 10:00", "Mug", 1, 5, 5)]
    save(shop.folder / "day.xlsx", Sales=rows)
    orders, (fault,) = shop.read()
    assert [order.sale_id for order in orders] == ["b"]
    assert "has lost its end: format that column as text" in fault.reason


def test_an_old_workbook_is_read_as_a_new_one(till: Make) -> None:
    shop = till()
    shop.drop("day.xls", (_FIXTURES / "two-sales.xls").read_bytes())
    orders, faults = shop.read()
    assert ([(order.sale_id, str(order.total_inc_tax)) for order in orders], faults) == (
        [("1001", "5.4"), ("1002", "10.8")],
        [],
    )


_ODS = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">
 <office:body><office:spreadsheet><table:table table:name="Sales">{rows}</table:table></office:spreadsheet></office:body>
</office:document-content>"""


def ods(path: Path, rows: str) -> None:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        packed.writestr("content.xml", _ODS.format(rows=rows))
        packed.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry'
            ' manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/></manifest:manifest>',
        )


def _cells(row: Sequence[str]) -> str:
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    return "<table:table-row>" + "".join(cell.format(one) for one in row) + "</table:table-row>"


def test_an_open_document_is_read(till: Make) -> None:
    shop = till()
    ods(shop.folder / "day.ods", _cells(HEAD) + _cells(("a", "2026-11-20 10:00", "Mug", "1", "5.40", "5.40")))
    orders, faults = shop.read()
    assert ([order.sale_id for order in orders], faults) == (["a"], [])


def test_a_workbook_of_something_else_is_set_aside_with_what_it_lacks(till: Make) -> None:
    shop = till(cut_after="0s")
    save(shop.folder / "stock.xlsx", Stock=[("SKU", "On hand"), ("MUG", 3)])
    orders, (fault,) = shop.read()
    assert orders == []
    assert "it is no generic export: it has no column" in fault.reason
    assert (shop.folder / "failed" / "stock.xlsx").exists()


def test_a_workbook_that_is_still_being_copied_waits(till: Make) -> None:
    shop = till()
    whole = save(shop.folder / ".book", Sales=[HEAD, ("a", "2026-11-20 10:00", "Mug", 1, 5, 5)]).read_bytes()
    path = shop.drop("day.xlsx", whole[: len(whole) // 2])
    stamp = shop.clock.now().timestamp()
    os.utime(path, (stamp, stamp))
    assert shop.read() == ([], [])
    path.write_bytes(whole)
    orders, _ = shop.read()
    assert [order.sale_id for order in orders] == ["a"]


# Bombs


def _zipped(path: Path, sheet: str, *, repeat: int = 1) -> None:
    """A workbook whose one sheet holds this, so many times."""
    save(path, Sales=[HEAD])
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    begin, end = parts["xl/worksheets/sheet1.xml"].split(b"</sheetData>")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            if name != "xl/worksheets/sheet1.xml":
                packed.writestr(name, content)
        with packed.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as out:
            out.write(begin)
            for _ in range(repeat):
                out.write(sheet.encode())
            out.write(b"</sheetData>" + end)


def _refused(shop: Till, name: str) -> str:
    begun = time.monotonic()
    orders, faults = shop.read()
    assert time.monotonic() - begun < 60
    assert orders == []
    assert (shop.folder / "failed" / name).exists()
    return faults[0].reason


def test_a_workbook_that_unpacks_to_gigabytes_is_refused_unopened(till: Make) -> None:
    shop = till(cut_after="0s")
    _zipped(shop.folder / "day.xlsx", '<row r="9"><c r="A9"><v>1</v></c></row>' * 20_000, repeat=700)
    assert "it would unpack to more than 512 MB" in _refused(shop, "day.xlsx")


def test_a_workbook_that_lies_about_its_size_is_ended_when_its_memory_is_used_up(
    till: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "_UNPACKED", 1 << 40)  # as if its directory told little
    monkeypatch.setattr(workbook, "_MEGABYTES", 300)
    shop = till(cut_after="0s")
    _zipped(shop.folder / "day.xlsx", '<row r="9"><c r="A9"><v>1</v></c></row>' * 20_000, repeat=700)
    assert "cannot be read" in _refused(shop, "day.xlsx")


def test_two_cells_at_the_ends_of_a_sheet_do_not_make_it_seventeen_billion(till: Make) -> None:
    shop = till(cut_after="0s")
    _zipped(shop.folder / "day.xlsx", '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')
    assert "cannot be read" in _refused(shop, "day.xlsx")


def test_rows_that_are_repeated_a_million_times_are_bounded(till: Make) -> None:
    shop = till(cut_after="0s")
    cell = '<table:table-cell table:number-columns-repeated="16384" office:value-type="string"><text:p>x</text:p>'
    cells = f"{cell}</table:table-cell>"
    ods(shop.folder / "day.ods", f'<table:table-row table:number-rows-repeated="1048576">{cells}</table:table-row>')
    assert "cannot be read" in _refused(shop, "day.ods")


@needs_samples
def test_square_s_item_export_saved_as_a_workbook_says_the_same(till: Make) -> None:

    with (SAMPLES / "square-csv" / "items-33col-2026-05.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    as_csv, as_book = till(preset="square", items_only="accept"), till(preset="square", items_only="accept")
    as_csv.drop("items.csv", (SAMPLES / "square-csv" / "items-33col-2026-05.csv").read_bytes())
    one, _ = as_csv.read()
    save(as_book.folder / "items.xlsx", Items=rows)
    other, _ = as_book.read()
    assert len(one) > 100
    assert sorted(map(json.loads, (order.to_json() for order in one)), key=str) == sorted(
        map(json.loads, (order.to_json() for order in other)), key=str
    )


def test_where_memory_cannot_be_bounded_no_workbook_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_what: int, _limits: tuple[int, int]) -> None:
        raise PermissionError(1, "Operation not permitted")  # as a service's system call filter answers

    monkeypatch.setattr(resource, "setrlimit", refused)
    assert workbook_rows.bound(1 << 30, 1) is False


def test_the_service_may_bound_the_memory_of_its_own_processes() -> None:
    unit = (Path(__file__).parents[2] / "deploy" / "syncd.service").read_text(encoding="utf-8")
    filters = [line for line in unit.splitlines() if line.startswith("SystemCallFilter=")]
    assert filters[-1] == "SystemCallFilter=setrlimit prlimit64"  # after @resources was taken away, or it is gone again
