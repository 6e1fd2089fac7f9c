"""What a daemon with its page takes while nothing is sold: threads, memory and a share of one core, with one store and with forty.

Every source is polled and the page has been looked at, as in a shop. Run it with ``make bench``; it fails where a bound is crossed.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass

import psutil

from tests.bench import figures
from tests.browser.shops import forty_shops

_PAGES = ("/", "/stores", "/sources", "/sales", "/attention", "/log", "/books", "/backfills")
_SETTLE_S = 10.0


@dataclass(frozen=True, slots=True)
class AtRest:
    """What was measured, or what is allowed at the most: memory in MB, the core in percent."""

    threads: int
    memory: float
    core: float

    def __str__(self) -> str:
        return f"{self.threads} threads, {self.memory:.0f} MB, {self.core:.1f} % of a core"


BOUNDS = {1: AtRest(60, 110.0, 2.0), 40: AtRest(60, 200.0, 2.0)}


def measured(stores: int, seconds: float) -> AtRest:
    """Watch a daemon that has nothing to do for so long."""
    with forty_shops(stores) as (visit, _, process):
        for path in _PAGES:
            assert visit.get(path).status_code == 200
        daemon = psutil.Process(process.pid)
        time.sleep(_SETTLE_S)
        used, begin = sum(daemon.cpu_times()[:2]), time.monotonic()
        time.sleep(seconds)
        core = 100 * (sum(daemon.cpu_times()[:2]) - used) / (time.monotonic() - begin)
        return AtRest(daemon.num_threads(), daemon.memory_info().rss / 1e6, core)


def main() -> None:
    """Measure both, and say where a bound is crossed."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seconds", type=float, default=120.0)
    seconds = words.parse_args().seconds
    over = False
    for stores, most in BOUNDS.items():
        found = measured(stores, seconds)
        figures.note({1: "memory_one", 40: "memory_forty"}[stores], found.memory)
        print(f"{stores} store{'s' * (stores > 1)}: {found}; at most {most}", flush=True)
        over |= found.threads > most.threads or found.memory > most.memory or found.core > most.core
    sys.exit(over)


if __name__ == "__main__":
    main()
