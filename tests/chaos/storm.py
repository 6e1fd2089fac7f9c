"""`syncd run` is killed again and again while sales arrive and every kind of fault happens; then it may rest, and we count.

python -m tests.chaos.storm --kills 500 --sales 10000 --seed 1
python -m tests.chaos.storm --kills 300 --database postgresql
python -m tests.chaos.storm --kills 40 --careless       # without the safeguards: reports duplicates
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from syncd.testing.orders import sale
from tests.databases import ledger_url
from tests.shop import CONFIG, Shop, Store, running_sandbox

SOURCES = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\nevery = "100ms"\n'
QUICK = {
    'settle = "4s"': 'settle = "1500ms"',
    'intent_life = "1s"': 'intent_life = "300ms"',
    'connect_timeout = "1s"': 'connect_timeout = "300ms"',
    'deadline = "1s"': 'deadline = "600ms"',
}
# (kind, probability, seconds): every fault that leaves a sale's total alone, late commits within what we take for granted.
FAULTS = (
    ("drop_before_commit", 0.02, 0.0),
    ("drop_after_commit", 0.03, 0.0),
    ("late_commit", 0.02, 2.0),
    ("5xx_before", 0.02, 0.0),
    ("5xx_after", 0.02, 0.0),
    ("429", 0.01, 0.0),
    ("429_bare", 0.01, 0.0),
    ("401", 0.002, 0.0),
    ("garbage_body", 0.01, 0.0),
    ("truncated_body", 0.01, 0.0),
    ("slow_body", 0.005, 1.5),
    ("slow_headers", 0.005, 1.5),
    ("redirect", 0.002, 0.0),
    ("swap_answer", 0.01, 0.0),
    ("hang", 0.005, 1.5),
)
_REST_S = 180
_PUSHING = 0.8
_UP_S = 3.0


@dataclass(frozen=True)
class Storm:
    """How hard, from which seed, on which database, with or without the safeguards."""

    kills: int
    sales: int
    seed: int
    database: str = "sqlite"
    careless: bool = False


@dataclass(frozen=True)
class Count:
    """What the store holds in the end, what ``verify`` says; ``busy``: kills that came after a run's first request."""

    orders: int
    duplicates: int
    lost: int
    wrong_totals: int
    problems: tuple[str, ...]
    seconds: float
    busy: int

    @property
    def clean(self) -> bool:
        """Each sale once, right, and the ledger sound."""
        return not (self.duplicates or self.lost or self.wrong_totals or self.problems)


def rage(storm: Storm, folder: Path) -> Count:
    """Kill, let it rest, count."""
    begin, dice, busy = time.monotonic(), random.Random(storm.seed), 0
    with running_sandbox("--latency-ms", "5") as (_, store), ledger_url(storm.database, folder) as url:
        shop = _shop(folder, store, url)
        faults = [{"kind": kind, "probability": p, "method": "POST", "seconds": s} for kind, p, s in FAULTS]
        store.control("faults", {"seed": storm.seed, "faults": faults})
        names = [f"k{number}" for number in range(storm.sales)]
        each = -(-storm.sales // storm.kills)
        for kill in range(storm.kills):
            _drop(shop, f"part{kill}.jsonl", names[kill * each : (kill + 1) * each])
            before = _posts(store)
            daemon = _start(shop, storm)
            if dice.random() < _PUSHING:  # the others die anywhere, starting up included
                _await_push(store, before)
            time.sleep(dice.uniform(0, 1.0))
            daemon.send_signal(signal.SIGKILL)
            daemon.wait()
            busy += _posts(store) > before
        store.control("faults", {"faults": []})
        _rest(shop, storm)
        return _count(shop, names, time.monotonic() - begin, busy)


def _posts(store: Store) -> int:
    return int(store.stats()["requests"].get("POST /v2/orders", 0))


def _await_push(store: Store, before: int) -> None:
    """Return once this daemon pushes, so that it is killed while it does, however slow the machine is."""
    deadline = time.monotonic() + _UP_S
    while _posts(store) == before and time.monotonic() < deadline:
        time.sleep(0.01)


def _shop(folder: Path, store: Store, url: str) -> Shop:
    (folder / "inbox").mkdir(parents=True)
    shop = Shop(folder, store)
    text = CONFIG.format(
        ledger=url, store_hash=store.store_hash, url=store.url, store='back_off_most = "1s"', sources=SOURCES
    )
    for slow, quick in QUICK.items():
        text = text.replace(slow, quick)
    shop.config.write_text(text, encoding="utf-8")
    return shop


def _drop(shop: Shop, name: str, keys: list[str]) -> None:
    if keys:
        shop.drop(name, "".join(sale(source="till", sale_id=key).to_json() + "\n" for key in keys))


def _start(shop: Shop, storm: Storm) -> subprocess.Popen[bytes]:
    module = "tests.chaos.careless" if storm.careless else "syncd"
    root = Path(__file__).resolve().parents[2]
    with (shop.folder / "daemon.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", module, "run", "--config", str(shop.config)],
            stdout=log,
            stderr=log,
            env=shop.env,
            cwd=root,
        )


def _rest(shop: Shop, storm: Storm) -> None:
    daemon, deadline = _start(shop, storm), time.monotonic() + _REST_S
    while time.monotonic() < deadline:
        counts = shop.run("status", "--json").json["stores"][0]["sales"]
        if counts.get("synced", 0) == storm.sales:
            break
        time.sleep(0.5)
    daemon.send_signal(signal.SIGTERM)
    daemon.wait(30)


def _count(shop: Shop, names: list[str], seconds: float, busy: int) -> Count:
    orders = shop.store.orders()
    keys = Counter(order["external_order_id"] for order in orders)
    wrong = sum(Decimal(order["total_inc_tax"]) != sale().total_inc_tax for order in orders)
    lost = len({f"till:{name}" for name in names} - keys.keys())
    verified = shop.run("ledger", "verify", "--json", timeout=120).json["ledger"]
    return Count(len(orders), sum(number - 1 for number in keys.values()), lost, wrong, tuple(verified), seconds, busy)


def main() -> None:
    """Run one storm and print what it came to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--sales", type=int)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--careless", action="store_true")
    words = parser.parse_args()
    storm = Storm(words.kills, words.sales or words.kills * 20, words.seed, words.database, words.careless)
    with tempfile.TemporaryDirectory() as folder:
        count = rage(storm, Path(folder) / "shop")
    print(
        f"seed {storm.seed}, {storm.database}: {storm.kills} kills ({count.busy} of them while it pushed), "
        f"{storm.sales} sales in {count.seconds:.0f} s: "
        f"{count.orders} orders, {count.duplicates} duplicates, {count.lost} lost, {count.wrong_totals} wrong totals"
    )
    for problem in count.problems:
        print(f"  {problem}")
    sys.exit(not count.clean)


if __name__ == "__main__":
    main()
