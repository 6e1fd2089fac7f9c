"""PostgreSQL fails over to a standby that has not heard of the last commits: what was sent then is found and not sent again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet.cells import Cell, running_cell, until
from tests.fleet.test_fleet import arrived, drop
from tests.replicas import Replicated, replicated

pytestmark = pytest.mark.postgresql


@pytest.fixture
def servers() -> Iterator[Replicated]:
    with replicated() as both:
        yield both


@pytest.fixture
def cell(tmp_path: Path, servers: Replicated) -> Iterator[Cell]:
    with running_cell(tmp_path, 6, "--latency-ms", "300", database=servers.url) as made:
        yield made


def test_commits_that_a_fail_over_loses_make_no_second_order(cell: Cell, servers: Replicated) -> None:
    workers = cell.start(2)
    keys = drop(cell, 6, 60)
    until(lambda: sum(cell.states().values()) == len(keys), "not every sale was recorded")
    until(servers.caught_up, "the standby lags")
    before = cell.orders()
    servers.cut_replication()
    late = {"kind": "late_commit", "method": "POST", "probability": 0.5, "seconds": 6.0}  # within twice ``settle``
    cell.control("faults", {"seed": 1, "faults": [late]})
    until(lambda: cell.orders() >= before + 30, "nothing was sent without the standby")
    sent = cell.orders()
    servers.fail_over()
    cell.control("faults", {"faults": []})
    until(lambda: sum(cell.states().values()) == len(keys), "the standby does not answer")
    assert cell.states().get("synced", 0) < sent, "no commit was lost: this shows nothing"
    arrived(cell, keys, longest_s=400)  # two rests and three sweeps, on a busy machine
    assert all(worker.process.poll() is None for worker in workers)
    assert any(worker.events("ledger_server_changed") for worker in workers)
