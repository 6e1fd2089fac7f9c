"""The daily pass over a store's orders, against the sandbox: what it tells, once, and when it stops telling it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from syncd.app import open_app
from syncd.config import load
from syncd.testing.clocks import AheadClock
from syncd.testing.orders import sale
from tests.heart.test_store_wide import SOURCES
from tests.shop import Shop, pass_until_settled, running_sandbox

CLOCK = AheadClock()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with running_sandbox() as (_, store):
        made = Shop(tmp_path, store)
        (tmp_path / "inbox").mkdir()
        made.configure(SOURCES)
        made.drop("sales.jsonl", "".join(sale(source="till", sale_id=key).to_json() + "\n" for key in "abc"))
        assert pass_until_settled(made) == {"synced": 3}
        yield made


def order(shop: Shop, key: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = shop.store.get(f"/v2/orders?external_order_id=till:{key}")
    return found[0]


def ask(shop: Shop, method: str, path: str, body: object = None) -> Any:
    url = f"{shop.store.url}/stores/{shop.store.store_hash}/v2/orders{path}"
    headers = {"X-Auth-Token": shop.store.token, "Accept": "application/json"}
    answer = requests.request(method, url, json=body, headers=headers, timeout=10)
    answer.raise_for_status()
    return answer


def look_over(shop: Shop) -> list[str]:
    """What one pass newly tells."""
    os.environ["FLOW_TOKEN"] = shop.store.token
    with open_app(load(shop.config), CLOCK) as app:
        return [alert.kind for alert in app.stores["main"].nightly.run()]


def shown(shop: Shop) -> list[str]:
    return [alert["words"] for alert in shop.run("status", "--json").json["stores"][0]["alerts"]]


def test_a_store_in_which_nobody_else_did_anything_gives_no_alert(shop: Shop) -> None:
    ask(shop, "PUT", f"/{order(shop, 'a')['id']}", {"status_id": 11, "staff_notes": "call Ada"})
    assert look_over(shop) == []
    assert shown(shop) == []
    assert shop.run("status").code == 0


def test_a_second_order_with_one_key_is_told_once_and_no_longer_once_it_is_archived(shop: Shop) -> None:
    body = {name: order(shop, "a")[name] for name in ("external_order_id", "billing_address")}
    made = ask(
        shop, "POST", "", body | {"products": [{"name": "x", "quantity": 1, "price_inc_tax": 1, "price_ex_tax": 1}]}
    )
    assert look_over(shop) == ["two orders"]
    assert look_over(shop) == []
    assert "till:a has 2 live orders" in shown(shop)[0]
    assert shop.run("status").code == 1
    ask(shop, "DELETE", f"/{made.json()['id']}")
    look_over(shop)
    assert shown(shop) == []


def test_an_order_with_a_key_that_this_ledger_does_not_know_is_told(shop: Shop) -> None:
    body = {"external_order_id": "till:unheard-of", "billing_address": order(shop, "a")["billing_address"]}
    ask(shop, "POST", "", body | {"products": [{"name": "x", "quantity": 1, "price_inc_tax": 1, "price_ex_tax": 1}]})
    assert look_over(shop) == ["unknown order"]


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"products": [{"id": 1, "quantity": 3}]}, "changed by hand", "came to 10.80 USD and comes to"),
        ({"status_id": 5}, "changed by hand", "it is cancelled there"),
        (None, "archived by hand", "was archived by hand"),
    ],
)
def test_what_was_changed_or_archived_by_hand_is_told_until_a_person_accepts_it(
    shop: Shop, change: dict[str, Any] | None, kind: str, words: str
) -> None:
    ask(shop, "PUT" if change else "DELETE", f"/{order(shop, 'b')['id']}", change)
    assert look_over(shop) == [kind]
    assert words in shown(shop)[0]
    assert "syncd accept till:b" in shop.run("status").out
    assert shop.run("accept", "till:b").code == 0
    look_over(shop)
    assert shown(shop) == []


def test_the_daemon_looks_once_a_day(shop: Shop) -> None:
    clock = AheadClock()
    with open_app(load(shop.config), clock) as app:
        nightly = app.stores["main"].nightly
        assert nightly.due()
        nightly.run()
        assert not nightly.due()
        clock.pass_time(90_000)
        assert nightly.due()
