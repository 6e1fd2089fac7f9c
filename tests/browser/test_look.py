"""How the page looks and reads: wide and narrow, light and dark, to eyes and to screen readers."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.browser.conftest import PAGES, Opens, faults_of, keep
from tests.service.pages import Served

_LOOKS = {"wide": (1280, False), "phone": (390, True), "wide-dark": (1280, True)}


@pytest.mark.parametrize("look", _LOOKS)
def test_no_page_is_wider_than_its_window_or_has_a_serious_fault(shop: Served, opens: Opens, look: str) -> None:
    width, dark = _LOOKS[look]
    page = opens(shop.url, width=width, dark=dark)
    for path in PAGES:
        page.goto(shop.url + path)
        keep(page, f"{path.strip('/').replace('/', '-').replace('?', '-') or 'overview'}-{look}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert faults_of(page) == [], path


def test_the_page_has_a_picture_for_the_readme(shop: Served, opens: Opens, tmp_path: Path) -> None:
    """With SYNCD_PICTURES (``make pictures``) it is the README's; else it only shows that it can be made."""
    page = opens(shop.url, width=1100)
    page.get_by_text("What needs attention").wait_for()
    picture = Path(os.environ.get("SYNCD_PICTURES", tmp_path)) / "overview.png"
    page.screenshot(path=picture, clip={"x": 0, "y": 0, "width": 1100, "height": 620})
    assert picture.stat().st_size > 10_000
    assert (Path(__file__).parents[2] / "docs/images/overview.png").exists()


def test_dark_is_dark_and_light_is_light(shop: Served, opens: Opens) -> None:
    def brightness(*, dark: bool) -> int:
        back = opens(shop.url, dark=dark).evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, re.findall(r"\d+", back)))

    assert brightness(dark=True) < 150
    assert brightness(dark=False) > 600


def test_numbers_stand_under_each_other_at_the_right(shop: Served, opens: Opens) -> None:
    page = opens(f"{shop.url}/sales")
    rights = page.eval_on_selector_all(
        "tbody td.last",
        "cells => cells.map(cell => { const range = document.createRange(); range.selectNodeContents(cell);"
        " return Math.round(range.getBoundingClientRect().right) })",
    )
    assert len(rights) > 10
    assert len(set(rights)) == 1


def test_everything_is_reached_by_keyboard(shop: Served, opens: Opens) -> None:
    page = opens(shop.url)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "find"
    page.keyboard.type("R-1001")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/sale/\d+$"))
    assert "R-1001" in page.inner_text("h1")
