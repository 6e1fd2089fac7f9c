"""A till's own database, or one POSLog file, read by a process that is killed on the way: python -m tests.chaos.till_kills.

100,000 sales by default, recorded with ``syncd sync --limit 0`` in processes that get SIGKILL three times; then the ledger is
compared with what the till says, sale by sale and to the cent, and with ``--push`` the sandbox's orders too. Tells the most memory
that any of the processes had.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from syncd.app import open_app
from syncd.config import load
from syncd.testing.clocks import ManualClock
from syncd.testing.orders import sale
from tests import poslog_files
from tests.chaos.walk_kills import killed_on_the_way
from tests.shop import Shop, Store, pass_until_settled, running_sandbox
from tests.tills.opensourcepos import OpenSourcePos

_SQL = """
[sources.till]
type = "sql"
preset = "opensourcepos"
url = {{ env = "TILL_DATABASE" }}
start_from = "ever"
look_back = "400d"
"""
_POSLOG = '[sources.till]\ntype = "poslog"\npath = "inbox"\nsettle = "0s"\n'


@dataclass
class Outcome:
    """How it went."""

    sales: int
    kills: int
    recorded: int
    lost: int
    strange: int
    differ: int
    orders: int
    twice: int
    most_mb: float

    def __str__(self) -> str:
        return (
            f"{self.sales} sales, {self.kills} kills: {self.recorded} recorded, {self.lost} lost, {self.strange} that the till"
            f" has not, {self.differ} that differ; {self.orders} orders, {self.twice} twice; peak {self.most_mb:.0f} MB"
        )


@contextmanager
def opensourcepos(count: int, shop: Shop) -> Iterator[Mapping[str, Decimal]]:
    """The database with its sales, and what was paid for each."""
    with OpenSourcePos.running(ManualClock(datetime.now(UTC))) as pos:
        pos.sell_many(count)
        os.environ["TILL_DATABASE"] = pos.database.url
        shop.configure(_SQL.format())
        with pos.database.admin.cursor() as cursor:
            cursor.execute(
                "select sale_id, sum(payment_amount - cash_refund) from ospos_sales_payments group by sale_id"
            )
            yield {f"till:{row[0]}": row[1] for row in cursor.fetchall()}


@contextmanager
def poslog(count: int, shop: Shop) -> Iterator[Mapping[str, Decimal]]:
    """One file with all the sales, each of an amount of its own."""
    shop.configure(_POSLOG)
    wanted: dict[str, Decimal] = {}
    part = shop.folder / "part.xml"
    with part.open("w", encoding="utf-8") as file:
        file.write(poslog_files.HEAD)
        for number in range(count):
            tax = Decimal(number % 900) / 100
            whole = Decimal("10.00") + tax
            line = {"line_id": "1", "sku": "MUG", "name": "Mug", "total_ex_tax": "5", "total_inc_tax": str(5 + tax)}
            other = {"line_id": "2", "sku": "TEE", "name": "Tee", "total_ex_tax": "5", "total_inc_tax": "5"}
            made = sale(sale_id=str(number), lines=[line, other], total_inc_tax=str(whole), total_tax=str(tax))
            text = poslog_files.of_sales([made])
            file.write(text.removeprefix(poslog_files.HEAD).removesuffix(poslog_files.TAIL))
            wanted[f"till:300-{number}"] = whole
        file.write(poslog_files.TAIL)
    (shop.folder / "inbox").mkdir(exist_ok=True)
    part.rename(shop.folder / "inbox" / "day.xml")
    yield wanted


KINDS = {"opensourcepos": opensourcepos, "poslog": poslog}


def run(kind: str, count: int, kills: int, folder: Path, *, push: bool) -> Outcome:
    """One run."""
    os.environ["FLOW_TOKEN"] = "sandbox-token"
    with running_sandbox("--quota", "1000000") as (_, store):
        shop = Shop(folder, store)
        with KINDS[kind](count, shop) as wanted:
            done, most = killed_on_the_way(shop, ("sync", "--limit", "0"), count, kills)
            if push:
                pass_until_settled(shop)
            return _compared(wanted, shop, store, done, most)


def _compared(wanted: Mapping[str, Decimal], shop: Shop, store: Store, kills: int, most_mb: float) -> Outcome:
    found: dict[str, Decimal] = {}
    with open_app(load(shop.config)) as app:
        for kept in app.ledger.sales.placed("main", datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)):
            found[kept.sale_key] = Decimal(kept.total_inc_tax)
    orders = store.orders()
    keys = [order["external_order_id"] for order in orders]
    differ = sum(wanted[key] != amount for key, amount in found.items() if key in wanted)
    differ += sum(wanted.get(order["external_order_id"]) != Decimal(order["total_inc_tax"]) for order in orders)
    lost, strange = len(wanted.keys() - found.keys()), len(found.keys() - wanted.keys())
    twice = len(keys) - len(set(keys))
    return Outcome(len(wanted), kills, len(found), lost, strange, differ, len(orders), twice, most_mb)


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("--kind", choices=sorted(KINDS), default="opensourcepos")
    words.add_argument("--sales", type=int, default=100_000)
    words.add_argument("--kills", type=int, default=3)
    words.add_argument("--push", action="store_true")
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        outcome = run(asked.kind, asked.sales, asked.kills, Path(folder), push=asked.push)
        print(f"{asked.kind}: {outcome}; {time.monotonic() - begun:.0f} s")
    assert (outcome.lost, outcome.strange, outcome.differ, outcome.twice) == (0, 0, 0, 0), outcome
    assert outcome.most_mb <= 150, outcome


if __name__ == "__main__":
    main()
