"""Exports as shops have them: encodings, delimiters, amounts, times, and rows wherever they stand."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from syncd.errors import UsageError
from syncd.sources.csv import presets
from syncd.sources.csv.amounts import parse_amount
from syncd.sources.csv.codepages import encoding_of
from syncd.sources.csv.header import tables
from syncd.sources.csv.preset import CsvPreset, columns_of
from syncd.sources.csv.presets import names, preset
from syncd.sources.csv.rows import UnreadableFile
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.csv.text import TextSheet
from syncd.sources.csv.times import parse_clover, parse_time, zone
from syncd.sources.preset_registry import Presets
from syncd.sources.zones import Hours
from tests.exports import csv_settings
from tests.shared import SAMPLES, needs_samples
from tests.sources.conftest import Till

HEAD = "sale id,date,name,quantity,line total,total\n"
Make = Callable[..., Till]


# Encodings and delimiters


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
def test_every_encoding_that_exports_come_in_is_told_apart(till: Make, encoding: str) -> None:
    text = HEAD + "s1,2026-11-20 10:00,Crème brûlée,1,5.00,5.00\n"
    wanted = encoding if encoding in {"utf-16-le", "utf-16-be"} else "auto"  # without its mark nobody could tell
    shop = till(encoding=wanted)
    shop.drop("day.csv", text.encode(encoding))
    (order,), faults = shop.read()
    assert (order.lines[0].name, faults) == ("Crème brûlée", [])


def test_the_euro_sign_of_cp1252_is_an_amount(till: Make) -> None:
    shop = till(currency="EUR")
    shop.drop("day.csv", (HEAD + "s1,2026-11-20 10:00,Café,1,€5.00,€5.00\n").encode("cp1252"))
    assert shop.read()[0][0].total_inc_tax == Decimal(5)


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_told_by_the_header(till: Make, mark: str) -> None:
    shop = till()
    shop.drop(
        "day.csv",
        HEAD.replace(",", mark)
        + f"s1{mark}2026-11-20 10:00{mark}Tea, green{mark}1{mark}5.00{mark}5.00\n".replace("Tea, green", "Tea"),
    )
    assert len(shop.read()[0]) == 1


def test_columns_are_found_by_name_in_any_order_and_case(till: Make) -> None:
    shop = till()
    shop.drop("day.csv", " TOTAL ,Name,Sale ID,extra,Date,Line Total\n5.00,Tea,s1,x,2026-11-20 10:00,5.00\n")
    (order,), _ = shop.read()
    assert (order.sale_id, order.lines[0].name) == ("s1", "Tea")


def test_other_headings_are_named_in_the_config(till: Make) -> None:
    shop = till(
        columns={"sale_id": "Beleg", "date": ["Datum", "Tag"], "name": "Artikel", "line_total": "Summe"},
        date_order="dmy",
        decimal_mark=",",
    )
    shop.drop("tag.csv", "Beleg;Datum;Artikel;Summe\n7;20.11.2026 10:00;Käse;1.234,50\n")
    (order,), faults = shop.read()
    assert (order.total_inc_tax, order.placed_at.astimezone(UTC).day, faults) == (Decimal("1234.5"), 20, [])


def test_a_file_of_another_kind_names_the_column_that_is_missing(till: Make) -> None:
    shop = till()
    shop.drop("other.csv", "a,b,c\n1,2,3\n")
    _, (fault,) = shop.read()
    assert "no column" in fault.reason
    assert (shop.folder / "failed" / "other.csv").exists()


def test_newlines_and_quotes_in_cells_belong_to_the_cell(till: Make) -> None:
    shop = till()
    shop.drop("day.csv", HEAD + 's1,2026-11-20 10:00,"A ""big""\nmug",1,5.00,5.00\ns2,bad date,Tea,1,1,1\n')
    (order,), (fault,) = shop.read()
    assert order.lines[0].name == 'A "big"\nmug'
    assert fault.where == "day.csv:4"


# Grouping


def test_rows_of_one_sale_need_not_be_neighbours(till: Make) -> None:
    shop = till()
    shop.drop(
        "day.csv",
        HEAD
        + "s1,2026-11-20 10:00,A,1,5.00,8.00\ns2,2026-11-20 10:01,B,1,2.00,2.00\ns1,2026-11-20 10:00,C,1,3.00,8.00\n",
    )
    orders, _ = shop.read()
    assert {order.sale_id: len(order.lines) for order in orders} == {"s1": 2, "s2": 1}


def test_receipt_numbers_that_repeat_on_another_day_or_register_are_other_sales(till: Make) -> None:
    shop = till()
    shop.drop(
        "day.csv",
        "receipt,register,date,name,line total\n"
        "7,1,2026-11-20 10:00,A,5.00\n7,2,2026-11-20 10:00,A,5.00\n7,1,2026-11-21 10:00,A,5.00\n7,1,2026-11-20 10:00,B,1.00\n",
    )
    orders, _ = shop.read()
    assert sorted((order.sale_id, len(order.lines)) for order in orders) == [
        ("7@1@2026-11-20", 2),
        ("7@1@2026-11-21", 1),
        ("7@2@2026-11-20", 1),
    ]


def test_two_equal_sales_are_two_sales(till: Make) -> None:
    shop = till()
    shop.drop("day.csv", HEAD + "s1,2026-11-20 10:00,A,1,5.00,5.00\ns2,2026-11-20 10:00,A,1,5.00,5.00\n")
    assert len(shop.read()[0]) == 2


@pytest.mark.parametrize(
    "bad", ["s1,2026-11-20 10:00,B,1,oops,8.00", "s1,2026-11-20 10:00,B,1,3.00,8.00,one,cell too many"]
)
def test_where_one_row_of_a_sale_cannot_be_read_all_its_rows_are_faults(till: Make, bad: str) -> None:
    shop = till()
    shop.drop("day.csv", HEAD + f"s1,2026-11-20 10:00,A,1,5.00,8.00\ns2,2026-11-20 10:00,A,1,5.00,5.00\n{bad}\n")
    orders, faults = shop.read()
    assert [order.sale_id for order in orders] == ["s2"]
    assert sorted(fault.where for fault in faults) == ["day.csv:2", "day.csv:4"]


def test_a_file_larger_than_memory_allows_is_grouped_on_disk(till: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.sources.csv.group._IN_MEMORY", 50)
    monkeypatch.setattr("syncd.sources.csv.group._WRITTEN_AT_ONCE", 10)
    shop = till()
    body = [f"s{n % 97},2026-11-20 10:00,A,1,1.00,\n" for n in range(970)]
    random.Random(4).shuffle(body)
    shop.drop("day.csv", HEAD + "".join(body))
    orders, _ = shop.read()
    assert len(orders) == 97
    assert {order.total_inc_tax for order in orders} == {Decimal(10)}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_row_ends_in_an_order_or_in_a_fault(till: Make, data: st.DataObject) -> None:
    cells = st.sampled_from(
        ["s1", "s2", "", "2026-11-20 10:00", "2026-13-01", "5.00", "x", "-1", "NaN", '"', "\x00", "=A1", "1e9"]
    )
    table = data.draw(st.lists(st.lists(cells, min_size=1, max_size=8), max_size=12))
    shop = till()
    kept = [row for row in table if any(cell.strip() for cell in row)]
    shop.drop("day.csv", HEAD + "".join(",".join(f'"{c}"' if c != '"' else '""""' for c in row) + "\n" for row in kept))
    orders, faults = shop.read()
    for file in (shop.folder / "processed").glob("*"):
        file.unlink()
    assert sum(len(order.lines) for order in orders) + len(faults) == len(kept)


