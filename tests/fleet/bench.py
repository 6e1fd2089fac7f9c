"""What a fleet does on this machine, as figures of one run; each part takes a few minutes.

python -m tests.fleet.bench fair          # a quiet store beside one with thousands of sales: seconds from record to order
python -m tests.fleet.bench lost          # a wake-up that is lost on purpose: seconds until the sweep finds it
python -m tests.fleet.bench hands         # a store that changes hands a hundred times: answers of 429
python -m tests.fleet.bench large         # 10,000 stores in one worker: seconds to load, memory, idle, the sweep
python -m tests.fleet.bench many          # one worker and four on the same sales, and what a sale costs PostgreSQL
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median, quantiles

import psutil

from syncd import logs
from syncd.app import open_foundation
from syncd.config import load
from syncd.testing.orders import sale
from tests.fleet.cells import HOOK, Cell, running_cell, until
from tests.fleet.test_handover import QUOTA, WHOLE, change_hands

_MINUTES = 540.0


def lags(cell: Cell, store: str) -> list[float]:
    """Seconds from record to order of each sale of a store."""
    query = "select (synced_at - recorded_at) / 1e6 from sales where store = %s and synced_at is not null"
    with cell.database() as connection:
        return [float(row[0]) for row in connection.execute(query, (store,)).fetchall()]


def fair(folder: Path) -> bool:
    """A quiet store beside one that never comes to an end, with room for one of them at a time: one worker."""
    with running_cell(folder, 1, "--latency-ms", "20") as cell:
        cell.add(2, text=HOOK)
        cell.drop(1, "years", [sale(source="ts1", sale_id=f"y{n}") for n in range(20_000)])
        (worker,) = cell.start(1)
        until(lambda: cell.orders() > 100)
        for n in range(60):
            cell.deliver(worker, "ts2", f"q{n}")
            time.sleep(1)
        until(lambda: len(lags(cell, "s2")) == 60)
        found, busy = lags(cell, "s2"), cell.orders() - 60
    p50, p95 = median(found), quantiles(found, n=20)[-1]
    print(
        f"fair: 60 sales of a quiet store while {busy:,} of another went out: p50 {p50:.2f} s, p95 {p95:.2f} s (bound 2 s)"
    )
    return p95 <= 2


def lost(folder: Path) -> bool:
    """Every push job is deleted as soon as it is there, until the sweep's own is let through."""
    with running_cell(folder, 1) as cell:
        cell.add(2, text=HOOK)
        workers = cell.start(2)
        cell.deliver(workers[0], "ts2", "warm")
        until(lambda: len(lags(cell, "s2")) == 1)
        found = []
        for n in range(6):
            ended = threading.Event()
            thread = threading.Thread(target=_delete_until, args=(cell, ended))
            cell.jobs("alter table procrastinate_jobs disable trigger all")  # no worker is told of a new job
            thread.start()
            cell.deliver(workers[n % 2], "ts2", f"lost{n}")
            time.sleep(1)
            ended.set()
            thread.join()
            cell.jobs("alter table procrastinate_jobs enable trigger all")
            until(lambda n=n: len(lags(cell, "s2")) == n + 2)  # type: ignore[misc]
            found.append(max(lags(cell, "s2")))
    print(f"lost: six wake-ups deleted: the longest was found after {max(found):.1f} s (bound 20 s)")
    return max(found) <= 20


def _delete_until(cell: Cell, ended: threading.Event) -> None:
    while not ended.is_set():
        cell.jobs("delete from procrastinate_jobs where task_name = 'push'")


def hands(folder: Path) -> bool:
    """A store that changes hands a hundred times, with all of its quota ours."""
    with running_cell(folder, 1, *QUOTA, store_defaults=WHOLE) as cell:
        os.environ["FLOW_TOKEN"] = cell.token
        logs.setup("json", "warning")
        store, fullest = change_hands(cell)
    print(
        f"hands: {store['orders']} orders while the store changed hands 100 times: {store['throttled']} times 429 (bound 0), "
        f"at most {fullest} of the 30 requests of a window"
    )
    return bool(store["throttled"] == 0)


