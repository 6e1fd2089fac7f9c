"""A cell on this machine: its own database, a sandbox of many stores, files of a config, and workers as real processes."""

from __future__ import annotations

import hmac
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import requests
from sqlalchemy import make_url

from syncd.canonical import CanonicalOrder
from syncd.testing.orders import sale
from tests.databases import ledger_url
from tests.forks import run_forked
from tests.shop import ADDRESS as OF_MAIN
from tests.shop import Done, logged, running_sandbox

_LONGEST_S = 180.0
_ROOT = Path(__file__).resolve().parents[2]
ADDRESS = OF_MAIN.replace("stores.main", "store_defaults")
MAIN = """
[ledger]
url = "{ledger}"
[web]
enabled = false
[intake]
listen = "127.0.0.1:0"
[store_defaults]
token = {{ env = "FLOW_TOKEN" }}
api_url = "{url}"
settle = "4s"
intent_life = "1s"
connect_timeout = "1s"
deadline = "1s"
back_off = "100ms"
probe_gap = "200ms"
{store_defaults}
{address}
[source_defaults]
every = "1s"
"""
STORE = """
[stores.{name}]
store_hash = "sandbox{number}"
{more}
[sources.t{name}]
type = "jsonl"
path = "inbox/{name}"
settle = "0s"
host = "*"
"""
HOOK = """
[stores.{name}]
store_hash = "sandbox{number}"
{more}
[sources.t{name}]
type = "push"
secret = {{ env = "FLOW_TOKEN" }}
"""


@dataclass
class Worker:
    """A process of the fleet with its log."""

    process: subprocess.Popen[bytes]
    log: Path

    def events(self, name: str) -> list[dict[str, Any]]:
        return logged(self.log, name)

    def has_connected(self) -> bool:
        """Whether it takes jobs; raises AssertionError where it has ended instead."""
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        return bool(self.events("worker_connected"))

    @property
    def address(self) -> str:
        return self.address_of("intake")

    def address_of(self, what: str) -> str:
        until(lambda: bool(self.events(f"{what}_listens")), "its door did not open")
        return f"http://{self.events(f'{what}_listens')[-1]['address']}"

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


