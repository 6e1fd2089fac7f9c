"""Calls an order where answers get lost: whole passes over the sandbox, the waits by syncd's clocks alone.

Every call counts, those of the start too; the figure without any is an order's POST. Run it with ``make bench``.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from syncd import logs
from syncd.testing.orders import sale
from tests.bench import figures
from tests.shop import Shop, pass_until_settled, running_sandbox

SOURCES = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n'


def calls_an_order(folder: Path, percent: int, orders: int) -> tuple[float, int]:
    """Calls for each order, and how many orders there are at the end."""
    with running_sandbox() as (_, store):
        (folder / "inbox").mkdir(parents=True)
        shop = Shop(folder, store)
        shop.configure(SOURCES, "quota_share = 1.0\n")
        lost = {"kind": "drop_after_commit", "method": "POST", "path": "/v2/orders", "probability": percent / 100}
        store.control("faults", {"seed": 11, "faults": [lost] if percent else []})
        lines = [sale(source="till", sale_id=str(number)).to_json() for number in range(orders)]
        shop.drop("sales.jsonl", "\n".join(lines) + "\n")
        assert pass_until_settled(shop) == {"synced": orders}
        made = {order["external_order_id"] for order in store.orders()}
        calls = sum(store.stats()["requests"].values())
        return (calls - _pages(orders)) / orders, len(made)


def _pages(orders: int) -> int:
    """The calls of this bench itself, which lists the orders to count them."""
    return -(-orders // 250) + 1


def main() -> None:
    """Print a line a share of lost answers."""
    logs.setup("json", "error")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=2000)
    options = parser.parse_args()
    for percent in (0, 1, 10):
        with tempfile.TemporaryDirectory() as folder:
            calls, orders = calls_an_order(Path(folder), percent, options.orders)
        if percent == 10:
            figures.note("calls_lost", calls)
        print(f"{percent} % of answers lost: {calls:.3f} calls an order, {orders} orders of {options.orders} sales")


if __name__ == "__main__":
    main()
