"""What happens to an order after its first push, through the real command against the sandbox."""

from decimal import Decimal
from typing import Any

import pytest
import requests

from syncd.canonical.kinds import SaleStatus
from syncd.testing.orders import sale
from tests.shop import Done, Shop, Store, pass_until_settled

SOURCE = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n'
TIP = {"kind": "tip", "name": "Tip", "total_ex_tax": "2.00", "total_inc_tax": "2.00"}
MUG = {"line_id": "1", "name": "Mug", "sku": "M", "quantity": "2", "total_ex_tax": "10.00", "total_inc_tax": "10.80"}


def till(shop: Shop, *sales: Any) -> Done:
    """The till exports these sales, and a pass carries them."""
    text = "".join(one.to_json() + "\n" for one in sales)
    shop.drop(f"sales{len(list(shop.folder.rglob('*.jsonl')))}.jsonl", text)
    return shop.run("sync", "--json")


def say(sale_id: str, **changes: Any) -> Any:
    return sale(source="till", sale_id=sale_id, lines=[MUG], **changes)


def order_of(shop: Shop, sale_id: str) -> dict[str, Any]:
    (found,) = [order for order in shop.store.orders() if order["external_order_id"] == f"till:{sale_id}"]
    return found


def put(store: Store, number: int, body: object) -> None:
    url = f"{store.url}/stores/{store.store_hash}/v2/orders/{number}"
    requests.put(url, json=body, headers={"X-Auth-Token": store.token}, timeout=10).raise_for_status()


def test_edits_after_the_push_change_the_order_and_nothing_else(shop: Shop) -> None:
    shop.configure(SOURCE, "fee_tax_class_id = 1\n")
    till(shop, say("tipped"), say("named"), say("fewer"), say("same"))
    before = order_of(shop, "same")
    posts = shop.store.stats()["requests"]["POST /v2/orders"]
    half = [MUG | {"quantity": "1", "total_ex_tax": "5.00", "total_inc_tax": "5.40"}]
    edited = [
        say("tipped", fees=[TIP], total_inc_tax="12.80"),
        say("named", customer={"first_name": "Ada", "last_name": "Buyer", "email": "ada@example.com"}),
        sale(source="till", sale_id="fewer", lines=half, total_inc_tax="5.40", total_tax="0.40"),
    ]
    done = till(shop, *edited)
    assert done.code == 0, done.out
    assert order_of(shop, "tipped")["total_inc_tax"] == "12.8000"
    assert [fee["display_name_customer"] for fee in order_of(shop, "tipped")["fees"]] == ["Tip"]
    assert order_of(shop, "named")["billing_address"]["email"] == "ada@example.com"
    fewer = order_of(shop, "fewer")
    assert (fewer["total_inc_tax"], fewer["total_tax"], fewer["items_total"]) == ("5.4000", "0.4000", 1)
    assert order_of(shop, "same") == before
    assert shop.store.stats()["requests"]["POST /v2/orders"] == posts
    assert shop.run("sync", "--json").json["stores"]["main"]["sent"] == 0


def test_a_void_cancels_and_taken_back_completes_again(shop: Shop) -> None:
    till(shop, say("a"))
    till(shop, say("a", status="voided", updated_at="2026-11-20T17:00:00Z"))
    assert order_of(shop, "a")["status_id"] == 5
    till(shop, say("a", updated_at="2026-11-20T17:05:00Z"))
    assert order_of(shop, "a")["status_id"] == 10


def test_a_void_archives_where_the_config_says_so(shop: Shop) -> None:
    shop.configure(SOURCE, 'void = "archive"\n')
    till(shop, say("a"))
    number = order_of(shop, "a")["id"]
    assert till(shop, say("a", status="voided", version="2")).code == 0
    assert shop.store.get(f"/v2/orders/{number}")["is_deleted"] is True
    till(shop, say("a", version="3"))
    assert "archived" in shop.run("sale", "till:a").out


