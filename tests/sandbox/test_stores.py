"""Many stores in one sandbox process: each has its own orders, quota, faults and pages, and none sees another's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from syncd.sandbox import SandboxSettings
from syncd.sandbox.server import Sandbox

_TOKEN = {"X-Auth-Token": "sandbox-token", "Accept": "application/json"}
_ORDER = {
    "billing_address": {
        "first_name": "A",
        "last_name": "B",
        "street_1": "1 Main St",
        "city": "Austin",
        "state": "Texas",
        "zip": "78701",
        "country": "United States",
        "country_iso2": "US",
        "email": "a@example.com",
    },
    "products": [{"name": "Tea", "quantity": 1, "price_inc_tax": 3, "price_ex_tax": 3}],
}


@pytest.fixture
def many() -> Iterator[str]:
    sandbox = Sandbox(SandboxSettings(stores=2000, quota=5, window_ms=60_000))
    try:
        yield sandbox.start()
    finally:
        sandbox.stop()


def post(url: str, store: str, key: str = "") -> requests.Response:
    body = {**_ORDER, "external_order_id": key}
    return requests.post(f"{url}/stores/{store}/v2/orders", json=body, headers=_TOKEN, timeout=10)


def listed(url: str, store: str) -> Any:
    answer = requests.get(f"{url}/stores/{store}/v2/orders", headers=_TOKEN, timeout=10)
    return answer.json() if answer.content else []


def stores(url: str) -> dict[str, Any]:
    return {one["store_hash"]: one for one in requests.get(f"{url}/_sandbox/stores", timeout=10).json()}


def test_each_store_has_its_own_orders(many: str) -> None:
    assert post(many, "sandbox1", "till:1").status_code == 201
    assert post(many, "sandbox2000", "till:2").status_code == 201
    assert [order["external_order_id"] for order in listed(many, "sandbox2000")] == ["till:2"]
    assert listed(many, "sandbox3") == []
    assert {name: one["orders"] for name, one in stores(many).items()} == {
        "sandbox1": 1,
        "sandbox2000": 1,
        "sandbox3": 0,
    }


def test_each_store_has_its_own_quota(many: str) -> None:
    assert [post(many, "sandbox7").status_code for _ in range(6)] == [201] * 5 + [429]
    assert post(many, "sandbox8").headers["X-Rate-Limit-Requests-Left"] == "4"
    assert stores(many)["sandbox7"]["refused"] == 1


@pytest.mark.parametrize(
    "store", ["sandbox0", "sandbox2001", "sandbox", "sandbox-7", "sandbox01", "another7", "sandbox7x"]
)
def test_a_store_that_was_not_asked_for_is_not_there(many: str, store: str) -> None:
    assert post(many, store).status_code == 401


def test_a_control_is_for_all_stores_those_to_come_too_unless_it_names_one(many: str) -> None:
    post(many, "sandbox1")
    requests.post(f"{many}/_sandbox/faults", json={"faults": [{"kind": "5xx_before"}]}, timeout=10).raise_for_status()
    assert post(many, "sandbox1").status_code == 503
    assert post(many, "sandbox2").status_code == 503
    requests.post(f"{many}/_sandbox/stores/sandbox2/faults", json={"faults": []}, timeout=10).raise_for_status()
    assert post(many, "sandbox2").status_code == 201
    assert post(many, "sandbox3").status_code == 503


def test_a_control_that_cannot_be_is_refused_for_many_as_for_one(many: str) -> None:
    post(many, "sandbox1")
    assert requests.post(f"{many}/_sandbox/ways", json={"no_such_way": 1}, timeout=10).status_code == 422


def test_the_pages_show_each_store(many: str) -> None:
    post(many, "sandbox5", "till:five")
    assert "/at/sandbox5/" in requests.get(f"{many}/", timeout=10).text
    page = requests.get(f"{many}/at/sandbox5/", timeout=10).text
    assert "till:five" in page
    assert 'href="orders/101"' in page
    assert "till:five" in requests.get(f"{many}/at/sandbox5/orders/101", timeout=10).text
    assert requests.get(f"{many}/at/nowhere/", timeout=10).status_code == 404


def test_one_store_is_as_it_always_was() -> None:
    sandbox = Sandbox(SandboxSettings())
    url = sandbox.start()
    try:
        assert post(url, "sandbox").status_code == 201
        assert requests.get(f"{url}/_sandbox/stats", timeout=10).json()["orders"] == 1
        assert 'href="orders/101"' in requests.get(f"{url}/", timeout=10).text
    finally:
        sandbox.stop()
