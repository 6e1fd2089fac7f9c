"""What ``create = "draft"`` costs and saves, while a part of the creates commits after it was given up.

``python -m tests.bench.two_steps``: for each way the calls a sale, the sales a second, and the second live orders in the end.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from syncd.app import open_app
from syncd.config import load
from syncd.testing.orders import sale
from tests.chaos.checkouts import SOURCES, push_to_rest
from tests.shop import Shop, running_sandbox

_LATE_S = 2.0


@dataclass(frozen=True)
class Outcome:
    """What came of a run."""

    writes_a_sale: float
    sales_a_second: float
    with_an_order: int
    second_live_orders: int
    drafts_archived: int
    drafts_left: int


def run(way: str, sales: int, late: float) -> Outcome:
    """Push some sales while a part of the creates commits late."""
    with running_sandbox() as (_, store), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "inbox").mkdir()
        shop = Shop(folder, store)
        shop.configure(SOURCES, f'create = "{way}"\n')
        fault = {"kind": "late_commit", "method": "POST", "path": "/v2/orders", "probability": late, "seconds": _LATE_S}
        store.control("faults", {"seed": 1, "faults": [fault] if late else []})
        text = "".join(sale(sale_id=str(number), source="till").to_json() + "\n" for number in range(sales))
        shop.drop("sales.jsonl", text)
        os.environ["FLOW_TOKEN"] = store.token
        begin = time.monotonic()
        push_to_rest(shop)
        took = time.monotonic() - begin
        time.sleep(2 * _LATE_S)  # whatever was late has come
        with open_app(load(shop.config)) as app:
            app.stores["main"].check_daily()
        asked = store.stats()["requests"]
        writes = sum(count for request, count in asked.items() if not request.startswith("GET"))
        live = Counter(one["external_order_id"] for one in store.orders() if one["status_id"])
        left = sum(one["status_id"] == 0 for one in store.orders())
        archived = len(store.get("/v2/orders?is_deleted=true&limit=250"))
        doubled = sum(count - 1 for count in live.values())
        return Outcome(writes / sales, sales / took, len(live), doubled, archived, left)


def main() -> None:
    """Measure each way without and with late commits, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sales", type=int, default=600)
    parser.add_argument("--late", type=float, default=0.05)
    asked = parser.parse_args()
    for late in (0.0, asked.late):
        for way in ("direct", "draft"):
            print(way, f"{late:.0%} late", run(way, asked.sales, late))


if __name__ == "__main__":
    main()
