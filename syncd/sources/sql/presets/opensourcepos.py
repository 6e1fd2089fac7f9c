"""Open Source Point of Sale 3.1 and newer (MySQL, MariaDB).

Amounts follow the program's own sums (app/Models/Sale.php, ``get_info``). Sale times are written by PHP in the zone that
``app_config`` names; the time of a payment is the database's own, so it tells which of two equal hours a sale was made in. Nothing
says when a sale was changed, and suspended sales complete under their old ids: the last days are looked over by content.
Source: https://github.com/opensourcepos/opensourcepos (app/Models, app/Controllers/Sales.php, app/Config/Constants.php).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct
from sqlalchemy import Row, Select, and_, func, null, select
from sqlalchemy.sql.elements import ColumnElement

from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import OpenKind, TenderKind
from syncd.canonical.money import ZERO, round_to, total
from syncd.sources.errors import SourceUnavailable
from syncd.sources.records import ParsedSale, ParseResult, Unreadable
from syncd.sources.sql.preset import Axis, RowQuery, SaleRows, Shop, SqlPreset
from syncd.sources.sql.schema import FoundTables, Schema
from syncd.sources.sql.settings import SqlSettings
from syncd.sources.tenders import kind_of
from syncd.sources.values import people
from syncd.sources.zones import zone

_COMPLETED, _SUSPENDED, _CANCELLED = 0, 1, 2
_POS, _INVOICE, _WORK_ORDER, _QUOTE, _RETURN = range(5)
_OPEN_KINDS = {_WORK_ORDER: OpenKind.WORK_ORDER, _QUOTE: OpenKind.QUOTE}
_AMOUNT_ENTRY, _TEMPORARY = 2, 3  # item types that are open items
_BARCODE = re.compile(r"\d{8}|\d{12,14}")
_ADDED = 1  # tax type: on top of the price


class OpenSourcePosOptions(SqlSettings):
    """``prefix`` is that of the program's tables."""

    prefix: str = "ospos_"


class _Tables(Struct, frozen=True):
    """The program's tables, under its prefix."""

    schema: Schema
    prefix: str

    def __getitem__(self, name: str) -> FoundTables:
        return self.schema.table(f"{self.prefix}{name}")

    def has(self, name: str) -> bool:
        return self.schema.has(f"{self.prefix}{name}")


def prepare(schema: Schema, settings: OpenSourcePosOptions, source: str) -> RowQuery:
    """Return what to ask this database for.

    Raises:
        Unavailable: it is no database of this program, or an older one.

    """
    tables = _Tables(schema, settings.prefix)
    said = _config(tables)
    shop, decimals = _shop(source, settings, said), int(said.get("currency_decimals") or 2)
    sales = tables["sales"]
    placed = Axis(sales["sale_time"], shop.zone, indexed=(sales.table.name, "sale_time"))
    parts = {"lines": _lines_of(tables), "payments": _payments_of(tables)}
    places = Decimal(1).scaleb(-decimals)
    notes = (f"{said.get('company') or 'the shop'} sells in {shop.currency}, in zone {shop.zone}",)
    asked = _sales_of(tables, decimals)
    return RowQuery(asked, sales["sale_id"], placed, placed, parts, lambda sale: read_sale(sale, shop, places), notes)


def _sales_of(tables: _Tables, decimals: int) -> Select[Any]:
    sales, people = tables["sales"], tables["people"].table
    buyer, cashier = people.alias("buyer"), people.alias("cashier")
    taxed: ColumnElement[Any] = null()
    if tables.has("sales_taxes"):
        sums = tables["sales_taxes"]
        each = func.sum(func.round(sums["sale_tax_amount"], decimals))
        mine = sums["sale_id"] == sales["sale_id"], sums["tax_type"] == _ADDED
        taxed = select(each).where(*mine).correlate(sales.table).scalar_subquery()
    return (
        select(
            sales["sale_id"],
            sales["sale_time"].label("placed"),
            sales["sale_status"].label("status"),
            sales.get("sale_type").label("type"),
            sales["comment"].label("comment"),
            sales.get("invoice_number").label("invoice"),
            taxed.label("taxed"),
            sales["customer_id"].label("customer"),
            buyer.c.first_name,
            buyer.c.last_name,
            buyer.c.email,
            buyer.c.phone_number,
            *(buyer.c[column].label(name) for name, column in _HOME.items()),
            sales["employee_id"].label("employee"),
            cashier.c.first_name.label("cashier_first"),
            cashier.c.last_name.label("cashier_last"),
        )
        .select_from(sales.table)
        .outerjoin(buyer, buyer.c.person_id == sales["customer_id"])
        .outerjoin(cashier, cashier.c.person_id == sales["employee_id"])
    )