REFUND = {"id": "r1", "amount_inc_tax": "5.40", "amount_tax": "0.40", "lines": []}
BY_LINE = REFUND | {"lines": [{"line_id": "1", "quantity": "1", "amount_inc_tax": "5.40"}]}


def test_a_refund_is_a_status_and_a_note(shop: Shop) -> None:
    till(shop, say("a"))
    till(shop, say("a", status="partially_refunded", refunds=[REFUND]))
    order = order_of(shop, "a")
    assert (order["status_id"], order["refunded_amount"]) == (14, "0.0000")
    assert "Refunded 5.40 USD" in order["staff_notes"]
    assert order["total_inc_tax"] == "10.8000"


@pytest.mark.parametrize("refund", [REFUND, BY_LINE])
def test_a_refund_becomes_one_record_where_the_config_says_so(shop: Shop, refund: dict[str, Any]) -> None:
    shop.configure(SOURCE, 'refunds = "record"\n')
    till(shop, say("a"))
    assert till(shop, say("a", status="partially_refunded", refunds=[refund])).code == 0
    number = order_of(shop, "a")["id"]
    again = {**BY_LINE, "id": "r2"}
    till(shop, say("a", status="refunded", refunds=[refund, again]))
    records = shop.store.get(f"/v3/orders/{number}/payment_actions/refunds")["data"]
    assert [record["total_amount"] for record in records] == [5.4, 5.4]
    assert [item["item_type"] for item in records[0]["items"]] == ["PRODUCT" if refund["lines"] else "ORDER"]
    assert order_of(shop, "a")["status_id"] == 4
    assert order_of(shop, "a")["refunded_amount"] == "0.0000"  # always, as the reference says
    assert shop.run("sync", "--json").json["stores"]["main"]["sent"] == 0


def test_no_record_ever_gives_back_more_than_was_paid(shop: Shop) -> None:
    shop.configure(SOURCE, 'refunds = "record"\n')
    till(shop, say("a"))
    refunds = [REFUND, REFUND | {"id": "r2"}, REFUND | {"id": "r3"}]
    till(shop, say("a", status="refunded", refunds=refunds))
    assert pass_until_settled(shop) == {"held": 1}
    number = order_of(shop, "a")["id"]
    records = shop.store.get(f"/v3/orders/{number}/payment_actions/refunds")["data"]
    assert [record["total_amount"] for record in records] == [5.4, 5.4]
    assert "more than the 0" in shop.run("sale", "till:a").out


@pytest.mark.parametrize("fault", ["drop_after_commit", "drop_before_commit"])
def test_a_refund_record_whose_answer_was_lost_is_looked_for_and_made_once(shop: Shop, fault: str) -> None:
    shop.configure(SOURCE, 'refunds = "record"\n')
    till(shop, say("a"))
    shop.store.control(
        "faults", {"faults": [{"kind": fault, "times": 1, "path": "payment_actions/refunds", "method": "POST"}]}
    )
    till(shop, say("a", status="partially_refunded", refunds=[REFUND]))
    number = order_of(shop, "a")["id"]
    records = _settled_records(shop, number)
    assert [record["total_amount"] for record in records] == [5.4]


def _settled_records(shop: Shop, number: int) -> list[dict[str, Any]]:
    assert pass_until_settled(shop) == {"synced": 1}
    found: list[dict[str, Any]] = shop.store.get(f"/v3/orders/{number}/payment_actions/refunds")["data"]
    return found


def test_a_return_of_its_own_shows_on_the_order_of_the_sale_that_it_belongs_to(shop: Shop) -> None:
    back = MUG | {"quantity": "-1", "total_ex_tax": "-5.00", "total_inc_tax": "-5.40"}
    given = {"source": "till", "lines": [back], "returns_of": "till:a", "total_inc_tax": "-5.40", "total_tax": "-0.40"}
    till(shop, say("a"))
    till(shop, sale(sale_id="r1", **given), sale(sale_id="lost", **{**given, "returns_of": "till:gone"}))
    order = order_of(shop, "a")
    assert order["status_id"] == 14
    assert "till:r1" in order["staff_notes"]
    till(shop, sale(sale_id="r2", **given))
    assert order_of(shop, "a")["status_id"] == 4
    assert "does not know" in shop.run("sale", "till:lost").out
    assert len(shop.store.orders()) == 1


