"""Half of the SKUs are in the catalog: those lines are the catalog's, the others custom; `preview` says which and why."""

import json
from typing import Any

import pytest

from syncd.testing.orders import sale
from tests.shop import Shop

CATALOG = {
    "products": [
        {"sku": "SIMPLE", "name": "Simple", "price": 5},
        {
            "sku": "",
            "name": "Tee",
            "price": 15,
            "variants": [
                {"sku": "TEE-S", "options": {"Size": "S"}},
                {"sku": "TEE-M", "options": {"Size": "M"}},
            ],
        },
        {"sku": "RING", "name": "Ring", "price": 90, "modifiers": ["Engraving"]},
    ]
}
SKUS = ("SIMPLE", "tee-m", "GONE", "RING", None)


def lines() -> list[dict[str, Any]]:
    return [
        {
            "line_id": str(number),
            "sku": sku,
            "name": f"Item {number}",
            "quantity": "2",
            "total_ex_tax": "10.00",
            "total_inc_tax": "10.80",
        }
        for number, sku in enumerate(SKUS)
    ]


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    shop.store.control("catalog", CATALOG)
    shop.drop("sales.jsonl", sale(source="till", lines=lines(), total_inc_tax="54.00", total_tax="4.00").to_json())
    return shop


def kind_of(line: dict[str, Any]) -> str:
    if not line.get("product_id"):
        return "custom"
    return f"catalog {line['product_id']}/{line['variant_id']}"


def test_skus_of_the_catalog_become_its_products_and_variants_and_the_others_custom_lines(stocked: Shop) -> None:
    assert stocked.run("sync").code == 0
    (order,) = stocked.store.orders()
    got = stocked.store.get(f"/v2/orders/{order['id']}/products")
    assert [kind_of(line) for line in got] == ["catalog 101/1001", "catalog 102/1003", "custom", "custom", "custom"]
    assert [line["sku"] for line in got] == ["SIMPLE", "TEE-M", "GONE", "RING", ""]
    assert order["total_inc_tax"] == "54.0000"


def test_preview_shows_which_lines_are_the_catalogs_and_why_the_others_are_not(stocked: Shop) -> None:
    shown = stocked.run("preview", str(stocked.folder / "inbox" / "sales.jsonl"), "--json").json["sales"][0]
    kinds = ["catalog" if "product_id" in line else "custom" for line in shown["payload"]["products"]]
    assert kinds == ["catalog", "catalog", "custom", "custom", "custom"]
    why = {decision["about"]: decision["why"] for decision in shown["decisions"]}
    assert why["line 1"] == "SKU SIMPLE is in the catalog"
    assert why["line 2"] == "SKU tee-m is in the catalog"
    assert why["line 3"] == "the catalog has no GONE"
    assert "requires 'Engraving'" in why["line 4"]
    assert why["line 5"] == "it has no SKU"
    table = stocked.run("preview", str(stocked.folder / "inbox" / "sales.jsonl")).out
    assert "the catalog has no GONE" in table
    assert stocked.store.orders() == []


def test_a_store_may_reject_sales_whose_skus_it_does_not_have(stocked: Shop) -> None:
    stocked.configure('[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n', 'unknown_sku = "reject"\n')
    done = stocked.run("sync", "--json")
    assert done.code == 1
    (left,) = stocked.run("sales", "--json").json
    assert left["state"] == "rejected"
    assert "GONE" in left["why"]
    stocked.store.control("catalog", {"products": [{"sku": sku, "name": "x"} for sku in SKUS if sku]})
    assert stocked.run("retry", left["sale"], "--json").json["moved"] == [left["sale"]]


def test_where_stock_is_kept_elsewhere_no_line_is_the_catalogs(stocked: Shop) -> None:
    stocked.configure('[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n', 'stock = "elsewhere"\n')
    assert stocked.run("sync").code == 0
    (order,) = stocked.store.orders()
    got = stocked.store.get(f"/v2/orders/{order['id']}/products")
    assert {kind_of(line) for line in got} == {"custom"}
    assert "GET /v3/catalog/variants" not in json.dumps(stocked.store.stats())


def test_a_product_that_has_gone_since_it_was_looked_up_becomes_a_custom_line(stocked: Shop) -> None:
    assert stocked.run("sync").code == 0
    stocked.store.control("catalog", {"products": []})
    again = sale(source="till", sale_id="next", lines=lines(), total_inc_tax="54.00", total_tax="4.00")
    stocked.drop("next.jsonl", again.to_json())
    assert stocked.run("sync").code == 0
    orders = {order["external_order_id"]: order for order in stocked.store.orders()}
    got = stocked.store.get(f"/v2/orders/{orders['till:next']['id']}/products")
    assert {kind_of(line) for line in got} == {"custom"}
