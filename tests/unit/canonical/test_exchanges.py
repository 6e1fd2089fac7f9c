"""An exchange is a refund and a new sale: goods at their own prices, what came back by the sale it came from, sums that hold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.canonical import Batch, CanonicalOrder, check_balance
from syncd.canonical.exchanges import parts_of
from syncd.canonical.kinds import SaleStatus, TenderKind
from syncd.canonical.money import ZERO, minor_unit, total
from syncd.testing.orders import sale

SHIRT = {"line_id": "1", "sku": "SHIRT", "name": "Shirt", "quantity": "-1"}
SHIRT |= {"total_ex_tax": "-20.00", "total_inc_tax": "-21.60"}
PRICES = {"more": ("50.00", "54.00"), "even": ("20.00", "21.60"), "less": ("10.00", "10.80")}


def jacket(price: str) -> dict[str, Any]:
    ex_tax, inc_tax = PRICES[price]
    return {"line_id": "2", "name": "Jacket", "quantity": "1", "total_ex_tax": ex_tax, "total_inc_tax": inc_tax}


def exchange(price: str = "more", shirt: dict[str, Any] = SHIRT, **changes: Any) -> CanonicalOrder:
    net = Decimal(PRICES[price][1]) - Decimal("21.60")
    tax = Decimal(PRICES[price][1]) - Decimal(PRICES[price][0]) - Decimal("1.60")
    fields: dict[str, Any] = {
        "sale_id": "ex",
        "lines": [shirt, jacket(price)],
        "total_inc_tax": str(net),
        "total_tax": str(tax),
        "tenders": [{"kind": "cash", "label": "Cash", "amount": str(net)}] if net else [],
    }
    return sale(**fields | changes)


def paid(part: CanonicalOrder) -> list[tuple[str, str]]:
    return [(tender.label, str(tender.amount.normalize())) for tender in part.tenders]


@pytest.mark.parametrize(
    ("price", "sold", "back"),
    [
        ("more", [("Exchange credit", "21.6"), ("Cash", "32.4")], [("Exchange credit", "-21.6")]),
        ("even", [("Exchange credit", "21.6")], [("Exchange credit", "-21.6")]),
        ("less", [("Exchange credit", "10.8")], [("Exchange credit", "-10.8"), ("Cash", "-10.8")]),
    ],
)
@pytest.mark.parametrize("link", ["document", "line", "none"])
def test_an_exchange_is_a_sale_at_its_own_price_and_a_return(
    price: str, sold: list[tuple[str, str]], back: list[tuple[str, str]], link: str
) -> None:
    shirt = SHIRT | ({"origin": {"sale_id": "o1", "line_id": "1"}} if link == "line" else {})
    new, returned = parts_of(exchange(price, shirt, returns_of="till:o1" if link == "document" else None))
    assert (new.sale_key, returned.sale_key) == ("till:ex", "till:ex/return")
    assert (new.returns_of, returned.returns_of) == (None, None if link == "none" else "till:o1")
    assert [line.name for line in new.lines] == ["Jacket"]
    assert (new.total_inc_tax, returned.total_inc_tax) == (Decimal(PRICES[price][1]), Decimal("-21.60"))
    assert (paid(new), paid(returned)) == (sold, back)
    assert (new.exchanged_with, returned.exchanged_with) == ("till:ex/return", "till:ex")


def test_goods_of_several_sales_are_a_return_of_each() -> None:
    two = SHIRT | {"line_id": "3", "name": "Belt", "origin": {"sale_id": "o2"}}
    three = SHIRT | {"line_id": "4", "name": "Hat"}
    lines = [SHIRT | {"origin": {"sale_id": "o1"}}, two, three, jacket("more")]
    parts = parts_of(
        exchange(
            lines=lines,
            total_inc_tax="-10.80",
            total_tax="-0.80",
            tenders=[{"kind": "cash", "label": "Cash", "amount": "-10.80"}],
        )
    )
    assert [(part.sale_id, part.returns_of) for part in parts] == [
        ("ex", None),
        ("ex/return", "till:o1"),
        ("ex/return/2", "till:o2"),
        ("ex/return/3", None),
    ]
    assert [paid(part) for part in parts[1:]] == [
        [("Exchange credit", "-21.6")],
        [("Exchange credit", "-21.6")],
        [("Exchange credit", "-10.8"), ("Cash", "-10.8")],
    ]


def test_a_return_of_several_sales_is_one_for_each_and_the_first_keeps_its_id() -> None:
    lines = [SHIRT | {"origin": {"sale_id": "o1"}}, SHIRT | {"line_id": "3", "origin": {"sale_id": "o2"}}]
    cash = {"kind": "cash", "label": "Cash", "amount": "-43.20"}
    parts = parts_of(exchange(lines=lines, total_inc_tax="-43.20", total_tax="-3.20", tenders=[cash]))
    assert [(part.sale_id, part.returns_of, paid(part)) for part in parts] == [
        ("ex", "till:o1", [("Cash", "-21.6")]),
        ("ex/return", "till:o2", [("Cash", "-21.6")]),
    ]
    assert all(part.exchanged_with is None for part in parts)


def test_a_return_whose_lines_alone_name_their_sale_names_it() -> None:
    back = SHIRT | {"origin": {"sale_id": "o1"}}
    cash = {"kind": "cash", "label": "Cash", "amount": "-21.60"}
    (only,) = parts_of(exchange(lines=[back], total_inc_tax="-21.60", total_tax="-1.60", tenders=[cash]))
    assert (only.sale_id, only.returns_of) == ("ex", "till:o1")


@pytest.mark.parametrize(
    "line",
    [
        {"kind": "deposit", "name": "Deposit"},
        {"kind": "gift_card", "name": "Voucher"},
        {"kind": "custom", "name": "Staff discount"},
        {"name": "BOTTLE REFUND", "sku": "71"},
        {"name": "Pfand 0,25", "sku": "PF25"},
        {"name": "Leergut Kasten"},
        {"name": "Container deposit return"},
    ],
)
def test_a_redeemed_deposit_or_an_amount_taken_off_brings_no_goods_back(line: dict[str, str]) -> None:
    lowered = {"line_id": "1", "quantity": "-1", "total_ex_tax": "-20.00", "total_inc_tax": "-21.60"} | line
    document = exchange(shirt=lowered)
    assert parts_of(document) == (document,)


@pytest.mark.parametrize("name", ["Bottle opener", "Can, large", "Depot cap", "Pantry shelf"])
def test_goods_that_are_merely_called_alike_are_goods(name: str) -> None:
    assert len(parts_of(exchange(shirt=SHIRT | {"name": name}))) == 2


def test_empties_that_name_their_sale_come_back_to_it() -> None:
    new, returned = parts_of(exchange(shirt=SHIRT | {"name": "Bottle deposit", "origin": {"sale_id": "o1"}}))
    assert (returned.returns_of, len(new.lines)) == ("till:o1", 1)


def test_a_document_whose_parts_would_have_the_wrong_sign_is_left_whole() -> None:
    deposit = {"line_id": "9", "kind": "deposit", "name": "Deposit", "quantity": "-1"}
    deposit |= {"total_ex_tax": "-60.00", "total_inc_tax": "-60.00"}
    document = exchange(lines=[SHIRT, jacket("more"), deposit], total_inc_tax="-27.60", tenders=[])
    assert parts_of(document) == (document,)


def test_a_voided_or_an_open_exchange_is_so_in_both_halves_and_refunds_are_the_sales() -> None:
    for status in ("voided", "open"):
        assert {part.status for part in parts_of(exchange(status=status))} == {SaleStatus(status)}
    refund = {"id": "r1", "amount_inc_tax": "54.00"}
    new, returned = parts_of(exchange(status="refunded", refunds=[refund]))
    assert (new.status, len(new.refunds)) == (SaleStatus.REFUNDED, 1)
    assert (returned.status, returned.refunds) == (SaleStatus.COMPLETED, ())


def test_an_exchange_that_does_not_add_up_is_held_as_a_sale() -> None:
    new, returned = parts_of(exchange(total_inc_tax="33.40"))
    assert check_balance(new)
    assert not check_balance(returned)


def test_a_batch_holds_the_parts_of_its_exchanges_and_a_hold_is_for_all_of_them() -> None:
    plain = sale(sale_id="plain")
    batch = Batch((exchange(), plain), (), None, review_reasons={"ex": "look at it"})
    assert [order.sale_id for order in batch.orders] == ["ex", "ex/return", "plain"]
    assert batch.review_reasons == {"ex": "look at it", "ex/return": "look at it"}


RATES = ["0", "0.05", "0.08875", "0.19"]
ORIGINS = [None, "o1", "o2", "o3"]


@st.composite
def exchanges(draw: st.DrawFn) -> CanonicalOrder:
    """A document that sells and takes back, balanced as a till would print it, whichever way its money went."""
    currency = draw(st.sampled_from(["USD", "JPY", "KWD"]))
    unit, finer = minor_unit(currency), draw(st.sampled_from([0, 0, 2]))
    sides, lines = [ZERO, ZERO], []
    for number in range(draw(st.integers(2, 7))):
        sign = (1, -1)[number] if number < 2 else draw(st.sampled_from([1, -1]))
        ex_tax = Decimal(draw(st.integers(10 * 10**finer, 50_000 * 10**finer))) * unit.scaleb(-finer)
        tax = (ex_tax * Decimal(draw(st.sampled_from(RATES)))).quantize(unit.scaleb(-finer))
        origin = draw(st.sampled_from(ORIGINS)) if sign < 0 else None
        lines.append(
            {
                "line_id": str(number),
                "name": f"Thing {number}",
                "quantity": str(sign * draw(st.sampled_from([1, 2, 3]))),
                "total_ex_tax": str(sign * ex_tax),
                "total_inc_tax": str(sign * (ex_tax + tax)),
                "origin": {"sale_id": origin} if origin else None,
            }
        )
        sides = [sides[0] + sign * ex_tax, sides[1] + sign * (ex_tax + tax)]
    fees = []
    if draw(st.booleans()):
        tip = Decimal(draw(st.integers(1, 500))) * unit
        fees = [{"kind": "tip", "name": "Tip", "total_ex_tax": str(tip), "total_inc_tax": str(tip)}]
        sides = [side + tip for side in sides]
    net, tax = sides[1].quantize(unit), (sides[1] - sides[0]).quantize(unit) + draw(st.sampled_from([0, 0, 1])) * unit
    part = (net / 3).quantize(unit)
    amounts = draw(st.sampled_from([[net], [part, net - part], [net + 7 * unit, -7 * unit], []]))
    return sale(
        sale_id="ex",
        currency=currency,
        lines=lines,
        fees=fees,
        total_inc_tax=str(net),
        total_tax=str(tax),
        tenders=[{"kind": "cash", "label": f"Till {n}", "amount": str(one)} for n, one in enumerate(amounts)],
        returns_of=draw(st.sampled_from([None, "till:o9"])),
    )


@given(exchanges())
@settings(max_examples=300)
def test_every_exchange_comes_apart_into_sums_that_hold(document: CanonicalOrder) -> None:
    check_parts(document)


def check_parts(document: CanonicalOrder) -> None:
    new, *returns = parts_of(document)
    unit = minor_unit(document.currency)
    assert returns
    assert total(part.total_inc_tax for part in (new, *returns)) == document.total_inc_tax
    assert total(part.total_tax for part in (new, *returns)) == document.total_tax
    assert len({part.returns_of for part in returns}) == len(returns)
    for line in document.lines:
        (found,) = [one for part in (new, *returns) for one in part.lines if one.line_id == line.line_id]
        assert abs(found.total_inc_tax - line.total_inc_tax) <= unit * len(document.lines)
    for part in returns:
        for line in part.lines:
            named = line.origin.sale_id if line.origin else None
            assert part.returns_of == (f"till:{named}" if named else document.returns_of)
    assert all(line.quantity > 0 for line in new.lines)
    assert all(line.quantity < 0 for part in returns for line in part.lines)
    money = [tender for part in (new, *returns) for tender in part.tenders if tender.kind is not TenderKind.EXCHANGE]
    assert total(tender.amount for tender in money) == total(tender.amount for tender in document.tenders)
    if not check_balance(document):
        assert [check_balance(part) for part in (new, *returns)] == [()] * (1 + len(returns))
    for part in (new, *returns):
        assert CanonicalOrder.from_json(part.to_json()) == part
        (alone,) = parts_of(part)
        assert alone.to_json() == part.to_json()
