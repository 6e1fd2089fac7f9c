"""Seconds from the drop folder to the order. ``python -m tests.bench.drop_lag``."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from syncd.testing.orders import sale
from tests.shop import Shop, running_sandbox

SOURCES = '[sources.till]\ntype = "jsonl"\npath = "inbox"\n'
TURNS = 40


def lags(shop: Shop) -> list[float]:
    """Seconds from the rename (or, every other time, the close) of a file to its order."""
    found = []
    for turn in range(TURNS):
        text, name = sale(source="till", sale_id=f"lag{turn}").to_json(), f"lag{turn}.jsonl"
        begin = time.monotonic()
        if turn % 2:
            shop.drop(name, text)
        else:
            (shop.folder / "inbox" / name).write_text(text)
        while not any(one["external_order_id"] == f"till:lag{turn}" for one in shop.store.history()["created"][-3:]):
            time.sleep(0.005)
        found.append(time.monotonic() - begin)
    return found


def main() -> None:
    """Measure and print."""
    with running_sandbox() as (_, store), tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "inbox").mkdir()
        shop = Shop(Path(folder), store)
        shop.configure(SOURCES)
        daemon = shop.start("run")
        try:
            while "lease_taken" not in (shop.folder / "daemon.log").read_text():
                time.sleep(0.05)
            time.sleep(1)
            found = sorted(lags(shop))
        finally:
            daemon.terminate()
            daemon.wait()
    print(f"{TURNS} files: median {statistics.median(found):.2f} s, 95th percentile {found[int(TURNS * 0.95)]:.2f} s")
    print("(settle is the usual 2 s: a file that nobody closed waits for it)")


if __name__ == "__main__":
    main()
