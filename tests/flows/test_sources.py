"""Accounts in the cloud as a shop meets them: tried, listed, carried from now on, and each location to its own store."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from syncd.testing.double import CannedAnswer
from syncd.testing.orders import sale
from tests.doubles.square import LOCATION, SquareDouble
from tests.shop import Shop, Store, running_sandbox

_SQUARE = """
[sources.square]
type = "square"
api_url = "{url}"
token = {{ env = "SQUARE_TOKEN" }}
{more}
"""


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with running_sandbox() as (_, found):
        yield found


@pytest.fixture
def square(monkeypatch: pytest.MonkeyPatch) -> Iterator[SquareDouble]:
    monkeypatch.setenv("SQUARE_TOKEN", "token-of-the-double-1")
    with SquareDouble() as double:
        to_now(double)
        yield double


@pytest.fixture
def shop(tmp_path: Path, store: Store, square: SquareDouble) -> Shop:
    store.control("reset", {})
    found = Shop(tmp_path, store)
    found.configure(_SQUARE.format(url=square.url, more=""))
    return found


def to_now(square: SquareDouble, ago_s: float = 5) -> None:
    square.clock.jump((datetime.now(UTC) - square.clock.now()).total_seconds() - ago_s)


def test_a_source_is_tried_with_some_of_its_sales_and_nothing_is_recorded(shop: Shop, square: SquareDouble) -> None:
    square.sell(15)
    tried = shop.run("sources", "test", "square", "--json")
    assert tried.code == 0, tried.err
    assert [finding["level"] for finding in tried.json["findings"]] == ["ok", "ok"]
    assert len(tried.json["sales"]) == 10
    first = tried.json["sales"][0]
    assert first["order"]["source"] == "square"
    assert first["payload"]["external_order_id"] == first["sale"]
    words = shop.run("sources", "test", "square", "--sales", "2").out
    assert "2 sales read" in words
    assert "nothing was recorded or sent" in words
    assert shop.run("sales", "--json").json == []
    assert shop.store.orders() == []
    assert shop.run("sources", "list", "--json").json[0]["last_read"] is None


@pytest.mark.parametrize(
    ("more", "broken", "words"),
    [
        ('locations = ["L9"]', "", "there is no active location L9"),
        ("", "/v2/catalog", "skus = false"),
        ("", "token", "Check the token"),
    ],
)
def test_what_is_wrong_with_a_source_is_told_with_its_cure(
    more: str, broken: str, words: str, shop: Shop, square: SquareDouble
) -> None:
    shop.configure(_SQUARE.format(url=square.url, more=more))
    square.barred = {broken} if broken.startswith("/") else set()
    if broken == "token":
        square.expire_token()
    tried = shop.run("sources", "test", "square")
    assert tried.code == 3
    assert words in tried.out
    assert words in shop.run("check").out
    assert "token-of-the-double" not in tried.out + tried.err


def test_sources_and_types_are_listed(shop: Shop, square: SquareDouble) -> None:
    before = shop.run("sources", "list", "--json").json
    assert [(row["source"], row["type"], row["stores"], row["carried_since"]) for row in before] == [
        ("square", "square", "main", "its first poll")
    ]
    shop.run("sync")
    (after,) = shop.run("sources", "list", "--json").json
    assert abs(datetime.fromisoformat(after["carried_since"]) - datetime.now(UTC)) < timedelta(minutes=1)
    types = [row["type"] for row in shop.run("sources", "list", "--types", "--json").json]
    assert {"csv", "jsonl", "push", "square", "lightspeed_x", "clover", "shopify_pos", "loyverse"} <= set(types)
    assert square.asked


def test_an_accounts_past_stays_where_it_is_until_a_backfill_asks_for_it(shop: Shop, square: SquareDouble) -> None:
    to_now(square, 3 * 86_400)
    old = square.sell(3)
    assert "are sent from the first poll on" in shop.run("check").out
    shop.run("sync")
    to_now(square, -1)
    (new,) = square.sell(1)
    square.edit(old[0])
    done = shop.run("sync", "--json")
    assert done.json["sources"]["square"]["left_out"] == {"sales from before start_from": 1}
    assert [order["external_order_id"] for order in shop.store.orders()] == [f"square:{new}"]
    day = (datetime.now(UTC) - timedelta(days=4)).strftime("%Y-%m-%d")
    shop.run("backfill", "--source", "square", "--from", day, "--to", f"{datetime.now(UTC):%Y-%m-%d}")
    keys = [order["external_order_id"] for order in shop.store.orders()]
    assert sorted(keys) == sorted(f"square:{key}" for key in (*old, new))
    square.edit(old[1])
    shop.run("sync")
    (told,) = (one for one in shop.run("sale", f"square:{old[1]}", "--json").json["document"]["lines"] if "note" in one)
    assert told["note"] == "x"


def test_each_location_goes_to_its_own_store_and_all_others_to_the_sources(
    tmp_path: Path, store: Store, square: SquareDouble
) -> None:
    store.control("reset", {})
    square.locations = [{**LOCATION, "id": f"L{number}", "name": f"Shop {number}"} for number in (1, 2, 3)]
    with running_sandbox() as (_, other):
        shop = Shop(tmp_path, store)
        more = 'store = "main"\nstart_from = "ever"\n[sources.square.stores]\nL2 = "outlet"\n"Shop 3" = "outlet"'
        shop.configure(_SQUARE.format(url=square.url, more=more))
        main = re.search(r"\[stores\.main\](.*?)\[sources", shop.config.read_text(), re.DOTALL)
        assert main
        text = main[0].removesuffix("[sources").replace("stores.main", "stores.outlet").replace(store.url, other.url)
        shop.config.write_text(f"{shop.config.read_text()}\n{text}")
        square.sell(6)
        shop.run("sync")
        shop.run("sync")
        here = {order["external_order_id"].removeprefix("square:") for order in store.orders()}
        there = {order["external_order_id"].removeprefix("square:") for order in other.orders()}
        assert {square.made[key].location for key in here} == {"L1"}
        assert {square.made[key].location for key in there} == {"L2", "L3"}
        assert len(here | there) == 6


def test_a_store_that_is_not_there_is_told_where_a_location_names_it(shop: Shop, square: SquareDouble) -> None:
    shop.configure(_SQUARE.format(url=square.url, more='[sources.square.stores]\nL2 = "nowhere"'))
    done = shop.run("check")
    assert done.code == 2
    assert "sources.square.stores.L2" in done.err
    shop.configure(_SQUARE.format(url=square.url, more='start_from = "tomorrow"'))
    assert "start_from" in shop.run("check").err


def test_a_source_that_asks_to_be_left_alone_is_and_says_so(shop: Shop, square: SquareDouble) -> None:
    wait = CannedAnswer(429, {"errors": [{"code": "RATE_LIMITED", "detail": "Too often."}]}, {"Retry-After": "600"})
    square.next = [wait] * 1000
    shop.configure(_SQUARE.format(url=square.url, more='every = "200ms"'))
    daemon = shop.start("run")
    try:
        log = shop.folder / "daemon.log"
        until = time.monotonic() + 20
        while "asks us to wait" not in log.read_text() and time.monotonic() < until:
            time.sleep(0.05)
        asked = len(square.asked)
        time.sleep(1.5)
        assert len(square.asked) == asked
        assert log.read_text().count("asks us to wait") == 1
    finally:
        daemon.terminate()
        assert daemon.wait(20) == 0


def test_a_sale_that_the_pos_has_deleted_becomes_a_void(tmp_path: Path) -> None:
    from threading import Event

    from syncd.canonical import Batch
    from syncd.intake.poll import record_all
    from syncd.ledger import Ledger, RecordOptions
    from syncd.testing.clocks import ManualClock
    from tests.deciders import DECIDER, to_main

    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", ManualClock(), DECIDER)
    intake = RecordOptions("till", to_main, just_asked=True)
    record_all(iter((Batch((sale(),), (), None),)), intake, ledger, Event())
    record_all(iter((Batch((), (), None, deleted_ids=("1001", "never-seen")),)), intake, ledger, Event())
    kept = ledger.sales.get("till:1001")
    assert kept is not None
    assert json.loads(kept.document or "{}")["status"] == "voided"
    ledger.close()


def test_a_lost_ledger_goes_on_from_the_newest_order_of_the_account_and_says_so(
    shop: Shop, square: SquareDouble
) -> None:
    to_now(square, 5 * 86_400)
    past = square.sell(2)  # from before syncd was there
    shop.run("sync")
    begin_at(shop, "square", datetime.now(UTC) - timedelta(days=4))
    to_now(square, 3 * 86_400)
    old = square.sell(3)
    to_now(square, 7_200)
    lately = square.sell(2)
    shop.run("sync")
    assert keys(shop) == {f"square:{key}" for key in (*old, *lately)}
    to_now(square, 3_600)
    square.edit(old[0])
    square.edit(past[0])
    waiting = square.sell(2)  # never pushed
    (shop.folder / "ledger.db").unlink()

    to_now(square)
    done = shop.run("sync", "--json")
    assert done.code == 0, done.err
    assert keys(shop) == {f"square:{key}" for key in (*old, *lately, *waiting)}
    assert len(shop.store.orders()) == 7
    assert done.json["sources"]["square"]["left_out"] == {"sales from before start_from": 1}
    assert "note" in str(shop.run("sale", f"square:{old[0]}", "--json").json["document"]["lines"])
    (alert,) = shop.run("alerts", "list", "--json").json["alerts"]
    assert "sent from its newest order on" in alert["words"]
    shop.run("sync")
    assert len(shop.store.orders()) == 7


def test_a_new_ledger_before_a_store_that_does_not_answer_waits_and_loses_nothing(
    shop: Shop, square: SquareDouble
) -> None:
    shop.store.control("faults", {"faults": [{"kind": "5xx_before", "status": 503}]})
    waits = shop.run("sync")
    assert waits.code == 3
    assert "square waits until the orders of main were listed once" in waits.out
    to_now(square, 0)
    sold = square.sell(2)
    shop.store.control("faults", {"faults": []})
    assert shop.run("sync").code == 0
    assert keys(shop) == {f"square:{key}" for key in sold}


def keys(shop: Shop) -> set[str]:
    return {order["external_order_id"] for order in shop.store.orders()}


def begin_at(shop: Shop, source: str, at: datetime) -> None:
    """As if syncd had been started then."""
    with closing(sqlite3.connect(shop.folder / "ledger.db")) as ledger, ledger:
        ledger.execute(
            "update source_state set value = ? where source = ? and name = '_start_from'", (at.isoformat(), source)
        )
        ledger.execute("delete from cursors")


def test_a_source_that_keeps_its_name_and_changes_its_type_waits_until_a_person_says_that_no_sale_is_in_both(
    shop: Shop, square: SquareDouble
) -> None:
    account = shop.config.read_text()
    shop.configure('[sources.square]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n')
    shop.drop("a.jsonl", sale(source="square", sale_id="1", placed_at=datetime.now(UTC)).to_json() + "\n")
    assert shop.run("sync").code == 0
    shop.config.write_text(account)
    to_now(square, 60)
    square.sell(1)  # by its time it is the sale of the folder, under another id
    for command in ("sync", "check", "status"):
        done = shop.run(command)
        assert done.code != 0
        assert "square is of type square now and was of type jsonl" in " ".join((done.out + done.err).split())
    assert keys(shop) == {"square:1"}
    assert shop.run("sources", "confirm", "square").code == 0
    to_now(square, -1)
    (sold,) = square.sell(1)
    assert shop.run("sync").code == 0
    assert keys(shop) == {"square:1", f"square:{sold}"}
