"""``syncd sources guess``: what it proposes for exports that nobody has seen before, and what it says that it is not sure of."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.shared import SAMPLES, needs_samples

_GERMAN = (
    "Belegnummer;Datum;Uhrzeit;Artikelnummer;Bezeichnung;Menge;Einzelpreis;Betrag;MwSt;Gesamtbetrag;Zahlungsart;Filiale\n"
    "1001;23.11.2026;09:05:00;M-1;Becher blau;2;9,50 €;19,00 €;3,03 €;24,00 €;Bar;Köln\n"
    "1001;23.11.2026;09:05:00;T-1;Tee grün;1;5,00 €;5,00 €;0,33 €;24,00 €;Bar;Köln\n"
    "1002;24.11.2026;10:15:00;M-1;Becher blau;1;1.009,50 €;1.009,50 €;161,18 €;1.009,50 €;EC-Karte;Köln\n"
)
_FRENCH = (
    "N° ticket\tDate\tDésignation\tQté\tMontant TTC\tTVA\tTotal ticket\tMode de paiement\n"
    "T1\t2026-11-20 10:00\tThé vert\t1\t12,00\t2,00\t12,00\tCarte\n"
)
_US = (
    "Order Number,Date,Product Title,Qty,Net Sales,Sales Tax,Grand Total,Payment Type\n"
    "1,11/23/2026 5:18 PM,Mug,1,10.00,0.80,10.80,Visa\n"
    "2,11/24/2026 5:19 PM,Mug,2,20.00,1.60,21.60,Cash\n"
)
_PLAIN = (
    "sale_id,date,name,quantity,line_total,tax,total,currency\na,2026-11-20T10:00:00+01:00,Mug,1,10.00,0.80,10.80,CHF\n"
)


def guess(file: Path) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "syncd", "sources", "guess", str(file), "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"TZ": "Europe/Berlin", "PATH": "/usr/bin:/bin"},
    )
    assert "Traceback" not in done.stderr, done.stderr
    return json.loads(done.stdout) | {"code": done.returncode}


def of(folder: Path, text: str | bytes, name: str = "export.csv") -> Any:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return guess(path)


def test_a_german_export_is_read_with_its_commas_its_dates_and_its_prices(tmp_path: Path) -> None:
    found = of(tmp_path, _GERMAN.encode("cp1252"))
    table = found["table"]
    assert (table["decimal_mark"], table["date_order"], table["currency"]) == (",", "dmy", "EUR")
    assert (table["prices_include_tax"], table["timezone"]) == (True, "Europe/Berlin")
    wanted = {
        "receipt": "belegnummer",
        "name": "bezeichnung",
        "line_total": "betrag",
        "total": "gesamtbetrag",
        "tax": "mwst",
    }
    assert wanted.items() <= table["columns"].items()
    assert set(found["unsure"]) == {"timezone", "columns"}
    assert [(one["number"], one["total_inc_tax"], one["total_tax"]) for one in found["first"]] == [
        ("1001", "24", "3.36"),
        ("1002", "1009.5", "161.18"),
    ]
    assert found["first"][0]["placed_at"] == "2026-11-23T09:05:00+01:00"
    assert found["faults"] == []


def test_a_french_export_with_tabs_and_accents_is_read(tmp_path: Path) -> None:
    found = of(tmp_path, _FRENCH)
    (sale,) = found["first"]
    assert (sale["total_inc_tax"], sale["total_tax"], sale["lines"][0]["name"]) == ("12", "2", "Thé vert")
    assert found["table"]["decimal_mark"] == ","
    assert "currency" in found["unsure"]


def test_an_american_export_is_read_month_first_with_the_tax_on_top(tmp_path: Path) -> None:
    found = of(tmp_path, _US)
    assert (found["table"]["date_order"], "date_order" in found["unsure"]) == ("mdy", False)
    assert "prices_include_tax" not in found["table"]
    assert [(one["sale_id"], one["total_inc_tax"], one["total_tax"]) for one in found["first"]] == [
        ("1", "10.8", "0.8"),
        ("2", "21.6", "1.6"),
    ]


def test_a_plain_export_that_says_everything_leaves_nothing_unsure(tmp_path: Path) -> None:
    found = of(tmp_path, _PLAIN)
    assert found["unsure"] == {}
    assert (found["first"][0]["currency"], found["first"][0]["placed_at"]) == ("CHF", "2026-11-20T10:00:00+01:00")
    assert found["code"] == 0


@pytest.mark.parametrize(
    ("text", "unsure", "says"),
    [
        ("sale_id,date,name,line_total\na,05/06/2026,Mug,10\n", "date_order", "05/06/2026 may be either way"),
        (
            "sale_id,date,name,line_total\na,2026-11-20,Mug,$10\n",
            "currency",
            "a dollar sign is that of several currencies",
        ),
        ("date,name,line_total\n2026-11-20,Mug,10\n", "sale_id", "no column tells one sale from another"),
        (
            "sale_id,date,blah,line_total\na,2026-11-20,Mug,10\n",
            "columns",
            "no column seems to be name; left over: 'blah'",
        ),
        ('sale_id,date,name,line_total\na,2026-11-20,Mug,"1,234"\n', "decimal_mark", "may be thousands (as taken)"),
        (
            "sale_id,date,name,line_total,tax,total\na,2026-11-20,Mug,10,1,15\n",
            "prices_include_tax",
            "of 1 sales, 0 add up",
        ),
    ],
)
def test_what_cannot_be_told_is_said(text: str, unsure: str, says: str, tmp_path: Path) -> None:
    found = of(tmp_path, text)
    assert says in found["unsure"][unsure]


@pytest.mark.parametrize(
    ("name", "preset"),
    [
        ("clover-csv/orders-2-rows.csv", "clover"),
        ("loyverse-csv/receipts.csv", "loyverse"),
        ("lightspeed-x/reconstructed-sales-history-ledger.csv", "lightspeed_x"),
        ("shopify-csv/orders_export-79col-zhangerson.csv", "shopify"),
        ("square-csv/items-33col-2026-05.csv", "square"),
        ("square-legacy-2017/dashboard-transactions-1-2.csv", "square"),
        ("toast-csv/ItemSelectionDetails-test-fixture.csv", "toast"),
    ],
)
@needs_samples
def test_an_export_that_we_know_is_named(name: str, preset: str) -> None:
    assert guess(SAMPLES / name)["table"]["preset"] == preset


@needs_samples
def test_a_poslog_file_is_told_by_its_kind() -> None:
    found = guess(SAMPLES / "poslog-ncr" / "ncr-acs-2.1-part-a.xml")
    assert (found["table"]["type"], found["sales"]) == ("poslog", 11)


def test_what_is_no_table_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"")
    words = [sys.executable, "-m", "syncd", "sources", "guess"]
    for name, says in (("x.csv", "is no table that can be read"), ("gone.csv", "is no file")):
        done = subprocess.run([*words, str(tmp_path / name)], capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, says in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.json", '{"orders": [{"id": 1}]}', 'type = "rest" reads it'),
        ("dump.sql", "CREATE TABLE `ospos_sales` (id int);\n", 'type = "sql" with preset = "opensourcepos"'),
        ("dump.sql", "INSERT INTO foo VALUES (1);\n", "queries of your own"),
        ("a.xml", "<?xml version='1.0'?><orders/>", "is XML, and no POSLog"),
        ("a.pdf.csv", "%PDF-1.7", "it is a PDF"),
        (
            "p.csv",
            "Payment ID,Order ID,Payment Date,Tender,Result,Amount\nP,O,2026-01-01,Card,FAIL,5\n",
            "drop its orders export",
        ),
        ("i.csv", "Item name,Items sold,Gross sales,Items refunded\nTea,2,5,0\n", "drop its receipts by item"),
    ],
)
def test_a_file_that_holds_no_sales_by_line_gets_no_table(tmp_path: Path, name: str, text: str, says: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "syncd", "sources", "guess", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"COLUMNS": "200", "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 2
    assert says in done.stderr + done.stdout
    assert "[sources.till]" not in done.stdout


def test_jsonl_and_poslog_are_told_by_what_is_in_them(tmp_path: Path) -> None:
    sale = '{"sale_id": "1", "lines": []}\n'
    assert of(tmp_path, sale, "sales.txt")["table"]["type"] == "jsonl"
    assert of(tmp_path, "<?xml version='1.0'?><POSLog/>", "day.txt")["table"]["type"] == "poslog"


def test_headings_with_umlauts_words_of_states_and_columns_of_kinds_are_named(tmp_path: Path) -> None:
    found = of(
        tmp_path,
        "Belegnummer;Datum;Artikel;Betrag;Währung;Status;Art\n"
        "1;2026-11-20;Becher;5,00;CHF;Frobniziert;Verkauf\n2;2026-11-20;Becher;-5,00;CHF;Bezahlt;Rückerstattung\n",
    )
    assert found["table"]["currency"] == "CHF"
    assert found["table"]["columns"]["kind"] == "art"
    assert "'Frobniziert': say what they mean" in found["unsure"]["status_words"]
    assert any("Frobniziert" in why for why in found["held"].values())


@pytest.mark.parametrize(
    ("rows", "mark"),
    [("a,2026-11-20,Mug,96.990\n", ","), ("a,2026-11-20,Mug,96.990\nb,2026-11-20,Mug,1.50\n", None)],
)
def test_amounts_that_may_be_thousands_are_never_sure(tmp_path: Path, rows: str, mark: str | None) -> None:
    found = of(tmp_path, f"sale_id,date,name,line_total\n{rows}")
    assert found["table"].get("decimal_mark") == mark
    assert "'96.990' may be thousands" in found["unsure"]["decimal_mark"]


def test_both_marks_in_one_file_are_said_and_end_in_no_traceback(tmp_path: Path) -> None:
    found = of(tmp_path, 'sale_id,date,name,line_total\na,2026-11-20,Mug,"12,50"\nb,2026-11-20,Mug,10.00\n')
    assert "both marks are in it" in found["unsure"]["decimal_mark"]


def test_loyverses_items_alone_ask_where_the_tax_is(tmp_path: Path) -> None:
    found = of(
        tmp_path,
        "Date,Receipt number,Receipt type,Item,Quantity,Net sales,Taxes\n2026-11-20 10:00,1-1,Sale,Tea,1,107,7\n",
    )
    assert found["table"]["preset"] == "loyverse"
    assert "whether prices hold the tax" in found["unsure"]["prices_include_tax"]
