"""The catalog in the ledger: few requests, however many codes; what changes, goes or is refused is noticed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncd.bigcommerce.api import Api, store_wire
from syncd.bigcommerce.catalog import CatalogClient
from syncd.bigcommerce.customers import CustomersClient
from syncd.bigcommerce.governor import QuotaGovernor
from syncd.bigcommerce.settings import ConnectionSettings
from syncd.canonical import CanonicalOrder
from syncd.ledger import Ledger
from syncd.mapping.model import Matches
from syncd.mapping.rules import Rules
from syncd.push.lookups.matching import Matcher, Remotes
from syncd.testing.clocks import AheadClock
from syncd.testing.orders import sale
from tests.deciders import DECIDER
from tests.flows.test_after_push import SOURCE, till
from tests.shop import Shop, Store, running_sandbox

ONE = {"total_ex_tax": "1.00", "total_inc_tax": "1.08"}
PLACE = {"street_1": "1 Main", "city": "Austin", "state": "TX", "zip": "78701", "country_iso2": "US"}
LOOK_UPS = ("GET /v3/catalog/variants", "GET /v3/catalog/products")


def product(number: int, **changes: Any) -> dict[str, Any]:
    return {"sku": f"SKU{number}", "upc": f"{number:012}", "name": f"Thing {number}", "price": 1} | changes


def looked_up(store: Store) -> int:
    asked = store.stats()["requests"]
    return sum(asked.get(name, 0) for name in LOOK_UPS)


def selling(*codes: dict[str, str]) -> CanonicalOrder:
    lines = [{"line_id": str(n), "name": "T", **ONE, **code} for n, code in enumerate(codes)]
    return sale(lines=lines, total_inc_tax=str(len(codes) * 1.08), total_tax=str(len(codes) * 0.08))


class Desk:
    """A matcher over a real ledger and the sandbox, with a clock to turn."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.clock = store, AheadClock()
        self.ledger = Ledger.open(f"sqlite:///{folder / 'ledger.db'}", self.clock, DECIDER)

    def matcher(self) -> Matcher:
        where = {"api_url": self.store.url, "store_hash": self.store.store_hash, "token": {"env": "MIRROR_TOKEN"}}
        settings = ConnectionSettings.model_validate(where)
        api = Api(store_wire(settings, self.clock), QuotaGovernor(self.clock, 1.0), self.clock)
        rules = Rules.model_validate({"default_address": PLACE})
        return Matcher("main", self.ledger, Remotes(CatalogClient(api), CustomersClient(api)), rules, self.clock)


def products_of(found: list[Matches]) -> set[int]:
    return {match.product_id for one in found for match in (*one.by_sku.values(), *one.by_upc.values())}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with running_sandbox() as (_, store):
        monkeypatch.setenv("MIRROR_TOKEN", store.token)
        made = Desk(store, tmp_path)
        yield made
        made.ledger.close()


