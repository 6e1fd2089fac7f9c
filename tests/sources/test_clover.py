"""What Clover sends, as sales: recorded orders, and what goes wrong between."""

from __future__ import annotations

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
from syncd.sources.clover.reading import CloverReferenceData, read_order
from syncd.sources.clover.source import CloverSource
from syncd.sources.context import Memory, SourceContext
from syncd.sources.errors import Forged
from syncd.sources.records import Document, Excluded, ParsedSale
from syncd.testing.contract import Notebook
from syncd.testing.double import exact
from tests.doubles.clover import CloverDouble
from tests.shared import SAMPLES, needs_samples

_EVER = datetime(2020, 1, 1, tzinfo=UTC)
_AROUND = CloverReferenceData("MID1", "Corner Shop", ZoneInfo("America/Chicago"))


@pytest.fixture
def shop() -> Iterator[CloverDouble]:
    with CloverDouble() as double:
        yield double


def source(shop: CloverDouble, tmp_path: Path, start: datetime = _EVER, **settings: Any) -> CloverSource:
    shop.extra_settings = settings
    context = SourceContext("till", shop.clock, tmp_path, threading.Event(), Memory(), lambda: start)
    return CloverSource(shop.settings(), context)


def sample(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((SAMPLES / "clover-api" / f"{name}.json").read_text(), parse_float=Decimal)
    return document


def found_in(order: Document) -> ParsedSale:
    found = read_order(order, _AROUND, "till", ("BigCommerce",))
    assert isinstance(found, ParsedSale)
    return found


def read(order: Document) -> CanonicalOrder:
    return found_in(order).order


def a_sale(shop: CloverDouble, **changes: Any) -> dict[str, Any]:
    (key,) = shop.sell(1)
    document: dict[str, Any] = exact(shop.document(key, shop.made[key]))
    return document | changes


@needs_samples
def test_a_cash_sale_takes_its_tax_from_the_payment() -> None:
    order = read(sample("order-paid-cash"))
    assert (order.total_inc_tax, order.total_tax) == (Decimal("21.50"), Decimal("1.50"))
    assert [line.total_inc_tax for line in order.lines] == [Decimal("10.75"), Decimal("10.75")]
    assert (order.tenders[0].kind, order.status, check_balance(order)) == ("cash", SaleStatus.COMPLETED, ())
    assert order.placed_at == datetime(2019, 5, 9, 12, 41, 38, tzinfo=ZoneInfo("America/Chicago"))


@needs_samples
def test_an_item_refund_leaves_the_sale_what_it_was_and_tells_what_came_back() -> None:
    order = read(sample("order-item-refund"))
    assert (order.total_inc_tax, order.total_tax, order.status) == (
        Decimal("20.43"),
        Decimal("1.43"),
        SaleStatus.PARTIALLY_REFUNDED,
    )
    (refund,) = order.refunds
    assert (refund.amount_inc_tax, refund.amount_tax) == (Decimal("10.75"), Decimal("0.75"))
    assert [(line.line_id, line.amount_inc_tax) for line in refund.lines] == [("8GS5JQB2Q6H7J", Decimal("10.75"))]
    assert check_balance(order) == ()


@needs_samples
def test_open_orders_wait_and_three_stacked_rates_are_each_rounded_on_their_own() -> None:
    stacked = read(sample("sdk-order-items-1"))
    assert (stacked.total_inc_tax, stacked.total_tax, stacked.is_open) == (Decimal("15.45"), Decimal("2.50"), True)
    for name in ("order-open-1-line", "order-open-more-lines"):
        order = read(sample(name))
        assert order.is_open
        assert check_balance(order) == ()


def test_a_tip_beside_the_order_is_a_fee_and_part_of_the_tender(shop: CloverDouble) -> None:
    orders = [read(a_sale(shop)) for _ in range(20)]
    tipped = [order for order in orders if order.fees]
    assert tipped
    assert all(order.tenders[0].tip == order.fees[0].total_inc_tax == 2 for order in tipped)
    assert {order.tenders[0].card_last4 for order in tipped} == {"4242"}
    assert all(check_balance(order) == () for order in orders)


def test_every_shape_of_discount_lowers_the_lines_and_the_sale_adds_up(shop: CloverDouble) -> None:
    line = {
        "id": "L1",
        "item": {"id": "I"},
        "name": "Mug",
        "price": 2000,
        "taxRates": {"elements": [{"rate": 1_000_000}]},
    }
    own = {**line, "discounts": {"elements": [{"name": "Own", "percentage": 10}]}}
    other = {**line, "id": "L2", "price": 1000}
    payment = {"id": "P", "amount": 2420, "taxAmount": 220, "result": "SUCCESS", "createdTime": 1_700_000_000_000}
    order = read(
        a_sale(
            shop,
            lineItems={"elements": [own, other]},
            discounts={"elements": [{"name": "Fixed", "amount": -600}]},
            payments={"elements": [payment]},
        )
    )
    assert [one.total_ex_tax for one in order.lines] == [Decimal("14.14"), Decimal("7.86")]
    assert order.lines[0].discount == Decimal("5.86")
    assert (order.total_inc_tax, check_balance(order)) == (Decimal("24.20"), ())


def test_vat_is_within_the_price_a_service_charge_is_a_fee_and_a_gift_card_no_revenue(shop: CloverDouble) -> None:
    rate = {"taxRates": {"elements": [{"rate": 2_000_000}]}}
    lines = [
        {"id": "L1", "item": {"id": "I"}, "name": "Mug", "price": 1200, **rate},
        {
            "id": "L2",
            "name": "Service",
            "price": 120,
            "isOrderFee": True,
            "isRevenue": False,
            "taxRates": {"elements": []},
        },
        {"id": "L3", "name": "Gift card", "price": 5000, "isRevenue": False, "taxRates": {"elements": []}},
    ]
    payment = {"id": "P", "amount": 6320, "taxAmount": 200, "result": "SUCCESS", "createdTime": 1_700_000_000_000}
    failed = {**payment, "id": "Q", "result": "FAIL"}
    order = read(a_sale(shop, isVat=True, lineItems={"elements": lines}, payments={"elements": [failed, payment]}))
    assert [(line.kind, line.total_ex_tax) for line in order.lines] == [
        ("product", Decimal(10)),
        ("gift_card", Decimal(50)),
    ]
    assert [(fee.kind, fee.total_inc_tax) for fee in order.fees] == [("service_charge", Decimal("1.20"))]
    assert (order.prices_include_tax, len(order.tenders), check_balance(order)) == (True, 1, ())


def test_a_manual_refund_is_held_a_test_order_is_training_and_the_web_shops_own_are_left_out(
    shop: CloverDouble,
) -> None:
    credit = {"elements": [{"id": "C", "amount": 500, "createdTime": 1_700_000_000_000}]}
    held = found_in(a_sale(shop, lineItems={"elements": []}, payments={"elements": []}, credits=credit))
    assert held.hold.startswith("5.00 USD were given back by a manual refund")
    assert read(a_sale(shop, testMode=True)).training
    order = a_sale(shop, orderType={"label": "BigCommerce orders"})
    assert read_order(order, _AROUND, "till", ("BigCommerce",)) == Excluded("orders of BigCommerce")


def test_modifications_that_a_list_leaves_out_are_asked_for(shop: CloverDouble, tmp_path: Path) -> None:
    shop.sell(12)
    book = Notebook().walk(source(shop, tmp_path).fetch(None))
    assert all(check_balance(order) == () for order in book.sales.values())
    assert any(
        modifier.name == "Gift wrap"
        for order in book.sales.values()
        for line in order.lines
        for modifier in line.modifiers
    )
    assert {line.sku for order in book.sales.values() for line in order.lines} <= {"MUG-1", "TEE-M", None}
    first = next(iter(book.sales.values()))
    assert (first.cashier and first.cashier.name, first.location and first.location.name) == ("Ada Till", "Corner Shop")


def test_a_refund_of_a_payment_that_does_not_move_its_order_is_seen(shop: CloverDouble, tmp_path: Path) -> None:
    till, book = source(shop, tmp_path), Notebook()
    ids = shop.sell(3)
    book.walk(till.fetch(None))
    shop.clock.pass_time(3600)
    shop.refund_payment(ids[0])
    book.walk(till.fetch(book.cursor))
    order = book.sales[f"till:{ids[0]}"]
    assert order.refunds
    assert order.status in (SaleStatus.REFUNDED, SaleStatus.PARTIALLY_REFUNDED)
    changes = book.changes
    book.walk(till.fetch(book.cursor))
    assert book.changes == changes


def test_an_edit_while_pages_are_asked_for_loses_no_order(shop: CloverDouble, tmp_path: Path) -> None:
    ids = shop.sell(12)
    pages = 0

    def edit(asked: Any) -> None:
        nonlocal pages
        if asked.path.endswith("/orders"):
            pages += 1
            if pages == 1:
                shop.edit(ids[0])  # with an offset alone, the first row of the next page would slip past

    shop.on_answer = edit
    till = source(shop, tmp_path)
    assert len(Notebook().walk(till.fetch(None)).sales) == 12


def test_a_deleted_order_is_told_as_gone(shop: CloverDouble, tmp_path: Path) -> None:
    (key,) = shop.sell(1)
    till = source(shop, tmp_path)
    assert till.fetch_one(key) is not None
    del shop.made[key]
    gone = till.fetch_one(key)
    assert gone is not None
    assert gone.deleted_ids == (key,)


def test_a_shop_that_sells_nothing_costs_two_questions_a_poll(shop: CloverDouble, tmp_path: Path) -> None:
    till, book = source(shop, tmp_path), Notebook()
    shop.sell(3)
    for _ in range(2):
        book.walk(till.fetch(book.cursor))
    shop.asked.clear()
    batches = book.batches
    for _ in range(10):
        shop.clock.pass_time(30)
        book.walk(till.fetch(book.cursor))
    assert (len(shop.asked), book.batches) == (20, batches)


def test_a_webhook_is_believed_with_its_code_and_its_first_call_tells_the_code(
    shop: CloverDouble, tmp_path: Path
) -> None:
    till = source(shop, tmp_path, webhook={"auth_code": SecretStr("the-code")})
    events = [{"objectId": f"{kind}:X{kind}", "type": "UPDATE", "ts": 1} for kind in "OPO"]
    body = json.dumps({"appId": "A", "merchants": {"MID1": events, "MID2": [{"objectId": "O:Y"}]}}).encode()
    assert till.receive(Delivery({"x-clover-auth": "the-code"}, body)) == Received(sales=("XO",), poll=True)
    with pytest.raises(Forged):
        till.receive(Delivery({"x-clover-auth": "another"}, body))
    unverified = source(shop, tmp_path, webhook={})
    told = unverified.receive(Delivery({}, json.dumps({"verificationCode": "abc-1"}).encode()))
    assert "abc-1" in told.says
    with pytest.raises(Forged):
        unverified.receive(Delivery({}, body))


def test_a_walk_begins_at_its_start(shop: CloverDouble, tmp_path: Path) -> None:
    shop.sell(5)
    shop.clock.pass_time(86_400)
    start = shop.now() + timedelta(minutes=6)
    shop.clock.pass_time(360)
    new = shop.sell(2)
    book = Notebook().walk(source(shop, tmp_path, start).fetch(None))
    assert set(book.sales) == {f"till:{key}" for key in new}


def test_37_a_bill_that_is_half_paid_is_open_with_what_is_left() -> None:
    order = {
        "id": "HALF",
        "currency": "USD",
        "state": "locked",
        "paymentState": "PARTIALLY_PAID",
        "total": 3000,
        "createdTime": 1795000000000,
        "lineItems": {"elements": [{"id": "L1", "name": "Dinner", "price": 3000}]},
        "payments": {"elements": [{"id": "P1", "amount": 1000, "result": "SUCCESS", "createdTime": 1795000000000}]},
    }
    found = found_in(order)
    assert (found.order.status, found.order.total_inc_tax) == (SaleStatus.OPEN, Decimal(30))
    assert found.order.balance_due == Decimal(20)
    assert check_balance(found.order) == ()
