"""What Lightspeed X sends, as sales: real and reconstructed documents, and what goes wrong between."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from syncd.canonical import CanonicalOrder
from syncd.canonical.balance import check_balance
from syncd.canonical.kinds import OpenKind, SaleStatus
from syncd.sources.capabilities import Delivery, Received
from syncd.sources.context import Memory, SourceContext
from syncd.sources.errors import Forged
from syncd.sources.lightspeed_x.reading import LightspeedOutlet, LightspeedReferenceData, read_sale
from syncd.sources.lightspeed_x.source import LightspeedSource
from syncd.sources.records import Excluded, ParsedSale, Unreadable
from syncd.testing.contract import Notebook
from syncd.testing.double import exact
from tests.doubles.lightspeed_x import LightspeedDouble
from tests.shared import SAMPLES, needs_samples

_AUCKLAND = ZoneInfo("Pacific/Auckland")
_OUTLET = "44444444-0000-11ef-8000-000000000001"
_AROUND = LightspeedReferenceData({_OUTLET: LightspeedOutlet("Main", _AUCKLAND, "NZD")})
_EVER = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def shop() -> Iterator[LightspeedDouble]:
    with LightspeedDouble() as double:
        yield double


def source(shop: LightspeedDouble, tmp_path: Path, start: datetime = _EVER, **settings: Any) -> LightspeedSource:
    shop.extra_settings = settings
    context = SourceContext("till", shop.clock, tmp_path, threading.Event(), Memory(), lambda: start)
    return LightspeedSource(shop.settings(), context)


def samples(name: str) -> list[dict[str, Any]]:
    document = json.loads((SAMPLES / "lightspeed-x" / name).read_text(), parse_float=Decimal)
    rows: list[dict[str, Any]] = document["data"] if isinstance(document["data"], list) else [document["data"]]
    return rows


def read(sale: Mapping[str, Any], currency: str | None = "NZD") -> CanonicalOrder:
    found = read_sale(sale, _AROUND, "till", currency, ("ECOMMERCE",))
    assert isinstance(found, ParsedSale)
    return found.order


@needs_samples
def test_a_sale_its_return_and_what_was_voided_are_read_to_the_cent() -> None:
    orders = [read(sale, None) for sale in samples("reconstructed-api-2.0-sales-linked-return-void.json")]
    sale, back = orders[:2]
    assert (sale.total_inc_tax, sale.total_tax, sale.currency) == (Decimal("50.00"), Decimal("6.52"), "NZD")
    assert [(tender.kind, tender.amount) for tender in sale.tenders] == [("cash", Decimal(20)), ("card", Decimal(30))]
    assert sale.placed_at == datetime(2026, 3, 8, 19, 30, tzinfo=_AUCKLAND)
    assert sale.lines[0].list_price == Decimal("20.00")
    assert (back.total_inc_tax, back.returns_of) == (Decimal("-20.00"), f"till:{sale.sale_id}")
    assert all(check_balance(order) == () for order in orders)
    assert SaleStatus.VOIDED in {order.status for order in orders}


@needs_samples
def test_real_sales_that_were_deleted_are_voids_and_a_lay_by_without_payment_adds_up() -> None:
    for document in samples("api-2.0-sales-closed-and-unlinked-return.json"):
        assert read(document).status is SaleStatus.VOIDED
        kept = read({**document, "deleted_at": None})
        assert check_balance(kept.model_copy(update={"tenders": ()})) == ()


@needs_samples
@pytest.mark.parametrize("name", ["walkin", "before-return", "full-return"])
def test_the_older_shape_of_recorded_webhooks_is_read_as_well(name: str) -> None:
    form = json.loads((SAMPLES / "lightspeed-x" / f"webhook-sale.update-{name}.json").read_text())
    payload = form["payload"]
    document = json.loads(payload, parse_float=Decimal) if isinstance(payload, str) else payload
    lines = document.pop("register_sale_products")
    order = read({**document, "line_items": lines, "payments": document.pop("register_sale_payments")}, "USD")
    assert check_balance(order) == ()
    assert abs(order.total_inc_tax) > 100


@pytest.mark.parametrize(
    ("status", "wanted", "kind"),
    [
        ("SAVED", "open", OpenKind.PARKED),
        ("LAYBY", "open", OpenKind.LAY_BY),
        ("ONACCOUNT", "open", OpenKind.ON_ACCOUNT),
        ("AWAITING_PICKUP", "open", OpenKind.WORK_ORDER),
        ("LAYBY_CLOSED", "completed", None),
        ("VOIDED", "voided", None),
    ],
)
def test_every_status_has_its_place(status: str, wanted: str, kind: OpenKind | None, shop: LightspeedDouble) -> None:
    (key,) = shop.sell(1)
    order = read({**exact(shop.document(key, shop.sales[key])), "status": status, "outlet_id": _OUTLET})
    assert (order.status, order.open_kind) == (wanted, kind)


def test_lines_of_a_return_that_are_not_given_back_after_all_are_no_lines(shop: LightspeedDouble) -> None:
    (key,) = shop.sell(1)
    document = exact(shop.document(key, shop.sales[key]))
    nothing = {**document["line_items"][0], "id": "x", "quantity": 0, "price_total": 0, "tax_total": 0}
    order = read({**document, "line_items": [*document["line_items"], nothing]})
    assert len(order.lines) == len(document["line_items"])


def test_the_web_shops_own_sales_are_left_out_and_what_names_no_currency_is_told(shop: LightspeedDouble) -> None:
    (key,) = shop.sell(1)
    document = exact(shop.document(key, shop.sales[key]))
    assert read_sale({**document, "source": "ECOMMERCE"}, _AROUND, "till", "NZD", ("ECOMMERCE",)) == Excluded(
        "sales made by ECOMMERCE"
    )
    with pytest.raises(Unreadable, match="names no currency"):
        read(document, None)


def test_names_skus_and_customers_come_along_and_a_walk_in_is_nobody(shop: LightspeedDouble, tmp_path: Path) -> None:
    shop.sell(5)
    orders = [order for batch in source(shop, tmp_path).fetch(None) for order in batch.orders]
    assert {line.name for order in orders for line in order.lines} <= {"Mug", "Tee", "Tea"}
    assert {line.sku for order in orders for line in order.lines} <= {"MUG-1", "TEE-M", None}
    assert [order.customer.email for order in orders if order.customer] == ["amelia@example.com"]
    first = orders[0]
    assert [named and named.name for named in (first.location, first.register, first.cashier)] == [
        "Second Outlet",
        "Main Register",
        "Ada Till",
    ]


def test_a_first_walk_begins_at_its_start_found_by_halving_the_versions(shop: LightspeedDouble, tmp_path: Path) -> None:
    shop.sell(40)
    shop.clock.pass_time(86_400)
    start = shop.now()
    new = shop.sell(5)
    asked = len(shop.asked)
    book = Notebook().walk(source(shop, tmp_path, start).fetch(None))
    assert set(book.sales) == {f"till:{key}" for key in new}
    assert len(shop.asked) - asked < 70


def test_a_shop_that_sells_nothing_costs_one_question_a_poll(shop: LightspeedDouble, tmp_path: Path) -> None:
    till, book = source(shop, tmp_path), Notebook()
    shop.sell(3)
    book.walk(till.fetch(None))
    shop.asked.clear()
    for _ in range(10):
        shop.clock.pass_time(30)
        book.walk(till.fetch(book.cursor))
    assert len(shop.asked) == 10


def test_a_return_that_is_closed_under_the_id_of_its_saved_beginning_replaces_it(
    shop: LightspeedDouble, tmp_path: Path
) -> None:
    (key,) = shop.sell(1)
    till, book = source(shop, tmp_path), Notebook()
    document = shop.document(key, shop.sales[key])
    saved = {**document, "id": "back", "status": "SAVED", "return_for": key, "payments": []}
    shop.put(saved)
    book.walk(till.fetch(None))
    assert book.sales["till:back"].is_open
    shop.put({**saved, "status": "CLOSED"})
    book.walk(till.fetch(book.cursor))
    assert book.sales["till:back"].status is SaleStatus.COMPLETED


def test_a_webhook_is_a_hint_to_poll_once_its_signature_is_right(shop: LightspeedDouble, tmp_path: Path) -> None:
    till = source(shop, tmp_path, webhook={"client_secret": SecretStr("app-secret")})
    body = urlencode({"payload": json.dumps({"id": "x"}), "type": "sale.update"}).encode()
    mark = hmac.new(b"app-secret", body, hashlib.sha256).hexdigest()
    good = Delivery({"x-signature": f"signature={mark},algorithm=HMAC-SHA256"}, body)
    assert till.receive(good) == Received()
    for bad in (
        Delivery({}, body),
        Delivery({"x-signature": f"signature={'0' * 64}"}, body),
        Delivery(good.headers, body + b"x"),
    ):
        with pytest.raises(Forged):
            till.receive(bad)
    by_hand = source(shop, tmp_path, webhook={"unsigned": True})
    assert by_hand.receive(Delivery({}, body)) == Received()
    with pytest.raises(ValueError, match=r".*"):
        by_hand.receive(Delivery({}, b"payload=[]"))


def test_a_product_that_is_named_anew_has_its_new_name_within_a_quarter_of_an_hour(
    shop: LightspeedDouble, tmp_path: Path
) -> None:
    till, book = source(shop, tmp_path), Notebook()
    shop.sell(2)
    book.walk(till.fetch(None))
    shop.clock.pass_time(timedelta(minutes=16).total_seconds())
    asked = len(shop.asked)
    shop.sell(2)
    book.walk(till.fetch(book.cursor))
    assert any("/products" in one.path for one in shop.asked[asked:])
