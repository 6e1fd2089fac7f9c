"""A simulated day of ten thousand stores: what lags, what the database carries, and how long an outage of an hour takes to heal.

A cell is simulated (cells know nothing of each other), each store of it second by second where it has something to do: sales by a
Zipf law over the stores and by the hours of the shops, quota windows, turns of ten seconds, workers with a bounded rate. What a
worker and the database do is measured (``Inputs`` says by what); the rest is documented, or assumed and said so.

python -m tests.fleet.day                  # the day as it stands in docs/fleet.md
python -m tests.fleet.day --workers 1 --sales 200
"""

from __future__ import annotations

import argparse
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

DAY_S = 86_400
# Of a day's sales, how many in each hour of the shop: closed until eight, fullest at noon and after work.
HOURS = (0, 0, 0, 0, 0, 0, 0, 0, 2, 5, 8, 10, 12, 11, 8, 8, 9, 11, 9, 5, 2, 0, 0, 0)


@dataclass(frozen=True)
class Inputs:
    """What the day is computed from."""

    cells: int = 8
    stores: int = 1_250
    """A cell."""
    sales: float = 40.0
    """A store and a day, on average (assumed)."""
    zipf: float = 1.0
    """How unequal stores are: the n-th has 1/n^zipf of the first one's sales (assumed)."""
    zones: int = 4
    """Time zones that the stores are spread over, an hour apart (assumed: the United States)."""
    workers: int = 2
    """A cell."""
    worker_rate: float = 100.0
    """Orders a second of one worker: half of what ``bench many`` measured (218), though that machine also ran the stores."""
    slots: int = 48
    """Stores that a worker pushes to at once (``fleet/queue.py``)."""
    turn_s: int = 10
    sweep_s: int = 15
    requests: float = 1.13
    """A sale, look-ups and lists included (``bench many``)."""
    quota: int = 150
    window_s: int = 30
    """BigCommerce's for Standard and Plus plans; a fixed window, as recorded answers show it."""
    share: float = 0.5
    """Of the quota that is ours (``quota_share``)."""
    answer_s: float = 0.4
    """How long BigCommerce takes to create an order (assumed; a request took 0.2 to 0.6 s where shops were measured)."""
    at_once: int = 4
    """Requests to a store at a time."""
    outage_at_s: int = 12 * 3600
    outage_s: int = 3600
    outage_share: float = 1.0
    """Of the stores that the outage hits: a region is all stores of a cell, in the worst case."""
    probe_s: int = 900
    """The longest gap between two looks at a paused store (``probe_gap_most``)."""
    postgresql_ms: float = 0.71
    """CPU a sale (``bench many``)."""
    postgresql_idle: float = 0.005
    """Cores of a cell in which nothing is due (``bench large``)."""
    wal_kb: float = 4.9
    """A sale (``bench many``)."""


@dataclass(slots=True)
class Store:
    """One store in the model: when each of its waiting sales was recorded, and how far its window is used."""

    zone: int
    weight: float
    hit: bool
    reopens_at: int = 0
    healed: bool = False
    waiting: deque[int] = field(default_factory=deque)
    window: int = -1
    used: float = 0.0
    credit: float = 0.0


@dataclass(slots=True)
class Day:
    """What came of it: seconds from record to order, by whether the outage had its part in it; peaks."""

    lags: list[int] = field(default_factory=list)
    lags_of_outage: list[int] = field(default_factory=list)
    recorded: int = 0
    peak_rate: float = 0.0
    peak_waiting: int = 0
    most_of_window: float = 0.0
    healed_99_s: int = 0
    healed_all_s: int = 0
    left: int = 0


def simulate(inputs: Inputs, seed: int = 1) -> Day:
    """Let one cell live through a day, and on until nothing waits."""
    dice = random.Random(seed)
    stores = _stores(inputs, dice)
    arrivals = _arrivals(stores, dice)
    day, ready, active = Day(recorded=sum(map(len, arrivals.values()))), deque[int](), set[int]()
    turns: dict[int, int] = {}  # stores that have a worker's slot, with the second at which it ends
    ends, minute = inputs.outage_at_s + inputs.outage_s, 0
    few = sum(store.hit for store in stores) * 0.01
    for now in range(2 * DAY_S):
        if now >= DAY_S and not active:
            break
        for number in arrivals.get(now, ()):
            stores[number].waiting.append(now)
            if number not in active:
                active.add(number)
                ready.append(number)
        budget = inputs.workers * inputs.worker_rate
        _give_turns(inputs, stores, turns, ready, now)
        done = 0
        for number in list(turns):
            store = stores[number]
            sent = _sent(inputs, store, now, budget, day)
            budget -= sent
            done += sent
            if not store.waiting:
                del turns[number]
                active.discard(number)
        minute = minute + done if now % 60 else done
        if now % 60 == 59:
            day.peak_rate = max(day.peak_rate, minute / 60)
        day.peak_waiting = max(day.peak_waiting, sum(len(stores[number].waiting) for number in active))
        if inputs.outage_s and now >= ends:
            behind = sum(stores[number].waiting[0] < ends for number in active)
            day.healed_99_s = now - ends + 1 if behind > few else day.healed_99_s
            day.healed_all_s = now - ends + 1 if behind else day.healed_all_s
    day.left = sum(len(store.waiting) for store in stores)
    return day