def test_2000_sales_of_300_skus_and_upcs_cost_at_most_ten_catalog_requests(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    with running_sandbox() as (_, store):
        store.control("catalog", {"products": [product(n) for n in range(900)]})
        shop = Shop(tmp_path, store)
        shop.configure(SOURCE)
        by_upc = {n: f"{n * 3:012}" for n in range(300)}
        sales = [
            sale(
                sale_id=f"s{n}",
                lines=[
                    {"line_id": "1", "name": "T", "sku": f"SKU{n % 300 * 3}", **ONE},
                    {"line_id": "2", "name": "T", "sku": f"OWN{n % 300}", "upc": by_upc[n % 300], **ONE},
                ],
                total_inc_tax="2.16",
                total_tax="0.16",
            )
            for n in range(2000)
        ]
        assert till(shop, *sales).code == 0
        assert looked_up(store) <= 10
        (order,) = store.get("/v2/orders?limit=1&external_order_id=till:s7")
        assert all(line["product_id"] for line in store.get(f"/v2/orders/{order['id']}/products"))


def test_a_upc_is_looked_up_only_where_the_sku_has_found_nothing(desk: Desk) -> None:
    desk.store.control("catalog", {"products": [product(n) for n in range(1200)]})  # too many to walk at once
    desk.matcher().gather([selling({"sku": "SKU5", "upc": "000000000005"})])
    upcs = desk.store.stats()["requests"]["GET /v3/catalog/variants"]
    desk.matcher().gather([selling({"sku": "NONE", "upc": "000000000006"})])
    assert desk.store.stats()["requests"]["GET /v3/catalog/variants"] > upcs


def test_a_large_catalog_is_walked_behind_the_scenes_and_then_costs_nothing(desk: Desk) -> None:
    desk.store.control("catalog", {"products": [product(n) for n in range(1200)]})
    matcher = desk.matcher()
    assert products_of(matcher.gather([selling({"sku": "SKU1100"})])) == {1201}
    matcher.refresh()
    before = looked_up(desk.store)
    codes = [{"sku": f"SKU{n}"} for n in range(0, 1200, 7)] + [{"upc": f"{n:012}"} for n in range(0, 1200, 7)]
    found = desk.matcher().gather([selling(*codes, {"sku": "NONE"})])
    assert len(products_of(found)) == 172
    assert looked_up(desk.store) == before


def test_a_product_that_is_new_is_found_without_walking_the_catalog_again(desk: Desk) -> None:
    desk.store.control("catalog", {"products": [product(n) for n in range(20)]})
    matcher = desk.matcher()
    assert products_of(matcher.gather([selling({"sku": "SKU99"})])) == set()
    desk.store.control("catalog", {"changed": [product(99)]})
    desk.clock.pass_time(16 * 60)
    assert products_of(matcher.gather([selling({"sku": "SKU99"})])) == {121}


def test_more_changes_than_a_sale_may_wait_for_are_left_to_a_walk_behind_the_scenes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.store.control("catalog", {"products": [product(n) for n in range(900)]})
    matcher = desk.matcher()
    matcher.gather([selling({"sku": "SKU1"})])
    desk.store.control("catalog", {"products": [product(n, name="New") for n in range(901)]})
    monkeypatch.setattr("syncd.push.lookups.lookup_cache._PAGES_A_STEP", 2)
    desk.clock.pass_time(16 * 60)
    before = looked_up(desk.store)
    assert products_of(matcher.gather([selling({"sku": "SKU900"})])) == set()
    assert looked_up(desk.store) - before == 4
    matcher.refresh()
    matcher.refresh()
    desk.clock.pass_time(16 * 60)
    assert products_of(desk.matcher().gather([selling({"sku": "SKU900"})])) == {1001}


def test_a_product_that_was_deleted_is_gone_after_the_daily_walk(desk: Desk) -> None:
    desk.store.control("catalog", {"products": [product(n) for n in range(20)]})
    desk.matcher().gather([selling({"sku": "SKU19"})])
    desk.store.control("catalog", {"products": [product(n) for n in range(19)]})
    desk.clock.pass_time(25 * 3600)
    desk.matcher().refresh()
    assert products_of(desk.matcher().gather([selling({"sku": "SKU19"})])) == set()


def test_what_bigcommerce_has_just_refused_is_asked_of_the_catalog_itself(desk: Desk) -> None:
    desk.store.control("catalog", {"products": [product(n) for n in range(20)]})
    matcher, order = desk.matcher(), selling({"sku": "SKU19"}, {"sku": "SKU3"})
    assert len(products_of(matcher.gather([order]))) == 2
    desk.store.control("catalog", {"products": [product(n) for n in range(19)]})
    matcher.forget(order)
    assert products_of(matcher.gather([order])) == {104}
    before = looked_up(desk.store)
    assert products_of(desk.matcher().gather([order])) == {104}
    assert looked_up(desk.store) == before


def test_a_walk_that_was_cut_off_goes_on_where_it_was(desk: Desk) -> None:
    desk.store.control("catalog", {"products": [product(n) for n in range(1200)]})
    desk.matcher().gather([selling({"sku": "SKU1"})])  # the first page
    before = looked_up(desk.store)
    desk.matcher().refresh()
    assert looked_up(desk.store) - before == 8  # the other four
