"""A day in minutes: everything that goes wrong in a year goes wrong in one day, and status is asked all day long.

python -m tests.chaos.day
python -m tests.chaos.day --database postgresql --seed 7
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import requests
from sqlalchemy import create_engine, make_url, text

from syncd import logs
from syncd.app import open_app
from syncd.config import load
from syncd.errors import LedgerError
from syncd.ledger import Selection
from syncd.sale.overrides import Verb
from syncd.sale.states import State
from syncd.service.overview import SystemOverview
from syncd.testing.orders import sale
from tests.chaos.daylight import DayClock, DayDaemon
from tests.databases import SERVER, ledger_url
from tests.shop import ADDRESS, Store, running_sandbox

CONFIG = """
[ledger]
url = "{ledger}"
[service]
push_every = "1m"
[stores.main]
store_hash = "{store_hash}"
token = {{ env = "FLOW_TOKEN" }}
api_url = "{url}"
[sources.till]
type = "jsonl"
path = "inbox"
settle = "0s"
every = "1m"
"""
CONFIG += ADDRESS
STOPPING = ("token revoked", "database down", "orders fail")
POISON = "Poisoned apple"
_HOUR, _MINUTE = 3600.0, 60.0
_SALES_EVERY_S, _LOOKS_EVERY_S = 3 * _MINUTE, 2 * _MINUTE
_CALM = 17 * _MINUTE  # the longest gap between two probes of a paused store, and a little
_LONGEST_REAL_S = 300.0


@dataclass
class Day:
    """What a day came to: what was sold, what the store has, what status said that was not so, and what it said when."""

    sold: int = 0
    orders: int = 0
    twice: int = 0
    missing: list[str] = field(default_factory=list)
    lies: list[str] = field(default_factory=list)
    looks: int = 0
    said: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)


class Shop:
    """A shop with its tills, its store and one daemon or two, through a day."""

    def __init__(self, folder: Path, store: Store, ledger: str, seed: int, disk: Path | None) -> None:
        self.folder, self.store, self.disk = folder, store, disk
        self.clock = DayClock(folder / "clock")
        self.config, self.inbox = folder / "syncd.toml", folder / "inbox"
        self.inbox.mkdir()
        self.config.write_text(CONFIG.format(ledger=ledger, store_hash=store.store_hash, url=store.url))
        self.database = make_url(ledger).database if ledger.startswith("postgresql") else None
        self.day, self.chance = Day(), random.Random(seed)
        self.begin = self.clock.elapsed().seconds
        self.placed: dict[str, float] = {}
        self.dropped: dict[str, float] = {}
        self.troubles: dict[str, float] = {}
        self.files_since = self.calm_since = self.jumped_at = self.changed_at = self.begin
        self.poisoned: set[str] = set()
        self.daemon: DayDaemon | None = None
        self.second: subprocess.Popen[bytes] | None = None
        self.last_said, self.cured, self.faults = "", False, list[dict[str, object]]()
        self.plan()

    # What happens

    def now(self) -> float:
        return self.clock.elapsed().seconds

    def trouble(self, name: str, *, over: bool = False) -> None:
        if over:
            self.troubles.pop(name)
        else:
            self.troubles[name] = self.now()
        self.calm_since = self.now()

    def sell(self, name: str = "Mug") -> None:
        """One to three receipts in a file, as the till's export drops it."""
        lines = []
        for _ in range(1 if name == POISON else self.chance.randint(1, 3)):
            self.day.sold += 1
            number = f"s{self.day.sold}"
            item = {"line_id": "1", "name": name, "quantity": "1"}
            money = {"total_ex_tax": "10.00", "total_inc_tax": "10.80"}
            placed = self.clock.world()
            made = sale(
                source="till", sale_id=number, number=number, placed_at=placed.isoformat(), lines=[item | money]
            )
            lines.append(made.to_json())
            self.placed[f"till:{number}"], self.dropped[f"till:{number}"] = placed.timestamp(), self.now()
            if name == POISON:
                self.poisoned.add(f"till:{number}")
        part = self.folder / "part"
        part.write_text("\n".join(lines) + "\n")
        stamp = self.clock.now().timestamp()
        os.utime(part, (stamp, stamp))
        part.rename(self.inbox / f"{self.day.sold:05}.jsonl")

    def start(self) -> None:
        self.changed_at = self.now()
        self.daemon = DayDaemon(self.config, self.clock)

    def stop(self) -> None:
        assert self.daemon is not None
        self.daemon.close()
        self.changed_at = self.now()
        self.daemon = None

    def start_second(self) -> None:
        words = [sys.executable, "-m", "tests.chaos.daylight", str(self.config), str(self.folder / "clock")]
        self.clock.write("kept_up", 0.0)
        self.changed_at = self.now()
        with (self.folder / "second.log").open("wb") as log:
            self.second = subprocess.Popen(words, stderr=log)

    def kill_second(self) -> None:
        assert self.second is not None
        self.second.send_signal(signal.SIGKILL)
        self.second.wait()
        self.second = None
        self.changed_at = self.now()

    def poison(self) -> None:
        """A sale that no request of it ever comes to anything, while the others go through; and one that cannot be right."""
        self.sell(POISON)
        self.trouble("a poisoned sale")

    def cure_poison(self) -> None:
        self.cured = True
        self.plan()
        with open_app(load(self.config), self.clock) as app:
            app.ledger.sales.decide(Verb.RELEASE, Selection(keys=tuple(self.poisoned)), "owner")
        self.poisoned.clear()

    def set_clock(self, by: timedelta) -> None:
        self.clock.write("set_by", by.total_seconds())
        self.jumped_at = self.now()
        for file in self.inbox.glob("*.jsonl"):  # what waits is recorded by the new time
            for line in file.read_text().splitlines():
                self.dropped[f"till:{json.loads(line)['sale_id']}"] = self.jumped_at

    def fault(self, name: str, *faults: dict[str, object]) -> None:
        self.faults = list(faults)
        self.plan()
        self.trouble(name, over=not faults)

    def plan(self) -> None:
        """The faults of the hour, and the one of the poisoned sales."""
        poison = [] if self.cured else [{"kind": "5xx_before", "method": "POST", "body": POISON, "status": 500}]
        self.store.control("faults", {"seed": 5, "faults": [*self.faults, *poison]})

    def eat(self) -> None:
        """Another app takes what is left of the store's quota."""
        url = f"{self.store.url}/stores/{self.store.store_hash}/v2/time"
        headers = {"X-Auth-Token": self.store.token, "Accept": "application/json"}
        with requests.Session() as other:
            for _ in range(500):
                if other.get(url, headers=headers, timeout=10).status_code == 429:
                    return

    def fill_disk(self) -> None:
        if self.disk is None:
            return
        self.trouble("disk full")
        with closing(sqlite3.connect(self.disk / "ledger.db", timeout=30)) as ledger:
            ledger.execute("pragma wal_checkpoint(truncate)")  # else there is room within its own files for hours
        with (self.disk / "filler").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass

    def clear_disk(self) -> None:
        if self.disk is not None:
            (self.disk / "filler").unlink()
            self.trouble("disk full", over=True)

    def database_goes(self) -> None:
        if self.database is not None:
            self.trouble("database down")
            self._on_server(f"alter database {self.database} allow_connections false")
            self._on_server(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{self.database}'")

    def database_comes(self) -> None:
        if self.database is not None:
            self._on_server(f"alter database {self.database} allow_connections true")
            self.trouble("database down", over=True)

    def _on_server(self, statement: str) -> None:
        engine = create_engine(SERVER, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()

    # How time passes

    def until(self, end: float) -> None:
        """Let the day go on till then: from one thing that is due to the next, and slower while somebody works."""
        while self.now() < end:
            if "quota eaten" in self.troubles:
                self.eat()
            if self.daemon is not None and self.daemon.tick():
                time.sleep(0.005)
                fast = "quota eaten" in self.troubles
                self._forward(min(1.0 if fast else 0.1, max(end - self.now(), 0.0)))
                continue
            self._wait_for_second()
            due = min(end, self.daemon.next_at() if self.daemon is not None else end)
            if self.second is not None:
                due = min(due, self.now() + 15)
            self._forward(max(due - self.now(), 0.0) + 0.001)
        self._rest()

    def _rest(self) -> None:
        begin = time.monotonic()
        while self.daemon is not None and "quota eaten" not in self.troubles and self.daemon.tick():
            time.sleep(0.002)
            self._forward(0.05)
            assert time.monotonic() - begin < _LONGEST_REAL_S, "the daemon never comes to rest"
        self._wait_for_second()

    def _forward(self, seconds: float) -> None:
        self.store.control("clock", {"forward_s": seconds})
        self.clock.write("ahead", self.clock.read("ahead") + seconds)

    def _wait_for_second(self) -> None:
        begin, now = time.monotonic(), self.now()
        while self.second is not None and self.clock.read("kept_up") < now - 1:
            assert self.second.poll() is None, "the second daemon died"
            assert time.monotonic() - begin < _LONGEST_REAL_S, "the second daemon never comes to rest"
            time.sleep(0.002)

    # What status says, and whether it is so

    def look(self) -> None:
        """Ask as the owner does, and compare with what the day knows."""
        self.day.looks += 1
        waiting = self._in_files()
        try:
            with open_app(load(self.config), self.clock) as app:
                standing = SystemOverview.of(app)
        except LedgerError as error:
            self._note(f"no answer: {error.what}")
            self._true("database down" in self.troubles or "disk full" in self.troubles, f"status failed: {error.what}")
            return
        self._note(self._in_words(standing))
        if not waiting:
            self.files_since = self.now()
        self._compare(standing, {waiting, self._in_files()})

    def _true(self, so: bool, what: str) -> None:
        if not so:
            hour = (self.now() - self.begin) / _HOUR
            self.day.lies.append(f"{hour:05.2f} h [{', '.join(self.troubles) or 'calm'}] {what}")

    def _in_files(self) -> int:
        return sum(len(file.read_text().splitlines()) for file in self.inbox.glob("*.jsonl"))

    def _compare(self, standing: SystemOverview, waiting: set[int]) -> None:
        stands = standing.stores["main"]
        counts, paused = stands.states, stands.pause.paused_why
        created = [one["external_order_id"] for one in self.store.history()["created"]]
        self._true(
            self.day.sold - sum(counts.values()) in waiting,
            f"{counts} and {waiting} in files are not {self.day.sold}",
        )
        on_the_way = counts[State.PENDING] + counts[State.SENDING] + counts[State.UNKNOWN]
        synced = counts[State.SYNCED]
        self._true(
            synced <= len(created) <= synced + on_the_way, f"{synced} synced, {len(created)} orders, {on_the_way} open"
        )
        oldest = stands.lag.oldest_pending
        self._true((oldest is None) == (counts[State.PENDING] == 0), "the oldest pending sale")
        if self.now() - self.jumped_at > 3 * _MINUTE:
            ahead = self.clock.now().timestamp() + timedelta(days=1).total_seconds()
            future = {
                key for key, placed in self.placed.items() if placed > ahead and self.dropped[key] >= self.jumped_at
            }
            fewest = len(future) + (0 if "a poisoned sale" in self.troubles else len(self.poisoned))
            most = len(future | self.poisoned)
            so = waiting != {0} or fewest <= counts[State.HELD] <= most
            self._true(so, f"{counts[State.HELD]} held, not {fewest} to {most}")
        problems = [line for lines in standing.problems for line in lines]
        stood_by = any(one.standing_by() for one in standing.daemons)
        both = self.daemon is not None and self.second is not None
        self._true(standing.running == (self.daemon is not None or self.second is not None), "whether a daemon runs")
        calm = not self.troubles and self.now() - self.calm_since > _CALM
        if calm:
            self._true(not paused, f"paused: {paused}")
            late = counts[State.UNKNOWN] or (oldest is not None and standing.now - oldest > timedelta(minutes=2))
            late = late and self.now() - self.jumped_at > 3 * _MINUTE  # its time of recording is the wrong clock's
            self._true(not late, f"{on_the_way} on the way: {self._open()}")
            if self.now() - self.changed_at > 3 * _MINUTE:
                self._true(bool(problems) != standing.running, f"problems: {problems}")
                self._true(stood_by == both, "whether one stands by")
        lasted = {name: self.now() - since for name, since in self.troubles.items()}
        if lasted.get("token revoked", 0) > 6 * _MINUTE:
            self._true(paused is not None and "token" in paused, f"paused for another reason: {paused}")
        if lasted.get("orders fail", 0) > 6 * _MINUTE:
            self._true(paused is not None or counts[State.UNKNOWN] > 0, "nothing said of orders that fail")
        if "quota eaten" in lasted:
            self._true(paused is None, f"paused while the quota is out: {paused}")
        if (
            self.now() - max(self.files_since, self.changed_at) > 13 * _MINUTE and standing.running
        ):  # a disk that is full may have room in the ledger
            self._true(bool(problems), "no problem told, and files wait")
        if any(for_s > 17 * _MINUTE and name in STOPPING for name, for_s in lasted.items()):
            self._true(bool(problems), f"no problem told after {lasted}")

    def _open(self) -> list[str]:
        with open_app(load(self.config), self.clock) as app:
            found = [
                one
                for state in (State.PENDING, State.UNKNOWN)
                for one in app.ledger.sales.find(Selection(state=state), limit=3)
            ]
            return [
                f"{one.sale_key} {one.state} due {one.next_attempt_at} now {app.clock.now()}: {one.why}"
                for one in found
            ]

    def _in_words(self, standing: SystemOverview) -> str:
        stands = standing.stores["main"]
        words = [f"{number} {state.value}" for state, number in stands.states.items() if number and state != "synced"]
        words += [f"paused: {stands.pause.paused_why}"] if stands.pause.paused_why else []
        words += [line.split(":")[0] + " unwell" for lines in standing.problems for line in lines][:2]
        words += ["one stands by"] if any(one.standing_by() for one in standing.daemons) else []
        words += ["no daemon"] if not standing.running else []
        return ", ".join(words) or "all well"

    def _note(self, words: str) -> None:
        kind = "".join(letter for letter in words if not letter.isdigit())
        if kind != self.last_said:
            hour = (self.now() - self.begin) / _HOUR
            self.day.said.append(f"{hour:05.2f} h [{', '.join(self.troubles) or 'calm'}] {words}")
        self.last_said = kind


def timetable(shop: Shop) -> list[tuple[float, Callable[[], None]]]:
    """What goes wrong at which hour."""
    every = {"kind": "401"}
    fails: dict[str, object] = {"kind": "5xx_before", "method": "POST", "status": 500}
    fails_late: dict[str, object] = {"kind": "5xx_after", "method": "POST", "status": 502, "probability": 0.3}
    lost: dict[str, object] = {"kind": "drop_after_commit", "method": "POST", "probability": 0.3}
    return [
        (1.0, shop.poison),
        (1.6, lambda: shop.trouble("a poisoned sale", over=True)),
        (2.0, lambda: shop.trouble("quota eaten")),
        (2.15, lambda: shop.trouble("quota eaten", over=True)),
        (3.0, lambda: shop.fault("token revoked", dict(every))),
        (3.75, lambda: shop.fault("token revoked")),
        (5.0, lambda: shop.set_clock(timedelta(hours=-26))),
        (6.0, lambda: shop.set_clock(timedelta())),
        (7.0, lambda: shop.set_clock(timedelta(hours=30))),
        (8.0, lambda: shop.set_clock(timedelta())),
        (9.0, shop.cure_poison),
        (10.0, shop.fill_disk),
        (10.4, shop.clear_disk),
        (11.0, shop.database_goes),
        (11.05, shop.database_comes),
        (12.0, shop.start_second),
        (13.0, shop.stop),
        (14.0, shop.start),
        (14.5, shop.kill_second),
        (16.0, lambda: shop.fault("answers lost", lost)),
        (17.0, lambda: shop.fault("answers lost")),
        (18.0, lambda: shop.fault("orders fail", fails_late, fails)),
        (18.5, lambda: shop.fault("orders fail")),
        (20.0, shop.stop),
        (20.5, shop.start),
    ]


def live_through(shop: Shop, hours: float) -> Day:
    """The day, from its first sale to an hour after its last."""
    plan = [(shop.begin + hour * _HOUR, act) for hour, act in timetable(shop)]
    sells, looks, end = shop.begin, shop.begin, shop.begin + hours * _HOUR
    shop.start()
    while shop.now() < end + _HOUR:
        ahead = [at for at, _ in plan[:1]] + ([sells] if sells < end else []) + [looks]
        shop.until(min(ahead))
        now = shop.now()
        while plan and plan[0][0] <= now:
            plan.pop(0)[1]()
        if sells <= min(now, end):
            shop.sell()
            sells = now + _SALES_EVERY_S * shop.chance.uniform(0.3, 1.7)
        if looks <= now:
            shop.look()
            looks = now + _LOOKS_EVERY_S
    shop.stop()
    created = [one["external_order_id"] for one in shop.store.history()["created"]]
    day = shop.day
    day.orders, day.twice = len(set(created)), len(created) - len(set(created))
    with open_app(load(shop.config), shop.clock) as app:
        day.held = [f"{one.sale_key}: {one.why}" for one in app.ledger.sales.find(Selection(state=State.HELD), limit=9)]
    day.missing = sorted(shop.placed.keys() - set(created))
    return day


@contextmanager
def a_disk(folder: Path, megabytes: int) -> Iterator[Path | None]:
    """A small disk of its own; None where this user may not mount one."""
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(disk)]
    mounted = not subprocess.run(mount, capture_output=True, check=False).returncode
    try:
        yield disk if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(disk)], check=False)


