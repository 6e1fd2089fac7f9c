"""Whole flows: the real command in a real process, against the sandbox in another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import requests

from syncd.app import open_app
from syncd.config import load
from syncd.testing.clocks import AheadClock
from tests.forks import run_forked, run_on_terminal

ADDRESS = """[stores.main.default_address]
street_1 = "1 Main Street"
city = "Austin"
state = "Texas"
zip = "78701"
country_iso2 = "US"
email = "pos@example.com"
"""
CONFIG = (
    """
[ledger]
url = "{ledger}"

[web]
enabled = false

[stores.main]
store_hash = "{store_hash}"
token = {{ env = "FLOW_TOKEN" }}
api_url = "{url}"
settle = "4s"
intent_life = "1s"
connect_timeout = "1s"
deadline = "1s"
back_off = "100ms"
probe_gap = "200ms"
{store}
"""
    + ADDRESS
    + """
{sources}
"""
)


@dataclass(frozen=True)
class Store:
    """The sandbox as tests see it."""

    url: str
    store_hash: str
    token: str

    def get(self, path: str) -> Any:
        headers = {"X-Auth-Token": self.token, "Accept": "application/json"}
        answer = requests.get(f"{self.url}/stores/{self.store_hash}{path}", headers=headers, timeout=10)
        answer.raise_for_status()
        return answer.json() if answer.content else []

    def orders(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        page = 1
        while listed := self.get(f"/v2/orders?limit=250&page={page}"):
            found += listed
            page += 1
        return found

    def control(self, path: str, body: object) -> None:
        requests.post(f"{self.url}/_sandbox/{path}", json=body, timeout=10).raise_for_status()

    def stats(self) -> Any:
        return requests.get(f"{self.url}/_sandbox/stats", timeout=10).json()

    def history(self) -> Any:
        return requests.get(f"{self.url}/_sandbox/history", timeout=10).json()


@dataclass(frozen=True)
class Done:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Shop:
    """A folder with a config, and the command to run in it."""

    folder: Path
    store: Store

    @property
    def config(self) -> Path:
        return self.folder / "syncd.toml"

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "FLOW_TOKEN": self.store.token, "SYNCD_CONFIG": str(self.config)}

    def run(self, *words: str, timeout: float = 240) -> Done:
        done = Done(*run_forked(words, self.env, self.folder, timeout))
        assert "Traceback" not in done.err, done.err
        return done

    def show(self, *words: str) -> str:
        """What a person sees on a terminal of 80 columns."""
        return run_on_terminal(words, {**self.env, "TERM": "xterm", "NO_COLOR": "1"}, self.folder)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        with (self.folder / "daemon.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "syncd", *words], stdout=log, stderr=log, env=self.env, cwd=self.folder
            )

    def configure(
        self, sources: str, store: str = "", ledger: str = "sqlite:///ledger.db", web: str = "enabled = false"
    ) -> None:
        text = CONFIG.format(
            ledger=ledger, store_hash=self.store.store_hash, url=self.store.url, store=store, sources=sources
        )
        self.config.write_text(text.replace("[web]\nenabled = false", f"[web]\n{web}"), encoding="utf-8")

    def drop(self, name: str, content: str | bytes, inbox: str = "inbox") -> Path:
        folder = self.folder / inbox
        folder.mkdir(exist_ok=True)
        part = folder / f".{name}.part"
        part.write_bytes(content.encode() if isinstance(content, str) else content)
        return part.rename(folder / name)


def logged(log: Path, name: str) -> list[dict[str, Any]]:
    """The events of a name in the log of a process that runs: of whole lines, for the last may be under way."""
    whole = log.read_text().rpartition("\n")[0].splitlines()
    return [found for line in whole if line.startswith("{") and (found := json.loads(line))["event"] == name]


def pass_until_settled(shop: Shop, most: int = 12) -> dict[str, int]:
    """Passes like those of ``syncd sync``, far apart by its clock, until nothing is due or in doubt; the sales by state."""
    os.environ["FLOW_TOKEN"] = shop.store.token
    clock = AheadClock()
    with open_app(load(shop.config), clock) as app:
        for _ in range(most):
            for till in app.tills.values():
                till.poll(Event())
            for store in app.stores.values():
                with store.leased() as lease:
                    store.push(lease, Event())
            counts: dict[str, int] = {}
            for (_store, _lane, state), count in app.ledger.sales.counts().items():
                counts[state.value] = counts.get(state.value, 0) + count
            if not counts.keys() & {"pending", "sending", "unknown"}:
                break
            clock.pass_time(10)  # more than twice the settle time of CONFIG
        return counts


def wait_quiet(store: Store) -> None:
    """Return once the sandbox has dealt with whatever dead clients had sent it: their connections are closed."""
    while store.stats()["connections"] > 1:
        pass


@contextmanager
def running_sandbox(*words: str) -> Iterator[tuple[subprocess.Popen[str], Store]]:
    """A sandbox in a process of its own, ended whatever happens."""
    process = subprocess.Popen(
        [sys.executable, "-m", "syncd.sandbox", "--port", "0", "--print-port", *words],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            ready: Mapping[str, str] = json.loads(process.stdout.readline())
            yield process, Store(ready["url"], ready["store_hash"], ready["token"])
        finally:
            process.kill()
