"""Presets of vendors whose exports are plain tables: SumUp, Zettle, Lightspeed R-Series, and exports in other languages."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from syncd.canonical.balance import check_balance
from syncd.sources.csv.presets import looks_like
from tests.exports import csv_settings
from tests.shared import CASES
from tests.sources.conftest import Till

SUMUP = (
    "Datum,Typ,Transaktionsnummer,Zahlungsmethode,Menge,Beschreibung,Category,Sku,Währung,Preis vor Rabatt,Rabatt,Preis (brutto),"
    "Preis (netto),Steuer,Steuersatz,Konto\n"
    '"24.03.2023, 12:32",Verkauf,T1,MC,1,Kaffee,Getränke,,CHF,3.5,0.0,3.5,3.25,0.25,7.7%,a@example.com\n'
    '"24.03.2023, 12:32",Verkauf,T1,MC,1,Trinkgeld,,,CHF,1.0,0.0,1.0,1.0,0.0,,a@example.com\n'
    '"24.03.2023, 12:37",Verkauf,T2,Bar,1,Tagesmenu,Essen,,CHF,16.0,0.0,16.0,14.86,1.14,7.7%,a@example.com\n'
    '"24.03.2023, 12:37",Verkauf,T2,Bar,2,Wasser,Getränke,,CHF,6.0,3.0,3.0,2.79,0.21,7.7%,a@example.com\n'
    '"24.03.2023, 12:42",Rückerstattung,T2,Bar,1,,,,CHF,-19.0,0.0,-19.0,-17.65,-1.35,,a@example.com\n'
)
SUMUP_ES = (
    "Fecha,Tipo,ID de transacción,Forma de pago,Cantidad,Descripción,Moneda,Precio (Bruto),Precio (Neto),IVA,Cuenta\n"
    '"05-02-2026, 14:30",Venta,TX9,Efectivo,2,Café,CLP,5990,5034,956,a@example.com\n'
)


def test_sumups_sales_report_is_read_with_its_tips_and_refunds(tmp_path: Path) -> None:
    till = Till(tmp_path, preset="sumup", currency="CHF", timezone="Europe/Zurich", date_order="dmy")
    till.drop("report.csv", SUMUP)
    orders, faults = till.read()
    found = {order.sale_id: order for order in orders}
    assert (faults, till.holds) == ([], {})
    assert {name: (order.total_inc_tax, order.total_tax) for name, order in found.items()} == {
        "T1": (Decimal("4.5"), Decimal("0.25")),
        "T2": (Decimal("19.0"), Decimal("1.35")),
        "T2/refund-20230324124200": (Decimal("-19.0"), Decimal("-1.35")),
    }
    assert [fee.kind.value for fee in found["T1"].fees] == ["tip"]
    assert found["T2/refund-20230324124200"].returns_of == "till:T2"
    assert [tender.kind.value for tender in found["T2"].tenders] == ["cash"]
    assert all(check_balance(order) == () for order in orders)


def test_sumups_report_in_spanish_is_read(tmp_path: Path) -> None:
    till = Till(tmp_path, preset="sumup", currency="CLP", timezone="America/Santiago", date_order="dmy")
    till.drop("informe.csv", SUMUP_ES)
    ((order,), faults) = till.read()
    assert (faults, order.total_inc_tax, order.total_tax, order.placed_at.hour) == ([], Decimal(5990), Decimal(956), 14)


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not beside the project")
def test_zettles_report_of_receipts_is_read(tmp_path: Path) -> None:
    till = Till(tmp_path, preset="zettle", currency="DKK", timezone="Europe/Copenhagen", date_order=None)
    till.drop("report.xlsx", (CASES / "files" / "14-totals-row-and-footnotes" / "zettle-receipts.xlsx").read_bytes())
    orders, faults = till.read()
    assert (faults, till.holds, till.left_out) == ([], {}, {"footnotes": 1})
    assert sum(order.total_inc_tax for order in orders) == Decimal("2435.00")
    assert sum(order.total_tax for order in orders) == Decimal("487.00")
    assert orders[0].tenders[0].card_last4 == "1234"
    assert all(check_balance(order) == () for order in orders)


def test_zettles_refunds_are_returns_and_what_is_not_known_is_held(tmp_path: Path) -> None:
    head = "Date,Time,Receipt number,VAT (20.0%),VAT (5.0%),Total,Fee,Net,Payment method,Event type,Staff,Description\n"
    till = Till(tmp_path, preset="zettle", currency="GBP", timezone="Europe/London", date_order="dmy")
    till.drop(
        "report.csv",
        head
        + "05/10/2026,14:30,101,2.00,0.50,22.50,0.2,22.3,Chip,Purchase,Ana,1 x Tea\n"
        + "05/10/2026,14:40,102,-2.00,0.00,-12.00,0,-12,Cash,Refund,Ana,1 x Pot\n"
        + "05/10/2026,14:50,103,0.00,0.00,5.00,0,5,Cash,Frobnicated,Ana,1 x Pot\n",
    )
    orders, faults = till.read()
    found = {order.sale_id: order for order in orders}
    assert faults == []
    assert found["101"].total_tax == Decimal("2.50")
    assert (found["102"].total_inc_tax, found["102"].lines[0].quantity) == (Decimal(-12), Decimal(-1))
    assert "neither a sale nor a refund" in till.holds["103"]
    assert all(check_balance(order) == () for order in orders)


def test_lightspeeds_report_of_lines_is_read(tmp_path: Path) -> None:
    till = Till(tmp_path, preset="lightspeed_r", currency="USD", timezone="America/New_York", date_order="mdy")
    till.drop(
        "lines.csv",
        "Sale ID,Date,Description,Custom SKU,Qty,Retail,Subtotal,Discount,Tax,Total,Employee,Shop\n"
        "4711,10/05/2026 2:30 PM,Mug,MUG,2,12.00,20.00,4.00,1.65,21.65,Ana,Main\n"
        "4711,10/05/2026 2:30 PM,Pen,PEN,1,3.00,3.00,0.00,0.25,3.25,Ana,Main\n",
    )
    ((order,), faults) = till.read()
    assert faults == []
    assert (order.total_inc_tax, order.total_tax, len(order.lines)) == (Decimal("24.90"), Decimal("1.90"), 2)
    assert check_balance(order) == ()


@pytest.mark.parametrize(("text", "name"), [(SUMUP, "sumup"), (SUMUP_ES, "sumup"), ("id,date,item,qty,subtotal\n", "")])
def test_an_export_is_told_by_its_columns_in_any_of_its_languages(tmp_path: Path, text: str, name: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    assert looks_like(path, csv_settings({"path": tmp_path, "currency": "USD", "timezone": "UTC"})) == name


@pytest.mark.parametrize(
    ("subtotal", "taxes", "of_goods", "of_delivery"),
    [
        ("100.00", "23.10", "21.00", "2.10"),  # on goods and delivery
        ("100.00", "21.00", "21.00", "0"),  # on the goods alone
    ],
)
def test_37_tax_on_shopifys_delivery_is_the_deliverys(
    tmp_path: Path, subtotal: str, taxes: str, of_goods: str, of_delivery: str
) -> None:
    whole = Decimal(subtotal) + 10 + Decimal(taxes)
    till = Till(tmp_path, preset="shopify", currency="EUR", timezone=None)
    till.drop(
        "orders.csv",
        "Name,Financial Status,Currency,Subtotal,Shipping,Taxes,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Id,"
        "Source,Shipping Method,Payment Method,Tax 1 Name,Tax 1 Value,Discount Amount\n"
        f"#1,paid,EUR,{subtotal},10.00,{taxes},{whole},2026-11-20 10:00:00 +0100,1,Bag,{subtotal},701,pos,DHL,Card,IVA 21 %,"
        f"{taxes},0.00\n",
    )
    ((order,), faults) = till.read()
    assert (faults, till.holds) == ([], {})
    assert order.lines[0].total_inc_tax - order.lines[0].total_ex_tax == Decimal(of_goods)
    (fee,) = order.fees
    assert fee.total_inc_tax - fee.total_ex_tax == Decimal(of_delivery)
    assert check_balance(order) == ()
