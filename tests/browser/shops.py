"""Shops in front of which a browser stands: forty stores with a day's sales, one of them paused, some with work for a person."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from syncd.testing.orders import sale
from tests.fleet.cells import ADDRESS
from tests.service.daemons import until
from tests.service.pages import Visit
from tests.shop import Shop, running_sandbox

TOWNS = [
    *("Aberdeen", "Bath", "Bristol", "Cambridge", "Cardiff", "Chester", "Coventry", "Derby", "Dundee", "Durham"),
    *("Edinburgh", "Ely", "Exeter", "Glasgow", "Gloucester", "Hereford", "Hull", "Inverness", "Lancaster", "Leeds"),
    *("Leicester", "Lichfield", "Lincoln", "Liverpool", "London", "Manchester", "Newcastle", "Norwich", "Nottingham"),
    *("Oxford", "Perth", "Plymouth", "Portsmouth", "Preston", "Ripon", "Salisbury", "Sheffield", "Southampton"),
    *("Stirling", "Swansea"),
]
_CONFIG = """
[ledger]
url = "sqlite:///ledger.db"
[web]
listen = "127.0.0.1:0"
[intake]
listen = "127.0.0.1:0"
[store_defaults]
token = {{ env = "FLOW_TOKEN" }}
api_url = "{url}"
settle = "4s"
intent_life = "1s"
connect_timeout = "1s"
deadline = "1s"
back_off = "100ms"
probe_gap = "200ms"
{address}
"""
_STORE = """
[stores.{name}]
store_hash = "sandbox{number}"
[sources.{name}-till]
type = "jsonl"
path = "inbox/{name}"
settle = "0s"
store = "{name}"
"""
NAMES = (("Ada", "Lovelace"), ("Grace", "Hopper"), ("Zoë", "Müller"), ("Mary", "Jones"), ("Tim", "O'Neill"))


def configured(folder: Path, url: str, stores: int) -> list[str]:
    """Write a config of so many stores; their names."""
    names = [town.lower() for town in TOWNS[:stores]]
    text = _CONFIG.format(url=url, address=ADDRESS)
    for number, name in enumerate(names, start=1):
        (folder / "inbox" / name).mkdir(parents=True)
        text += _STORE.format(name=name, number=number)
    (folder / "syncd.toml").write_text(text, encoding="utf-8")
    return names


def day_of_store(name: str, sales: int) -> str:
    """A store's sales over the last day; in some stores the sums of a few do not add up."""
    now, lines = datetime.now(UTC), []
    odd = len(name) % 5 == 0
    for n in range(sales):
        changes = {"total_inc_tax": f"1{n}.80", "tenders": []} if odd and n % 4 == 0 else {}
        who = NAMES[n % len(NAMES)]
        lines.append(
            sale(
                source=f"{name}-till",
                sale_id=f"{name[:3]}-{n}",
                number=f"{name[:1].upper()}{1000 + n}",
                placed_at=now - timedelta(minutes=97 * n + len(name)),
                location={"id": "1", "name": name.title()},
                customer={"first_name": who[0], "last_name": who[1]} if n % 3 else None,
                **changes,
            ).to_json()
            + "\n"
        )
    return "".join(lines)


@contextmanager
def forty_shops(stores: int = 40, sales: int = 12) -> Iterator[tuple[Visit, Shop, subprocess.Popen[bytes]]]:
    """The page of a daemon with forty stores, once each sale is where it ends."""
    with tempfile.TemporaryDirectory() as name, running_sandbox("--stores", str(max(stores, 2))) as (_, store):
        folder = Path(name)
        names = configured(folder, store.url, stores)
        shop = Shop(folder, store)
        for one in names:
            shop.drop("day.jsonl", day_of_store(one, sales), inbox=f"inbox/{one}")
        process = shop.start("run")
        log = folder / "daemon.log"
        try:
            until(lambda: _port(log) > 0)
            visit = Visit(f"http://127.0.0.1:{_port(log)}")
            until(lambda: _sent(visit, stores * sales))
            yield visit, shop, process
        finally:
            process.terminate()
            assert process.wait(30) == 0
            assert "Traceback" not in log.read_text()


def _port(log: Path) -> int:
    found = re.search(r":(\d+)\"[^\n]*web_listens", log.read_text())
    return int(found[1]) if found else 0


def _sent(visit: Visit, sales: int) -> bool:
    """Whether every sale is where it ends."""
    rows: list[dict[str, Any]] = visit.get("/api/v1/stores?limit=200").json()["items"]
    return not any(row["waiting"] for row in rows) and sum(sum(row["states"].values()) for row in rows) == sales


if __name__ == "__main__":
    with forty_shops() as (shown, *_):
        print(shown.url, os.getpid(), flush=True)
        sys.stdin.read()