# Where files go


def test_a_file_is_moved_only_after_its_sales_were_taken(till: Make) -> None:
    shop = till()
    path = shop.drop("day.csv", HEAD + "s1,2026-11-20 10:00,A,1,5.00,5.00\n")
    walk = shop.source.fetch(None)
    next(walk)
    assert path.exists()
    assert list(walk) == []
    assert (shop.folder / "processed" / "day.csv").exists()


def test_a_second_file_of_the_same_name_overwrites_nothing(till: Make) -> None:
    shop = till()
    for number in (1, 2):
        shop.drop("day.csv", HEAD + f"s{number},2026-11-20 10:00,A,1,5.00,5.00\n")
        shop.read()
    assert len(list((shop.folder / "processed").glob("day*.csv"))) == 2


def test_a_link_out_of_the_folder_is_not_followed(till: Make, tmp_path: Path) -> None:
    outside = tmp_path.parent / "outside.csv"
    outside.write_text(HEAD + "s1,2026-11-20 10:00,A,1,5.00,5.00\n")
    shop = till()
    (shop.folder / "link.csv").symlink_to(outside)
    assert shop.read() == ([], [])


# Amounts


@pytest.mark.parametrize(
    ("text", "mark", "amount"),
    [
        ("$1,234.56", ".", "1234.56"),
        ("-$0.36", ".", "-0.36"),
        ("($0.06)", ".", "-0.06"),
        ("$-3.00", ".", "-3"),
        ("1.234,56", ",", "1234.56"),
        ("1 234,56 €", ",", "1234.56"),
        ("1\u00a0234,5", ",", "1234.5"),
        ("12", ",", "12"),
        ("5.00-", ".", "-5"),
        ("₹1,00,000.00", ".", "100000"),
        ("$1,149.00 ", ".", "1149"),
        ("CHF 1'234.50", ".", "1234.5"),
        (".5", ".", "0.5"),
    ],
)
def test_amounts_as_exports_write_them(text: str, mark: Any, amount: str) -> None:
    assert parse_amount(text, mark) == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("1,23", "."),
        ("1.23", ","),
        ("1.2.3", "."),
        ("NaN", "."),
        ("inf", "."),
        ("--5", "."),
        ("5 USD extra", "."),
        ("(5", "."),
        ("=5", "."),
    ],
)
def test_what_is_no_amount_with_this_decimal_mark_is_not_guessed(text: str, mark: Any) -> None:
    with pytest.raises(ValueError, match=r"amount|number"):
        parse_amount(text, mark)


