"""What Loyverse sends, as sales: real and reconstructed receipts, and what goes wrong between."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from syncd.canonical import CanonicalOrder
from syncd.canonical.balance import check_balance
from syncd.canonical.kinds import SaleStatus
from syncd.sources.capabilities import Delivery, Received
from syncd.sources.context import Memory, SourceContext
from syncd.sources.errors import Forged
from syncd.sources.loyverse.reading import LoyverseReferenceData, read_receipt
from syncd.sources.loyverse.source import LoyverseSource
from syncd.sources.records import Document, Excluded, ParsedSale, Unreadable
from syncd.testing.contract import Notebook
from syncd.testing.double import exact
from tests.doubles.loyverse import LoyverseDouble
from tests.shared import SAMPLES, needs_samples

_EVER = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def shop() -> Iterator[LoyverseDouble]:
    with LoyverseDouble() as double:
        yield double


def source(shop: LoyverseDouble, tmp_path: Path, start: datetime = _EVER, **settings: Any) -> LoyverseSource:
    shop.extra_settings = settings
    context = SourceContext("till", shop.clock, tmp_path, threading.Event(), Memory(), lambda: start)
    return LoyverseSource(shop.settings(), context)


def read(receipt: Document, currency: str = "THB") -> CanonicalOrder:
    found = read_receipt(receipt, LoyverseReferenceData(currency), "till")
    assert isinstance(found, ParsedSale)
    return found.order


def samples(name: str) -> list[dict[str, Any]]:
    text = (SAMPLES / "loyverse-api" / f"{name}.json").read_text()
    rows: list[dict[str, Any]] = json.loads(text, parse_float=Decimal)["receipts"]
    return rows


@needs_samples
def test_real_receipts_add_up_with_their_included_and_added_taxes() -> None:
    receipts = samples("receipts-page-sdk-sample") + samples("receipts-thb-no-tax")
    for receipt in receipts:
        order = read(receipt)
        assert (order.total_inc_tax, check_balance(order)) == (receipt["total_money"], ())
    first = read(receipts[0])
    assert first.prices_include_tax
    assert first.lines[0].modifiers[0].name == "Flavor Syrup: Chocolate"
    assert first.placed_at == datetime(2025, 7, 19, 6, 57, 31, tzinfo=UTC)


@needs_samples
def test_refunds_are_returns_and_what_was_cancelled_is_a_void_whatever_its_type() -> None:
    orders = {order.sale_id: order for order in map(read, samples("reconstructed-receipts-refund-and-cancelled"))}
    refunds = [order for order in orders.values() if order.total_inc_tax < 0]
    assert refunds
    assert all(order.returns_of and order.returns_of.startswith("till:") for order in refunds)
    assert all(line.quantity < 0 and line.total_inc_tax <= 0 for order in refunds for line in order.lines)
    assert orders["1-10141"].status is SaleStatus.VOIDED
    assert all(check_balance(order) == () for order in orders.values())


def test_a_tip_that_was_paid_beside_the_total_is_added_and_one_within_it_is_not(shop: LoyverseDouble) -> None:
    (key,) = shop.sell(1)
    receipt = exact(shop.document(key, shop.made[key]))
    goods = receipt["total_money"]
    beside = {**receipt, "tip": 20, "payments": [{**receipt["payments"][0], "money_amount": goods + 20}]}
    within = beside | {"total_money": goods + 20}
    for one in (beside, within):
        order = read(one)
        assert (order.total_inc_tax, check_balance(order)) == (goods + 20, ())


def test_a_sale_paid_with_points_alone_has_no_tender_and_is_a_sale(shop: LoyverseDouble) -> None:
    (key,) = shop.sell(1)
    receipt = exact(shop.document(key, shop.made[key]))
    free = [
        {**line, "total_money": 0, "line_taxes": [], "total_discount": line["total_money"]}
        for line in receipt["line_items"]
    ]
    order = read({**receipt, "line_items": free, "total_money": 0, "total_tax": 0, "payments": []})
    assert (order.total_inc_tax, order.status, check_balance(order)) == (Decimal(0), SaleStatus.COMPLETED, ())


def test_receipts_that_bigcommerce_wrote_are_left_out(shop: LoyverseDouble) -> None:
    (key,) = shop.sell(1)
    echo = exact(shop.document(key, shop.made[key])) | {"source": "BigCommerce connector"}
    found = read_receipt(echo, LoyverseReferenceData("THB"), "till", ("bigcommerce",))
    assert found == Excluded("receipts made by BigCommerce connector")


def test_another_type_of_receipt_is_told(shop: LoyverseDouble) -> None:
    (key,) = shop.sell(1)
    with pytest.raises(Unreadable, match="its type is 'QUOTE'"):
        read({**exact(shop.document(key, shop.made[key])), "receipt_type": "QUOTE"})


def test_names_come_along_and_a_receipt_that_was_uploaded_late_has_its_own_time(
    shop: LoyverseDouble, tmp_path: Path
) -> None:
    till, book = source(shop, tmp_path), Notebook()
    shop.sell(5)
    book.walk(till.fetch(None))
    made = shop.now() - timedelta(days=3)
    key = shop.upload_late(made)
    shop.clock.pass_time(60)
    book.walk(till.fetch(book.cursor))
    order = book.sales[f"till:{key}"]
    assert abs(order.placed_at - made) < timedelta(seconds=1)
    assert order.placed_at.tzinfo == ZoneInfo("Asia/Bangkok")
    assert [named and named.name for named in (order.location, order.register, order.cashier)] == [
        "Main store",
        "Till 2",
        "Ada Till",
    ]
    assert [one.customer.email for one in book.sales.values() if one.customer] == ["amelia@example.com"]
    assert order.currency == "THB"


def test_a_receipt_that_is_cancelled_later_becomes_a_void(shop: LoyverseDouble, tmp_path: Path) -> None:
    till, book = source(shop, tmp_path), Notebook()
    (key,) = shop.sell(1)
    book.walk(till.fetch(None))
    shop.clock.pass_time(3600)
    shop.cancel(key)
    shop.clock.pass_time(1)
    book.walk(till.fetch(book.cursor))
    assert book.sales[f"till:{key}"].status is SaleStatus.VOIDED


def test_history_that_is_not_kept_is_told_and_ends_no_walk(shop: LoyverseDouble, tmp_path: Path) -> None:
    shop.history = timedelta(days=31)
    ids = shop.sell(3)
    left_out: dict[str, int] = {}
    book = Notebook()
    for batch in source(shop, tmp_path).fetch_range(shop.now() - timedelta(days=90), shop.now() + timedelta(days=1)):
        book.walk(iter((batch,)))
        left_out |= batch.left_out
    assert len(book.sales) == len(ids)
    assert any("402" in why for why in left_out)


def test_a_shop_that_sells_nothing_costs_one_question_a_poll(shop: LoyverseDouble, tmp_path: Path) -> None:
    till, book = source(shop, tmp_path), Notebook()
    shop.sell(3)
    for _ in range(2):
        book.walk(till.fetch(book.cursor))
    shop.asked.clear()
    batches = book.batches
    for _ in range(10):
        shop.clock.pass_time(30)
        book.walk(till.fetch(book.cursor))
    assert (len(shop.asked), book.batches) == (10, batches)


def test_a_webhook_names_receipts_once_its_signature_is_right(shop: LoyverseDouble, tmp_path: Path) -> None:
    till = source(shop, tmp_path, webhook={"client_secret": SecretStr("app-secret")})
    body = json.dumps({"type": "receipts.update", "receipts": [{"receipt_number": "2-7340"}]}).encode()
    digest = hmac.new(b"app-secret", body, hashlib.sha1).digest()
    for mark in (digest.hex(), base64.b64encode(digest).decode()):
        assert till.receive(Delivery({"x-loyverse-signature": mark}, body)) == Received(sales=("2-7340",), poll=False)
    for headers in ({}, {"x-loyverse-signature": "0" * 40}):
        with pytest.raises(Forged):
            till.receive(Delivery(headers, body))
    assert source(shop, tmp_path, webhook={"unsigned": True}).receive(Delivery({}, body)) == Received()
