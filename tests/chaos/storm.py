"""`syncd run` is killed again and again while sales are made, edited, voided and refunded and every kind of fault happens.

Faults strike POST, PUT and GET; pages are short, lists fail, old versions are said again. Then it may rest, and we count: one order
a sale, with its total, tax, status and number of pieces.

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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncd.canonical import CanonicalOrder
from tests.chaos.lives import life, wrong
from tests.databases import ledger_url
from tests.shop import CONFIG, Shop, Store, running_sandbox

SOURCES = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\nevery = "100ms"\n'
QUICK = {
    'settle = "4s"': 'settle = "1500ms"',
    'intent_life = "1s"': 'intent_life = "300ms"',
    'connect_timeout = "1s"': 'connect_timeout = "300ms"',
    'deadline = "1s"': 'deadline = "600ms"',
}
# (kind, probability, seconds): every fault that leaves what an order says alone, late commits within what we take for granted.
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
_SAID_AGAIN = 0.2
METHODS = (("POST", 1.0), ("PUT", 1.0), ("GET", 0.3))
_UP_S = 2.0


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
    wrong: tuple[str, ...]
    problems: tuple[str, ...]
    seconds: float
    busy: int

    @property
    def clean(self) -> bool:
        """Each sale once, right, and the ledger sound."""
        return not (self.duplicates or self.lost or self.wrong or self.problems)


def rage(storm: Storm, folder: Path) -> Count:
    """Kill, let it rest, count."""
    begin, dice, busy = time.monotonic(), random.Random(storm.seed), 0
    with running_sandbox("--latency-ms", "5") as (_, store), ledger_url(storm.database, folder) as url:
        shop = _shop(folder, store, url)
        faults = [
            {"kind": kind, "probability": p * weight, "method": method, "seconds": s}
            for method, weight in METHODS
            for kind, p, s in FAULTS
        ]
        store.control("faults", {"seed": storm.seed, "faults": faults})
        lives = {f"k{number}": life(f"k{number}", dice) for number in range(storm.sales)}
        for kill, part in enumerate(_parts(list(lives.values()), storm.kills, dice)):
            store.control("ways", {"page_most": dice.choice((250, 250, 100, 30))})
            _drop(shop, f"part{kill}.jsonl", part)
            before = _writes(store)
            daemon = _start(shop, storm)
            if dice.random() < _PUSHING:  # the others die anywhere, starting up included
                _await_push(store, before)
            time.sleep(dice.uniform(0, 1.0))
            daemon.send_signal(signal.SIGKILL)
            daemon.wait()
            busy += _writes(store) > before
        store.control("faults", {"faults": []})
        store.control("ways", {"page_most": 250})
        _rest(shop)
        return _count(shop, lives, time.monotonic() - begin, busy)


def _parts(lives: list[list[CanonicalOrder]], parts: int, dice: random.Random) -> list[list[CanonicalOrder]]:
    """The versions of each sale spread over the parts, in their order, with an older one said again here and there."""
    spread: list[list[CanonicalOrder]] = [[] for _ in range(parts)]
    each = -(-len(lives) // parts)
    for number, versions in enumerate(lives):
        part = number // each
        for place, version in enumerate(versions):
            spread[part].append(version)
            if place and dice.random() < _SAID_AGAIN:
                spread[min(part + 1, parts - 1)].append(dice.choice(versions[:place]))
            part = min(part + dice.choice((0, 1, 1, 3)), parts - 1)
    return spread


def _writes(store: Store) -> int:
    requests = store.stats()["requests"]
    return sum(int(requests.get(name, 0)) for name in ("POST /v2/orders", "PUT /v2/orders/{id}"))


def _await_push(store: Store, before: int) -> None:
    """Return once this daemon pushes, so that it is killed while it does, however slow the machine is."""
    deadline = time.monotonic() + _UP_S
    while _writes(store) == before and time.monotonic() < deadline:
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


def _drop(shop: Shop, name: str, orders: list[CanonicalOrder]) -> None:
    if orders:
        shop.drop(name, "".join(order.to_json() + "\n" for order in orders))


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


def _rest(shop: Shop) -> None:
    """Let it come to rest; where the brake holds a sale, a person looks, finds no order, and lets it go on."""
    daemon, deadline = _start(shop, Storm(0, 0, 0)), time.monotonic() + _REST_S
    while time.monotonic() < deadline:
        counts = shop.run("status", "--json").json["stores"][0]["sales"]
        if not any(counts.get(state) for state in ("pending", "sending", "unknown", "held")):
            break
        if counts.get("held"):
            shop.run("release", "--state", "held", "--error", "ended in doubt", "--yes")
        time.sleep(0.5)
    daemon.send_signal(signal.SIGTERM)
    daemon.wait(30)


def _count(shop: Shop, lives: dict[str, list[CanonicalOrder]], seconds: float, busy: int) -> Count:
    orders = shop.store.orders()
    by_key: dict[str, list[dict[str, Any]]] = {}
    for order in orders:
        by_key.setdefault(order["external_order_id"], []).append(order)
    found = {key: wrong(by_key.get(f"till:{key}", []), versions) for key, versions in lives.items()}
    lost = sum(words.endswith("is lost") for words in found.values())
    differing = [words for words in found.values() if words and not words.endswith(("is lost", "orders"))]
    verified = shop.run("ledger", "verify", "--json", timeout=120).json["ledger"]
    doubled = sum(len(same) - 1 for same in by_key.values())
    return Count(len(orders), doubled, lost, tuple(differing), tuple(verified), seconds, busy)


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
        f"{count.orders} orders, {count.duplicates} duplicates, {count.lost} lost, {len(count.wrong)} that differ from their sale"
    )
    for problem in (*count.wrong[:20], *count.problems):
        print(f"  {problem}")
    sys.exit(not count.clean)


if __name__ == "__main__":
    main()
