"""What people do with a fleet's ledger from a command line, and what they are told: as with one daemon."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from syncd.app import open_foundation
from syncd.config import load
from syncd.fleet.chores import Chores
from syncd.fleet.clock import ServerClock
from syncd.fleet.queue import Hints
from syncd.testing.orders import sale
from tests.doubles.hears import hearing
from tests.doubles.receiver import EVENTS, SECRET, receiving
from tests.fleet.cells import Cell, running_cell, until
from tests.fleet.test_fleet import arrived
from tests.fleet.test_page import held

pytestmark = pytest.mark.postgresql


@pytest.fixture
def cell(tmp_path: Path) -> Iterator[Cell]:
    with running_cell(tmp_path, 4) as made:
        yield made


def test_people_are_told_once_and_not_once_a_worker(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    with hearing() as heard, ExitStack() as exits:
        monkeypatch.setenv("ALERT_URL", heard.url)
        monkeypatch.setenv("FLOW_TOKEN", cell.token)
        cell.configure(4, more='[alerts]\nurls = [{ env = "ALERT_URL" }]\ndigest = ""\nheld_after = "0s"\n')
        hints = exits.enter_context(Hints(cell.url))
        workers = []
        for _ in range(3):
            foundation = exits.enter_context(open_foundation(load(cell.config), ServerClock(), threading.Event()))
            app = foundation.build(load(cell.config))
            exits.callback(app.close)
            workers.append(Chores(lambda app=app: app, hints))  # type: ignore[misc]
        cell.drop(1, "a", [held(1, "h1")])
        app.tills["ts1"].poll(threading.Event())
        cell.start(1)
        until(lambda: cell.states() == {"held": 1})
        for _ in range(4):
            with ThreadPoolExecutor(3) as pool:
                list(pool.map(lambda chores: chores.watch(), workers))
            # The worker that runs beside them may be the one that sends it, in its own time.
            until(lambda: heard.messages != [])
    assert len(heard.messages) == 1, heard.messages
    assert "1 sale of s1" in heard.messages[0]["title"]


def test_a_sale_that_somebody_releases_is_sent_by_a_worker(cell: Cell) -> None:
    cell.start(2)
    cell.drop(2, "a", [held(2, "h1")])
    until(lambda: cell.states() == {"held": 1})
    assert cell.run("release", "ts2:h1", "--reason", "counted by hand").code == 0
    arrived(cell, {"ts2:h1"})


def test_a_backfill_from_a_command_line_is_done_beside_the_workers(cell: Cell) -> None:
    cell.start(2)
    days = [sale(source="ts3", sale_id=f"o{n}", placed_at=f"2026-10-0{n + 1}T12:00:00Z") for n in range(5)]
    cell.drop(3, "old", days)
    until(lambda: cell.orders() == 5)
    done = cell.run("backfill", "--source", "ts3", "--from", "2026-10-01", "--to", "2026-10-31")
    assert done.code == 0, done.err
    arrived(cell, {one.sale_key for one in days})
    (listed,) = cell.run("backfills", "list", "--json").json
    assert listed["stage"] == "recorded"


def test_the_books_of_a_store_are_compared_beside_the_workers(cell: Cell) -> None:
    cell.start(1)
    sales = [sale(source="ts1", sale_id=f"b{n}") for n in range(3)]
    cell.drop(1, "a", sales)
    arrived(cell, {one.sale_key for one in sales})
    done = cell.run("audit", "--store", "s1", "--from", "2026-11-01", "--to", "2026-11-30", "--json")
    assert done.code == 0, done.out + done.err


def test_a_fleet_tells_other_programs_once_whoever_sends(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver:
        monkeypatch.setenv("EVENTS_URL", receiver.url)
        monkeypatch.setenv("EVENTS_SECRET", SECRET)
        cell.configure(4, more=EVENTS.format(more=""))
        cell.start(2)
        for store in (1, 2, 3, 4):
            cell.drop(store, "a", [sale(source=f"ts{store}", sale_id=f"{number}") for number in range(5)])
        until(lambda: len(receiver.of("order.made")) == 20)
        assert len({(one.data["store"], one.data["sale"]) for one in receiver.taken}) == 20
        assert len({one.id for one in receiver.came}) == 20
        assert all(one.is_signed() for one in receiver.came)
