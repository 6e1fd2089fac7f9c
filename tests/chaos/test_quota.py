"""The quota governor against the sandbox's windows: BigCommerce's Pro plan (450 calls in 30 s) with time compressed tenfold."""

import os
import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from syncd.testing.orders import sale
from tests.shop import Shop, Store, running_sandbox

pytestmark = pytest.mark.rate
ORDERS = int(os.environ.get("SYNCD_QUOTA_ORDERS", "1600"))
QUOTA, WINDOW_MS = 450, 3000
SOURCES = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\nevery = "100ms"\n'
DAY = "2026-11-20"


def windows(store: Store) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = requests.get(f"{store.url}/_sandbox/quota", timeout=10).json()
    return found


def shop_with(folder: Path, store: Store, count: int) -> Shop:
    """A shop whose processed folder holds ``count`` sales to fill back."""
    (folder / "inbox" / "processed").mkdir(parents=True)
    shop = Shop(folder, store)
    shop.configure(SOURCES, "quota_share = 1.0\nthreads = 8\n")
    lines = [sale(source="till", sale_id=f"b{number}").to_json() for number in range(count)]
    (folder / "inbox" / "processed" / "old.jsonl").write_text("\n".join(lines) + "\n")
    return shop


def backfill(shop: Shop) -> None:
    done = shop.run("backfill", "--source", "till", "--from", DAY, "--to", DAY, timeout=300)
    assert done.code == 0, done.err


def test_f30_a_backfill_uses_the_whole_quota_and_meets_no_429(tmp_path: Path) -> None:
    with running_sandbox("--quota", str(QUOTA), "--window-ms", str(WINDOW_MS)) as (_, store):
        shop = shop_with(tmp_path, store, ORDERS)
        backfill(shop)
        full = windows(store)[1:]  # the first began with the first call; the last one is still open
        used = [window["used"] / QUOTA for window in full]
        print(f"{len(full)} whole windows: {min(used):.1%} to {max(used):.1%} used, {store.stats()['statuses']}")
        assert sum(window["refused"] for window in full) == 0
        assert sum(used) / len(used) >= 0.98
        assert len(store.orders()) == ORDERS


def test_f30_with_another_client_on_the_same_quota_few_calls_are_refused_and_a_live_sale_goes_ahead(
    tmp_path: Path,
) -> None:
    with running_sandbox("--quota", str(QUOTA), "--window-ms", str(WINDOW_MS)) as (_, store):
        shop = shop_with(tmp_path, store, ORDERS)
        daemon = shop.start("run")
        stop = threading.Event()
        other = threading.Thread(target=another_client, args=(store, stop))
        filler = threading.Thread(target=backfill, args=(shop,))
        try:
            filler.start()
            other.start()
            while len(store.history()["created"]) < ORDERS // 2:
                time.sleep(0.1)
            begin = time.monotonic()
            shop.drop("live.jsonl", sale(source="till", sale_id="live").to_json())
            while not any(one["external_order_id"] == "till:live" for one in store.history()["created"][-200:]):
                assert time.monotonic() - begin < 10
                time.sleep(0.05)
            waited = time.monotonic() - begin
            filler.join(300)
        finally:
            stop.set()
            daemon.kill()
            daemon.wait()
        full = windows(store)[1:-1]
        used = [window["used"] / QUOTA for window in full]
        ours = (shop.folder / "daemon.log").read_text().count("request_throttled")
        print(
            f"{len(full)} windows: {sum(used) / len(used):.1%} used, {ours} of our calls refused, live after {waited:.2f} s"
        )
        assert sum(used) / len(used) >= 0.98
        assert ours <= len(full)
        assert waited <= 2
        keys = [order["external_order_id"] for order in store.history()["created"]]
        assert len(keys) == len(set(keys)) == ORDERS + 1


def another_client(store: Store, stop: threading.Event) -> None:
    """An app that takes a random part, up to 60 %, of each window."""
    dice = random.Random(3)
    session = requests.Session()
    while not stop.is_set():
        take, begin = dice.randint(0, int(QUOTA * 0.6)), time.monotonic()
        for number in range(take):
            session.get(
                f"{store.url}/stores/{store.store_hash}/v2/time", headers={"X-Auth-Token": store.token}, timeout=10
            )
            rest = begin + WINDOW_MS / 1000 * (number + 1) / take - time.monotonic()
            if rest > 0 and stop.wait(rest):
                return
        stop.wait(max(0.0, begin + WINDOW_MS / 1000 - time.monotonic()))
