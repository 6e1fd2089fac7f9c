"""The questions for a trial store: each way in which a store may behave is found out, and nothing is left behind."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from syncd.app import App, open_app
from syncd.canonical import Batch
from syncd.canonical.sale_key import sent_key
from syncd.config import load
from syncd.ledger import RecordOptions
from syncd.probe.answers import QUESTIONS, ProbeAnswer, keep
from syncd.probe.questions import probe, rate_limit
from syncd.probe.trial import SOURCE, Trial
from syncd.sale.states import State
from syncd.testing.clocks import AheadClock
from syncd.testing.orders import sale
from tests.deciders import to_main
from tests.shop import Shop, Store, running_sandbox

TILL = '[sources.till]\ntype = "jsonl"\npath = "inbox"\n'
TRIAL = "trial = true"
PLAIN = {
    "key_cut": 0,
    "key_filter": "exact",
    "list_order": "as asked",
    "page_most": 250,
    "limit_over_most": "refused",
    "archived_get": 200,
    "archived_listed": False,
    "date_on_put": "taken",
    "removed_line": "gone",
    "index_lag_s": 0.0,
    "refund_list": "listed",
    "stock_refusal": "sku",
    "unknown_field": "ignored",
    "own_currency": "taken",
    "address_put": "recounts",
    "negative_line": "taken",
    "refund_ways": "custom",
}
USUAL = {
    "key length": "250 or more",
    "list delay": "0 s",
    "key filter": "exact",
    "list order": "as asked",
    "long page": "refused",
    "own currency": "taken",
    "unknown field": "ignored",
    "date": "taken",
    "time zone": "the same instant",
    "totals": "recounted (6.6666)",
    "removed line": "gone",
    "negative line": "taken",
    "refund ways": "custom (offline)",
    "refund record": "status 14",
    "refund list": "listed",
    "archived order": "200, not listed",
    "stock": "sku (stock of the product)",
    "rate limit": "not within 200 calls",
}


class TheirClock(AheadClock):
    """A clock whose waits pass at once, for the store as well."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        self._store.control("clock", {"forward_s": seconds})
        self.pass_time(seconds)
        return stop.is_set()


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with running_sandbox() as (_, store):
        stocked = {"sku": "MUG-1", "name": "Enamel Mug", "price": 12.0, "stock": 3}
        store.control("catalog", {"products": [{"sku": "POSTER", "name": "Poster", "price": 5.0}, stocked]})
        yield store


@pytest.fixture
def shop(store: Store, tmp_path: Path) -> Shop:
    store.control("reset", {})
    store.control("ways", PLAIN)
    store.control("faults", {"faults": []})
    made = Shop(tmp_path, store)
    made.configure(TILL, store=TRIAL)
    os.environ["FLOW_TOKEN"] = store.token
    return made


@contextmanager
def opened(shop: Shop) -> Iterator[tuple[App, Trial]]:
    with open_app(load(shop.config), TheirClock(shop.store)) as app:
        yield app, Trial("main", app.stores["main"].api, app.clock, app.stop)


def answers_of(shop: Shop) -> dict[str, str]:
    with opened(shop) as (app, trial):
        return {one.question: one.answer for one in probe(trial, app.ledger, app.stores["main"].wire)}


