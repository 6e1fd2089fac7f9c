"""A real Chromium in front of a real daemon with a shop's day in it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from syncd.testing.orders import sale
from tests.service.daemons import until
from tests.service.pages import Served, page_of
from tests.shop import running_sandbox

CHROMIUM = shutil.which("chromium")
_QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
_QUIET += ["--disable-component-update", "--disable-sync"]
_NOW = datetime.now(UTC)

PAGES: tuple[str, ...] = (
    "/",
    "/sales",
    "/sales?state=held",
    "/sales?state=unknown",
    "/sale/1",
    "/sale/1/payload",
    "/sale/2",
)
PAGES += ("/attention", "/sources", "/sources/till", "/stores", "/backfills", "/log", "/sale/999")

Opens = Callable[..., Page]


def day_of(sales: int) -> str:
    """A few days' sales; every tenth does not add up."""
    lines = []
    for n in range(sales):
        at, odd = _NOW - timedelta(hours=2 * n, minutes=5), n % 10 == 0
        changes = {"total_inc_tax": "11.80", "tenders": []} if odd else {}
        where = {"id": "1", "name": "Downtown" if n % 2 else "Airport"}
        made = sale(source="till", sale_id=f"s{n}", number=f"R-{1000 + n}", placed_at=at, location=where, **changes)
        lines.append(made.to_json() + "\n")
    return "".join(lines)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        assert not os.environ.get("CI"), "Chromium is part of what CI installs"
        pytest.skip("needs Chromium")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=_QUIET)


@contextmanager
def a_shop(web: str = 'listen = "127.0.0.1:0"') -> Iterator[Served]:
    with (
        tempfile.TemporaryDirectory() as folder,
        running_sandbox() as (_, store),
        page_of(Path(folder), store, web) as served,
    ):
        served.shop.drop("day.jsonl", day_of(40) + '{"source":"till","sale_id":"broken"}\n')
        until(lambda: len(store.orders()) == 36)
        yield served


@pytest.fixture(scope="module")
def shop() -> Iterator[Served]:
    """A day with orders, four sales that stand still, and a record that could not be read."""
    with a_shop() as served:
        yield served


@pytest.fixture
def opens(browser: Browser) -> Iterator[Opens]:
    """Opens an address in a window of its own; whatever the browser complains of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(url: str, *, width: int = 1280, dark: bool = False, scripts: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda one: complaints.append(one.text) if one.type == "error" else None)
        page.on("pageerror", lambda one: complaints.append(str(one)))
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [one for one in complaints if "status of 40" not in one] == []  # a refusal that a test asks for


def faults_of(page: Page) -> list[str]:
    """What axe-core finds that is serious or worse."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['target']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


def press(page: Page, what: str) -> None:
    """Click on a link or a button, and wait until what it leads to is there."""
    with page.expect_navigation():
        page.click(what)


def keep(page: Page, name: str) -> None:
    """A picture to look at, where somebody asks for them."""
    if folder := os.environ.get("SYNCD_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
