"""The second workflow: sales become orders by the Management Checkout, exactly once."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from syncd.canonical import CanonicalOrder
from syncd.testing.orders import sale
from tests.shop import Shop, Store, pass_until_settled, running_sandbox

SOURCE = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n'
RULES = 'workflow = "checkout"\npickup_method_id = 1\nthreads = 1\n'
HOME = {
    "first_name": "Ada",
    "last_name": "Buyer",
    "street_1": "2 Hill Road",
    "city": "Austin",
    "state": "TX",
    "zip": "78702",
    "country": "US",
}
ADA = {"first_name": "Ada", "last_name": "Buyer", "email": "ada@example.com"}
MUG = {"line_id": "1", "name": "Mug", "sku": "MUG-1", "total_ex_tax": "10.00", "total_inc_tax": "10.80"}
CARD = [{"kind": "card", "label": "Visa", "amount": "10.80"}]


def order(sale_id: str = "1", **changes: Any) -> CanonicalOrder:
    said = {"lines": [MUG], "fulfilment": "pickup", "customer": ADA, "billing": HOME, "tenders": CARD}
    return sale(sale_id=sale_id, source="till", total_inc_tax="10.80", total_tax="0.80", **(said | changes))


def rules(**checkout: str) -> str:
    return RULES + "".join(f'checkout.{name} = "{value}"\n' for name, value in checkout.items())


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with running_sandbox() as (_, store):
        (tmp_path / "inbox").mkdir()
        made = Shop(tmp_path, store)
        made.configure(SOURCE, RULES)
        store.control("ways", {"tax_rate": 8.0})
        yield made


def carts(store: Store) -> Any:
    return requests.get(f"{store.url}/_sandbox/carts", timeout=10).json()


def live(store: Store) -> list[dict[str, Any]]:
    return [one for one in store.orders() if one["status_id"] != 0]


def push(shop: Shop, *orders: CanonicalOrder, name: str = "sales") -> dict[str, int]:
    if orders:
        shop.drop(f"{name}.jsonl", "".join(one.to_json() + "\n" for one in orders))
    return pass_until_settled(shop, most=30)


def test_a_sale_becomes_one_order_by_the_checkout_and_no_cart_is_left(shop: Shop) -> None:
    assert push(shop, order()) == {"synced": 1}, shop.run("sales").out
    (made,) = shop.store.orders()
    assert (made["external_order_id"], made["status_id"], made["order_source"]) == ("till:1", 10, "checkout_api")
    assert (Decimal(made["total_inc_tax"]), Decimal(made["total_tax"])) == (Decimal("10.80"), Decimal("0.80"))
    assert made["payment_method"] == "Visa"
    seen = carts(shop.store)
    assert (seen["open"], seen["made"], seen["mails"]) == ([], 1, {str(made["id"]): 1})
    asked = shop.store.stats()["requests"]
    calls = {name: number for name, number in asked.items() if not name.startswith("GET")}
    assert sum(calls.values()) == 7, calls