WAYS: tuple[tuple[dict[str, object], dict[str, str]], ...] = (
    ({}, {}),
    ({"key_cut": 50}, {"key length": "50"}),
    ({"key_cut": 100}, {"key length": "100"}),
    ({"key_filter": "prefix"}, {"key filter": "prefix"}),
    ({"key_filter": "case_blind"}, {"key filter": "case_blind"}),
    ({"key_filter": "ignored"}, {"key filter": "ignored"}),
    ({"key_filter": "refused"}, {"key filter": "refused"}),
    ({"list_order": "newest first"}, {"list order": "newest first"}),
    ({"page_most": 4}, {"list order": "as asked, 4 a page"}),
    ({"limit_over_most": "cut"}, {"long page": "cut"}),
    ({"archived_get": 404}, {"archived order": "404, not listed"}),
    ({"archived_listed": True}, {"archived order": "200, listed"}),
    ({"date_on_put": "ignored"}, {"date": "ignored"}),
    ({"removed_line": "zero_row"}, {"removed line": "zero_row"}),
    ({"removed_line": "refused"}, {"removed line": "refused"}),
    ({"index_lag_s": 0.5}, {"list delay": "1 s"}),
    ({"index_lag_s": 20}, {"list delay": "30 s"}),
    ({"refund_list": "missing"}, {"refund list": "missing"}),
    ({"stock_refusal": "product"}, {"stock": "product (stock of the product)"}),
    ({"stock_refusal": "variant"}, {"stock": "variant (stock of the product)"}),
    ({"unknown_field": "refused"}, {"unknown field": "refused"}),
    ({"own_currency": "refused"}, {"own currency": "refused"}),
    ({"address_put": "keeps"}, {"totals": "kept"}),
    ({"negative_line": "refused"}, {"negative line": "refused"}),
    ({"refund_ways": "store credit first"}, {"refund ways": "storecredit (offline), custom (offline)"}),
    ({"refund_ways": "none"}, {"refund ways": "none", "refund record": "not asked"}),
)


@pytest.mark.parametrize(("ways", "differs"), WAYS, ids=[json.dumps(ways) for ways, _ in WAYS])
def test_a_probe_finds_out_how_a_store_behaves_and_archives_what_it_made(
    shop: Shop, ways: dict[str, object], differs: dict[str, str]
) -> None:
    shop.store.control("ways", ways)
    assert answers_of(shop) == USUAL | differs
    shop.store.control("ways", PLAIN)
    assert shop.store.orders() == []
    made = shop.store.get("/v2/orders?is_deleted=true&limit=250")
    assert len(made) == len(shop.store.history()["created"]) > 12
    assert {one["external_source"] for one in made} == {SOURCE}


def test_two_odd_ways_at_once_are_both_found(shop: Shop) -> None:
    shop.store.control("ways", {"key_cut": 32, "key_filter": "prefix", "index_lag_s": 3, "removed_line": "zero_row"})
    odd = {"key length": "32", "key filter": "prefix", "list delay": "5 s", "removed line": "zero_row"}
    assert answers_of(shop) == USUAL | odd


def test_a_store_that_is_not_named_as_a_trial_one_is_never_asked(shop: Shop) -> None:
    shop.configure(TILL)
    before = shop.store.stats()["requests"]
    done = shop.run("stores", "probe", "main")
    assert done.code == 2
    assert "main is not named as a trial store" in done.err
    assert shop.store.stats()["requests"] == before


def test_a_person_sees_the_answers_as_a_table_and_check_says_what_was_never_asked(shop: Shop) -> None:
    never = shop.run("check").out
    assert "asked of a trial store: nothing; never asked: key length, list delay" in " ".join(never.split())
    shop.store.control("ways", {"key_cut": 50})
    done = shop.run("stores", "probe", "main")
    assert done.code == 0
    assert "key length: 50" in done.out
    assert "Every order that was made is archived." in done.out
    kept = shop.run("stores", "answers", "--json").json
    assert {one["question"] for one in kept["answers"]} == {*QUESTIONS}
    assert kept["never_asked"] == []
    assert "never asked" not in shop.run("stores", "answers").out
    checked = " ".join(shop.run("check").out.split())
    assert "never asked" not in checked
    assert "sale keys have at most 50 characters: a trial store kept no more" in checked


def test_what_a_probe_that_was_cut_short_has_left_is_archived_by_the_next(shop: Shop) -> None:
    with opened(shop) as (app, trial):
        number = trial.number()
        answers = probe(Trial("main", app.stores["main"].api, app.clock, app.stop), app.ledger, app.stores["main"].wire)
        next(answers)
        answers.close()  # as an interrupt does it
        assert shop.store.orders() == []
        assert number in {one["id"] for one in shop.store.get("/v2/orders?is_deleted=true")}


