"""The second workflow: sales become orders by the Management Checkout, exactly once."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from syncd.app import open_app
from syncd.canonical import CanonicalOrder
from syncd.config import load
from syncd.sandbox.clock import steady
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
    totals = {"total_inc_tax": "10.80", "total_tax": "0.80"}
    return sale(sale_id=sale_id, source="till", **(said | totals | changes))


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


def push(shop: Shop, *orders: CanonicalOrder, name: str = "sales", most: int = 30) -> dict[str, int]:
    if orders:
        shop.drop(f"{name}.jsonl", "".join(one.to_json() + "\n" for one in orders))
    return pass_until_settled(shop, most=most)


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


CALLS = {
    "cart": ("POST", "/v3/carts"),
    "billing": ("POST", "billing-address"),
    "delivery": ("POST", "/consignments"),
    "shipping": ("PUT", "/consignments/"),
    "discounts": ("POST", "/discounts"),
    "fees": ("POST", "/fees"),
    "message": ("PUT", "/v3/checkouts/"),
    "convert": ("POST", "/orders"),
    "finish": ("PUT", "/v2/orders/"),
    "delete": ("DELETE", "/v3/carts/"),
}
FEE = {"kind": "service_charge", "name": "Wrapping", "total_ex_tax": "2.00", "total_inc_tax": "2.00"}
WHOLE = rules(promotions="strip", delivery="custom")


def whole(sale_id: str = "1") -> CanonicalOrder:
    """A sale whose checkout needs each of the ten calls."""
    return order(sale_id, fees=[FEE], total_inc_tax="12.80", tenders=[CARD[0] | {"amount": "12.80"}])


def cut(call: str, kind: str, **more: Any) -> dict[str, Any]:
    """The fault that strikes the first of these calls."""
    method, path = CALLS[call]
    if call == "message":
        more["body"] = "customer_message"
    return {"kind": kind, "method": method, "path": path, "times": 1, **more}


@pytest.mark.parametrize("kind", ["drop_before_commit", "drop_after_commit", "5xx_before", "5xx_after", "garbage_body"])
@pytest.mark.parametrize("call", CALLS)
def test_an_answer_lost_at_any_call_leaves_one_order_and_no_cart(shop: Shop, call: str, kind: str) -> None:
    shop.configure(SOURCE, WHOLE)
    shop.store.control("faults", {"faults": [cut(call, kind)]})
    assert push(shop, whole()) == {"synced": 1}, shop.run("sales").out
    assert shop.store.stats()["struck"] == 1
    check_one_order_each(shop.store, 1)
    orphans = 1 if call == "cart" and kind not in ("drop_before_commit", "5xx_before") else 0
    assert len(carts(shop.store)["open"]) == orphans
    assert all(not one["email"] for one in carts(shop.store)["open"]), "an orphan has no address to mail to"


def check_one_order_each(store: Store, sales: int, total: str = "12.80") -> None:
    made = live(store)
    assert sorted(one["external_order_id"] for one in made) == sorted(f"till:{n}" for n in range(1, sales + 1))
    assert {Decimal(one["total_inc_tax"]) for one in made} == {Decimal(total)}
    assert drafts(store) == []
    mails = carts(store)["mails"]
    assert mails == {str(one["id"]): 1 for one in made}, "each customer got one mail"


def drafts(store: Store) -> list[int]:
    return [one["id"] for one in store.orders() if one["status_id"] == 0]


@pytest.mark.parametrize("before", [True, False], ids=["before the commit", "after the commit"])
@pytest.mark.parametrize("call", CALLS)
def test_a_process_killed_at_any_call_leaves_one_order_and_no_cart(shop: Shop, call: str, before: bool) -> None:
    """The request hangs at the store, or its answer is slow, and the process is killed meanwhile."""
    shop.configure(SOURCE, WHOLE)
    fault = cut(call, "hang" if before else "slow_headers", seconds=60)
    shop.store.control("faults", {"faults": [fault]})
    shop.drop("sales.jsonl", whole().to_json() + "\n")
    process = shop.start("run")
    while shop.store.stats()["struck"] == 0:
        assert process.poll() is None, (shop.folder / "daemon.log").read_text()
    process.kill()
    process.wait()
    assert push(shop) == {"synced": 1}, shop.run("sales").out
    check_one_order_each(shop.store, 1)
    orphans = 1 if call == "cart" and not before else 0
    assert len(carts(shop.store)["open"]) == orphans


def check_daily(shop: Shop) -> None:
    """What the daemon does once a day."""
    with open_app(load(shop.config)) as app:
        app.stores["main"].check_daily()


@pytest.mark.parametrize(
    "settings", [WHOLE, 'create = "draft"\nthreads = 1\n'], ids=["checkout", "orders in two steps"]
)
def test_an_order_that_commits_long_after_it_was_given_up_is_one_archived_draft(shop: Shop, settings: str) -> None:
    shop.configure(SOURCE, settings)
    late = (
        cut("convert", "late_commit", seconds=4)
        if settings is WHOLE
        else {"kind": "late_commit", "method": "POST", "path": "/v2/orders", "times": 1, "seconds": 4}
    )
    shop.store.control("faults", {"faults": [late]})
    if settings is WHOLE:  # the cart is kept while the late conversion is on its way
        keep = cut("delete", "429")
        shop.store.control("faults", {"faults": [late, keep | {"times": 200}]})
    push(shop, whole(), most=6)
    deadline = steady() + 30
    while not drafts(shop.store):
        assert steady() < deadline
    shop.store.control("faults", {"faults": []})
    assert push(shop) == {"synced": 1}, shop.run("sales").out
    check_daily(shop)
    assert drafts(shop.store) == []
    assert [one["external_order_id"] for one in live(shop.store)] == ["till:1"]
    assert len(list(shop.store.get("/v2/orders?is_deleted=true"))) == 1
    assert carts(shop.store)["open"] == []
    assert shop.run("audit", "--from", "2026-11-20", "--to", "2026-11-20").code == 0
