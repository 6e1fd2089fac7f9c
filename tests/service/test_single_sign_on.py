"""Single sign-on: who the provider vouches for is signed in as the account of that name, and nobody else ever is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.doubles.openid import CLIENT, SECRET, OpenIdDouble
from tests.service.daemons import until
from tests.service.pages import LOCAL, OIDC, PASSWORD, Served, Visit, page_of, users
from tests.shop import Store


@pytest.fixture
def provider() -> Iterator[OpenIdDouble]:
    with OpenIdDouble() as double:
        yield double


@pytest.fixture
def served(tmp_path: Path, page_store: Store, provider: OpenIdDouble) -> Iterator[Served]:
    page_store.control("reset", {})
    (tmp_path / "oidc-secret").write_text(SECRET)
    with page_of(tmp_path, page_store, LOCAL + OIDC.format(url=provider.url, client=CLIENT)) as found:
        users(found.shop, "add", "ann@example.com", "--role", "operator", "--no-password")
        users(found.shop, "add", "bob@example.com", "--role", "admin")
        until(lambda: found.get("/").url.endswith("/login"))
        yield found


def comes_back(visit: Visit, to: str = "") -> requests.Response:
    """A browser's way to the provider and back: it sends no strict cookie where another site leads it here."""
    begun = visit.get("/login/sso" + (f"?to={to}" if to else ""), follow=False)
    assert begun.status_code == 303, begun.text
    assert CLIENT in begun.headers["Location"]
    assert SECRET not in begun.headers["Location"]
    there = requests.get(begun.headers["Location"], allow_redirects=False, timeout=10)
    return moved_on(visit, requests.get(there.headers["Location"], allow_redirects=False, timeout=10))


def moved_on(visit: Visit, answer: requests.Response) -> requests.Response:
    """Follow pages that lead on by themselves, with the browser's cookie."""
    while found := re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', answer.text):
        answer = visit.get(unescape(found[1]))
    return answer


def test_whom_the_provider_vouches_for_is_signed_in_and_lands_where_they_wanted_to_go(served: Served) -> None:
    assert "Sign in with Example" in served.get("/login").text
    page = comes_back(served, "/sales?q=mug")
    assert page.status_code == 200
    assert page.url.endswith("/sales?q=mug")
    assert "Sign out ann@example.com" in page.text
    assert served.get("/", follow=False).status_code == 200
    users(served.shop, "role", "ann@example.com", "viewer")
    until(lambda: served.get("/").url.endswith("/login"))
    assert "Sign out ann@example.com" in comes_back(served).text


def test_a_key_that_the_provider_changed_is_taken_up(served: Served, provider: OpenIdDouble) -> None:
    assert "Sign out" in comes_back(served).text
    provider.rotate()
    assert "Sign out" in comes_back(Visit(served.url)).text


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_nobody_is_led_to_another_site(served: Served, to: str) -> None:
    page = comes_back(served, to)
    assert urlsplit(page.url).netloc == urlsplit(served.url).netloc
    assert page.url.removeprefix(served.url) == "/"


Lie = Callable[[OpenIdDouble], Any]
_LIES: dict[str, Lie] = {
    "another account's, that has a password": lambda double: double.claims.update(email="bob@example.com"),
    "the account of the config": lambda double: double.claims.update(email="admin"),
    "nobody's account": lambda double: double.claims.update(email="eve@example.com"),
    "an address that was not verified": lambda double: double.claims.update(email_verified=False),
    "an address of which nobody says whether": lambda double: double.claims.update(email_verified=None),
    "no address": lambda double: double.claims.update(email=None),
    "an address that is no text": lambda double: double.claims.update(email=["ann@example.com"]),
    "another nonce": lambda double: double.claims.update(nonce="n" * 64),
    "no nonce": lambda double: double.claims.update(nonce=None),
    "another audience": lambda double: double.claims.update(aud="another-client"),
    "another party": lambda double: double.claims.update(aud=[CLIENT, "other"], azp="other"),
    "another issuer": lambda double: double.claims.update(iss="https://evil.example"),
    "a token that is over": lambda double: double.claims.update(exp=1),
    "a token without an end": lambda double: double.claims.update(exp=None),
    "no signature": lambda double: double.header.update(alg="none"),
    "a key that is not published": lambda double: double.__dict__.update(published=[OpenIdDouble().key]),
    "the public key as a shared one": lambda double: double.header.update(alg="HS256"),
    "a refusal": lambda double: double.__dict__.update(refuses="access_denied <b>"),
    "another name of itself": lambda double: double.says.update(issuer="https://evil.example"),
    "keys that are none": lambda double: double.says.update(jwks_uri=f"{double.url}/nothing"),
}


@pytest.mark.parametrize("lie", _LIES)
def test_what_does_not_hold_signs_nobody_in_and_says_why(served: Served, provider: OpenIdDouble, lie: str) -> None:
    _LIES[lie](provider)
    begun = served.get("/login/sso", follow=False)
    page = begun if begun.status_code != 303 else comes_back(Visit(served.url))
    assert page.status_code in (401, 403, 502)
    assert 'role="alert"' in page.text
    assert bool(provider.given) is not bool(provider.refuses or provider.says), "the lie was told"
    assert "<b>" not in page.text
    assert SECRET not in page.text + (served.shop.folder / "daemon.log").read_text()
    assert served.get("/").url.endswith("/login")


def test_another_browsers_way_back_is_worth_nothing_and_no_way_is_gone_twice(served: Served) -> None:
    """Somebody sends their own way back to another person, to sign them in as themselves; or takes one from a log."""
    mine, other = Visit(served.url), Visit(served.url)
    other.get("/login")
    begun = mine.get("/login/sso", follow=False)
    there = requests.get(begun.headers["Location"], allow_redirects=False, timeout=10).headers["Location"]
    path = there.removeprefix(served.url)
    assert moved_on(other, other.get(path)).status_code == 401
    assert moved_on(mine, mine.get(path)).status_code == 401, "it was used up"
    page = comes_back(mine)
    assert "Sign out ann@example.com" in page.text
    again = requests.get(there, allow_redirects=False, timeout=10)
    assert "Set-Cookie" not in again.headers, "a browser keeps the cookie that it has"
    assert "Sign out ann@example.com" in mine.get("/").text


@pytest.mark.parametrize(
    "query", ["", "?state=x", "?code=x", "?state=x&code=x&again=1", "?again=1", "?error=<b>&again=1"]
)
def test_a_way_back_that_nobody_went_is_refused(served: Served, query: str) -> None:
    page = moved_on(served, served.get(f"/login/sso/back{query}"))
    assert page.status_code == 401
    assert "<b>" not in page.text


def test_a_provider_that_is_away_is_said_and_a_password_still_works(served: Served, provider: OpenIdDouble) -> None:
    provider.__exit__(None, None, None)
    page = served.get("/login/sso", follow=False)
    assert page.status_code == 502
    assert "Example cannot be asked" in page.text
    assert served.sign_in("bob@example.com", PASSWORD).status_code == 303


def test_without_a_provider_there_is_no_single_sign_on(tmp_path: Path, page_store: Store) -> None:
    page_store.control("reset", {})
    with page_of(tmp_path, page_store) as plain:
        for path in ("/login/sso", "/login/sso/back?again=1", "/login/sso/back"):
            assert plain.get(path, follow=False).status_code == 404
