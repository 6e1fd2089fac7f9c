"""The page over HTTP: what it says, who may act, and what every request is refused for."""

from __future__ import annotations

import csv
import json
import os
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from syncd.sale.overrides import Verb
from syncd.testing.orders import sale
from syncd.web.page.passwords import hasher
from syncd.web.page.routes import _VIEWS
from tests.ledger.test_links import back, sold
from tests.service.daemons import until
from tests.service.pages import LOCAL, PASSWORD, Served, a_sale, held, of, page_of, pressed, settled
from tests.shop import Store

_FILLED = {"{number:int}": "1", "{name}": "till", "{token}": "0" * 32}
_PATHS = [re.sub(r"\{[a-z:]+\}", lambda found: _FILLED[found[0]], path) for path in _VIEWS]
MALFORMED = int(os.environ.get("SYNCD_MANY", "1000"))


@pytest.fixture
def locked(tmp_path: Path, page_store: Store) -> Iterator[Served]:
    page_store.control("reset", {})
    with page_of(tmp_path, page_store, f"{LOCAL}\npassword_hash = '{hasher().hash(PASSWORD)}'") as found:
        yield found


def test_a_sale_is_found_by_its_receipt_its_key_and_its_order_number(served: Served) -> None:
    served.shop.drop("a.jsonl", a_sale("s1", number="R-77") + a_sale("s2", number="R-78"))
    settled(served, 2)
    (order,) = [one for one in served.shop.store.orders() if one["external_order_id"] == "till:s1"]
    story = of(served, "R-77")
    assert {of(served, "till:s1"), of(served, "s1"), of(served, str(order["id"]))} == {story}
    text = served.get(story).text
    for words in ("R-77", "10.80 USD", "Coffee beans", "was created", "HTTP 201", f"order {order['id']}", "MUG-1"):
        assert words in text
    assert of(served, "R-78") != story


def test_any_words_and_filters_find_sales_at_an_address_that_can_be_shared(served: Served) -> None:
    who = {"first_name": "Mary", "last_name": "Jones"}
    served.shop.drop("a.jsonl", a_sale("good", location={"id": "1", "name": "Downtown"}, customer=who) + held("bad"))
    settled(served, 2)

    def found(**query: str) -> set[str]:
        answer = served.get("/sales", params=query)
        assert answer.status_code == 200
        found = set(re.findall(r'"dim key">([^<]+)<', answer.text))
        file = list(csv.DictReader(served.get("/sales.csv", params=query).text.splitlines()))
        assert {row["sale"] for row in file} == found
        return found

    assert found(state="held") == {"till:bad"}
    assert found(q="mary") == found(q="jones mug") == found(q="location:Downtown mary") == {"till:good"}
    assert found(q="mug") == found(q="10.80 mug") | {"till:bad"} == {"till:good", "till:bad"}
    assert found(q="mug", total="10.80") == found(q="mug", location="Downtown") == {"till:good"}
    assert found(**{"from": "2026-01-01", "to": "2026-01-02"}) == found(sku="NONE") == set()
    text = served.get("/sales", params={"q": "jones state:synced"}).text
    assert '"jones"' in text
    assert "1 sale</strong>" in text
    for words in ("Mary Jones", "Coffee beans", "Cash"):
        assert words in text
    assert "No sale fits" in served.get("/sales?sku=NONE").text
    wrong = served.get("/sales", params={"q": "state:lost day:2026-13 total:x from:2026"}).text
    for name in ("state:lost", "day:2026-13", "total:x", "from:2026"):
        assert f"{name} is not" in wrong


def test_sales_that_stand_still_for_one_reason_are_released_together_once_that_is_confirmed(served: Served) -> None:
    served.shop.drop("a.jsonl", "".join(held(f"h{n}") for n in range(5)))
    settled(served, 5)
    (group,) = set(re.findall(r'href="(/attention/[0-9a-f]+)"', served.get("/attention").text))
    assert "5 sales" in served.get(group).text
    asked = served.post(group, verb="release", scope="all", reason="counted by hand")
    assert "Release 5 sales?" in asked.text
    assert served.shop.store.orders() == []
    done = served.post(group, verb="release", scope="all", reason="counted by hand", sure="yes")
    assert "5 sales released; sent in a minute." in done.text
    assert served.shop.store.orders() == []
    assert "5 sales sent now." in pressed(served, done, "send").text
    until(lambda: len(served.shop.store.orders()) == 5)
    story = json.loads(served.shop.run("sale", "till:h1", "--json").out)
    assert [(row["actor"], row["why"]) for row in story["audit"] if row["actor"] != "syncd"] == [
        ("page:local", "counted by hand")
    ]


