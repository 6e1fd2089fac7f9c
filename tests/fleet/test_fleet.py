"""A fleet as its operators see it: equal workers, killed and drained, a queue that is tampered with, a config that changes."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from syncd.fleet.queue import polls_of, queue_schema
from syncd.testing.orders import sale
from tests.databases import shut_out
from tests.fleet.cells import HOOK, STORE, Cell, running_cell, until

pytestmark = pytest.mark.postgresql


@pytest.fixture
def cell(tmp_path: Path) -> Iterator[Cell]:
    with running_cell(tmp_path, 6) as made:
        yield made


def drop(cell: Cell, stores: int, each: int, tag: str = "a") -> set[str]:
    """Sales for each of the first stores; their keys."""
    keys = set()
    for number in range(1, stores + 1):
        sales = [sale(source=f"ts{number}", sale_id=f"{tag}-{n}") for n in range(each)]
        cell.drop(number, tag, sales)
        keys |= {one.sale_key for one in sales}
    return keys


def arrived(cell: Cell, keys: set[str], longest_s: float = 180.0) -> None:
    """Wait until every sale has its order, and no sale two."""
    until(lambda: cell.orders() >= len(keys), "not every sale became an order", longest_s)
    until(lambda: set(cell.states()) == {"synced"}, "not every sale was settled", longest_s)
    created = cell.created()
    assert len(created) == len(set(created)), "a sale has two orders"
    assert set(created) == keys


def test_equal_workers_carry_every_sale_once(cell: Cell) -> None:
    cell.start(2)
    arrived(cell, drop(cell, 6, 10))
    status = cell.run("fleet", "status", "--json").json
    assert len(status["workers"]) == 2
    assert status["stores"] == 6
    assert status["sales"] == {"synced": 60}
    assert status["due_stores"] == 0
    assert cell.run("fleet", "status").code == 0


def test_a_worker_that_is_killed_loses_nothing_and_sends_nothing_twice(cell: Cell) -> None:
    cell.control("faults", {"faults": [{"kind": "drop_after_commit", "method": "POST", "probability": 0.1}]})
    first, _ = cell.start(2)
    keys = drop(cell, 6, 20)
    until(lambda: cell.orders() > 20)
    first.kill()
    cell.workers.remove(first)
    arrived(cell, keys)


def test_all_workers_may_die_and_the_next_one_goes_on(cell: Cell) -> None:
    workers = cell.start(2)
    keys = drop(cell, 6, 20)
    until(lambda: cell.orders() > 10)
    for worker in workers:
        worker.kill()
        cell.workers.remove(worker)
    cell.start(1)
    arrived(cell, keys)


def test_a_database_that_ends_every_session_only_delays(cell: Cell) -> None:
    cell.start(2)
    keys = drop(cell, 6, 20)
    until(lambda: cell.orders() > 10)
    with shut_out(cell.url):
        pass
    arrived(cell, keys)
    assert all(worker.process.poll() is None for worker in cell.workers)
    keys |= drop(cell, 6, 5, "later")
    arrived(cell, keys)


TAMPERED = {
    "deleted": "delete from procrastinate_jobs",
    "failed": "update procrastinate_jobs set status = 'failed' where status in ('todo', 'doing')",
    "stuck": "update procrastinate_jobs set status = 'doing', worker_id = null where status = 'todo'",
    "delayed": "update procrastinate_jobs set scheduled_at = now() + interval '1 day' where status = 'todo'",
    "moved": "update procrastinate_jobs set queue_name = 'elsewhere' where status = 'todo'",
    "over": "update procrastinate_jobs set status = 'cancelled' where status = 'todo'",
    "never timed": "delete from procrastinate_periodic_defers; delete from procrastinate_jobs where queue_name = 'control'",
    "tick killed": (
        "update procrastinate_jobs set status = 'doing', worker_id = null where queue_name = 'control'; "
        "update procrastinate_workers set last_heartbeat = now() - interval '1 hour'"
    ),
    "doubled": (
        "insert into procrastinate_jobs (queue_name, task_name, args) "
        "select 'push', 'push', jsonb_build_object('store', 's' || n) from generate_series(1, 6) n, generate_series(1, 5)"
    ),
    "poisoned": (
        "insert into procrastinate_jobs (queue_name, task_name, args) values "
        "('push', 'push', '{\"store\": \"nowhere\"}'), ('push', 'push', '{}'), ('push', 'push', '{\"shop\": [1, 2]}'), "
        "('push', 'no such task', '{}'), ('poll', 'backfill', '{\"source\": \"nowhere\"}'), ('control', 'tick', '{\"x\": 1}')"
    ),
}


@pytest.mark.parametrize("statement", TAMPERED.values(), ids=TAMPERED)
def test_jobs_are_hints_and_whatever_becomes_of_them_every_sale_arrives_once(cell: Cell, statement: str) -> None:
    cell.start(2)
    keys = drop(cell, 6, 5)
    for _ in range(20):
        cell.jobs(statement)
    arrived(cell, keys)
    assert all(worker.process.poll() is None for worker in cell.workers)


def test_a_wake_up_that_was_lost_is_found_by_the_sweep(cell: Cell) -> None:
    """Sales that are in the ledger and that no job is about."""
    cell.start(1)
    with cell.database() as connection:
        connection.execute("select 1")
    keys = drop(cell, 1, 3)
    until(lambda: sum(cell.states().values()) == 3)
    for _ in range(10):
        cell.jobs("delete from procrastinate_jobs where task_name = 'push'")
    arrived(cell, keys)


def test_a_worker_drains_on_its_signal_and_on_demand(cell: Cell) -> None:
    first, second = cell.start(2)
    drop(cell, 6, 10)
    first.process.terminate()
    assert first.process.wait(60) == 0
    assert first.events("worker_stopped")
    host = cell.run("fleet", "status", "--json").json["workers"][0]["host"]
    assert cell.run("fleet", "drain", "no-such-host").code == 2
    assert cell.run("fleet", "drain", host).code == 0
    until(lambda: second.process.poll() == 0, "it did not drain")
    assert "sending" not in cell.states(), "a worker that drains leaves nothing on the wire"
    cell.start(1)
    until(lambda: cell.orders() == 60)


def test_files_of_the_config_are_taken_up_by_every_worker(cell: Cell) -> None:
    cell.start(2)
    cell.configure(6)
    path = cell.add(2, "quota_share = 7")
    cell.add(1, 'external_source = "Northern till"')
    until(lambda: all(worker.events("left_out") for worker in cell.workers), "a bad file was not named")
    keys = drop(cell, 1, 2)
    until(lambda: cell.orders() == 2)
    with cell.database() as connection:
        rows = connection.execute("select count(*) from source_turns where source = 'ts2'").fetchone()
    assert rows == (0,), "a store that is left out is not polled"
    path.write_text(STORE.format(name="s2", number=2, more=""))
    cell.drop(2, "mended", [sale(source="ts2", sale_id="m1")])
    arrived(cell, keys | {"ts2:m1"})


def test_a_webhook_is_taken_by_any_worker_and_pushed_at_once(cell: Cell) -> None:
    cell.add(6, text=HOOK)
    workers = cell.start(2)
    for number, worker in enumerate(workers):
        cell.deliver(worker, "ts6", f"h{number}")
    arrived(cell, {"ts6:h0", "ts6:h1"})
    assert requests.post(f"{workers[0].address}/intake/nowhere", data="{}", timeout=10).status_code == 404


def test_a_workers_door_says_whether_it_lives_and_is_ready(cell: Cell) -> None:
    (worker,) = cell.start(1)
    address = worker.address
    assert requests.get(f"{address}/healthz", timeout=10).status_code == 200
    until(lambda: requests.get(f"{address}/readyz", timeout=10).status_code == 200)
    drop(cell, 2, 3)
    until(lambda: cell.orders() == 6)
    ended = 'syncd_worker_jobs_total{kind="push"}'
    until(lambda: ended in requests.get(f"{address}/metrics", timeout=10).text)
    text = requests.get(f"{address}/metrics", timeout=10).text
    assert "syncd_oldest_due_seconds" in text
    assert "s1" not in text, "no store is a label"
    with shut_out(cell.url):
        until(lambda: requests.get(f"{address}/readyz", timeout=10).status_code == 503)
        assert requests.get(f"{address}/healthz", timeout=10).status_code == 200, "an outage ends no worker"
    until(lambda: requests.get(f"{address}/readyz", timeout=10).status_code == 200)


def test_a_ledger_that_is_no_postgresql_database_is_refused_in_words(cell: Cell) -> None:
    cell.config.write_text(cell.config.read_text().replace(cell.url, "sqlite:///ledger.db"))
    for command in ("migrate", "worker", "status"):
        done = cell.run("fleet", command)
        assert done.code == 2
        assert "a fleet needs a ledger on PostgreSQL" in done.err


def test_a_source_that_reads_a_folder_must_say_on_which_machine(cell: Cell) -> None:
    cell.add(1, text=STORE.replace('host = "*"', ""))
    done = cell.run("fleet", "worker")
    assert done.code == 2
    assert "sources.ts1" in done.err


def test_a_source_of_one_machine_is_read_there_and_waits_while_that_machine_has_no_worker(cell: Cell) -> None:
    here, elsewhere = (
        platform.node(),
        "a-machine-whose-name-is-longer-than-any-channel-of-postgresql-may-be.example.com",
    )
    cell.add(1, text=STORE.replace('host = "*"', f'host = "{here}"'))
    cell.add(2, text=STORE.replace('host = "*"', f'host = "{elsewhere}"'))
    cell.start(1)
    arrived(cell, drop(cell, 3, 4) - {f"ts2:a-{n}" for n in range(4)})
    until(lambda: _waiting(cell, elsewhere) == 1, "nobody asks for the other machine's source")
    # The source of this machine is asked for again and again, and may wait for a moment too.
    until(lambda: cell.run("fleet", "status", "--json").json["queues"][1]["waiting"] == 1, "the status does not say so")
    assert _waiting(cell, elsewhere) == 1


def _waiting(cell: Cell, host: str) -> int:
    with cell.database() as connection:
        connection.execute(f"set search_path = {queue_schema()}".encode())
        query = "select count(*) from procrastinate_jobs where status = 'todo' and queue_name = %s"
        (number,) = connection.execute(query, (polls_of(host),)).fetchone() or (0,)
    return int(number)


def test_without_its_queue_a_worker_says_what_to_run(cell: Cell) -> None:
    cell.jobs("drop table procrastinate_jobs cascade")
    done = cell.run("fleet", "worker")
    assert done.code == 4
    assert "syncd fleet migrate" in done.err
