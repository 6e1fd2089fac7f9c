"""uniCenta oPOS, and its family: Openbravo POS, Chromis POS, KriolOS POS (MariaDB, MySQL, PostgreSQL).

Prices are floating-point numbers without tax; tax is kept per receipt and rate alone. Times are the till's own, without a zone.
Nothing says when a ticket was changed, and a deleted one is gone without a trace: the last days are looked over by content.
Source: https://github.com/RohiTech/unicenta42src (DataLogicSales.saveTicket), https://github.com/iMartinezMateu/openbravo-pos.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from html import unescape
from typing import Any, Self

from pydantic import model_validator
from sqlalchemy import Row, and_, select

from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import TenderKind
from syncd.canonical.money import ZERO, round_to, total
from syncd.sources.records import Excluded, ParsedSale, ParseResult, Unreadable
from syncd.sources.sql.preset import Axis, RowQuery, SaleRows, Shop, SqlPreset
from syncd.sources.sql.schema import Schema
from syncd.sources.sql.settings import SqlSettings
from syncd.sources.tenders import kind_of
from syncd.sources.values import decimal, people, words
from syncd.sources.zones import zone

_SALE, _REFUND, _DEBT_PAID, _NO_SALE = range(4)
_EXACT = Decimal("0.000001")  # a double holds some 15 digits; the rest of what it prints is noise
_KINDS = {
    "cash": TenderKind.CASH,
    "magcard": TenderKind.CARD,
    "ccard": TenderKind.CARD,
    "debt": TenderKind.ON_ACCOUNT,
    "voucherin": TenderKind.GIFT_CARD,
    "voucherout": TenderKind.GIFT_CARD,
    "paperin": TenderKind.GIFT_CARD,
    "paperout": TenderKind.GIFT_CARD,
    "cheque": TenderKind.OTHER,
    "bank": TenderKind.OTHER,
    "slip": TenderKind.OTHER,
    "free": TenderKind.OTHER,
}
_NAME = re.compile(r'<entry key="product\.name">(.*?)</entry>', re.DOTALL)


class UniCentaOptions(SqlSettings):
    """The database names neither the currency nor the zone of the tills' clocks."""

    @model_validator(mode="after")
    def _said_enough(self) -> Self:
        if self.currency is None or self.timezone is None:
            msg = "currency and timezone are required for preset unicenta: its database names neither"
            raise ValueError(msg)
        return self


_HOME = {
    "street_1": "address",
    "street_2": "address2",
    "city": "city",
    "state": "region",
    "zip": "postal",
    "country": "country",
}


def prepare(schema: Schema, settings: UniCentaOptions, source: str) -> RowQuery:
    """Return what to ask this database for.

    Raises:
        Unavailable: it is no database of this family.

    """
    tickets, receipts, tills = (schema.table(name) for name in ("tickets", "receipts", "closedcash"))
    people, customers = schema.table("people"), schema.table("customers")
    shop = Shop(source, settings, zone(settings.timezone or "UTC"), settings.currency or "")
    placed = Axis(receipts["datenew"], shop.zone, indexed=(receipts.table.name, "datenew"))
    sold = (
        select(
            tickets["id"],
            receipts["datenew"].label("placed"),
            tickets["tickettype"].label("type"),
            tickets["ticketid"].label("number"),
            tills["host"].label("host"),
            tickets["person"].label("person"),
            people["name"].label("person_name"),
            tickets["customer"].label("customer"),
            customers["name"].label("customer_name"),
            customers.get("firstname").label("first_name"),
            customers.get("lastname").label("last_name"),
            customers.get("email").label("email"),
            customers.get("phone").label("phone"),
            *(customers.get(column).label(name) for name, column in _HOME.items()),
        )
        .select_from(tickets.table)
        .join(receipts.table, receipts["id"] == tickets["id"])
        .outerjoin(tills.table, tills["money"] == receipts["money"])
        .outerjoin(people.table, people["id"] == tickets["person"])
        .outerjoin(customers.table, customers["id"] == tickets["customer"])
    )
    parts = {"lines": _lines_of(schema), "taxes": _taxes_of(schema), "payments": _payments_of(schema)}
    parts["originals"] = _originals_of(schema)
    notes = (f"sells in {shop.currency}, its tills' clocks in {shop.zone}",)
    return RowQuery(sold, tickets["id"], placed, placed, parts, lambda sale: read_ticket(sale, shop), notes)


