"""Push rate of syncd, ledger durable, beside a bare ``requests.Session().post(json=)`` loop against the same server.

Rounds are interleaved (A/B/A/B); the figure is the median of the rounds' ratios. Run it with ``make bench``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import requests

from syncd import logs
from syncd.app import open_app
from syncd.cli import loading
from syncd.config import load
from syncd.mapping.create import map_create
from syncd.mapping.model import Mapped, Matches
from syncd.mapping.rules import Rules
from syncd.testing.orders import sale
from tests.shop import CONFIG, Store, running_sandbox

SOURCE = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n'


def fdatasync_ms(folder: Path) -> float:
    """The median time of one fdatasync here, for whoever compares machines."""
    times = []
    with (folder / "probe").open("wb") as file:
        for _ in range(50):
            file.write(b"x" * 4096)
            file.flush()
            begin = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1000


class Rate(NamedTuple):
    """What a round came to: orders a second, and the processor time of this process an order, in milliseconds."""

    orders_a_second: float
    cpu_ms: float


def syncd_round(  # noqa: PLR0917  what is pushed, where, and how
    folder: Path, store: Store, number: int, count: int, threads: int, ledger: str = "sqlite:///ledger.db"
) -> Rate:
    """From the first claim to the last durable outcome; recording is not counted. ``ledger``: the round's own, or another."""
    store.control(
        "reset", {}
    )  # else a later round would also measure the catch-up with the orders of the rounds before
    home = folder / f"round{number}"
    (home / "inbox").mkdir(parents=True)
    text = CONFIG.format(
        ledger=ledger,
        store_hash=store.store_hash,
        url=store.url,
        store=f"threads = {threads}\nquota_share = 1.0",
        sources=SOURCE,
    )
    (home / "syncd.toml").write_text(text)
    lines = [sale(sale_id=f"b{number}-{n}", source="till").to_json() for n in range(count)]
    (home / "inbox" / "sales.jsonl").write_text("\n".join(lines) + "\n")
    with open_app(load(home / "syncd.toml")) as app:
        stop = threading.Event()
        app.tills["till"].poll(stop)
        with app.stores["main"].leased() as lease:
            app.stores["main"].matcher.gather([sale()])
            app.stores["main"].catch_up.once(lease)  # what a start asks for once is no part of a rate
            begin, spent = time.perf_counter(), time.process_time()
            report = app.stores["main"].push(lease, stop)
            took, spent = time.perf_counter() - begin, time.process_time() - spent
        assert report.states["synced"] == count, report
    return Rate(count / took, spent / count * 1000)


def bare_round(store: Store, number: int, count: int, threads: int) -> Rate:
    """The same bodies, posted as people write it: one Session a thread, no ledger, no look at the answer's meaning."""
    rules = _rules(store)
    bodies = []
    for n in range(count):
        mapped = map_create(sale(sale_id=f"bare{number}-{n}", source="till"), Matches(), rules)
        assert isinstance(mapped, Mapped)
        bodies.append(mapped.payload)
    local = threading.local()
    url = f"{store.url}/stores/{store.store_hash}/v2/orders"

    def post(body: object) -> None:
        if not hasattr(local, "session"):
            local.session = requests.Session()
            local.session.headers.update({"X-Auth-Token": store.token, "Accept": "application/json"})
        answer = local.session.post(url, json=body, timeout=30)
        answer.raise_for_status()
        answer.json()

    with ThreadPoolExecutor(threads) as pool:
        begin, spent = time.perf_counter(), time.process_time()
        list(pool.map(post, bodies))
        return Rate(count / (time.perf_counter() - begin), (time.process_time() - spent) / count * 1000)


def _rules(store: Store) -> Rules:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "syncd.toml"
        path.write_text(
            CONFIG.format(ledger="sqlite:///x.db", store_hash=store.store_hash, url=store.url, store="", sources=SOURCE)
        )
        return load(path).stores["main"].rules


def main() -> None:
    """Print the rates of every round and the median ratio."""
    loading.done()  # the collector as commands have it
    logs.setup("json", "warning")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--latency-ms", type=int, default=0)
    options = parser.parse_args()
    sandbox = running_sandbox("--latency-ms", str(options.latency_ms))
    with sandbox as (process, store), tempfile.TemporaryDirectory() as folder:
        os.environ["FLOW_TOKEN"] = store.token
        if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
            os.sched_setaffinity(process.pid, {1})
            os.sched_setaffinity(0, {0})
        ratios = run_rounds(Path(folder), store, options)
    print(
        f"median ratio syncd / bare: {statistics.median(ratios):.2f}  (each round: {', '.join(f'{r:.2f}' for r in ratios)})"
    )


def run_rounds(folder: Path, store: Store, options: argparse.Namespace) -> list[float]:
    """One ratio a round, interleaved."""
    print(f"fdatasync p50 {fdatasync_ms(folder):.3f} ms, {options.threads} threads, {options.orders} orders a round")
    rounds: list[tuple[str, Callable[[int], Rate]]] = [
        ("syncd", lambda n: syncd_round(folder, store, n, options.orders, options.threads)),
        ("bare", lambda n: bare_round(store, n, options.orders, options.threads)),
    ]
    ratios = []
    for number in range(options.rounds):
        rates = {name: run(number) for name, run in rounds}
        ours, bare = rates["syncd"], rates["bare"]
        ratios.append(ours.orders_a_second / bare.orders_a_second)
        print(
            f"round {number + 1}: syncd {ours.orders_a_second:.0f}/s and {ours.cpu_ms:.2f} ms CPU an order, bare loop "
            f"{bare.orders_a_second:.0f}/s and {bare.cpu_ms:.2f} ms, ratio {ratios[-1]:.2f}"
        )
    return ratios


if __name__ == "__main__":
    main()
