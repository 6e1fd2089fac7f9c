"""Who may see the page and decide on it: accounts, roles, sessions, and what people who guess passwords meet."""

from __future__ import annotations

import json
import re
from ipaddress import ip_network
from pathlib import Path

import pytest
import requests

from syncd.testing.clocks import ManualClock
from syncd.web.page.passwords import hasher, verify
from syncd.web.page.routes import own_address
from syncd.web.page.throttle import Throttle, client_of
from tests.service.daemons import until
from tests.service.pages import LOCAL, PASSWORD, Served, Visit, asks, held, of, page_of, settled, users
from tests.shop import Shop, Store

OTHER = "another long password"


def test_a_page_of_this_machine_is_open_until_there_is_an_account(served: Served) -> None:
    assert served.get("/").url.endswith("/")
    users(served.shop, "add", "ada", "--role", "admin", password=PASSWORD)
    until(lambda: served.get("/").url.endswith("/login"))
    assert served.sign_in("ada", OTHER).status_code == 401
    assert served.sign_in("ada", PASSWORD).status_code == 303
    assert "Sign out ada" in served.get("/").text
    assert "That was the last account" in users(served.shop, "remove", "ada")
    until(lambda: "Sign out" not in served.get("/").text)


def test_who_decided_is_proven_by_the_account_that_signed_in(served: Served) -> None:
    served.shop.drop("a.jsonl", held("h1") + held("h2"))
    settled(served, 2)
    for name, role in (("ada", "operator"), ("vic", "viewer")):
        users(served.shop, "add", name, "--role", role, password=f"{PASSWORD} {name}")
    until(lambda: served.get("/").url.endswith("/login"))
    assert served.sign_in("ada", f"{PASSWORD} vic").status_code == 401
    assert served.sign_in("ADA ", f"{PASSWORD} ada").status_code == 303
    served.post(of(served, "h1"), verb="skip")
    audit = json.loads(served.shop.run("sale", "till:h1", "--json").out)["audit"]
    assert audit[-1]["actor"] == "page:ada"

    vic = Visit(served.url)
    vic.sign_in("vic", f"{PASSWORD} vic")
    story = of(vic, "h2")
    assert "h2" in vic.get(story).text
    assert '<button name="verb"' not in vic.get(story).text
    refused = vic.post(story, csrf=vic.csrf("/"), verb="skip")
    assert refused.status_code == 403
    assert "vic only sees" in refused.text
    assert json.loads(served.shop.run("sale", "till:h2", "--json").out)["state"] == "held"
    users(served.shop, "role", "vic", "operator")
    assert vic.get("/").url.endswith("/login")  # it signs in anew
    vic.sign_in("vic", f"{PASSWORD} vic")
    assert vic.post(story, verb="skip").status_code == 200


def test_a_restart_signs_nobody_out_and_a_new_password_does(tmp_path: Path, page_store: Store) -> None:
    page_store.control("reset", {})
    with page_of(tmp_path, page_store) as served:
        users(served.shop, "add", "ada", "--role", "admin", password=PASSWORD)
        until(lambda: served.get("/").url.endswith("/login"))
        served.sign_in("ada", PASSWORD)
        token = served.csrf()
    with page_of(tmp_path, page_store) as again:
        again.session.cookies.update(served.session.cookies)
        assert "Sign out ada" in again.get("/").text
        # a form of a page that was open before the restart still counts
        asked = again.post("/backfills", csrf=token, source="till", from_="2026-01-01", to="2026-01-01", how="estimate")
        assert asked.status_code == 200
        users(again.shop, "password", "ada", password=OTHER)
        assert again.get("/").url.endswith("/login")
        assert again.sign_in("ada", OTHER).status_code == 303
        again.post("/logout", csrf=again.csrf("/"))
        assert again.get("/").url.endswith("/login")


def test_signing_in_leads_on_to_the_address_that_was_asked_for_and_to_no_other_site(served: Served) -> None:
    users(served.shop, "add", "ada", password=PASSWORD)
    until(lambda: served.get("/").url.endswith("/login"))
    asked = served.get("/sales?q=mug&state=held")
    assert asked.url.endswith("/login?to=%2Fsales%3Fq%3Dmug%26state%3Dheld")
    to = re.search(r'name="to" value="([^"]+)"', asked.text)
    assert to
    form = {"name": "ada", "password": PASSWORD, "csrf": served.csrf("/login"), "to": to[1].replace("&amp;", "&")}
    answer = served.session.post(f"{served.url}/login", form, allow_redirects=False, timeout=10)
    assert answer.headers["Location"] == "/sales?q=mug&state=held"
    for elsewhere in (
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "evil.example",
        "",
        "javascript:alert(1)",
    ):
        assert own_address(elsewhere) == "/", elsewhere
    assert own_address("/sales#x") == "/sales"