def _lines_of(schema: Schema) -> Any:  # noqa: ANN401  a select and its key
    lines, products, taxes = (schema.table(name) for name in ("ticketlines", "products", "taxes"))
    query = (
        select(
            lines["ticket"],
            lines["line"].label("line"),
            lines["product"].label("product"),
            lines["units"].label("units"),
            lines["price"].label("price"),
            lines["attributes"].label("attributes"),
            products["reference"].label("sku"),
            products["code"].label("upc"),
            products["name"].label("name"),
            taxes["name"].label("tax_name"),
            taxes["rate"].label("rate"),
        )
        .select_from(lines.table)
        .outerjoin(products.table, products["id"] == lines["product"])
        .outerjoin(taxes.table, taxes["id"] == lines["taxid"])
        .order_by(lines["ticket"], lines["line"])
    )
    return query, lines["ticket"]


def _taxes_of(schema: Schema) -> Any:  # noqa: ANN401  as above
    taxed = schema.table("taxlines")
    query = select(taxed["receipt"], taxed["amount"].label("amount")).order_by(taxed["receipt"], taxed["id"])
    return query, taxed["receipt"]


def _payments_of(schema: Schema) -> Any:  # noqa: ANN401  as above
    paid = schema.table("payments")
    query = select(
        paid["receipt"],
        paid["id"].label("id"),
        paid["payment"].label("kind"),
        paid["total"].label("amount"),
        paid.get("tip").label("tip"),
        paid.get("tendered").label("tendered"),
        paid.get("cardname").label("card"),
    ).order_by(paid["receipt"], paid["id"])
    return query, paid["receipt"]


def _originals_of(schema: Schema) -> Any:  # noqa: ANN401  as above
    """Return the lines of the sales that a refund may give goods back of: what it names is a hint.

    uniCenta and Openbravo put the number of the sale into the refund's STATUS, and numbers recur. Chromis raises REFUNDQTY of the
    sold lines instead, and names no sale: those of the same article of which as much came back as the refund has.
    """
    tickets, sold = schema.table("tickets").table.alias("refund"), schema.table("tickets").table.alias("original")
    lines, gone = schema.table("ticketlines"), schema.table("ticketlines").table.alias("gone")
    refund, original = ({one.name.lower(): one for one in table.columns} for table in (tickets, sold))
    is_sale = original["tickettype"] == _SALE
    if lines.has("refundqty"):
        back = {one.name.lower(): one for one in gone.columns}
        same = and_(lines["product"] == back["product"], lines["refundqty"] > 0, lines["refundqty"] >= -back["units"])
        query = (
            select(refund["id"], original["id"].label("original"), lines["product"].label("product"))
            .select_from(tickets)
            .join(gone, back["ticket"] == refund["id"])
            .join(lines.table, same)
            .join(sold, and_(is_sale, original["id"] == lines["ticket"]))
        )
    else:
        query = (
            select(refund["id"], original["id"].label("original"), lines["product"].label("product"))
            .select_from(tickets)
            .join(sold, and_(is_sale, original["ticketid"] == refund["status"]))
            .join(lines.table, lines["ticket"] == original["id"])
        )
    return query.where(refund["tickettype"] == _REFUND), refund["id"]


def read_ticket(sale: SaleRows, shop: Shop) -> ParseResult:
    """Return a ticket's rows as a canonical order.

    Raises:
        Unreadable: they are not what the program writes.
        pydantic.ValidationError: the same, of a field.

    """
    row = sale.row
    if row.type == _DEBT_PAID:
        return Excluded("payments of what customers owe")
    if row.type == _NO_SALE:
        return Excluded("drawers opened without a sale")
    if row.type not in (_SALE, _REFUND):
        msg = f"its tickettype is {row.type}"
        raise Unreadable(msg)
    placed, assumed = shop.time(row.placed)
    taxed = total(round_to(decimal(tax.amount), _EXACT) for tax in sale.of("taxes"))
    lines = _with_taxes([_line(one) for one in sale.of("lines")], taxed)
    goods = total(line["total_inc_tax"] for line in lines)
    tenders = [_tender(one, shop) for one in sale.of("payments")]
    tip = _tip(sale.of("payments"), goods, tenders)
    original = _original(sale) if row.type == _REFUND else None
    place = shop.settings.location
    fields: dict[str, Any] = {
        "source": shop.source,
        "sale_id": sale.id,
        "number": str(row.number),
        "placed_at": placed,
        "currency": shop.currency,
        "location": {"id": place, "name": place} if place else None,
        "register": {"id": row.host, "name": row.host} if row.host else None,
        "cashier": {"id": str(row.person), "name": row.person_name or ""} if row.person else None,
        **_customer(row),
        "lines": lines,
        "fees": [{"kind": "tip", "name": "Tip", "total_ex_tax": tip, "total_inc_tax": tip}] if tip else [],
        "tenders": tenders,
        "returns_of": f"{shop.source}:{original}" if original else None,
        "note": assumed,
        "total_inc_tax": goods + tip,
        "total_tax": taxed,
    }
    return ParsedSale(CanonicalOrder.model_validate(fields))


