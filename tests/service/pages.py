"""A daemon with its page, and a browser's way through it without the browser."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.shop import Shop, Store

LOCAL = 'listen = "127.0.0.1:0"'
FOLDER = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n'
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
def page_of(folder: Path, store: Store, web: str = LOCAL, sources: str = FOLDER) -> Iterator[Served]:
    """A daemon with a drop folder, until the end of the block; it must end well."""
    shop = Shop(folder, store)
    (folder / "inbox").mkdir(exist_ok=True)
    shop.configure(sources, web=web)
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
