"""What was on the wire when a process died, or lost its answer, is settled in few calls; the waits pass by syncd's clocks alone."""

import threading
from pathlib import Path

import pytest

from syncd.app import open_app
from syncd.canonical import Batch
from syncd.config import load
from syncd.ledger import RecordOptions
from syncd.sale.attempt import Intent
from syncd.sale.states import AttemptKind, Lane
from syncd.testing.clocks import AheadClock
from syncd.testing.orders import sale
from tests.bench.sandbox_rate import exchange, requests_of
from tests.deciders import to_main
from tests.shop import Shop, Store, pass_until_settled, running_sandbox

LEFT, ABSENT = 1000, 2
SOURCES = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n'


def shop_at(folder: Path, store: Store) -> Shop:
    (folder / "inbox").mkdir()
    shop = Shop(folder, store)
    shop.configure(SOURCES, "quota_share = 1.0\n")
    return shop


def test_a_thousand_left_sending_are_settled_in_a_dozen_calls_and_hold_up_no_live_sale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_sandbox() as (_, store):
        monkeypatch.setenv("FLOW_TOKEN", store.token)
        shop, clock = shop_at(tmp_path, store), AheadClock()
        with open_app(load(shop.config), clock) as app:
            orders = [sale(source="till", sale_id=f"x{number}") for number in range(LEFT)]
            batch = Batch(tuple(orders), (), "c")
            app.ledger.sales.record(batch, RecordOptions("till", to_main, lane=Lane.BACKFILL, backfill=1))
            far = app.stores["main"].settings.push.settle
            with app.stores["main"].leased() as lease:
                due = app.ledger.sales.due("main", limit=LEFT, now=clock.now(), far=far)
                intents = [
                    Intent(s.id, s.sale_key, AttemptKind.CREATE, s.fingerprint, "d", newest_order_before=100)
                    for s in due
                ]
                app.ledger.attempts.begin(lease, intents)
        host, port = store.url.removeprefix("http://").split(":")
        exchange((host, int(port)), requests_of(store, LEFT - ABSENT, source="till"))
        before = store.stats()["requests"]

        shop.drop("live.jsonl", sale(source="till", sale_id="live").to_json())
        with open_app(load(shop.config), clock) as app:
            app.tills["till"].poll(threading.Event())
            with app.stores["main"].leased() as lease:
                app.stores["main"].push(lease, threading.Event())
        assert len(store.get("/v2/orders?external_order_id=till:live")) == 1, "it goes first, whatever is in doubt"

        assert pass_until_settled(shop) == {"synced": LEFT + 1}
        after = store.stats()["requests"]
        gets = sum(after.get(name, 0) - before.get(name, 0) for name in after if name.startswith("GET "))
        keys = [order["external_order_id"] for order in store.orders()]
        assert len(keys) == len(set(keys)) == LEFT + 1
        assert after["POST /v2/orders"] - before["POST /v2/orders"] == 1 + ABSENT
        assert gets <= 50


CARRIED = 500
_A_START = 15  # calls that a start makes, however many orders follow


@pytest.mark.parametrize(("one_in", "most"), [(0, 1.01), (100, 1.02), (10, 1.05)])
def test_calls_per_order_stay_close_to_one_however_many_answers_are_lost(
    tmp_path: Path, one_in: int, most: float
) -> None:
    with running_sandbox() as (_, store):
        shop = shop_at(tmp_path, store)
        if one_in:
            lost = {"kind": "drop_after_commit", "nth": list(range(5, CARRIED, one_in)), "method": "POST"}
            store.control("faults", {"faults": [lost]})
        lines = [sale(source="till", sale_id=f"c{number}").to_json() for number in range(CARRIED)]
        shop.drop("sales.jsonl", "\n".join(lines) + "\n")
        assert pass_until_settled(shop) == {"synced": CARRIED}
        calls = sum(store.stats()["requests"].values())
        assert calls - _A_START <= CARRIED * most
        keys = [order["external_order_id"] for order in store.orders()]
        assert len(keys) == len(set(keys)) == CARRIED
