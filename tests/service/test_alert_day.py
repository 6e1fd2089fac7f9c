"""A day in less than a minute: three tills, two stores, faults and restarts; people hear of exactly what they should."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from syncd.app import App, open_app
from syncd.config import load
from syncd.ledger import Selection
from syncd.sale.overrides import Verb
from syncd.sale.states import State
from syncd.service.metrics import Metrics
from syncd.service.notifier import silence
from syncd.testing.orders import sale
from tests.chaos.daylight import DayClock, DayDaemon
from tests.doubles.hears import Heard, hearing
from tests.shop import ADDRESS, Store, running_sandbox

_CONFIG = """
[service]
push_every = "1m"
[alerts]
urls = [{{ env = "ALERT_URL" }}]
heartbeat = {{ env = "PING_URL" }}
digest = "08:00"
low_disk_mb = 0
[stores.main]
store_hash = "{main.store_hash}"
token = {{ env = "FLOW_TOKEN" }}
api_url = "{main.url}"
unknown_sku = "reject"
[stores.second]
store_hash = "{second.store_hash}"
token = {{ env = "FLOW_TOKEN" }}
api_url = "{second.url}"
[sources.till]
type = "jsonl"
path = "till"
store = "main"
settle = "0s"
every = "1m"
[sources.cafe]
type = "jsonl"
path = "cafe"
store = "main"
settle = "0s"
every = "1m"
[sources.kiosk]
type = "jsonl"
path = "kiosk"
store = "second"
settle = "0s"
every = "1m"
"""
_CONFIG += ADDRESS + ADDRESS.replace("stores.main", "stores.second")
_LINE = {"line_id": "1", "name": "Mug", "quantity": "1", "total_ex_tax": "10.00", "total_inc_tax": "10.80"}

_DIGEST = re.compile(r"syncd, \d+ \w+: ")


class Day:
    """A shop with its clock."""

    def __init__(self, folder: Path, stores: tuple[Store, Store]) -> None:
        self.folder, self.stores = folder, stores
        self.clock = DayClock(folder / "clock")
        self.config = folder / "syncd.toml"
        self.config.write_text(_CONFIG.format(main=stores[0], second=stores[1]))
        for source in ("till", "cafe", "kiosk"):
            (folder / source).mkdir()
        self.sold = 0
        self.daemon: DayDaemon | None = None
        self.hour = 0.0

    def sell(self, source: str, days_ago: float = 0.0, sku: str = "", text: str = "") -> None:
        if not (self.folder / source).is_dir():
            return  # its share is away: nothing can be dropped
        self.sold += 1
        number = f"{source}-{self.sold}"
        placed = self.clock.world() - timedelta(days=days_ago)
        made = sale(
            source=source,
            sale_id=number,
            number=number,
            placed_at=placed,
            lines=[_LINE | ({"sku": sku} if sku else {})],
        )
        part = self.folder / "part"
        part.write_text((text or made.to_json()) + "\n")
        stamp = self.clock.now().timestamp()
        os.utime(part, (stamp, stamp))
        part.rename(self.folder / source / f"{number}.jsonl")

    def fault(self, store: int, *faults: dict[str, object]) -> None:
        self.stores[store].control("faults", {"faults": list(faults)})

    def start(self) -> None:
        self.daemon = DayDaemon(self.config, self.clock)

    def stop(self) -> None:
        assert self.daemon is not None
        self.daemon.close()
        self.daemon = None

    def minutes(self) -> None:
        """Two minutes pass, and whatever is due in them is done."""
        for store in self.stores:
            store.control("clock", {"forward_s": 120})
        self.clock.write("ahead", self.clock.read("ahead") + 120)
        self.hour += 1 / 30
        until = time.monotonic() + 60
        while self.daemon is not None and self.daemon.tick():
            assert time.monotonic() < until, "the daemon never comes to rest"
            time.sleep(0.001)

    def with_app(self, act: Callable[[App], object]) -> None:
        with open_app(load(self.config), self.clock) as app:
            act(app)


def plan(day: Day) -> dict[float, Callable[[], object]]:
    """What happens at which hour."""
    revoked: dict[str, object] = {"kind": "401"}
    fails: dict[str, object] = {"kind": "5xx_before", "method": "POST", "status": 500}
    kiosk, away = day.folder / "kiosk", day.folder / "away"

    def settle(app: App) -> None:
        app.ledger.sources.settle_faults("cafe", (), "owner")

    def skip(app: App) -> None:
        app.ledger.sales.decide(Verb.SKIP, Selection(state=State.REJECTED), "owner")

    return {
        0.5: lambda: day.fault(1, revoked),
        1.2: lambda: day.fault(1),
        2.0: lambda: day.sell("cafe", sku="NO-SUCH-THING"),
        3.0: lambda: day.with_app(skip),
        4.0: lambda: day.sell("cafe", text='{"source":"cafe","sale_id":"broken"}'),
        4.5: lambda: day.with_app(settle),
        5.0: day.stop,
        5.5: day.start,
        6.0: lambda: day.fault(0, fails),
        6.03: lambda: day.fault(0),
        8.0: lambda: day.with_app(lambda app: silence(app, app.clock.now() + timedelta(hours=2))),
        8.2: lambda: day.fault(1, revoked),
        9.0: lambda: day.fault(1),
        12.0: lambda: kiosk.rename(away),
        12.5: lambda: away.rename(kiosk),
    }


def told(heard: Heard) -> list[str]:
    """What people read, without numbers and digests."""
    alerts = [one for one in heard.messages if not _DIGEST.search(one["title"])]
    lines = [line for one in alerts for line in one["message"].split("\n")]
    return [re.sub(r"\d+", "N", line) for line in lines if not line.startswith("  ")]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_people_hear_of_exactly_what_they_should_and_metrics_agree_with_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_sandbox() as (_, main), running_sandbox() as (_, second), hearing() as heard:
        for name, value in {"FLOW_TOKEN": main.token, "ALERT_URL": heard.url, "PING_URL": heard.heartbeat}.items():
            monkeypatch.setenv(name, value)
        day = Day(tmp_path, (main, second))
        day.sell("till")
        for ago in (1, 2, 3, 4):
            for _ in range(12):
                day.sell("till", days_ago=ago)
        with open_app(load(day.config), day.clock) as watching:
            metrics = Metrics(watching)
            day.start()
            acts = sorted(plan(day).items())
            pings: dict[int, int] = {}
            while day.hour < 25:
                while acts and acts[0][0] <= day.hour:
                    acts.pop(0)[1]()
                if round(day.hour * 60) % 10 == 0:
                    day.sell("cafe")
                    day.sell("kiosk")
                day.minutes()
                pings[int(day.hour)] = heard.pings
            day.stop()
            agree(metrics.text().decode(), day)
    token = "second is paused: BigCommerce refused the token"
    found = told(heard)
    expected = [
        token,
        f"Over: {token}",
        "N sale of main, N.N USD, rejected: the catalog has no product",
        "Over: N sale of main, N.N USD, rejected: the catalog has no product",
        "N record of cafe could not be read",
        "Over: N record of cafe could not be read",
        'syncd has not been able to read "kiosk" since',
        'Over: syncd has not been able to read "kiosk" since',
        "no sales of till for a day",  # it sold on the days before
    ]
    assert [line[: len(words)] for line, words in zip(found, expected, strict=False)] == expected, "\n".join(found)
    assert len(found) == len(expected), "\n".join(found)
    digests = [one for one in heard.messages if _DIGEST.search(one["title"])]
    assert len(digests) in (1, 2)  # 08:00 comes once or twice in 25 hours
    assert "difference 0.00 USD" in digests[-1]["message"]
    assert pings[4] - pings[3] > 10  # well; one that is still under way when the next is due is left out
    assert pings[12] - pings[11] < 25  # not while a source has a problem


def agree(text_of: str, day: Day) -> None:
    """Every number of the ledger is the one that monitoring reads."""
    engine = create_engine(f"sqlite:///{day.folder / 'ledger.db'}")
    with engine.connect() as connection:
        counted = connection.execute(text("select store, lane, state, count(*) from sales group by 1, 2, 3")).all()
        query = "select s.store, a.kind, a.outcome, count(*) from attempts a join sales s on s.id = a.sale_id group by 1, 2, 3"
        tried = connection.execute(text(query)).all()
    engine.dispose()
    assert sum(row[3] for row in counted) == day.sold - 1  # one of them was a record that could not be read
    for store, lane, state, number in counted:
        assert f'syncd_sales{{lane="{lane}",state="{state}",store="{store}"}} {number}.0' in text_of
    for store, kind, outcome, number in tried:
        assert f'syncd_attempts_total{{kind="{kind}",outcome="{outcome}",store="{store}"}} {number}.0' in text_of
    total = sum(float(line.rpartition(" ")[2]) for line in text_of.splitlines() if line.startswith("syncd_sales{"))
    assert total == day.sold - 1
