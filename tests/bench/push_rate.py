"""Push rate of syncd, ledger durable, beside a bare ``requests`` loop and a task queue on SQLite, against the same server.

Rounds are interleaved (A/B/A/B); the figure is the median of the rounds' ratios. Run it with ``make bench``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from syncd import logs
from syncd.app import open_app
from syncd.cli import loading
from syncd.config import load
from syncd.testing.orders import sale
from tests.bench import figures
from tests.bench.plain_rates import SOURCE, Rate, bare_round, queue_round
from tests.shop import CONFIG, Store, running_sandbox


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


def main() -> None:
    """Print the rates of every round and the median ratios."""
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
        rounds = run_rounds(Path(folder), store, options)
    _tell("push_far" if options.latency_ms else "push", "bare loop", rounds)
    if not options.latency_ms:
        _tell("push_queue", "queue", rounds)


def _tell(name: str, beside: str, rounds: Sequence[dict[str, Rate]]) -> None:
    ratios = [one["syncd"].orders_a_second / one[beside].orders_a_second for one in rounds]
    median = statistics.median(ratios)
    figures.note(name, median)
    print(f"median ratio syncd / {beside}: {median:.2f}  (each round: {', '.join(f'{one:.2f}' for one in ratios)})")


def run_rounds(folder: Path, store: Store, options: argparse.Namespace) -> list[dict[str, Rate]]:
    """Each way's rate, a round after the other, interleaved."""
    print(f"fdatasync p50 {fdatasync_ms(folder):.3f} ms, {options.threads} threads, {options.orders} orders a round")
    count, threads = options.orders, options.threads
    ways: dict[str, Callable[[int], Rate]] = {
        "syncd": lambda n: syncd_round(folder, store, n, count, threads),
        "bare loop": lambda n: bare_round(store, n, count, threads),
    }
    if not options.latency_ms:
        ways["queue"] = lambda n: queue_round(folder, store, n, count, threads)
    rounds = []
    for number in range(options.rounds):
        rates = {name: run(number) for name, run in ways.items()}
        rounds.append(rates)
        each = (f"{name} {one.orders_a_second:.0f}/s ({one.cpu_ms:.2f} ms CPU an order)" for name, one in rates.items())
        print(f"round {number + 1}: {', '.join(each)}")
    return rounds


if __name__ == "__main__":
    main()
