"""What we write into folders of others: through no link, over nothing that is there, and for our eyes alone."""

from __future__ import annotations

import csv
import os
import stat
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.canonical import Fault
from syncd.sources.own_files import create, free_name, own_folder, write_faults
from syncd.spreadsheet import tame
from tests.sources.conftest import Till

BAD = "sale_id,date,name,qty,amount,total\nA1,2026-11-20,Mug,1,ten,10.00\nA2,2026-11-20,Mug,1,5.00,5.00\n"


def test_a_link_in_the_place_of_a_faults_file_is_not_followed(tmp_path: Path) -> None:
    till = Till(tmp_path)
    ledger = tmp_path / "ledger.db"
    ledger.write_text("the ledger")
    (tmp_path / "processed").mkdir()
    (tmp_path / "processed" / "day.csv.faults.csv").symlink_to(ledger)
    till.drop("day.csv", BAD)
    _, faults = till.read()
    assert len(faults) == 1
    assert ledger.read_text() == "the ledger"
    assert [path.name for path in (tmp_path / "processed").glob("day.csv.faults-*")] == ["day.csv.faults-1.csv"]


@pytest.mark.parametrize("name", ["processed", "failed"])
def test_a_link_in_the_place_of_processed_is_told_and_nothing_moves_there(tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (folder := tmp_path / "inbox").mkdir()
    (folder / name).symlink_to(elsewhere)
    till = Till(folder)
    till.drop("day.csv", BAD if name == "processed" else "no table\n")
    _, faults = till.read()
    assert any(f"{name}/" in fault.reason and "is a link or no folder" in fault.reason for fault in faults)
    assert (list(elsewhere.iterdir()), (folder / "day.csv").exists()) == ([], True)


def test_nothing_is_written_over_or_through_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "nowhere")
    for name in ("a", "b"):
        (tmp_path / "b").touch()
        with pytest.raises(FileExistsError):
            create(tmp_path / name)
    assert not (tmp_path / "nowhere").exists()
    assert free_name(tmp_path / "a").name == "a-1"
    with pytest.raises(OSError, match="is a link or no folder"):
        own_folder(tmp_path / "b")


def test_files_of_ours_are_readable_by_us_alone(tmp_path: Path) -> None:
    os.umask(0o022)
    till = Till(tmp_path)
    till.drop("day.csv", BAD)
    with zipfile.ZipFile(tmp_path / "week.zip", "w") as packed:
        packed.writestr("may.csv", BAD.replace("A", "B"))
    till.read()
    till.read()
    ours = [path for path in tmp_path.rglob("*") if path.name not in ("day.csv", "week.zip")]
    assert len(ours) >= 4
    for path in ours:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert (path.name, oct(mode)) == (path.name, "0o700" if path.is_dir() else "0o600")


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+1", "-2+3+cmd|' /C calc'!A0", "\r=1", "\t=1", "@SUM(1)", " =1", "a;=1+1", "a\r\n=1", '"=1', "\uff1d1"],
)
def test_what_a_spreadsheet_would_run_is_tamed(cell: str, tmp_path: Path) -> None:
    assert not any(part.lstrip(' \t\r\n"').startswith(("=", "+", "-", "@", "\uff1d")) for part in tame(cell).split(";"))
    write_faults(tmp_path / "f.csv", [Fault("a.csv:2", cell, cell)])
    with (tmp_path / "f.csv").open(newline="") as file:
        (row,) = list(csv.reader(file))[1:]
    assert row == ["a.csv:2", tame(cell), tame(cell)]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9))
def test_numbers_stay_numbers(amount: object) -> None:
    assert tame(amount) == str(amount)


@given(st.text(alphabet="=+-@;,|\t\r\n 'a1\"", max_size=20))
def test_no_cell_and_no_part_of_one_begins_a_formula(text: str) -> None:
    tamed = tame(text)
    if tamed.lstrip("-").replace(".", "", 1).isdigit():
        return
    for part in tamed.replace("\r", ";").replace("\n", ";").replace("\t", ";").split(";"):
        assert not part.strip(" ").startswith(("=", "+", "-", "@")), (text, tamed)


def test_a_file_that_is_never_read_is_told_of_after_a_day(tmp_path: Path) -> None:
    till = Till(tmp_path)
    till.drop("report.pdf", b"%PDF")
    report = till.source.folder_report()
    assert (report.strange, report.unread) == (("report.pdf",), ())
    till.clock.pass_time(time.time() - till.clock.now().timestamp() + 25 * 3600)
    assert till.source.folder_report().unread == ("report.pdf",)
