"""``syncd orders`` against the sandbox: what it shows, what it changes, what it refuses, what the ledger learns of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from syncd.testing.orders import sale
from tests.flows.test_after_push import till
from tests.shop import Shop, Store, running_sandbox

SOURCE = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n'
OTHER = {
    "billing_address": {"first_name": "Web", "last_name": "Shop", "zip": "10115", "country_iso2": "DE"},
    "products": [{"name": "Poster", "quantity": 1, "price_inc_tax": 5, "price_ex_tax": 5}],
}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with running_sandbox() as (_, store):
        (tmp_path / "inbox").mkdir()
        made = Shop(tmp_path, store)
        made.configure(SOURCE)
        for sale_id in ("a", "b"):  # one at a time: sales of one pass are pushed side by side, in no order
            till(made, sale(sale_id=sale_id))
        url = f"{store.url}/stores/{store.store_hash}/v2/orders"
        requests.post(url, json=OTHER, headers={"X-Auth-Token": store.token}, timeout=10).raise_for_status()
        yield made


def archived(store: Store) -> set[int]:
    return {order["id"] for order in store.get("/v2/orders?is_deleted=true")}


def test_show_has_everything_that_belongs_to_an_order(shop: Shop) -> None:
    whole = shop.run("orders", "show", "till:a", "--json").json
    assert whole["order"]["external_order_id"] == "till:a"
    assert [line["name"] for line in whole["products"]] == ["Mug", "Coffee beans"]
    parts = (
        "shipping_addresses",
        "coupons",
        "taxes",
        "shipments",
        "messages",
        "fees",
        "consignments",
        "refunds",
        "transactions",
    )
    assert set(parts) < whole.keys()
    assert "Coffee beans" in shop.run("orders", "show", str(whole["order"]["id"])).out
    assert shop.run("orders", "show", "999").code == 2


def test_list_takes_the_remotes_filters(shop: Shop) -> None:
    def found(*words: str) -> list[str]:
        return [order["external_order_id"] for order in shop.run("orders", "list", "--json", *words).json]

    assert found() == ["", "till:b", "till:a"]
    assert found("--key", "till:a") == ["till:a"]
    assert found("--min-total", "6", "--limit", "1") == ["till:b"]
    assert found("--status", "1") == [""]
    assert found("--archived") == []
    assert "till:b" in shop.run("orders", "list").out


def test_update_changes_ours_and_the_sales_story_tells_of_it(shop: Shop) -> None:
    assert "would change" in shop.run("orders", "update", "till:a", "--status", "11", "--dry-run").out
    assert shop.run("orders", "show", "till:a", "--json").json["order"]["status_id"] == 10
    assert shop.run("orders", "update", "till:a", "--status", "11", "--set", "customer_message=Thanks").code == 0
    after = shop.run("orders", "show", "till:a", "--json").json["order"]
    assert (after["status_id"], after["customer_message"]) == (11, "Thanks")
    assert "changed by hand: customer_message, status_id" in shop.run("sale", "till:a", "--json").out
    assert shop.run("orders", "update", "till:a", "--status", "77").code == 3
    assert shop.run("orders", "update", "till:a").code == 2
    assert "did not make" in shop.run("orders", "update", "103", "--status", "11").err
    assert shop.run("orders", "update", "103", "--status", "11", "--any").code == 0


def test_archive_takes_ours_alone_unless_told_otherwise(shop: Shop) -> None:
    assert shop.run("orders", "archive", "101", "103", "--yes").code == 2
    assert archived(shop.store) == set()
    assert shop.run("orders", "archive", "101", "--yes").code == 0
    assert archived(shop.store) == {101}
    assert "archived by hand" in shop.run("sale", "till:a", "--json").out


def test_archive_all_wants_the_store_hash_and_takes_ours_alone(shop: Shop) -> None:
    assert ": 2" in shop.run("orders", "archive-all", "--dry-run").out
    assert ": 3" in shop.run("orders", "archive-all", "--dry-run", "--any").out
    assert shop.run("orders", "archive-all", "--confirm", "yes").code == 2
    assert archived(shop.store) == set()
    assert shop.run("orders", "archive-all", "--confirm", "sandbox").code == 0
    assert archived(shop.store) == {101, 102}
    assert shop.run("orders", "archive-all", "--any", "--confirm", "sandbox").code == 0
    assert archived(shop.store) == {101, 102, 103}


def test_statuses_are_the_stores_own(shop: Shop) -> None:
    assert "Awaiting Fulfillment" in shop.run("orders", "statuses").out


def test_check_says_what_an_order_does_to_stock_and_which_mails_go_out(shop: Shop) -> None:
    said = shop.run("check", "--json").out
    assert "lower BigCommerce's stock at once" in said
    assert "the invoice" in said
    shop.store.control("settings", {"inventory": {"update_stock_behavior": "order_completed_or_shipped"}})
    assert "Completed or Shipped" in shop.run("check", "--json").out
    shop.configure(SOURCE, 'stock = "elsewhere"\n')
    none = dict.fromkeys(
        ("invoice_email", "combined_order_status_email", "gift_certificate_email", "order_message_notification_email"),
        False,
    )
    shop.store.control("settings", {"mails": none})
    said = shop.run("check", "--json").out
    assert "moves no stock" in said
    assert "sends no mail" in said


def test_check_says_who_else_hears_of_a_pushed_order_and_what_it_counts_for(shop: Shop) -> None:
    quiet = shop.run("check", "--json").out
    assert "billed by" in quiet
    for words in ("filed twice", "notice of each", "default location alone"):
        assert words not in quiet
    mails = {"notifications": {"order_placed": {"email_addresses": ["a@example.com", "b@example.com"]}}}
    places = [{"id": number, "code": f"L{number}", "label": f"Shop {number}", "enabled": True} for number in (1, 2)]
    taxes = {"provider_id": "AvaTaxProvider", "document_submission_strategy": "ON_ORDER_CREATION"}
    shop.store.control("settings", {"notifications": mails, "locations": places, "taxes": taxes})
    said = shop.run("check", "--json").out
    assert "a document for each order when it is made: tax of in-store sales may be filed twice" in said
    assert "a notice of each pushed order may go to 2 addresses of the shop" in said
    assert "the default location alone, of Shop 1, Shop 2" in said
    assert "a@example.com" not in said


def test_check_names_the_tax_class_for_charges_without_tax_and_a_channel_that_is_disconnected(shop: Shop) -> None:
    assert "fee_tax_class_id = 1 (Non-Taxable Products)" in shop.run("check", "--json").out
    shop.configure(SOURCE, "fee_tax_class_id = 1\n")
    assert "fees of tax class 1 (Non-Taxable Products)" in shop.run("check", "--json").out
    shop.configure(SOURCE, "fee_tax_class_id = 9\nchannel_id = 3\n")
    said = shop.run("check", "--json")
    assert said.code != 0
    assert "tax class 9 does not exist" in said.out
    assert "channel 3 (Old market) is disconnected" in said.out


VERBS = {
    "show": ("show", "{id}"),
    "list": ("list",),
    "update": ("update", "{id}", "--status", "11"),
    "archive": ("archive", "{id}", "--yes"),
    "archive-all": ("archive-all", "--confirm", "sandbox"),
    "statuses": ("statuses",),
}


@pytest.mark.parametrize("verb", ["show", "update", "archive"])
def test_an_order_that_does_not_exist_is_named_and_nothing_is_changed(shop: Shop, verb: str) -> None:
    for wrong in ("999", "till:nobody"):
        if verb == "archive" and not wrong.isdigit():
            continue
        done = shop.run("orders", *(word.format(id=wrong) for word in VERBS[verb]))
        assert done.code == 2, done.out + done.err
        assert wrong in done.err
    assert archived(shop.store) == set()


def test_an_archived_order_is_shown_and_may_be_archived_again(shop: Shop) -> None:
    assert shop.run("orders", "archive", "101", "--yes").code == 0
    assert shop.run("orders", "show", "till:a", "--json").json["order"]["is_deleted"] is True
    assert shop.run("orders", "archive", "101", "--yes").code == 0
    assert [order["id"] for order in shop.run("orders", "list", "--archived", "--json").json] == [101]
    assert shop.run("orders", "archive-all", "--confirm", "sandbox").code == 0
    assert archived(shop.store) == {101, 102}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_says_that_the_store_cannot_be_reached(shop: Shop, verb: str) -> None:
    shop.store.control("faults", {"faults": [{"kind": "5xx_before", "status": 503}]})
    done = shop.run("orders", *(word.format(id="101") for word in VERBS[verb]))
    assert done.code == 3, done.out + done.err
    assert "503" in done.err
    assert "Traceback" not in done.err
    shop.store.control("faults", {"faults": []})
    assert archived(shop.store) == set()