def test_nothing_but_a_sent_form_counts_as_a_try_and_each_address_has_its_own(
    tmp_path: Path, page_store: Store
) -> None:
    page_store.control("reset", {})
    web = f"{LOCAL}\nproxies = ['127.0.0.1']\npassword_hash = '{hasher().hash(PASSWORD)}'"
    with page_of(tmp_path, page_store, web) as served:
        for _ in range(20):
            served.session.head(f"{served.url}/login", timeout=10)
            served.get("/login")
        csrf = served.csrf("/login")

        def tried(password: str, address: str) -> int:
            form = {"csrf": csrf, "name": "admin", "password": password}
            headers = {"X-Forwarded-For": address}
            return served.session.post(
                f"{served.url}/login", form, headers=headers, timeout=10, allow_redirects=False
            ).status_code

        for number in range(40):
            assert tried(f"wrong {number}", "203.0.113.9") == 401
        assert tried(PASSWORD, "203.0.113.9") == 401  # too many from there, whatever is sent
        assert (
            tried(PASSWORD, "198.51.100.7, 203.0.113.9") == 401
        )  # what the client itself has written counts for nothing
        assert tried(PASSWORD, "203.0.113.10") == 303  # and nobody else is locked out
        log = (served.shop.folder / "daemon.log").read_text()
        refused = [line for line in log.splitlines() if "sign_in_refused" in line]
        assert len(refused) == 1, refused  # told together
        assert PASSWORD not in log
        assert "wrong 3" not in log


def test_addresses_are_throttled_by_their_own_bucket_and_homes_of_ipv6_by_their_network() -> None:
    clock = ManualClock()
    throttle = Throttle(clock)
    assert [throttle.may_try("2001:db8::1") for _ in range(6)] == [True] * 5 + [False]
    assert not throttle.may_try("2001:db8::ffff:1")
    assert throttle.may_try("2001:db8:0:1::1")
    assert throttle.may_try("::ffff:192.0.2.1") == throttle.may_try("192.0.2.1") is True
    clock.pass_time(24)
    assert [throttle.may_try("2001:db8::1") for _ in range(3)] == [True, True, False]
    assert [throttle.failed("192.0.2.1") for _ in range(4)] == [1, 0, 0, 0]
    clock.pass_time(61)
    assert throttle.failed("192.0.2.1") == 4


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", "10.0.0.1", "192.0.2.1"),  # no proxy of ours says so
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("10.0.0.1", "6.6.6.6, 192.0.2.1", "192.0.2.1"),
        ("10.0.0.1", "6.6.6.6, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
        ("10.0.0.1", "<script>", "<script>"),
        ("", "192.0.2.1", ""),
    ],
)
def test_the_client_is_the_last_that_is_no_proxy_of_ours(peer: str, forwarded: str, client: str) -> None:
    assert client_of(peer, forwarded, [ip_network("10.0.0.0/8")]) == client


def test_an_unknown_account_takes_as_long_as_a_wrong_password_and_never_signs_in() -> None:
    kept = hasher().hash(PASSWORD)
    assert verify(kept, PASSWORD)
    assert not verify(kept, OTHER)
    assert not verify(None, PASSWORD)
    assert not verify(None, "nobody has this password")
    assert not verify("no hash", PASSWORD)
    assert not verify(kept, PASSWORD * 1000)


def test_accounts_are_listed_without_their_hashes_and_names_are_checked(tmp_path: Path, page_store: Store) -> None:
    shop = Shop(tmp_path, page_store)
    shop.configure('[sources.till]\ntype = "jsonl"\npath = "."\n')
    users(shop, "add", "ada@example.com", "--role", "admin", password=PASSWORD)
    assert "argon2" not in users(shop, "list") + users(shop, "list", "--json")
    assert json.loads(users(shop, "list", "--json"))[0]["role"] == "admin"
    for name, words in (
        ("admin", "the config's own"),
        ("a b", "no name to sign in with"),
        ("ada@example.com", "already"),
    ):
        done = asks(shop, "users", "add", name)
        assert done.returncode == 2
        assert words in done.stderr
    assert "too short" in asks(shop, "users", "add", "eve", password="short").stderr
    for command in (("role", "eve", "viewer"), ("password", "eve"), ("remove", "eve")):
        assert "there is no account eve" in asks(shop, "users", *command).stderr


def test_a_session_counts_until_its_time_is_over_and_is_forgotten_then(served: Served) -> None:
    users(served.shop, "add", "ada", password=PASSWORD)
    until(lambda: served.get("/").url.endswith("/login"))
    served.sign_in("ada", PASSWORD)
    assert "Sign out ada" in served.get("/").text
    stolen = requests.get(served.url, cookies={"syncd": "x" * 43}, timeout=10)
    assert stolen.url.endswith("/login")
