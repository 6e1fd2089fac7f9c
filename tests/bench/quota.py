"""A backfill at a Pro plan's quota (450 calls in 30 s, 250 ms each) beside live sales: ``python -m tests.bench.quota``.

The whole of 300,000 orders over simulated time, by the same ``Pace`` as the daemon's; then some windows of it in real time, by a
daemon with a backfill, where each live sale is a file in the drop folder.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from syncd.testing.orders import sale
from tests.bench import figures
from tests.doubles.rate_limit import Window, simulate_backfill
from tests.shop import ADDRESS, Shop, Store, running_sandbox

_QUOTA, _WINDOW_S, _LATENCY_S, _THREADS = 450, 30.0, 0.25, 8
_LIVE_EVERY_S = 3.0
CONFIG = (
    """
[ledger]
url = "sqlite:///ledger.db"
[stores.main]
store_hash = "{store_hash}"
token = {{ env = "FLOW_TOKEN" }}
api_url = "{url}"
quota_share = 1.0
[sources.till]
type = "jsonl"
path = "inbox"
settle = "0s"
"""
    + ADDRESS
)


def p95(seconds: Sequence[float]) -> float:
    """The wait that 95 of 100 do not exceed."""
    return sorted(seconds)[max(len(seconds) * 95 // 100 - 1, 0)]


def in_real_time(folder: Path, store: Store, seconds: float) -> tuple[int, list[float]]:
    """Orders of the backfill in so many seconds after its first window, and each live sale's time from its file to its order."""
    shop, past = Shop(folder, store), int(seconds / _WINDOW_S + 3) * _QUOTA
    shop.config.write_text(CONFIG.format(store_hash=store.store_hash, url=store.url))
    shop.drop("past.jsonl", "".join(sale(source="till", sale_id=f"p{n}").to_json() + "\n" for n in range(past)))
    shop.run("sync", "--limit", "0")
    for file in folder.glob("ledger.db*"):  # the file is processed: only a backfill reads it again
        file.unlink()
    day, dropped = sale().placed_at.date().isoformat(), list[float]()
    running = [shop.start("run"), shop.start("backfill", "--source", "till", "--from", day, "--to", day)]
    try:
        while store.stats()["orders"] < _QUOTA:
            time.sleep(0.2)
        begin, before = time.monotonic(), _pushed(folder)
        while (now := time.monotonic() - begin) < seconds:
            if now >= len(dropped) * _LIVE_EVERY_S:
                shop.drop(f"{len(dropped)}.jsonl", sale(source="till", sale_id=f"l{len(dropped)}").to_json() + "\n")
                dropped.append(time.time())
            time.sleep(0.02)
        done = _pushed(folder) - before
        while len(synced := _live(folder)) < len(dropped):
            time.sleep(0.1)
    finally:
        for process in running:
            process.terminate()
            process.wait()
    return done, [synced[f"till:l{number}"] - at for number, at in enumerate(dropped)]


def _asked(folder: Path, words: str) -> list[tuple[str, int]]:
    with sqlite3.connect(f"file:{folder}/ledger.db?mode=ro", uri=True) as connection:
        return connection.execute(words).fetchall()


def _pushed(folder: Path) -> int:
    return _asked(folder, "select lane, count(*) from sales where state = 'synced' and lane = 'backfill'")[0][1]


def _live(folder: Path) -> dict[str, float]:
    words = "select sale_key, synced_at from sales where state = 'synced' and lane = 'live'"
    return {key: at / 1e6 for key, at in _asked(folder, words)}


def main() -> None:
    """Print both, and note the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=300_000)
    parser.add_argument("--seconds", type=float, default=90)
    options = parser.parse_args()
    live_at = [30.0 * number for number in range(1, options.orders // _QUOTA)]
    found = simulate_backfill(
        Window(_QUOTA, _WINDOW_S), options.orders, live_at, threads=_THREADS, latency_s=_LATENCY_S
    )
    limit_s = options.orders * _WINDOW_S / _QUOTA
    figures.note("backfill", found.took_s / limit_s)
    print(
        f"{options.orders:,} orders and {len(found.live_s)} live sales, simulated: {found.took_s / 3600:.3f} h, "
        f"{found.took_s / limit_s:.4f} of what the quota makes of the backfill alone, {found.refused} refused; "
        f"a live sale's call {p95(found.live_s):.2f} s at p95"
    )
    words = ("--quota", str(_QUOTA), "--window-ms", str(int(_WINDOW_S * 1000)), "--latency-ms", "250")
    with running_sandbox(*words) as (_, store), tempfile.TemporaryDirectory() as name:
        done, waits = in_real_time(Path(name), store, options.seconds)
    used = (done + len(waits)) / (options.seconds * _QUOTA / _WINDOW_S)
    figures.note("backfill_live", p95(waits))
    print(
        f"{options.seconds:g} s in real time: {done} orders of the backfill and {len(waits)} live sales, {used:.3f} of the quota; "
        f"a live sale from its file to its order: median {statistics.median(waits):.2f} s, p95 {p95(waits):.2f} s"
    )


if __name__ == "__main__":
    main()
