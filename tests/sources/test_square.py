"""What Square sends, as sales: real and reconstructed documents, and what goes wrong between."""

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

from syncd.canonical import Batch, CanonicalOrder
from syncd.canonical.balance import check_balance
from syncd.canonical.kinds import SaleStatus, TenderStatus
from syncd.errors import SourceError
from syncd.sources.capabilities import Delivery, Received
from syncd.sources.context import Memory, SourceContext
from syncd.sources.errors import Forged, SourceAccessDenied
from syncd.sources.records import Excluded, NotReady, ParsedSale, Unreadable
from syncd.sources.square.reading import SquareLocation, SquareReferenceData, read_order
from syncd.sources.square.source import SquareSource
from syncd.testing.contract import Notebook
from syncd.testing.double import CannedAnswer
from tests.doubles.square import LOCATION, SquareDouble, usd
from tests.shared import SAMPLES, needs_samples

_CHICAGO = SquareLocation("LOC-US-1", "Main Street", ZoneInfo("America/Chicago"), "USD")
_AROUND = SquareReferenceData({"LOC-US-1": _CHICAGO})
_EVER = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def square() -> Iterator[SquareDouble]:
    with SquareDouble() as double:
        yield double


def source(square: SquareDouble, tmp_path: Path, start: datetime = _EVER, **settings: Any) -> SquareSource:
    square.extra_settings = settings
    context = SourceContext("till", square.clock, tmp_path, threading.Event(), Memory(), lambda: start)
    return SquareSource(square.settings(), context)


def samples() -> dict[str, dict[str, Any]]:
    text = (SAMPLES / "square-api" / "reconstructed-search-orders-sale-return.json").read_text()
    return {order["id"]: order for order in json.loads(text, parse_float=Decimal)["orders"]}


def read(order: Mapping[str, Any], around: SquareReferenceData = _AROUND) -> CanonicalOrder:
    found = read_order(order, around, "till", ("BigCommerce",))
    assert isinstance(found, ParsedSale), found
    return found.order


def an_order(**changes: Any) -> dict[str, Any]:
    line = {
        "uid": "l1",
        "name": "Mug",
        "quantity": "1",
        "item_type": "ITEM",
        "base_price_money": usd(1000),
        "total_tax_money": usd(80),
        "total_money": usd(1080),
    }
    tender = {"id": "p1", "type": "CASH", "amount_money": usd(1080), "created_at": "2026-11-20T16:15:00Z"}
    order = {
        "id": "o1",
        "location_id": "LOC-US-1",
        "state": "COMPLETED",
        "created_at": "2026-11-20T16:14:00Z",
        "updated_at": "2026-11-20T16:15:01.5Z",
        "closed_at": "2026-11-20T16:15:01Z",
        "line_items": [line],
        "tenders": [tender],
        "total_money": usd(1080),
        "total_tax_money": usd(80),
    }
    return {name: value for name, value in {**order, **changes}.items() if value is not None}


# The samples


@needs_samples
def test_a_sale_keeps_its_lines_discounts_taxes_tip_and_card_to_the_cent() -> None:
    order = read(samples()["RECON-SALE-0001"])
    assert (order.total_inc_tax, order.total_tax) == (Decimal("39.02"), Decimal("2.52"))
    assert [(line.name, line.quantity, line.total_inc_tax, line.total_ex_tax) for line in order.lines] == [
        ("Crew T-Shirt", Decimal(2), Decimal("29.16"), Decimal("27.00")),
        ("Custom amount", Decimal(1), Decimal("4.86"), Decimal("4.50")),
    ]
    assert order.lines[0].discounts[0].name == "10% off"
    assert [(fee.kind, fee.total_inc_tax) for fee in order.fees] == [("tip", Decimal("5.00"))]
    (tender,) = order.tenders
    assert (tender.kind, tender.label, tender.card_last4, tender.amount) == ("card", "Visa", "0000", Decimal("39.02"))
    assert order.placed_at == datetime(2026, 3, 7, 17, 59, 41, tzinfo=ZoneInfo("America/Chicago"))
    assert check_balance(order) == ()