def test_a_store_that_fails_in_the_middle_keeps_its_answers_and_nothing_else(shop: Shop) -> None:
    broken = {"kind": "5xx_before", "path": "payment_actions", "probability": 1}
    shop.store.control("faults", {"faults": [broken]})
    done = shop.run("stores", "probe", "main")
    assert done.code == 3
    shop.store.control("faults", {"faults": []})
    assert shop.store.orders() == []
    kept = shop.run("stores", "answers", "--json").json
    assert "refund ways" in kept["never_asked"]
    assert "negative line" in {one["question"] for one in kept["answers"]}


def test_the_answer_to_too_many_requests_is_read_whole(tmp_path: Path) -> None:
    with running_sandbox("--quota", "30", "--window-ms", "600000") as (_, store):
        shop = Shop(tmp_path, store)
        shop.configure(TILL, store=TRIAL)
        os.environ["FLOW_TOKEN"] = store.token
        with opened(shop) as (app, _trial):
            found = rate_limit(app.stores["main"].wire)
            assert found[0] == "after 30 calls: x-rate-limit-time-reset-ms, x-rate-limit-requests-left"
            store.control("faults", {"faults": [{"kind": "429_bare", "probability": 1}]})
            assert rate_limit(app.stores["main"].wire)[0] == "after 0 calls: no header says how long to wait"


def answered(shop: Shop, question: str, **facts: float) -> None:
    with opened(shop) as (app, _):
        keep(app.ledger, ProbeAnswer(question, "odd", "odd", facts, "main", datetime(2026, 11, 28, tzinfo=UTC)))


def test_keys_get_no_longer_than_a_trial_store_has_kept(shop: Shop) -> None:
    answered(shop, "key length", key_length=40)
    long = sale(sale_id="a" * 60)
    with opened(shop) as (app, _):
        assert app.config.stores["main"].rules.longest_key == 40
        app.ledger.sales.record(Batch((long,), (), "c"), RecordOptions("till", to_main))
        push(app)
    assert [one["external_order_id"] for one in shop.store.orders()] == [sent_key(f"till:{'a' * 60}", 40)]


def test_a_filter_that_a_trial_store_did_not_keep_to_is_not_asked_and_a_lost_answer_makes_one_order(shop: Shop) -> None:
    answered(shop, "key filter", filter_trusted=0)
    shop.store.control("faults", {"faults": [{"kind": "drop_after_commit", "method": "POST", "times": 1}]})
    with opened(shop) as (app, _):
        app.ledger.sales.record(Batch((sale(),), (), "c"), RecordOptions("till", to_main))
        for _ in range(8):
            push(app)
            app.clock.wait(app.stop, 10)
        found = app.ledger.sales.get("till:1001")
        assert found is not None
        assert found.state is State.SYNCED
    assert len(shop.store.orders()) == 1


def test_settle_is_long_enough_for_the_lists_of_a_trial_store(shop: Shop) -> None:
    answered(shop, "list delay", delay_s=30)
    with opened(shop) as (app, _):
        assert app.config.stores["main"].push.settle == timedelta(seconds=60)


def test_a_store_that_sells_minds_what_another_the_trial_one_has_answered(shop: Shop) -> None:
    answered(shop, "key filter", filter_trusted=0)
    text = shop.config.read_text()
    begin = text.index("[stores.main]")
    end = text.index("[sources.till]")
    one = text[begin:end]
    other = one.replace("stores.main", "stores.shop").replace(TRIAL, "").replace('"sandbox"', '"other"')
    shop.config.write_text(text.replace(one, one + other).replace('path = "inbox"', 'path = "inbox"\nstore = "shop"'))
    with opened(shop) as (app, _):
        assert app.config.stores["shop"].push.look_up == "by_list"


def push(app: App) -> None:
    store = app.stores["main"]
    with store.leased() as lease:
        store.push(lease, threading.Event())