def test_a_return_is_linked_to_the_sale_that_fits_it(served: Served) -> None:
    served.shop.drop("a.jsonl", sold("o1").to_json() + "\n" + back().to_json() + "\n")
    settled(served, 2)
    story = of(served, "till:back")
    text = served.get(story).text
    assert "all of its goods at the same price, 10 days before" in text
    assert "was not linked: the ledger has no sale till:none" in served.post(f"{story}/link", original="till:none").text
    assert served.post(f"{story}/link", original="till:o1", follow=False).headers["Location"].startswith(story)
    until(lambda: served.shop.run("sale", "till:back", "--json").json["state"] == "synced")
    assert "linked to till:o1 by page:local" in served.get(story).text
    assert "Which sale did these goods come from?" not in served.get(story).text


def test_the_books_of_a_day_have_the_same_figures_as_the_audit(served: Served) -> None:
    served.shop.drop("a.jsonl", sold("o1").to_json() + "\n" + held("bad", placed_at="2026-11-10T12:00:00-06:00"))
    settled(served, 2)
    assert "Choose days" in served.get("/books").text
    day = ("--from", "2026-11-10", "--to", "2026-11-10")
    (row,) = served.shop.run("audit", *day, "--json").json["main"]["groups"][:1]
    text = served.get("/books?from=2026-11-10&to=2026-11-10").text
    for words in ("21.60 USD", "not in BigCommerce: 1 held, 11.80 USD", "it is held", "till:bad", row["POS"]):
        assert words in text
    assert "more than 31 days" in served.get("/books?from=2026-01-01&to=2026-11-10").text
    assert "are not two days" in served.get("/books?from=yesterday").text


def test_only_those_that_are_ticked_are_acted_upon(served: Served) -> None:
    served.shop.drop("a.jsonl", "".join(held(f"h{n}") for n in range(3)))
    settled(served, 3)
    (group,) = set(re.findall(r'href="(/attention/[0-9a-f]+)"', served.get("/attention").text))
    assert "Nothing was chosen" in served.post(group, verb="skip", scope="chosen").text
    number = of(served, "till:h1").removeprefix("/sale/")
    assert "1 sale skipped." in served.post(group, verb="skip", scope="chosen", id=[number]).text
    states = {one["sale"]: one["state"] for one in json.loads(served.shop.run("sales", "--json").out)}
    assert states == {"till:h0": "held", "till:h1": "skipped", "till:h2": "held"}


def test_a_decision_that_the_reason_does_not_offer_is_none(served: Served) -> None:
    served.shop.drop("a.jsonl", held("h1") + held("h2"))
    settled(served, 2)
    (group,) = set(re.findall(r'href="(/attention/[0-9a-f]+)"', served.get("/attention").text))
    for verb in ("hold", "retry", "nonsense", ""):
        for sure in ("", "yes"):
            assert served.post(group, verb=verb, scope="all", sure=sure).status_code == (
                400 if verb in {one.value for one in Verb} else 200
            )
    assert {one["state"] for one in json.loads(served.shop.run("sales", "--json").out)} == {"held"}


def test_what_makes_no_sense_any_more_is_left_as_it_is_and_said(served: Served) -> None:
    served.shop.drop("a.jsonl", a_sale("s1"))
    settled(served, 1)
    answer = served.post(of(served, "s1"), verb="skip")
    assert "skip does not help with till:s1" in answer.text
    assert "already in BigCommerce; void it in the POS" in answer.text


def test_records_that_cannot_be_read_are_shown_as_they_were_and_settled(served: Served) -> None:
    served.shop.drop("a.jsonl", '{"broken": <script>alert(1)</script>\n')
    until(lambda: "could not be read" in served.get("/").text)
    text = served.get("/sources/till").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<script>alert" not in text
    assert "Nothing was chosen" in served.post("/sources/till", scope="chosen").text
    assert "1 record settled." in served.post("/sources/till", scope="all").text
    assert "could not be read" not in served.get("/attention").text


def test_both_sides_of_a_day_are_shown_and_a_difference_stands_out(served: Served) -> None:
    now = datetime.now(UTC)
    served.shop.drop("a.jsonl", a_sale("s1", placed_at=now) + held("h1", placed_at=now))
    settled(served, 2)
    words = ('class="off"', "22.60 USD", "10.80 USD", "11.80 USD")
    until(lambda: all(word in served.get("/").text for word in words))  # what it looked up last is a few seconds old


