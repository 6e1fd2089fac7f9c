"""Bad input: one clear message with a cure, the documented exit code, no traceback, nothing lost and nothing half done."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from syncd.testing.orders import sale
from tests.shop import Shop

GOOD = sale(source="till").to_json()


def csv_source(settings: str = "") -> str:
    return (
        '[sources.till]\ntype = "csv"\npath = "inbox"\nsettle = "0s"\ncurrency = "USD"\ntimezone = "America/Chicago"\n'
        'date_order = "ymd"\n' + settings
    )


HEADER = "sale id,date,name,quantity,line total,total\n"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text + "\n[stores.main", "line"),
        (lambda text: text.replace("settle =", "setle ="), "setle"),
        (lambda text: text.replace('type = "jsonl"', 'type = "jsnl"'), "jsonl"),
        (lambda text: text.replace('settle = "4s"', 'settle = "soon"'), "soon"),
        (lambda text: text.replace('"FLOW_TOKEN"', '"NO_SUCH_VARIABLE"'), "NO_SUCH_VARIABLE"),
        (lambda text: text.replace("sqlite:///ledger.db", "mysqlite://x"), "ledger"),
        (lambda text: text.replace('country_iso2 = "US"', 'country_iso2 = "Texas"'), "country_iso2"),
        (lambda _: "\x00\x01", ""),
    ],
)
def test_a_config_that_cannot_be_used_names_what_is_wrong(shop: Shop, change: object, said: str) -> None:
    shop.config.write_text(change(shop.config.read_text()))  # type: ignore[operator]  # a lambda of the table above
    done = shop.run("sync")
    assert done.code == 2, done.err
    assert said in done.err
    assert done.err.startswith("syncd: ")
    assert shop.store.orders() == []


def test_every_mistake_of_a_config_is_told_at_once(shop: Shop) -> None:
    text = shop.config.read_text()
    shop.config.write_text(
        text.replace("settle =", "setle =").replace("back_off =", "backoff =").replace('"US"', '"us"')
    )
    done = shop.run("check")
    assert done.code == 2
    assert all(word in done.err for word in ("setle", "backoff", "country_iso2"))


def test_no_config_at_all_says_where_it_was_looked_for(shop: Shop) -> None:
    shop.config.unlink()
    done = shop.run("status")
    assert done.code == 2
    assert str(shop.config) in done.err


def test_a_folder_that_is_not_there_is_told_and_the_rest_goes_on(shop: Shop) -> None:
    text = shop.config.read_text()
    shop.config.write_text(text + '\n[sources.other]\ntype = "jsonl"\npath = "nowhere"\n')
    shop.drop("sales.jsonl", GOOD)
    done = shop.run("sync")
    assert done.code == 3
    assert "nowhere does not exist" in done.out
    assert len(shop.store.orders()) == 1


def test_a_half_written_file_waits_until_it_stands_still(shop: Shop) -> None:
    shop.config.write_text(shop.config.read_text().replace('settle = "0s"', 'settle = "30s"'))
    file = shop.drop("sales.jsonl", GOOD[: len(GOOD) // 2])
    shop.run("sync")
    assert file.exists()
    assert shop.run("sales", "--json").json == []


def test_files_that_say_that_they_are_unfinished_are_left_alone(shop: Shop) -> None:
    for name in ("a.jsonl.part", "b.jsonl.tmp", "c.jsonl.crdownload", ".d.jsonl", "e.jsonl~"):
        (shop.folder / "inbox" / name).write_text(GOOD)
    assert shop.run("sync", "--json").json["sources"]["till"]["new"] == 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n\n",
        b"\x00" * 100,
        b"PK\x03\x04\x00\x00binary",
        b"%PDF-1.4",
        b"just some words\nand more\n",
        b"\xff\xfe\x00",
        bytes(range(256)) * 10,
    ],
)
def test_a_file_that_is_no_table_is_set_aside_with_the_reason_beside_it(shop: Shop, content: bytes) -> None:
    shop.configure(csv_source())
    shop.drop("sales.csv", content)
    done = shop.run("sync", "--json")
    assert done.code == 1
    assert done.json["sources"]["till"]["faults"] == 1
    assert (shop.folder / "inbox" / "failed" / "sales.csv").read_bytes() == content
    reason = (shop.folder / "inbox" / "failed" / "sales.csv.faults.csv").read_text()
    assert "sales.csv" in reason
    assert shop.store.orders() == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("bad,2026-02-30 10:00,Tea,1,5.00,5.00", "2026-02-30"),
        ("bad,03/04/2026 10:00,Tea,1,5.00,5.00", "date"),
        ("bad,2026-13-08 02:30,Tea,1,5.00,5.00", "month"),
        ("bad,2026-11-20 10:00,Tea,one,5.00,5.00", "one"),
        ("bad,2026-11-20 10:00,Tea,1,5.0.0,5.00", "5.0.0"),
        ("bad,2026-11-20 10:00,Tea,1,NaN,5.00", "NaN"),
        ("bad,2026-11-20 10:00,Tea,1,1e400,5.00", "1e400"),
        ("bad,2026-11-20 10:00,Tea,1,5.00,5.00,extra,cells", "cells"),
        (",2026-11-20 10:00,,1,5.00,5.00", "no sale id"),
        ("bad,2026-11-20 10:00," + "x" * 2_000_000 + ",1,5.00,5.00", "field larger"),
    ],
)
def test_a_row_that_cannot_be_read_is_a_fault_and_the_good_sales_go_on(shop: Shop, row: str, reason: str) -> None:
    shop.configure(csv_source())
    shop.drop(
        "day.csv", HEADER + f"good1,2026-11-20 10:00,Tea,1,5.00,5.00\n{row}\ngood2,2026-11-20 11:00,Tea,1,7.00,7.00\n"
    )
    done = shop.run("sync", "--json")
    assert done.code == 1
    assert {order["external_order_id"] for order in shop.store.orders()} == {"till:good1", "till:good2"}
    faults = (shop.folder / "inbox" / "processed" / "day.csv.faults.csv").read_text()
    assert reason in faults
    assert "day.csv:3" in faults
    told = shop.run("faults", "--json").json
    assert len(told) == 1
    assert reason in told[0]["reason"]


def test_a_row_that_does_not_add_up_is_held(shop: Shop) -> None:
    shop.configure(csv_source())
    shop.drop("day.csv", HEADER + "s1,2026-11-20 10:00,Tea,1,5.00,6.00\n")
    done = shop.run("sync", "--json")
    assert (done.code, done.json["sales"]) == (1, {"held": 1})


def test_a_nul_byte_a_formula_and_a_newline_in_a_cell_go_through_as_text(shop: Shop) -> None:
    shop.configure(csv_source())
    shop.drop("day.csv", HEADER + 's1,2026-11-20 10:00,"=1+cmd|x\nsecond\x00line",1,5.00,5.00\n')
    assert shop.run("sync", "--json").json["sales"] == {"synced": 1}
    (order,) = shop.store.orders()
    (line,) = shop.store.get(f"/v2/orders/{order['id']}/products")
    assert line["name"].startswith("=1+cmd|x")
    assert "\x00" not in line["name"]


def test_a_faults_file_holds_no_formula(shop: Shop) -> None:
    shop.configure(csv_source())
    shop.drop("day.csv", HEADER + "=cmd|' /C calc'!A0,not a date,Tea,1,5.00,5.00\n")
    shop.run("sync")
    text = (shop.folder / "inbox" / "processed" / "day.csv.faults.csv").read_text()
    assert not any(cell.startswith("=") for row in text.splitlines() for cell in row.replace('"', "").split(","))


def test_a_cell_of_fifty_megabytes_costs_one_fault(shop: Shop) -> None:
    shop.configure(csv_source())
    big = "x" * 50_000_000
    shop.drop("day.csv", HEADER + f's1,2026-11-20 10:00,"{big}",1,5.00,5.00\ns2,2026-11-20 10:00,Tea,1,5.00,5.00\n')
    done = shop.run("sync", "--json")
    assert done.code == 1
    assert [order["external_order_id"] for order in shop.store.orders()] == ["till:s2"]


def test_an_unknown_currency_is_a_fault(shop: Shop) -> None:
    shop.drop("sales.jsonl", json.dumps(json.loads(GOOD) | {"currency": "XXQ"}) + "\n")
    done = shop.run("sync", "--json")
    assert done.code == 1
    assert shop.store.orders() == []
    assert "XXQ" in json.dumps(shop.run("faults", "--json").json) + json.dumps(shop.run("sales", "--json").json)


def test_a_ledger_of_a_newer_version_is_left_as_it_is(shop: Shop) -> None:
    shop.run("sync", "--limit", "0")
    with sqlite3.connect(shop.folder / "ledger.db") as ledger:
        ledger.execute("update alembic_version set version_num = '9999'")
    done = shop.run("sync")
    assert done.code == 4
    assert "9999" in done.err
    assert "newer" in done.err


@pytest.mark.parametrize(
    "content", [b"this is no database at all, but a text", b"SQLite format 3\x00" + b"\xff" * 4000]
)
def test_a_ledger_that_is_none_is_left_as_it_is(shop: Shop, content: bytes) -> None:
    (shop.folder / "ledger.db").write_bytes(content)
    done = shop.run("sync")
    assert done.code == 4, done.err
    assert (shop.folder / "ledger.db").read_bytes() == content
    assert "backup" in done.err


def test_a_full_disk_stops_the_pass_in_words_and_loses_nothing(shop: Shop) -> None:
    shop.run("sync", "--limit", "0")
    file = shop.drop("sales.jsonl", "".join(sale(source="till", sale_id=f"s{n}").to_json() + "\n" for n in range(300)))
    small = f"ulimit -f 120; exec {sys.executable} -m syncd sync"  # no file may grow past 120 KiB, as on a full disk
    done = subprocess.run(
        ["bash", "-c", small], capture_output=True, text=True, env=shop.env, cwd=shop.folder, check=False, timeout=60
    )
    assert done.returncode == 4, done.stderr
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert file.exists()
    assert shop.run("sync").code == 0
    keys = [order["external_order_id"] for order in shop.store.orders()]
    assert sorted(keys) == sorted(f"till:s{n}" for n in range(300))


def test_a_ledger_that_another_pusher_holds_is_told_and_nothing_is_doubled(shop: Shop) -> None:
    shop.drop("sales.jsonl", GOOD)
    daemon = shop.start("run")
    try:
        while not shop.store.orders():
            assert daemon.poll() is None
        shop.drop("more.jsonl", sale(source="till", sale_id="more").to_json())
        done = shop.run("sync")
        assert done.code == 0, done.err
        assert f"{daemon.pid}" in done.err
        while len(shop.store.orders()) < 2:
            assert daemon.poll() is None
    finally:
        daemon.terminate()
        assert daemon.wait(20) == 0
    keys = [order["external_order_id"] for order in shop.store.orders()]
    assert sorted(keys) == ["till:1001", "till:more"]


def test_a_store_that_does_not_answer_is_told_and_loses_nothing(shop: Shop) -> None:
    shop.drop("sales.jsonl", GOOD)
    good = shop.config.read_text()
    shop.config.write_text(good.replace(shop.store.url, "http://127.0.0.1:9"))
    done = shop.run("sync")
    assert done.code in {0, 3}
    assert shop.run("sales", "--json").json[0]["state"] == "pending"
    shop.config.write_text(good)
    for _ in range(3):
        if shop.run("sync", "--json").json["sales"] == {"synced": 1}:
            break
    assert len(shop.store.orders()) == 1


def test_output_that_nobody_reads_to_the_end_is_no_error(shop: Shop) -> None:
    shop.drop("sales.jsonl", "".join(sale(source="till", sale_id=f"s{n}").to_json() + "\n" for n in range(300)))
    shop.run("sync")
    command = f"{sys.executable} -m syncd sales --limit 300 | head -1"
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, env=shop.env, cwd=shop.folder, check=False, timeout=60
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("sale", "till:none"),
        ("preview", "till:none"),
        ("backfill", "--source", "none", "--from", "2026-01-01", "--to", "2026-01-02"),
        ("backfill", "--source", "till", "--from", "yesterday", "--to", "2026-01-02"),
        ("sales", "--state", "unheard"),
        ("sync", "--limit", "-1"),
        ("run", "--config", str(Path("/no/such/file.toml"))),
        ("no-such-command",),
    ],
)
def test_a_command_that_makes_no_sense_says_so(shop: Shop, words: tuple[str, ...]) -> None:
    shop.run("sync", "--limit", "0")
    done = shop.run(*words)
    assert done.code in {1, 2}, (done.out, done.err)
    assert done.err or done.out
