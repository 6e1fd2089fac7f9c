"""What people are told: exit codes that are true, nothing that vanishes, and output that fits a terminal of 80 columns."""

import json
import os
import re
import signal
import socket
import sqlite3
from pathlib import Path

import pytest

from syncd.testing.orders import sale
from tests.flows.test_daemon import SOURCES, batch, daemon, log, wait_for
from tests.shared import SAMPLES, needs_samples
from tests.shop import Shop

GENERIC = (
    '[sources.till]\ntype = "csv"\npath = "inbox"\nsettle = "0s"\ncurrency = "USD"\n'
    'timezone = "America/Chicago"\ndate_order = "ymd"\n'
)
HEAD = "sale id,date,name,line total,total\n"


# 15: exit codes


def test_sync_with_the_store_down_is_3_and_says_so(shop: Shop) -> None:
    shop.config.write_text(shop.config.read_text().replace(shop.store.url, "http://127.0.0.1:9"))
    shop.drop("sales.jsonl", batch(2))
    done = shop.run("sync")
    assert done.code == 3
    assert "main: cannot be reached:" in done.out
    assert "nothing to push" not in done.out
    assert shop.run("sync", "--json").json["trouble"]["main"].startswith("cannot be reached")


def test_what_nobody_foresaw_is_70_with_a_report_and_no_traceback(shop: Shop) -> None:
    shop.drop("sales.jsonl", batch(1))
    shop.run("sync")
    with sqlite3.connect(shop.folder / "ledger.db") as raw:
        raw.execute("update sales set total_inc_tax = 'much'")
    raw.close()
    done = shop.run("sales")
    assert done.code == 70
    assert "this is a bug in syncd" in done.err
    report = Path(re.findall(r"\S+syncd-bug-\S+\.txt", done.err)[0])
    text = report.read_text()
    report.unlink()
    assert "decimal" in text
    assert "Traceback" in text
    assert shop.store.token not in text
    assert shop.run("sales", "--json").json["exit"] == 70


