"""Archives in a drop folder: what they hold is read as if it had been dropped itself; what could do harm is set aside."""

from __future__ import annotations

import gzip
import os
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from syncd.sources import SourceContext
from syncd.sources.packed import unpack
from syncd.sources.poslog.settings import PosLogSettings
from syncd.sources.poslog.source import PosLogSource
from syncd.testing.clocks import ManualClock
from tests.poslog_files import poslog, sold, totals, transaction
from tests.sources.conftest import Till

Make = Callable[..., Till]
HEAD = "sale id,date,name,quantity,line total,total\n"


def rows(*keys: str) -> str:
    return HEAD + "".join(f"{key},2026-11-20 10:00,Mug,1,5.00,5.00\n" for key in keys)


def zipped(path: Path, **members: str | bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name.replace("__", "."), content)
    return path


def read(shop: Till) -> tuple[list[str], list[str]]:
    orders, faults = shop.read()
    return sorted(order.sale_id for order in orders), [fault.reason for fault in faults]


def test_the_members_of_a_zip_and_of_a_gz_are_read_and_the_archives_moved(till: Make) -> None:
    shop = till()
    zipped(shop.folder / "week.zip", may__csv=rows("a", "b"), june__csv=rows("c"), readme__pdf=b"%PDF")
    (shop.folder / "late.csv.gz").write_bytes(gzip.compress(rows("d").encode()))
    assert read(shop) == (["a", "b", "c", "d"], [])
    names = sorted(path.name for path in (shop.folder / "processed").iterdir())
    assert names == ["late.csv", "late.csv.gz", "week-june.csv", "week-may.csv", "week.zip"]
    assert [path for path in shop.folder.iterdir() if path.is_file()] == []


def test_poslog_files_come_packed_as_well(tmp_path: Path) -> None:
    text = poslog(transaction(1, sold(1, "4.00") + totals("4.00")))
    zipped(tmp_path / "day.zip", day__xml=text)
    settings = PosLogSettings.model_validate({"path": tmp_path, "settle": "0s"})
    batches = list(PosLogSource(settings, SourceContext("till", ManualClock(), tmp_path)).fetch(None))
    assert [order.number for batch in batches for order in batch.orders] == ["1"]


def test_a_member_whose_name_climbs_out_of_the_folder_stays_in_it(till: Make) -> None:
    shop = till()
    with zipfile.ZipFile(shop.folder / "x.zip", "w") as packed:
        packed.writestr("../../../tmp/evil.csv", rows("a"))
        packed.writestr("..\\..\\worse.csv", rows("b"))
    assert read(shop) == (["a", "b"], [])
    assert sorted(path.name for path in (shop.folder / "processed").iterdir()) == ["x-evil.csv", "x-worse.csv", "x.zip"]


def test_an_archive_that_is_still_being_copied_waits_and_one_that_is_broken_is_set_aside(till: Make) -> None:
    shop = till()
    whole = zipped(shop.folder / ".whole", may__csv=rows("a")).read_bytes()
    path = shop.drop("may.zip", whole[:-40])
    stamp = shop.clock.now().timestamp()
    os.utime(path, (stamp, stamp))
    assert read(shop) == ([], [])
    shop.clock.pass_time(120)
    keys, (why,) = read(shop)
    assert (keys, "cannot be unpacked" in why) == ([], True)
    assert (shop.folder / "failed" / "may.zip").exists()


def test_a_gz_that_breaks_off_in_the_middle_leaves_nothing_half_behind(till: Make) -> None:
    shop = till(cut_after="0s")
    content = gzip.compress(rows(*(f"s{n}" for n in range(5000))).encode())
    (shop.folder / "day.csv.gz").write_bytes(content[: len(content) // 2])
    keys, (why,) = read(shop)
    assert (keys, "cannot be unpacked" in why) == ([], True)
    assert [path.name for path in shop.folder.iterdir()] == ["failed"]


def _bomb(path: Path) -> None:
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed,
        packed.open("day.csv", "w", force_zip64=True) as out,
    ):
        for _ in range(300):
            out.write(b"0" * (1 << 20))


def _lying(path: Path) -> None:
    """A member that says it has ten bytes."""
    _bomb(path)
    content = path.read_bytes()
    size = (300 << 20).to_bytes(4, "little")
    assert size in content
    path.write_bytes(content.replace(size, (10).to_bytes(4, "little")))


def _encrypted(path: Path) -> None:
    zipped(path, may__csv=rows("a"))
    content = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + at] |= 1
    path.write_bytes(bytes(content))


def _many(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as packed:
        for number in range(1001):
            packed.writestr(f"{number}.csv", rows("a"))


def _nested(path: Path) -> None:
    zipped(path.with_name(".inner"), may__csv=rows("a"))
    with zipfile.ZipFile(path, "w") as packed:
        packed.write(path.with_name(".inner"), "inner.zip")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (_bomb, "grows more than 200 times"),
        (_lying, "cannot be unpacked"),
        (_encrypted, "is encrypted"),
        (_many, "more than 1000 files"),
        (_nested, "no file that this source reads"),
        (lambda path: path.write_bytes(b"PK nothing"), "cannot be unpacked"),
    ],
)
def test_an_archive_that_could_do_harm_is_set_aside_at_a_bounded_cost(make: Any, says: str, till: Make) -> None:
    shop = till(cut_after="0s")
    make(shop.folder / "day.zip")
    begun = time.monotonic()
    keys, (why,) = read(shop)
    assert time.monotonic() - begun < 20
    assert (keys, says in why) == ([], True), why
    assert (shop.folder / "failed" / "day.zip").exists()
    assert list(shop.folder.glob(".*.part")) == []


def test_a_process_that_dies_between_unpacking_and_moving_doubles_no_sale(till: Make) -> None:
    shop = till()
    archive = zipped(shop.folder / "week.zip", may__csv=rows("a", "b"))
    unpack(archive, lambda name: name.endswith(".csv"))  # and then it dies
    keys, faults = read(shop)
    assert (sorted(set(keys)), faults) == (["a", "b"], [])


def test_a_pattern_chooses_among_members(till: Make) -> None:
    shop = till(pattern="sales*.csv")
    zipped(shop.folder / "all.zip", stock__csv=rows("x"))
    keys, (why,) = read(shop)
    assert (keys, "no file that this source reads" in why) == ([], True)
