import json
import shutil
from typing import Any

import pytest

from syncd.testing.orders import sale
from tests.shop import Shop


def lines_of(count: int, **changes: Any) -> str:
    return "".join(sale(sale_id=f"s{number}", source="till", **changes).to_json() + "\n" for number in range(count))


def test_every_sale_in_the_file_becomes_one_order_with_its_total(shop: Shop) -> None:
    shop.drop("sales.jsonl", lines_of(30))
    done = shop.run("sync", "--json")
    assert done.code == 0, done.err
    assert done.json["sources"]["till"]["new"] == 30
    assert done.json["stores"]["main"]["synced"] == 30
    orders = shop.store.orders()
    assert sorted(order["external_order_id"] for order in orders) == sorted(f"till:s{number}" for number in range(30))
    assert {float(order["total_inc_tax"]) for order in orders} == {float(sale().total_inc_tax)}


def test_a_second_sync_creates_nothing(shop: Shop) -> None:
    shop.drop("sales.jsonl", lines_of(5))
    shop.run("sync")
    again = shop.run("sync", "--json")
    assert again.json["stores"]["main"]["sent"] == 0
    assert len(shop.store.orders()) == 5


def test_the_same_file_under_another_name_creates_nothing(shop: Shop) -> None:
    shop.drop("sales.jsonl", lines_of(5))
    shop.run("sync")
    shop.drop("copy-of-sales.jsonl", lines_of(5))
    again = shop.run("sync", "--json")
    assert again.json["sources"]["till"]["same"] == 5
    assert len(shop.store.orders()) == 5


def test_a_longer_copy_creates_only_what_is_new(shop: Shop) -> None:
    shop.drop("sales.jsonl", lines_of(5))
    shop.run("sync")
    shop.drop("sales.jsonl", lines_of(8))
    shop.run("sync")
    assert len(shop.store.orders()) == 8


def test_yesterdays_ledger_creates_no_second_order(shop: Shop) -> None:
    shop.drop("sales.jsonl", lines_of(3))
    shop.run("sync")
    for file in shop.folder.glob("ledger.db*"):
        shutil.copy(file, shop.folder / f"yesterday-{file.name}")
    shop.drop("more.jsonl", lines_of(9))
    shop.run("sync")
    for file in shop.folder.glob("ledger.db*"):
        file.unlink()
    for file in shop.folder.glob("yesterday-ledger.db*"):
        file.rename(shop.folder / file.name.removeprefix("yesterday-"))
    shop.drop("again.jsonl", lines_of(9))
    shop.run("sync")
    keys = [order["external_order_id"] for order in shop.store.orders()]
    assert sorted(keys) == sorted(set(keys))
    assert len(keys) == 9


def test_a_sale_voided_after_the_push_is_cancelled(shop: Shop) -> None:
    shop.drop("sales.jsonl", lines_of(1))
    shop.run("sync")
    shop.drop("void.jsonl", lines_of(1, status="voided"))
    shop.run("sync")
    (order,) = shop.store.orders()
    assert order["status_id"] == 5


def test_a_story_as_json_tells_each_fact_that_an_edit_changed(shop: Shop) -> None:
    shop.drop("sales.jsonl", lines_of(1))
    shop.run("sync")
    shop.drop("edit.jsonl", lines_of(1, version="2", note="to be wrapped"))
    shop.run("sync")
    (edit,) = (row for row in shop.run("sale", "till:s0", "--json").json["audit"] if row["changes"])
    assert edit["changes"] == [{"what": "Note", "before": "", "after": "to be wrapped"}]


def test_a_sale_that_does_not_add_up_is_held_and_the_rest_go_on(shop: Shop) -> None:
    wrong = json.loads(sale(sale_id="wrong", source="till").to_json()) | {"total_inc_tax": "99.99"}
    shop.drop("sales.jsonl", lines_of(2) + json.dumps(wrong) + "\n")
    done = shop.run("sync", "--json")
    assert done.code == 1
    assert done.json["sales"] == {"held": 1, "synced": 2}
    held = shop.run("sales", "--state", "held", "--json").json
    assert held[0]["sale"] == "till:wrong"
    assert "99.99" in held[0]["why"]


def test_limit_sends_no_more_than_it_says(shop: Shop) -> None:
    shop.drop("sales.jsonl", lines_of(5))
    assert shop.run("sync", "--limit", "1", "--json").json["stores"]["main"]["sent"] == 1
    assert len(shop.store.orders()) == 1


def test_a_refused_token_pauses_the_store_and_loses_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.drop("sales.jsonl", lines_of(3))
    good = shop.config.read_text()
    good = good.replace('probe_gap = "200ms"', 'probe_gap = "1ms"')
    shop.config.write_text(good.replace("FLOW_TOKEN", "WRONG_TOKEN"))
    monkeypatch.setenv("WRONG_TOKEN", "revoked-token")
    done = shop.run("sync")
    assert done.code == 3
    assert "token" in done.out
    shop.config.write_text(good)
    assert shop.run("status").code == 3
    assert shop.run("sync").code == 0
    assert len(shop.store.orders()) == 3


def test_answers_dropped_after_the_commit_are_settled_by_look_up(shop: Shop) -> None:
    shop.store.control(
        "faults", {"seed": 3, "faults": [{"kind": "drop_after_commit", "probability": 0.3, "method": "POST"}]}
    )
    shop.drop("sales.jsonl", lines_of(40))
    for _ in range(8):
        done = shop.run("sync", "--json")
        if done.json["sales"].get("synced") == 40:
            break
    keys = [order["external_order_id"] for order in shop.store.orders()]
    assert len(keys) == len(set(keys)) == 40


