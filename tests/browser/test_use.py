"""What people do on the page, each with scripts and without."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from syncd.testing.orders import sale
from syncd.web.page.security import hasher
from tests.browser.conftest import Opens, a_shop, faults_of, keep
from tests.service.daemons import until
from tests.service.pages import Served

with_and_without_scripts = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
_PASSWORD = "a long enough password"


@pytest.fixture
def fresh() -> Iterator[Served]:
    """A shop of its own, for a test that changes it."""
    with a_shop() as served:
        yield served


@with_and_without_scripts
def test_a_sale_is_searched_and_its_story_read(shop: Served, opens: Opens, scripts: bool) -> None:
    page = opens(shop.url, scripts=scripts)
    page.fill("#find", "R-1003")
    page.click(".find button")
    assert "R-1003" in page.inner_text("h1")
    text = page.inner_text("main")
    for words in ("synced", "Coffee beans", "accepted", "201", "BigCommerce says what the sale says"):
        assert words in text
    assert page.get_attribute("a[href*=mybigcommerce]", "rel") == "noopener noreferrer"
    page.click("text=What would be sent now")
    assert "external_order_id" in page.inner_text("main")
    page.fill("#find", "state:held location:Airport")
    page.click(".find button")
    page.locator("tbody tr").nth(3).wait_for()
    assert page.locator("tbody tr").count() == 4


@with_and_without_scripts
def test_what_stands_still_is_released_in_bulk(fresh: Served, opens: Opens, scripts: bool) -> None:
    page = opens(fresh.url, scripts=scripts)
    assert page.inner_text(".tiles .look dd") == "5"
    page.click(".tiles .look a")
    page.click("tbody a")
    keep(page, f"group-{scripts}")
    assert faults_of(page) == [] if scripts else True
    page.locator("input[name=id]").first.check()
    page.fill("#reason", "the till rounds")
    page.check("input[value=chosen]")
    page.click("button[value=release]")
    assert "1 done" in page.inner_text("[role=status]")
    page.check("input[value=all]")
    page.click("button[value=release]")
    keep(page, f"sure-{scripts}")
    assert page.inner_text("h1") == "Release 3 sales?"
    page.click("main button")
    assert "Nothing left" in page.inner_text("h1")
    until(lambda: len(fresh.shop.store.orders()) == 40)
    page.goto(f"{fresh.url}/log")
    assert "page:local" in page.inner_text("main")
    assert "the till rounds" in page.inner_text("main")


@with_and_without_scripts
def test_a_backfill_is_counted_started_paused_and_resumed(fresh: Served, opens: Opens, scripts: bool) -> None:
    page = opens(f"{fresh.url}/backfills", scripts=scripts)
    page.fill("#from", "2026-01-01")
    page.fill("#to", "2030-12-31")
    page.click("text=Count first")

    def shows(words: str) -> bool:
        page.reload()
        return words in page.inner_text("main")

    until(lambda: shows("What was counted"))
    keep(page, f"backfill-{scripts}")
    assert "40, of which 0 are new" in page.inner_text("main")
    page.click("button[value=start]")
    until(lambda: shows("done"))
    page.goto(f"{fresh.url}/backfills")
    page.fill("#from", "2026-01-01")
    page.fill("#to", "2031-12-31")
    page.click("text=Start at once")
    fresh.shop.run("backfills", "pause", "2")
    page.reload()
    assert "paused" in page.inner_text(".lead")
    page.click("button[value=resume]")
    until(lambda: shows("done"))


def test_the_page_stays_fresh_while_somebody_looks_at_it(fresh: Served, opens: Opens) -> None:
    page = opens(fresh.url)
    assert page.inner_text(".tiles dd >> nth=0") == "36"
    fresh.shop.drop("more.jsonl", sale(source="till", sale_id="new").to_json() + "\n")
    page.locator(".tiles dd >> nth=0", has_text="37").wait_for(timeout=40_000)


@with_and_without_scripts
def test_signing_in_leads_in_and_signing_out_leads_out(opens: Opens, scripts: bool) -> None:
    with a_shop(f"listen = \"127.0.0.1:0\"\npassword_hash = '{hasher().hash(_PASSWORD)}'") as served:
        page = opens(f"{served.url}/sales", scripts=scripts)
        assert page.url.endswith("/login")
        keep(page, f"login-{scripts}")
        assert faults_of(page) == [] if scripts else True
        page.fill("#name", "Ada")
        page.fill("#password", "a wrong password")
        page.click("main button")
        assert "not the password" in page.inner_text("[role=alert]")
        page.fill("#name", "Ada")
        page.fill("#password", _PASSWORD)
        page.click("main button")
        assert page.inner_text("h1") == "Overview"
        page.click("text=Sign out Ada")
        assert page.url.endswith("/login")


def test_a_form_with_another_token_is_refused_in_words(shop: Served, opens: Opens) -> None:
    page = opens(f"{shop.url}/sales?state=held")
    page.click("tbody a >> nth=0")
    page.evaluate("document.querySelector('.acts input[name=csrf]').value = '0'.repeat(64)")
    page.click("button[value=skip]")
    assert "was not sent from this page" in page.inner_text("main")
    assert re.search(r"held", shop.shop.run("sales", "--state", "held").out)


def test_an_empty_shop_says_what_will_be_here(opens: Opens, tmp_path_factory: pytest.TempPathFactory) -> None:
    from tests.service.pages import page_of
    from tests.shop import running_sandbox

    with running_sandbox() as (_, store), page_of(tmp_path_factory.mktemp("empty"), store) as served:
        page = opens(served.url)
        for path, words in {
            "/": "Nothing. Every sale that can be pushed is pushed by itself.",
            "/sales": "No sale fits",
            "/attention": "Nothing needs you",
            "/backfills": "Nobody has asked",
            "/log": "Nothing has happened yet",
        }.items():
            page.goto(served.url + path)
            keep(page, f"empty-{path.strip('/') or 'overview'}")
            assert words in page.inner_text("main")
            assert faults_of(page) == []
