"""``conf.d`` in a daemon and in commands: files come, change and go without a restart; a bad one hurts its store alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.testing.orders import sale
from tests.service.daemons import until
from tests.service.test_reload import events, running
from tests.shop import Shop

_MAIN = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n'
_SHOP = """
[stores.{name}]
store_hash = "{store_hash}"
{more}
[sources.{name}-till]
type = "jsonl"
path = "{name}-inbox"
settle = "0s"
"""


def part(shop: Shop, name: str, more: str = "") -> Path:
    """A file of ``conf.d``: a store with its source. The store is the sandbox's one; its sales have keys of their own."""
    (shop.folder / "conf.d").mkdir(exist_ok=True)
    (shop.folder / f"{name}-inbox").mkdir(exist_ok=True)
    path = shop.folder / "conf.d" / f"{name}.toml"
    path.write_text(_SHOP.format(name=name, store_hash=shop.store.store_hash, more=more), encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def _defaults(shop: Shop) -> None:
    shop.configure(_MAIN)
    text = shop.config.read_text()
    defaults = (
        f'[store_defaults]\ntoken = {{ env = "FLOW_TOKEN" }}\napi_url = "{shop.store.url}"\nsettle = "4s"\n'
        'intent_life = "1s"\nconnect_timeout = "1s"\ndeadline = "1s"\n[store_defaults.default_address]\n'
        'street_1 = "1 Main Street"\ncity = "Austin"\nstate = "Texas"\nzip = "78701"\ncountry_iso2 = "US"\n'
    )
    shop.config.write_text(text + defaults, encoding="utf-8")


def drop(shop: Shop, name: str, number: int) -> None:
    shop.drop(f"{number}.jsonl", sale(source=f"{name}-till", sale_id=f"s{number}").to_json() + "\n", f"{name}-inbox")


def keys(shop: Shop) -> set[str]:
    return {str(order["external_order_id"]) for order in shop.store.orders()}


def test_a_file_that_is_added_changed_and_removed_is_taken_up_without_a_restart(shop: Shop) -> None:
    with running(shop) as process:
        file = part(shop, "north")
        until(lambda: len(events(shop, "daemon_started")) == 2)
        drop(shop, "north", 1)
        until(lambda: keys(shop) == {"north-till:s1"})
        part(shop, "north", 'external_source = "Northern till"')
        until(lambda: len(events(shop, "daemon_started")) == 3)
        assert "stores.north.external_source" in str(events(shop, "reloading")[-1]["changed"])
        drop(shop, "north", 2)
        until(lambda: len(keys(shop)) == 2)
        assert "Northern till" in {order["external_source"] for order in shop.store.orders()}
        file.unlink()
        until(lambda: len(events(shop, "daemon_started")) == 4)
        assert process.poll() is None


def test_a_file_that_becomes_bad_stops_its_own_store_and_no_other_until_it_is_mended(shop: Shop) -> None:
    part(shop, "north")
    part(shop, "south")
    with running(shop):
        part(shop, "north", "quota_share = 7")
        until(lambda: bool(events(shop, "left_out")))
        assert "conf.d/north.toml" in str(events(shop, "left_out")[0]["why"])
        drop(shop, "north", 1)
        drop(shop, "south", 1)
        until(lambda: keys(shop) == {"south-till:s1"})
        until(lambda: any("north.toml" in str(one["words"]) for one in events(shop, "alert_raised")))
        part(shop, "north")
        until(lambda: keys(shop) == {"south-till:s1", "north-till:s1"})


def test_sync_leaves_a_bad_file_out_says_so_and_carries_the_others(shop: Shop) -> None:
    part(shop, "north", 'hook = "nowhere:nothing"')
    part(shop, "south")
    drop(shop, "north", 1)
    drop(shop, "south", 1)
    done = shop.run("sync")
    assert done.code == 1
    assert "conf.d/north.toml cannot be used" in done.out
    assert keys(shop) == {"south-till:s1"}
    status = shop.run("status")
    assert "is in the ledger and not in the config" not in status.out


def test_a_store_that_is_left_out_is_named_by_every_command_that_looks(shop: Shop) -> None:
    part(shop, "north", "quota_share = 7")
    checked = shop.run("config", "check")
    assert checked.code == 2
    assert "conf.d/north.toml: stores.north.quota_share" in checked.err
    for command in ("check", "status"):
        done = shop.run("sync") if command == "status" else None
        found = shop.run(command)
        assert found.code == 1, done
        assert "conf.d/north.toml cannot be used, so north, north-till is left out" in " ".join(found.out.split())


@pytest.mark.parametrize("file", ["north.toml", "shop-1.toml"])
def test_what_a_file_that_is_no_toml_names_is_not_said_to_have_another_name(shop: Shop, file: str) -> None:
    path = part(shop, "north").rename(shop.folder / "conf.d" / file)
    (shop.folder / "north-inbox" / "a.jsonl").write_text(sale(source="north-till").to_json() + "\n", encoding="utf-8")
    shop.run("sync", "--limit", "0")
    assert "north-till" in shop.run("sources", "list").out
    path.write_text("this is = not toml [", encoding="utf-8")
    status = shop.run("status").out
    assert f"conf.d/{file} cannot be used" in " ".join(status.split())
    assert "not in the config" not in status


def test_a_source_that_cannot_be_built_leaves_its_own_file_out(shop: Shop) -> None:
    file = part(shop, "north")
    file.write_text(file.read_text().replace('type = "jsonl"', 'type = "csv"\npreset = "square"\ncurrency = "USD"'))
    part(shop, "south")
    (shop.folder / "north-inbox").rmdir()
    (shop.folder / "north-inbox").write_text("a file where a folder must be")
    drop(shop, "south", 1)
    done = shop.run("sync")
    assert "Traceback" not in done.err
    assert keys(shop) == {"south-till:s1"}


def test_a_ledger_is_the_same_whichever_file_a_store_is_in(shop: Shop) -> None:
    """A store that moves from the config file into one of its own keeps its sales."""
    shop.drop("a.jsonl", sale(source="till", sale_id="m1").to_json() + "\n")
    shop.run("sync")
    text = shop.config.read_text()
    start, end = text.index("[stores.main]"), text.index("[store_defaults]")
    (shop.folder / "conf.d").mkdir(exist_ok=True)
    (shop.folder / "conf.d" / "main.toml").write_text(text[start:end])
    shop.config.write_text(text[:start] + text[end:])
    shop.drop(
        "b.jsonl",
        sale(source="till", sale_id="m1").to_json() + "\n" + sale(source="till", sale_id="m2").to_json() + "\n",
    )
    assert shop.run("sync").code == 0
    assert len(shop.store.orders()) == 2