@needs_samples
def test_a_return_is_a_sale_of_its_own_that_names_its_original() -> None:
    (order,) = Batch((read(samples()["RECON-RETURN-0002"]),), (), None).orders
    assert (order.total_inc_tax, order.total_tax, order.returns_of) == (
        Decimal("-14.58"),
        Decimal("-1.08"),
        "till:RECON-SALE-0001",
    )
    (line,) = order.lines
    assert (line.quantity, line.total_inc_tax) == (Decimal(-1), Decimal("-14.58"))
    assert line.origin is not None
    assert (line.origin.sale_id, line.origin.line_id) == ("RECON-SALE-0001", "li-1")
    assert check_balance(order) == ()


@needs_samples
def test_a_return_whose_refund_is_on_its_way_waits_and_one_whose_refund_failed_gave_nothing_back() -> None:
    order = samples()["RECON-RETURN-0003"]
    assert read(order).status is SaleStatus.OPEN
    for said, status in (
        ("APPROVED", SaleStatus.COMPLETED),
        ("REJECTED", SaleStatus.VOIDED),
        ("FAILED", SaleStatus.VOIDED),
    ):
        assert read({**order, "refunds": [{**order["refunds"][0], "status": said}]}).status is status


@needs_samples
def test_the_vendors_own_examples_are_read_without_a_fault() -> None:
    for name in ("CreateOrderResponse", "RetrieveOrderResponse"):
        order = json.loads((SAMPLES / "square-api" / f"{name}.json").read_text())["order"]
        around = SquareReferenceData({str(order["location_id"]): _CHICAGO})
        found = read(order, around)
        assert (found.total_inc_tax, check_balance(found)) == (Decimal(order["total_money"]["amount"]) / 100, ())


@needs_samples
@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("PaymentUpdatedEvent", "03O3USaPaAaFnI6kkwB1JxGgBsUZY"),
        ("RefundCreatedEvent", "haOyDuHiqtAXMk0d8pDKXpL7Jg4F"),
        ("OrderCreatedEvent", "eA3vssLHKJrv9H0IdJCM3gNqfdcZY"),
    ],
)
def test_the_vendors_own_events_name_their_orders_once_their_signature_is_right(
    name: str, order: str, square: SquareDouble, tmp_path: Path
) -> None:
    url = "https://shop.example.com/intake/till"
    till = source(square, tmp_path, webhook={"signature_key": SecretStr("the-key"), "url": url})
    body = (SAMPLES / "square-api" / f"{name}.json").read_bytes()
    proof = base64.b64encode(hmac.new(b"the-key", url.encode() + body, hashlib.sha256).digest()).decode()
    assert till.receive(Delivery({"x-square-hmacsha256-signature": proof}, body)) == Received(
        sales=(order,), poll=False
    )
    for headers in ({}, {"x-square-hmacsha256-signature": proof[::-1]}):
        with pytest.raises(Forged):
            till.receive(Delivery(headers, body))


# What an order may be


def test_what_is_no_sale_is_left_out_with_its_reason() -> None:
    drawer = an_order(line_items=None, tenders=[{"id": "p", "type": "NO_SALE", "amount_money": usd(0)}])
    for order, why in (
        (drawer, "drawer openings"),
        (an_order(state="DRAFT"), "drafts"),
        (an_order(source={"name": "BigCommerce for Square"}), "sales made by BigCommerce for Square"),
    ):
        assert read_order(order, _AROUND, "till", ("BigCommerce",)) == Excluded(why)


def test_an_order_without_its_lines_yet_is_not_ready() -> None:
    assert read_order(an_order(line_items=None), _AROUND, "till", ()) == NotReady()


def test_open_and_cancelled_orders_say_so() -> None:
    assert read(an_order(state="OPEN", tenders=None)).is_open
    assert read(an_order(state="CANCELED", tenders=None)).status is SaleStatus.VOIDED


def test_yen_have_no_decimals() -> None:
    yen = {"amount": 1080, "currency": "JPY"}
    line = {
        "uid": "l",
        "name": "Cup",
        "quantity": "1",
        "total_money": yen,
        "total_tax_money": {"amount": 80, "currency": "JPY"},
    }
    tender = {"id": "p", "type": "CASH", "amount_money": yen, "created_at": "2026-11-20T16:15:00Z"}
    order = read(
        an_order(line_items=[line], tenders=[tender], total_money=yen, total_tax_money=line["total_tax_money"])
    )
    assert (order.currency, order.total_inc_tax, order.total_tax) == ("JPY", Decimal(1080), Decimal(80))