def test_a_backfill_is_counted_first_and_done_when_somebody_says_so(served: Served) -> None:
    served.shop.drop("a.jsonl", a_sale("s1") + a_sale("s2"))
    settled(served, 2)
    day = sale().placed_at.date().isoformat()
    answer = served.post("/backfills", source="till", from_=day, to=day, how="estimate", follow=False)
    where = answer.headers["Location"]
    until(lambda: "What was counted" in served.get(where).text)
    assert "2, of which 0 are new" in served.get(where).text
    served.post(where, turn="start")
    until(lambda: "done" in served.get(where).text)
    rows = list(csv.DictReader(served.get(f"{where}/report.csv").text.splitlines()))
    assert [row["sale"] for row in rows] == ["till:s1", "till:s2"]
    assert "ends" in served.post("/backfills", source="till", from_="2026-01-02", to="2026-01-01").text
    assert served.post("/backfills", source="nobody", from_=day, to=day).status_code == 400


def test_a_payload_is_shown_with_every_decision_behind_it_and_none_where_nothing_would_be_sent(served: Served) -> None:
    served.shop.drop("a.jsonl", held("h1"))
    settled(served, 1)
    text = served.get(of(served, "h1") + "/payload").text
    assert "external_order_id" not in text
    assert "No request: it is held" in text
    assert "Correct the sale in the POS" in text
    assert "payment method" in text


def test_the_log_can_be_taken_away_as_a_table_that_no_spreadsheet_runs(served: Served) -> None:
    served.shop.drop("a.jsonl", held("h1"))
    settled(served, 1)
    served.post(of(served, "h1"), verb="skip", reason="=cmd|' /C calc'!A0")
    answer = served.get("/log.csv?days=1")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="syncd-log-')
    rows = list(csv.DictReader(answer.text.splitlines()))
    assert [(row["sale"], row["by"], row["after"]) for row in rows] == [
        ("till:h1", "page:local", "skipped"),
        ("till:h1", "syncd", "held"),
    ]
    assert rows[0]["why"] == "'=cmd|' /C calc'!A0"


def test_a_path_with_a_slash_too_many_is_redirected_nowhere(served: Served) -> None:
    answer = requests.get(f"{served.url}/sales/", headers={"Host": "evil.example"}, timeout=10, allow_redirects=False)
    assert (answer.status_code, answer.headers.get("Location")) != (307, "http://evil.example/sales")
    assert answer.status_code in (403, 404)


def test_a_form_that_was_not_sent_from_the_page_changes_nothing(served: Served) -> None:
    served.shop.drop("a.jsonl", held("h1"))
    settled(served, 1)
    where, good = of(served, "h1"), served.csrf()
    form = {"csrf": good, "verb": "skip"}
    wrong = [
        served.post(where, csrf="", verb="skip"),
        served.post(where, csrf="0" * 64, verb="skip"),
        requests.post(served.url + where, form, timeout=10),  # no cookie
        served.session.post(served.url + where, form, headers={"Origin": "http://evil.example"}, timeout=10),
        served.session.post(served.url + where, form, headers={"Origin": "http://[x"}, timeout=10),
        served.session.post(served.url + where, form, headers={"Sec-Fetch-Site": "cross-site"}, timeout=10),
    ]
    assert [answer.status_code for answer in wrong] == [403] * 6
    assert json.loads(served.shop.run("sale", "till:h1", "--json").out)["state"] == "held"


def test_a_name_that_only_leads_here_sees_nothing(served: Served) -> None:
    port = served.url.rpartition(":")[2]
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", ""):
        assert requests.get(served.url, headers={"Host": host}, timeout=10).status_code == 421
    assert requests.get(served.url, headers={"Host": f"localhost:{port}"}, timeout=10).status_code == 200