@dataclass
class Cell:
    """What tests do with a cell."""

    folder: Path
    url: str
    sandbox: str
    token: str
    workers: list[Worker] = field(default_factory=list)
    module: str = "syncd"
    started: int = 0

    @property
    def config(self) -> Path:
        return self.folder / "syncd.toml"

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "FLOW_TOKEN": self.token, "SYNCD_CONFIG": str(self.config)}

    def configure(self, stores: int, store_defaults: str = "", more: str = "") -> None:
        (self.folder / "conf.d").mkdir(exist_ok=True)
        text = MAIN.format(ledger=self.url, url=self.sandbox, store_defaults=store_defaults, address=ADDRESS)
        self.config.write_text(text + more, encoding="utf-8")
        for number in range(1, stores + 1):
            self.add(number)

    def add(self, number: int, more: str = "", text: str = STORE) -> Path:
        name = f"s{number}"
        (self.folder / "inbox" / name).mkdir(parents=True, exist_ok=True)
        path = self.folder / "conf.d" / f"{name}.toml"
        path.write_text(text.format(name=name, number=number, more=more), encoding="utf-8")
        return path

    def run(self, *words: str) -> Done:
        done = Done(*run_forked(words, self.env, self.folder, 60))
        assert "Traceback" not in done.err, done.err
        return done

    def start(self, number: int = 1, *, wait: bool = True) -> list[Worker]:
        """Start workers; wait until each takes jobs."""
        started = [self.begin("worker") for _ in range(number)]
        for worker in started if wait else ():
            until(worker.has_connected, "a worker did not connect")
        return started

    def page(self) -> Worker:
        """Start the fleet's page, at a port of its own."""
        return self.begin("page", SYNCD_WEB__ENABLED="true", SYNCD_WEB__LISTEN="127.0.0.1:0")

    def begin(self, command: str, **env: str) -> Worker:
        """Start a process of the fleet, with variables of its own."""
        log = self.folder / f"{command}-{self.started}.log"
        self.started += 1
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", self.module, "fleet", command],
                stdout=file,
                stderr=file,
                env={**self.env, "PYTHONPATH": str(_ROOT), **env},
                cwd=self.folder,
            )
        worker = Worker(process, log)
        self.workers.append(worker)
        return worker

    def drop(self, number: int, name: str, sales: Sequence[CanonicalOrder]) -> None:
        folder = self.folder / "inbox" / f"s{number}"
        part = folder / f".{name}.part"
        part.write_text("".join(sale.to_json() + "\n" for sale in sales), encoding="utf-8")
        part.rename(folder / f"{name}.jsonl")

    def deliver(self, worker: Worker, source: str, sale_id: str, **changes: Any) -> None:
        """Post a sale to a worker's webhook."""
        body, at = sale(source=source, sale_id=sale_id, **changes).to_json().encode(), str(int(time.time()))
        signed = hmac.new(self.token.encode(), at.encode() + b"." + body, "sha256").hexdigest()
        headers = {"X-Syncd-Timestamp": at, "X-Syncd-Signature": f"sha256={signed}"}
        requests.post(f"{worker.address}/intake/{source}", data=body, headers=headers, timeout=30).raise_for_status()

    def stores(self) -> dict[str, dict[str, Any]]:
        found = requests.get(f"{self.sandbox}/_sandbox/stores", timeout=30).json()
        return {one["store_hash"]: one for one in found}

    def orders(self) -> int:
        return sum(one["orders"] for one in self.stores().values())

    def orders_of(self, number: int) -> list[dict[str, Any]]:
        """Every order of a store, as its API says it."""
        headers, found = {"X-Auth-Token": self.token, "Accept": "application/json"}, list[dict[str, Any]]()
        url = f"{self.sandbox}/stores/sandbox{number}/v2/orders?limit=250&page="
        while (answer := requests.get(f"{url}{len(found) // 250 + 1}", headers=headers, timeout=30)).content:
            page = answer.json()
            found += page
            if len(page) < 250:
                break
        return found

    def created(self) -> list[str]:
        """The keys of all orders of all stores, in no order; one that is there twice is there twice."""
        histories = requests.get(f"{self.sandbox}/_sandbox/history", timeout=30).json()
        return [order["external_order_id"] for one in histories.values() for order in one["created"]]

    def control(self, path: str, body: object) -> None:
        requests.post(f"{self.sandbox}/_sandbox/{path}", json=body, timeout=30).raise_for_status()

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        plain = make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            yield connection

    def states(self) -> dict[str, int]:
        with self.database() as connection:
            return dict(connection.execute("select state, count(*) from sales group by state").fetchall())

    def jobs(self, statement: str) -> None:
        """Do something to the queue's jobs by hand."""
        from syncd.fleet.queue import queue_schema

        with self.database() as connection:
            connection.execute(f"set search_path = {queue_schema()}".encode())
            connection.execute(statement.encode())

    def end(self) -> None:
        for worker in self.workers:
            worker.process.terminate()
        for worker in self.workers:
            try:
                worker.process.wait(60)
            finally:
                worker.process.kill()
            text = worker.log.read_text()
            assert "Traceback" not in text, text[-3000:]


def until(what: Callable[[], bool], why: str = "it did not happen", longest_s: float = _LONGEST_S) -> None:
    """Wait for something; the time-out is for a broken program, and no measure of anything."""
    begin = time.monotonic()
    while not what():
        assert time.monotonic() - begin < longest_s, why
        time.sleep(0.05)


@contextmanager
def running_cell(
    folder: Path, stores: int, *sandbox: str, store_defaults: str = "", database: str | None = None
) -> Iterator[Cell]:
    """A cell whose database, a new one unless it is named, is migrated; no worker runs yet."""
    with (
        nullcontext(database) if database else ledger_url("postgresql", folder) as url,
        running_sandbox("--stores", str(max(stores, 2)), *sandbox) as (_, store),
    ):
        cell = Cell(folder, url, store.url, store.token)
        cell.configure(stores, store_defaults)
        done = cell.run("fleet", "migrate")
        assert done.code == 0, done.err
        try:
            yield cell
        finally:
            cell.end()
