"""The quota runs out: nobody is blamed, nothing goes stale, and a stop waits for no reset."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import pytest

from syncd.bigcommerce.governor import Pace, QuotaGovernor
from syncd.errors import Stopped
from syncd.testing.clocks import ManualClock
from syncd.testing.orders import sale
from tests.doubles.rate_limit import Window
from tests.service.daemons import until
from tests.shop import Shop, Store, running_sandbox
from tests.unit.bigcommerce.test_pace import drive

SOURCES = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\nevery = "200ms"\n'


def shop_at(folder: Path, store: Store, sales: int, more: str = "") -> Shop:
    (folder / "inbox").mkdir()
    shop = Shop(folder, store)
    shop.configure(SOURCES, more)
    shop.drop("sales.jsonl", "".join(sale(source="till", sale_id=f"s{n}").to_json() + "\n" for n in range(sales)))
    return shop


def test_a_quota_that_runs_out_lets_few_intents_grow_stale_and_pauses_no_store(tmp_path: Path) -> None:
    with running_sandbox("--quota", "12", "--window-ms", "2000") as (_, store):
        shop = shop_at(tmp_path, store, 16)  # an intent lives for 1 s, a window for 2
        done = shop.run("sync", "-v")
        assert done.code == 0, done.err
        assert "store_paused" not in done.err
        stale = done.err.count("request_not_sent")
        assert stale <= 4  # what others take of the quota meanwhile nobody can foresee
        assert (
            len(store.orders()) >= 16 - stale
        )  # one that grew stale waits a while, and the pass may have ended by then
        tries = 10
        while len(store.orders()) < 16 and (tries := tries - 1):
            assert shop.run("sync").code == 0
        assert len(store.orders()) == 16


def test_a_daemon_that_waits_for_the_quota_stops_when_it_is_told_to(tmp_path: Path) -> None:
    with running_sandbox("--quota", "30", "--window-ms", "3600000") as (_, store):
        shop = shop_at(tmp_path, store, 60)
        process = shop.start("run")
        try:
            until(lambda: sum(store.stats()["requests"].values()) >= 1)  # from now on a call may go every two minutes
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0  # the quota is back in an hour
        finally:
            process.kill()
        counts = shop.run("status", "--json").json["stores"][0]["sales"]
        assert counts["sending"] == counts["unknown"] == 0
        assert counts["pending"] + counts["synced"] == 60


def test_who_waits_for_the_quota_hears_of_a_stop() -> None:
    stop, waits, heard = threading.Event(), threading.Event(), []
    governor = QuotaGovernor(ManualClock(), 1.0, stop)
    governor.throttled(300.0)

    def ask() -> None:
        waits.set()
        with pytest.raises(Stopped):
            governor.acquire()
        heard.append("stopped")

    thread = threading.Thread(target=ask)
    thread.start()
    waits.wait()
    stop.set()
    thread.join(60)
    assert heard == ["stopped"]


@pytest.mark.parametrize("share", [0.001, 0.04])
def test_a_share_of_less_than_one_call_is_one_call_a_window_and_not_silence_for_ever(share: float) -> None:
    calls, refused, _ = drive(Pace(share), Window(20, 10.0), 60.0, 0.01)
    assert refused == 0
    assert 5 <= calls <= 12  # the first few go before the store has said what its quota is


def test_no_more_is_begun_than_may_go_before_it_is_stale() -> None:
    pace, window = Pace(1.0), Window(100, 10.0)
    for at in (0.0, 0.001):
        pace.take(at)
        window.call(at)
        pace.saw(window.headers(at), at)
        pace.give_back()
    assert 15 <= pace.room(0.1, 2.0) <= 25  # a fifth of a window
    pace.throttled(9.0, 0.1, 0.0)
    assert pace.room(0.1, 5.0) == 0
    assert pace.room(0.1, 9.5) > 0
    window.used, pace.left = 100, 0.0
    assert pace.room(0.2, 5.0) == 0
    assert Pace(1.0).room(0.0, 1.0) > 100  # nothing is known yet: nothing speaks against it
