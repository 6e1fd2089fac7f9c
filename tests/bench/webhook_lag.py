"""From a till's webhook to the order: a daemon, Square's double, the sandbox. Run: python -m tests.bench.webhook_lag."""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.doubles.square import SquareDouble
from tests.service.test_intake import _PUSH, _SQUARE, _URL, _notify, running
from tests.shop import running_sandbox


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("--sales", type=int, default=100)
    many = words.parse_args().sales
    lags = []
    with (
        tempfile.TemporaryDirectory() as folder,
        running_sandbox() as (_, store),
        SquareDouble() as square,
        pytest.MonkeyPatch.context() as patch,
    ):
        sources = _PUSH.partition("[sources")[0] + _SQUARE.format(url=square.url, notify=_URL)
        with running(Path(folder), store, sources, patch) as daemon:
            for number in range(1, many + 1):
                square.clock.jump((datetime.now(UTC) - square.clock.now()).total_seconds() - 1)
                (key,) = square.sell(1)
                begun = time.monotonic()
                _notify(daemon, key)
                while store.stats()["orders"] < number:
                    time.sleep(0.005)
                lags.append(time.monotonic() - begun)
    lags.sort()
    print(
        f"{many} webhooks, each an order: median {statistics.median(lags):.3f} s,"
        f" 95th percentile {lags[int(0.95 * many) - 1]:.3f} s, longest {lags[-1]:.3f} s"
    )


if __name__ == "__main__":
    main()
