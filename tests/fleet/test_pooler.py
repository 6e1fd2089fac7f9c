"""A fleet whose database is behind a pooler."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet.cells import Cell, running_cell
from tests.fleet.test_fleet import arrived, drop
from tests.pooler import bouncer

pytestmark = pytest.mark.postgresql


@pytest.fixture
def cell(tmp_path: Path) -> Iterator[Cell]:
    with running_cell(tmp_path, 2) as made:
        yield made


def behind(cell: Cell, url: str) -> None:
    cell.config.write_text(cell.config.read_text().replace(cell.url, url))


def test_a_pooler_in_transaction_mode_is_refused_before_any_job_is_taken(cell: Cell) -> None:
    drop(cell, 2, 3)
    with bouncer("transaction") as through:
        behind(cell, through(cell.url))
        done = cell.run("fleet", "worker")
    assert done.code == 4
    assert "hands its sessions round" in done.err
    assert "session mode" in done.err
    assert cell.orders() == 0


def test_a_pooler_in_session_mode_carries_every_sale_once(cell: Cell) -> None:
    with bouncer("session") as through:
        behind(cell, through(cell.url))
        assert cell.run("fleet", "migrate").code == 0
        cell.start(2)
        arrived(cell, drop(cell, 2, 10))
        cell.end()
        cell.workers.clear()
