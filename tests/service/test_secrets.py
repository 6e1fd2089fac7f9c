"""A run with secrets and card numbers planted everywhere: not one of them is in any log, page, error, backup or ledger."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.testing.orders import sale
from syncd.web.page.passwords import hasher
from tests.doubles.hears import hearing
from tests.service.daemons import until
from tests.service.pages import LOCAL, page_of
from tests.shop import Shop, running_sandbox

_CARDS = ("4111111111111111", "5555 5555 5555 4444", "3782-822463-10005")
_PLANTED = {
    "PUSH_SECRET": "planted-push-secret-1",
    "METRICS": "planted-metrics-token-2",
    "DEAD_TOKEN": "planted-store-token-3",
}
_PASSWORD = "planted-page-password-4"
_SOURCES = """
[alerts]
urls = [{ env = "ALERT_URL" }]
heartbeat = { env = "PING_URL" }
[sources.till]
type = "jsonl"
path = "inbox"
settle = "0s"
[sources.own]
type = "push"
secret = { env = "PUSH_SECRET" }
[intake]
listen = "127.0.0.1:0"
[stores.second]
store_hash = "second"
token = { env = "DEAD_TOKEN" }
api_url = "@STORE@"
settle = "4s"
intent_life = "1s"
connect_timeout = "1s"
deadline = "1s"
[stores.second.default_address]
street_1 = "1 Main Street"
city = "Austin"
state = "Texas"
zip = "78701"
country_iso2 = "US"
[sources.other]
type = "jsonl"
path = "other"
store = "second"
settle = "0s"
"""


def carded(source: str, name: str) -> str:
    """A sale with card numbers wherever free text goes."""
    line = {
        "line_id": "1",
        "name": f"Voucher {_CARDS[0]}",
        "quantity": "1",
        "total_ex_tax": "10.00",
        "total_inc_tax": "10.80",
    }
    tenders = [{"kind": "card", "label": f"Visa {_CARDS[1]}", "amount": "10.80"}]
    return (
        sale(source=source, sale_id=name, note=f"paid with {_CARDS[2]}", lines=[line], tenders=tenders).to_json() + "\n"
    )


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    with hearing() as found:
        for name, value in {**_PLANTED, "ALERT_URL": found.url, "PING_URL": found.heartbeat}.items():
            monkeypatch.setenv(name, value)
        yield ["SECRET-PATH-77", "SECRET-PING-88"]


def test_no_secret_and_no_card_number_is_anywhere(tmp_path: Path, heard: list[str]) -> None:
    seen: dict[str, str] = {}
    web = f"{LOCAL}\npassword_hash = '{hasher().hash(_PASSWORD)}'\nmetrics_token = {{ env = \"METRICS\" }}"
    (tmp_path / "other").mkdir()
    with running_sandbox() as (_, store):
        sources = _SOURCES.replace("@STORE@", store.url).replace("[sources.till]\n", '[sources.till]\nstore = "main"\n')
        sources = sources.replace("[sources.own]\n", '[sources.own]\nstore = "main"\n')
        with page_of(tmp_path, store, web, sources) as served:
            served.shop.drop("a.jsonl", carded("till", "s1") + '{"source":"till","note":"' + _CARDS[0] + '"\n')
            served.shop.drop("b.jsonl", carded("other", "s2"), inbox="other")
            until(lambda: len(store.orders()) == 1)
            served.sign_in("admin", "planted-wrong-password-5")
            served.sign_in("admin", _PASSWORD)
            pages = [
                "/",
                "/sales",
                "/attention",
                "/sources/till",
                "/sources/other",
                "/stores",
                "/backfills",
                "/log",
                "/log.csv",
            ]
            pages += [f"/sale/{n}" for n in (1, 2)] + [f"/sale/{n}/payload" for n in (1, 2)] + ["/nowhere"]
            for page in pages:
                seen[f"page {page}"] = served.get(page).text
            seen["metrics"] = served.get("/metrics", headers={"Authorization": f"Bearer {_PLANTED['METRICS']}"}).text
            served.process.send_signal(signal.SIGHUP)
            for words in (
                ("status",),
                ("check",),
                ("sales", "--json"),
                ("sale", "till:s1", "--json"),
                ("faults", "--json"),
            ):
                done = served.shop.run(*words)
                seen[" ".join(words)] = done.out + done.err
            for words in (
                ("config", "show", "--all"),
                ("config", "show", "--json"),
                ("alerts", "test"),
                ("preview", "till:s1"),
            ):
                done = served.shop.run(*words)
                seen[" ".join(words)] = done.out + done.err
            served.shop.run("ledger", "backup", str(tmp_path / "backup.db"))
        orders = store.orders()
        seen["order"] = json.dumps([orders, store.get(f"/v2/orders/{orders[0]['id']}/products")])
    for file in [tmp_path / "daemon.log", tmp_path / "backup.db", *tmp_path.glob("ledger.db*")]:
        seen[file.name] = file.read_bytes().decode("latin-1")
    planted = [*_PLANTED.values(), _PASSWORD, "planted-wrong-password-5", *heard, store.token]
    for where, text in seen.items():
        for secret in planted:
            assert secret not in text, (where, secret)
        digits = re.sub(r"(?<=\d)[ -](?=\d)", "", text)
        for card in _CARDS:
            assert re.sub(r"\D", "", card) not in digits, (where, card)
    assert "[card ending 1111]" in seen["page /sale/1"]


def test_a_token_that_an_error_would_quote_is_not_quoted(tmp_path: Path, heard: list[str]) -> None:  # noqa: ARG001
    with running_sandbox() as (_, store):
        shop = Shop(tmp_path, store)
        (tmp_path / "inbox").mkdir()
        shop.configure('[sources.till]\ntype = "jsonl"\npath = "inbox"\n')
        text = shop.config.read_text()
        wrong = text.replace('token = { env = "FLOW_TOKEN" }', 'token = "planted-in-clear-6"')
        wrong += '[sources.x]\ntype = "loyverse"\ntoken = "planted-in-clear-7"\n'
        shop.config.write_text(wrong)
        done = shop.run("check")
        assert done.code == 2
        assert "planted" not in done.out + done.err
        assert "stores.main.token" in done.err


def test_everything_that_syncd_writes_is_its_owners_alone(shop: Shop) -> None:
    old = os.umask(0o022)
    try:
        shop.drop("a.jsonl", carded("till", "s1"))
        shop.run("sync")
        daemon = shop.start("run")
        until((shop.folder / "ledger.db-wal").exists)
        open_to_others = [file.name for file in shop.folder.glob("ledger.db*") if file.stat().st_mode & 0o077]
        daemon.terminate()
        daemon.wait()
    finally:
        os.umask(old)
    assert open_to_others == []
