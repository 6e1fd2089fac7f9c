import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from syncd.canonical import CanonicalOrder
from syncd.testing.orders import sale
from tests.contracts.openapi import exchanges, problems
from tests.shared import needs_openapi
from tests.shop import Shop, running_sandbox

pytestmark = needs_openapi

SOURCE = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n'
HOME = {
    "first_name": "Ada",
    "last_name": "Buyer",
    "street_1": "2 Hill Road",
    "city": "Austin",
    "state": "TX",
    "zip": "78702",
    "country": "US",
}
PLAIN = {"line_id": "1", "name": "Thing", "total_ex_tax": "10.00", "total_inc_tax": "10.80"}


def line(**changes: Any) -> list[dict[str, Any]]:
    return [PLAIN | changes]


KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "variant": {"lines": line(sku="TEE-M-BLK")},
    "by barcode": {"lines": line(upc="036000291452")},
    "digital": {
        "lines": line(sku="EBOOK-1", digital=True),
        "fulfilment": "digital",
        "customer": {"email": "a@example.com"},
    },
    "by weight": {"lines": line(quantity="0.450", unit="kg")},
    "three of one": {"lines": line(quantity="3")},
    "gift card": {"lines": line(kind="gift_card", total_inc_tax="10.00"), "total_inc_tax": "10.00", "total_tax": "0"},
    "with a tip": {
        "fees": [{"kind": "tip", "name": "Tip", "total_ex_tax": "2.00", "total_inc_tax": "2.00"}],
        "total_inc_tax": "12.80",
    },
    "delivered": {
        "lines": line(),
        "fees": [{"kind": "delivery", "name": "Courier", "total_ex_tax": "5.00", "total_inc_tax": "5.40"}],
        "shipping": HOME,
        "billing": HOME,
        "fulfilment": "ship",
        "customer": {"first_name": "Ada", "last_name": "Buyer", "email": "ada@example.com"},
        "total_inc_tax": "16.20",
        "total_tax": "1.20",
    },
    "picked up": {"lines": line(), "fulfilment": "pickup"},
    "discounted": {
        "discounts": [{"name": "Staff", "amount_inc_tax": "1.08", "amount_ex_tax": "1.00"}],
        "total_inc_tax": "9.72",
        "total_tax": "0.72",
    },
    "rounded": {"rounding": "0.02", "total_inc_tax": "10.82"},
    "for nothing": {"lines": line(total_ex_tax="0", total_inc_tax="0"), "total_inc_tax": "0", "total_tax": "0"},
    "many lines": {
        "lines": [PLAIN | {"line_id": str(n), "total_ex_tax": "0.10", "total_inc_tax": "0.11"} for n in range(100)],
        "total_inc_tax": "11.00",
        "total_tax": "1.00",
    },
}


def kinds() -> list[CanonicalOrder]:
    return [sale(sale_id=name.replace(" ", "-"), source="till", **changes) for name, changes in KINDS.items()]


def edits() -> list[CanonicalOrder]:
    """What the till says of some of them a day later."""
    refund = {"id": "r1", "amount_inc_tax": "5.40", "amount_tax": "0.40"}
    by_line = refund | {
        "amount_inc_tax": "10.80",
        "lines": [{"line_id": "1", "quantity": "1", "amount_inc_tax": "10.80"}],
    }
    changed: dict[str, dict[str, Any]] = {
        "with a tip": {"fees": [], "total_inc_tax": "10.80"},
        "picked up": {"lines": line(name="Other thing"), "note": "edited"},
        "variant": {"lines": line(sku="TEE-M-BLK", quantity="2")},
        "by weight": {"status": "partially_refunded", "refunds": [refund]},
        "gift card": {"customer": {"first_name": "Ada", "last_name": "B", "email": "new@example.com"}},
        "by barcode": {"status": "refunded", "refunds": [by_line]},
    }
    return [sale(sale_id=n.replace(" ", "-"), source="till", **(KINDS[n] | c)) for n, c in changed.items()]


@pytest.fixture(scope="module")
def taped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, Any]]]:
    """Everything that syncd asks of a store in its working life, with the answers, faults among them."""
    folder = tmp_path_factory.mktemp("shop")
    tape = folder / "tape.jsonl"
    with running_sandbox("--record", str(tape)) as (_, store):
        (folder / "inbox").mkdir()
        shop = Shop(folder, store)
        shop.configure(
            SOURCE, 'pickup_method_id = 1\nrefunds = "record"\ncustomers = "create"\nvariants_by = "product_options"\n'
        )
        assert shop.run("check").code == 0
        shop.drop("sales.jsonl", "".join(order.to_json() + "\n" for order in kinds()))
        done = shop.run("sync", "--json")
        assert done.json["sales"] == {"synced": len(KINDS)}, shop.run("sales").out
        shop.drop("void.jsonl", sale(sale_id="plain", source="till", status="voided").to_json())
        shop.drop("edits.jsonl", "".join(order.to_json() + "\n" for order in edits()))
        assert shop.run("sync").code == 0, shop.run("sales").out
        assert shop.run("orders", "show", "till:variant").code == 0
        assert shop.run("orders", "list", "--status", "10", "--min-total", "1", "--archived").code == 0
        assert shop.run("orders", "statuses").code == 0
        assert shop.run("audit", "--from", "2026-11-20", "--to", "2026-11-20").code == 0
        for kind in ("drop_after_commit", "5xx_before", "429"):
            store.control("faults", {"faults": [{"kind": kind, "times": 1, "method": "POST"}]})
            shop.drop(f"{kind}.jsonl", sale(sale_id=kind, source="till").to_json())
            shop.run("sync")
        yield exchanges(tape)


