"""A store that moves to another cell by its file alone, as the runbook says: no order is made twice, and its edits arrive."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.databases import ledger_url
from tests.fleet.cells import HOOK, Cell, running_cell, until

pytestmark = pytest.mark.postgresql


@pytest.fixture
def cells(tmp_path: Path) -> Iterator[tuple[Cell, Cell]]:
    """Two cells before the same stores: the first one has a store, the second one another."""
    folders = tmp_path / "old", tmp_path / "new"
    for folder in folders:
        folder.mkdir()
    with ExitStack() as exits:
        old = exits.enter_context(running_cell(folders[0], 1))
        new = Cell(folders[1], exits.enter_context(ledger_url("postgresql", folders[1])), old.sandbox, old.token)
        exits.callback(new.end)
        old.add(1, text=HOOK)
        new.configure(0)
        new.add(2, text=HOOK)
        assert new.run("fleet", "migrate").code == 0
        yield old, new


def test_a_store_goes_on_in_its_new_cell_with_the_orders_that_it_has(cells: tuple[Cell, Cell]) -> None:
    old, new = cells
    (before,), (after,) = old.start(1), new.start(1)
    for number in range(5):
        old.deliver(before, "ts1", f"a{number}")
    until(lambda: old.states() == {"synced": 5})
    (old.folder / "conf.d" / "s1.toml").unlink()
    until(lambda: bool(before.events("config_taken_up")), "the old cell did not let go")
    new.add(1, text=HOOK)
    until(lambda: bool(after.events("config_taken_up")), "the new cell did not take it up")
    for number in range(8):  # those of before again, as from a POS whose polls overlap
        new.deliver(after, "ts1", f"a{number}")
    until(lambda: new.states() == {"synced": 8})
    created = new.created()
    assert sorted(created) == [f"ts1:a{number}" for number in range(8)]
    new.deliver(after, "ts1", "a1", status="voided")
    until(lambda: _status(new, "ts1:a1") == "Cancelled", "the void did not arrive")
    assert len(new.created()) == 8


def _status(cell: Cell, key: str) -> str:
    (order,) = [one for one in cell.orders_of(1) if one["external_order_id"] == key]
    return str(order["status"])
