"""One bad sale, fault or currency is set aside alone, with a reason; everything beside it goes on."""

import json
import sqlite3

from syncd.testing.orders import sale
from tests.shop import Shop


def test_euros_are_not_sold_to_a_dollar_store(shop: Shop) -> None:
    good = sale(source="till", sale_id="usd")
    shop.drop(
        "sales.jsonl", sale(source="till", sale_id="eur", currency="EUR").to_json() + "\n" + good.to_json() + "\n"
    )
    assert shop.run("sync").code == 1
    assert [order["external_order_id"] for order in shop.store.orders()] == ["till:usd"]
    (held,) = shop.run("sales", "--state", "held", "--json").json
    assert held["why"] == "the sale is in EUR; the store takes USD"


def test_check_says_when_a_sources_currency_is_none_of_the_stores(shop: Shop) -> None:
    shop.configure(
        '[sources.till]\ntype = "csv"\npath = "inbox"\ncurrency = "EUR"\ntimezone = "Europe/Berlin"\ndate_order = "dmy"\n'
    )
    done = shop.run("check")
    assert done.code == 1
    assert "EUR" in done.out
    assert "USD" in done.out


def test_an_order_that_the_store_made_in_another_currency_is_held(shop: Shop) -> None:
    shop.drop("sales.jsonl", sale(source="till", sale_id="a").to_json() + "\n")
    shop.run("sync")
    for file in shop.folder.glob("ledger.db*"):
        file.unlink()
    shop.drop("again.jsonl", sale(source="till", sale_id="a", currency="CAD").to_json() + "\n")
    shop.run("sync")
    (held,) = shop.run("sales", "--json").json
    assert held["state"] == "held"
    assert "in USD; the sale is in CAD" in held["why"]


def test_a_float_in_extra_is_carried_like_any_sale(shop: Shop) -> None:
    odd = json.loads(sale(source="till", sale_id="odd").to_json()) | {"extra": {"weight": 0.45}}
    shop.drop("sales.jsonl", json.dumps(odd) + "\n" + sale(source="till", sale_id="plain").to_json() + "\n")
    assert shop.run("sync").code == 0
    assert len(shop.store.orders()) == 2


def test_a_document_that_cannot_be_read_is_held_and_stops_no_other_sale(shop: Shop) -> None:
    shop.run("sync")
    shop.drop("sales.jsonl", "".join(sale(source="till", sale_id=f"s{n}").to_json() + "\n" for n in range(3)))
    shop.run("sync", "--limit", "0")
    with sqlite3.connect(shop.folder / "ledger.db") as raw:
        raw.execute("update sales set document = '{\"source\": \"till\"}' where sale_key = 'till:s1'")
    raw.close()
    assert shop.run("sync").code == 1
    states = {one["sale"]: one["state"] for one in shop.run("sales", "--json").json}
    assert states == {"till:s0": "synced", "till:s1": "held", "till:s2": "synced"}
    assert "cannot be read" in shop.run("sales", "--state", "held", "--json").json[0]["why"]


def test_release_pushes_no_training_sale_and_no_open_ticket(shop: Shop) -> None:
    lines = [
        sale(source="till", sale_id="training", training=True),
        sale(source="till", sale_id="open", status="open", tenders=[]),
        sale(source="till", sale_id="mine"),
    ]
    shop.drop("sales.jsonl", "".join(one.to_json() + "\n" for one in lines))
    shop.run("sync", "--limit", "0")
    shop.run("skip", "till:mine")
    done = shop.run("release", "--state", "skipped", "--yes", "--json")
    assert done.json["moved"] == ["till:mine"]
    assert {one["sale"] for one in done.json["refused"]} == {"till:training", "till:open"}
    shop.run("sync")
    assert [order["external_order_id"] for order in shop.store.orders()] == ["till:mine"]
