"""A source or a store that has another name in the config: nothing is sent twice, nothing is forgotten, and a person is asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from syncd.testing.orders import sale
from tests.shop import Done, Shop, Store, running_sandbox

_JSONL = '[sources.{name}]\ntype = "jsonl"\npath = "{path}"\nsettle = "0s"\n{more}\n'


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with running_sandbox() as (_, found):
        yield found


@pytest.fixture
def shop(tmp_path: Path, store: Store) -> Shop:
    store.control("reset", {})
    found = Shop(tmp_path, store)
    found.configure(jsonl("till"))
    drop(found, "1", "2")
    assert found.run("sync").code == 0
    return found


def jsonl(name: str, path: str = "inbox", more: str = "") -> str:
    return _JSONL.format(name=name, path=path, more=more)


def drop(shop: Shop, *ids: str, source: str = "till", folder: str = "inbox", **changes: object) -> None:
    """A file of sales that name a source."""
    there = shop.folder / folder
    there.mkdir(exist_ok=True)
    lines = [sale(source=source, sale_id=one, number=one, **changes).to_json() for one in ids]
    (there / f"sales-{len(list(there.rglob('*')))}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def keys(shop: Shop) -> list[str]:
    return sorted(order["external_order_id"] for order in shop.store.orders())


def words(done: Done) -> str:
    return " ".join((done.out + done.err).split())


def test_a_source_under_another_name_stops_until_a_person_says_which_it_is(shop: Shop) -> None:
    shop.configure(jsonl("counter"))
    drop(shop, "1", "2", "3", source="counter")
    for command in ("sync", "check", "status"):
        done = shop.run(command)
        assert done.code != 0
        assert "till is gone from the config, and counter is new and reads the folder" in words(done)
        assert "syncd sources rename till counter" in words(done)
        assert "syncd sources confirm counter" in words(done)
    assert keys(shop) == ["till:1", "till:2"]

    would = shop.run("sources", "rename", "till", "counter", "--dry-run")
    assert "till would become counter: 2 sales, 2 with an order, 0 not done. Nothing was changed." in words(would)
    assert shop.run("sync").code == 3
    renamed = shop.run("sources", "rename", "till", "counter")
    assert renamed.code == 0, renamed.err
    assert 'Write formerly = "till" into [sources.counter]' in words(renamed)
    assert shop.run("sync").code == 0
    assert keys(shop) == ["till:1", "till:2", "till:3"]
    assert "till" not in words(shop.run("status"))
    assert [row["sale"] for row in shop.run("sales", "--source", "counter", "--json").json] == [
        "till:3",
        "till:2",
        "till:1",
    ]


def test_what_a_renamed_source_says_of_an_old_sale_reaches_its_order(shop: Shop) -> None:
    shop.configure(jsonl("counter", more='formerly = "till"'))
    shop.run("sources", "rename", "till", "counter")
    drop(shop, "1", source="counter", status="voided")
    assert shop.run("sync").code == 0
    assert {order["external_order_id"]: order["status_id"] for order in shop.store.orders()} == {
        "till:1": 5,
        "till:2": 10,
    }


def test_a_ledger_that_is_lost_after_a_rename_knows_the_orders_by_the_config(shop: Shop) -> None:
    shop.configure(jsonl("counter", more='formerly = "till"'))
    shop.run("sources", "rename", "till", "counter")
    (shop.folder / "ledger.db").unlink()
    drop(shop, "1", "2", "4", source="counter")
    assert shop.run("sync").code == 0
    assert keys(shop) == ["till:1", "till:2", "till:4"]


def test_a_source_of_the_same_folder_that_is_another_one_is_read_once_a_person_says_so(shop: Shop) -> None:
    shop.configure(jsonl("counter"))
    drop(shop, "7", source="counter")
    assert shop.run("sync").code == 3
    assert shop.run("sources", "confirm", "counter").code == 0
    assert shop.run("sync").code == 0
    assert keys(shop) == ["counter:7", "till:1", "till:2"]
    refused = shop.run("sources", "rename", "till", "counter")
    assert refused.code == 2
    assert "counter has 1 sales of its own" in words(refused)


def test_a_folder_that_goes_from_one_source_to_another_is_asked_about_too(shop: Shop) -> None:
    shop.configure(jsonl("till") + jsonl("other", "elsewhere"))
    drop(shop, "8", source="other", folder="elsewhere")
    assert shop.run("sync").code == 0
    shop.configure(jsonl("till", "elsewhere") + jsonl("other", "inbox"))
    drop(shop, "1", source="other")
    drop(shop, "8", source="till", folder="elsewhere")
    done = shop.run("sync")
    assert done.code == 3
    assert "other reads the folder" in words(done)
    assert "till reads the folder" in words(done)
    assert keys(shop) == ["other:8", "till:1", "till:2"]


def test_a_source_that_reads_something_else_is_not_asked_about_and_the_lost_one_is_told(shop: Shop) -> None:
    shop.configure(jsonl("counter", "elsewhere"))
    drop(shop, "9", source="counter", folder="elsewhere")
    done = shop.run("sync")
    assert done.code == 0, done.out
    assert keys(shop) == ["counter:9", "till:1", "till:2"]
    status = shop.run("status")
    assert status.code == 0
    assert "source till is in the ledger and not in the config" in words(status)
    assert "source till is in the ledger and not in the config" in words(shop.run("check"))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("tll", "counter"), "the ledger knows no source 'tll' Did you mean till?"),
        (("till", "till"), "till is its name already"),
        (("till", "desk"), "the config does not name the source desk yet"),
    ],
)
def test_a_rename_that_makes_no_sense_is_refused(names: tuple[str, str], said: str, shop: Shop) -> None:
    shop.configure(jsonl("counter"))
    done = shop.run("sources", "rename", *names)
    assert done.code == 2
    assert said in words(done)


def test_two_sources_never_have_one_name_in_their_sale_keys(shop: Shop) -> None:
    shop.configure(jsonl("till") + jsonl("counter", "elsewhere", 'formerly = "till"'))
    assert "no two sources may have the same" in words(shop.run("check"))
    shop.configure(jsonl("counter", more='formerly = "till"'))
    assert "the ledger still has it as till" in words(shop.run("sync"))
    shop.run("sources", "rename", "till", "counter")
    shop.configure(jsonl("counter") + jsonl("till", "elsewhere"))
    drop(shop, "1", folder="elsewhere")
    assert "Give till another name in the config." in words(shop.run("sync"))
    assert keys(shop) == ["till:1", "till:2"]


def test_rules_for_a_source_hold_for_its_new_name(shop: Shop) -> None:
    rule = '[stores.main.sources.counter]\nexternal_source = "COUNTER"\n'
    shop.configure(jsonl("counter") + rule)
    shop.run("sources", "rename", "till", "counter")
    drop(shop, "3", source="counter")
    assert shop.run("sync").code == 0
    assert {o["external_order_id"]: o["external_source"] for o in shop.store.orders()}["till:3"] == "COUNTER"


def test_a_store_under_another_name_stops_until_it_is_renamed_and_its_waiting_sales_go_on(shop: Shop) -> None:
    drop(shop, "3")
    shop.run("sync", "--limit", "0")
    renamed = shop.config.read_text().replace("stores.main", "stores.outlet")
    shop.config.write_text(renamed)
    drop(shop, "4")
    stopped = shop.run("sync")
    assert stopped.code == 4
    assert "main is gone from the config, and outlet is the same store of BigCommerce" in words(stopped)
    for command in ("status", "check"):
        done = shop.run(command)
        assert done.code != 0
        assert "store main is in the ledger and not in the config; 1 of its sales are not done" in words(done)
        assert "syncd stores rename main outlet" in words(done) or command == "status"
    assert [row["in_config"] for row in shop.run("stores", "list", "--json").json] == [True, False]

    would = shop.run("stores", "rename", "main", "outlet", "--dry-run")
    assert "main would become outlet: 3 sales, 2 with an order, 1 not done" in words(would)
    assert shop.run("stores", "rename", "main", "outlet").code == 0
    assert shop.run("sync").code == 0
    assert keys(shop) == ["till:1", "till:2", "till:3", "till:4"]
    assert "main" not in words(shop.run("status"))


def test_nothing_is_renamed_under_a_daemon_and_what_is_confirmed_is_read_at_once(shop: Shop) -> None:
    shop.configure(jsonl("counter", more='every = "200ms"'))
    daemon = shop.start("run")
    try:
        wait_until(lambda: "lease_taken" in log(shop) and "is new and reads" in log(shop))
        done = shop.run("sources", "rename", "till", "counter")
        assert done.code == 4
        assert "Stop it first" in words(done)
        assert shop.run("sources", "confirm", "counter").code == 0
        drop(shop, "5", source="counter")
        wait_until(lambda: "counter:5" in keys(shop))
    finally:
        daemon.terminate()
        assert daemon.wait(20) == 0


def test_what_keeps_a_job_from_its_work_is_logged_once_and_not_every_second(shop: Shop) -> None:
    shop.configure(jsonl("counter", more='every = "100ms"'))
    daemon = shop.start("run")
    try:
        wait_until(lambda: "is new and reads" in log(shop))
        sold = time.monotonic() + 2
        wait_until(lambda: time.monotonic() > sold)
    finally:
        daemon.terminate()
        assert daemon.wait(20) == 0
    assert log(shop).count("is new and reads") == 1


def log(shop: Shop) -> str:
    return (shop.folder / "daemon.log").read_text(encoding="utf-8")


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)