def _stores(inputs: Inputs, dice: random.Random) -> list[Store]:
    weights = [1 / rank**inputs.zipf for rank in range(1, inputs.stores + 1)]
    whole = sum(weights)
    down = inputs.outage_at_s + inputs.outage_s
    found = []
    for weight in weights:
        hit = dice.random() < inputs.outage_share
        again = down + dice.randrange(inputs.probe_s) if hit and inputs.outage_s else 0
        found.append(Store(dice.randrange(inputs.zones), weight / whole * inputs.stores * inputs.sales, hit, again))
    return found


def _arrivals(stores: list[Store], dice: random.Random) -> dict[int, list[int]]:
    """Which stores record a sale in each second."""
    found: dict[int, list[int]] = {}
    for number, store in enumerate(stores):
        for hour, share in enumerate(HOURS):
            for _ in range(_poisson(store.weight * share / sum(HOURS), dice)):
                second = (hour + store.zone) * 3600 + dice.randrange(3600)
                found.setdefault(min(second, DAY_S - 1), []).append(number)
    return found


def _poisson(mean: float, dice: random.Random) -> int:
    if mean > 50:
        return max(round(dice.gauss(mean, mean**0.5)), 0)
    number, left = 0, dice.expovariate(1.0)
    while left < mean:
        number, left = number + 1, left + dice.expovariate(1.0)
    return number


def _give_turns(inputs: Inputs, stores: list[Store], turns: dict[int, int], ready: deque[int], now: int) -> None:
    """Give slots to the stores that have waited longest; a store whose turn is over goes to the end of the queue."""
    for number in [number for number, end in turns.items() if end <= now]:
        del turns[number]
        ready.append(number)
    for _ in range(len(ready)):
        if len(turns) >= inputs.workers * inputs.slots:
            break
        number = ready.popleft()
        if _is_down(inputs, stores[number], now):
            ready.append(number)
        else:
            turns[number] = now + inputs.turn_s


def _is_down(inputs: Inputs, store: Store, now: int) -> bool:
    """Whether the store is paused: it has answered nothing since the outage began, and was not looked at since it ended."""
    return store.hit and inputs.outage_s > 0 and inputs.outage_at_s <= now < store.reopens_at


def _sent(inputs: Inputs, store: Store, now: int, budget: float, day: Day) -> int:
    """Send what the store's quota, its answers and the worker allow in this second."""
    if _is_down(inputs, store, now):
        return 0
    if (window := now // inputs.window_s) != store.window:
        store.window, store.used = window, 0.0
    room = (inputs.quota * inputs.share - store.used) / inputs.requests
    store.credit = min(
        store.credit + inputs.at_once / inputs.answer_s / inputs.requests, inputs.at_once / inputs.answer_s
    )
    sent = int(min(len(store.waiting), room, store.credit, budget))
    heals = store.hit and not store.healed and inputs.outage_s > 0 and now >= inputs.outage_at_s
    for _ in range(sent):
        (day.lags_of_outage if heals else day.lags).append(now - store.waiting.popleft())
    store.healed = store.healed or (heals and not store.waiting)
    store.used += sent * inputs.requests
    store.credit -= sent
    day.most_of_window = max(day.most_of_window, store.used)
    return sent


def share_of(values: list[int], share: float) -> int:
    """Return the value that so large a share of them does not exceed; 0 where there is none."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] if values else 0


def _s(values: list[int], share: float) -> str:
    return f"{share_of(values, share)} s" if share_of(values, share) else "under 1 s"


def report(inputs: Inputs, day: Day, calm: Day) -> Iterator[str]:
    """Say what came of a day with the outage, and of one without."""
    wal_mb = calm.recorded * inputs.wal_kb / 1000
    yield f"{inputs.cells * inputs.stores:,} stores in {inputs.cells} cells, {calm.recorded * inputs.cells:,} sales; of each cell:"
    yield (
        f"a calm day: from record to order p50 {_s(calm.lags, 0.5)}, p99 {_s(calm.lags, 0.99)}; "
        f"at most {calm.peak_rate:.1f} orders a second, {calm.peak_waiting:,} waiting"
    )
    yield (
        f"PostgreSQL: {(calm.peak_rate * inputs.postgresql_ms / 1000 + inputs.postgresql_idle):.3f} cores at the peak, "
        f"{wal_mb:,.0f} MB of WAL a day"
    )
    yield (
        f"an outage of {inputs.outage_s / 3600:g} h at {inputs.outage_at_s // 3600}:00 of {inputs.outage_share:.0%} of the stores: "
        f"{day.peak_waiting:,} sales waited; {day.healed_99_s / 60:.1f} min after its end 99 % of the stores had caught up, "
        f"after {day.healed_all_s / 60:.1f} min all"
    )
    yield (
        f"meanwhile at most {day.peak_rate:.0f} orders a second, "
        f"{(day.peak_rate * inputs.postgresql_ms / 1000 + inputs.postgresql_idle):.2f} cores of PostgreSQL; "
        f"sales that the outage did not touch: p99 {_s(day.lags, 0.99)}"
    )


def main() -> None:
    """Simulate, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=Inputs.workers)
    parser.add_argument("--sales", type=float, default=Inputs.sales)
    parser.add_argument("--share", type=float, default=Inputs.outage_share)
    parser.add_argument("--seed", type=int, default=1)
    words = parser.parse_args()
    inputs = Inputs(workers=words.workers, sales=words.sales, outage_share=words.share)
    calm = simulate(replace(inputs, outage_s=0), words.seed)
    for line in report(inputs, simulate(inputs, words.seed), calm):
        print(line)


if __name__ == "__main__":
    main()
