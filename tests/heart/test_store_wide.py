"""One sale that is trouble, beside ones that are not: against the sandbox itself, over HTTP."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncd.testing.orders import sale
from tests.shop import Shop, pass_until_settled, running_sandbox

SOURCES = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n'


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with running_sandbox() as (_, store):
        made = Shop(tmp_path, store)
        (tmp_path / "inbox").mkdir()
        made.configure(SOURCES)
        yield made


def line(sku: str, quantity: int = 1) -> dict[str, Any]:
    money = {"total_ex_tax": f"{quantity}.00", "total_inc_tax": f"{quantity}.00"}
    return {"line_id": sku, "sku": sku, "name": f"A {sku}", "quantity": str(quantity), **money}


def sold(sale_id: str, *lines: dict[str, Any]) -> Any:
    total = sum(int(one["quantity"]) for one in lines)
    return sale(source="till", sale_id=sale_id, lines=lines, total_inc_tax=f"{total}.00", total_tax="0.00")


def drop(shop: Shop, *sales: Any) -> dict[str, int]:
    shop.drop("sales.jsonl", "".join(one.to_json() + "\n" for one in sales))
    return pass_until_settled(shop)


def told(shop: Shop, key: str) -> dict[str, Any]:
    story: dict[str, Any] = shop.run("sale", key, "--json").json
    return story


@pytest.mark.parametrize("alone", [True, False])
def test_a_sku_whose_look_up_is_refused_holds_its_own_sale_and_no_other(shop: Shop, alone: bool) -> None:
    many = [{"sku": f"M{number}", "name": "Thing", "price": 1} for number in range(1001)]  # asked, not mirrored at once
    shop.store.control("catalog", {"products": many})
    shop.store.control("ways", {"poison_code": "BAD,SKU"})
    others = [] if alone else [sold(f"s{number}", line(f"SKU-{number}")) for number in range(50)]
    counts = drop(shop, sold("bad", line("BAD,SKU")), *others)
    assert counts == {"held": 1} | ({} if alone else {"synced": 50})
    assert "looked up" in told(shop, "till:bad")["why"]


def test_a_document_that_cannot_be_read_holds_its_own_sale_and_no_other(shop: Shop) -> None:
    shop.drop("sales.jsonl", "".join(sold(f"s{number}", line("X")).to_json() + "\n" for number in range(10)))
    shop.run("sync", "--limit", "0")
    with sqlite3.connect(shop.folder / "ledger.db") as raw:
        raw.execute("update sales set document = '{' where sale_key = 'till:s3'")
    assert pass_until_settled(shop) == {"held": 1, "synced": 9}
    assert "cannot be read" in told(shop, "till:s3")["why"]


@pytest.mark.parametrize(
    ("product", "words"),
    [
        ({"stock": 3}, "12 wanted, 3 there"),
        ({"maximum": 10}, "12 wanted, at most 10 allowed"),
        ({"minimum": 24}, "12 wanted, at least 24 needed"),
    ],
)
@pytest.mark.parametrize("rule", ["custom", "hold"])
@pytest.mark.parametrize("shape", ["sku", "product", "variant"])
def test_what_the_till_has_sold_and_bigcommerce_has_too_few_of_becomes_a_custom_line_or_is_held(
    shop: Shop, product: dict[str, Any], words: str, rule: str, shape: str
) -> None:
    shop.store.control("ways", {"stock_refusal": shape})
    shop.configure(SOURCES, f'short_product = "{rule}"\nunknown_sku = "reject"\n')
    mug = {"sku": "MUG", "name": "Mug", "price": 1.0, **product}
    shop.store.control("catalog", {"products": [mug, {"sku": "CUP", "name": "Cup", "price": 1.0}]})
    counts = drop(shop, sold("a", line("MUG", 12), line("CUP")), sold("b", line("CUP")))
    story = told(shop, "till:a")
    assert any(words in row["why"] for row in story["audit"])
    if rule == "hold":
        assert counts == {"held": 1, "synced": 1}
        assert words in story["why"]
        return
    assert counts == {"synced": 2}
    lines = shop.store.get(f"/v2/orders/{story['order_id']}/products")
    assert [(one["sku"], bool(one["product_id"])) for one in lines] == [("MUG", False), ("CUP", True)]
    assert shop.store.get(f"/v2/orders/{story['order_id']}")["total_inc_tax"] == "13.0000"


@pytest.mark.parametrize("rule", ["custom", "hold"])
@pytest.mark.parametrize(
    "now",
    [
        {"modifiers": ["Engraving"]},
        {"variants": [{"sku": "MUG", "options": {"Colour": "Red"}}, {"sku": "MUG-B", "options": {"Colour": "Blue"}}]},
        {"variants": [{"sku": "MUG-R", "options": {"Colour": "R"}}, {"sku": "MUG-B", "options": {"Colour": "B"}}]},
    ],
    ids=["modifier", "option", "other SKUs"],
)
def test_a_product_that_asks_for_more_since_it_was_looked_up_rejects_no_sale(
    shop: Shop, now: dict[str, Any], rule: str
) -> None:
    shop.configure(SOURCES, f'short_product = "{rule}"\n')
    shop.store.control("catalog", {"products": [{"sku": "MUG", "name": "Mug", "price": 1.0}]})
    drop(shop, sold("before", line("MUG")))
    shop.store.control("catalog", {"products": [{"sku": "MUG", "name": "Mug", "price": 1.0} | now]})
    shop.drop("more.jsonl", sold("after", line("MUG", 2)).to_json() + "\n")
    assert pass_until_settled(shop) == {"synced": 2}
    order_id = told(shop, "till:after")["order_id"]
    assert shop.store.get(f"/v2/orders/{order_id}")["total_inc_tax"] == "2.0000"


def test_options_that_bigcommerce_asks_for_again_and_again_become_a_custom_line(shop: Shop) -> None:
    """Whatever the catalog says: the refusal names the product, and by rule the line is one that enters no catalog."""
    shop.store.control("catalog", {"products": [{"sku": "MUG", "name": "Mug", "price": 1.0}]})
    shop.run("sync")
    shop.store.control("ways", {"required_option": "Engraving"})
    assert drop(shop, sold("a", line("MUG", 2))) == {"synced": 1}
    story = told(shop, "till:a")
    assert any("it requires Engraving, which the sale does not say" in row["why"] for row in story["audit"])
    (only,) = shop.store.get(f"/v2/orders/{story['order_id']}/products")
    assert (only["sku"], only["product_id"]) == ("MUG", 0)


@pytest.mark.parametrize("how", ["refused", "ignored"])
def test_a_store_that_does_not_look_orders_up_by_key_settles_its_doubts_by_the_walk(shop: Shop, how: str) -> None:
    shop.store.control("ways", {"key_filter": how})
    shop.store.control("faults", {"faults": [{"kind": "drop_after_commit", "method": "POST", "path": "v2/orders"}]})
    assert drop(shop, sold("a", line("X")), sold("b", line("X"))) == {"synced": 2}
    assert len(shop.store.orders()) == 2


def test_a_store_that_cuts_keys_at_50_characters_gets_one_order_a_sale_one_alert_and_a_way_on(shop: Shop) -> None:
    shop.store.control("ways", {"key_cut": 50})
    sales = [sold(f"{number:02}-" + "x" * 55, line("X")) for number in range(30)]
    for _ in range(5):
        drop(shop, *sales)
    before = shop.store.orders()
    keys = [order["external_order_id"] for order in before]
    assert len(keys) == len(set(keys)) <= 12, "at most what was out at once"
    status = shop.run("status")
    assert status.code == 3
    assert "longest_key = 50" in status.out
    shop.configure(SOURCES, "longest_key = 50\n")
    assert pass_until_settled(shop) == {"synced": 30}
    assert len(shop.store.orders()) == 30


def test_sale_tells_what_is_said_believed_doubted_and_decided_and_what_comes_next(shop: Shop) -> None:
    drop(shop, sold("a", line("X")))
    facts = told(shop, "till:a")["facts"]
    assert facts["said"].startswith("1.00 USD, version ")
    assert "up to date" in facts["believed"]
    assert "Completed" in facts["believed"]
    assert facts["next"] == "nothing to do: the order matches the sale"
    shop.run("hold", "till:a", "--reason", "ada still looks")
    facts = told(shop, "till:a")["facts"]
    assert "hold by cli:" in facts["decided"]
    assert "ada still looks" in facts["decided"]
    assert "syncd release till:a" in facts["next"]
    shop.store.control("faults", {"faults": [{"kind": "drop_after_commit", "method": "POST", "path": "v2/orders"}]})
    shop.drop("more.jsonl", sold("b", line("X")).to_json() + "\n")
    shop.run("sync")
    facts = told(shop, "till:b")["facts"]
    assert facts["believed"] == "no order in BigCommerce"
    assert "whether a create took effect is not known; 0 looks" in facts["doubt"]
    assert facts["next"].startswith("looked for again")
    out = shop.run("sale", "till:b").out
    for name in ("In the POS", "In BigCommerce", "Unclear", "Next step"):
        assert f"{name}: " in out


def test_a_key_is_shown_as_it_is_and_never_as_a_picture(shop: Shop) -> None:
    drop(shop, sold("b", line("X")))
    assert "not till:b: " in shop.run("release", "till:b").out


def test_a_field_that_the_store_does_not_take_pauses_it_and_rejects_no_sale(shop: Shop) -> None:
    shop.store.control("ways", {"refused_field": "external_source"})
    counts = drop(shop, *[sold(f"s{number}", line("X")) for number in range(5)])
    assert counts == {"pending": 5}
    paused = shop.run("status")
    assert paused.code == 3
    assert "does not take a field that syncd sends (400): The field 'external_source'" in " ".join(paused.out.split())
    assert len(shop.store.orders()) == 0
    shop.store.control("ways", {"refused_field": ""})
    assert pass_until_settled(shop, most=60) == {"synced": 5}  # by itself, once a trial is taken
