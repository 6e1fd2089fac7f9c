"""A long walk over Square's double, killed on the way: python -m tests.chaos.walk_kills [--sales 20000] [--kills 3].

A backfill of a month, in a real process that is killed (SIGKILL) and started again; then everything is pushed into the sandbox,
and ledger, double and sandbox are compared sale by sale. Tells the most memory that any of the processes had, and how many pages
were asked for: one that begins anew after each kill asks for many more.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from syncd.app import open_app
from syncd.config import load
from tests.doubles.square import SquareDouble
from tests.shop import Shop, running_sandbox

_SOURCE = """
[sources.square]
type = "square"
api_url = "{url}"
token = {{ env = "SQUARE_TOKEN" }}
page = {page}
"""
_GAP_S = 0.01


@dataclass
class Outcome:
    """How a walk went."""

    sales: int
    recorded: int
    orders: int
    twice: int
    lost: int
    differ: int
    kills: int
    pages: int
    most_mb: float

    def __str__(self) -> str:
        return (
            f"{self.sales} sales, {self.kills} kills: {self.recorded} recorded, {self.orders} orders, {self.lost} lost,"
            f" {self.twice} twice, {self.differ} that differ, {self.pages} pages of orders asked for, peak {self.most_mb:.0f} MB"
        )


def walk(sales: int, kills: int, folder: Path, page: int = 500) -> Outcome:
    """One walk."""
    os.environ |= {"SQUARE_TOKEN": "token-of-the-double-1", "FLOW_TOKEN": "sandbox-token"}
    with running_sandbox("--quota", "1000000") as (_, store), SquareDouble() as square:
        square.sell_many(sales)
        shop = Shop(folder, store)
        shop.configure(_SOURCE.format(url=square.url, page=page))
        first = min(made.created for made in square.made.values()) - timedelta(days=1)
        words = ("backfill", "--source", "square", "--from", f"{first:%Y-%m-%d}", "--to", f"{square.now():%Y-%m-%d}")
        done, most = killed_on_the_way(shop, words, sales, kills)
        searched = sum(asked.path.endswith("/orders/search") for asked in square.asked)
        with open_app(load(shop.config)) as app:
            counts = app.ledger.sales.counts()
        kept = sum(counts.values())
        orders = store.orders()
        keys = [order["external_order_id"] for order in orders]
        wanted = {
            f"square:{key}": Decimal(square.document(key, made)["total_money"]["amount"]) / 100
            for key, made in square.made.items()
        }
        differ = sum(wanted.get(order["external_order_id"]) != Decimal(order["total_inc_tax"]) for order in orders)
        lost = len(wanted.keys() - set(keys))
        return Outcome(sales, kept, len(orders), len(keys) - len(set(keys)), lost, differ, done, searched, most)


def killed_on_the_way(shop: Shop, words: Sequence[str], sales: int, kills: int) -> tuple[int, float]:
    """Run a command that is killed whenever it has recorded some more, then once to its end: kills, and the most memory (MB)."""
    most, done = 0.0, 0
    for turn in range(kills + 1):
        process = shop.start(*words)
        goal = sales * (turn + 1) // (kills + 2)
        while process.poll() is None:
            most = max(most, _peak_mb(process))
            if turn < kills and recorded(shop) >= goal:
                process.send_signal(signal.SIGKILL)
                process.wait()
                done += 1
            time.sleep(_GAP_S)
    return done, most


def recorded(shop: Shop) -> int:
    """How many sales the ledger has, read beside whoever writes it."""
    import sqlite3

    try:
        with sqlite3.connect(f"file:{shop.folder / 'ledger.db'}?mode=ro", uri=True) as ledger:
            return int(ledger.execute("select coalesce(sum(number), 0) from counts").fetchone()[0])
    except sqlite3.Error:
        return 0


def _peak_mb(process: subprocess.Popen[bytes]) -> float:
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1000 if found else 0.0


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("--sales", type=int, default=20_000)
    words.add_argument("--kills", type=int, default=3)
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        outcome = walk(asked.sales, asked.kills, Path(folder))
        print(f"{outcome}; {time.monotonic() - begun:.0f} s")
    assert (outcome.lost, outcome.twice, outcome.differ, outcome.recorded) == (0, 0, 0, asked.sales), outcome
    assert outcome.most_mb <= 150


if __name__ == "__main__":
    main()
