"""Shops in other states than a good day: empty, broken in every way that a page tells of, and with very many sales.

``SYNCD_MANY_SALES=1000000`` makes the large one as large as a shop of years; ``SYNCD_SCREENSHOTS`` keeps the pictures.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from syncd.ledger import Ledger
from syncd.testing.clocks import ManualClock
from syncd.testing.orders import LINES
from tests.bench.growth import filled
from tests.bench.page_rate import real
from tests.browser.conftest import PAGES, Opens, day_of, faults_of, keep
from tests.deciders import DECIDER
from tests.service.daemons import until
from tests.service.pages import FOLDER, Served, a_sale, held, page_of
from tests.shop import Store, running_sandbox

_LOOKS = {"wide": (1280, False), "wide-dark": (1280, True), "phone": (390, False), "phone-dark": (390, True)}
_MANY = int(os.environ.get("SYNCD_MANY_SALES", "5000"))
_GONE = '\n[sources.second]\ntype = "jsonl"\npath = "second"\nevery = "200ms"\nsettle = "0s"\n'


@contextmanager
def _empty(folder: Path, store: Store) -> Iterator[Served]:
    with page_of(folder, store) as served:
        yield served


@contextmanager
def _broken(folder: Path, store: Store) -> Iterator[Served]:
    """A store that refuses the token, a folder that is gone, sales that are held or refused, records that cannot be read."""
    (folder / "second").mkdir()
    store.control("catalog", {"products": [{"sku": "MUG-1", "name": "Mug"}]})
    rule = {"[stores.main.default_address]": 'unknown_sku = "reject"\n[stores.main.default_address]'}
    with page_of(folder, store, sources=FOLDER + _GONE, changes=rule) as served:
        served.shop.drop("day.jsonl", day_of(20))
        until(lambda: len(store.orders()) == 18)
        lines = [{**line, "sku": "GONE"} for line in LINES]
        unreadable = '{"source":"till","sale_id":"broken"}\nnot JSON\n'
        served.shop.drop("more.jsonl", a_sale("refused", lines=lines) + held("odd") + unreadable)
        until(lambda: "rejected" in served.get("/api/v1/sales?state=rejected").text)
        store.control("faults", {"faults": [{"kind": "401"}]})
        served.shop.drop("last.jsonl", "".join(a_sale(f"waits-{n}") for n in range(3)))
        shutil.rmtree(folder / "second")
        until(lambda: "Paused" in served.get("/stores/main").text)
        until(lambda: "does not exist" in served.get("/sources/second").text)
        try:
            yield served
        finally:
            store.control("reset", {})


@contextmanager
def _large(folder: Path, store: Store) -> Iterator[Served]:
    url = filled(folder / "ledger.db", _MANY)
    real(url, time.time(), one_day=False)
    with Ledger.open(url, ManualClock(), DECIDER) as ledger:
        ledger.maintenance.fill_search(lambda: True)
    with page_of(folder, store) as served:
        yield served


_Makes = Callable[[Path, Store], AbstractContextManager[Served]]
_SHOPS: dict[str, tuple[_Makes, tuple[str, ...]]] = {
    "empty": (_empty, ("/stores/main", "/books", "/sales?q=nothing")),
    "broken": (_broken, ("/stores/main", "/sources/second", "/sales?state=rejected", "/books")),
    "large": (_large, ("/stores/main", "/books", "/sales?q=mug+smith12", "/sales?state=synced", "/sales?q=zzz")),
}


@pytest.fixture(scope="module", params=_SHOPS)
def state(request: pytest.FixtureRequest) -> Iterator[tuple[str, Served]]:
    make = _SHOPS[request.param][0]
    with tempfile.TemporaryDirectory() as folder, running_sandbox() as (_, store), make(Path(folder), store) as served:
        yield request.param, served


@pytest.mark.parametrize("look", _LOOKS)
def test_every_page_of_a_shop_in_any_state_fits_and_has_no_serious_fault(
    state: tuple[str, Served], opens: Opens, look: str
) -> None:
    name, served = state
    width, dark = _LOOKS[look]
    page = opens(served.url, width=width, dark=dark)
    for path in (*PAGES, *_SHOPS[name][1]):
        page.goto(served.url + path)
        keep(page, f"{name}-{path.strip('/').replace('/', '-').replace('?', '-') or 'overview'}-{look}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert faults_of(page) == [], path


def test_what_is_broken_is_said_first_and_says_what_to_do(state: tuple[str, Served], opens: Opens) -> None:
    name, served = state
    if name != "broken":
        pytest.skip("nothing is broken there")
    page = opens(served.url)
    needs = page.inner_text(".needs")
    for words in ("main is paused", "second", "could not be read"):
        assert words in needs
    for need in page.locator(".needs li").all():
        assert need.locator("a").count() == 1, need.inner_text()
