"""The page of a fleet: what it shows of many stores, and what people have done by whichever worker is free."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.canonical import CanonicalOrder
from syncd.testing.orders import sale
from tests.fleet.cells import Cell, running_cell, until
from tests.fleet.test_fleet import arrived, drop
from tests.service.pages import Visit, pressed

pytestmark = pytest.mark.postgresql


@pytest.fixture
def cell(tmp_path: Path) -> Iterator[Cell]:
    with running_cell(tmp_path, 6) as made:
        yield made


@pytest.fixture
def page(cell: Cell) -> Visit:
    return Visit(cell.page().address_of("web"))


def held(number: int, name: str) -> CanonicalOrder:
    return sale(source=f"ts{number}", sale_id=name, total_inc_tax="11.80", tenders=[])


def test_every_store_and_source_is_shown(cell: Cell, page: Visit) -> None:
    cell.start(2)
    arrived(cell, drop(cell, 6, 3))
    until(lambda: "Orders made today</dt><dd>18<" in page.get("/").text)
    text = page.get("/stores?sort=name").text
    assert [text.index(f"/stores/s{n}") for n in range(1, 7)] == sorted(
        text.index(f"/stores/s{n}") for n in range(1, 7)
    )
    assert "s3" in (only := page.get("/stores?q=s3").text)
    assert "/stores/s4" not in only
    assert "Open: sales are sent" in page.get("/stores/s3").text
    assert page.get("/stores/nowhere").status_code == 404
    assert "OK" in page.get("/sources").text
    assert "ts3:a-1" in page.get("/sales?store=s3").text
    assert page.get("/healthz").status_code == 200
    assert 'syncd_sales{state="synced"} 18.0' in page.get("/metrics").text


def test_a_decision_on_the_page_is_carried_out_by_whichever_worker_is_free(cell: Cell, page: Visit) -> None:
    cell.start(2)
    cell.drop(2, "a", [held(2, "h1")])
    until(lambda: cell.states() == {"held": 1})
    story = page.get("/sales", params={"q": "ts2:h1"}, follow=False).headers["Location"]
    released = page.post(story, verb="release", reason="counted by hand", sure="yes")
    pressed(page, released, "send")
    arrived(cell, {"ts2:h1"})


def test_a_store_that_is_added_shows_up_and_one_that_leaves_goes(cell: Cell, page: Visit) -> None:
    cell.add(7, text='[stores.{name}]\nstore_hash = "sandbox{number}"\n')
    (cell.folder / "conf.d" / "s1.toml").unlink()
    until(lambda: "/stores/s7" in (text := page.get("/stores").text) and "/stores/s1" not in text)


def test_a_page_without_any_worker_says_so(page: Visit) -> None:
    assert "no daemon and no worker is running" in page.get("/").text
