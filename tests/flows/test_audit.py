"""``syncd audit`` against the sandbox: ten planted differences are found, each with its cause, and nothing else."""

import csv

import pytest
import requests

from syncd.testing.orders import sale
from tests.flows.test_after_push import put, till
from tests.shop import Shop

SOURCE = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n'
DAY = ("--from", "2026-11-20", "--to", "2026-11-20")


def test_books_that_agree_say_so(shop: Shop) -> None:
    card = {"kind": "card", "label": "Card", "card_brand": "Visa", "card_last4": "4242", "amount": "10.80"}
    night = sale(sale_id="late", placed_at="2026-11-20T23:30:00-06:00", location={"id": "north"}, tenders=[card])
    till(shop, sale(sale_id="a"), night, sale(sale_id="next", placed_at="2026-11-21T00:10:00-06:00"))
    done = shop.run("audit", *DAY, "--json")
    assert done.code == 0, done.out
    groups = done.json["main"]["groups"]
    assert [(g["location"], g["paid by"], g["POS"], g["BigCommerce"]) for g in groups] == [
        ("north", "card", "10.80", "10.80"),
        ("not told", "cash", "10.80", "10.80"),
    ]
    by_card = shop.run("audit", *DAY, "--by", "card", "--json").json["main"]["groups"]
    assert [one["paid by"] for one in by_card] == ["Visa 4242", "Cash"]
    assert "difference 0.00 USD" in shop.run("audit", *DAY).out


def test_each_of_ten_planted_differences_is_found_and_nothing_else(shop: Shop) -> None:
    names = ["ok", "total", "tax", "cancelled", "archived", "doubled", "voided", "refunded", "skipped", "ok2"]
    till(shop, *(sale(sale_id=name) for name in names))
    numbers = {order["external_order_id"][5:]: order["id"] for order in shop.store.orders()}
    api = f"{shop.store.url}/stores/{shop.store.store_hash}/v2/orders"
    head = {"X-Auth-Token": shop.store.token}
    put(shop.store, numbers["total"], {"total_inc_tax": "11.8000", "total_ex_tax": "11.0000"})  # 1
    put(shop.store, numbers["tax"], {"total_inc_tax": "10.8000", "total_ex_tax": "9.9000"})  # 2
    put(shop.store, numbers["cancelled"], {"status_id": 5})  # 3
    requests.delete(f"{api}/{numbers['archived']}", headers=head, timeout=10).raise_for_status()  # 4
    again = {
        "external_order_id": "till:doubled", "date_created": "Fri, 20 Nov 2026 16:15:00 +0000",
        "billing_address": {"first_name": "A", "zip": "78701", "country_iso2": "US"}, "status_id": 10,
        "products": [{"name": "Mug", "quantity": 1, "price_inc_tax": 10.8, "price_ex_tax": 10}],
    }  # fmt: skip
    requests.post(api, json=again, headers=head, timeout=10).raise_for_status()  # 5
    stranger = again | {"external_order_id": "till:stranger"}
    requests.post(api, json=stranger, headers=head, timeout=10).raise_for_status()  # 6
    till(shop, sale(sale_id="voided", status="voided"), sale(sale_id="refunded", status="refunded"))
    put(shop.store, numbers["voided"], {"status_id": 10})  # 7
    put(shop.store, numbers["refunded"], {"status_id": 10})  # 8
    till(shop, sale(sale_id="held", total_inc_tax="99.00"))  # 9: it does not add up
    shop.store.control("faults", {"faults": [{"kind": "5xx_before", "method": "POST"}]})
    till(shop, sale(sale_id="unknown"))  # 10
    done = shop.run("audit", *DAY, "--json", "--csv", str(shop.folder / "books.csv"))
    assert done.code == 1
    causes = {one["sale"][5:]: one["cause"] for one in done.json["main"]["differences"]}
    expected = {
        "total": "the totals differ", "tax": "the taxes differ", "cancelled": "is cancelled in BigCommerce",
        "archived": "was archived", "doubled": "a second order", "stranger": "the ledger does not know",
        "voided": "voided in the POS, and its order stands", "refunded": "status does not say so",
        "held": "it is held", "unknown": "it is unknown",
    }  # fmt: skip
    assert causes.keys() == expected.keys()
    assert len(done.json["main"]["differences"]) == len(expected)
    for name, words in expected.items():
        assert words in causes[name], (name, causes[name])
    rows = (shop.folder / "books.csv").read_text().splitlines()
    assert sum(row.startswith("difference,") for row in rows) == len(expected)


