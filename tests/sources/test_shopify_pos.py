"""What Shopify POS sends, as sales: recorded and reconstructed orders, and what goes wrong between."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from syncd.canonical import CanonicalOrder
from syncd.canonical.balance import check_balance
from syncd.canonical.kinds import Fulfilment, RefundStatus, SaleStatus
from syncd.sources.capabilities import Delivery, Received
from syncd.sources.context import Memory, SourceContext
from syncd.sources.errors import Forged, SourceAccessDenied
from syncd.sources.records import Excluded, ParsedSale
from syncd.sources.shopify_pos.reading import read_order
from syncd.sources.shopify_pos.source import ShopifySource
from syncd.testing.contract import Notebook
from syncd.testing.double import CannedAnswer, exact
from tests.doubles.shopify_pos import ShopifyDouble, usd
from tests.shared import SAMPLES, needs_samples

_EVER = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def shop() -> Iterator[ShopifyDouble]:
    with ShopifyDouble() as double:
        yield double


def source(shop: ShopifyDouble, tmp_path: Path, start: datetime = _EVER, **settings: Any) -> ShopifySource:
    shop.extra_settings = settings
    context = SourceContext("till", shop.clock, tmp_path, threading.Event(), Memory(), lambda: start)
    return ShopifySource(shop.settings(), context)


def read(order: Mapping[str, Any]) -> CanonicalOrder:
    found = read_order(order, "till", ("pos",), ZoneInfo("America/Chicago"))
    assert isinstance(found, ParsedSale)
    return found.order


def an_order(shop: ShopifyDouble, **changes: Any) -> dict[str, Any]:
    (key,) = shop.sell(1)
    document: dict[str, Any] = exact(shop.document(key, shop.made[key]))
    return document | changes


@needs_samples
def test_a_sale_with_discounts_tip_and_a_refund_in_part_is_read_to_the_cent() -> None:
    text = (SAMPLES / "shopify-pos" / "reconstructed-graphql-orders-page.json").read_text()
    (document,) = json.loads(text, parse_float=Decimal)["data"]["orders"]["nodes"]
    order = read(document)
    assert (order.total_inc_tax, order.total_tax, order.number) == (Decimal("39.02"), Decimal("2.52"), "#1001")
    assert [line.total_inc_tax for line in order.lines] == [Decimal("29.16"), Decimal("4.86")]
    assert [line.kind for line in order.lines] == ["product", "custom"]
    (refund,) = order.refunds
    assert (refund.amount_inc_tax, refund.amount_tax, refund.lines[0].line_id) == (
        Decimal("14.58"),
        Decimal("1.08"),
        "9001",
    )
    assert order.status is SaleStatus.PARTIALLY_REFUNDED
    assert order.placed_at == datetime(2026, 3, 7, 17, 59, 41, tzinfo=ZoneInfo("America/Chicago"))
    assert check_balance(order) == ()


@needs_samples
def test_recorded_webhooks_name_their_orders(shop: ShopifyDouble, tmp_path: Path) -> None:
    till = source(shop, tmp_path, webhook={"secret": SecretStr("app-secret")})
    for name, topic in (
        ("webhook-orders-pos-sale", "orders/paid"),
        ("webhook-refunds-create-partial", "refunds/create"),
    ):
        body = (SAMPLES / "shopify-pos" / f"{name}.json").read_bytes()
        document = json.loads(body)
        proof = base64.b64encode(hmac.new(b"app-secret", body, hashlib.sha256).digest()).decode()
        good = Delivery({"x-shopify-hmac-sha256": proof, "x-shopify-topic": topic}, body)
        wanted = document["order_id"] if "order_id" in document else document["id"]
        assert till.receive(good) == Received(sales=(str(wanted),), poll=False)
        with pytest.raises(Forged):
            till.receive(Delivery(good.headers, body + b" "))


def test_taxes_that_are_rounded_line_by_line_give_way_to_the_orders_own(shop: ShopifyDouble) -> None:
    document = an_order(shop)
    tax = Decimal(document["totalTaxSet"]["shopMoney"]["amount"]) + Decimal("0.01")
    whole = Decimal(document["totalPriceSet"]["shopMoney"]["amount"]) + Decimal("0.01")
    payment = {**document["transactions"][0], "amountSet": usd(float(whole))}
    order = read(
        document | {"totalTaxSet": usd(float(tax)), "totalPriceSet": usd(float(whole)), "transactions": [payment]}
    )
    assert (order.total_tax, check_balance(order)) == (tax, ())


def test_included_taxes_cash_rounding_and_change_add_up(shop: ShopifyDouble) -> None:
    line = {
        "id": "gid://shopify/LineItem/1",
        "title": "Mug",
        "quantity": 1,
        "variant": {"id": "x"},
        "originalUnitPriceSet": usd(11.02),
        "taxLines": [{"title": "GST", "ratePercentage": 10, "priceSet": usd(1.00)}],
    }
    cash = {"id": "t/1", "kind": "SALE", "status": "SUCCESS", "gateway": "cash", "amountSet": usd(20.00)}
    change = {"id": "t/2", "kind": "CHANGE", "status": "SUCCESS", "gateway": "cash", "amountSet": usd(9.00)}
    failed = {"id": "t/3", "kind": "SALE", "status": "FAILURE", "gateway": "cash", "amountSet": usd(11.00)}
    order = read(
        an_order(
            shop,
            taxesIncluded=True,
            lineItems={"nodes": [line]},
            totalPriceSet=usd(11.02),
            totalTaxSet=usd(1.00),
            totalTipReceivedSet=usd(0),
            totalCashRoundingAdjustment={"paymentSet": usd(-0.02)},
            transactions=[failed, cash, change],
        )
    )
    assert (order.total_inc_tax, order.rounding, order.prices_include_tax) == (Decimal("11.00"), Decimal("-0.02"), True)
    (tender,) = order.tenders
    assert (tender.amount, tender.tendered, tender.change) == (Decimal(11), Decimal(20), Decimal(9))
    assert check_balance(order) == ()


def test_what_is_sent_home_has_its_address_its_method_and_its_charge(shop: ShopifyDouble) -> None:
    document = an_order(shop)
    whole = float(document["totalPriceSet"]["shopMoney"]["amount"]) + 5
    address = {
        "firstName": "Amelia",
        "address1": "1 Lane",
        "city": "Austin",
        "province": "Texas",
        "countryCodeV2": "US",
    }
    order = read(
        document
        | {
            "shippingAddress": address,
            "shippingLines": {"nodes": [{"title": "Courier", "discountedPriceSet": usd(5), "taxLines": []}]},
            "totalPriceSet": usd(whole),
            "transactions": [{**document["transactions"][0], "amountSet": usd(whole)}],
        }
    )
    assert (order.fulfilment, order.shipping_method) == (Fulfilment.SHIP, "Courier")
    assert order.shipping is not None
    assert order.shipping.street_1 == "1 Lane"
    assert order.fees[0].kind == "delivery"
    assert check_balance(order) == ()


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"cancelledAt": "2026-11-23T12:00:00Z"}, SaleStatus.VOIDED),
        ({"displayFinancialStatus": "VOIDED"}, SaleStatus.VOIDED),
        ({"displayFinancialStatus": "PARTIALLY_PAID"}, SaleStatus.OPEN),
        ({"displayFinancialStatus": "PAID"}, SaleStatus.COMPLETED),
    ],
)
def test_every_standing_has_its_status(changes: dict[str, Any], status: SaleStatus, shop: ShopifyDouble) -> None:
    assert read(an_order(shop, **changes)).status is status


def test_web_orders_stay_where_they_are_and_test_orders_are_training(shop: ShopifyDouble) -> None:
    assert read_order(an_order(shop, sourceName="web"), "till", ("pos",)) == Excluded("orders of web")
    assert isinstance(read_order(an_order(shop, sourceName="web"), "till", ("any",)), ParsedSale)
    assert read(an_order(shop, test=True)).training


def test_refunds_that_are_on_their_way_or_failed_give_nothing_back(shop: ShopifyDouble) -> None:
    move = {"kind": "REFUND", "status": "PENDING", "amountSet": usd(1)}
    refund = {"id": "gid://shopify/Refund/1", "totalRefundedSet": usd(1), "transactions": {"nodes": [move]}}
    order = read(an_order(shop, refunds=[refund]))
    assert (order.refunds[0].status, order.status) == (RefundStatus.PENDING, SaleStatus.COMPLETED)
    failed = read(an_order(shop, refunds=[refund | {"transactions": {"nodes": [move | {"status": "FAILURE"}]}}]))
    assert failed.refunds[0].status is RefundStatus.FAILED


def test_orders_of_many_lines_and_refunds_are_asked_for_to_the_end(shop: ShopifyDouble, tmp_path: Path) -> None:
    (key,) = shop.sell(1)
    document = shop.document(key, shop.made[key])
    line = {**document["lineItems"]["nodes"][0], "quantity": 1, "discountAllocations": [], "totalDiscountSet": usd(0)}
    line |= {"originalUnitPriceSet": usd(1), "taxLines": []}
    lines = [{**line, "id": f"gid://shopify/LineItem/{number}"} for number in range(45)]
    moved = {"lineItem": {"id": lines[3]["id"]}, "quantity": 1, "subtotalSet": usd(1), "totalTaxSet": usd(0)}
    refund = {
        "id": "gid://shopify/Refund/1",
        "legacyResourceId": "1",
        "createdAt": "2026-11-23T12:00:00Z",
        "totalRefundedSet": usd(1),
        "refundLineItems": {"nodes": [moved]},
        "transactions": {"nodes": [{"kind": "REFUND", "status": "SUCCESS", "amountSet": usd(1)}]},
    }
    shop.made[key]["changes"] = {
        "lineItems": {"nodes": lines},
        "totalPriceSet": usd(45),
        "totalTaxSet": usd(0),
        "totalTipReceivedSet": usd(0),
        "transactions": [{**document["transactions"][0], "amountSet": usd(45)}],
        "refunds": [refund],
    }
    order = Notebook().walk(source(shop, tmp_path).fetch(None)).sales[f"till:{key}"]
    assert (len(order.lines), order.status, check_balance(order)) == (45, SaleStatus.PARTIALLY_REFUNDED, ())
    assert order.refunds[0].lines[0].line_id == "3"


def test_a_bucket_that_is_empty_is_waited_for_and_never_spilt(shop: ShopifyDouble, tmp_path: Path) -> None:
    shop.sell(60)
    shop.unlimited, shop.page = False, 2
    said: list[str] = []
    answer = shop.answer

    def spy(asked: Any) -> CannedAnswer:
        found = answer(asked)
        said.append("throttled" if "errors" in found.document else "well")
        return found

    shop.answer = spy  # type: ignore[method-assign]  # to see what it answers
    before = shop.clock.elapsed().seconds
    assert len(Notebook().walk(source(shop, tmp_path).fetch(None)).sales) == 60
    assert shop.clock.elapsed().seconds - before > 5  # 31 queries of 60 points, 1,000 at hand, 100 a second
    assert "throttled" not in said


def test_names_come_along_in_the_shops_own_zone(shop: ShopifyDouble, tmp_path: Path) -> None:
    shop.sell(5)
    till = source(shop, tmp_path, staff=True)
    orders = [order for batch in till.fetch(None) for order in batch.orders]
    first = orders[0]
    assert (first.cashier and first.cashier.name, first.location and first.location.name) == (
        "Ada Till",
        "Example Store",
    )
    assert (first.register and first.register.id, first.placed_at.tzinfo) == ("801-1", ZoneInfo("America/Chicago"))
    assert [order.customer.email for order in orders if order.customer] == ["amelia@example.com"]
    without = [order for batch in source(shop, tmp_path, customers=False).fetch(None) for order in batch.orders]
    assert all(order.customer is None and order.cashier is None for order in without)


def test_a_backfill_beyond_what_the_app_may_see_is_refused_and_not_cut_off_in_silence(
    shop: ShopifyDouble, tmp_path: Path
) -> None:
    shop.scopes = ["read_orders"]
    till = source(shop, tmp_path)
    with pytest.raises(SourceAccessDenied, match="60 days") as told:
        list(till.fetch_range(shop.now() - timedelta(days=61), shop.now()))
    assert "read_all_orders" in told.value.cure
    list(till.fetch_range(shop.now() - timedelta(days=59), shop.now()))
    assert [finding.level for finding in till.check()] == ["ok", "warning"]
    shop.scopes = []
    assert [finding.level for finding in till.check()] == ["ok", "error"]


def test_a_field_that_the_token_may_not_see_is_told_with_its_cure(shop: ShopifyDouble, tmp_path: Path) -> None:
    problem = {"message": "Access denied for customer field.", "extensions": {"code": "ACCESS_DENIED"}}
    shop.next = [None, CannedAnswer(200, {"data": None, "errors": [problem]})]
    with pytest.raises(SourceAccessDenied, match="Access denied for customer") as told:
        list(source(shop, tmp_path).fetch(None))
    assert "customers = false" in told.value.cure


def test_a_shop_that_sells_nothing_costs_one_question_a_poll(shop: ShopifyDouble, tmp_path: Path) -> None:
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
