"""POSLog files: what the dialects of several vendors mean, and files that were made to do harm."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

import pytest

from syncd.canonical import Batch, CanonicalOrder
from syncd.canonical.balance import check_balance
from syncd.sources import SourceContext
from syncd.sources.poslog import stream
from syncd.sources.poslog.settings import PosLogSettings
from syncd.sources.poslog.source import PosLogSource
from syncd.testing.clocks import ManualClock
from tests.poslog_files import HEAD, TAIL, paid, poslog, sold, totals, transaction
from tests.shared import SAMPLES, needs_samples


def source(folder: Path, **more: Any) -> PosLogSource:
    settings = PosLogSettings.model_validate({"path": folder, "settle": "0s"} | more)
    return PosLogSource(settings, SourceContext("till", ManualClock(), folder))


def batches(folder: Path, text: str | bytes, **more: Any) -> list[Batch]:
    path = folder / "day.xml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(source(folder, **more).read_file(path))


def one(folder: Path, inside: str, **more: Any) -> CanonicalOrder:
    found = batches(folder, poslog(transaction(7, inside)), **more)
    assert [fault.reason for batch in found for fault in batch.faults] == []
    (order,) = [order for batch in found for order in batch.orders]
    assert check_balance(order) == ()
    return order


def faults(found: list[Batch]) -> list[str]:
    return [fault.reason for batch in found for fault in batch.faults]


# What vendors' lines mean


def test_whether_prices_hold_the_tax_is_told_by_the_total(tmp_path: Path) -> None:
    outside = one(
        tmp_path, sold(1, "10.00") + "<LineItem><Tax><Amount>0.80</Amount></Tax></LineItem>" + totals("10.80", "0.80")
    )
    within = one(tmp_path, sold(1, "10.80") + totals("10.80", "0.80"))
    assert [(str(line.total_ex_tax), str(line.total_inc_tax)) for line in (*outside.lines, *within.lines)] == [
        ("10", "10.8")
    ] * 2
    assert (outside.prices_include_tax, within.prices_include_tax) == (False, True)


def test_a_void_line_with_negative_amounts_goes_with_the_one_that_it_counters(tmp_path: Path) -> None:
    lines = sold(1, "4.00") + sold(2, "6.00") + sold(3, "-4.00", "-1", flags='VoidFlag="true"')
    assert [str(line.total_inc_tax) for line in one(tmp_path, lines + totals("6.00")).lines] == ["6"]


def test_a_void_line_with_positive_amounts_and_a_link_goes_with_the_one_that_it_names(tmp_path: Path) -> None:
    link = "<ItemLink><SequenceNumber>1</SequenceNumber></ItemLink>"
    lines = sold(1, "4.00") + sold(2, "4.00", sku="TEE") + sold(3, "4.00", flags='VoidFlag="true"', more=link)
    assert [line.sku for line in one(tmp_path, lines + totals("4.00")).lines] == ["TEE"]


def test_a_line_that_is_void_itself_is_left_out_and_nothing_else(tmp_path: Path) -> None:
    lines = sold(1, "4.00") + sold(2, "4.00", flags='VoidFlag="true"')
    assert [line.line_id for line in one(tmp_path, lines + totals("4.00")).lines] == ["1"]


def test_cancelled_lines_do_not_count(tmp_path: Path) -> None:
    lines = sold(1, "4.00") + sold(2, "9.00", flags='CancelFlag="true"') + sold(3, "1.00", flags='DeleteFlag="true"')
    assert [line.line_id for line in one(tmp_path, lines + totals("4.00")).lines] == ["1"]


@pytest.mark.parametrize(
    ("amount", "quantity", "kind"),
    [("2.99", "-1", "Sale"), ("-2.99", "1", "Sale"), ("-2.99", "-1", "Sale"), ("2.99", "1", "Return")],
)
def test_goods_that_came_back_are_negative_whatever_carries_the_sign(
    amount: str, quantity: str, kind: str, tmp_path: Path
) -> None:
    inside = sold(1, amount, quantity, kind=kind) + paid("2.99", code="Refund") + totals("-2.99")
    order = one(tmp_path, inside)
    assert [(str(line.quantity), str(line.total_inc_tax)) for line in order.lines] == [("-1", "-2.99")]
    assert [str(tender.amount) for tender in order.tenders] == ["-2.99"]


def test_a_return_names_its_original_by_store_till_day_and_number(tmp_path: Path) -> None:
    link = (
        "<TransactionLink><WorkstationID>5</WorkstationID><BusinessDayDate>2026-11-20</BusinessDayDate>"
        "<SequenceNumber>41</SequenceNumber><LineItemSequenceNumber>3</LineItemSequenceNumber></TransactionLink>"
    )
    order = one(tmp_path, sold(1, "-4.00", "-1", more=link) + totals("-4.00"))
    assert (order.returns_of, order.lines[0].origin and order.lines[0].origin.line_id) == (
        "till:300-5-2026-11-20-41",
        "3",
    )


def test_a_resumed_sale_is_no_return(tmp_path: Path) -> None:
    link = '<TransactionLink ReasonCode="Resume"><SequenceNumber>41</SequenceNumber></TransactionLink>'
    assert one(tmp_path, sold(1, "-4.00", "-1") + totals("-4.00") + link).returns_of is None


@pytest.mark.parametrize(
    ("tenders", "settled"),
    [
        (paid("20.00") + paid("-10.00", more="<TenderChange/>"), ["20", "-10"]),
        (paid("20.00", more="<TenderChange><Amount>10.00</Amount></TenderChange>"), ["10"]),
        (paid("20.00") + paid("10.00", code="Change"), ["20", "-10"]),
        (paid("30.00", kind="CreditDebit", more="<CashbackAmount>20.00</CashbackAmount>"), ["10"]),
    ],
)
def test_change_and_cash_back_are_none_of_what_was_paid(tenders: str, settled: list[str], tmp_path: Path) -> None:
    order = one(tmp_path, sold(1, "10.00") + tenders + totals("10.00"))
    assert [str(tender.amount) for tender in order.tenders] == settled


@pytest.mark.parametrize(("direction", "amount", "tendered"), [("Up", "0.02", "10.00"), ("Down", "0.03", "9.95")])
def test_cash_rounding_goes_up_and_down(direction: str, amount: str, tendered: str, tmp_path: Path) -> None:
    rounding = f'<LineItem><Tender><Rounding RoundingDirection="{direction}">{amount}</Rounding></Tender></LineItem>'
    order = one(tmp_path, sold(1, "9.98") + paid(tendered) + rounding + totals("9.98"))
    assert (str(order.total_inc_tax), str(abs(order.rounding))) == (
        str(float(tendered)).rstrip("0").rstrip("."),
        amount,
    )


def test_training_cancelled_and_suspended_receipts_are_told_apart(tmp_path: Path) -> None:
    inside = sold(1, "4.00") + totals("4.00")
    text = poslog(
        transaction(1, inside, flags='TrainingModeFlag="true"'),
        transaction(2, inside, flags='CancelFlag="true"'),
        transaction(3, inside).replace("<RetailTransaction>", '<RetailTransaction TransactionStatus="Suspended">'),
        transaction(4, sold(1, "4.00") + sold(2, "-4.00", "-1", flags='VoidFlag="true"') + totals("0")),
        "<Transaction><SequenceNumber>5</SequenceNumber><ControlTransaction/></Transaction>",
    )
    (batch,) = batches(tmp_path, text)
    assert [(str(order.status), order.training) for order in batch.orders] == [
        ("completed", True),
        ("voided", False),
        ("open", False),
    ]
    assert dict(batch.left_out) == {"transactions that are no sales": 1, "receipts of which every line was voided": 1}


def test_a_post_void_voids_the_receipt_that_it_names_once_that_one_is_recorded(tmp_path: Path) -> None:
    link = "<TransactionLink><SequenceNumber>1</SequenceNumber><BusinessDayDate>2026-11-23</BusinessDayDate></TransactionLink>"
    void = transaction(2, link).replace("<RetailTransaction>", '<RetailTransaction TypeCode="PostVoid">')
    found = batches(tmp_path, poslog(transaction(1, sold(1, "4.00") + totals("4.00")), void))
    assert [([order.sale_id for order in batch.orders], batch.deleted_ids) for batch in found] == [
        (["300-2-2026-11-23-1"], ()),
        ([], ("300-2-2026-11-23-1",)),
        ([], ()),
    ]


def test_a_time_without_a_zone_needs_one_and_business_days_are_kept_apart(tmp_path: Path) -> None:
    inside = sold(1, "4.00") + totals("4.00")
    text = poslog(
        transaction(1, inside, at="2026-11-24T01:30:00", head="<BusinessDayDate>2026-11-23</BusinessDayDate>")
    )
    assert "set timezone" in faults(batches(tmp_path, text))[0]
    (batch,) = batches(tmp_path, text, timezone="America/Chicago")
    (order,) = batch.orders
    assert (order.placed_at.isoformat(), str(order.business_day)) == ("2026-11-24T01:30:00-06:00", "2026-11-23")


def test_a_transaction_that_cannot_be_read_is_a_fault_beside_the_others(tmp_path: Path) -> None:
    good = sold(1, "4.00") + totals("4.00")
    bad = sold(1, "four") + totals("4.00") + "<ElectronicSignature><Svg>M 0 0 drawn</Svg></ElectronicSignature>"
    (batch,) = batches(tmp_path, poslog(transaction(1, good), transaction(2, bad), transaction(3, good)))
    assert [order.number for order in batch.orders] == ["1", "3"]
    (fault,) = batch.faults
    assert (fault.where, fault.reason, fault.sale) == ("day.xml:2", "ExtendedAmount is no number: 'four'", "2-2")
    assert "drawn" not in fault.raw


@needs_samples
def test_every_receipt_of_the_samples_adds_up(tmp_path: Path) -> None:
    count = 0
    for file in sorted(SAMPLES.glob("poslog-*/*.xml")):
        for batch in source(tmp_path, timezone="Europe/Stockholm").read_file(file):
            assert batch.faults == ()
            count += len(batch.orders)
            assert [(order.sale_id, check_balance(order)) for order in batch.orders if check_balance(order)] == []
    assert count == 18


# Files that break off, and files made to do harm


def test_a_file_that_ends_in_the_middle_waits_and_then_gives_what_is_whole(tmp_path: Path) -> None:
    whole = poslog(*(transaction(number, sold(1, "4.00") + totals("4.00")) for number in range(3)))
    till, clock = tmp_path / "day.xml", ManualClock()
    till.write_text(whole[:-300])
    settings = PosLogSettings.model_validate({"path": tmp_path, "settle": "0s"})
    shop = PosLogSource(settings, SourceContext("till", clock, tmp_path))
    stamp = clock.now().timestamp()
    os.utime(till, (stamp, stamp))
    assert list(shop.fetch(None)) == []
    clock.pass_time(120)
    found = list(shop.fetch(None))
    assert len([order for batch in found for order in batch.orders]) == 2
    assert "after transaction 2 the file can be read no further" in faults(found)[0]
    assert (tmp_path / "processed" / "day.xml.faults.csv").exists()


_BOMB = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
_HARMFUL: dict[str, str | bytes] = {
    "entities": f'<!DOCTYPE POSLog [<!ENTITY a0 "lol">{_BOMB}]><POSLog><Transaction>&a11;</Transaction></POSLog>',
    "an outside file": '<!DOCTYPE POSLog [<!ENTITY x SYSTEM "file:///etc/passwd">]><POSLog><Transaction>&x;</Transaction></POSLog>',
    "an outside type": '<!DOCTYPE POSLog SYSTEM "http://127.0.0.1:1/x.dtd"><POSLog><Transaction/></POSLog>',
    "utf-16": "\ufeff<!DOCTYPE a [<!ENTITY x 'y'>]><POSLog><Transaction/></POSLog>".encode("utf-16-le"),
    "no xml": "sale_id,date\n1,2026-11-23\n",
    "nothing": "",
    "another kind": "<rss><channel/></rss>",
}


@pytest.mark.parametrize("kind", _HARMFUL)
def test_a_file_that_is_no_plain_poslog_is_set_aside_with_the_reason(kind: str, tmp_path: Path) -> None:
    text = _HARMFUL[kind]
    (tmp_path / "day.xml").write_bytes(text.encode() if isinstance(text, str) else text)
    shop = source(tmp_path, cut_after="0s")
    found = list(shop.fetch(None))
    assert [order for batch in found for order in batch.orders] == []
    assert "the file cannot be read: it" in faults(found)[0]
    assert "root:" not in faults(found)[0]
    assert (tmp_path / "failed" / "day.xml").exists()


def _many(kind: str) -> bytes:
    good = transaction(1, sold(1, "4.00") + totals("4.00"))
    inside = {
        "depth": "<a>" * 400_000,
        "attributes": "<Transaction " + " ".join(f'a{n}="x"' for n in range(700_000)) + ">",
        "one text": "<Transaction><Note>" + "x" * 40_000_000,
        "one line of elements": "<Transaction>" + "<a/>" * 4_000_000,
        "one comment": "<!--" + "x" * 40_000_000,
    }[kind]
    return (HEAD + good + inside).encode()


@pytest.mark.parametrize("kind", ["depth", "attributes", "one text", "one line of elements", "one comment"])
def test_what_grows_without_end_is_cut_off_at_a_bound(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "day.xml"
    path.write_bytes(_many(kind))
    gc.collect()
    before = _resident_mb()
    found = list(source(tmp_path).read_file(path))
    assert [order.number for batch in found for order in batch.orders] == ["1"]
    assert "can be read no further" in faults(found)[0]
    assert _resident_mb() - before < 200


def test_no_more_than_the_bound_is_read_between_two_transactions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "LARGEST_TRANSACTION", 300_000)
    sale = transaction(1, sold(1, "4.00") + totals("4.00"))
    assert sum(len(batch.orders) for batch in batches(tmp_path, HEAD + sale * 2000 + TAIL)) == 2000
    assert "more than 0 MB" in faults(batches(tmp_path, HEAD + sale + " " * 700_000 + sale + TAIL))[0]


def _resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096 / 1e6


# Rates without amounts, change and cash back, links


def rate(percent: str) -> str:
    return f"<Tax><Percent>{percent}</Percent></Tax>"


@pytest.mark.parametrize(
    ("grand", "within", "tax"), [("29.50", True, "3.63"), ("33.76", False, "4.26"), ("", True, "3.63")]
)
def test_tax_that_is_told_as_a_rate_alone_is_worked_out(tmp_path: Path, grand: str, within: bool, tax: str) -> None:
    stated = f'<Total TotalType="TransactionGrandAmount">{grand}</Total>' if grand else ""
    goods = sold(1, "19.50", more=rate("19")) + sold(2, "10.00", more=rate("5.5"), sku="BOOK")
    order = one(tmp_path, goods + stated)
    assert (order.prices_include_tax, str(order.total_tax)) == (within, tax)
    taxes = {line.sku: line.total_inc_tax - line.total_ex_tax for line in order.lines}
    assert sum(taxes.values()) == order.total_tax
    assert taxes["MUG"] > taxes["BOOK"] * 4


@pytest.mark.parametrize(
    "tenders",
    [
        paid("100.00") + paid("20.01"),  # change with a positive amount
        paid("100.00") + paid("20.01", code="Change"),
        paid("100.00") + paid("-20.01"),
        paid("100.00") + "<LineItem><TenderChange><Amount>20.01</Amount></TenderChange></LineItem>",
        paid("100.00", more="<TenderChange><Amount>20.01</Amount></TenderChange>"),
        paid("100.00", more="<TenderChange><Amount>20.01</Amount></TenderChange>") + paid("20.01", code="Change"),
    ],
)
def test_change_is_taken_out_once_wherever_it_stands(tmp_path: Path, tenders: str) -> None:
    order = one(tmp_path, sold(1, "79.99") + tenders + totals("79.99"))
    assert sum(tender.amount for tender in order.tenders) == order.total_inc_tax


@pytest.mark.parametrize(
    "tenders",
    [
        paid("40.00", kind="CreditDebit", more="<CashbackAmount>20.00</CashbackAmount>"),
        paid("40.00", kind="CreditDebit", more="<CashbackAmount>20.00</CashbackAmount>") + paid("20.00", code="Refund"),
        paid("40.00", kind="CreditDebit") + paid("-20.00", code="Change"),
    ],
)
def test_cash_back_is_counted_once(tmp_path: Path, tenders: str) -> None:
    order = one(tmp_path, sold(1, "20.00") + tenders + totals("20.00"))
    assert sum(tender.amount for tender in order.tenders) == order.total_inc_tax


@pytest.mark.parametrize("day", ["BusinessDayDate", "POSLogDateTime", "ReceiptDateTime", "BeginDateTime"])
def test_a_link_finds_its_sale_by_whichever_day_it_names(tmp_path: Path, day: str) -> None:
    sale = transaction(41, sold(1, "20.00") + totals("20.00"), at="2026-11-20T10:00:00-06:00")
    link = f"<TransactionLink><SequenceNumber>41</SequenceNumber><{day}>2026-11-20T10:00:00</{day}></TransactionLink>"
    back = transaction(
        42, sold(1, "20.00", kind="Return", more=link) + totals("-20.00"), at="2026-11-23T10:00:00-06:00"
    )
    found = batches(tmp_path, poslog(sale, back))
    sold_order, returned = [order for batch in found for order in batch.orders]
    assert returned.returns_of == f"till:{sold_order.sale_id}"
