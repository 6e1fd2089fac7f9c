"""An exchange as each POS tells it: a shirt of 21.60 comes back, and a jacket that costs more, as much or less is taken instead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from syncd.canonical import Batch, CanonicalOrder, check_balance
from syncd.canonical.kinds import TenderKind
from syncd.canonical.money import total
from syncd.sources import SourceContext
from syncd.sources.clover.reading import CloverReferenceData
from syncd.sources.clover.reading import read_order as read_clover
from syncd.sources.jsonl import parse_line
from syncd.sources.lightspeed_x.reading import LightspeedOutlet, LightspeedReferenceData, read_sale
from syncd.sources.odoo.reading import OdooReferenceData
from syncd.sources.odoo.reading import read_order as read_odoo
from syncd.sources.poslog.settings import PosLogSettings
from syncd.sources.poslog.source import PosLogSource
from syncd.sources.records import ParsedSale, ParseResult
from syncd.sources.shopify_pos.reading import read_order as read_shopify
from syncd.sources.square.reading import SquareLocation as SquarePlace
from syncd.sources.square.reading import SquareReferenceData
from syncd.sources.square.reading import read_order as read_square
from syncd.testing.clocks import ManualClock
from tests.poslog_files import paid, poslog, sold, totals, transaction

AT = "2026-11-20T16:15:00Z"
SHIRT = Decimal(20), Decimal("21.60")
PRICES = {"more": (Decimal(50), Decimal(54)), "even": SHIRT, "less": (Decimal(10), Decimal("10.80"))}
Parts = Sequence[CanonicalOrder]


def net(price: str) -> tuple[Decimal, Decimal]:
    """What the exchange comes to, with tax, and the tax within it."""
    ex_tax, inc_tax = PRICES[price]
    return inc_tax - SHIRT[1], inc_tax - ex_tax - Decimal("1.60")


def parts(read: ParseResult) -> Parts:
    assert isinstance(read, ParsedSale)
    assert read.hold == ""
    return Batch((read.order,), (), None).orders


def of_square(price: str, _: Path) -> Parts:
    def money(amount: Decimal) -> dict[str, Any]:
        return {"amount": int(amount * 100), "currency": "USD"}

    ex_tax, inc_tax = PRICES[price]
    whole, tax = net(price)
    jacket = {"uid": "j", "name": "Jacket", "quantity": "1", "total_money": money(inc_tax)}
    back = {
        "uid": "b",
        "name": "Shirt",
        "quantity": "1",
        "total_money": money(SHIRT[1]),
        "total_tax_money": money(Decimal("1.6")),
    }
    document = {
        "id": "ex",
        "location_id": "L1",
        "state": "COMPLETED",
        "closed_at": AT,
        "line_items": [jacket | {"total_tax_money": money(inc_tax - ex_tax)}],
        "returns": [{"source_order_id": "o1", "return_line_items": [back | {"source_line_item_uid": "l1"}]}],
        "net_amounts": {"total_money": money(whole), "tax_money": money(tax)},
        "tenders": [{"id": "t", "type": "CASH", "amount_money": money(whole), "created_at": AT}] if whole > 0 else [],
        "refunds": [{"id": "r", "status": "COMPLETED", "amount_money": money(-whole)}] if whole < 0 else [],
    }
    place = SquarePlace("L1", "Main", UTC, "USD")
    return parts(read_square(document, SquareReferenceData({"L1": place}), "till", ()))


def of_lightspeed(price: str, _: Path) -> Parts:
    ex_tax, inc_tax = PRICES[price]
    whole, tax = net(price)

    def item(name: str, quantity: int, sums: tuple[Decimal, Decimal]) -> dict[str, Any]:
        taxes = {"price_total": sums[0] * quantity, "tax_total": (sums[1] - sums[0]) * quantity}
        return {"id": name, "product_id": name, "quantity": quantity, **taxes}

    document = {
        "id": "ex",
        "outlet_id": "O1",
        "status": "CLOSED",
        "sale_date": AT,
        "return_for": "o1",
        "total_price_incl": whole,
        "total_tax": tax,
        "line_items": [item("Shirt", -1, SHIRT), item("Jacket", 1, (ex_tax, inc_tax))],
        "payments": [{"id": "p", "payment_type_id": "1", "name": "Cash", "amount": whole}] if whole else [],
    }
    names = {name: {"name": name} for name in ("Shirt", "Jacket")}
    return parts(
        read_sale(
            document,
            LightspeedReferenceData({"O1": LightspeedOutlet("Main", UTC, "USD")}, products=names),
            "till",
            None,
            (),
        )
    )


def of_odoo(price: str, _: Path) -> Parts:
    whole, tax = net(price)

    def line(number: int, name: str, quantity: int, sums: tuple[Decimal, Decimal], **more: Any) -> dict[str, Any]:
        sides = {"price_subtotal": sums[0] * quantity, "price_subtotal_incl": sums[1] * quantity}
        return {"id": number, "full_product_name": name, "product_id": [number, name], "qty": quantity, **sides, **more}

    document = {
        "id": 7,
        "state": "paid",
        "date_order": "2026-11-20 16:15:00",
        "amount_total": whole,
        "amount_tax": tax,
        "amount_paid": whole,
        "lines": [line(1, "Shirt", -1, SHIRT, refunded_orderline_id=[31, "x"]), line(2, "Jacket", 1, PRICES[price])],
        "payments": [{"id": 1, "payment_method_id": [1, "Cash"], "amount": whole}] if whole else [],
    }
    (sale, *returns) = parts(read_odoo(document, OdooReferenceData("USD", originals={31: "o1"}), "till"))  # type: ignore[dict-item]
    return [sale, *returns]


def of_poslog(price: str, folder: Path) -> Parts:
    whole, tax = net(price)
    link = "<TransactionLink><TransactionID>o1</TransactionID><LineItemSequenceNumber>1</LineItemSequenceNumber></TransactionLink>"
    lines = sold(1, "21.60", kind="Return", sku="Shirt", more=f"<Tax><Amount>1.60</Amount></Tax>{link}")
    ex_tax, inc_tax = PRICES[price]
    lines += sold(2, str(inc_tax), sku="Jacket", more=f"<Tax><Amount>{inc_tax - ex_tax}</Amount></Tax>")
    if whole:
        lines += paid(str(abs(whole)), code="Sale" if whole > 0 else "Refund")
    path = folder / "day.xml"
    path.write_text(poslog(transaction(7, lines + totals(str(whole), str(tax)))))
    source = PosLogSource(
        PosLogSettings.model_validate({"path": folder, "settle": "0s"}), SourceContext("till", ManualClock(), folder)
    )
    (batch,) = [one for one in source.read_file(path) if one.orders or one.faults]
    assert batch.faults == ()
    return batch.orders


def of_shopify(price: str, _: Path) -> Parts:
    """The new goods are lines of the same order, and what came back is a refund of less money than it is worth."""
    ex_tax, inc_tax = PRICES[price]
    whole, _tax = net(price)

    def money(amount: Decimal) -> dict[str, Any]:
        return {"shopMoney": {"amount": str(amount), "currencyCode": "USD"}}

    def line(number: int, name: str, sums: tuple[Decimal, Decimal]) -> dict[str, Any]:
        tax = {"title": "Tax", "ratePercentage": Decimal(8), "priceSet": money(sums[1] - sums[0])}
        return {
            "id": f"gid://shopify/LineItem/{number}",
            "title": name,
            "quantity": 1,
            "currentQuantity": number - 1,
            "originalUnitPriceSet": money(sums[0]),
            "taxLines": [tax],
        }

    moved = {"lineItem": {"id": "gid://shopify/LineItem/1"}, "quantity": 1, "subtotalSet": money(SHIRT[0])}
    moves = [{"kind": "REFUND", "status": "SUCCESS", "amountSet": money(-whole)}] if whole < 0 else []
    document = {
        "legacyResourceId": "ex",
        "sourceName": "pos",
        "displayFinancialStatus": "PARTIALLY_REFUNDED",
        "processedAt": AT,
        "currencyCode": "USD",
        "totalPriceSet": money(SHIRT[1] + inc_tax),
        "totalTaxSet": money(Decimal("1.60") + inc_tax - ex_tax),
        "lineItems": {"nodes": [line(1, "Shirt", SHIRT), line(2, "Jacket", (ex_tax, inc_tax))]},
        "transactions": [
            {
                "id": f"gid://shopify/OrderTransaction/{n}",
                "kind": "SALE",
                "status": "SUCCESS",
                "gateway": "cash",
                "amountSet": money(one),
            }
            for n, one in enumerate([SHIRT[1], max(whole, Decimal(0))])
            if one
        ],
        "refunds": [
            {
                "id": "gid://shopify/Refund/5",
                "totalRefundedSet": money(max(-whole, Decimal(0))),
                "refundLineItems": {"nodes": [moved | {"totalTaxSet": money(Decimal("1.60"))}]},
                "transactions": {"nodes": moves},
            }
        ],
    }
    return parts(read_shopify(document, "till", ("pos",)))


def of_clover(price: str, _: Path) -> Parts:
    """The exchanged line stays in the order, and no payment holds its worth a second time."""
    ex_tax, inc_tax = PRICES[price]
    whole, _tax = net(price)

    def line(name: str, sums: tuple[Decimal, Decimal], **more: Any) -> dict[str, Any]:
        rates = {"elements": [{"rate": 800_000}]}
        return {"id": name, "item": {"id": name}, "name": name, "price": int(sums[0] * 100), "taxRates": rates, **more}

    payments = [(SHIRT[1], Decimal("1.60"))] + ([(whole, inc_tax - ex_tax - Decimal("1.60"))] if whole > 0 else [])
    document = {
        "id": "ex",
        "currency": "USD",
        "state": "locked",
        "createdTime": 1_764_000_000_000,
        "lineItems": {"elements": [line("Shirt", SHIRT, exchanged=True), line("Jacket", (ex_tax, inc_tax))]},
        "payments": {
            "elements": [
                {"id": f"P{n}", "amount": int(amount * 100), "taxAmount": int(tax * 100), "result": "SUCCESS"}
                for n, (amount, tax) in enumerate(payments)
            ]
        },
        "refunds": {
            "elements": [{"id": "R", "amount": int(-whole * 100), "taxAmount": int(-net(price)[1] * 100)}]
            if whole < 0
            else []
        },
    }
    return parts(read_clover(document, CloverReferenceData("MID1"), "till", ()))


def of_jsonl(price: str, _: Path) -> Parts:
    ex_tax, inc_tax = PRICES[price]
    whole, tax = net(price)
    back = {"line_id": "1", "name": "Shirt", "quantity": "-1", "total_ex_tax": "-20.00", "total_inc_tax": "-21.60"}
    jacket = {"line_id": "2", "name": "Jacket", "total_ex_tax": str(ex_tax), "total_inc_tax": str(inc_tax)}
    document = CanonicalOrder.model_validate(
        {
            "source": "till",
            "sale_id": "ex",
            "placed_at": AT,
            "currency": "USD",
            "lines": [back | {"origin": {"sale_id": "o1"}}, jacket],
            "tenders": [{"kind": "cash", "label": "Cash", "amount": str(whole)}],
            "total_inc_tax": str(whole),
            "total_tax": str(tax),
        }
    ).to_json()
    order = parse_line(document.encode(), ("till", "till"), "a.jsonl:1")
    assert isinstance(order, CanonicalOrder)
    return Batch((order,), (), None).orders


APART: dict[str, Callable[[str, Path], Parts]] = {
    "square": of_square,
    "lightspeed_x": of_lightspeed,
    "odoo": of_odoo,
    "poslog": of_poslog,
    "jsonl": of_jsonl,
}
TOGETHER: dict[str, Callable[[str, Path], Parts]] = {"shopify_pos": of_shopify, "clover": of_clover}


def moved(orders: Parts) -> Decimal:
    """The money that moved: every tender but the credit of the exchange itself, and what refunds gave back."""
    paid_in = total(one.amount for order in orders for one in order.tenders if one.kind is not TenderKind.EXCHANGE)
    given = [refund for order in orders for refund in order.refunded]
    credit = -total(one.amount for refund in given for one in refund.tenders if one.kind is TenderKind.EXCHANGE)
    return paid_in - total(refund.amount_inc_tax for refund in given) + credit


@pytest.mark.parametrize("price", PRICES)
@pytest.mark.parametrize("source", APART)
def test_an_exchange_that_is_a_document_of_its_own_is_a_sale_and_a_return(
    source: str, price: str, tmp_path: Path
) -> None:
    new, returned = orders = APART[source](price, tmp_path)
    assert ([line.name.split()[0] for line in new.lines], new.total_inc_tax) == (["Jacket"], PRICES[price][1])
    assert new.total_inc_tax - new.total_tax == PRICES[price][0]
    original = "till:300-o1" if source == "poslog" else "till:o1"  # a POSLog's ids begin with the store's
    assert (returned.returns_of, returned.total_inc_tax, returned.total_tax) == (original, -SHIRT[1], Decimal("-1.60"))
    assert (moved(orders), [check_balance(one) for one in orders]) == (net(price)[0], [(), ()])


@pytest.mark.parametrize("price", PRICES)
@pytest.mark.parametrize("source", TOGETHER)
def test_an_exchange_within_the_order_itself_is_a_sale_of_both_with_a_refund(
    source: str, price: str, tmp_path: Path
) -> None:
    (order,) = orders = TOGETHER[source](price, tmp_path)
    assert [(line.name, line.total_inc_tax) for line in order.lines] == [
        ("Shirt", SHIRT[1]),
        ("Jacket", PRICES[price][1]),
    ]
    assert total(refund.amount_inc_tax for refund in order.refunded) == SHIRT[1]
    assert (order.status.value, check_balance(order)) == ("partially_refunded", ())
    assert order.total_tax == Decimal("1.60") + PRICES[price][1] - PRICES[price][0]
    assert moved(orders) == SHIRT[1] + net(price)[0]
