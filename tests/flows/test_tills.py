"""Tills with a database of their own, next to which syncd polls; the vendors' own rows through the sandbox."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Protocol

import pytest

from syncd.app import open_app
from syncd.canonical.kinds import SaleStatus
from syncd.config import load
from syncd.source_runner import SourceRunner
from syncd.testing.clocks import ManualClock
from tests.shared import needs_samples
from tests.shop import Shop, Store
from tests.tills import opensourcepos, unicenta
from tests.tills.servers import TillDatabase, mariadb_till

_SOURCE = """
[sources.till]
type = "sql"
preset = "{preset}"
url = {{ env = "TILL_DATABASE" }}
start_from = "ever"
look_back_every = "1ms"
page = 7
deleted_at_most = 1000
{more}
"""


class Writes(Protocol):
    """A till that can be written to; what it says of each sale is asked of the database itself."""

    database: TillDatabase
    clock: ManualClock

    def sell(self, count: int) -> list[str]: ...
    def edit(self, sale_id: str) -> None: ...
    def delete(self, sale_id: str) -> None: ...


def said_by(pos: Writes, query: str) -> dict[str, tuple[Decimal, str]]:
    """Each sale's total and what is written on it, asked without any code of ours."""
    with pos.database.admin.cursor() as cursor:
        cursor.execute(query)
        return {str(row[0]): (Decimal(str(row[1])), str(row[2])) for row in cursor.fetchall()}


_TOTALS = {
    "opensourcepos": """select s.sale_id, sum(p.payment_amount - p.cash_refund), s.comment from ospos_sales s
        join ospos_sales_payments p on p.sale_id = s.sale_id group by s.sale_id, s.comment""",
    "unicenta": """select t.id, round(cast(p.total as decimal(12, 2)), 2), round(cast(p.tendered as decimal(12, 2)), 2)
        from tickets t join payments p on p.receipt = t.id""",
}


def keep_writing(pos: Writes, stop: threading.Event, deleted: set[str]) -> None:
    """Sell, edit and delete, without a pause that anybody could rely on."""
    dice, alive = random.Random(7), list[str]()
    while not stop.is_set():
        alive += pos.sell(dice.randint(1, 4))
        for _ in range(dice.randint(0, 3)):
            pos.edit(dice.choice(alive))
        if dice.random() < 0.3 and len(alive) > 10:
            gone = alive.pop(dice.randrange(len(alive)))
            pos.delete(gone)
            deleted.add(gone)
        time.sleep(dice.random() * 0.02)


def agree(till: SourceRunner, said: Mapping[str, tuple[Decimal, str]], deleted: set[str], words: str) -> list[str]:
    """The sales of which ledger and database say different things."""
    wrong = []
    for key, (amount, written) in said.items():
        kept = till.ledger.sales.get(f"till:{key}")
        order = kept.order() if kept else None
        if order is None or order.total_inc_tax != amount or order.status is not SaleStatus.COMPLETED:
            wrong.append(key)
        elif words == "note" and order.note != written:
            wrong.append(f"{key}: {order.note!r} / {written!r}")
        elif words == "tendered" and order.tenders[0].tendered != Decimal(written):
            wrong.append(f"{key}: {order.tenders[0].tendered} / {written}")
    for key in deleted:
        kept = till.ledger.sales.get(f"till:{key}")
        if kept is not None and kept.order().status is not SaleStatus.VOIDED:  # one that nobody saw is nobody's
            wrong.append(f"{key} is gone, and stays {kept.order().status}")
    return wrong


@needs_samples
@pytest.mark.parametrize(
    ("preset", "kind"),
    [
        ("opensourcepos", "mariadb"),
        ("unicenta", "mariadb"),
        pytest.param("unicenta", "postgresql", marks=pytest.mark.postgresql),
    ],
)
def test_a_till_that_writes_all_the_while_and_the_ledger_agree_once_it_stops(
    preset: str, kind: str, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock(datetime.now(UTC))
    running: AbstractContextManager[Writes]
    if preset == "unicenta":
        running, more = unicenta.UniCenta.running(kind, clock), 'currency = "GBP"\ntimezone = "Europe/London"'
    else:
        running, more = opensourcepos.OpenSourcePos.running(clock), ""
    with running as pos:
        monkeypatch.setenv("TILL_DATABASE", pos.database.url)
        monkeypatch.setenv("FLOW_TOKEN", shop.store.token)
        shop.configure(_SOURCE.format(preset=preset, more=more))
        stop, deleted = threading.Event(), set[str]()
        writer = threading.Thread(target=keep_writing, args=(pos, stop, deleted))
        with open_app(load(shop.config)) as app:
            till = app.tills["till"]
            writer.start()
            begun = time.monotonic()
            polls = 0
            while time.monotonic() - begun < 3 or polls < 10:
                till.poll(threading.Event())
                polls += 1
            stop.set()
            writer.join()
            till.poll(threading.Event())
            said = said_by(pos, _TOTALS[preset])
            assert len(said) > 20
            assert deleted
            assert agree(till, said, deleted, "note" if preset == "opensourcepos" else "tendered") == []
            assert till.ledger.sources.faults("till", limit=10) == []


@needs_samples
def test_the_seed_of_opensourcepos_becomes_orders_to_the_cent(
    shop: Shop, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mariadb_till(opensourcepos.SCHEMA, opensourcepos.SEED) as database:
        monkeypatch.setenv("TILL_DATABASE", database.url)
        shop.configure(_SOURCE.format(preset="opensourcepos", more=""))
        done = shop.run("sync")
    assert {order["external_order_id"]: Decimal(order["total_inc_tax"]) for order in store.orders()} == {
        "till:1": Decimal("34.56"),
        "till:4": Decimal(24),
    }
    assert done.code == 1, done  # the return has no original, and a person must say what it is
    assert [sale["sale"] for sale in shop.run("sales", "--state", "held", "--json").json] == ["till:2"]


@needs_samples
def test_what_was_deleted_long_since_does_not_count_as_deleted_at_once_and_what_comes_back_is_a_sale_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock(datetime.now(UTC))
    with opensourcepos.OpenSourcePos.running(clock) as pos:
        monkeypatch.setenv("TILL_DATABASE", pos.database.url)
        monkeypatch.setenv("FLOW_TOKEN", shop.store.token)
        shop.configure(_SOURCE.format(preset="opensourcepos", more="").replace("= 1000", "= 2"))
        ids = pos.sell(8)
        with open_app(load(shop.config)) as app:
            till = app.tills["till"]

            def voided() -> list[str]:
                till.poll(threading.Event())
                kept = {key: till.ledger.sales.get(f"till:{key}") for key in ids}
                return [key for key, sale in kept.items() if sale and sale.order().status is SaleStatus.VOIDED]

            assert voided() == []
            for day in range(3):
                for key in ids[day * 2 : day * 2 + 2]:
                    pos.delete(key)
                assert voided() == ids[: day * 2 + 2]
            assert till.ledger.sources.faults("till", limit=10) == []
            pos.made = 0
            pos.write([clock.now() - timedelta(seconds=7)])  # number 1, put back as it was
            assert voided() == ids[1:6]
