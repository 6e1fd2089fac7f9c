"""SIGHUP: the config is read anew, what changed is said, and no sale is lost or sent twice on the way."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from syncd.testing.orders import sale
from tests.flows.test_main_job import lines_of
from tests.service.daemons import until
from tests.shop import Shop, logged

_ONE = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n'
_TWO = _ONE + _ONE.replace("till", "cafe").replace("inbox", "cafe")


def events(shop: Shop, name: str) -> list[dict[str, object]]:
    return logged(shop.folder / "daemon.log", name)


@contextmanager
def running(shop: Shop) -> Iterator[subprocess.Popen[bytes]]:
    process = shop.start("run")
    try:
        until(lambda: (shop.folder / "daemon.log").exists() and bool(events(shop, "daemon_started")))
        yield process
    finally:
        process.terminate()
        assert process.wait(30) == 0
        assert "Traceback" not in (shop.folder / "daemon.log").read_text()


def test_a_reload_takes_the_new_config_and_says_what_has_changed(shop: Shop) -> None:
    with running(shop) as process:
        (shop.folder / "cafe").mkdir()
        shop.configure(_TWO, store='quota_share = 0.5\nexternal_source = "Tills"')
        process.send_signal(signal.SIGHUP)
        until(lambda: len(events(shop, "daemon_started")) == 2)
        changed = str(events(shop, "reloading")[0]["changed"])
        assert "stores.main.quota_share" in changed
        assert "sources.cafe.path" in changed
        assert "stores.main.token" not in changed
        shop.drop("a.jsonl", sale(source="cafe", sale_id="c1").to_json() + "\n", inbox="cafe")
        until(lambda: len(shop.store.orders()) == 1)
        assert process.poll() is None


def test_a_config_that_is_wrong_is_refused_in_words_and_the_old_one_holds(shop: Shop) -> None:
    with running(shop) as process:
        good = shop.config.read_text()
        shop.config.write_text(good.replace('settle = "4s"', 'settle = "soon"'))
        process.send_signal(signal.SIGHUP)
        until(lambda: bool(events(shop, "reload_refused")))
        assert "stores.main.settle" in str(events(shop, "reload_refused")[0]["why"])
        shop.drop("a.jsonl", lines_of(3))
        until(lambda: len(shop.store.orders()) == 3)
        shop.config.write_text(good)
        process.send_signal(signal.SIGHUP)
        until(lambda: bool(events(shop, "reloaded")))
        assert len(events(shop, "daemon_started")) == 1


def test_a_config_that_cannot_begin_is_given_up_for_the_one_before(shop: Shop) -> None:
    with running(shop) as process:
        shop.configure(
            '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n', store='hook = "nowhere:nothing"'
        )
        process.send_signal(signal.SIGHUP)
        until(lambda: len(events(shop, "daemon_started")) == 2)
        assert "hook" in str(events(shop, "reload_refused")[0]["why"])
        shop.drop("a.jsonl", lines_of(2))
        until(lambda: len(shop.store.orders()) == 2)


def test_a_secret_that_changed_is_named_and_never_shown(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    token = shop.folder / "token"
    token.write_text(shop.store.token)
    text = shop.config.read_text().replace('{ env = "FLOW_TOKEN" }', f'{{ file = "{token}" }}')
    shop.config.write_text(text)
    monkeypatch.delenv("FLOW_TOKEN", raising=False)
    with running(shop) as process:
        token.write_text("another-token-77")
        process.send_signal(signal.SIGHUP)
        until(lambda: len(events(shop, "daemon_started")) == 2)
    assert "stores.main.token" in str(events(shop, "reloading")[0]["changed"])
    assert "another-token-77" not in (shop.folder / "daemon.log").read_text()


def test_reloads_in_the_middle_of_a_storm_send_nothing_twice(shop: Shop) -> None:
    with running(shop) as process:
        for turn in range(6):
            shop.drop(
                f"{turn}.jsonl", "".join(sale(source="till", sale_id=f"{turn}-{n}").to_json() + "\n" for n in range(40))
            )
            shop.configure(
                '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n', store=f"quota_share = 0.{turn + 1}"
            )
            process.send_signal(signal.SIGHUP)
            until(lambda turn=turn: len(events(shop, "daemon_started")) >= turn + 1)  # type: ignore[misc]
        until(lambda: len(shop.store.orders()) == 240)
    keys = [order["external_order_id"] for order in shop.store.orders()]
    assert len(set(keys)) == 240


def test_the_service_manager_hears_of_every_turn(shop: Shop, tmp_path: Path) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(30)
        said: list[str] = []

        def hears(word: str) -> None:
            while not said or word not in said[-1].split("\n"):
                said.append(manager.recv(4096).decode())

        env = {**shop.env, "NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "400000"}
        with (shop.folder / "daemon.log").open("wb") as log:
            process = subprocess.Popen([sys.executable, "-m", "syncd", "run"], env=env, stderr=log, cwd=shop.folder)
        try:
            hears("READY=1")
            hears("WATCHDOG=1")
            shop.configure('[sources.till]\ntype = "jsonl"\npath = "inbox"\n', store="quota_share = 0.5")
            process.send_signal(signal.SIGHUP)
            hears("RELOADING=1")
            hears("READY=1")
            hears("WATCHDOG=1")
            os.kill(process.pid, signal.SIGTERM)
            hears("STOPPING=1")
        finally:
            process.terminate()
            assert process.wait(30) == 0
    assert sum("STOPPING=1" in one for one in said) == 1


def test_config_show_says_what_holds_and_where_it_comes_from(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_STORES__MAIN__QUOTA_SHARE", "0.5")
    shown = shop.run("config", "show", "--json").json
    assert shown["stores.main.quota_share"] == {"value": 0.5, "origin": "environment"}
    assert shown["stores.main.settle"] == {"value": "4s", "origin": "file"}
    assert shown["stores.main.token"] == {"value": "***", "origin": "file"}
    assert "stores.main.rules" not in shown
    every = shop.run("config", "show", "stores.main", "--all")
    assert "stores.main.unknown_sku\tcustom\tdefault" in every.out
    assert shop.store.token not in every.out
    assert shop.run("config", "show", "nothing").code == 2
