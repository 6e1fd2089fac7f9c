"""A file is believed whole or not at all: replaced, growing, cut off, badly quoted, or of a name that no text can hold."""

import json
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from syncd.sources import SourceContext
from syncd.sources.folder import FolderSettings
from syncd.sources.jsonl import JsonlSource
from syncd.testing.clocks import ManualClock
from syncd.testing.orders import sale
from tests.sources.conftest import Till

HEAD = "sale id,date,name,quantity,line total,total\n"
Make = Callable[..., Till]


def row(sale_id: str, total: str = "5.00") -> str:
    return f"{sale_id},2026-11-20 10:00,Tea,1,{total},{total}\n"


def jsonl(folder: Path) -> JsonlSource:
    settings = FolderSettings.model_validate({"path": folder, "settle": "0s"})
    return JsonlSource(settings, SourceContext("till", ManualClock(), folder))


# Replaced or appended to while it is read


def replace(path: Path, text: str) -> None:
    part = path.with_name(".new")
    part.write_text(text)
    part.rename(path)


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


@pytest.mark.parametrize("change", [replace, append])
def test_a_file_that_changes_while_it_is_read_stays_and_is_read_again(
    till: Make, change: Callable[[Path, str], None]
) -> None:
    shop = till()
    path = shop.drop("day.csv", HEAD + row("s1"))
    walk = shop.source.fetch(None)
    first = next(walk)
    change(path, (HEAD if change is replace else "") + row("s2"))
    list(walk)
    assert [order.sale_id for order in first.orders] == ["s1"]
    assert path.exists()
    orders, _ = shop.read()
    assert "s2" in {order.sale_id for order in orders}
    assert not path.exists()


def test_a_json_file_that_is_appended_to_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    path, source = tmp_path / "day.jsonl", jsonl(tmp_path)
    path.write_text(sale(sale_id="s1", source="till").to_json() + "\n")
    walk = source.fetch(None)
    next(walk)
    append(path, sale(sale_id="s2", source="till").to_json() + "\n")
    list(walk)
    assert [order.sale_id for batch in source.fetch(None) for order in batch.orders] == ["s1", "s2"]


# Quotes


def test_a_quote_that_never_closes_fails_the_file_as_one_and_names_its_line(till: Make) -> None:
    shop = till()
    rows = [row(f"s{number}") for number in range(500)]
    rows[7] = 's7,2026-11-20 10:00,"Tea,1,5.00,5.00\n'
    shop.drop("day.csv", HEAD + "".join(rows))
    orders, (fault,) = shop.read()
    assert orders == []
    assert "the quote that opens on line 9 never closes" in fault.reason
    assert (shop.folder / "failed" / "day.csv").exists()


def test_a_quote_that_closes_rows_later_fails_the_file_as_one(till: Make) -> None:
    shop = till()
    rows = [row(f"s{number}") for number in range(30)]
    rows[3] = 's3,2026-11-20 10:00,"Tea,1,5.00,5.00\n'
    rows[20] = 's20,2026-11-20 10:00,Tea",1,5.00,5.00\n'
    shop.drop("day.csv", HEAD + "".join(rows))
    orders, (fault,) = shop.read()
    assert orders == []
    assert "the quote that opens on line 5" in fault.reason


def test_a_quote_that_swallows_the_next_row_alone_fails_the_file(till: Make) -> None:
    shop = till()
    shop.drop(
        "day.csv", HEAD + 's1,2026-11-20 10:00,"Tea,1,5.00,5.00\ns2,2026-11-20 10:00,"Tea",1,5.00,5.00\n' + row("s3")
    )
    orders, (fault,) = shop.read()
    assert orders == []
    assert "line 2" in fault.reason


def test_a_note_of_several_lines_is_no_open_quote(till: Make) -> None:
    shop = till(columns={"note": "note"})
    shop.drop("day.csv", HEAD.strip() + ",note\n" + row("s1").strip() + ',"milk, eggs\ncall Ada, then Bob\n"\n')
    (order,), faults = shop.read()
    assert faults == []
    assert order.note == "milk, eggs\ncall Ada, then Bob"


# A last line cut in the middle


