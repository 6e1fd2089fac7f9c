"""A rolling upgrade: the old and the new version beside each other on one ledger, under load."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.ledger import upgrade
from tests.fleet.cells import Cell, running_cell, until
from tests.fleet.next_version import NEXT
from tests.fleet.test_fleet import arrived, drop

pytestmark = pytest.mark.postgresql
_ROOT = Path(__file__).resolve().parents[2]
_NEXT = "tests.fleet.next_version"


@pytest.fixture
def cell(tmp_path: Path) -> Iterator[Cell]:
    with running_cell(tmp_path, 6, "--latency-ms", "20") as made:
        yield made


def of_next_version(cell: Cell, *words: str, oldest: str = upgrade.HEAD) -> subprocess.CompletedProcess[str]:
    """Run a command of the next version to its end."""
    env = {**cell.env, "PYTHONPATH": str(_ROOT), "NEXT_OLDEST": oldest}
    command = [sys.executable, "-m", _NEXT, *words]
    return subprocess.run(command, env=env, cwd=cell.folder, capture_output=True, text=True, timeout=60, check=False)


def schema(cell: Cell) -> str:
    with cell.database() as connection:
        (found,) = connection.execute("select version_num from alembic_version").fetchone() or ("",)
    return str(found)


def test_both_versions_work_beside_each_other_and_no_sale_is_lost_or_sent_twice(cell: Cell) -> None:
    cell.control("faults", {"faults": [{"kind": "drop_after_commit", "method": "POST", "probability": 0.05}]})
    old = cell.start(2)
    keys = drop(cell, 6, 60)
    until(lambda: cell.orders() > 30)
    done = of_next_version(cell, "fleet", "migrate")
    assert done.returncode == 0, done.stderr
    assert schema(cell) == NEXT
    cell.module = _NEXT
    new = cell.start(1)
    both = cell.orders()
    keys |= drop(cell, 6, 20, "beside")
    until(lambda: cell.orders() > both + 60)
    assert all(worker.process.poll() is None for worker in [*old, *new])
    old[0].process.terminate()
    assert old[0].process.wait(60) == 0
    old[1].kill()
    cell.workers.remove(old[1])
    keys |= drop(cell, 6, 5, "after")
    arrived(cell, keys)


def test_the_old_versions_commands_go_on_too(cell: Cell) -> None:
    cell.start(1)
    assert of_next_version(cell, "fleet", "migrate").returncode == 0
    assert cell.run("fleet", "status").code == 0
    assert cell.run("status").code in (0, 1)
    assert cell.run("fleet", "migrate").code == 0
    assert schema(cell) == NEXT, "an older version never goes back"
    assert cell.start(1), "an old worker that is started again, on a machine that was not upgraded yet"


def test_workers_that_the_new_schema_leaves_behind_end_by_themselves(cell: Cell) -> None:
    (worker,) = cell.start(1)
    assert of_next_version(cell, "fleet", "migrate", oldest=NEXT).returncode == 0
    until(lambda: worker.process.poll() == 0, "it went on with tables that it does not know")
    assert worker.events("worker_outdated")
    done = cell.run("fleet", "worker")
    assert done.code == 4
    assert f"has schema {NEXT}" in done.err


def test_a_worker_of_the_new_version_upgrades_nothing_by_itself(cell: Cell) -> None:
    before = schema(cell)
    for command in ("worker", "status"):
        done = of_next_version(cell, "fleet", command)
        assert done.returncode == 4
        assert "syncd fleet migrate" in done.stderr
    assert schema(cell) == before


def test_an_upgrade_waits_for_a_long_report_without_holding_the_workers_up(cell: Cell) -> None:
    """An ``alter table`` that waits for a reader makes everybody wait who comes after it; ours gives way and comes back."""
    cell.start(1)
    env = {**os.environ, **cell.env, "PYTHONPATH": str(_ROOT)}
    with cell.database() as report:
        report.execute("begin")
        report.execute("select count(*) from sales")
        migration = subprocess.Popen([sys.executable, "-m", _NEXT, "fleet", "migrate"], env=env, cwd=cell.folder)
        until(lambda: _waits_for_a_table(cell), "the upgrade did not wait for the report")
        keys = drop(cell, 6, 10)
        arrived(cell, keys)
        assert migration.poll() is None
        report.execute("rollback")
    assert migration.wait(60) == 0
    assert schema(cell) == NEXT


def test_an_upgrade_that_the_server_ends_for_a_deadlock_is_tried_again(cell: Cell) -> None:
    """A worker takes ``attempts`` and then ``sales``, the upgrade the other way round; the server ends the one or the other."""
    env = {**os.environ, **cell.env, "PYTHONPATH": str(_ROOT)}
    with cell.database() as worker:
        worker.execute("set deadlock_timeout = '20s'")  # so that it is the upgrade that finds the circle, and is ended
        worker.execute("begin")
        worker.execute("select count(*) from attempts")
        migration = subprocess.Popen([sys.executable, "-m", _NEXT, "fleet", "migrate"], env=env, cwd=cell.folder)
        until(lambda: _waits_for_a_table(cell), "the upgrade did not wait for the worker")
        worker.execute("select count(*) from sales")
        worker.execute("rollback")
    assert migration.wait(60) == 0
    assert schema(cell) == NEXT


def _waits_for_a_table(cell: Cell) -> bool:
    query = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query ilike 'alter table%'"
    with cell.database() as connection:
        return bool(connection.execute(query).fetchone() != (0,))