# Times


@pytest.mark.parametrize(
    ("text", "order", "utc"),
    [
        ("2026-07-01 09:30", "ymd", "2026-07-01T14:30"),
        ("07/01/2026 9:30 AM", "mdy", "2026-07-01T14:30"),
        ("01.07.2026 21:05:09", "dmy", "2026-07-02T02:05:09"),
        ("2026-01-01", "ymd", "2026-01-01T06:00"),
        ("12/31/26 12:00 am", "mdy", "2026-12-31T06:00"),
        ("2026-07-01T09:30:00+02:00", "ymd", "2026-07-01T07:30"),
        ("2026-07-01T09:30:00Z", "ymd", "2026-07-01T09:30"),
        ("2021-05-13 11:01:13 +0200", "ymd", "2021-05-13T09:01:13"),
    ],
)
def test_times_as_exports_write_them(text: str, order: Any, utc: str) -> None:
    assert parse_time(text, order, zone("America/Chicago")).astimezone(UTC) == datetime.fromisoformat(utc + "+00:00")


@pytest.mark.parametrize(
    "text", ["2026-02-30 10:00", "2026-13-01", "25/12/2026", "2026-01-01 25:00", "2026-01-01 13:00 PM", "soon", ""]
)
def test_impossible_times_are_errors(text: str) -> None:
    with pytest.raises(ValueError, match=r"date|time"):
        parse_time(text, "ymd", zone("America/Chicago"))


def test_a_time_without_a_zone_is_never_guessed() -> None:
    with pytest.raises(ValueError, match="set timezone"):
        parse_time("2026-07-01 09:30", "ymd", None)


def test_the_hour_that_happens_twice_is_taken_by_the_config() -> None:
    chicago = zone("America/Chicago")
    first = parse_time("2026-11-01 01:30", "ymd", chicago, Hours("first"))
    second = parse_time("2026-11-01 01:30", "ymd", chicago, Hours("second"))
    assert (second.astimezone(UTC) - first.astimezone(UTC)).total_seconds() == 3600


def test_the_hour_that_never_happens_is_the_hour_after_it_and_remarked_or_an_error_by_config() -> None:
    remarks: list[str] = []
    chicago = zone("America/Chicago")
    at = parse_time("2026-03-08 02:13", "ymd", chicago, Hours(remark=remarks.append))
    assert at.astimezone(UTC) == datetime(2026, 3, 8, 8, 13, tzinfo=UTC)
    assert "taken as 03:13" in remarks[0]
    with pytest.raises(ValueError, match="never happened"):
        parse_time("2026-03-08 02:13", "ymd", chicago, Hours(skipped="fault"))


def test_clovers_abbreviations_tell_the_two_hours_apart() -> None:
    summer = parse_clover("01-Nov-2026 01:30 AM EDT", None)
    winter = parse_clover("01-Nov-2026 01:30 AM EST", None)
    assert (winter - summer).total_seconds() == 3600


def test_squares_labels_name_zones() -> None:
    assert parse_time("2026-05-30 13:03:14", "ymd", zone("Eastern Time (US & Canada)")).astimezone(UTC).hour == 17


# Real samples


@needs_samples
@pytest.mark.parametrize(
    "sample", sorted(SAMPLES.glob("*csv*/*.csv")) if SAMPLES.is_dir() else [], ids=lambda path: path.name
)
def test_no_preset_takes_another_systems_export_for_its_own(sample: Path, tmp_path: Path) -> None:
    presets = ("square", "lightspeed_x", "shopify", "loyverse", "clover")
    takes = [preset for preset in presets if Till(tmp_path, preset=preset).source.reads(sample)]
    wanted = sample.parent.name.split("-")[0]
    assert takes == ([] if wanted == "toast" else [{"lightspeed": "lightspeed_x"}.get(wanted, wanted)])


