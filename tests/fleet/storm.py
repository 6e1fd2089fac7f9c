"""Workers of a fleet are killed while sales of many stores are made, edited, voided and refunded, and answers get lost.

Then they may rest, and we count over all stores: one order a sale, with its total, tax, status and number of pieces.

python -m tests.fleet.storm --seed 1                          # 200 stores x 40 sales, 4 workers, a kill every 5 s
python -m tests.fleet.storm --stores 20 --sales 20 --seed 1   # a slice that takes a minute
python -m tests.fleet.storm --careless --stores 20            # without the safeguards: reports duplicates
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncd.canonical import CanonicalOrder
from tests.chaos.lives import life, wrong
from tests.fleet.cells import Cell, running_cell

DEFAULTS = 'back_off_most = "1s"\nbackfill_stock = "elsewhere"'
FAULTS = (("drop_after_commit", 0.05), ("drop_before_commit", 0.01), ("5xx_after", 0.01), ("429", 0.01))
_REST_S = 240.0
_SAID_AGAIN = 0.1
_PARTS_A_KILL = 2


@dataclass(frozen=True)
class Storm:
    """How hard, and from which seed."""

    stores: int
    sales: int
    workers: int
    every_s: float
    seed: int
    longest_s: float
    careless: bool = False


@dataclass(frozen=True)
class Count:
    """What the stores hold in the end."""

    sales: int
    orders: int
    kills: int
    duplicates: int
    lost: int
    wrong: tuple[str, ...]
    seconds: float
    p50_s: float
    p95_s: float

    @property
    def clean(self) -> bool:
        """Each sale once, and right."""
        return not (self.duplicates or self.lost or self.wrong)


Lives = dict[int, dict[str, list[CanonicalOrder]]]


def rage(storm: Storm, folder: Path) -> Count:
    """Kill, let it rest, count."""
    begun, dice, kills = time.monotonic(), random.Random(storm.seed), 0
    with running_cell(folder, storm.stores, "--latency-ms", "5", store_defaults=DEFAULTS) as cell:
        if storm.careless:
            cell.module = "tests.chaos.careless"
        cell.control(
            "faults",
            {
                "seed": storm.seed,
                "faults": [{"kind": k, "probability": p, "method": m} for k, p in FAULTS for m in ("POST", "PUT")],
            },
        )
        lives: Lives = {
            number: {f"k{n}": _of(number, life(f"k{n}", dice)) for n in range(storm.sales)}
            for number in range(1, storm.stores + 1)
        }
        parts = int(storm.longest_s / storm.every_s) * _PARTS_A_KILL
        spread = {number: _parts(list(of.values()), parts, dice) for number, of in lives.items()}
        cell.start(storm.workers)
        for part in range(parts):
            for number, some in spread.items():
                if some[part]:
                    cell.drop(number, f"part{part:03}", some[part])
            time.sleep(storm.every_s / _PARTS_A_KILL)
            if part % _PARTS_A_KILL:
                victim = cell.workers.pop(dice.randrange(len(cell.workers)))
                victim.kill()
                kills += 1
                cell.start(1, wait=False)
        cell.control("faults", {"faults": []})
        _rest(cell)
        return _count(cell, lives, kills, time.monotonic() - begun)


def _of(number: int, versions: list[CanonicalOrder]) -> list[CanonicalOrder]:
    return [version.model_copy(update={"source": f"ts{number}"}) for version in versions]


def _parts(lives: list[list[CanonicalOrder]], parts: int, dice: random.Random) -> list[list[CanonicalOrder]]:
    """The versions of each sale spread over the parts, in their order, with an older one said again here and there."""
    spread: list[list[CanonicalOrder]] = [[] for _ in range(parts)]
    for versions in lives:
        part = dice.randrange(parts)
        for place, version in enumerate(versions):
            spread[part].append(version)
            if place and dice.random() < _SAID_AGAIN:
                spread[min(part + 1, parts - 1)].append(dice.choice(versions[:place]))
            part = min(part + dice.choice((0, 1, 1, 3)), parts - 1)
    return spread


def _rest(cell: Cell) -> None:
    """Let it come to rest; where the brake holds a sale, a person looks, finds no order, and lets it go on."""
    until = time.monotonic() + _REST_S
    while time.monotonic() < until:
        states = cell.states()
        unread = any(cell.folder.glob("inbox/*/*.jsonl"))
        if not unread and not states.keys() & {"pending", "sending", "unknown", "held"}:
            return
        if states.get("held"):
            cell.run("release", "--state", "held", "--error", "ended in doubt", "--yes")
        time.sleep(1)


def _count(cell: Cell, lives: Lives, kills: int, seconds: float) -> Count:
    with ThreadPoolExecutor(8) as pool:
        found = dict(zip(lives, pool.map(lambda number: _orders(cell, number), lives), strict=True))
    duplicates = lost = orders = 0
    differing: list[str] = []
    for number, of in lives.items():
        orders += sum(map(len, found[number].values()))
        duplicates += sum(len(same) - 1 for same in found[number].values())
        for key, versions in of.items():
            words = wrong(found[number].get(f"ts{number}:{key}", []), versions)
            lost += words.endswith("is lost")
            if words and not words.endswith(("is lost", "orders")):
                differing.append(f"s{number} {words}")
    p50, p95 = _lag(cell)
    return Count(sum(map(len, lives.values())), orders, kills, duplicates, lost, tuple(differing), seconds, p50, p95)


def _orders(cell: Cell, number: int) -> Mapping[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for order in cell.orders_of(number):
        found.setdefault(order["external_order_id"], []).append(order)
    return found


def _lag(cell: Cell) -> tuple[float, float]:
    """From the record of a sale to its order: median and 95th percentile, in seconds."""
    query = """
        select percentile_cont(array[0.5, 0.95]) within group (order by first - recorded_at) from (
            select s.recorded_at, min(a.settled_at) as first from sales s join attempts a on a.sale_id = s.id
            where a.kind = 'create' and a.outcome in ('accepted', 'unknown') group by s.id) as lags
    """
    with cell.database() as connection:
        row = connection.execute(query.encode()).fetchone()
    p50, p95 = row[0] if row and row[0] else (0, 0)
    return p50 / 1e6, p95 / 1e6


def main() -> None:
    """Run one storm and print what it came to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stores", type=int, default=200)
    parser.add_argument("--sales", type=int, default=40)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--every", type=float, default=5)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--seconds", type=float, default=240, help="how long workers are killed, before they may rest")
    parser.add_argument("--careless", action="store_true")
    words = parser.parse_args()
    storm = Storm(words.stores, words.sales, words.workers, words.every, words.seed, words.seconds, words.careless)
    with tempfile.TemporaryDirectory() as folder:
        count = rage(storm, Path(folder))
    print(
        f"seed {storm.seed}: {count.kills} kills of {storm.workers} workers, {storm.stores} stores, {count.sales} sales in "
        f"{count.seconds:.0f} s: {count.orders} orders, {count.duplicates} twice, {count.lost} lost, {len(count.wrong)} wrong; "
        f"from record to order p50 {count.p50_s:.1f} s, p95 {count.p95_s:.1f} s"
    )
    for problem in count.wrong[:20]:
        print(f"  {problem}")
    sys.exit(not count.clean)


if __name__ == "__main__":
    main()