def test_a_port_that_is_taken_is_said_in_a_line(shop: Shop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = shop.run("sandbox", "--port", str(taken.getsockname()[1]))
    assert (done.code, len(done.err.splitlines())) == (2, 2)
    assert "in use" in done.err


@pytest.mark.parametrize(
    "words",
    [
        ("sandbox", "--port", "99999"),
        ("sandbox", "--catalog", "nofile.json"),
        ("sandbox", "--faults", "syncd.toml"),
        ("sandbox", "--db", "no/folder/store.db"),
        ("demo", "--folder", "/proc/x", "--no-keep"),
        ("backfill", "--source", "till", "--from", "0001-01-01", "--to", "9999-12-31"),
        ("sales", "--day", "2026-13-31"),
        ("faults", "--limit", "0"),
    ],
)
def test_bad_words_are_2_and_a_sentence(shop: Shop, words: tuple[str, ...]) -> None:
    shop.run("sync", "--limit", "0")
    done = shop.run(*words)
    assert done.code == 2, done
    assert done.err


def test_a_backfill_knows_squares_zone_labels(shop: Shop) -> None:
    shop.configure(GENERIC.replace("America/Chicago", "Eastern Time (US & Canada)"))
    done = shop.run("backfill", "--source", "till", "--from", "2026-11-20", "--to", "2026-11-20", "--dry-run")
    assert done.code == 0, done.err


def test_wrong_usage_is_json_where_json_is_asked_for(shop: Shop) -> None:
    for words in (("sales", "--limit", "none", "--json"), ("no-such-command", "--json"), ("sale", "--json")):
        assert shop.run(*words).json["exit"] == 2


# 16: health


def test_a_killed_or_stopped_daemon_is_told_at_once_and_a_new_one_owes_a_good_cycle(shop: Shop) -> None:
    for end in (signal.SIGKILL, signal.SIGTERM):
        with daemon(shop) as process:
            wait_for(lambda: shop.run("status", "--healthy").code == 0)
            process.send_signal(end)
            process.wait(60)
        done = shop.run("status", "--healthy")
        assert done.code == 1
        assert "no daemon is running" in done.out
        assert "no daemon is running" in shop.run("status").out


def test_a_daemon_whose_store_never_answered_is_unhealthy(shop: Shop) -> None:
    shop.config.write_text(shop.config.read_text().replace(shop.store.url, "http://127.0.0.1:9"))
    shop.drop("sales.jsonl", batch(1))
    with daemon(shop):
        wait_for(lambda: (shop.folder / "ledger.db").exists() and "daemon_started" in log(shop))
        why = "look over main: no good cycle yet: BigCommerce cannot be reached"
        wait_for(lambda: why in shop.run("status", "--healthy").out)
        assert shop.run("status", "--healthy").code == 1


# 17: nothing vanishes


def test_what_nobody_reads_is_named_by_check_and_status_and_once_in_the_log(shop: Shop) -> None:
    inbox = shop.folder / "inbox"
    shop.configure(SOURCES.replace('"1h"', '"100ms"'))
    (inbox / "sales.xlsx").write_text("x")
    (inbox / "report.pdf").write_text("x")
    (inbox / "old").mkdir()
    (inbox / "away").symlink_to("/etc/passwd")
    os.mkfifo(inbox / "pipe.jsonl")
    (inbox / "half.jsonl.part").write_text("not yet ours")
    shop.run("sync")
    for words in (("check",), ("status",), ("sync",)):
        said = shop.run(*words).out
        for name in ("sales.xlsx", "report.pdf", "old/ (a folder)", "away (a link)", "pipe.jsonl"):
            assert name in said, (words, name)
        assert "half" not in said
    with daemon(shop):
        wait_for(lambda: "sales.xlsx" in log(shop))
        wait_for(lambda: "lease_taken" in log(shop))
        shop.drop("more.jsonl", batch(1))
        wait_for(lambda: len(shop.store.orders()) == 1)
    assert log(shop).count("sales.xlsx") == 1


def test_a_folder_of_two_sources_has_nothing_strange_in_what_the_other_reads(shop: Shop) -> None:
    shop.configure(GENERIC + SOURCES.replace("sources.till", "sources.own"))
    shop.drop("day.csv", HEAD + "s1,2026-11-20 10:00,Tea,5.00,5.00\n")
    assert "never read" not in shop.run("sync").out


def test_faults_stay_until_a_person_settles_them(shop: Shop) -> None:
    shop.drop("sales.jsonl", batch(1) + "not json\n")
    first = shop.run("sync")
    assert first.code == 1
    assert "sales.jsonl:2: the line is not JSON" in first.out, "the reason, in the pass that met it"
    again = shop.run("sync")
    assert again.code == 1
    assert "1 fault open" in again.out
    assert shop.run("status").code == 1
    assert shop.run("faults", "--settle").code == 2, "nobody can be asked here"
    assert shop.run("faults", "--settle", "--yes").out == "1 fault settled\n"
    assert shop.run("sync").code == 0
    assert shop.run("faults").code == 0
    (kept,) = shop.run("faults", "--all", "--json").json
    assert kept["settled_by"].startswith("cli:")


def test_a_later_good_row_of_the_same_sale_settles_its_faults(shop: Shop) -> None:
    shop.configure(GENERIC)
    shop.drop("bad.csv", HEAD + "s1,2026-11-20 10:00,Tea,five,5.00\ns2,2026-11-20 10:00,Tea,six,6.00\n")
    assert shop.run("sync").code == 1
    shop.drop("good.csv", HEAD + "s1,2026-11-20 10:00,Tea,5.00,5.00\n")
    shop.run("sync")
    (left,) = shop.run("faults", "--json").json
    assert left["where"] == "bad.csv:3"


def test_faults_can_be_settled_one_by_one(shop: Shop) -> None:
    shop.drop("sales.jsonl", "not json\nnor this\n")
    shop.run("sync")
    number = shop.run("faults", "--json").json[0]["id"]
    assert shop.run("faults", str(number), "--settle", "--json").json == {"settled": 1}
    assert len(shop.run("faults", "--json").json) == 1


def test_the_reason_of_a_file_that_failed_is_printed_in_its_pass(shop: Shop) -> None:
    shop.configure(GENERIC)
    shop.drop("other.csv", "a,b,c\n1,2,3\n")
    done = shop.run("sync")
    assert done.code == 1
    assert "other.csv: the file cannot be read: it is no generic export" in done.out


# 18: output


def test_everything_fits_80_columns_and_keys_are_whole(shop: Shop) -> None:
    key = "k" * 60
    long = sale(source="till", sale_id=key, number="R-77", total_inc_tax="99.00")
    shop.drop("sales.jsonl", long.to_json() + "\n" + batch(2) + "not json\n")
    shop.run("sync")
    for words in (("status",), ("sync",), ("sales",), ("sale", "till:s0"), ("faults",), ("check",), ("orders", "list")):
        shown = shop.show(*words)
        assert shown
        assert all(len(line) <= 80 for line in shown.splitlines() if " " in line.strip()), shown
        assert not set("│┃┏└─") & set(shown), "no boxes"
    sales = shop.show("sales")
    assert f"till:{key}\n" in sales
    assert "receipt R-77" in sales


def test_a_sale_is_shown_with_tax_tenders_customer_and_a_link_to_its_order(shop: Shop) -> None:
    order = sale(
        source="till", sale_id="a", customer={"first_name": "Ada", "last_name": "King", "email": "ada@example.com"}
    )
    shop.drop("sales.jsonl", order.to_json() + "\n")
    shop.run("sync")
    shown = shop.run("sale", "till:a").out
    for words in ("tax 0.80 USD", "paid: Cash", "Ada King", "ada@example.com", "/manage/orders/"):
        assert words in shown


def test_what_is_piped_is_tabs_and_no_boxes(shop: Shop) -> None:
    shop.drop("sales.jsonl", batch(2))
    shop.run("sync")
    head, *rows = shop.run("sales").out.splitlines()
    assert head.split("\t")[:3] == ["sale", "state", "receipt"]
    assert [row.split("\t")[1] for row in rows] == ["synced", "synced"]


def test_sync_leaves_zeros_out(shop: Shop) -> None:
    shop.drop("sales.jsonl", batch(3))
    assert shop.run("sync").out == "till: 3 new sales\nmain: 3 pushed\n"
    assert shop.run("sync").out == "till: nothing new\nmain: nothing to push\n"


def test_json_holds_no_python(shop: Shop) -> None:
    shop.drop("sales.jsonl", batch(1) + "not json\n")
    shop.run("sync")
    for words in (
        ("sale", "till:s0"),
        ("status",),
        ("sales",),
        ("faults",),
        ("check",),
        ("preview", "till:s0"),
        ("sync",),
    ):
        text = shop.run(*words, "--json").out
        json.loads(text)
        for trace in ("Decimal(", "datetime.", "<", "CanonicalOrder", "None,"):
            assert trace not in text, (words, trace)
    assert shop.run("sale", "till:s0", "--json").json["document"]["sale_id"] == "s0"


def test_the_preview_of_a_file_is_a_summary_and_its_first_sale(shop: Shop) -> None:
    file = shop.drop("sales.jsonl", batch(40) + "not json\n")
    short = shop.run("preview", str(file)).out
    assert "40 sales, 432.00 USD" in short
    assert "40 would be pushed" in short
    assert "1 fault" in short
    assert short.count('"external_order_id"') == 1
    assert "Completed (10)" in short
    assert shop.run("preview", str(file), "--all").out.count('"external_order_id"') == 40


def test_the_preview_of_a_bad_file_says_what_is_wrong_with_it(shop: Shop) -> None:
    shop.configure(GENERIC)
    file = shop.drop("other.csv", "a,b,c\n1,2,3\n")
    done = shop.run("preview", str(file))
    assert done.code == 1
    assert "it has no column" in done.out


# 19: options


def test_version_verbose_quiet_and_log_level(shop: Shop) -> None:
    shop.drop("sales.jsonl", batch(1))
    assert shop.run("--version").out.startswith("syncd ")
    assert "batch_recorded" in shop.run("sync", "-v").err
    shop.drop("more.jsonl", batch(1, "m"))
    quiet = shop.run("-q", "sync")
    assert (quiet.out, quiet.err) == ("", "")
    shop.drop("yet.jsonl", batch(1, "y"))
    assert "batch_recorded" in shop.run("sync", "--log-level", "info").err
    assert shop.run("sync", "--log-level", "loud").code == 2


def test_many_sales_at_once_want_a_yes_and_can_be_looked_at_first(shop: Shop) -> None:
    bad = "".join(sale(source="till", sale_id=f"h{n}", total_inc_tax="99.00").to_json() + "\n" for n in range(3))
    shop.drop("sales.jsonl", bad)
    shop.run("sync")
    asked = shop.run("skip", "--state", "held")
    assert asked.code == 2
    assert "Skip 3 sales" in asked.err
    assert "would skip 3 sales" in shop.run("skip", "--state", "held", "--dry-run").out
    assert shop.run("skip", "--state", "held", "--yes").out == "skip: 3 sales\n"


def test_an_unknown_source_is_an_error_with_a_hint(shop: Shop) -> None:
    shop.run("sync", "--limit", "0")
    for words in (("sales",), ("faults",), ("retry",), ("faults", "--settle", "--yes")):
        done = shop.run(*words, "--source", "tilll")
        assert done.code == 2
        assert "Did you mean till?" in done.err


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("SYNCD_STORE__MAIN__QUOTA_SHARE", "SYNCD_STORES"),
        ("SYNCD_LEDGR__URL", "SYNCD_LEDGER"),
        ("SYNCD_LEDGER", "SYNCD_LEDGER__"),
    ],
)
def test_a_misspelt_variable_is_an_error(shop: Shop, monkeypatch: pytest.MonkeyPatch, name: str, hint: str) -> None:
    monkeypatch.setenv(name, "abc")
    done = shop.run("sync")
    assert done.code == 2
    assert name in done.err
    assert hint in done.err


