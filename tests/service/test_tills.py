"""A real daemon beside a till's database: killed, thrown out, locked out, and every sale one order all the same."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from syncd.testing.clocks import ManualClock
from tests.shared import needs_samples
from tests.shop import Shop, Store
from tests.tills.opensourcepos import OpenSourcePos
from tests.tills.servers import PASSWORD

_SOURCE = """
[sources.till]
type = "sql"
preset = "opensourcepos"
url = { env = "TILL_DATABASE" }
start_from = "ever"
every = "200ms"
look_back_every = "1s"
"""


def wait(until: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 60
    while not until():
        assert time.monotonic() < end, what
        time.sleep(0.1)


@needs_samples
def test_a_daemon_beside_a_till_makes_each_sale_one_order_whatever_happens(
    shop: Shop, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OpenSourcePos.running(ManualClock(datetime.now(UTC) - timedelta(hours=2))) as pos:
        monkeypatch.setenv("TILL_DATABASE", pos.database.url)
        shop.configure(_SOURCE)
        daemon = shop.start("run")
        ids = pos.sell(5)
        wait(lambda: len(store.orders()) == 5, "the first sales")
        ids += pos.sell(5)
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()
        ids += pos.sell(5)
        daemon = shop.start("run")
        wait(lambda: len(store.orders()) == 15, "those that were made while it was down")
        pos.database.lock_out()
        ids += pos.sell(5)
        wait(lambda: b"Access denied" in (shop.folder / "daemon.log").read_bytes(), "being told that it is locked out")
        pos.database.run(f"alter user '{pos.database.reader}'@'%' identified by '{PASSWORD}'")
        pos.edit(ids[0])
        pos.delete(ids[1])
        wait(lambda: len(store.orders()) == 20, "those that were made while it was locked out")
        wait(lambda: any(order["status_id"] == 5 for order in store.orders()), "the deleted sale's order cancelled")
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(timeout=30) == 0
        orders = {order["external_order_id"].removeprefix("till:"): order for order in store.orders()}
        assert len(store.orders()) == len(orders) == 20
        assert [key for key, order in orders.items() if order["status_id"] == 5] == [ids[1]]
        with pos.database.admin.cursor() as cursor:
            cursor.execute(
                "select sale_id, sum(payment_amount - cash_refund) from ospos_sales_payments group by sale_id"
            )
            paid = {str(row[0]): row[1] for row in cursor.fetchall()}
        assert {key: Decimal(orders[key]["total_inc_tax"]) for key in paid} == paid
    assert PASSWORD.encode() not in (shop.folder / "daemon.log").read_bytes()
