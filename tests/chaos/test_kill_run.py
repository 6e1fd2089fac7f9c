"""`syncd run` is killed at random moments while sales go out and answers are lost; the store must hold each sale once."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

from syncd.testing.orders import sale
from tests.flows.conftest import Shop, running_sandbox

SALES = 500
KILLS = int(os.environ.get("SYNCD_KILLS", "10"))
SEED = int(os.environ.get("SYNCD_SEED", str(random.randrange(1_000_000))))
STORE = "threads = 4\n"
SOURCES = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\nevery = "200ms"\n'
FAULTS = {"seed": SEED, "faults": [{"kind": "drop_after_commit", "probability": 0.05, "method": "POST"}]}


def test_killing_the_daemon_at_random_moments_neither_doubles_nor_loses_a_sale(tmp_path: Path) -> None:
    print(f"SYNCD_SEED={SEED} SYNCD_KILLS={KILLS}")
    dice = random.Random(SEED)
    with running_sandbox("--latency-ms", "60") as (_, store):
        shop = Shop(tmp_path, store)
        (tmp_path / "inbox").mkdir()
        shop.configure(SOURCES, STORE)
        store.control("faults", FAULTS)
        orders = [sale(sale_id=f"k{number}", source="till").to_json() for number in range(SALES)]
        shop.drop("sales.jsonl", "\n".join(orders) + "\n")
        for _ in range(KILLS):
            daemon = shop.start("run")
            time.sleep(dice.uniform(0.3, 1.5))
            daemon.send_signal(signal.SIGKILL)
            daemon.wait()
        _run_to_rest(shop)
        keys = [order["external_order_id"] for order in store.orders()]
        print(f"{KILLS} kills, {SALES} sales: {len(keys)} orders, {len(keys) - len(set(keys))} duplicates")
        assert len(keys) == len(set(keys)), f"duplicates with SYNCD_SEED={SEED}"
        assert set(keys) == {f"till:k{number}" for number in range(SALES)}, f"lost with SYNCD_SEED={SEED}"


def _run_to_rest(shop: Shop) -> None:
    daemon = shop.start("run")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        counts = shop.run("status", "--json").json[0]["sales"]
        if counts["synced"] == SALES:
            break
        time.sleep(1)
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(timeout=30) == 0
    assert counts["synced"] == SALES, counts
