"""Sales a minute by the Management Checkout within a quota, and what they do to sales by Orders beside them.

``python -m tests.bench.checkout_rate``: two runs against a sandbox of 150 requests per 30 s: sales by Orders alone, one every few
seconds, and the same beside a backlog of checkouts. Prints checkouts a minute, the lag of Orders in both, calls, and any 429.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from syncd.testing.orders import sale
from tests.shop import Shop, running_sandbox

SOURCES = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\nevery = "100ms"\n'
RULES = 'workflow = "checkout"\npickup_method_id = 1\nquota_share = {share}\n'
PERSON = {"first_name": "Ada", "last_name": "Buyer", "email": "ada@example.com"}


@dataclass(frozen=True)
class Measured:
    """What one run showed; lags are in seconds from the drop of a file to its order."""

    checkouts_a_minute: float
    lags: list[float]
    refusals: int
    calls_a_window: list[int]


def make(number: int, fulfilment: str) -> str:
    """A sale of one custom line without tax, as the sandbox prices it."""
    said: dict[str, Any] = {"fulfilment": fulfilment, "customer": PERSON, "total_inc_tax": "10.80", "total_tax": "0.80"}
    lines = [{"line_id": "1", "name": "Mug", "sku": "MUG-1", "total_ex_tax": "10.00", "total_inc_tax": "10.80"}]
    return sale(sale_id=f"{fulfilment}-{number}", source="till", lines=lines, **said).to_json() + "\n"


def measure(seconds: float, backlog: int, every_s: float, share: float) -> Measured:
    """One run: a backlog of checkouts (or none), and a sale by Orders every ``every_s``."""
    with running_sandbox("--quota", "150", "--latency-ms", "100") as (_, store), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "inbox").mkdir()
        shop = Shop(folder, store)
        shop.configure(SOURCES, RULES.format(share=share))
        store.control("ways", {"tax_rate": 8.0})
        if backlog:
            shop.drop("backlog.jsonl", "".join(make(number, "pickup") for number in range(backlog)))
        daemon = shop.start("run")
        try:
            return _watched(shop, seconds, every_s)
        finally:
            daemon.terminate()
            daemon.wait()


def _watched(shop: Shop, seconds: float, every_s: float) -> Measured:
    dropped: dict[str, float] = {}
    lags: dict[str, float] = {}
    begin = time.monotonic()
    done = threading.Event()

    def drop() -> None:
        number = 0
        while not done.wait(every_s):
            dropped[f"till:in_store-{number}"] = time.monotonic()
            shop.drop(f"live{number}.jsonl", make(number, "in_store"))
            number += 1

    dropper = threading.Thread(target=drop)
    dropper.start()
    live: list[Any] = []
    while time.monotonic() - begin < seconds:
        time.sleep(0.1)
        history = shop.store.history()["created"]
        for key in dropped.keys() - lags.keys():
            if any(one["external_order_id"] == key for one in history):
                lags[key] = time.monotonic() - dropped[key]
        live = [one for one in history if one["status_id"] and str(one["external_order_id"]).startswith("till:pickup")]
    done.set()
    dropper.join()
    waiting = [time.monotonic() - at for key, at in dropped.items() if key not in lags]

    windows = requests.get(f"{shop.store.url}/_sandbox/quota", timeout=10).json()
    refusals = sum(window["refused"] for window in windows)
    used = [window["used"] for window in windows]
    return Measured(len(live) / seconds * 60, sorted([*lags.values(), *waiting]), refusals, used)


def main() -> None:
    """Measure both, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--every", type=float, default=6.0)
    parser.add_argument("--share", type=float, default=0.9)
    asked = parser.parse_args()
    for name, backlog in (("Orders alone", 0), ("beside checkouts", 300)):
        found = measure(asked.seconds, backlog, asked.every, asked.share)
        half, most = statistics.median(found.lags), max(found.lags)
        print(
            f"{name}: {found.checkouts_a_minute:.1f} checkouts a minute; {len(found.lags)} sales by Orders, "
            f"lag median {half:.1f} s, most {most:.1f} s; {found.refusals} times 429; calls a window {found.calls_a_window}"
        )


if __name__ == "__main__":
    main()