def test_every_request_and_answer_of_a_working_life_is_as_described(taped: list[dict[str, Any]]) -> None:
    asked = {(exchange["method"], exchange["path"].split("/", 3)[3].rstrip("0123456789")) for exchange in taped}
    assert asked >= {
        ("POST", "v2/orders"),
        ("PUT", "v2/orders/"),
        ("GET", "v2/orders"),
        ("GET", "v2/store"),
        ("GET", "v2/time"),
        ("GET", "v3/catalog/variants"),
        ("GET", "v3/catalog/products"),
        ("GET", "v3/customers"),
        ("GET", "v3/channels"),
        ("GET", "v3/settings/inventory"),
        ("GET", "v3/settings/email-statuses"),
        ("POST", "v3/customers"),
    }
    parts = {exchange["path"].rsplit("/", 1)[1] for exchange in taped}
    assert parts >= {
        "products",
        "fees",
        "consignments",
        "refunds",
        "refund_quotes",
        "transactions",
        "shipping_addresses",
    }
    assert {exchange["status"] for exchange in taped} >= {200, 204, 429, 503}
    assert {(exchange["path"], found) for exchange in taped for found in problems(exchange)} == set()


def test_every_resource_that_the_sandbox_has_answers_as_described(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    with running_sandbox("--record", str(tape)) as (_, store):
        base, headers = f"{store.url}/stores/{store.store_hash}", {"X-Auth-Token": store.token}

        def ask(method: str, path: str, body: object = None) -> int:
            return requests.request(method, base + path, json=body, headers=headers, timeout=10).status_code

        (folder := tmp_path / "inbox").mkdir()
        shop = Shop(tmp_path, store)
        shop.configure(SOURCE)
        shop.drop("sales.jsonl", kinds()[8].to_json())
        shop.run("sync")
        (order,) = store.orders()
        number = order["id"]
        for rest in ("", "/products", "/shipping_addresses", "/coupons", "/taxes", "/shipments", "/messages", "/fees"):
            assert ask("GET", f"/v2/orders/{number}{rest}") in {200, 204}
        assert ask("GET", f"/v2/orders/{number}/consignments") == 200
        assert ask("GET", f"/v2/orders/{number}/products/1") == 200
        assert ask("GET", "/v2/orders/count") == 200
        assert ask("GET", "/v2/order_statuses") == 200
        assert ask("GET", "/v3/settings/inventory") == 200
        assert ask("GET", "/v2/orders/999999") == 404
        assert ask("PUT", f"/v2/orders/{number}", {"staff_notes": "seen"}) == 200
        assert ask("PUT", f"/v2/orders/{number}", {"products": [{"id": 77, "quantity": 1}]}) == 400
        assert ask("DELETE", f"/v2/orders/{number}") == 204
        assert ask("DELETE", "/v2/orders") == 204
        assert folder.exists()
    assert {(exchange["path"], found) for exchange in exchanges(tape) for found in problems(exchange)} == set()


def create_of(taped: list[dict[str, Any]]) -> dict[str, Any]:
    return next(
        one for one in taped if one["method"] == "POST" and one["status"] == 201 and one["path"].endswith("/v2/orders")
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda order: order.update(products="none"), "products"),
        (lambda order: order.update(status_id="ten"), "status_id"),
        (lambda order: order.update(stauts_id=10), "stauts_id is no field"),
        (lambda order: order["products"][0].update(pricing=1), "pricing is no field"),
        (lambda order: order["billing_address"].update(street=1), "street is no field"),
    ],
)
def test_a_wrong_request_is_caught(taped: list[dict[str, Any]], change: Any, words: str) -> None:
    exchange = create_of(taped)
    order = json.loads(exchange["body"])
    change(order)
    found = problems({**exchange, "body": json.dumps(order)})
    assert any(words in problem for problem in found if problem.startswith("request")), found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda order: order.update(id="one"), "id"),
        (lambda order: order.update(total_inc_tax=False), "total_inc_tax"),
        (lambda order: order.update(made_up=1), "made_up is no field"),
    ],
)
def test_a_wrong_answer_is_caught(taped: list[dict[str, Any]], change: Any, words: str) -> None:
    exchange = create_of(taped)
    order = json.loads(exchange["answer"])
    change(order)
    found = problems({**exchange, "answer": json.dumps(order)})
    assert any(words in problem for problem in found if problem.startswith("answer")), found


def test_a_parameter_that_is_not_described_is_caught(taped: list[dict[str, Any]]) -> None:
    exchange = next(one for one in taped if one["path"].endswith("/v2/orders") and one["method"] == "GET")
    assert problems({**exchange, "query": {"external_id": "x"}}) == ["request: external_id is no parameter"]
