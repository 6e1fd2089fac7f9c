"""Thousands of sales were on the wire when the process died: settling them costs few calls and keeps no live sale waiting."""

import os
import threading
import time
from pathlib import Path

import pytest

from syncd.app import open_app
from syncd.canonical import Batch
from syncd.config import load
from syncd.intake import router
from syncd.ledger import Intent, Kind, Lane
from syncd.testing.orders import sale
from tests.bench.sandbox_rate import exchange, requests_of
from tests.shop import Shop, running_sandbox

LEFT = int(os.environ.get("SYNCD_LEFT", "2000"))
ABSENT = 2
SOURCES = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\nevery = "200ms"\n'


def test_thousands_left_sending_cost_at_most_fifty_calls_and_a_live_sale_two_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_sandbox() as (_, store):
        monkeypatch.setenv("FLOW_TOKEN", store.token)
        (tmp_path / "inbox").mkdir()
        shop = Shop(tmp_path, store)
        shop.configure(SOURCES, "quota_share = 1.0\n")
        with open_app(load(shop.config)) as app:
            orders = [sale(source="till", sale_id=f"x{number}") for number in range(LEFT)]
            for start in range(0, LEFT, 500):
                batch = Batch(tuple(orders[start : start + 500]), (), "c")
                app.ledger.record("till", batch, router=router("main", app.clock), lane=Lane.BACKFILL, backfill=1)
            with app.stores["main"].leased() as lease:
                due = app.ledger.due(
                    "main", limit=LEFT, now=app.clock.now(), far=app.stores["main"].settings.push.settle
                )
                intents = [Intent(s.id, s.sale_key, Kind.CREATE, s.fingerprint, "d", order_floor=100) for s in due]
                app.ledger.begin(lease, intents)
        host, port = store.url.removeprefix("http://").split(":")
        made = requests_of(store, LEFT - ABSENT, source="till")
        threads = [threading.Thread(target=exchange, args=((host, int(port)), made[n::4])) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        before = store.stats()["requests"]
        daemon = shop.start("run")
        try:
            while "daemon_started" not in (tmp_path / "daemon.log").read_text():
                time.sleep(0.02)
            begin = time.monotonic()
            shop.drop("live.jsonl", sale(source="till", sale_id="live").to_json())
            while not store.get("/v2/orders?external_order_id=till:live"):
                time.sleep(0.05)
            waited = time.monotonic() - begin
            asked = int((time.monotonic() - begin) / 0.05) + 2
            while (counts := shop.run("status", "--json").json[0]["sales"]).get("synced", 0) < LEFT + 1:
                assert time.monotonic() - begin < 60, counts
                time.sleep(0.5)
            settled = time.monotonic() - begin
        finally:
            daemon.kill()
            daemon.wait()
        after = store.stats()["requests"]
        gets = sum(after.get(name, 0) - before.get(name, 0) for name in after if name.startswith("GET /v2"))
        posts = after["POST /v2/orders"] - before["POST /v2/orders"]
        print(f"{LEFT} left sending: live sale after {waited:.2f} s, all settled after {settled:.1f} s")
        print(f"about {gets - asked} GETs, {posts} POSTs")
        keys = [order["external_order_id"] for order in store.orders()]
        assert len(keys) == len(set(keys)) == LEFT + 1
        assert posts == 1 + ABSENT
        assert gets - asked <= 50
        assert waited <= 2.5


CARRIED = int(os.environ.get("SYNCD_CARRIED", "800"))
_A_START = 15  # calls that a start makes, however many orders follow


@pytest.mark.parametrize(("ambiguous", "most"), [(0.0, 1.01), (0.01, 1.02), (0.1, 1.05)])
def test_calls_per_order_stay_close_to_one_however_many_answers_are_lost(
    tmp_path: Path, ambiguous: float, most: float
) -> None:
    count = CARRIED
    with running_sandbox() as (_, store):
        (tmp_path / "inbox").mkdir()
        shop = Shop(tmp_path, store)
        shop.configure(SOURCES, "quota_share = 1.0\n")
        lost = {"kind": "drop_after_commit", "probability": ambiguous, "method": "POST"}
        store.control("faults", {"seed": 7, "faults": [lost]})
        lines = [sale(source="till", sale_id=f"c{number}").to_json() for number in range(count)]
        shop.drop("sales.jsonl", "\n".join(lines) + "\n")
        daemon = shop.start("run")
        try:
            deadline = time.monotonic() + 60
            while shop.run("status", "--json").json[0]["sales"].get("synced", 0) < count:
                assert time.monotonic() < deadline
                time.sleep(0.5)
        finally:
            daemon.kill()
            daemon.wait()
        calls = sum(store.stats()["requests"].values())
        print(f"{ambiguous:.0%} ambiguous: {calls / count:.4f} calls per order")
        assert calls - _A_START <= count * most
        keys = [order["external_order_id"] for order in store.orders()]
        assert len(keys) == len(set(keys)) == count