def test_records_that_were_never_read_are_told_and_are_no_agreement(shop: Shop) -> None:
    till(shop, sale(sale_id="a"))
    shop.drop("torn.jsonl", '{"source":"till","sale_id":"torn"}\n')
    shop.run("sync")
    done = shop.run("audit", *DAY)
    assert (done.code, "1 record of till could not be read: their amounts are in no sum" in done.out) == (1, True)
    assert shop.run("audit", *DAY, "--json").json["main"]["unread"] == {"till": 1}
    shop.run("faults", "--settle", "--yes")
    assert shop.run("audit", *DAY).code == 0


def test_every_row_of_the_csv_has_its_columns(shop: Shop) -> None:
    till(shop, sale(sale_id="a"), sale(sale_id="held", total_inc_tax="99.00"))
    shop.run("audit", *DAY, "--csv", str(shop.folder / "books.csv"))
    rows = list(csv.reader((shop.folder / "books.csv").read_text().splitlines()))
    assert {len(row) for row in rows} == {len(rows[0])}
    assert [row[0] for row in rows[1:]] == ["total", "not in BigCommerce", "difference"]


def test_days_that_are_none_are_refused(shop: Shop) -> None:
    assert shop.run("audit", "--from", "yesterday", "--to", "2026-11-20").code == 2
    assert shop.run("audit", "--from", "2026-11-21", "--to", "2026-11-20").code == 2


MUG_BACK = {
    "line_id": "1",
    "sku": "MUG-1",
    "name": "Mug",
    "quantity": "-1",
    "total_ex_tax": "-5.00",
    "total_inc_tax": "-5.40",
}


@pytest.mark.parametrize("mode", ["status", "record"])
def test_refunds_and_returns_of_the_pos_are_no_difference_and_those_that_staff_made_are(shop: Shop, mode: str) -> None:
    shop.configure(SOURCE, f'refunds = "{mode}"\n')
    till(shop, *(sale(sale_id=name) for name in ("ok", "refunded", "returned", "by hand", "both")))
    part = {"status": "partially_refunded", "refunds": [{"id": "r1", "amount_inc_tax": "4.00"}]}
    back = sale(sale_id="back", returns_of="till:returned", lines=[MUG_BACK], total_inc_tax="-5.40", total_tax="-0.40")
    till(shop, sale(sale_id="refunded", **part), sale(sale_id="both", **part), back)
    assert shop.run("audit", *DAY, "--json").json["main"]["differences"] == []
    numbers = {order["external_order_id"][5:]: order["id"] for order in shop.store.orders()}
    for name in ("by hand", "both"):
        refund_by_hand(shop, numbers[name], 3.0)
    found = shop.run("audit", *DAY, "--json").json["main"]["differences"]
    own = {"record": "7.00", "status": "3.00"}[mode]
    assert {(one["sale"][5:], one["bigcommerce"], one["cause"]) for one in found} == {
        ("by hand", "refunded 3.00 USD", "the POS refunded 0.00 USD"),
        ("both", f"refunded {own} USD", "the POS refunded 4.00 USD"),
    }
    assert {order["refunded_amount"] for order in shop.store.orders()} == {"0.0000"}  # nobody can go by that


def test_books_agree_where_the_store_has_no_list_of_all_refunds(shop: Shop) -> None:
    shop.configure(SOURCE, 'refunds = "record"\n')
    till(shop, sale(sale_id="a"))
    till(shop, sale(sale_id="a", status="partially_refunded", refunds=[{"id": "r1", "amount_inc_tax": "4.00"}]))
    shop.store.control("ways", {"refund_list": "missing"})
    done = shop.run("audit", *DAY, "--json")
    assert done.json["main"]["differences"] == [], done.err


def refund_by_hand(shop: Shop, number: int, amount: float) -> None:
    """As staff do in the control panel."""
    body = {
        "items": [{"item_type": "ORDER", "item_id": number, "amount": amount}],
        "payments": [{"provider_id": "custom", "amount": amount, "offline": True}],
    }
    url = f"{shop.store.url}/stores/{shop.store.store_hash}/v3/orders/{number}/payment_actions/refunds"
    requests.post(url, json=body, headers={"X-Auth-Token": shop.store.token}, timeout=10).raise_for_status()


def test_all_refunds_are_read_however_few_a_page_holds(shop: Shop) -> None:
    shop.configure(SOURCE, 'refunds = "record"\n')
    names = [f"s{number}" for number in range(7)]
    till(shop, *(sale(sale_id=name) for name in names))
    part = {"status": "partially_refunded", "refunds": [{"id": "r1", "amount_inc_tax": "4.00"}]}
    till(shop, *(sale(sale_id=name, **part) for name in names))
    shop.store.control("ways", {"page_most": 3})
    assert shop.run("audit", *DAY, "--json").json["main"]["differences"] == []
