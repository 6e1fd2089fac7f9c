"""Odoo over its RPC and out of its tables: what its records mean, and what the source asks for."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from syncd.canonical import CanonicalOrder
from syncd.canonical.balance import check_balance
from syncd.sources import SourceContext
from syncd.sources.context import Memory
from syncd.sources.errors import SourceAccessDenied
from syncd.sources.odoo.reading import OdooReferenceData, read_order
from syncd.sources.odoo.source import OdooSource
from syncd.sources.records import Excluded, ParsedSale
from syncd.sources.sql.source import SqlSource
from syncd.testing.contract import Notebook
from tests.doubles.odoo import DISCOUNT, TIP, OdooDouble, line_of
from tests.shared import SAMPLES, needs_samples
from tests.tills.odoo import VERSIONS, OdooTables


@pytest.fixture
def odoo() -> Iterator[OdooDouble]:
    with OdooDouble() as double:
        yield double


def opened(odoo: OdooDouble, folder: Path, **more: Any) -> OdooSource:
    settings = odoo.settings().model_copy(update=more)
    return OdooSource(settings, SourceContext("till", odoo.clock, folder, threading.Event(), Memory()))


def read(odoo: OdooDouble, folder: Path, **more: Any) -> dict[str, CanonicalOrder]:
    book = Notebook().walk(opened(odoo, folder, **more).fetch(None))
    assert book.faults == []
    return {order.sale_id: order for order in book.sales.values()}


@needs_samples
def test_the_sample_reads_as_its_receipt_says() -> None:
    answers = json.loads(
        (SAMPLES / "odoo-pos" / "reconstructed-search_read-sale.json").read_text(), parse_float=Decimal
    )
    rows = {name: answer["result"] for name, answer in answers.items()}
    order = {**rows["pos_order"][0], "lines": rows["pos_order_line"], "payments": rows["pos_payment"]}
    around = OdooReferenceData(products={row["id"]: row for row in rows["product_product"]}, tenders={})
    read = read_order(order, around, "till")
    assert isinstance(read, ParsedSale)
    sale = read.order
    assert (sale.sale_id, sale.number, str(sale.total_inc_tax), str(sale.total_tax)) == (
        "41",
        "26001-012-0041",
        "34.02",
        "2.52",
    )
    assert [(line.sku, line.upc, str(line.total_inc_tax)) for line in sale.lines] == [
        ("TS-M-BLK", "4006381333931", "29.16"),
        ("MISC", None, "4.86"),
    ]
    assert [(str(one.kind), one.label, str(one.amount)) for one in sale.tenders] == [
        ("cash", "Cash", "40"),
        ("cash", "Change", "-5.98"),
    ]
    assert sale.lines[0].name == "Crew T-Shirt (M, Black)"
    assert check_balance(sale) == ()


def test_a_tip_is_counted_once_a_reward_is_a_discount_and_what_is_on_account_is_told(
    odoo: OdooDouble, tmp_path: Path
) -> None:
    at = odoo.now()
    tip = line_of(TIP, "Tips", 1, 2.0, price_subtotal_incl=2.0, tax_ids=[])
    off = line_of(DISCOUNT, "10% off", 1, -1.5)
    key = odoo.make(
        at, [line_of(31, "Crew", 1, 15.0), off, tip], is_tipped=True, tip_amount=2.0, partner_id=[9, "Amelia"]
    )
    odoo.rows["pos.payment"].clear()
    odoo.pay(int(key), 1, 10.0, at, payment_method_id=[2, "Card"], card_type="Visa")
    odoo.pay(int(key), 2, 6.58, at, payment_method_id=[3, "Customer Account"])
    sale = read(odoo, tmp_path)[key]
    assert [line.name for line in sale.lines] == ["Crew"]
    assert [(fee.name, str(fee.total_inc_tax)) for fee in sale.fees] == [("Tip", "2")]
    assert [(one.name, str(one.amount_inc_tax), str(one.amount_ex_tax)) for one in sale.discounts] == [
        ("10% off", "1.62", "1.5")
    ]
    assert [(str(one.kind), str(one.amount), one.card_brand) for one in sale.tenders] == [
        ("card", "10", "Visa"),
        ("on_account", "6.58", None),
    ]
    assert (sale.customer is not None and sale.customer.email) == "amelia@example.com"
    assert check_balance(sale) == ()


def test_a_refund_names_the_order_that_its_lines_were_sold_in(odoo: OdooDouble, tmp_path: Path) -> None:
    sold = odoo.make(odoo.now(), [line_of(31, "Crew", 2, 15.0), line_of(7, "Misc", 1, 4.5)])
    other = odoo.make(odoo.now(), [line_of(7, "Misc", 1, 4.5)])
    line = int(sold) * 100 + 1
    back = odoo.make(odoo.now(), [line_of(31, "Crew", -1, 15.0, refunded_orderline_id=[line, "x"])])
    both = odoo.make(
        odoo.now(),
        [
            line_of(31, "Crew", -1, 15.0, refunded_orderline_id=[line, "x"]),
            line_of(7, "Misc", -1, 4.5, refunded_orderline_id=[int(other) * 100 + 1, "y"]),
        ],
    )
    found = read(odoo, tmp_path)
    assert (found[back].returns_of, found[both].returns_of) == (f"till:{sold}", f"till:{sold}")
    assert found[f"{both}/return"].returns_of == f"till:{other}"
    assert found[back].total_inc_tax == Decimal("-16.20")


def test_cash_that_is_rounded_adds_up(odoo: OdooDouble, tmp_path: Path) -> None:
    key = odoo.make(odoo.now(), [line_of(7, "Misc", 1, 4.5)], amount_paid=4.85)
    odoo.rows["pos.payment"].clear()
    odoo.pay(int(key), 1, 4.85, odoo.now())
    sale = read(odoo, tmp_path)[key]
    assert (str(sale.rounding), str(sale.total_inc_tax)) == ("-0.01", "4.85")
    assert check_balance(sale) == ()


@pytest.mark.parametrize(
    ("state", "status"), [("draft", "open"), ("cancel", "voided"), ("done", "completed"), ("invoiced", "completed")]
)
def test_states_are_what_they_mean(state: str, status: str, odoo: OdooDouble, tmp_path: Path) -> None:
    key = odoo.make(odoo.now(), state=state)
    assert str(read(odoo, tmp_path)[key].status) == status


def test_an_order_that_becomes_posted_does_not_become_another(odoo: OdooDouble, tmp_path: Path) -> None:
    (key,) = odoo.sell(1)
    source, book = opened(odoo, tmp_path), Notebook()
    book.walk(source.fetch(None))
    odoo.clock.pass_time(60)
    odoo.rows["pos.order"][int(key)] |= {"state": "done", "write_date": odoo.now()}
    book.walk(source.fetch(book.cursor))
    assert book.changes == 1


def test_a_line_that_is_changed_alone_is_seen_at_the_next_poll(odoo: OdooDouble, tmp_path: Path) -> None:
    key = odoo.sell(3)[0]
    source, book = opened(odoo, tmp_path), Notebook()
    book.walk(source.fetch(None))
    odoo.clock.pass_time(1200)
    book.walk(source.fetch(book.cursor))  # the cursor has moved on, and the order lies behind it
    odoo.clock.pass_time(600)
    odoo.edit_line(key)
    before = book.marks[f"till:{key}"]
    book.walk(source.fetch(book.cursor))
    assert book.marks[f"till:{key}"] != before


def test_many_orders_of_one_moment_are_all_read(odoo: OdooDouble, tmp_path: Path) -> None:
    at = odoo.now() + timedelta(microseconds=123456)
    ids = [odoo.make(at) for _ in range(23)]
    assert sorted(read(odoo, tmp_path)) == sorted(ids)


def test_an_older_version_without_the_newer_fields_is_asked_for_what_it_has(odoo: OdooDouble, tmp_path: Path) -> None:
    odoo.without = {"uuid", "general_customer_note", "combo_parent_id", "customer_note", "is_tipped", "tip_amount"}
    ids = odoo.sell(3)
    found = read(odoo, tmp_path)
    assert sorted(found) == sorted(ids)
    assert found[ids[0]].lines[0].line_id == f"{ids[0]}01"


def test_only_the_tills_that_are_named_are_read(odoo: OdooDouble, tmp_path: Path) -> None:
    (ours,) = odoo.sell(1)
    odoo.make(odoo.now(), config_id=[2, "Kiosk"])
    assert list(read(odoo, tmp_path, tills=("Main Shop",))) == [ours]


def test_a_wrong_key_is_told_and_never_shown(odoo: OdooDouble, tmp_path: Path) -> None:
    odoo.key = "another"
    with pytest.raises(SourceAccessDenied, match="does not know the user ada") as refused:
        list(opened(odoo, tmp_path).fetch(None))
    assert "key-of-the-double" not in f"{refused.value!r} {refused.value} {opened(odoo, tmp_path)!r}"


# Its tables


@pytest.mark.postgresql
@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_of_the_tables_reads_alike(version: int, tmp_path: Path) -> None:
    with OdooTables.running(version) as pos:
        sold = pos.write(pos.now())
        context = SourceContext("till", pos.clock, tmp_path)
        more = {"refunded_orderline_id": int(sold) * 10} if version > 13 else {}
        back = pos.write(pos.now(), -1, **more)
        pos.database.run("update pos_order set partner_id = 9 where id = %s", int(sold))
        source = SqlSource(pos.settings(), context)
        book = Notebook().walk(source.fetch(None))
        findings = source.check()
        source.close()
    order, refund = book.sales[f"till:{sold}"], book.sales[f"till:{back}"]
    assert book.faults == []
    assert (order.currency, order.register and order.register.name, order.cashier and order.cashier.name) == (
        "EUR",
        "Main Shop",
        "Cashier One",
    )
    assert (order.customer and order.customer.email) == "amelia@example.com"
    home = order.billing
    assert home is not None
    assert (home.last_name, home.street_1, home.state, home.country) == ("Ear", "2 Side Street", "Texas", "US")
    (line,) = order.lines
    assert (line.name, line.sku, line.upc) == ("Mug", "MUG-1", "4006381333931")
    assert [(tax.name, str(tax.rate), tax.included) for tax in line.taxes] == [("VAT 19%", "19", True)]
    assert [(str(one.kind), one.label) for one in order.tenders] == [("cash", "Cash")]
    assert (check_balance(order), check_balance(refund)) == ((), ())
    assert refund.returns_of == (f"till:{sold}" if version > 13 else None)
    assert [one.cure for one in findings if one.level == "warning"] == ["create index on pos_order (write_date)"]


@pytest.mark.parametrize(
    ("currency", "due", "paid", "step", "rounding"),
    [
        ("CLP", 1994, 1990, None, "-4"),
        ("HUF", 138, 140, None, "2"),
        ("COP", 10030, 10050, None, "20"),
        ("IDR", 15060, 15000, None, "-60"),
        ("EUR", 138, 135, Decimal(5), "-3"),
        ("EUR", 138, 135, None, "0"),
        ("CLP", 1994, 1980, None, "0"),
    ],
)
def test_18_cash_is_rounded_by_up_to_the_step_of_its_currency(
    currency: str, due: int, paid: int, step: Decimal | None, rounding: str
) -> None:
    order = {
        "id": 7,
        "state": "done",
        "date_order": "2026-11-20 10:00:00",
        "currency_id": [1, currency],
        "amount_total": due,
        "amount_tax": 0,
        "amount_paid": paid,
        "lines": [{"id": 1, "qty": 1, "price_subtotal": due, "price_subtotal_incl": due, "product_id": [1, "Mug"]}],
        "payments": [{"id": 1, "amount": paid, "payment_method_id": [1, "Cash"]}],
    }
    read = read_order(order, OdooReferenceData(cash_step=step), "till")
    assert isinstance(read, ParsedSale)
    assert read.order.rounding == Decimal(rounding)
    assert (check_balance(read.order) == ()) is (rounding != "0")


@pytest.mark.parametrize(("stated", "adds_up"), [(10.02, True), (9.99, True), (10.04, False)])
def test_49_cents_of_a_receipt_that_was_rounded_as_a_whole_are_rounding(stated: float, adds_up: bool) -> None:
    lines = [
        {"id": n, "qty": 1, "price_subtotal": 2.0, "price_subtotal_incl": 5.0, "product_id": [n, "Mug"]} for n in (1, 2)
    ]
    order = {
        "id": 7,
        "state": "done",
        "date_order": "2026-11-20 10:00:00",
        "currency_id": [1, "EUR"],
        "amount_total": stated,
        "amount_tax": 6,
        "amount_paid": stated,
        "lines": lines,
        "payments": [{"id": 1, "amount": stated, "payment_method_id": [1, "Card"]}],
    }
    read = read_order(order, OdooReferenceData(), "till")
    assert isinstance(read, ParsedSale)
    assert read.order.total_inc_tax == Decimal(str(stated))
    assert (check_balance(read.order) == ()) is adds_up
    assert ("rounded the sale as a whole" in read.order.note) is adds_up


@pytest.mark.parametrize(
    ("lines", "config", "left_out"),
    [
        ([], {}, True),
        (
            [{"id": 1, "qty": 1, "product_id": [70, "Settle"], "price_subtotal": 50, "price_subtotal_incl": 50}],
            {},
            False,
        ),
        (
            [{"id": 1, "qty": 1, "product_id": [70, "Settle"], "price_subtotal": 50, "price_subtotal_incl": 50}],
            {"settle_due_product_id": [70, "Settle"]},
            True,
        ),
        (
            [
                {"id": 1, "qty": 1, "product_id": [70, "Deposit"], "price_subtotal": 50, "price_subtotal_incl": 50},
                {"id": 2, "qty": 1, "product_id": [3, "Mug"], "price_subtotal": 5, "price_subtotal_incl": 5},
            ],
            {"deposit_product_id": 70},
            False,
        ),
    ],
)
def test_44_money_that_moves_without_goods_is_no_order(
    lines: list[dict[str, Any]], config: dict[str, Any], left_out: bool
) -> None:
    amount = sum(line["price_subtotal_incl"] for line in lines)
    payments = [{"id": 1, "amount": amount or 50, "payment_method_id": [1, "Cash"]}]
    payments += [] if amount else [{"id": 2, "amount": -50, "payment_method_id": [2, "Customer Account"]}]
    order = {
        "id": 7,
        "state": "done",
        "config_id": [1, "Shop"],
        "date_order": "2026-11-20 10:00:00",
        "currency_id": [1, "EUR"],
        "amount_total": amount,
        "amount_tax": 0,
        "amount_paid": amount,
        "lines": lines,
        "payments": payments,
    }
    read = read_order(order, OdooReferenceData(configs={1: config}), "till")
    assert isinstance(read, Excluded) is left_out


@pytest.mark.parametrize(("parent", "stated"), [(12, 12), (0, 12), (12, 24)])
def test_53_a_combos_line_that_repeats_the_sum_of_its_parts_counts_once(parent: int, stated: int) -> None:
    part = {"qty": 1, "combo_parent_id": [1, "Menu"], "price_subtotal": 6, "price_subtotal_incl": 6}
    lines = [
        {"id": 1, "qty": 1, "product_id": [1, "Menu"], "price_subtotal": parent, "price_subtotal_incl": parent},
        {"id": 2, "product_id": [2, "Soup"], **part},
        {"id": 3, "product_id": [3, "Tea"], **part},
    ]
    order = {
        "id": 7,
        "state": "done",
        "date_order": "2026-11-20 10:00:00",
        "currency_id": [1, "EUR"],
        "amount_total": stated,
        "amount_tax": 0,
        "amount_paid": stated,
        "lines": lines,
        "payments": [{"id": 1, "amount": stated, "payment_method_id": [1, "Card"]}],
    }
    read = read_order(order, OdooReferenceData(), "till")
    assert isinstance(read, ParsedSale)
    assert (len(read.order.lines), check_balance(read.order)) == (3, ())
    assert read.order.total_inc_tax == stated
