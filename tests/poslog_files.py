"""POSLog files for tests: sales in the dialect of version 6, and transactions written by hand."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape

from syncd.canonical import CanonicalOrder

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<POSLog xmlns="http://www.nrf-arts.org/IXRetail/namespace/" MajorVersion="6">\n'
TAIL = "</POSLog>\n"


def poslog(*transactions: str) -> str:
    return HEAD + "".join(transactions) + TAIL


def transaction(
    number: object, inside: str, *, at: str = "2026-11-23T10:00:00-06:00", head: str = "", flags: str = ""
) -> str:
    """A sale's transaction around its ``RetailTransaction``'s content."""
    return (
        f"<Transaction {flags}><BusinessUnit><UnitID>300</UnitID></BusinessUnit><WorkstationID>2</WorkstationID>"
        f"<SequenceNumber>{number}</SequenceNumber><CurrencyCode>USD</CurrencyCode>{head}"
        f"<RetailTransaction>{inside}</RetailTransaction><EndDateTime>{at}</EndDateTime></Transaction>\n"
    )


def sold(
    number: int,
    amount: str,
    quantity: str = "1",
    *,
    more: str = "",
    flags: str = "",
    kind: str = "Sale",
    sku: str = "MUG",
) -> str:
    return (
        f"<LineItem {flags}><SequenceNumber>{number}</SequenceNumber><{kind}><ItemID>{sku}</ItemID>"
        f"<Description>{sku} thing</Description><ExtendedAmount>{amount}</ExtendedAmount><Quantity>{quantity}</Quantity>"
        f"{more}</{kind}></LineItem>"
    )


def paid(amount: str, *, kind: str = "Cash", code: str = "Sale", more: str = "") -> str:
    tender = f'<Tender TenderType="{kind}" TypeCode="{code}"><Amount>{amount}</Amount>{more}</Tender>'
    return f"<LineItem><SequenceNumber>9</SequenceNumber>{tender}</LineItem>"


def totals(grand: str, tax: str = "0") -> str:
    return f'<Total TotalType="TransactionGrandAmount">{grand}</Total><Total TotalType="TransactionTaxAmount">{tax}</Total>'


def of_sales(sales: Iterable[CanonicalOrder]) -> str:
    """Sales as a till of version 6 writes them: prices without tax, each line's own tax beside them."""
    written = []
    for one in sales:
        lines = "".join(
            sold(
                place,
                str(line.total_ex_tax),
                more=f"<Tax><Amount>{line.total_inc_tax - line.total_ex_tax}</Amount></Tax>",
                sku=escape(line.sku or "X"),
            )
            for place, line in enumerate(one.lines, start=1)
        )
        inside = lines + paid(str(one.total_inc_tax)) + totals(str(one.total_inc_tax), str(one.total_tax))
        head = (
            f"<TransactionID>{one.sale_id}</TransactionID><OperatorID OperatorName='{escape(one.note)}'>7</OperatorID>"
        )
        written.append(transaction(one.sale_id, inside, at=one.placed_at.isoformat(), head=head))
    return poslog(*written)