def test_what_staff_changed_survives_and_the_till_adds_to_it(shop: Shop) -> None:
    till(shop, say("a"), say("b"))
    a, b = order_of(shop, "a"), order_of(shop, "b")
    put(shop.store, a["id"], {"status_id": 11, "staff_notes": a["staff_notes"] + "\ncall Ada"})
    put(shop.store, b["id"], {"products": [{"id": 1, "quantity": 3}]})
    till(shop, say("a", note="gift wrap"), say("b", fees=[TIP], total_inc_tax="12.80"))
    after = order_of(shop, "a")
    assert after["status_id"] == 11
    assert "call Ada" in after["staff_notes"]
    assert "gift wrap" in after["staff_notes"]
    assert order_of(shop, "b")["total_inc_tax"] == "18.2000", "one mug more by staff, a tip by the till"
    fewer = [MUG | {"quantity": "1", "total_ex_tax": "5.00", "total_inc_tax": "5.40"}]
    edited = sale(source="till", sale_id="b", lines=fewer, fees=[TIP], total_inc_tax="7.40", total_tax="0.40")
    till(shop, edited)
    assert "a person changed the same in order" in shop.run("sale", "till:b").out
    shop.configure(SOURCE, 'staff_changes = "overwrite"\n')
    shop.run("release", "till:b")
    shop.run("sync")
    assert order_of(shop, "b")["total_inc_tax"] == "7.4000"
    assert shop.store.get(f"/v2/orders/{b['id']}/products")[0]["quantity"] == 1


CUP = {"line_id": "2", "name": "Cup", "quantity": "1", "total_ex_tax": "3.00", "total_inc_tax": "3.24"}
TRAY = {"line_id": "3", "sku": "TRAY", "name": "Tray", "quantity": "1", "total_ex_tax": "4.00", "total_inc_tax": "4.32"}
BY_STAFF: dict[str, tuple[Any, str]] = {
    "more of one": (lambda ids: [{"id": ids["Mug"], "quantity": 5}], "16.2000"),
    "another name": (lambda ids: [{"id": ids["Cup"], "name": "Cup, chipped", "quantity": 1}], "0.0000"),
    "another price": (lambda ids: [{"id": ids["Cup"], "price_ex_tax": 1.0, "price_inc_tax": 1.08}], "-2.1600"),
    "a line more": (lambda _: [{"name": "Gift", "quantity": 1, "price_ex_tax": 2, "price_inc_tax": 2.16}], "2.1600"),
    "a line less": (lambda ids: [{"id": ids["Cup"], "quantity": 0}], "-3.2400"),
}


@pytest.mark.parametrize("act", BY_STAFF)
@pytest.mark.parametrize("edit", ["more trays", "no tray", "a bag more"])
def test_a_staff_change_of_status_note_and_line_survives_an_edit_of_another_line(
    shop: Shop, act: str, edit: str
) -> None:
    before = [MUG, CUP, TRAY]
    bag = {"line_id": "4", "name": "Bag", "quantity": "1", "total_ex_tax": "1.00", "total_inc_tax": "1.08"}
    two = TRAY | {"quantity": "2", "total_ex_tax": "8.00", "total_inc_tax": "8.64"}
    after = {"more trays": [MUG, CUP, two], "no tray": [MUG, CUP], "a bag more": [*before, bag]}[edit]
    till(shop, whole("a", before))
    order = order_of(shop, "a")
    ids = {line["name"]: line["id"] for line in shop.store.get(f"/v2/orders/{order['id']}/products")}
    change, moved = BY_STAFF[act]
    put(shop.store, order["id"], {"products": change(ids)})
    put(shop.store, order["id"], {"status_id": 11, "staff_notes": order["staff_notes"] + "\ncall Ada"})
    theirs = [line for line in lines_of(shop, order["id"]) if line not in as_wired(before)]
    edited = whole("a", after)
    assert till(shop, edited).code == 0
    now = order_of(shop, "a")
    assert now["status_id"] == 11
    assert "call Ada" in now["staff_notes"]
    there = lines_of(shop, order["id"])
    assert [line for line in theirs if line not in there] == []
    ours = [line for line in as_wired(after) if line not in as_wired(before)]
    assert [line for line in ours if line not in there] == []
    assert Decimal(now["total_inc_tax"]) == edited.total_inc_tax + Decimal(moved)


