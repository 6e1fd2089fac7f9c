"""A daemon with its page, and a browser's way through it without the browser."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from syncd.testing.orders import sale
from tests.service.daemons import until
from tests.shop import Shop, Store

LOCAL = 'listen = "127.0.0.1:0"'
FOLDER = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n'
PASSWORD = "a long enough password"
OIDC = """
[web.oidc]
issuer = "{url}"
client_id = "{client}"
client_secret = {{ file = "oidc-secret" }}
label = "Example"
"""
_CSRF = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


@dataclass
class Visit:
    """A page, as a browser goes through it."""

    url: str
    session: requests.Session = field(default_factory=requests.Session)

    def get(self, path: str, **how: Any) -> requests.Response:
        return self.session.get(self.url + path, timeout=20, allow_redirects=how.pop("follow", True), **how)

    def csrf(self, path: str = "/backfills") -> str:
        found = _CSRF.search(self.get(path).text)
        assert found
        return found[1]

    def post(self, path: str, csrf: str | None = None, follow: bool = True, **form: Any) -> requests.Response:
        data = {
            "csrf": self.csrf() if csrf is None else csrf,
            **{name.rstrip("_"): value for name, value in form.items()},
        }
        return self.session.post(self.url + path, data, timeout=30, allow_redirects=follow)

    def sign_in(self, name: str, password: str) -> requests.Response:
        until(lambda: 'name="password"' in self.get("/login").text, "it asks nobody to sign in")
        return self.post("/login", csrf=self.csrf("/login"), name=name, password=password, follow=False)


@dataclass(kw_only=True)
class Served(Visit):
    """A running daemon's page."""

    shop: Shop
    process: subprocess.Popen[bytes]

    def resident_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) / 1000


@contextmanager
def page_of(
    folder: Path, store: Store, web: str = LOCAL, sources: str = FOLDER, changes: Mapping[str, str] | None = None
) -> Iterator[Served]:
    """A daemon with a drop folder, until the end of the block; it must end well. ``changes`` are made to the text of its config."""
    shop = Shop(folder, store)
    (folder / "inbox").mkdir(exist_ok=True)
    shop.configure(sources, web=web)
    for old, new in (changes or {}).items():
        assert old in shop.config.read_text()
        shop.config.write_text(shop.config.read_text().replace(old, new))
    log = folder / "daemon.log"
    already = len(log.read_text()) if log.exists() else 0
    process = shop.start("run")
    try:
        found, until = None, time.monotonic() + 60
        while found is None and time.monotonic() < until and process.poll() is None:
            found = re.search(r":(\d+)\"[^\n]*web_listens", (log.read_text() if log.exists() else "")[already:])
            time.sleep(0.02)
        assert found, log.read_text()
        yield Served(f"http://127.0.0.1:{found[1]}", shop=shop, process=process)
    finally:
        process.terminate()
        assert process.wait(30) == 0
        assert "Traceback" not in log.read_text()


def a_sale(name: str, **changes: Any) -> str:
    return sale(source="till", sale_id=name, **changes).to_json() + "\n"


def settled(served: Served, sales: int) -> None:
    def stands() -> bool:
        found = json.loads(served.shop.run("sales", "--json").out)
        return len(found) == sales and not any(one["state"] in ("pending", "sending") for one in found)

    until(stands)


def pressed(served: Visit, page: requests.Response, what: str) -> requests.Response:
    """The page after a button of what was just done."""
    found = re.search(r'action="(/outcome/[0-9a-f]+)".*?name="to" value="([^"]+)"', page.text, re.DOTALL)
    assert found
    return served.post(found[1], do=what, to=found[2])


def held(name: str, **changes: Any) -> str:
    return a_sale(name, total_inc_tax="11.80", tenders=[], **changes)


def of(served: Visit, words: str) -> str:
    """The path of the sale that some words name."""
    return served.get("/sales", params={"q": words}, follow=False).headers["Location"]


def asks(shop: Shop, *words: str, password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
    """A command that reads a password from a pipe."""
    command = [sys.executable, "-m", "syncd", *words]
    return subprocess.run(
        command, input=f"{password}\n", env=shop.env, cwd=shop.folder, capture_output=True, text=True, check=False
    )


def users(shop: Shop, *words: str, password: str = PASSWORD) -> str:
    done = asks(shop, "users", *words, password=password)
    assert done.returncode == 0, done.stderr
    return done.stdout
