"""The same orders as syncd pushes, posted as people write it: a bare loop, and a durable queue of tasks."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import requests
from huey import SqliteHuey
from huey.consumer import Consumer

from syncd.config import load
from syncd.mapping.create import map_create
from syncd.mapping.model import Mapped, Matches, Payload
from syncd.mapping.rules import Rules
from syncd.testing.orders import sale
from tests.shop import CONFIG, Store

SOURCE = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n'


class Rate(NamedTuple):
    """What a round came to: orders a second, and the processor time of this process an order, in milliseconds."""

    orders_a_second: float
    cpu_ms: float


class Poster:
    """Posts a body: one Session a thread, no look at the answer's meaning."""

    def __init__(self, store: Store) -> None:
        self._store, self._local = store, threading.local()

    def __call__(self, body: object) -> None:
        """Post it, and raise where the store refuses it."""
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.headers.update({"X-Auth-Token": self._store.token, "Accept": "application/json"})
        url = f"{self._store.url}/stores/{self._store.store_hash}/v2/orders"
        answer = self._local.session.post(url, json=body, timeout=30)
        answer.raise_for_status()
        answer.json()


def bare_round(store: Store, number: int, count: int, threads: int) -> Rate:
    """A loop over threads without a ledger."""
    post, found = Poster(store), bodies(store, f"bare{number}", count)
    with ThreadPoolExecutor(threads) as pool:
        begin, spent = time.perf_counter(), time.process_time()
        list(pool.map(post, found))
        return Rate(count / (time.perf_counter() - begin), (time.process_time() - spent) / count * 1000)


def queue_round(folder: Path, store: Store, number: int, count: int, threads: int) -> Rate:
    """A task an order in SqliteHuey, durable; each posts its order, and writes durably that it did."""
    post, found = Poster(store), bodies(store, f"queue{number}", count)
    queue = SqliteHuey("orders", filename=str(folder / f"queue{number}.db"), fsync=True, results=False)
    steps = _Steps(folder / f"steps{number}.db")
    left, done = iter(range(count - 1)), threading.Event()

    def send(body: Payload) -> None:
        post(body)
        steps.write(str(body["external_order_id"]))
        if next(left, None) is None:
            done.set()

    task = queue.task()(send)
    for body in found:
        task(body)
    consumer = Consumer(queue, workers=threads, periodic=False, initial_delay=0.001, max_delay=0.01)
    begin, spent = time.perf_counter(), time.process_time()
    consumer.start()
    if not done.wait(120):
        msg = "the queue did not come to its end"
        raise TimeoutError(msg)
    rate = Rate(count / (time.perf_counter() - begin), (time.process_time() - spent) / count * 1000)
    consumer.stop(graceful=True)
    return rate


class _Steps:
    """What was done, each in a commit of its own."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        for words in (
            "pragma journal_mode=wal",
            "pragma synchronous=full",
            "create table steps (key text primary key)",
        ):
            self._db.execute(words)

    def write(self, key: str) -> None:
        with self._lock:
            self._db.execute("insert into steps values (?)", (key,))


def bodies(store: Store, name: str, count: int) -> Sequence[Payload]:
    """The bodies of so many orders."""
    rules = _rules(store)
    found = []
    for n in range(count):
        mapped = map_create(sale(sale_id=f"{name}-{n}", source="till"), Matches(), rules)
        assert isinstance(mapped, Mapped)
        found.append(mapped.payload)
    return found


def _rules(store: Store) -> Rules:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "syncd.toml"
        path.write_text(
            CONFIG.format(ledger="sqlite:///x.db", store_hash=store.store_hash, url=store.url, store="", sources=SOURCE)
        )
        return load(path).stores["main"].rules
