"""A store that changes hands between workers: no burst, no request beyond its quota, and what failed before is remembered."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from syncd.app import App, open_foundation
from syncd.config import load
from syncd.fleet.clock import ServerClock
from syncd.fleet.queue import Hints
from syncd.fleet.turns import FleetTurns
from syncd.testing.orders import sale
from tests.fleet.cells import Cell, running_cell

pytestmark = pytest.mark.postgresql
_HANDS = 100
QUOTA, WHOLE = ("--quota", "30", "--window-ms", "1500"), "quota_share = 1"


@pytest.fixture
def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cell]:
    with running_cell(tmp_path, 1, *QUOTA, store_defaults=WHOLE) as made:
        monkeypatch.setenv("FLOW_TOKEN", made.token)
        yield made


def crew(cell: Cell, exits: ExitStack, number: int, turn_s: float) -> list[tuple[App, FleetTurns]]:
    """Workers within the test's own process, each with its own sessions of the database and its own connections to the store."""
    hints = exits.enter_context(Hints(cell.url))
    found = []
    for place in range(number):
        clock = ServerClock()
        foundation = exits.enter_context(open_foundation(load(cell.config), clock, threading.Event()))
        clock.follow(foundation.ledger.maintenance.server_time)
        exits.enter_context(foundation.ledger.right(f"worker {place}"))
        app = foundation.build(load(cell.config))
        exits.callback(app.close)
        found.append((app, FleetTurns(lambda app=app: app, hints, f"worker {place}", "here", turn_s=turn_s)))  # type: ignore[misc]
    return found


def change_hands(cell: Cell) -> tuple[dict[str, Any], int]:
    """Push to a store by four workers, each for a moment; what the store says of it, and its fullest window."""
    cell.drop(1, "a", [sale(source="ts1", sale_id=f"a{n}") for n in range(1500)])
    with ExitStack() as exits:
        workers = crew(cell, exits, 4, turn_s=0.2)
        first, _ = workers[0]
        first.tills["ts1"].poll(threading.Event())
        for turn in range(_HANDS):
            workers[turn % len(workers)][1].push("s1")
    (store,) = cell.stores().values()
    windows = requests.get(f"{cell.sandbox}/_sandbox/stores/sandbox1/quota", timeout=30).json()
    return store, max(window["used"] for window in windows)


def test_a_store_that_changes_hands_a_hundred_times_is_never_asked_beyond_its_quota(cell: Cell) -> None:
    """All of the quota is ours here (``quota_share = 1``): a 429 would be of our own making."""
    store, fullest = change_hands(cell)
    assert store["throttled"] == 0, store
    assert store["refused"] == 0, store
    assert store["orders"] > 200, "it moved on all the while"
    assert fullest <= 30


def test_a_store_is_listed_once_by_each_worker_and_not_once_a_turn(cell: Cell) -> None:
    cell.drop(1, "a", [sale(source="ts1", sale_id=f"a{n}") for n in range(12)])
    with ExitStack() as exits:
        workers = crew(cell, exits, 2, turn_s=5)
        workers[0][0].tills["ts1"].poll(threading.Event())
        for app, turns in workers:
            turns.push("s1")
            cell.drop(1, f"b{id(app)}", [sale(source="ts1", sale_id=f"b{id(app)}")])
            app.tills["ts1"].poll(threading.Event())
        for _, turns in workers:
            turns.push("s1")
        stats = requests.get(f"{cell.sandbox}/_sandbox/stores/sandbox1/stats", timeout=30).json()
    lists = sum(number for name, number in stats["requests"].items() if name == "GET /v2/orders")
    assert lists <= 2 * 4, stats["requests"]
    assert cell.orders() == 14
