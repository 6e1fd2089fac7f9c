"""`syncd ledger`: a backup that can be restored, a verify that finds what is wrong, a rebuild after which nothing is doubled."""

import json
import shutil
import sqlite3
import time
from typing import Any

import pytest
import requests

from syncd.testing.orders import sale
from tests.shop import Shop, pass_until_settled, wait_quiet


def batch(count: int, name: str = "s", **changes: Any) -> str:
    return "".join(sale(source="till", sale_id=f"{name}{n}", **changes).to_json() + "\n" for n in range(count))


def damage(shop: Shop, *statements: str) -> None:
    with sqlite3.connect(shop.folder / "ledger.db") as ledger:
        for statement in statements:
            ledger.execute(statement)
    ledger.close()


def test_a_backup_taken_while_the_daemon_works_is_whole_and_can_be_restored(shop: Shop) -> None:
    shop.drop("sales.jsonl", batch(400))
    daemon = shop.start("run")
    try:
        while len(shop.store.orders()) < 20:
            time.sleep(0.05)
        made = shop.run("ledger", "backup", str(shop.folder / "copy.db"), "--json")
        assert made.code == 0, made.err
    finally:
        daemon.kill()
        daemon.wait()
    assert (shop.folder / "copy.db").stat().st_mode & 0o077 == 0
    for file in shop.folder.glob("ledger.db*"):
        file.unlink()
    shutil.move(shop.folder / "copy.db", shop.folder / "ledger.db")
    shop.drop("again.jsonl", batch(400))
    wait_quiet(shop.store)
    assert pass_until_settled(shop) == {"synced": 400}
    keys = [order["external_order_id"] for order in shop.store.orders()]
    assert len(keys) == len(set(keys)) == 400
    assert shop.run("ledger", "verify", "--stores").code == 0


def test_a_backup_overwrites_nothing_and_may_name_a_folder(shop: Shop) -> None:
    shop.run("sync")
    (shop.folder / "there.db").write_text("mine")
    assert shop.run("ledger", "backup", str(shop.folder / "there.db")).code == 2
    assert (shop.folder / "there.db").read_text() == "mine"
    (shop.folder / "backups").mkdir()
    assert shop.run("ledger", "backup", str(shop.folder / "backups")).code == 0
    assert len(list((shop.folder / "backups").glob("ledger-*.db"))) == 1
    assert shop.run("ledger", "backup", "/no/such/folder/copy.db").code == 4


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("update sales set state = 'synced', order_id = null where sale_key = 'till:s0'", "synced with no order"),
        ("update sales set state = 'held' where sale_key = 'till:s0'", "its audit ends with pending"),
        ("update sales set document = replace(document, 'Coffee', 'Cocoa') where sale_key = 'till:s0'", "fingerprint"),
        ("update sales set document = '{' where sale_key = 'till:s0'", "cannot be read"),
        ("update counts set number = number + 1", "counted as"),
        ("update attempts set settled_at = null where id = 1", "never closed"),
        ("update sales set order_id = (select min(order_id) from sales)", "linked to order"),
    ],
)
def test_verify_says_what_is_wrong_inside_the_ledger(shop: Shop, statement: str, said: str) -> None:
    shop.drop("sales.jsonl", batch(3))
    shop.run("sync")
    assert shop.run("ledger", "verify", "--json").json == {"ledger": []}
    damage(shop, statement)
    done = shop.run("ledger", "verify")
    assert done.code == 1
    assert said in done.out


def test_verify_compares_with_what_the_store_shows(shop: Shop) -> None:
    shop.drop("sales.jsonl", batch(4))
    shop.run("sync")
    assert shop.run("ledger", "verify", "--stores", "--json").json == {"ledger": [], "main": []}
    orders = {order["external_order_id"]: order for order in shop.store.orders()}
    api = f"{shop.store.url}/stores/{shop.store.store_hash}/v2/orders"
    headers = {"X-Auth-Token": shop.store.token}

    def put(key: str, body: dict[str, Any]) -> None:
        requests.put(f"{api}/{orders[key]['id']}", json=body, headers=headers, timeout=10).raise_for_status()

    put("till:s0", {"total_inc_tax": "99.0000", "total_ex_tax": "90.0000"})
    put("till:s1", {"external_order_id": "till:s2"})
    requests.delete(f"{api}/{orders['till:s3']['id']}", headers=headers, timeout=10).raise_for_status()
    found = shop.run("ledger", "verify", "--stores", "--json").json["main"]
    assert any("till:s0" in line and "99" in line for line in found)
    assert any("till:s2 has two orders" in line for line in found)
    assert any("till:s1" in line and "does not show" in line for line in found)
    assert not any("till:s3" in line for line in found), "an archived order is still there"


def test_verify_looks_at_the_days_that_it_is_told(shop: Shop) -> None:
    shop.drop("sales.jsonl", batch(2) + batch(2, "old", placed_at="2024-01-05T10:00:00Z"))
    shop.run("sync")
    damage(shop, "delete from audit", "delete from attempts", "delete from sales where sale_key like 'till:old%'")
    found = shop.run("ledger", "verify", "--stores", "--from", "2026-01-01", "--json").json["main"]
    assert found == []
    found = shop.run("ledger", "verify", "--stores", "--to", "2024-12-31", "--json").json["main"]
    assert len(found) == 2