def whole(sale_id: str, lines: list[dict[str, str]]) -> Any:
    inc_tax, ex_tax = (sum(Decimal(line[f"total_{side}_tax"]) for line in lines) for side in ("inc", "ex"))
    return sale(source="till", sale_id=sale_id, lines=lines, total_inc_tax=inc_tax, total_tax=inc_tax - ex_tax)


def as_wired(lines: list[dict[str, str]]) -> list[tuple[str, int, Decimal]]:
    return [
        (line["name"], int(line["quantity"]), Decimal(line["total_inc_tax"]) / int(line["quantity"])) for line in lines
    ]


def lines_of(shop: Shop, number: int) -> list[tuple[str, int, Decimal]]:
    found = shop.store.get(f"/v2/orders/{number}/products")
    return [(line["name"], line["quantity"], Decimal(line["price_inc_tax"])) for line in found]


def test_a_pick_up_is_changed_where_its_lines_are(shop: Shop) -> None:
    shop.configure(SOURCE, "pickup_method_id = 1\n")
    till(shop, say("a", fulfilment="pickup"))
    half = [MUG | {"quantity": "1", "total_ex_tax": "5.00", "total_inc_tax": "5.40"}]
    changed = sale(source="till", sale_id="a", lines=half, fulfilment="pickup", total_inc_tax="5.40", total_tax="0.40")
    assert till(shop, changed).code == 0
    assert order_of(shop, "a")["total_inc_tax"] == "5.4000"


GIVEN_BACK = [
    {"line_id": "1", "name": "Mug", "sku": "M", "quantity": "-2", "total_ex_tax": "-10.00", "total_inc_tax": "-10.80"},
    {
        "line_id": "2",
        "name": "Rope",
        "unit": "m",
        "quantity": "-0.35",
        "total_ex_tax": "-1.01",
        "total_inc_tax": "-1.09",
    },
]


@pytest.mark.parametrize("rule", ["hold", "negative_order"])
def test_goods_that_come_back_without_a_known_sale_are_held_or_make_an_order_of_negative_quantities(
    shop: Shop, rule: str
) -> None:
    shop.configure(SOURCE, f'unlinked_return = "{rule}"\n')
    back = sale(source="till", sale_id="back", lines=GIVEN_BACK, total_inc_tax="-11.89", total_tax="-0.88")
    till(shop, back)
    story = shop.run("sale", "till:back", "--json").json
    if rule == "hold":
        assert (story["state"], shop.store.orders()) == ("held", [])
        return
    assert story["state"] == "synced", story["why"]
    order = order_of(shop, "back")
    assert (order["total_inc_tax"], order["total_tax"], order["items_total"]) == ("-11.8900", "-0.8800", -3)
    assert all(line["product_id"] == 0 for line in shop.store.get(f"/v2/orders/{order['id']}/products"))
    till(shop, back.model_copy(update={"status": SaleStatus.VOIDED}))
    assert order_of(shop, "back")["status_id"] == 5
    assert shop.run("ledger", "verify").code == 0


def test_a_return_that_does_not_add_up_is_held_whatever_the_rule(shop: Shop) -> None:
    shop.configure(SOURCE, 'unlinked_return = "negative_order"\n')
    till(shop, sale(source="till", sale_id="back", lines=GIVEN_BACK, total_inc_tax="-20.00", total_tax="-0.88"))
    assert shop.run("sale", "till:back", "--json").json["state"] == "held"
    assert shop.store.orders() == []
