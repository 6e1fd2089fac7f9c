"""The rules of the config in a real pass: customers, aliases, skip rules, hooks; what the shop sees when one is broken."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncd.canonical import CanonicalOrder
from syncd.testing.orders import sale
from tests.flows.test_after_push import SOURCE, order_of, put, till
from tests.service.daemons import daemon, part, until
from tests.shop import Shop, running_sandbox

ADA = {"first_name": "Ada", "last_name": "Buyer", "email": "Ada@Example.com", "phone": "+1 512 555 0100"}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with running_sandbox() as (_, store):
        (tmp_path / "inbox").mkdir()
        made = Shop(tmp_path, store)
        made.configure(SOURCE)
        yield made


def customers(shop: Shop) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.store.get("/v3/customers")["data"]
    return found


@pytest.mark.parametrize("fault", [None, "drop_after_commit", "drop_before_commit", "5xx_after"])
def test_customers_that_the_store_lacks_are_made_once(shop: Shop, fault: str | None) -> None:
    shop.configure(SOURCE, 'customers = "create"\n')
    if fault:
        shop.store.control(
            "faults", {"faults": [{"kind": fault, "times": 1, "path": "v3/customers", "method": "POST"}]}
        )
    bob = {"first_name": "Bob", "last_name": "B", "email": "bob@example.com"}
    sales = [
        sale(sale_id=name, customer=who)
        for name, who in (("a", ADA), ("b", ADA), ("c", bob), ("d", {"first_name": "No mail"}))
    ]
    till(shop, *sales)
    shop.run("sync")
    assert sorted(one["email"] for one in customers(shop)) == ["ada@example.com", "bob@example.com"]
    ids = {one["email"]: one["id"] for one in customers(shop)}
    assert [order_of(shop, name)["customer_id"] for name in "abcd"] == [ids["ada@example.com"]] * 2 + [
        ids["bob@example.com"],
        0,
    ]


def test_customers_are_matched_by_email_else_by_a_phone_that_one_of_them_has(shop: Shop) -> None:
    shared = {"phone": "+1 512 555 0199"}
    people = [
        {"email": "x@example.com", "phone": "+1 512 555 0100"},
        {"email": "y@example.com", **shared},
        {"email": "z@example.com", **shared},
    ]
    shop.store.control("customers", {"emails": ["ada@example.com"], "customers": people})
    till(
        shop,
        sale(sale_id="a", customer=ADA),
        sale(sale_id="b", customer={"phone": "+1 512 555 0100"}),
        sale(sale_id="c", customer=shared),
    )
    assert [order_of(shop, name)["customer_id"] for name in "abc"] == [1, 2, 0]


def test_customers_are_made_in_their_group_and_for_the_channel_of_their_shop(shop: Shop) -> None:
    rules = 'customers = "create"\ncustomer_group_id = 4\n[stores.main.locations.north]\nchannel_id = 2\n'
    shop.configure(SOURCE, rules)
    bob = {"first_name": "Bob", "last_name": "B", "email": "bob@example.com"}
    till(shop, sale(sale_id="a", customer=ADA), sale(sale_id="b", customer=bob, location={"id": "north"}))
    by_email = {one["email"]: one for one in customers(shop)}
    assert {one["customer_group_id"] for one in by_email.values()} == {4}
    assert "channel_ids" not in by_email["ada@example.com"]  # those of the default channel may sign in everywhere
    assert by_email["bob@example.com"]["channel_ids"] == [1, 2]


def test_a_gift_card_is_the_catalogs_product_where_the_config_names_one(shop: Shop) -> None:
    shop.configure(SOURCE, 'gift_card_sku = "GC"\n')
    shop.store.control("catalog", {"products": [{"sku": "GC", "name": "Gift card", "price": 1.0}]})
    card = {"line_id": "1", "kind": "gift_card", "name": "Gift card 25", "gift_card": "603628385592"}
    till(shop, sale(sale_id="a", lines=[card | {"total_ex_tax": "10.80", "total_inc_tax": "10.80"}], total_tax="0"))
    (line,) = shop.store.get(f"/v2/orders/{order_of(shop, 'a')['id']}/products")
    assert (line["sku"], bool(line["product_id"]), line["price_inc_tax"]) == ("GC", True, "10.8000")


def test_orders_say_what_is_still_to_be_done_and_how_by_fulfilment_and_by_location(shop: Shop) -> None:
    rules = (
        "status_by_fulfilment = { ship = 11, pickup = 8 }\npickup_method_id = 1\n"
        '[stores.main.locations.north]\nshipping_method = "Counter, North"\npickup_method_id = 2\n'
        "[stores.main.locations.south.status]\ncompleted = 2\n"
    )
    shop.configure(SOURCE, rules)
    home = {"first_name": "A", "street_1": "2 Side", "city": "Austin", "state": "TX", "zip": "78702", "country": "US"}
    north, south = {"id": "north"}, {"id": "south"}
    till(
        shop,
        sale(sale_id="shop"),
        sale(sale_id="ship", fulfilment="ship", shipping=home),
        sale(sale_id="fetch", fulfilment="pickup"),
        sale(sale_id="north", location=north),
        sale(sale_id="north fetch", location=north, fulfilment="pickup"),
        sale(sale_id="south", location=south, fulfilment="ship", shipping=home),
    )
    names = ("shop", "ship", "fetch", "north", "north fetch", "south")
    assert [order_of(shop, name)["status_id"] for name in names] == [10, 11, 8, 10, 8, 2]
    (address,) = shop.store.get(f"/v2/orders/{order_of(shop, 'north')['id']}/shipping_addresses")
    assert address["shipping_method"] == "Counter, North"
    pickups = [
        shop.store.get(f"/v2/orders/{order_of(shop, name)['id']}/consignments")["pickups"][0]["pickup_method_id"]
        for name in ("fetch", "north fetch")
    ]
    assert pickups == [1, 2]
    done = shop.run("audit", "--from", "2026-11-20", "--to", "2026-11-20", "--json")
    assert done.json["main"]["differences"] == []


def test_the_note_is_the_customers_where_the_config_says_so_and_the_order_is_in_their_language(shop: Shop) -> None:
    shop.configure(SOURCE, 'note_for = "customer"\ncustomer_locale = "es-419"\n')
    till(shop, sale(sale_id="a", note="Gift wrapped", version="1"))
    order = order_of(shop, "a")
    assert (order["customer_message"], order["customer_locale"]) == ("Gift wrapped", "es-419")
    assert "Gift wrapped" not in order["staff_notes"]
    till(shop, sale(sale_id="a", note="Gift wrapped twice", version="2"))
    assert order_of(shop, "a")["customer_message"] == "Gift wrapped twice"
    put(shop.store, order["id"], {"customer_message": "ours"})
    till(shop, sale(sale_id="a", note="Gift wrapped thrice", version="3"))
    assert order_of(shop, "a")["customer_message"] == "ours"
    assert "the note to the customer is another one" in shop.run("sale", "till:a").out


def facts_there(shop: Shop, name: str) -> dict[str, str]:
    rows = shop.store.get(f"/v3/orders/{order_of(shop, name)['id']}/metafields?namespace=syncd")["data"]
    assert {row["permission_set"] for row in rows} <= {"read"}
    assert len(rows) == len({row["key"] for row in rows})
    return {row["key"]: row["value"] for row in rows}


def test_the_daemon_writes_the_poss_facts_too(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.configure(SOURCE, "metafields = true\n")
    with daemon(shop, monkeypatch) as app:
        until(lambda: part(app, "metafields main").last_ok is not None)
        shop.drop("sales.jsonl", "".join(sale(sale_id=f"a{n}", version="1").to_json() + "\n" for n in range(3)))
        until(lambda: len(shop.store.orders()) == 3)
        until(lambda: all(facts_there(shop, f"a{n}").get("receipt") == f"a{n}" for n in range(3)))


@pytest.mark.parametrize("fault", [None, "drop_after_commit", "drop_before_commit", "5xx_before", "5xx_after"])
def test_the_poss_facts_are_metafields_that_other_apps_can_read(shop: Shop, fault: str | None) -> None:
    shop.configure(SOURCE)
    till(shop, sale(sale_id="before"))
    shop.configure(SOURCE, "metafields = true\n")
    if fault:
        place = {"path": "v3/orders/metafields", "method": "POST"}
        shop.store.control("faults", {"faults": [{"kind": fault, "times": 1, **place}]})
    here: dict[str, Any] = {
        "location": {"id": "7", "name": "North"},
        "register": {"id": "2"},
        "cashier": {"id": "9", "name": "Zoe"},
    }
    shop.run("sync")
    till(shop, sale(sale_id="a", version="1", business_day="2026-11-19", **here))
    for _ in range(3):
        shop.run("sync")
    said = facts_there(shop, "a")
    assert json.loads(said.pop("tenders")) == [{"kind": "cash", "label": "Cash", "amount": "10.80", "currency": "USD"}]
    assert said == {
        "source": "till",
        "sale": "till:a",
        "receipt": "a",
        "location": "North",
        "register": "2",
        "cashier": "Zoe",
        "business_day": "2026-11-19",
    }
    till(
        shop,
        sale(sale_id="a", version="2", business_day="2026-11-19", **here | {"cashier": {"id": "3", "name": "Max"}}),
    )
    shop.run("sync")
    assert facts_there(shop, "a")["cashier"] == "Max"
    rows = shop.store.get(f"/v3/orders/{order_of(shop, 'before')['id']}/metafields")["data"]
    assert rows == []  # pushed before anybody wanted them


def test_aliases_are_read_anew_when_the_file_changes_and_a_missing_file_is_said_at_once(shop: Shop) -> None:
    line = {"line_id": "1", "name": "Mug", "sku": "400638", "total_ex_tax": "10.00", "total_inc_tax": "10.80"}
    (shop.folder / "aliases.csv").write_text("# till,catalog\n400638,MUG-1\n")
    shop.configure(SOURCE, 'aliases = "aliases.csv"\n')
    till(shop, sale(sale_id="a", lines=[line]))
    product = shop.store.get(f"/v2/orders/{order_of(shop, 'a')['id']}/products")[0]["product_id"]
    assert product > 0
    (shop.folder / "aliases.csv").write_text("400638\n")
    assert "no alias" in shop.run("sync").err
    (shop.folder / "aliases.csv").unlink()
    assert shop.run("check").code == 2
    done = till(shop, sale(sale_id="b", lines=[line]))
    assert done.code == 2
    assert "aliases.csv cannot be read" in done.err


def test_a_hook_and_a_skip_rule_do_what_the_shop_says(shop: Shop) -> None:
    (shop.folder / "our_rules.py").write_text(
        "def change(order):\n    if order.sale_id == 'bad':\n        raise KeyError('oops')\n"
        "    return order.model_copy(update={'note': 'by our own rule'})\n"
    )
    rules = 'hook = "our_rules:change"\n[[stores.main.skip]]\nwhy = "staff meals"\ntender = "Staff"\n'
    shop.configure(SOURCE, rules)
    meal = [{"kind": "on_account", "label": "Staff", "amount": "10.80"}]
    done = till(shop, sale(sale_id="a"), sale(sale_id="meal", tenders=meal), sale(sale_id="bad"))
    assert done.json["sales"] == {"synced": 1, "skipped": 1, "held": 1}
    assert "by our own rule" in order_of(shop, "a")["staff_notes"]
    assert "staff meals" in shop.run("sale", "till:meal").out
    assert "the hook fails on this sale" in shop.run("sale", "till:bad", "--json").out
    path = shop.drop("more.jsonl", sale(sale_id="b", source="till").to_json() + "\n", inbox="elsewhere")
    assert "by our own rule" in shop.run("preview", str(path), "--json").out
    shop.configure(SOURCE, 'hook = "our_rules:nothing"\n')
    assert shop.run("check").code == 2


def test_a_history_backfill_is_marked_and_moves_no_stock(shop: Shop) -> None:
    line = {"line_id": "1", "name": "Mug", "sku": "MUG-1", "total_ex_tax": "10.00", "total_inc_tax": "10.80"}
    (shop.folder / "inbox" / "processed").mkdir()
    (shop.folder / "inbox" / "processed" / "old.jsonl").write_text(sale(sale_id="old", lines=[line]).to_json())
    day = ("--from", "2026-11-20", "--to", "2026-11-20")
    assert shop.run("backfill", "--source", "till", *day, "--history").code == 0
    order = order_of(shop, "old")
    assert order["external_source"] == "M-MIG"
    assert shop.store.get(f"/v2/orders/{order['id']}/products")[0]["product_id"] == 0


def test_one_sale_under_two_ids_is_held_until_a_person_says_that_both_were_sold(shop: Shop) -> None:
    till(shop, sale(sale_id="41"), sale(sale_id="42", number="41"), sale(sale_id="43", number="43"))
    status = shop.run("sales", "--state", "held", "--json").json
    assert [(row["sale"], row["why"][:29]) for row in status] == [("till:42", "possible duplicate of till:41")]
    assert sorted(order["external_order_id"] for order in shop.store.orders()) == ["till:41", "till:43"]
    shop.run("release", "till:42")
    shop.run("sync")
    assert len(shop.store.orders()) == 3
    shop.configure(SOURCE, 'twins = "push"\n')
    till(shop, sale(sale_id="44", number="43"))
    assert len(shop.store.orders()) == 4


def test_a_customer_who_was_deleted_is_looked_for_once_more_and_the_sale_goes_out_as_a_guests(shop: Shop) -> None:
    shop.store.control("customers", {"emails": ["ada@example.com"]})
    till(shop, sale(sale_id="a", customer=ADA))
    assert order_of(shop, "a")["customer_id"] == 1
    shop.store.control("customers", {"emails": []})
    till(shop, sale(sale_id="b", customer=ADA), sale(sale_id="c"))
    assert [order_of(shop, name)["customer_id"] for name in "bc"] == [0, 0]
    assert order_of(shop, "b")["billing_address"]["email"] == "Ada@example.com"


def test_tips_stand_in_the_note_alone_where_the_config_says_so(shop: Shop) -> None:
    shop.configure(SOURCE, 'tips = "note"\n')
    tip = {"kind": "tip", "name": "Tip", "total_ex_tax": "2.00", "total_inc_tax": "2.00"}
    card = {"kind": "card", "label": "Card", "amount": "12.80", "tip": "2.00"}
    tipped = sale(sale_id="a", fees=[tip], tenders=[card], total_inc_tax="12.80")
    path = shop.drop("a.jsonl", tipped.to_json() + "\n", inbox="elsewhere")
    assert "tips: in the staff note alone" in shop.run("preview", str(path)).out
    done = till(shop, tipped, sale(sale_id="b"))
    assert done.json["sales"] == {"synced": 2}
    order = order_of(shop, "a")
    assert (order["total_inc_tax"], order["total_tax"]) == ("10.8000", "0.8000")
    assert "Tip 2.00 USD, which is not part of this order" in order["staff_notes"]
    assert "Paid 12.80 USD by Card, of which tip 2.00 USD" in order["staff_notes"]
    books = shop.run("audit", "--from", "2026-11-20", "--to", "2026-11-20")
    assert books.code == 0
    assert "main: POS 23.60 USD, BigCommerce 21.60 USD, left out 2.00 USD, difference 0.00 USD" in books.out
    refunded = {"id": "r1", "at": "2026-11-20T11:00:00-06:00", "amount_inc_tax": "12.80", "tip": "2.00"}
    back = {"status": "refunded", "version": "2", "refunds": [refunded]}
    till(shop, CanonicalOrder.model_validate(tipped.model_dump() | back))
    assert order_of(shop, "a")["status_id"] == 4
    books = shop.run("audit", "--from", "2026-11-20", "--to", "2026-11-20")
    assert "main: POS 10.80 USD, BigCommerce 10.80 USD, difference 0.00 USD" in books.out
