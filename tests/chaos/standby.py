"""Two daemons on one ledger, the one that pushes is killed every few seconds: nothing doubled, nothing lost, a quick take-over.

python -m tests.chaos.standby --minutes 5 --every 10
python -m tests.chaos.standby --database postgresql
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from syncd.testing.orders import sale
from tests.databases import ledger_url
from tests.shop import Shop, running_sandbox

SOURCES = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\nevery = "200ms"\n'
FAULTS = {"seed": 5, "faults": [{"kind": "drop_after_commit", "probability": 0.05, "method": "POST"}]}


@dataclass(frozen=True)
class Watch:
    """What a watch came to."""

    kills: int
    sales: int
    orders: int
    duplicates: int
    lost: int
    longest_s: float


def keep_watch(folder: Path, database: str, seconds: float, every: float) -> Watch:
    """Kill whoever pushes, see the other take over, start a new one; then let it rest and count."""
    with running_sandbox("--latency-ms", "20") as (_, store), ledger_url(database, folder) as url:
        (folder / "inbox").mkdir()
        shop = Shop(folder, store)
        shop.configure(SOURCES, ledger=url)
        store.control("faults", FAULTS)
        first, second = shop.start("run"), shop.start("run")
        longest, kills, made, end = 0.0, 0, 0, time.monotonic() + seconds
        while time.monotonic() < end:
            made = _drop(shop, made, 20)
            time.sleep(every)
            first.send_signal(signal.SIGKILL)
            killed = time.monotonic()
            first.wait()
            seen = len(store.history()["posts"])
            made = _drop(shop, made, 5)
            while len(store.history()["posts"]) == seen and time.monotonic() - killed < 30:
                time.sleep(0.02)
            longest, kills = max(longest, time.monotonic() - killed), kills + 1
            first, second = second, shop.start("run")
        store.control("faults", {"faults": []})
        _rest(shop, made, (first, second))
        keys = [order["external_order_id"] for order in store.orders()]
        lost = len({f"till:w{number}" for number in range(made)} - set(keys))
        return Watch(kills, made, len(keys), len(keys) - len(set(keys)), lost, longest)


def _drop(shop: Shop, made: int, count: int) -> int:
    lines = [sale(source="till", sale_id=f"w{number}").to_json() for number in range(made, made + count)]
    shop.drop(f"from{made}.jsonl", "\n".join(lines) + "\n")
    return made + count


def _rest(shop: Shop, made: int, daemons: tuple[subprocess.Popen[bytes], ...]) -> None:
    deadline = time.monotonic() + 60
    while (
        time.monotonic() < deadline and shop.run("status", "--json").json["stores"][0]["sales"].get("synced", 0) < made
    ):
        time.sleep(0.5)
    for daemon in daemons:
        daemon.terminate()
        daemon.wait(30)


def main() -> None:
    """Keep one watch and print what it came to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--every", type=float, default=10)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        watch = keep_watch(Path(folder), words.database, words.minutes * 60, words.every)
    print(
        f"{words.database}: {watch.kills} kills, {watch.sales} sales: {watch.orders} orders, {watch.duplicates} duplicates, "
        f"{watch.lost} lost, longest take-over {watch.longest_s:.1f} s"
    )
    sys.exit(bool(watch.duplicates or watch.lost or watch.longest_s > 5))


if __name__ == "__main__":
    main()