def _lines_of(tables: _Tables) -> tuple[Select[Any], ColumnElement[Any]]:
    """Each line, once for each of its taxes."""
    items, goods, places = tables["sales_items"], tables["items"], tables["stock_locations"]
    taxes = tables["sales_items_taxes"]
    if not taxes.has("item_tax_amount"):
        what = "this Open Source Point of Sale keeps no tax amounts: it is older than 3.1"
        raise SourceUnavailable(what, "Upgrade it, or export to files.")
    same = (taxes[name] == items[name] for name in ("sale_id", "item_id", "line"))
    query = (
        select(
            items["sale_id"],
            items["line"].label("line"),
            items["item_id"].label("item"),
            items["quantity_purchased"].label("quantity"),
            items["item_unit_price"].label("price"),
            (items["discount"] if items.has("discount") else items["discount_percent"]).label("discount"),
            items.get("discount_type").label("discount_type"),
            items["description"].label("description"),
            items["serialnumber"].label("serial"),
            items["item_location"].label("location"),
            places["location_name"].label("location_name"),
            goods["name"].label("name"),
            goods["item_number"].label("sku"),
            goods.get("item_type").label("item_type"),
            taxes["name"].label("tax"),
            taxes["percent"].label("percent"),
            taxes["tax_type"].label("tax_type"),
            taxes["item_tax_amount"].label("tax_amount"),
        )
        .select_from(items.table)
        .outerjoin(goods.table, goods["item_id"] == items["item_id"])
        .outerjoin(places.table, places["location_id"] == items["item_location"])
        .outerjoin(taxes.table, and_(*same))
        .order_by(items["sale_id"], items["line"], items["item_id"], taxes["name"])
    )
    return query, items["sale_id"]


def _payments_of(tables: _Tables) -> tuple[Select[Any], ColumnElement[Any]]:
    payments = tables["sales_payments"]
    numbered = payments.has("payment_id")
    query = select(
        payments["sale_id"],
        (payments["payment_id"] if numbered else null()).label("id"),
        payments["payment_type"].label("label"),
        payments["payment_amount"].label("amount"),
        payments.get("cash_refund").label("back"),
        payments.get("cash_adjustment").label("rounding"),
        (func.unix_timestamp(payments["payment_time"]) if payments.has("payment_time") else null()).label("at"),
    ).order_by(payments["sale_id"], payments["payment_id" if numbered else "payment_type"])
    return query, payments["sale_id"]


def _config(tables: _Tables) -> Mapping[str, str]:
    config = tables["app_config"]
    wanted = ("timezone", "currency_code", "currency_decimals", "company")
    query = select(config["key"], config["value"]).where(config["key"].in_(wanted))
    return {key: value for key, value in tables.schema.connection.execute(query).all() if value}


def _shop(source: str, settings: OpenSourcePosOptions, said: Mapping[str, str]) -> Shop:
    currency, name = settings.currency or said.get("currency_code"), settings.timezone or said.get("timezone")
    if not currency:
        raise SourceUnavailable("the shop's configuration names no currency", "Set currency for this source.")
    try:
        return Shop(source, settings, zone(name or ""), currency.upper())
    except ValueError:
        raise SourceUnavailable(
            f"the shop's configuration names the time zone {name!r}", "Set timezone for this source."
        ) from None


def read_sale(sale: SaleRows, shop: Shop, places: Decimal) -> ParseResult:
    """Return a sale's rows as a canonical order.

    Raises:
        Unreadable: they are not what the program writes.
        pydantic.ValidationError: the same, of a field.

    """
    row, payments = sale.row, sale.of("payments")
    paid_at = min((at for one in payments if (at := _epoch(one.at))), default=None)
    placed, assumed = shop.time(row.placed, paid_at)
    lines = _lines(sale, places)
    rounding = total(one.amount for one in payments if one.rounding)
    goods = round_to(total(line.net for line in lines), places)
    added = _settled(row.taxed, lines, places)
    fields: dict[str, Any] = {
        "source": shop.source,
        "sale_id": sale.id,
        "number": row.invoice or f"POS {sale.id}",
        **_status(row),
        "placed_at": placed,
        "currency": shop.currency,
        "prices_include_tax": any(line.within for line in lines),
        "location": _location(lines, shop),
        "cashier": _named(row.employee, row.cashier_first, row.cashier_last),
        **_customer(row),
        "lines": [_told(line) for line in lines],
        "tenders": [_tender(one, shop) for one in payments if not one.rounding],
        "rounding": rounding,
        "note": "; ".join(filter(None, (row.comment or "", assumed))),
        "total_inc_tax": goods + added + rounding,
        "total_tax": added + total(line.within for line in lines),
    }
    return ParsedSale(CanonicalOrder.model_validate(fields))


