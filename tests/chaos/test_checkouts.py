"""Slices of the storm of checkouts, and two daemons on one store; `tests.chaos.checkouts` runs longer ones."""

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import requests

from syncd import stores
from syncd.bigcommerce.client import OrdersClient
from syncd.push.store_orders import scan
from syncd.sale import decide
from tests.bench.two_steps import run
from tests.chaos.checkouts import RULES, SOURCES, make_sale, rage, tally
from tests.databases import both_databases, ledger_url
from tests.planted_bugs import planted
from tests.shop import Shop, Store, running_sandbox

SEED = int(os.environ.get("SYNCD_SEED", str(random.randrange(1_000_000))))


@both_databases
def test_a_storm_of_faults_leaves_one_order_a_sale_and_nothing_else(database: str, tmp_path: Path) -> None:
    with ledger_url(database, tmp_path) as url:
        found = rage(tmp_path / "shop", 120, SEED, ledger=url)
    print(SEED, found)
    assert found.clean, f"SYNCD_SEED={SEED}: {found}"


def test_the_storm_finds_drafts_that_nobody_looks_for(tmp_path: Path) -> None:
    with (
        planted(OrdersClient, "of_cart", lambda _self, _cart: []),
        planted(stores, "archive_stray_drafts", lambda *_: []),
        planted(scan, "draft_key", lambda _order: None),
    ):
        # whether an answer is lost at the one step that matters is chance: on a busy machine one storm may miss it
        assert any(rage(tmp_path / f"shop-{seed}", 120, seed).drafts for seed in range(5, 11))


def test_the_storm_finds_carts_that_are_left_behind(tmp_path: Path) -> None:
    with planted(decide, "closed_first", lambda _sale, step: step):
        assert rage(tmp_path / "shop", 40, 5).mailable_carts


def test_two_daemons_of_which_one_is_killed_make_each_order_once(tmp_path: Path) -> None:
    orders = {one.sale_key: one for one in (make_sale(number, random.Random(number)) for number in range(1, 61))}
    with running_sandbox() as (_, store):
        (tmp_path / "inbox").mkdir()
        shop = Shop(tmp_path, store)
        shop.configure(SOURCES, RULES.format(threads=4))
        store.control("ways", {"tax_rate": 8.0})
        shop.drop("sales.jsonl", "".join(order.to_json() + "\n" for order in orders.values()))
        daemons = [shop.start("run"), shop.start("run")]
        _wait(lambda: sum(store.stats()["requests"].values()) > 150)
        daemons[0].kill()
        daemons[0].wait()
        _wait(lambda: len(orders) == sum(one["status_id"] != 0 for one in store.orders()))
        _wait(lambda: all(not one["email"] for one in _open_carts(store)))
        daemons[1].terminate()
        daemons[1].wait()
        found = tally(shop, orders, {})
    assert found.clean, found


def _open_carts(store: Store) -> list[dict[str, object]]:
    return list(requests.get(f"{store.url}/_sandbox/carts", timeout=10).json()["open"])


def _wait(so: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_creates_that_commit_late_are_second_orders_directly_and_archived_drafts_in_two_steps() -> None:
    directly, in_two = (run(way, 120, 0.1) for way in ("direct", "draft"))
    assert directly.second_live_orders, "the storm brings late commits"
    assert (in_two.with_an_order, in_two.second_live_orders, in_two.drafts_left) == (120, 0, 0)