def _line(row: Row[Any]) -> dict[str, Any]:
    units, price, rate = decimal(row.units), decimal(row.price), decimal(row.rate, ZERO)
    net = round_to(units * price, _EXACT)
    tax = round_to(net * rate, _EXACT)
    return {
        "line_id": str(row.line),
        "kind": "product" if row.product else "custom",
        "sku": words(row.sku) or None,
        "upc": words(row.upc) or None,
        "name": words(row.name) or _own_name(row.attributes) or "Item",
        "quantity": round_to(units, _EXACT),
        "total_ex_tax": net,
        "total_inc_tax": net + tax,
        "list_price": round_to(price, _EXACT),
        "taxes": [{"name": words(row.tax_name) or "Tax", "rate": round_to(rate * 100, _EXACT), "amount": tax}]
        if tax
        else [],
    }


def _own_name(attributes: object) -> str:
    """Return the name of an open item, out of the line's Java properties."""
    found = _NAME.search(words(attributes))
    return unescape(found[1]).strip() if found else ""


def _with_taxes(lines: list[dict[str, Any]], taxed: Decimal) -> list[dict[str, Any]]:
    """Return the lines with the receipt's own tax.

    What the rates do not account for (a tax of taxes, a rounding) goes to the largest.
    """
    left = taxed - total(line["total_inc_tax"] - line["total_ex_tax"] for line in lines)
    if left and lines:
        largest = max(lines, key=lambda line: (bool(line["taxes"]), abs(line["total_ex_tax"])))
        largest["total_inc_tax"] += left
        if largest["taxes"]:
            largest["taxes"][0]["amount"] += left
        else:
            largest["taxes"] = [{"name": "Tax", "amount": left}]
    return lines


def _tender(row: Row[Any], shop: Shop) -> dict[str, Any]:
    said = words(row.kind).lower()
    kind = _KINDS.get(said.removesuffix("refund")) or kind_of(said, shop.settings.tenders)
    amount = round_to(decimal(row.amount), _EXACT)
    tendered = decimal(row.tendered, ZERO)
    given = kind is TenderKind.CASH and tendered > amount > 0
    label = words(row.card) if kind is TenderKind.CARD and row.card else said.removesuffix("refund").title() or "Paid"
    return {
        "id": str(row.id),
        "kind": kind,
        "label": label,
        "amount": amount,
        **({"tendered": round_to(tendered, _EXACT), "change": round_to(tendered - amount, _EXACT)} if given else {}),
    }


def _tip(payments: Sequence[Row[Any]], goods: Decimal, tenders: Sequence[dict[str, Any]]) -> Decimal:
    """Return the tip, where the payments hold it; one that they do not hold was none of the sale's money."""
    tip = total(round_to(decimal(row.tip, ZERO), _EXACT) for row in payments)
    paid = total(tender["amount"] for tender in tenders)
    return tip if tip and abs(goods + tip - paid) < abs(goods - paid) else ZERO


def _original(sale: SaleRows) -> str | None:
    """Return the sale that a refund gives goods back of: the one that its number names, if that one sold all of them."""
    sold: dict[str, set[Any]] = {}
    for row in sale.of("originals"):
        sold.setdefault(str(row.original), set()).add(row.product)
    back = {row.product for row in sale.of("lines")}
    able = [key for key, products in sold.items() if back <= products]
    return able[0] if len(able) == 1 else None


def _customer(row: Row[Any]) -> dict[str, Any]:
    if not row.customer:
        return {}
    first, last = words(row.first_name), words(row.last_name)
    if not first and not last:
        first, _, last = words(row.customer_name).rpartition(" ")
    about = {
        "first_name": first or last,
        "last_name": last if first else "",
        "email": words(row.email),
        "phone": words(row.phone),
    }
    return people(row.customer, about | {name: words(getattr(row, name)) for name in _HOME})


PRESET = SqlPreset("unicenta", prepare, UniCentaOptions)