def test_weights_units_cash_and_change_are_kept() -> None:
    item = an_order()["line_items"][0]
    unit = {"measurement_unit": {"weight_unit": "METRIC_KILOGRAM", "type": "TYPE_WEIGHT"}, "precision": 3}
    cash = {"buyer_tendered_money": usd(2000), "change_back_money": usd(920)}
    tender = {**an_order()["tenders"][0], "cash_details": cash}
    order = read(an_order(line_items=[{**item, "quantity": "0.450", "quantity_unit": unit}], tenders=[tender]))
    assert (order.lines[0].quantity, order.lines[0].unit) == (Decimal("0.450"), "kg")
    assert (order.tenders[0].tendered, order.tenders[0].change) == (Decimal(20), Decimal("9.20"))
    assert check_balance(order) == ()


def test_inclusive_tax_service_charges_rounding_and_failed_cards_add_up() -> None:
    item = an_order()["line_items"][0] | {"applied_taxes": [{"tax_uid": "t", "applied_money": usd(80)}]}
    charge = {
        "name": "Service",
        "total_money": usd(108),
        "total_tax_money": usd(8),
        "treatment_type": "LINE_ITEM_TREATMENT",
    }
    failed = {"id": "p0", "type": "CARD", "amount_money": usd(1190), "card_details": {"status": "FAILED"}}
    order = read(
        an_order(
            line_items=[item],
            taxes=[{"uid": "t", "name": "GST", "percentage": "8", "type": "INCLUSIVE"}],
            service_charges=[charge],
            rounding_adjustment={"amount_money": usd(2)},
            tenders=[failed, {**an_order()["tenders"][0], "amount_money": usd(1190)}],
            total_money=usd(1190),
            total_tax_money=usd(88),
        )
    )
    assert order.prices_include_tax
    assert order.lines[0].taxes[0].included
    assert [tender.status for tender in order.tenders] == [TenderStatus.FAILED, TenderStatus.CAPTURED]
    assert (order.rounding, check_balance(order)) == (Decimal("0.02"), ())


def test_an_apportioned_service_charge_is_not_charged_twice() -> None:
    charge = {"name": "Service", "applied_money": usd(100), "treatment_type": "APPORTIONED_TREATMENT"}
    order = read(an_order(service_charges=[charge]))
    assert (order.fees, check_balance(order)) == ((), ())


def test_an_exchange_holds_what_was_sold_and_what_came_back() -> None:
    back: dict[str, Any] = {"uid": "r1", "source_line_item_uid": "l9", "name": "Tee", "quantity": "1"}
    back |= {"total_money": usd(540), "total_tax_money": usd(40)}
    order = read(
        an_order(
            returns=[{"source_order_id": "o0", "return_line_items": [back]}],
            net_amounts={"total_money": usd(540), "tax_money": usd(40)},
            tenders=[{**an_order()["tenders"][0], "amount_money": usd(540)}],
        )
    )
    assert [(line.name, line.total_inc_tax) for line in order.lines] == [
        ("Mug", Decimal("10.80")),
        ("Tee", Decimal("-5.40")),
    ]
    assert (order.total_inc_tax, order.returns_of, check_balance(order)) == (Decimal("5.40"), None, ())


