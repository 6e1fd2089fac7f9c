"""What a ledger of a million sales costs beside an empty one: the push rate, ``status``, and a daemon that has nothing to do.

Rounds are interleaved, and the push ratio is the median of theirs. The daemon's figures are those of /proc: its largest memory, and
the processor time that it takes while nothing happens. Run it with ``make bench``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import create_engine, text

from syncd import logs
from syncd.ledger import Ledger
from syncd.testing.clocks import ManualClock
from tests.bench import figures
from tests.bench.plain_rates import SOURCE
from tests.bench.push_rate import syncd_round
from tests.bench.start_up import took
from tests.deciders import DECIDER
from tests.ledger.test_plans import fill
from tests.shop import CONFIG, Store, running_sandbox

_FIRST_WALKS_S = 15  # a daemon that has just started looks at everything once


def filled(file: Path, sales: int) -> str:
    """The URL of a ledger with so many synced sales, none of them due."""
    url = f"sqlite:///{file}"
    Ledger.open(url, ManualClock(), DECIDER).close()
    engine = create_engine(url)
    with engine.begin() as connection:
        fill(connection, sales)
        connection.execute(
            text("update sales set state = 'synced', synced_at = placed_at where state in ('pending', 'unknown')")
        )
        for other in ("known_orders", "catalog"):  # of a store that there is not
            connection.execute(text(f"delete from {other}"))
    engine.dispose()
    return url


def push_ratio(folder: Path, store: Store, url: str, orders: int, rounds: int) -> float:
    """How fast it pushes with the large ledger, in parts of how fast with one of the round's own."""
    ratios = []
    for number in range(rounds):
        empty = syncd_round(folder, store, 2 * number, orders, 8).orders_a_second
        large = syncd_round(folder, store, 2 * number + 1, orders, 8, url).orders_a_second
        ratios.append(large / empty)
        print(f"round {number + 1}: empty {empty:.0f}/s, large {large:.0f}/s, ratio {ratios[-1]:.2f}")
    return statistics.median(ratios)


def idle(config: Path, seconds: float) -> tuple[float, float]:
    """A daemon's largest memory (MB), and what part of a core it takes while nothing happens (percent)."""
    env = {**os.environ, "SYNCD_CONFIG": str(config)}
    words = [sys.executable, "-m", "syncd", "run"]
    with subprocess.Popen(words, env=env, cwd=config.parent, stderr=subprocess.DEVNULL) as daemon:
        try:
            time.sleep(_FIRST_WALKS_S)
            before = _cpu_s(daemon.pid)
            time.sleep(seconds)
            used = (_cpu_s(daemon.pid) - before) / seconds * 100
            peak = next(
                line for line in Path(f"/proc/{daemon.pid}/status").read_text().splitlines() if line.startswith("VmHWM")
            )
            return int(peak.split()[1]) / 1024, used
        finally:
            daemon.terminate()


def _cpu_s(pid: int) -> float:
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Print the figures of one run."""
    logs.setup("json", "warning")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sales", type=int, default=1_000_000)
    parser.add_argument("--orders", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--idle-s", type=float, default=120)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, running_sandbox() as (_, store):
        folder = Path(name)
        os.environ["FLOW_TOKEN"] = store.token
        begin = time.monotonic()
        url = filled(folder / "large.db", options.sales)
        size = (folder / "large.db").stat().st_size / 1e6
        print(f"{options.sales:,} sales, {size:.0f} MB, filled in {time.monotonic() - begin:.0f} s")
        ratio = push_ratio(folder, store, url, options.orders, options.rounds)
        print(f"median ratio large / empty: {ratio:.2f}")
        figures.note("push_large", ratio)
        figures.note("bytes_a_sale", size * 1e6 / options.sales)
        text_of = CONFIG.format(ledger=url, store_hash=store.store_hash, url=store.url, store="", sources=SOURCE)
        (folder / "inbox").mkdir()
        (folder / "syncd.toml").write_text(text_of.replace('settle = "4s"', 'settle = "60s"'))  # as it is by default
        syncd = [sys.executable, "-m", "syncd"]
        took([*syncd, "sync", "--limit", "0"], folder, 1)
        large = took([*syncd, "status"], folder, 5)
        bare = took([sys.executable, "-c", "pass"], folder, 5)
        print(f"syncd status: {large:.2f} s, {large / bare:.0f} times a bare interpreter")
        memory, cpu = idle(folder / "syncd.toml", options.idle_s)
        print(f"an idle daemon: {memory:.0f} MB at most, {cpu:.2f} % of a core over {options.idle_s:g} s")


if __name__ == "__main__":
    main()