def test_after_a_rebuild_a_ledger_that_believed_itself_up_to_date_makes_no_duplicate(shop: Shop) -> None:
    shop.drop("sales.jsonl", batch(300))
    shop.run("sync")
    highest = max(order["id"] for order in shop.store.orders())
    for file in shop.folder.glob("ledger.db*"):
        file.unlink()
    shop.run("sync", "--limit", "0")
    damage(shop, f"insert into stores (name, store_hash, highest_order_id) values ('main', 'sandbox', {highest})")
    done = shop.run("ledger", "rebuild", "--json")
    assert done.json == {"store": "main", "looked_at": 300, "with_a_key": 300, "whole": True}
    shop.drop("again.jsonl", batch(310))
    shop.run("sync")
    keys = [order["external_order_id"] for order in shop.store.orders()]
    assert len(keys) == len(set(keys)) == 310
    assert shop.run("ledger", "verify", "--stores").code == 0


def test_a_rebuild_that_was_interrupted_goes_on_where_it_was(shop: Shop) -> None:
    shop.drop("sales.jsonl", batch(600))
    shop.run("sync")
    shop.store.control("faults", {"faults": [{"kind": "401", "nth": [3], "path": "/v2/orders"}]})
    assert shop.run("ledger", "rebuild").code == 3
    shop.store.control("faults", {"faults": []})
    before = shop.store.stats()["requests"]["GET /v2/orders"]
    done = shop.run("ledger", "rebuild", "--json").json
    assert done["whole"]
    assert done["looked_at"] < 600
    assert shop.store.stats()["requests"]["GET /v2/orders"] - before <= 3


def test_a_store_must_be_named_where_there_are_several(shop: Shop) -> None:
    text = shop.config.read_text()
    second = text[text.index("[stores.main]") : text.index("[sources.till]")].replace("stores.main", "stores.other")
    shop.config.write_text(text.replace("[sources.till]", second + '[sources.till]\nstore = "main"'))
    done = shop.run("ledger", "rebuild")
    assert done.code == 2
    assert "main, other" in done.err
    assert json.loads(shop.run("ledger", "rebuild", "--store", "other", "--json").out)["whole"]


def test_a_ledger_that_was_deleted_in_mid_run_or_moved_to_another_machine_doubles_nothing(shop: Shop) -> None:
    shop.configure('[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\nevery = "200ms"\n')
    shop.drop("sales.jsonl", batch(300))
    daemon = shop.start("run")
    try:
        while len(shop.store.orders()) < 50:
            time.sleep(0.05)
        for file in shop.folder.glob("ledger.db*"):
            file.unlink()
    finally:
        daemon.kill()
        daemon.wait()
    wait_quiet(shop.store)
    assert shop.run("ledger", "rebuild").code == 0
    shop.drop("again.jsonl", batch(300))
    assert shop.run("sync", "--json").json["sales"] == {"synced": 300}

    moved = Shop(shop.folder / "elsewhere", shop.store)
    (moved.folder / "inbox").mkdir(parents=True)
    shutil.copy(shop.config, moved.config)
    assert shop.run("ledger", "backup", str(moved.folder / "ledger.db")).code == 0
    damage(moved, "update attempts set boot_id = 'another-machine'")
    moved.drop("again.jsonl", batch(310))
    assert moved.run("sync", "--json").json["sales"] == {"synced": 310}
    keys = [order["external_order_id"] for order in shop.store.orders()]
    assert len(keys) == len(set(keys)) == 310


def test_vacuum_says_how_much_room_it_gave_back(shop: Shop) -> None:
    shop.drop("sales.jsonl", sale(source="till", sale_id="s").to_json() + "\n")
    shop.run("sync")
    done = shop.run("ledger", "vacuum")
    assert done.code == 0
    assert "MB before" in done.out
    assert shop.run("ledger", "vacuum", "--json").json.keys() == {"before", "after"}
    assert shop.run("ledger", "verify").code == 0


def test_a_folder_keeps_the_newest_backups_and_whatever_else_lies_there(shop: Shop) -> None:
    shop.run("sync")
    folder = shop.folder / "backups"
    folder.mkdir()
    for day in range(1, 6):
        (folder / f"ledger-2026010{day}T033000Z.db").write_text("an old one")
    (folder / "ledger-of-the-cafe.db").write_text("not ours")
    done = shop.run("ledger", "backup", str(folder), "--keep", "3", "--json")
    assert done.code == 0
    left = sorted(file.name for file in folder.iterdir())
    assert left[:2] == ["ledger-20260104T033000Z.db", "ledger-20260105T033000Z.db"]
    assert len(left) == 4
    assert "ledger-of-the-cafe.db" in left
    assert len(done.json["removed"]) == 3
    assert shop.run("ledger", "backup", str(folder / "x.db"), "--keep", "3").code == 2