def test_goods_of_two_sales_that_come_back_at_once_are_a_return_of_each() -> None:
    back = {"uid": "r1", "quantity": "1", "total_money": usd(540), "total_tax_money": usd(40)}
    returns = [{"source_order_id": f"o{number}", "return_line_items": [back]} for number in (1, 2)]
    nets = {"total_money": usd(-1080), "tax_money": usd(-80)}
    order = read(an_order(line_items=None, returns=returns, tenders=None, net_amounts=nets))
    found = Batch((order,), (), None).orders
    assert [(one.sale_id, one.returns_of, one.total_inc_tax) for one in found] == [
        ("o1", "till:o1", Decimal("-5.40")),
        ("o1/return", "till:o2", Decimal("-5.40")),
    ]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"total_money": {"amount": "10", "currency": "USD"}}, "total_money is no amount of money"),
        (
            {"total_money": {"amount": 1080, "currency": "USD"}, "total_tax_money": {"amount": 80, "currency": "EUR"}},
            "is in EUR",
        ),
        ({"total_money": None}, "states no total"),
        ({"location_id": "L9"}, "location L9"),
        ({"state": "SOLD"}, "its state, 'SOLD', is none that Square documents"),
        ({"line_items": "many"}, "line_items is no list"),
        ({"tenders": None, "closed_at": None, "created_at": "yesterday"}, "it has no time"),
    ],
)
def test_what_is_not_as_squares_reference_says_is_told(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(an_order(**changes))


# The walk


def test_skus_staff_register_receipt_and_customer_come_along(square: SquareDouble, tmp_path: Path) -> None:
    square.sell(5)
    orders = [order for batch in source(square, tmp_path).fetch(None) for order in batch.orders]
    assert {line.sku for order in orders for line in order.lines} <= {"MUG-1", "TEE-M", None}
    first = orders[0]
    assert (first.cashier and first.cashier.name, first.register and first.register.name) == ("Ada Till", "Front till")
    assert first.number == "R1"
    assert [order.customer.email for order in orders if order.customer] == ["amelia@example.com"]


def test_a_sale_made_offline_and_uploaded_three_days_late_arrives_with_its_own_time(
    square: SquareDouble, tmp_path: Path
) -> None:
    till, book = source(square, tmp_path), Notebook()
    square.sell(6)
    book.walk(till.fetch(None))
    made = square.now() - timedelta(days=3)
    key = square.upload_late(made)
    square.sell(2)
    book.walk(till.fetch(book.cursor))
    assert abs(book.sales[f"till:{key}"].placed_at - made) < timedelta(seconds=1)


def test_an_edit_during_paging_arrives(square: SquareDouble, tmp_path: Path) -> None:
    ids = square.sell(12)
    pages = 0

    def edit(asked: Any) -> None:
        nonlocal pages
        if asked.path.endswith("/search") and "orders" in asked.path:
            pages += 1
            if pages == 2:
                square.edit(ids[0])
                square.edit(ids[9])

    square.on_answer = edit
    till, book = source(square, tmp_path), Notebook()
    for _ in range(2):
        book.walk(till.fetch(book.cursor))
    assert len(book.sales) == 12
    assert [book.sales[f"till:{ids[at]}"].lines[0].note for at in (0, 9, 1)] == ["x", "x", ""]


def test_an_order_that_the_search_shows_half_an_hour_late_arrives(square: SquareDouble, tmp_path: Path) -> None:
    till, book = source(square, tmp_path), Notebook()
    square.sell(3)
    (late,) = square.sell(1)
    square.made[late].shown_from = square.now() + timedelta(minutes=30)
    square.sell(3)
    for _ in range(4):
        book.walk(till.fetch(book.cursor))
        square.clock.pass_time(1200)
        square.sell(1)
    assert f"till:{late}" in book.sales


def test_an_order_whose_lines_are_not_there_yet_is_waited_for_and_then_told(
    square: SquareDouble, tmp_path: Path
) -> None:
    till, book = source(square, tmp_path), Notebook()
    ids = square.sell(4)
    square.made[ids[3]].changes["line_items"] = None
    square.clock.pass_time(600)  # more than the overlap
    ids += square.sell(1)
    book.walk(till.fetch(None))
    assert len(book.sales) == 4
    assert till.fetch_one(ids[3]) is None
    del square.made[ids[3]].changes["line_items"]
    book.walk(till.fetch(book.cursor))
    assert (len(book.sales), book.faults) == (5, [])
    square.made[ids[4]].changes |= {"line_items": None}
    square.edit(ids[4])
    book.walk(till.fetch(book.cursor))
    square.clock.pass_time(1000)
    book.walk(source(square, tmp_path).fetch(book.cursor))
    assert [fault.sale for fault in book.faults] == [ids[4]]


def test_every_location_is_walked_ten_at_a_time_and_one_that_opens_later_too(
    square: SquareDouble, tmp_path: Path
) -> None:
    square.locations = [{**LOCATION, "id": f"L{number}", "name": f"Shop {number}"} for number in range(13)]
    square.locations[12]["status"] = "INACTIVE"
    square.sell(26)
    sold = {key for key, made in square.made.items() if made.location != "L12"}
    till, book = source(square, tmp_path), Notebook()
    book.walk(till.fetch(None))
    assert set(book.sales) == {f"till:{key}" for key in sold}
    square.locations[12]["status"] = "ACTIVE"
    book.walk(source(square, tmp_path).fetch(book.cursor))
    assert len(book.sales) == 26


def test_locations_that_are_named_are_the_only_ones_and_one_that_is_wrong_is_told(
    square: SquareDouble, tmp_path: Path
) -> None:
    square.locations = [{**LOCATION, "id": name} for name in ("L1", "L2")]
    square.sell(4)
    orders = [order for batch in source(square, tmp_path, locations=("L2",)).fetch(None) for order in batch.orders]
    assert {order.location.id for order in orders if order.location} == {"L2"}
    wrong = source(square, tmp_path, locations=("L2", "L9"))
    with pytest.raises(SourceError, match="no active location L9"):
        list(wrong.fetch(None))
    assert [finding.what for finding in wrong.check() if finding.level == "error"] == ["there is no active location L9"]


def test_a_walk_begins_at_its_start_and_not_with_the_accounts_first_sale(square: SquareDouble, tmp_path: Path) -> None:
    square.sell(5)
    square.clock.pass_time(86_400)
    start = square.now()
    new = square.sell(2)
    book = Notebook().walk(source(square, tmp_path, start).fetch(None))
    assert set(book.sales) == {f"till:{key}" for key in new}


def test_a_shop_that_sells_nothing_costs_one_question_a_poll(square: SquareDouble, tmp_path: Path) -> None:
    till, book = source(square, tmp_path), Notebook()
    square.sell(3)
    for _ in range(3):
        book.walk(till.fetch(book.cursor))
    square.asked.clear()
    batches = book.batches
    for _ in range(10):
        square.clock.pass_time(30)
        book.walk(till.fetch(book.cursor))
    assert (len(square.asked), book.batches) == (10, batches)


@pytest.mark.parametrize(
    ("path", "what"), [("/v2/catalog", "skus"), ("/v2/customers", "customers"), ("/v2/team-members", "staff")]
)
def test_a_missing_scope_is_named_by_check_and_stops_no_walk_that_does_without_it(
    path: str, what: str, square: SquareDouble, tmp_path: Path
) -> None:
    square.barred = {path}
    square.sell(5)
    (told,) = (finding for finding in source(square, tmp_path).check() if finding.level == "error")
    assert f"{what} = false" in told.cure
    with pytest.raises(SourceAccessDenied, match="sufficient permissions"):
        list(source(square, tmp_path).fetch(None))
    settings: dict[str, Any] = {what: False}
    without = source(square, tmp_path, **settings)
    assert [finding for finding in without.check() if finding.level == "error"] == []
    assert len(Notebook().walk(without.fetch(None)).sales) == 5


def test_a_revoked_refresh_token_is_told_with_its_cure_and_a_new_one_in_the_config_is_used(
    square: SquareDouble, tmp_path: Path
) -> None:
    square.refresh = "first-refresh"
    memory = Memory()
    context = SourceContext("till", square.clock, tmp_path, threading.Event(), memory, lambda: _EVER)
    square.sell(2)
    assert len(Notebook().walk(SquareSource(square.settings(), context).fetch(None)).sales) == 2
    square.expire_token()
    square.refresh = "revoked-and-given-anew"
    with pytest.raises(SourceAccessDenied, match="could not be renewed") as told:
        list(SquareSource(square.settings(), context).fetch(None))
    assert told.value.cure == "Give syncd access again: syncd connect till"
    assert memory.get("oauth") is not None


def test_an_access_token_that_ends_in_mid_walk_is_renewed_and_the_walk_goes_on(
    square: SquareDouble, tmp_path: Path
) -> None:
    square.refresh = "first-refresh"
    square.sell(9)
    batches = source(square, tmp_path).fetch(None)
    found = len(next(batches).orders)
    square.expire_token()
    assert found + sum(len(batch.orders) for batch in batches) == 9


def test_an_answer_that_points_elsewhere_is_not_followed(square: SquareDouble, tmp_path: Path) -> None:
    square.next = [CannedAnswer(302, None, {"Location": "https://example.com/"})] * 9
    with pytest.raises(SourceError, match="not followed"):
        list(source(square, tmp_path).fetch(None))


def test_no_token_stands_in_what_a_source_shows(square: SquareDouble, tmp_path: Path) -> None:
    till = source(square, tmp_path)
    assert "token-of-the-double" not in repr(till.settings) + repr(till._api.http) + repr(till._api.http._auth)