def test_a_misspelt_column_key_is_an_error_with_a_hint(shop: Shop) -> None:
    shop.configure(GENERIC + 'columns = { sale_idd = "Beleg" }\n')
    done = shop.run("sync")
    assert done.code == 2
    assert "did you mean sale_id?" in done.err


def test_a_german_header_says_which_column_is_missing_and_how_it_is_mapped(shop: Shop) -> None:
    shop.configure(GENERIC)
    shop.drop("tag.csv", "Beleg;Datum;Artikel;Summe\n7;20.11.2026 10:00;Tee;5,00\n")
    said = shop.run("sync").out
    assert "it has beleg, datum, artikel, summe" in said
    assert 'columns = { date = "..."' in said


@needs_samples
def test_check_says_what_kind_of_export_a_file_looks_like(shop: Shop) -> None:
    shop.configure(GENERIC)
    shop.drop("items.csv", (SAMPLES / "square-csv" / "items-33col-2026-05.csv").read_bytes())
    assert 'This looks like a square export: set preset = "square".' in shop.run("check").out


def test_config_mistakes_are_said_without_python_in_them(shop: Shop) -> None:
    for change, words in (
        (GENERIC.replace('currency = "USD"\n', ""), "currency is required"),
        (GENERIC.replace("USD", "usd"), "must be a currency code such as USD"),
        (GENERIC.replace('"csv"', '"square"'), 'type = "csv" with preset = "square" reads a folder of exports'),
        (GENERIC.replace('"csv"', '"shopify"'), 'did you mean type = "csv" with preset = "shopify"?'),
    ):
        shop.configure(change)
        err = shop.run("sync").err
        assert words in err
        assert "{" not in err
        assert "^[" not in err


