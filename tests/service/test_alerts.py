"""Alerts at a real daemon and a real receiver: told once, told again when it could not be told, never with a secret."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import requests
import yaml

from syncd.app import open_app
from syncd.config import load
from syncd.ledger import Alert
from syncd.service.alert_rules import KINDS, Watch
from syncd.service.health import read_health
from syncd.service.notifier import Notifier, silence, silent_until
from syncd.testing.orders import sale
from syncd.web.page.passwords import hasher
from tests.doubles.hears import Heard, hearing
from tests.service.daemons import daemon, until
from tests.service.pages import FOLDER, LOCAL, page_of
from tests.shop import Shop, running_sandbox

_ALERTS = '[alerts]\nurls = [{ env = "ALERT_URL" }]\nheartbeat = { env = "PING_URL" }\ndigest = ""\n'
_MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Heard]:
    with hearing() as found:
        monkeypatch.setenv("ALERT_URL", found.url)
        monkeypatch.setenv("PING_URL", found.heartbeat)
        yield found


@pytest.fixture
def alerting(shop: Shop, heard: Heard) -> Shop:  # noqa: ARG001  the addresses are in the environment by then
    shop.configure(FOLDER + _ALERTS)
    return shop


def test_a_cause_is_told_once_and_once_when_it_is_over_and_no_log_shows_the_addresses(
    alerting: Shop, heard: Heard, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FLOW_TOKEN", alerting.store.token)
    alerting.drop("a.jsonl", '{"source":"till","sale_id":"broken"}\n')
    alerting.run("sync")
    with open_app(load(alerting.config)) as app:
        watch, tellers = Watch(app), (Notifier(app), Notifier(app))
        for _ in range(2):
            watch.look(None)
            with ThreadPoolExecutor(2) as pool:  # as two daemons of one ledger would
                list(pool.map(lambda teller: teller.tell(), tellers))
        assert len(heard.messages) == 1
        assert heard.messages[0]["title"].startswith("syncd: 1 record of till could not be read: a.jsonl:1: ")
        assert "syncd faults --source till" in heard.messages[0]["message"]
        app.ledger.sources.settle_faults("till", (), "me")
        watch.look(None)
        tellers[0].tell()
        assert heard.messages[-1]["title"].startswith("syncd: over: 1 record of till could not be read")
        tellers[0].ping()
        until(lambda: heard.pings > 0)
        heard.status = 500

        def heard_again() -> bool:
            tellers[0].ping()  # one that comes while the last one still ends is left out
            return heard.pings > 1

        until(heard_again)
    said = capfd.readouterr()
    assert "SECRET" not in said.out + said.err


def test_an_alert_that_ended_before_anybody_heard_of_it_is_not_told(
    alerting: Shop, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOW_TOKEN", alerting.store.token)
    with open_app(load(alerting.config)) as app:
        app.ledger.alerts.watched(KINDS, [Alert("main", "paused", "main", "main is paused", "Do this.")])
        app.ledger.alerts.watched(KINDS, [])
        Notifier(app).tell()
        app.ledger.alerts.watched(KINDS, [Alert("main", "late", "main", "sales wait", "Do this.")])
        Notifier(app).tell()
    assert [one["title"] for one in heard.messages] == ["syncd: sales wait"]


def test_what_could_not_be_told_is_told_later_and_silence_holds_it_back(
    alerting: Shop, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOW_TOKEN", alerting.store.token)
    with open_app(load(alerting.config)) as app:
        teller = Notifier(app)
        app.ledger.alerts.raise_new([Alert("main", "paused", "main", "main is paused", "Do this.")])
        heard.status = 500
        teller.tell()
        heard.status = 200
        assert heard.messages == []
        silence(app, app.clock.now() + timedelta(hours=1))
        teller.tell()
        assert heard.messages == []
        app.ledger.catalog.prune_lookups(app.clock.now() + timedelta(days=9))
        assert silent_until(app) is not None
        silence(app, None)
        teller.tell()
        teller.tell()
    assert [one["title"] for one in heard.messages] == ["syncd: main is paused"]


def test_a_receiver_that_hangs_holds_nothing_up(alerting: Shop, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOW_TOKEN", alerting.store.token)
    heard.hangs_s = 300
    with open_app(load(alerting.config)) as app:
        app.ledger.alerts.raise_new([Alert("main", "two orders", "x", "a sale has two orders", "Do this.")])
    begin = time.monotonic()
    with daemon(alerting, monkeypatch) as app:
        until(lambda: any(one.running() for one in read_health(app.ledger)))
        alerting.drop("a.jsonl", sale(source="till").to_json() + "\n")
        until(lambda: len(alerting.store.orders()) == 1)
    assert time.monotonic() - begin < 60  # the receiver would have taken five minutes


def test_the_commands_list_try_and_silence(alerting: Shop, heard: Heard) -> None:
    alerting.run("sync")
    assert "no open alerts" in alerting.run("alerts", "list").out
    assert alerting.run("alerts", "test").code == 0
    assert (len(heard.messages), heard.pings) == (1, 1)
    heard.status = 503
    failed = alerting.run("alerts", "test")
    assert failed.code == 3
    assert "SECRET" not in failed.out + failed.err
    assert "muted until" in alerting.run("alerts", "silence", "2h").out
    assert "muted until" in alerting.run("alerts", "list").out
    assert "alerts are on again" in alerting.run("alerts", "silence", "off").out
    assert alerting.run("alerts", "silence", "soon").code == 2


def test_nobody_is_told_where_no_address_is_named(shop: Shop) -> None:
    shop.run("sync")
    assert "nobody is notified" in shop.run("alerts", "list").out
    assert shop.run("alerts", "test").code == 2


def test_metrics_are_for_this_machine_or_for_whoever_has_the_token(tmp_path: Path) -> None:
    with running_sandbox() as (_, store):
        (tmp_path / "a").mkdir()
        with page_of(tmp_path / "a", store) as served:
            text = served.get("/metrics").text
            assert 'syncd_store_paused{store="main"} 0.0' in text
            assert "# TYPE syncd_requests_total counter" in text
            assert served.get("/metrics", headers={"Host": "evil.example"}).status_code == 401
            until(lambda: served.get("/healthz").text == "OK")
            assert served.get("/readyz").status_code == 200
        (tmp_path / "b").mkdir()
        token = tmp_path / "token"
        token.write_text("monitoring-token")
        web = f"{LOCAL}\npassword_hash = '{hasher().hash('a long password')}'\nmetrics_token = {{ file = \"{token}\" }}"
        with page_of(tmp_path / "b", store, web) as served:
            assert served.get("/metrics").status_code == 401
            assert served.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
            answer = served.get("/metrics", headers={"Authorization": "Bearer monitoring-token", "Host": "10.0.0.1:1"})
            assert answer.status_code == 200
            assert requests.get(f"{served.url}/healthz", headers={"Host": "10.0.0.1"}, timeout=10).status_code in (
                200,
                503,
            )


def test_the_dashboard_and_the_rules_ask_for_metrics_and_labels_that_there_are(tmp_path: Path) -> None:
    with running_sandbox() as (_, store), page_of(tmp_path, store) as served:
        served.shop.drop("a.jsonl", '{"source":"till","sale_id":"broken"}\n')
        until(lambda: 'syncd_open_faults{source="till"} 1.0' in served.get("/metrics").text)
        text = served.get("/metrics").text
    declared = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    labels = {
        name: set(re.findall(r'(\w+)="', rest)) for name, rest in re.findall(r"^(\w+)\{([^}]*)\}", text, re.MULTILINE)
    }
    rules = yaml.safe_load((_MONITORING / "alerts.yml").read_text())
    asked = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    dashboard = json.loads((_MONITORING / "grafana.json").read_text())
    asked += [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(asked) > 20
    for expression in asked:
        for name in re.findall(r"\b(?:syncd|process)_\w+", expression):
            assert name in declared, expression
        for name, inside in re.findall(r"(syncd_\w+)\{([^}]*)\}", expression):
            assert not labels.get(name) or set(re.findall(r"(\w+)[=!]", inside)) <= labels[name], expression
