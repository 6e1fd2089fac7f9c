"""`syncd run` as a service: it notices files, drains when it is told to stop, and a second one stands by."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from syncd.testing.orders import sale
from tests.shop import Shop, running_sandbox

SOURCES = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "200ms"\nevery = "1h"\n'


def wait_for(what: Callable[[], bool], seconds: float = 120) -> float:
    """Seconds until ``what`` holds."""
    begin = time.monotonic()
    while not what():
        assert time.monotonic() - begin < seconds, "it did not happen"
        time.sleep(0.02)
    return time.monotonic() - begin


@contextmanager
def daemon(shop: Shop) -> Iterator[subprocess.Popen[bytes]]:
    process = shop.start("run")
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def batch(count: int, name: str = "s") -> str:
    return "".join(sale(source="till", sale_id=f"{name}{n}").to_json() + "\n" for n in range(count))


def test_a_file_that_is_dropped_is_noticed_without_waiting_for_the_poll(shop: Shop) -> None:
    shop.configure(SOURCES)
    with daemon(shop):
        wait_for(lambda: "daemon_started" in log(shop))
        shop.drop("sales.jsonl", batch(3))
        wait_for(lambda: len(shop.store.orders()) == 3)  # the poll comes once an hour


def log(shop: Shop) -> str:
    return (shop.folder / "daemon.log").read_text()


def test_told_to_stop_it_finishes_what_is_on_the_wire_and_takes_nothing_new(tmp_path: Path) -> None:
    with running_sandbox("--latency-ms", "400") as (_, store):
        (tmp_path / "inbox").mkdir()
        shop = Shop(tmp_path, store)
        shop.configure(SOURCES)
        shop.drop("sales.jsonl", batch(600))
        with daemon(shop) as process:
            wait_for(lambda: len(store.orders()) >= 4)
            process.send_signal(signal.SIGTERM)
            assert process.wait(120) == 0
        counts = shop.run("status", "--json").json["stores"][0]["sales"]
        assert counts.get("sending", 0) == counts.get("unknown", 0) == 0
        assert 0 < counts["synced"] < 600
        assert counts["synced"] == len(store.orders())


def test_it_tells_systemd_when_it_is_ready_alive_and_stopping(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    address = str(shop.folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(address)
        notify.settimeout(120)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        monkeypatch.setenv("WATCHDOG_USEC", "2000000")
        with daemon(shop) as process:
            heard = notify.recv(1000).decode()
            assert "READY=1" in heard
            while "WATCHDOG=1" not in heard:
                heard = notify.recv(1000).decode()
            process.send_signal(signal.SIGTERM)
            while "STOPPING=1" not in heard:
                heard = notify.recv(1000).decode()
            assert process.wait(120) == 0


def test_health_is_told_while_it_runs_and_not_after(shop: Shop) -> None:
    assert shop.run("status", "--healthy").code != 0
    with daemon(shop) as process:
        wait_for(lambda: shop.run("status", "--healthy").code == 0)
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0


def test_a_second_daemon_stands_by_and_takes_over_when_the_first_is_killed(shop: Shop) -> None:
    shop.configure(SOURCES.replace('"1h"', '"200ms"'))
    with daemon(shop) as first, daemon(shop) as second:
        shop.drop("one.jsonl", batch(5, "a"))
        wait_for(lambda: len(shop.store.orders()) == 5)
        first.send_signal(signal.SIGKILL)
        second_alive = second.poll() is None
        assert second_alive
        shop.drop("two.jsonl", batch(5, "b"))
        wait_for(lambda: len(shop.store.orders()) == 10)
    keys = [order["external_order_id"] for order in shop.store.orders()]
    assert len(set(keys)) == len(keys) == 10


def test_a_store_that_is_away_for_a_while_gets_its_sales_when_it_is_back(tmp_path: Path) -> None:
    with running_sandbox("--db", str(tmp_path / "store.db")) as (_, store):
        port = store.url.rsplit(":", 1)[1]
        (tmp_path / "inbox").mkdir()
        shop = Shop(tmp_path, store)
        shop.configure(SOURCES)
    with daemon(shop) as process:
        shop.drop("sales.jsonl", batch(10))
        wait_for(lambda: shop.run("sales", "--json").json != [])
        time.sleep(1)
        assert process.poll() is None
        with running_sandbox("--db", str(tmp_path / "store.db"), "--port", port) as (_, back):
            wait_for(lambda: len(back.orders()) == 10)


def test_a_source_that_breaks_does_not_stop_the_others(shop: Shop) -> None:
    shop.config.write_text(shop.config.read_text() + '\n[sources.other]\ntype = "jsonl"\npath = "gone"\n')
    with daemon(shop) as process:
        shop.drop("sales.jsonl", batch(2))
        wait_for(lambda: len(shop.store.orders()) == 2)
        assert process.poll() is None
    assert "gone does not exist" in log(shop)


def test_it_leaves_no_secret_in_its_log(shop: Shop) -> None:
    with daemon(shop):
        shop.drop("sales.jsonl", batch(2))
        wait_for(lambda: len(shop.store.orders()) == 2)
    assert shop.store.token not in log(shop)
    assert os.environ.get("FLOW_TOKEN", "?") not in log(shop)