def test_status_of_a_ledger_that_is_not_there_says_so_and_makes_none(shop: Shop) -> None:
    for words in (("status",), ("sales",), ("faults",), ("sale", "x"), ("release", "x"), ("status", "--healthy")):
        done = shop.run(*words)
        assert done.code == 4
        assert "there is no ledger at" in done.err
    assert not list(shop.folder.glob("ledger.db*"))


# 20 and 21: files


def test_sync_waits_for_a_file_that_is_settling_or_says_that_it_is(shop: Shop) -> None:
    shop.configure(SOURCES.replace('"200ms"', '"1s"'))
    shop.drop("sales.jsonl", batch(2))
    assert "2 new sales" in shop.run("sync").out
    shop.configure(SOURCES.replace('"200ms"', '"1h"'))
    shop.drop("more.jsonl", batch(2, "m"))
    assert "1 file still waiting" in shop.run("sync").out


def test_a_file_that_is_moved_in_or_closed_need_not_settle(shop: Shop) -> None:
    shop.configure(SOURCES.replace('"200ms"', '"1h"'))
    with daemon(shop):
        wait_for(lambda: "daemon_started" in log(shop))
        wait_for(lambda: _watched(shop))
        shop.drop("moved.jsonl", batch(2))
        with (shop.folder / "inbox" / "written.jsonl").open("w") as file:
            file.write(batch(2, "w"))
        wait_for(lambda: len(shop.store.orders()) == 4)


def _watched(shop: Shop) -> bool:
    """Whether the kernel tells the daemon of new files yet: a file is carried only then, for it never settles here."""
    shop.drop(f"probe{os.urandom(4).hex()}.jsonl", "\n")
    return bool(list((shop.folder / "inbox").glob("processed/probe*")))
