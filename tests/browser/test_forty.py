"""Forty stores in a real browser: every page is short enough to read, fits its window, and has no serious fault."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import psutil
import pytest

from tests.bench.at_rest import BOUNDS, measured
from tests.browser.conftest import Opens, faults_of, keep, press
from tests.browser.shops import forty_shops
from tests.service.daemons import until
from tests.service.pages import Visit

_LOOKS = {"wide": (1280, False), "wide-dark": (1280, True), "phone": (390, False), "phone-dark": (390, True)}
_MOST_SCREENS, _SCREEN = 6, 900
_PAGES: tuple[str, ...] = (
    "/",
    "/stores",
    "/stores?sort=held",
    "/stores/derby",
    "/sources",
    "/sales",
    "/sales?q=mug+jones&state=held",
)
_PAGES += ("/attention", "@group", "/log", "/books", "/backfills", "/sale/1")


Running = tuple[Visit, "subprocess.Popen[bytes]"]


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with forty_shops() as (visit, _, process):
        yield visit, process


@pytest.fixture(scope="module")
def forty(running: Running) -> Visit:
    return running[0]


def test_a_daemon_at_rest_with_forty_stores_has_few_threads_and_little_memory(running: Running) -> None:
    daemon = psutil.Process(running[1].pid)
    until(lambda: daemon.num_threads() <= BOUNDS[40].threads, "its threads stay")
    assert daemon.memory_info().rss / 1e6 <= BOUNDS[40].memory


@pytest.mark.parametrize("look", _LOOKS)
def test_no_page_of_forty_stores_is_longer_than_six_screens(forty: Visit, opens: Opens, look: str) -> None:
    width, dark = _LOOKS[look]
    page = opens(forty.url, width=width, dark=dark)
    group = page.locator(".needs a").first.get_attribute("href")
    for path in _PAGES:
        page.goto(forty.url + path.replace("@group", str(group)))
        keep(page, f"forty-{path.strip('/@').replace('/', '-').replace('?', '-') or 'overview'}-{look}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert page.evaluate("document.documentElement.scrollHeight") <= _MOST_SCREENS * _SCREEN, path
        assert faults_of(page) == [], path


def test_the_overview_says_what_needs_whom_in_the_first_two_screens(forty: Visit, opens: Opens) -> None:
    page = opens(forty.url)
    (need,) = page.locator(".needs li").all_inner_texts()  # one cause, though eight stores have it
    assert "16 sales of 8 stores, 268.80 USD" in need
    last = page.locator("section[aria-labelledby=stores] tbody tr").last
    box = last.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 2 * _SCREEN


def test_the_stores_are_sorted_by_a_click_on_a_head_and_narrowed_by_words(forty: Visit, opens: Opens) -> None:
    page = opens(f"{forty.url}/stores", scripts=False)
    names = page.locator("tbody td.first a")
    assert names.count() == 40
    assert names.first.inner_text() == "derby"  # it needs somebody most
    press(page, "thead >> text=Store")
    assert (found := names.all_inner_texts()) == sorted(found)
    page.fill("#words", "port")
    press(page, "text=Show")
    assert names.all_inner_texts() == ["portsmouth"]


def test_the_sources_are_sorted_by_a_click_on_a_head(forty: Visit, opens: Opens) -> None:
    page = opens(f"{forty.url}/sources", scripts=False)
    names = page.locator("tbody td.first a")
    press(page, "thead >> text=Source")
    assert (found := names.all_inner_texts()) == sorted(found)
    for head in ("Type", "Last good poll", "Last sale or file", "Unreadable"):
        press(page, f"thead >> text={head}")
        assert page.locator("th[aria-sort]").inner_text() == head
        assert sorted(names.all_inner_texts()) == sorted(found)


def test_a_bar_says_what_it_stands_for_at_once(forty: Visit, opens: Opens) -> None:
    page = opens(forty.url)
    page.locator(".chart g").last.hover()
    assert page.locator(".tip").inner_text().endswith(tuple("0123456789"))
    page.mouse.move(2, 2)
    assert page.locator(".tip").count() == 0


def test_a_daemon_at_rest_with_one_store_that_has_just_begun_takes_little_memory() -> None:
    """With every page looked at, on a ledger that it has made itself."""
    found = measured(1, 1.0)
    assert found.memory <= BOUNDS[1].memory, found