def a_day(folder: Path, database: str, seed: int, hours: float = 22.0) -> Day:
    """One day on one kind of database."""
    with (
        running_sandbox("--quota", "150", "--window-ms", "30000") as (_, store),
        ledger_url(database, folder) as url,
        a_disk(folder, 24) as disk,
    ):
        os.environ["FLOW_TOKEN"] = store.token
        on_disk = disk if database == "sqlite" else None
        shop = Shop(folder, store, f"sqlite:///{on_disk}/ledger.db" if on_disk else url, seed, on_disk)
        try:
            return live_through(shop, hours)
        finally:
            if shop.second is not None:
                shop.kill_second()


def main() -> None:
    """One day; exits 1 where a sale did not arrive, one arrived twice, or status said what was not so."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logs.setup("json", "error")
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        day = a_day(Path(folder), options.database, options.seed)
    print("\n".join(day.said))
    print(f"held at the end: {day.held}") if day.held else None
    print("\n".join(f"NOT SO: {lie}" for lie in day.lies))
    print(
        f"{options.database}, seed {options.seed}: {day.sold} sales, {day.orders} orders, {day.twice} twice, "
        f"{len(day.missing)} missing; status asked {day.looks} times, {len(day.lies)} times not so; "
        f"{time.monotonic() - begin:.0f} s"
    )
    sys.exit(bool(day.missing or day.twice or day.lies))


if __name__ == "__main__":
    main()