def large(folder: Path, stores: int = 10_000) -> bool:
    """So many stores with webhooks in one worker."""
    with running_cell(folder, 1) as cell:
        for number in range(1, stores + 1):
            cell.add(number, text=HOOK)
        begun = time.monotonic()
        (worker,) = cell.start(1)
        loaded = time.monotonic() - begun
        process = psutil.Process(worker.process.pid)
        time.sleep(40)
        before, server = _cpu([process]), _postgresql()
        time.sleep(40)
        idle = (_cpu([process]) - before) / 40 * 100
        serving = sum(value - server.get(pid, value) for pid, value in _postgresql().items()) / 40 * 100
        with cell.database() as connection:
            query = (
                "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            )
            (sessions,) = connection.execute(query).fetchone() or (0,)
        _fill(cell, stores, 60)
        sweeps = [_timed(lambda: cell.run("fleet", "status", "--json")) for _ in range(2)]
        took = _sweep_ms(cell)
        memory = process.memory_info().rss / 1e6
    print(
        f"large: {stores:,} stores: the first job {loaded:.1f} s after the start (bound 8), {memory:.0f} MB (300), "
        f"idle {idle:.1f} % of a core (5) and {serving:.1f} % in PostgreSQL, {sessions} sessions; "
        f"the sweep's query over {stores * 60:,} sales {took:.0f} ms (200); fleet status {min(sweeps):.1f} s"
    )
    return loaded <= 8 and memory <= 300 and idle <= 5 and took <= 200


def _fill(cell: Cell, stores: int, each: int) -> None:
    """Synced sales, as a ledger has them after some time, written straight into the table; none is due."""
    with cell.database() as connection:
        connection.execute(
            """
            insert into sales (sale_key, source, store, lane, state, fingerprint, placed_at, recorded_at, changed_at, synced_at,
                tries, why, cure, currency, total_inc_tax, total_tax, order_id, told, unclean, history)
            select 'ts' || s || ':' || n, 'ts' || s, 's' || s, 'live', 'synced', '1f', n, n, n, n,
                1, '', '', 'USD', '10.80', '0.80', n, '1f', 0, 0
            from generate_series(1, %s::int) s, generate_series(1, %s::int) n
            """,
            (stores, each),
        )
        connection.execute("analyze sales")


def _sweep_ms(cell: Cell) -> float:
    """One in ten stores has a sale that waits; the query of the sweep, by the database's own clock."""
    with cell.database() as connection:
        connection.execute(
            "update sales set state = 'pending', next_attempt_at = 1 where order_id = 60 and store like '%%7'"
        )
    with open_foundation(load(cell.config, secrets=False)) as foundation:
        foundation.ledger.turns.due_stores()
        return min(_timed(foundation.ledger.turns.due_stores) for _ in range(3)) * 1000


def _timed(work: Callable[[], object]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def _cpu(processes: Sequence[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def _postgresql() -> dict[int, float]:
    """CPU seconds of each process of the server."""
    found = {}
    for process in psutil.process_iter(["name"]):
        if process.info["name"].startswith("postgres"):
            try:
                found[process.pid] = sum(process.cpu_times()[:2])
            except psutil.Error:
                continue
    return found


def many(folder: Path) -> bool:
    """The same sales by one worker, by four, and again by one and by four."""
    rates: dict[int, list[float]] = {1: [], 4: []}
    costs = []
    for turn, workers in enumerate((1, 4, 1, 4)):
        rate, cpu_ms, wal_kb, requests_each = _drain(folder / str(turn), workers)
        rates[workers].append(rate)
        costs.append((cpu_ms, wal_kb))
        print(
            f"  {workers} workers: {rate:.0f} orders a second, PostgreSQL {cpu_ms:.2f} ms of CPU, {wal_kb:.1f} KB of WAL a sale; "
            f"{requests_each:.2f} requests to the store a sale"
        )
    ratio = median(rates[4]) / median(rates[1])
    cpu, wal = (median(one) for one in zip(*costs, strict=True))
    print(
        f"many: four workers push {ratio:.2f} times what one does (bound 1); PostgreSQL {cpu:.2f} ms (1.2), {wal:.1f} KB (5) a sale"
    )
    return ratio >= 1 and cpu <= 1.2 and wal <= 5


def _drain(folder: Path, workers: int, stores: int = 40, each: int = 40) -> tuple[float, float, float, float]:
    """Orders a second, CPU milliseconds and kilobytes of WAL of PostgreSQL a sale, requests a sale; all recorded before."""
    folder.mkdir()
    with running_cell(folder, stores) as cell:
        text = cell.config.read_text().replace('every = "1s"', 'every = "60s"')
        for name in (
            "settle",
            "intent_life",
            "connect_timeout",
            "deadline",
        ):  # those of a shop, not those of a quick test
            text = re.sub(rf"^{name} = .*\n", "", text, flags=re.MULTILINE)
        cell.config.write_text(text)
        for number in range(1, stores + 1):
            cell.drop(number, "a", [sale(source=f"ts{number}", sale_id=f"a{n}") for n in range(each)])
        os.environ["FLOW_TOKEN"] = cell.token
        with open_foundation(load(cell.config, secrets=False)) as foundation:
            logs.setup("json", "warning")
            for till in foundation.build(load(cell.config, secrets=False)).tills.values():
                till.poll(threading.Event())
        cell.start(workers)
        wal, cpu, before = _wal(cell), _postgresql(), cell.orders()
        until(lambda: cell.orders() > before, longest_s=_MINUTES)
        begun, before = time.monotonic(), cell.orders()
        until(lambda: cell.orders() >= stores * each, longest_s=_MINUTES)
        seconds = time.monotonic() - begun
        until(lambda: cell.states() == {"synced": stores * each})
        spent = sum(value - cpu.get(pid, 0.0) for pid, value in _postgresql().items())
        done = stores * each
        asked = sum(one["requests"] for one in cell.stores().values()) / done
        return (done - before) / seconds, spent / done * 1000, (_wal(cell) - wal) / done / 1000, asked


def _wal(cell: Cell) -> int:
    with cell.database() as connection:
        row = connection.execute("select pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone()
        return int(row[0]) if row else 0


PARTS = {"fair": fair, "lost": lost, "hands": hands, "large": large, "many": many}


def main() -> None:
    """Run the parts that are named, all where none is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=list(PARTS))
    good = True
    for name in parser.parse_args().parts:
        with tempfile.TemporaryDirectory() as folder:
            good &= PARTS[name](Path(folder))
    sys.exit(not good)


if __name__ == "__main__":
    main()
