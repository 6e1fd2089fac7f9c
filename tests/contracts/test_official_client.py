"""BigCommerce's own Python client works against the sandbox as it does against a store."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from requests.adapters import HTTPAdapter

from tests.sandbox.test_refusals import BODY, SHOP
from tests.shop import Store, running_sandbox

# It is installed apart from everything else, for it brings a package "tests" of its own.
sys.path.append(str(Path(sys.prefix) / "official-client"))
try:
    bigcommerce = pytest.importorskip("bigcommerce.api")
    exceptions = pytest.importorskip("bigcommerce.exception")
finally:
    sys.path.pop()


class Plainly(HTTPAdapter):
    """The client speaks TLS alone, and the sandbox of this machine does without: the one thing that differs."""

    def send(self, request: Any, *rest: Any, **more: Any) -> Any:
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, *rest, **more)


@pytest.fixture
def store() -> Iterator[Store]:
    with running_sandbox() as (_, made):
        yield made


@pytest.fixture
def api(store: Store, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("BC_API_ENDPOINT", store.url.removeprefix("http://"))
    made = bigcommerce.BigcommerceApi(client_id="client", store_hash=store.store_hash, access_token=store.token)
    made.connection._session.mount("https://", Plainly())
    return made


def nothing(found: Any) -> bool:
    """The client makes one object without fields of an empty list."""
    return not isinstance(found, list) and set(found) == {"_connection"}


def test_orders_are_made_read_changed_counted_and_archived(api: Any) -> None:
    made = api.Orders.create(**BODY, external_order_id="web:1")
    assert (made.id, made.total_inc_tax) == (101, "11.0000")
    for key in ("web:2", "web:3"):
        api.Orders.create(**BODY, external_order_id=key)
    assert api.Orders.get(101).external_order_id == "web:1"
    assert [order.id for order in api.Orders.all(external_order_id="web:2")] == [102]
    assert [order.id for order in api.Orders.iterall()] == [101, 102, 103]
    assert api.Orders.count() == 3
    assert made.update(status_id=10).status == "Completed"
    made.delete()
    assert [order.id for order in api.Orders.all()] == [102, 103]
    api.Orders.delete_all()
    assert nothing(api.Orders.all())
    with pytest.raises(exceptions.ClientRequestException, match="billing_address"):
        api.Orders.create(products=BODY["products"])
    with pytest.raises(exceptions.ClientRequestException, match="404"):
        api.Orders.get(999)


def test_what_belongs_to_an_order_is_read(api: Any) -> None:
    order = api.Orders.create(**BODY, shipping_addresses=[{**SHOP, "shipping_method": "In store"}])
    assert [(line.name, line.total_inc_tax) for line in order.products()] == [("Thing", "11.0000")]
    assert order.products(1).name == "Thing"
    assert [place.city for place in order.shipping_addresses()] == ["Austin"]
    assert [(tax.name, tax.line_amount) for tax in order.taxes()] == [("API Tax Override", "1.0000")]
    assert all(nothing(there) for there in (order.coupons(), order.messages(), order.shipments()))
    assert bigcommerce.OrderProducts.count(order.id, connection=api.connection) == 1


def test_shipments_are_made_changed_and_taken_back(api: Any) -> None:
    order = api.Orders.create(**BODY)
    items = [{"order_product_id": 1, "quantity": 1}]
    made = api.OrderShipments.create(order.id, order_address_id=1, items=items, tracking_number="T1")
    assert (made.tracking_number, api.Orders.get(order.id).status) == ("T1", "Shipped")
    assert made.update(tracking_number="T2").tracking_number == "T2"
    assert order.shipments(made.id).tracking_number == "T2"
    with pytest.raises(exceptions.ClientRequestException, match="shipped already"):
        api.OrderShipments.create(order.id, order_address_id=1, items=items)
    made.delete()
    assert nothing(order.shipments())