def test_one_sales_story_is_told(shop: Shop) -> None:
    shop.drop("sales.jsonl", lines_of(1))
    shop.run("sync")
    story = shop.run("sale", "till:s0", "--json").json
    assert story["state"] == "synced"
    assert [row["after"] for row in story["audit"]] == ["pending"]  # nothing happened to it but what its attempt says
    assert story["attempts"][0]["outcome"] == "accepted"
    assert "till:s0" in shop.run("sale", "till:s0").out


def test_people_can_skip_and_release(shop: Shop) -> None:
    wrong = json.loads(sale(sale_id="wrong", source="till").to_json()) | {"total_tax": "5.00"}
    shop.drop("sales.jsonl", json.dumps(wrong) + "\n")
    shop.run("sync")
    assert shop.run("skip", "till:wrong", "--reason", "typed by hand", "--json").json["moved"] == ["till:wrong"]
    assert shop.run("sales", "--state", "skipped", "--json").json[0]["sale"] == "till:wrong"
    assert shop.run("release", "till:wrong", "--json").json["moved"] == ["till:wrong"]
    assert shop.run("retry", "till:nothing", "--json").code == 1
    assert shop.run("retry").code == 2


def test_preview_shows_the_payload_and_sends_nothing(shop: Shop) -> None:
    path = shop.drop("sales.jsonl", lines_of(1), inbox="elsewhere")
    shown = shop.run("preview", str(path), "--json")
    assert shown.json["sales"][0]["payload"]["external_order_id"] == "till:s0"
    assert shown.json["sales"][0]["decisions"]
    assert shop.store.orders() == []
    assert shop.run("sales", "--json").json == []


def test_preview_says_why_of_every_choice_and_shows_no_request_where_none_would_be_made(shop: Shop) -> None:
    cash = [{"kind": "cash", "label": "Cash", "amount": "20.00"}, {"kind": "cash", "label": "Cash", "amount": "-10.22"}]
    home = {
        "first_name": "A",
        "street_1": "2 Side",
        "city": "London",
        "zip": "SW1A 1AA",
        "country": "England",
        "state": "greater london",
    }
    many = {"line_id": "1", "name": "Screw", "quantity": "144", "total_ex_tax": "5.00", "total_inc_tax": "5.40"}
    beans = {
        "line_id": "2",
        "name": "Beans",
        "quantity": "0.5",
        "unit": "kg",
        "total_ex_tax": "5.00",
        "total_inc_tax": "5.40",
    }
    odd = sale(
        sale_id="s0" + "x" * 90,
        lines=[many, beans],
        discounts=[{"name": "Staff", "amount_inc_tax": "1.00", "amount_ex_tax": "0.93"}],
        rounding="-0.02",
        tenders=cash,
        billing=home,
        note="card 4242 4242 4242 4242",
        total_inc_tax="9.78",
        total_tax="0.73",
    )
    path = shop.drop(
        "sales.jsonl",
        odd.to_json() + "\n" + sale(sale_id="held", total_inc_tax="99.00").to_json() + "\n",
        inbox="elsewhere",
    )
    first, second = shop.run("preview", str(path), "--json").json["sales"]
    said = {one["about"]: f"{one['choice']}: {one['why']}" for one in first["decisions"]}
    for about, words in {
        "payment method": "given back over the counter is left out",
        "date": "16:15:00 +0000: the sale's time, 2026-11-20T10:15:00-06:00",
        "billing address": "country 'England' is sent as United Kingdom",
        "line 1": "sold as 144, for a price of four places would not come to",
        "line 2": "5.40 USD on the receipt, 4.89 USD with its share",
        "Staff": "spread over the lines' prices",
        "cash rounding": "the total was rounded down",
        "card numbers": "masked",
        "key": "is longer than the store keeps",
    }.items():
        assert words in said[about], (about, said.get(about))
    assert first["payload"]
    assert (second["state"], second["request"], second["payload"]) == ("held", "", None)
    assert "Correct the sale in the POS" in second["cure"]
    shown = shop.run("preview", str(path), "--all").out
    assert "nothing would be sent; Correct the sale" in shown
    assert "1 would be pushed" in shown
    assert "1 would be held" in shown
    shop.drop("now.jsonl", sale(sale_id="done").to_json() + "\n")
    shop.run("sync")
    done = shop.run("preview", "till:done", "--json").json["sales"][0]
    assert (done["state"], done["request"], done["payload"]) == ("synced", "", None)


def test_a_backfill_counts_first_and_then_carries_the_range(shop: Shop) -> None:
    day = sale().placed_at.date().isoformat()
    shop.drop("sales.jsonl", lines_of(4))
    dry = shop.run("backfill", "--source", "till", "--from", day, "--to", day, "--dry-run", "--json")
    assert dry.json["sales"] == 4
    assert shop.store.orders() == []
    assert shop.run("backfill", "--source", "till", "--from", day, "--to", day).code == 0
    assert len(shop.store.orders()) == 4
    assert shop.run("backfill", "--source", "till", "--from", "2001-01-01", "--to", "2001-01-02", "--json").code == 0
    assert shop.run("backfill", "--source", "till", "--from", "2001-01-02", "--to", "2001-01-01").code == 2


def test_check_has_a_line_for_everything(shop: Shop) -> None:
    done = shop.run("check", "--json")
    assert done.code == 0, done.out
    about = {finding["about"] for finding in done.json}
    assert about == {"alerts", "config", "ledger", "source till", "store main"}
