"""Backfills as people meet them: counted first, done by whoever runs, paused, cancelled, reported."""

import csv
import json
import signal

import pytest

from syncd.testing.orders import sale
from tests.flows.test_main_job import lines_of
from tests.service.daemons import daemon, until
from tests.shop import Shop

DAY = sale().placed_at.date().isoformat()
RANGE = ("--source", "till", "--from", DAY, "--to", DAY)
SLOW = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\nevery = "1h"\n'


def past(shop: Shop, sales: int) -> None:
    """Sales that only a backfill reads again: their file is processed, and the ledger is new."""
    shop.drop("sales.jsonl", lines_of(sales))
    shop.run("sync", "--limit", "0")
    for file in shop.folder.glob("ledger.db*"):
        file.unlink()
    shop.run("sync", "--limit", "0")


def test_an_estimate_says_how_many_sales_requests_and_how_long_and_changes_nothing(shop: Shop) -> None:
    past(shop, 12)
    done = shop.run("backfill", *RANGE, "--dry-run", "--json")
    assert (done.code, done.json["sales"], done.json["requests"]) == (0, 12, 12)
    assert done.json["totals"] == {"USD": "129.60"}
    assert done.json["seconds"] > 0
    assert shop.run("sales", "--json").json == []
    assert shop.run("backfills", "list", "--json").json == []


def test_a_backfill_ends_with_what_both_sides_have(shop: Shop) -> None:
    past(shop, 5)
    done = shop.run("backfill", *RANGE)
    assert done.code == 0, done.err
    assert "main: 5 in the POS, 5 in BigCommerce, difference 0.00 USD" in done.out
    target = shop.folder / "report.csv"
    assert shop.run("backfills", "report", "1", "--csv", str(target)).code == 0
    rows = list(csv.DictReader(target.read_text(encoding="utf-8").splitlines()))
    assert {row["order"] for row in rows} == {str(order["id"]) for order in shop.store.orders()}


def test_a_difference_is_said(shop: Shop) -> None:
    past(shop, 3)
    shop.run("backfill", *RANGE)
    order = shop.store.orders()[0]
    shop.run("orders", "archive", str(order["id"]), "--yes")
    assert "3 in the POS, 2 in BigCommerce, difference 10.80 USD" in shop.run("backfills", "report", "1").out


def test_a_daemon_does_what_another_process_asked_for_and_goes_on_after_a_kill(shop: Shop) -> None:
    past(shop, 40)
    shop.configure(SLOW)
    running = shop.start("run")
    try:
        until(lambda: "running" in shop.run("status").out)
        command = shop.start("backfill", *RANGE)
        until(lambda: shop.run("backfills", "list", "--json").json != [])
        running.send_signal(signal.SIGKILL)
        running.wait()
        running = shop.start("run")
        until(lambda: len(shop.store.orders()) == 40)
        assert command.wait(60) == 0
    finally:
        running.terminate()
        running.wait()
    assert len(shop.store.orders()) == 40
    assert json.loads((shop.run("backfills", "list", "--json")).out)[0]["stage"] == "recorded"


def test_a_paused_backfill_stands_still_in_the_daemon_until_it_is_resumed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    past(shop, 6)
    shop.configure(SLOW)
    day = sale().placed_at.replace(hour=0)
    with daemon(shop, monkeypatch) as app:
        asked = app.ledger.backfills.ask("till", day, day.replace(hour=23), by="me")
        app.ledger.backfills.pause(asked.number)
        shop.drop("more.jsonl", sale(source="till", sale_id="live").to_json() + "\n")
        until(lambda: len(shop.store.orders()) == 1)
        assert app.ledger.backfills.get(asked.number).stage == "paused"
        assert shop.run("backfills", "resume", str(asked.number)).code == 0
        until(lambda: len(shop.store.orders()) == 7)


def test_an_estimate_is_made_by_the_daemon(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    past(shop, 6)
    shop.configure(SLOW)
    day = sale().placed_at.replace(hour=0)
    with daemon(shop, monkeypatch) as app:
        number = app.ledger.backfills.ask("till", day, day.replace(hour=23), by="me", estimate=True).number
        until(lambda: app.ledger.backfills.get(number).estimate is not None)
        counted = app.ledger.backfills.get(number).estimate
        assert counted is not None
        assert (counted.sales, counted.new) == (6, 6)
        assert shop.store.orders() == []


def test_what_a_cancelled_backfill_left_is_skipped(shop: Shop) -> None:
    past(shop, 3)
    shop.store.control("faults", {"faults": [{"kind": "401"}]})
    assert shop.run("backfill", *RANGE).code == 3
    done = shop.run("backfills", "cancel", "1", "--json")
    assert (done.json["stage"], done.json["skipped"], done.json["sales"]) == ("cancelled", 3, {"skipped": 3})
    assert shop.run("backfills", "cancel", "1").code == 2
    assert shop.run("backfills", "pause", "9").code == 2
