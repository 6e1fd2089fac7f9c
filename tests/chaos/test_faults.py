"""The rows of the fault table that need real processes, files and signals, one test each."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from syncd.errors import LedgerError
from syncd.ledger import Ledger
from syncd.testing.clocks import ManualClock
from syncd.testing.orders import sale
from tests.chaos.linekill import die_at, in_child
from tests.deciders import DECIDER
from tests.flows.test_daemon import SOURCES, batch, daemon, log, wait_for
from tests.ledger.conftest import Book, numbered
from tests.shop import Shop, pass_until_settled, running_sandbox, wait_quiet


def keys_of(shop: Shop) -> list[str]:
    return [order["external_order_id"] for order in shop.store.orders()]


def test_f2_a_copy_of_the_files_at_any_moment_is_a_ledger_that_doubles_nothing(tmp_path: Path) -> None:
    with running_sandbox("--latency-ms", "10") as (_, store):
        (tmp_path / "inbox").mkdir()
        shop = Shop(tmp_path, store)
        shop.configure(SOURCES)
        shop.drop("sales.jsonl", batch(150))
        with daemon(shop) as process:
            wait_for(lambda: len(store.history()["created"]) > 60)
            process.send_signal(signal.SIGSTOP)  # as the disk would look if the power went now
            for file in shop.folder.glob("ledger.db*"):
                shutil.copy(file, shop.folder / f"cut-{file.name}")
            process.send_signal(signal.SIGKILL)
        for file in [*shop.folder.glob("ledger.db*")]:
            file.unlink()
        for file in shop.folder.glob("cut-ledger.db*"):
            file.rename(shop.folder / file.name.removeprefix("cut-"))
        shop.drop("again.jsonl", batch(150))
        with daemon(shop):
            wait_for(lambda: shop.run("status", "--json").json["stores"][0]["sales"].get("synced", 0) == 150)
        assert sorted(keys_of(shop)) == sorted(f"till:s{number}" for number in range(150))
        assert shop.run("ledger", "verify", "--stores").code == 0


@pytest.mark.parametrize("seed", range(6))
def test_f3_a_death_at_any_line_of_the_first_migration_leaves_the_old_schema_or_the_new(
    seed: int, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    at = random.Random(seed).randint(1, 400)

    def die() -> None:
        trace = die_at(at)
        threading.settrace(trace)
        sys.settrace(trace)
        Ledger.open(url, ManualClock(), DECIDER)

    assert in_child(die) in {0, -signal.SIGKILL}
    with Ledger.open(url, ManualClock(), DECIDER) as ledger:
        assert ledger.maintenance.verify() == []
        assert Book(ledger, ManualClock(), url).record(sale()).new == 1


def test_f5_a_process_that_was_stopped_and_resumed_sends_no_stale_create(tmp_path: Path) -> None:
    with running_sandbox("--latency-ms", "30") as (_, store):
        (tmp_path / "inbox").mkdir()
        shop = Shop(tmp_path, store)
        shop.configure(SOURCES)
        shop.drop("sales.jsonl", batch(200))
        dice = random.Random(5)
        with daemon(shop) as process:
            wait_for(lambda: len(store.history()["created"]) > 10)
            for _ in range(3):
                process.send_signal(signal.SIGSTOP)
                time.sleep(dice.uniform(1.2, 2.2))  # longer than intent_life, and than the deadline
                process.send_signal(signal.SIGCONT)
                time.sleep(dice.uniform(0.1, 0.4))
            wait_for(lambda: shop.run("status", "--json").json["stores"][0]["sales"].get("synced", 0) == 200)
        assert sorted(keys_of(shop)) == sorted(f"till:s{number}" for number in range(200))


def test_f6_a_process_that_may_not_take_more_memory_ends_in_words_or_carries_the_sales(shop: Shop) -> None:
    shop.drop("sales.jsonl", batch(50))
    for limit in (150_000, 250_000, 400_000):
        command = f"ulimit -v {limit}; exec {sys.executable} -m syncd sync"
        subprocess.run(
            ["bash", "-c", command], capture_output=True, env=shop.env, cwd=shop.folder, check=False, timeout=60
        )
    wait_quiet(shop.store)
    assert pass_until_settled(shop) == {"synced": 50}
    assert sorted(keys_of(shop)) == sorted(f"till:s{number}" for number in range(50))


@pytest.mark.parametrize("seed", range(25))
def test_f52_a_ledger_with_flipped_bits_is_refused_or_found_out_or_unharmed(seed: int, tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    with Ledger.open(f"sqlite:///{file}", ManualClock(), DECIDER) as ledger:
        Book(ledger, ManualClock(), "").record(*numbered(60))
        whole = {key: found.document for key in (f"till:{n}" for n in range(60)) if (found := ledger.sales.get(key))}
    with sqlite3.connect(file) as raw:
        raw.execute("pragma wal_checkpoint(truncate)")
    raw.close()
    data, dice = bytearray(file.read_bytes()), random.Random(seed)
    for _ in range(dice.choice([1, 3, 30])):
        data[dice.randrange(0 if seed % 3 else 100, len(data))] ^= 1 << dice.randrange(8)
    if seed % 5 == 4:
        del data[dice.randrange(len(data)) :]
    file.write_bytes(data)
    try:
        with Ledger.open(f"sqlite:///{file}", ManualClock(), DECIDER) as ledger:
            problems = ledger.maintenance.verify()
            same = {key: found.document for key in whole if (found := ledger.sales.get(key))} == whole
            assert problems or same
    except LedgerError as refused:
        told = str(refused)
        assert "\n  " in told, "a refusal comes with its cure"


def test_f57_a_shell_that_holds_the_ledger_for_a_moment_only_delays_us(shop: Shop) -> None:
    shop.run("sync", "--limit", "0")
    shop.drop("sales.jsonl", batch(3))
    holder = sqlite3.connect(shop.folder / "ledger.db", isolation_level=None, check_same_thread=False)
    holder.execute("begin immediate")
    threading.Timer(3, holder.rollback).start()
    begin = time.monotonic()
    assert shop.run("sync", "--json").json["sales"] == {"synced": 3}
    assert time.monotonic() - begin >= 2
    holder.close()


def test_f61_a_second_ledger_in_front_of_the_same_store_adopts_what_is_there_when_it_starts(shop: Shop) -> None:
    shop.drop("sales.jsonl", batch(20))
    shop.run("sync")
    other = shop.folder / "other"
    (other / "inbox").mkdir(parents=True)
    second = Shop(other, shop.store)
    second.configure('[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n')
    second.drop("sales.jsonl", batch(25))
    assert second.run("sync", "--json").json["sales"] == {"synced": 25}
    assert sorted(keys_of(shop)) == sorted(f"till:s{number}" for number in range(25))
    found = shop.run("ledger", "verify", "--stores", "--json").json["main"]
    assert len(found) == 5, "the first ledger is told of the orders that the second one made"


def test_f62_a_sync_beside_the_daemon_records_and_leaves_the_pushing_to_it(shop: Shop) -> None:
    shop.configure(SOURCES.replace('"1h"', '"1h"\nenabled = true'))
    with daemon(shop):
        wait_for(lambda: "lease_taken" in log(shop))
        shop.drop("sales.jsonl", batch(10))
        done = [shop.run("sync") for _ in range(2)]
        assert all(one.code == 0 for one in done)
        wait_for(lambda: len(keys_of(shop)) == 10)
    assert len(set(keys_of(shop))) == 10


def test_f81_an_order_that_staff_deleted_is_told_when_the_sale_changes(shop: Shop) -> None:
    shop.drop("sales.jsonl", batch(1))
    shop.run("sync")
    shop.store.control("reset", {})
    shop.drop("void.jsonl", batch(1, "s").replace('"lines"', '"status":"voided","lines"'))
    done = shop.run("sync", "--json")
    assert done.code == 1
    (left,) = shop.run("sales", "--json").json
    assert left["state"] == "rejected"
    assert "no longer in BigCommerce" in left["why"]


def test_f87_the_token_is_in_nothing_that_a_full_run_writes(shop: Shop) -> None:
    canary = shop.store.token
    shop.drop("sales.jsonl", batch(5) + "not json\n")
    said = [
        shop.run(*words)
        for words in (("sync",), ("check", "--json"), ("status", "--json"), ("sales", "--json"), ("sale", "till:s0"))
    ]
    said.append(shop.run("ledger", "backup", str(shop.folder / "copy.db")))
    with daemon(shop):
        shop.drop("more.jsonl", batch(5, "m"))
        wait_for(lambda: len(keys_of(shop)) == 10)
        command_line = Path(f"/proc/{os.getpid()}/cmdline").read_bytes()
    shop.config.write_text(shop.config.read_text().replace('{ env = "FLOW_TOKEN" }', f'"{canary}"'))
    said.append(shop.run("check"))
    shop.config.write_text(shop.config.read_text().replace(f'"{canary}"', '{ env = "FLOW_TOKEN" }'))
    assert all(canary not in done.out + done.err for done in said)
    assert canary.encode() not in command_line
    for file in shop.folder.rglob("*"):
        if file.is_file():
            assert canary.encode() not in file.read_bytes(), file


def test_f88_a_name_cannot_drive_the_terminal_or_forge_a_line_of_the_log(shop: Shop) -> None:
    evil = 'Tea\x1b[2J\x1b]0;pwned\x07\n{"event":"order_accepted"}'
    lines: list[dict[str, Any]] = [{"line_id": "1", "name": evil, "total_ex_tax": "10", "total_inc_tax": "10.80"}]
    order = sale(source="till", sale_id="a\x1b[31m", number=evil, lines=lines, total_inc_tax="11.80", tenders=[])
    shop.drop("sales.jsonl", order.to_json() + "\n")
    with daemon(shop):
        wait_for(lambda: shop.run("sales", "--json").json != [])
    for words in (("sales",), ("sale", "till:a[31m"), ("faults",), ("preview", "till:a[31m")):
        assert "\x1b" not in shop.run(*words).out
    assert "\x1b" not in log(shop)
    assert not [line for line in log(shop).splitlines() if line.startswith('{"event":"order_accepted"')]