@needs_samples
def test_damaged_copies_of_real_exports_never_lose_a_row_silently(tmp_path: Path) -> None:
    sample = SAMPLES / "square-csv" / "items-33col-2026-05.csv"
    original = sample.read_bytes()
    dice = random.Random(11)
    for turn in range(25):
        (folder := tmp_path / str(turn)).mkdir()
        data = bytearray(original)
        for _ in range(dice.randint(1, 20)):
            place = dice.randrange(data.index(b"\n") + 1, len(data))
            data[place : place + dice.randint(0, 3)] = bytes(
                dice.choice(b'",\n\r;x9-$ (\x00\xe9') for _ in range(dice.randint(0, 3))
            )
        shop = Till(folder, preset="square", timezone=None)
        path = shop.drop("items.csv", bytes(data))
        encoding = encoding_of(path, "auto")
        with path.open(encoding=encoding, newline="") as text:
            rows, why = _rows_or_why(text)
        orders, faults = shop.read()
        if why:
            assert (orders, len(faults)) == ([], 1), "a file that is not whole is not believed in part"
            assert why in faults[0].reason
            continue
        assert sum(len(order.lines) for order in orders) + len(faults) >= len(rows) - _merged(orders)


_SQUARE = {"path": "inbox", "preset": "square", "currency": "USD"}


def _rows_or_why(text: TextIO) -> tuple[list[object], str]:
    try:
        wanted = partial(columns_of, which=preset("square"), settings=csv_settings(_SQUARE))
        return [row for table in tables(TextSheet(text, "auto", wanted), wanted, ()) for row in table.rows], ""
    except UnreadableFile as error:
        return [], str(error)


def _merged(orders: Any) -> int:
    return sum(max(0, len(order.fees)) for order in orders)


@pytest.mark.parametrize("name", names())
def test_a_preset_takes_the_keys_of_its_own_and_no_others(name: str) -> None:
    table = {"path": "inbox", "preset": name, "currency": "USD", "timezone": "UTC"}
    own = preset(name).options.model_fields.keys() - CsvSettings.model_fields.keys()
    others = {
        key for other in names() for key in preset(other).options.model_fields.keys() - CsvSettings.model_fields.keys()
    }
    for key in others - own:
        with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
            csv_settings({**table, key: "x"})
    assert csv_settings(table).preset == name


def test_a_preset_of_somebody_elses_is_found_by_its_entry_point(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="must be one of clover, generic"):
        preset("bakery")
    (tmp_path / "bakery_export.py").write_text(
        "from syncd.sources.csv.preset import CsvPreset\n"
        "from syncd.sources.csv.presets.generic import PRESET as GENERIC\n"
        "from msgspec.structs import replace\n"
        "PRESET = replace(GENERIC, name='bakery')\n"
    )
    (tmp_path / "bakery-1.0.dist-info").mkdir()
    (tmp_path / "bakery-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: bakery\nVersion: 1.0\n")
    entry = "[syncd.csv_presets]\nbakery = bakery_export:PRESET\n"
    (tmp_path / "bakery-1.0.dist-info" / "entry_points.txt").write_text(entry)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(
        presets, "PRESETS", Presets(CsvPreset, presets.__name__, presets.GROUP)
    )  # as a new process has it
    assert "bakery" in names()
    assert preset("bakery").name == "bakery"
    (tmp_path / "inbox").mkdir()
    till = Till(tmp_path / "inbox", preset="bakery")
    till.drop(
        "day.csv", "sale_id,date,name,quantity,price,line_total,tax\n1,2026-11-20 10:00:00,Loaf,1,5.00,5.00,0.40\n"
    )
    orders, faults = till.read()
    assert [order.sale_id for order in orders] == ["1"]
    assert faults == []


# Customers


def test_a_plain_export_may_tell_the_customers_address(till: Make) -> None:
    shop = till()
    shop.drop(
        "day.csv",
        "sale id,date,name,line total,customer,phone,address,city,region,zip,country\n"
        "s1,2026-11-20 10:00,Tea,5.00,Ann Lee,512 555 0100,2 Side Street,Austin,TX,78701,US\n"
        "s2,2026-11-20 10:05,Tea,5.00,Bob,,,Austin,TX,78701,US\n"
        "s3,2026-11-20 10:10,Tea,5.00,,,1 Shop Street,Austin,TX,78701,US\n",
    )
    (ann, bob, nobody), faults = shop.read()
    assert faults == []
    home = ann.billing
    assert home is not None
    assert (home.first_name, home.last_name, home.phone, home.street_1) == (
        "Ann",
        "Lee",
        "512 555 0100",
        "2 Side Street",
    )
    assert (home.city, home.state, home.zip, home.country) == ("Austin", "TX", "78701", "US")
    assert (bob.customer is not None, bob.billing) == (True, None)
    assert (nobody.customer, nobody.billing) == (None, None)