def _status(row: Row[Any]) -> dict[str, Any]:
    if row.status == _COMPLETED and row.type not in _OPEN_KINDS:
        return {"status": "completed"}
    if row.status == _CANCELLED:
        return {"status": "voided"}
    if row.status in (_COMPLETED, _SUSPENDED):
        return {"status": "open", "open_kind": _OPEN_KINDS.get(row.type or 0, OpenKind.PARKED)}
    msg = f"its sale_status is {row.status}"
    raise Unreadable(msg)


@dataclass(slots=True)
class _Line:
    """A line as the program sums it up: after its discount, with the taxes on top and those within its price."""

    row: Row[Any]
    off: Decimal
    net: Decimal
    added: Decimal = ZERO
    within: Decimal = ZERO
    taxes: list[dict[str, Any]] = field(default_factory=list)


def _lines(sale: SaleRows, places: Decimal) -> list[_Line]:
    lines: list[_Line] = []
    for row in sale.of("lines"):
        if not lines or (lines[-1].row.line, lines[-1].row.item) != (row.line, row.item):
            gross = row.quantity * row.price
            off = row.quantity * row.discount if row.discount_type else round_to(gross * row.discount / 100, places)
            lines.append(_Line(row, off, gross - off))
        if row.tax_amount:
            on_top = row.tax_type in (_ADDED, str(_ADDED))  # a number or, in older versions, a text
            line = lines[-1]
            line.taxes.append({"name": row.tax, "rate": row.percent, "amount": row.tax_amount, "included": not on_top})
            if on_top:
                line.added += row.tax_amount
            else:
                line.within += round_to(row.tax_amount, places)
    return lines


def _settled(stated: Decimal | None, lines: Sequence[_Line], places: Decimal) -> Decimal:
    """Return the tax on top, as the receipt sums it up: tax by tax, rounded.

    What rounding left over goes to the largest taxed line.
    """
    exact = total(line.added for line in lines)
    added = round_to(exact, places) if stated is None else stated
    if (left := added - exact) and lines:
        largest = max(lines, key=lambda line: abs(line.added))
        largest.added += left
        if largest.taxes:
            largest.taxes[0]["amount"] += left
    return added


def _told(line: _Line) -> dict[str, Any]:
    row = line.row
    return {
        "line_id": f"{row.line}-{row.item}",
        "kind": "custom" if row.item_type in (_AMOUNT_ENTRY, _TEMPORARY) else "product",
        "sku": row.sku or None,
        "upc": row.sku if row.sku and _BARCODE.fullmatch(row.sku) else None,
        "name": row.name or row.description or f"Item {row.item}",
        "quantity": row.quantity,
        "total_ex_tax": line.net - line.within,
        "total_inc_tax": line.net + line.added,
        "list_price": row.price,
        "discount": line.off,
        "taxes": line.taxes,
        "serials": [row.serial] if row.serial else [],
        "note": row.description if row.description and row.description != row.name else "",
    }


def _tender(row: Row[Any], shop: Shop) -> dict[str, Any]:
    label, _, number = str(row.label).partition(":")
    back = row.back or ZERO
    kind = kind_of(label, shop.settings.tenders)
    tendered = {"tendered": row.amount, "change": back} if kind is TenderKind.CASH and row.amount > 0 else {}
    return {
        "id": None if row.id is None else str(row.id),
        "at": _epoch(row.at),
        "kind": kind,
        "label": f"{label} {number}".strip(),
        "amount": row.amount - back,
        **tendered,
    }


def _epoch(at: object) -> datetime | None:
    return datetime.fromtimestamp(float(at), UTC) if isinstance(at, int | float | Decimal) and at else None


def _location(lines: Sequence[_Line], shop: Shop) -> dict[str, Any] | None:
    """Return the place that all goods came from; none where they came from several."""
    if shop.settings.location:
        return {"id": shop.settings.location, "name": shop.settings.location}
    found = {(line.row.location, line.row.location_name) for line in lines}
    if len(found) != 1:
        return None
    ((key, name),) = found
    return {"id": str(key), "name": name or ""}


def _named(key: object, first: str | None, last: str | None) -> dict[str, Any] | None:
    return {"id": str(key), "name": f"{first or ''} {last or ''}".strip()} if key else None


_HOME = {
    "street_1": "address_1",
    "street_2": "address_2",
    "city": "city",
    "state": "state",
    "zip": "zip",
    "country": "country",
}


def _customer(row: Row[Any]) -> dict[str, Any]:
    if row.customer is None:
        return {}
    about = {
        "first_name": row.first_name or "",
        "last_name": row.last_name or "",
        "email": row.email or "",
        "phone": row.phone_number or "",
    }
    return people(row.customer, about | {name: str(getattr(row, name) or "") for name in _HOME})


PRESET = SqlPreset("opensourcepos", prepare, OpenSourcePosOptions)
