"""What people do on the page, each with scripts and without."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.testing.orders import sale
from syncd.web.page.passwords import hasher
from tests.browser.conftest import Opens, a_shop, faults_of, keep, press
from tests.doubles.openid import CLIENT, SECRET, OpenIdDouble
from tests.service.daemons import until
from tests.service.pages import FOLDER, LOCAL, OIDC, Served, page_of, users
from tests.shop import running_sandbox

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
    press(page, ".find button")
    assert "R-1003" in page.inner_text("h1")
    text = page.inner_text("main")
    for words in ("synced", "Coffee beans", "was created", "HTTP 201", "the order matches the sale"):
        assert words in text
    assert page.get_attribute("a[href*=mybigcommerce]", "rel") == "noopener noreferrer"
    press(page, "text=What would be sent now")
    assert "No request: it is synced." in page.inner_text("main")
    assert "external_order_id" not in page.inner_text("main")
    page.fill("#find", "state:held location:Airport")
    press(page, ".find button")
    page.locator("tbody tr").nth(3).wait_for()
    assert page.locator("tbody tr").count() == 4


@with_and_without_scripts
def test_what_stands_still_is_released_in_bulk(fresh: Served, opens: Opens, scripts: bool) -> None:
    page = opens(fresh.url, scripts=scripts)
    assert page.inner_text(".tiles .look dd") == "5"
    press(page, ".tiles .look a")
    press(page, "tbody a")
    keep(page, f"group-{scripts}")
    assert faults_of(page) == [] if scripts else True
    page.locator("input[name=id]").first.check()
    page.fill("#reason", "the till rounds")
    page.check("input[value=chosen]")
    press(page, "button[value=release]")
    assert "1 sale" in page.inner_text("[role=status]")
    press(page, "text=Send now")
    page.check("input[value=all]")
    press(page, "button[value=release]")
    keep(page, f"sure-{scripts}")
    assert page.inner_text("h1") == "Release 3 sales?"
    press(page, "main button")
    assert "Nothing left" in page.inner_text("h1")
    press(page, "text=Send now")
    until(lambda: len(fresh.shop.store.orders()) == 40)
    page.goto(f"{fresh.url}/log")
    assert "page:local" in page.inner_text("main")
    assert "the till rounds" in page.inner_text("main")


@with_and_without_scripts
def test_a_backfill_is_counted_and_started(fresh: Served, opens: Opens, scripts: bool) -> None:
    page = opens(f"{fresh.url}/backfills", scripts=scripts)
    page.fill("#from", "2026-01-01")
    page.fill("#to", "2030-12-31")
    press(page, "text=Count first")

    def shows(words: str) -> bool:
        page.reload()
        return words in page.inner_text("main")

    until(lambda: shows("What was counted"))
    keep(page, f"backfill-{scripts}")
    assert "40, of which 0 are new" in page.inner_text("main")
    press(page, "button[value=start]")
    until(lambda: shows("done"))


@with_and_without_scripts
def test_a_backfill_is_paused_on_the_page_and_goes_on_where_it_was(opens: Opens, scripts: bool) -> None:
    with tempfile.TemporaryDirectory() as name, running_sandbox() as (_, store):
        done = Path(name) / "old" / "processed"  # what only a backfill reads
        done.mkdir(parents=True)
        sales = [sale(source="old", sale_id=f"o{n}").to_json() for n in range(30)]
        (done / "november.jsonl").write_text("\n".join(sales) + "\n")
        store.control("faults", {"faults": [{"kind": "401", "method": "POST"}]})
        with page_of(
            Path(name), store, sources=FOLDER + FOLDER.replace("till", "old").replace("inbox", "old")
        ) as served:
            page = opens(f"{served.url}/backfills", scripts=scripts)
            page.select_option("#source", "old")
            page.fill("#from", "2026-11-01")
            page.fill("#to", "2026-11-30")
            press(page, "text=Start at once")

            def shows(words: str) -> bool:
                page.reload()
                return words in page.inner_text(".lead")

            until(lambda: shows("of 30 sales sent"))
            press(page, "button[value=pause]")
            keep(page, f"paused-{scripts}")
            assert "paused" in page.inner_text(".lead")
            until(
                lambda: not any(one["state"] == "sending" for one in json.loads(served.shop.run("sales", "--json").out))
            )
            made = len(store.orders())  # what was on its way has its answer, so that no more of it can follow
            store.control("faults", {"faults": []})
            served.shop.drop("live.jsonl", sale(source="till", sale_id="live").to_json() + "\n")
            until(lambda: "till:live" in {order["external_order_id"] for order in store.orders()})
            assert len(store.orders()) == made + 1  # live sales go on
            press(page, "button[value=resume]")
            until(lambda: shows("done"))
            assert len(store.orders()) == 31


def test_the_page_stays_fresh_while_somebody_looks_at_it(fresh: Served, opens: Opens) -> None:
    page = opens(fresh.url)
    assert page.inner_text(".tiles dd >> nth=0") == "36"
    fresh.shop.drop("more.jsonl", sale(source="till", sale_id="new").to_json() + "\n")
    page.locator(".tiles dd >> nth=0", has_text="37").wait_for(timeout=40_000)


def test_a_question_mark_shows_the_keys_and_they_lead_where_they_say(shop: Served, opens: Opens) -> None:
    page = opens(shop.url)
    assert not page.locator("#keys").is_visible()
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    assert faults_of(page) == []
    keep(page, "keys")
    keys = dict(
        zip(page.locator("#keys dd").all_inner_texts(), page.locator("#keys dt").all_inner_texts(), strict=True)
    )
    page.keyboard.press("Escape")
    assert not page.locator("#keys").is_visible()
    for name in page.locator("header li a").all_inner_texts():
        with page.expect_navigation():
            for key in keys[name].split():
                page.keyboard.press(key)
        assert page.locator("header a[aria-current]").inner_text() == name
    page.keyboard.press("/")
    page.keyboard.type("g s ?")
    assert page.input_value("#find") == "g s ?", "whoever types is not led away"
    page.locator("#show-keys").click()
    assert page.locator("#keys").is_visible()


@with_and_without_scripts
def test_single_sign_on_leads_through_the_provider_and_back_in(opens: Opens, tmp_path: Path, scripts: bool) -> None:
    with OpenIdDouble() as provider, running_sandbox() as (_, store):
        (tmp_path / "oidc-secret").write_text(SECRET)
        with page_of(tmp_path, store, LOCAL + OIDC.format(url=provider.url, client=CLIENT)) as served:
            users(served.shop, "add", "ann@example.com", "--no-password")
            until(lambda: served.get("/").url.endswith("/login"))
            page = opens(f"{served.url}/sources", scripts=scripts)
            keep(page, f"sign-on-{scripts}")
            assert not scripts or faults_of(page) == []
            page.click("text=Sign in with Example")
            page.wait_for_url(f"{served.url}/sources")
            assert "ann@example.com" in page.inner_text("header .out")
            page.goto(f"{served.url}/sales")
            assert "ann@example.com" in page.inner_text("header .out")


@with_and_without_scripts
def test_signing_in_leads_in_and_signing_out_leads_out(opens: Opens, scripts: bool) -> None:
    with a_shop(f"listen = \"127.0.0.1:0\"\npassword_hash = '{hasher().hash(_PASSWORD)}'") as served:
        page = opens(f"{served.url}/sales", scripts=scripts)
        assert page.url.endswith("/login?to=%2Fsales")
        keep(page, f"login-{scripts}")
        assert faults_of(page) == [] if scripts else True
        page.fill("#name", "admin")
        page.fill("#password", "a wrong password")
        press(page, "main button")
        assert "Wrong name or password" in page.inner_text("[role=alert]")
        page.fill("#name", "admin")
        page.fill("#password", _PASSWORD)
        press(page, "main button")
        assert page.inner_text("h1") == "Sales"
        press(page, "text=Sign out admin")
        assert page.url.endswith("/login")


def test_a_form_with_another_token_is_refused_in_words(shop: Served, opens: Opens) -> None:
    page = opens(f"{shop.url}/sales?state=held")
    press(page, "tbody a >> nth=0")
    page.evaluate("document.querySelector('.acts input[name=csrf]').value = '0'.repeat(64)")
    press(page, "button[value=skip]")
    assert "was not sent from this page" in page.inner_text("main")
    assert re.search(r"held", shop.shop.run("sales", "--state", "held").out)


def test_an_empty_shop_says_what_will_be_here(opens: Opens, tmp_path_factory: pytest.TempPathFactory) -> None:
    with running_sandbox() as (_, store), page_of(tmp_path_factory.mktemp("empty"), store) as served:
        page = opens(served.url)
        for path, words in {
            "/": "Nothing. Every sale is sent automatically.",
            "/sales": "No sale fits",
            "/attention": "Nothing needs your attention",
            "/backfills": "No backfills yet",
            "/log": "Nothing has happened yet",
        }.items():
            page.goto(served.url + path)
            keep(page, f"empty-{path.strip('/') or 'overview'}")
            assert words in page.inner_text("main")
            assert faults_of(page) == []