CUT = HEAD + row("s1") + "s2,2026-11-20 10:00,Tea,1,11"


def test_a_last_line_cut_in_the_middle_keeps_the_file_waiting_until_the_rest_has_come(till: Make) -> None:
    shop = till(cut_after="1m")
    path = shop.drop("day.csv", CUT)
    os.utime(path, (shop.clock.now().timestamp(),) * 2)
    assert shop.read() == ([], [])
    assert path.exists()
    append(path, "2.00,112.00\n")
    os.utime(path, (shop.clock.now().timestamp(),) * 2)
    orders, faults = shop.read()
    assert faults == []
    assert [order.total_inc_tax for order in orders] == [Decimal(5), Decimal(112)]


def test_a_last_line_whose_rest_never_comes_is_a_fault_and_the_other_sales_go_on(till: Make) -> None:
    shop = till(cut_after="1m")
    path = shop.drop("day.csv", CUT)
    os.utime(path, (shop.clock.now().timestamp(),) * 2)
    shop.read()
    shop.clock.pass_time(61)
    (order,), (fault,) = shop.read()
    assert (order.sale_id, fault.where) == ("s1", "day.csv:3")
    assert "the file ends in the middle of this row" in fault.reason


def test_a_last_line_without_an_end_is_a_sale_where_it_is_whole(till: Make) -> None:
    shop = till()
    shop.drop("day.csv", HEAD + row("s1") + row("s2").strip())
    assert len(shop.read()[0]) == 2


# One file alone


def test_a_name_that_is_no_text_stops_nothing(till: Make) -> None:
    shop = till()
    name = os.fsdecode(b"K\xe4se.csv")
    (shop.folder / name).write_text(HEAD + row("s1") + "s2,no date,Tea,1,5.00,5.00\n")
    batches = list(shop.source.fetch(None))
    (fault,) = [fault for batch in batches for fault in batch.faults]
    assert json.dumps([batch.cursor for batch in batches]).isascii()
    assert "?" not in fault.where
    fault.where.encode()  # as the ledger stores it
    assert (shop.folder / "processed" / name).exists()


def test_a_file_that_cannot_be_moved_is_told_and_holds_up_no_newer_one(
    till: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = till()
    old, new = shop.drop("old.csv", HEAD + row("s1")), shop.drop("new.csv", HEAD + row("s2"))
    os.utime(old, (1, 1))
    rename = Path.rename

    def stuck(path: Path, target: Path) -> Path:
        if path == old:
            raise PermissionError(1, "Operation not permitted")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", stuck)
    orders, (fault,) = shop.read()
    assert [order.sale_id for order in orders] == ["s1", "s2"]
    assert "cannot be moved" in fault.reason
    assert not new.exists()
    assert shop.read() == ([], []), "it is told once, and not read over and over"


def test_a_line_torn_within_a_quote_takes_no_other_sale_with_it(till: Make) -> None:
    shop = till(columns={"note": "note"})
    head = "date,sale id,name,note,quantity,line total,total,last\n"
    good = '2026-11-20 10:00,s{n},Tea,"hot, sweet",1,5.00,5.00,\n'
    torn = '2026-11-20 10:00,s0,Tea,"hot, sw\n'
    shop.drop("day.csv", head + torn + good.format(n=1) + good.format(n=2))
    orders, (fault,) = shop.read()
    assert orders == []
    assert "line 2" in fault.reason


def test_a_row_torn_short_among_whole_rows_is_a_fault(till: Make) -> None:
    shop = till()
    shop.drop("day.csv", HEAD + row("s1") + "s2,2026-11-20 10:00,Tea,1,11\n" + row("s3"))
    orders, (fault,) = shop.read()
    assert [order.sale_id for order in orders] == ["s1", "s3"]
    assert "torn" in fault.reason


def test_rows_that_leave_out_empty_cells_at_the_end_are_whole(till: Make) -> None:
    shop = till(columns={"note": "note"})
    rows = "".join(row(f"s{n}") for n in range(3)) + row("s3").strip() + ",a note\n"
    shop.drop("day.csv", HEAD.strip() + ",note\n" + rows)
    orders, faults = shop.read()
    assert (len(orders), faults) == (4, [])