def test_every_answer_says_what_a_browser_may_do_with_it(served: Served) -> None:
    for path in ("/", "/sales", "/nowhere", "/sale/99", "/static/style.css"):
        headers = served.get(path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
    cookie = requests.get(served.url, timeout=10).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


def test_whoever_does_not_sign_in_sees_and_changes_nothing(locked: Served) -> None:
    locked.shop.drop("a.jsonl", held("h1"))
    settled(locked, 1)
    for path in ("/", "/sales", "/sale/1", "/log.csv", "/backfills", "/attention"):
        answer = locked.get(path, follow=False)
        assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (303, "/login")
        assert "h1" not in answer.text
    assert locked.post("/sale/1", csrf=locked.csrf("/login"), verb="skip").status_code == 403
    assert json.loads(locked.shop.run("sale", "till:h1", "--json").out)["state"] == "held"


def test_a_page_that_only_shows_things_refuses_every_decision(tmp_path: Path, page_store: Store) -> None:
    page_store.control("reset", {})
    with page_of(
        tmp_path, page_store, f"{LOCAL}\nread_only = true\npassword_hash = '{hasher().hash(PASSWORD)}'"
    ) as served:
        served.sign_in("admin", PASSWORD)
        served.shop.drop("a.jsonl", held("h1"))
        settled(served, 1)
        where = of(served, "h1")
        assert '<button name="verb"' not in served.get(where).text
        assert served.post(where, verb="skip").status_code == 403
        assert served.post("/backfills", source="till", from_="2026-01-01", to="2026-01-01").status_code == 403


def test_a_port_that_is_taken_is_told_and_sales_go_on(served: Served, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("second")
    from tests.shop import Shop

    second = Shop(folder, served.shop.store)
    (folder / "inbox").mkdir()
    address = served.url.removeprefix("http://")
    second.configure('[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n', web=f'listen = "{address}"')
    process = second.start("run")
    try:
        second.drop("a.jsonl", a_sale("x1"))
        until(lambda: len(served.shop.store.orders()) == 1)
        until(lambda: "web_cannot_listen" in (folder / "daemon.log").read_text())
    finally:
        process.terminate()
        process.wait()


def test_the_command_makes_a_hash_that_the_page_takes() -> None:
    def made(password: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "syncd", "web", "password"]
        return subprocess.run(command, input=f"{password}\n", capture_output=True, text=True, check=False)

    done = made(PASSWORD)
    assert PASSWORD not in done.stdout
    kept = re.search(r"password_hash = '(\$argon2id\$[^']+)'", done.stdout)
    assert kept
    assert hasher().verify(kept[1], PASSWORD)
    assert made("short").returncode == 2


def test_malformed_requests_never_break_the_page(served: Served) -> None:
    served.shop.drop("a.jsonl", a_sale("s1") + held("h1"))
    settled(served, 2)
    csrf, dice, before = served.csrf(), random.Random(7), 0.0
    paths = [*_PATHS, "/", "/login", "/logout", "/static/style.css", "/metrics", "/healthz", "/readyz"]
    odd = [
        "\x00",
        "💥",
        "9" * 40,
        "-1",
        "' or 1=1 --",
        "<b>",
        "%ff",
        "../../etc/passwd",
        "a" * 3000,
        "1.1",
        "{{7*7}}",
        "\u202e",
    ]
    names = [
        "q",
        "state",
        "from",
        "to",
        "sku",
        "receipt",
        "location",
        "day",
        "before",
        "source",
        "id",
        "verb",
        "did",
        "days",
        "total",
        "turn",
        "scope",
    ]
    seen: Counter[int] = Counter()
    for turn in range(MALFORMED):
        before = served.resident_mb() if turn == MALFORMED // 4 else before  # by then everything is loaded
        path, words = dice.choice(paths), {dice.choice(names): dice.choice(odd) for _ in range(3)}
        path += f"/{dice.choice(odd)}" if dice.random() < 0.3 else ""
        method = dice.choice(["GET", "HEAD", "PUT", "POST", "POST", "POST"])
        form: Any = {"csrf": csrf, **words} if dice.random() < 0.8 else dice.randbytes(200)
        sent: dict[str, Any] = {"data": form} if method == "POST" else {"params": words}
        if method == "POST" and isinstance(form, dict) and dice.random() < 0.3:
            sent["files"] = {dice.choice(["file", "x"]): (dice.choice(odd), dice.randbytes(300))}
        answer = served.session.request(method, served.url + path, timeout=20, allow_redirects=False, **sent)
        seen[answer.status_code] += 1
        assert answer.status_code < 500 or path == "/healthz", (path, words)
        assert "Traceback" not in answer.text
    assert {200, 303, 404} <= set(seen)
    assert served.resident_mb() - before < 12  # flat, but for what allocators keep


def test_over_tls_the_cookie_is_for_this_host_and_tls_alone(tmp_path: Path, page_store: Store) -> None:
    page_store.control("reset", {})
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "page.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "page-key.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    web = f'{LOCAL}\npassword_hash = \'{hasher().hash(PASSWORD)}\'\ncertificate = "page.pem"\nkey = "page-key.pem"'
    with page_of(tmp_path, page_store, web) as served:
        served.url = served.url.replace("http://127.0.0.1", "https://localhost")
        served.session.verify, served.session.trust_env = str(tmp_path / "ca.pem"), False
        answer = served.get("/login")
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-syncd=")
        assert "; Secure" in cookie
        assert served.sign_in("admin", PASSWORD).status_code == 303
        assert "Sign out admin" in served.get("/").text
