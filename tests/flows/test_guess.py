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
