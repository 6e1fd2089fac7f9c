"""``syncd connect``: an owner gives access on the POS's own page, and the source reads on by itself from then on."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pexpect
import pytest
import requests

from syncd.errors import UsageError
from syncd.sources.consent import Consent, Request
from syncd.sources.oauth import Tokens
from syncd.testing.clocks import ManualClock
from tests.doubles.clover import CloverDouble
from tests.doubles.lightspeed_x import LightspeedDouble
from tests.doubles.shopify_pos import ShopifyDouble
from tests.doubles.square import SquareDouble
from tests.shop import Shop

TABLES: dict[str, tuple[Any, str]] = {
    "square": (SquareDouble, '[sources.till.oauth]\nclient_id = "app"\n'),
    "clover": (CloverDouble, 'merchant_id = "MID1"\n[sources.till.oauth]\nclient_id = "app"\n'),
    "lightspeed_x": (
        LightspeedDouble,
        'prefix = "corner"\n[sources.till.oauth]\nclient_id = "app"\nclient_secret = { env = "APP_SECRET" }\n',
    ),
}
TODAY = "start_from = 2020-01-01T00:00:00Z\n"


class Account:
    """A POS account without access yet, and the shop whose source it is."""

    def __init__(self, shop: Shop, kind: str, double: Any, table: str) -> None:
        self.shop, self.kind, self.double = shop, kind, double
        shop.configure(f'[sources.till]\ntype = "{kind}"\napi_url = "{double.url}"\n{TODAY}{table}')

    @property
    def env(self) -> dict[str, str]:
        return {**self.shop.env, "APP_SECRET": "s", "PYTHONDONTWRITEBYTECODE": "1"}

    def read(self) -> int:
        """How many sales were read (one double sells in another currency than the store, so its sales are held)."""
        return len(self.shop.run("sales", "--json").json)

    def start(self, *words: str, browser: str = "") -> pexpect.spawn[str]:
        env = {name: value for name, value in self.env.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")}
        env |= {"BROWSER": browser} if browser else {}
        words = ("-m", "syncd", "connect", "till", *words)
        return pexpect.spawn(  # by poll(2): select(2) takes no descriptor beyond 1,023
            sys.executable,
            list(words),
            env=env,
            cwd=str(self.shop.folder),
            encoding="utf-8",
            timeout=60,
            dimensions=(60, 400),
            use_poll=True,
        )


@pytest.fixture(params=sorted(TABLES))
def account(request: pytest.FixtureRequest, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    from datetime import UTC, datetime

    make, table = TABLES[request.param]
    clock = ManualClock(datetime.now(UTC))
    monkeypatch.setenv("APP_SECRET", "s")
    with ExitStack() as exits:
        yield Account(shop, request.param, exits.enter_context(make(clock)), table)


def _allowed(url: str) -> str:
    """The owner opens the address and allows access: where the browser ends."""
    answer = requests.get(url, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def _url(shown: str) -> str:
    found = re.search(r"(http://127\.0\.0\.1:\d+/\S*client_id=\S+)", shown)
    assert found is not None, shown
    return found[1]


def test_without_a_browser_the_address_is_pasted_and_the_source_reads_from_then_on(account: Account) -> None:
    account.double.sell(2)
    refused = account.shop.run("sync")
    assert "syncd connect till" in refused.err + refused.out
    child = account.start()
    child.expect("Address of that page")
    address = _allowed(_url(child.before or ""))
    child.sendline("https://example.com/nothing")
    child.expect("that holds no code")
    child.expect("Address of that page")
    child.sendline(address.replace("state=", "state=x"))
    child.expect("answers another request")
    child.expect("Address of that page")
    child.sendline(address)
    child.expect("gave access")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    done = account.shop.run("sync")
    assert account.read() == 2
    assert account.double.token not in done.out + done.err


def test_in_a_browser_the_answer_comes_back_by_itself(account: Account, tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(
        f"#!{sys.executable}\nimport sys, requests\n"
        "got = requests.get(sys.argv[1], timeout=30)\n"
        f"open({str(tmp_path / 'seen')!r}, 'a').write(got.text)\n"
        "requests.get('http://localhost:28789/favicon.ico', timeout=30)\n"
    )
    browser.chmod(0o700)
    child = account.start("--port", "28789", browser=f"{browser} %s &")
    child.expect("gave access")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    for _ in range(100):
        if (tmp_path / "seen").exists() and "You can close this page" in (tmp_path / "seen").read_text():
            break
        time.sleep(0.05)
    assert "You can close this page" in (tmp_path / "seen").read_text()
    account.double.sell(1)
    account.shop.run("sync")
    assert account.read() == 1


def test_tokens_of_a_consent_renew_themselves(account: Account) -> None:
    child = account.start("--paste")
    child.expect("Address of that page")
    child.sendline(_allowed(_url(child.before or "")))
    child.expect("gave access")
    child.expect(pexpect.EOF)
    first = account.double.token
    account.double.expire_token()
    account.double.sell(1)
    account.shop.run("sync")
    assert account.double.token not in (first, "")
    assert account.read() == 1


def test_an_owner_who_denies_access_is_told_so_and_nothing_is_kept(account: Account) -> None:
    account.double.page_of_consent.refuses = "access_denied"
    child = account.start("--paste")
    for _ in range(3):
        child.expect("Address of that page")
        child.sendline(_allowed(_url(child.before or "")) if _ == 0 else "code=&error=access_denied")
        child.expect("gave no access")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 2
    assert account.shop.run("sync").code == 3


def test_a_code_that_was_used_is_refused_in_words(account: Account) -> None:
    child = account.start("--paste")
    child.expect("Address of that page")
    address = _allowed(_url(child.before or ""))
    account.double.page_of_consent._codes.clear()
    child.sendline(address)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 3
    assert "Traceback" not in (child.before or "")


@pytest.mark.parametrize("kind", ["clover", "lightspeed_x"])
def test_another_account_than_the_configs_is_refused(shop: Shop, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_SECRET", "s")
    make, table = TABLES[kind]
    with make() as double:
        double.page_of_consent.more = {"merchant_id": "OTHER", "domain_prefix": "other"}
        account = Account(shop, kind, double, table)
        child = account.start("--paste")
        child.expect("Address of that page")
        child.sendline(_allowed(_url(child.before or "")))
        child.expect("and the config names")
        child.close(force=True)


def test_a_port_that_is_taken_is_a_line_and_2(account: Account) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        child = account.start("--port", str(taken.getsockname()[1]), browser="/bin/true %s")
        child.expect(pexpect.EOF)
        child.close()
    assert child.exitstatus == 2
    assert "Name another port" in (child.before or "")


def test_a_source_that_needs_no_consent_says_what_it_signs_in_with(shop: Shop) -> None:
    shop.configure('[sources.till]\ntype = "jsonl"\npath = "inbox"\n')
    done = shop.run("connect", "till")
    assert (done.code, "needs no consent" in done.err) == (2, True)
    shop.configure('[sources.till]\ntype = "square"\ntoken = { command = ["echo", "x"] }\n')
    done = shop.run("connect", "till")
    assert done.code == 2
    assert "nothing to connect" in done.err
    assert shop.run("connect", "nobody").code == 2


def test_an_app_of_shopify_gets_its_token_by_its_credentials_and_the_next_days_token_too(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_SECRET", "app-secret")
    with ShopifyDouble() as double:
        table = f'[sources.till]\ntype = "shopify_pos"\napi_url = "{double.url}"\n{TODAY}'
        shop.configure(table + '[sources.till.app]\nclient_id = "app"\nclient_secret = { env = "APP_SECRET" }\n')
        double.sell(2)
        assert shop.run("sync").code == 0
        double.expire_token()
        double.sell(1)
        assert shop.run("sync").code == 0
        assert (len(shop.store.orders()), double.day) == (3, 2)
        monkeypatch.setenv("APP_SECRET", "a-wrong-one")
        double.expire_token()
        refused = shop.run("sync")
        assert refused.code == 3
        assert "Check client_id and client_secret" in refused.err + refused.out


def _consent(*, pkce: bool) -> Consent:
    return Consent(
        "Example",
        "https://pos.example/authorize",
        "app",
        lambda _: Tokens("a", "r"),
        lambda _: None,
        ("A", "B"),
        pkce=pkce,
    )


def test_an_address_carries_what_the_standard_wants_and_no_verifier() -> None:
    request = Request.of(_consent(pkce=True), "http://localhost:8789/")
    assert request.verifier not in request.url
    assert "code_challenge_method=S256" in request.url
    assert "scope=A+B" in request.url or "scope=A%20B" in request.url
    assert "code_challenge" not in Request.of(_consent(pkce=False), "http://localhost:8789/").url
    assert 43 <= len(request.verifier) <= 128  # RFC 7636, section 4.1
    shown = repr(request)
    assert request.verifier not in shown
    assert request.state not in shown


@pytest.mark.parametrize(
    "answer", ["", "  ", "https://x.example/?state=a", "?error=denied", "http://localhost:8789/?code=", "https://[x"]
)
def test_an_answer_without_a_code_is_refused_in_words(answer: str) -> None:
    request = Request.of(_consent(pkce=True), "http://localhost:8789/")
    with pytest.raises(UsageError):
        request.granted(answer)


def test_a_code_alone_is_taken_as_it_is() -> None:
    assert Request.of(_consent(pkce=True), "http://localhost/").granted(" sq0cgp-abc_1 ").code == "sq0cgp-abc_1"
