"""Open Source Point of Sale 3.1 and newer (MySQL, MariaDB).

Amounts follow the program's own sums (app/Models/Sale.php, ``get_info``). Sale times are written by PHP in the zone that
``app_config`` names; the time of a payment is the database's own, so it tells which of two equal hours a sale was made in. Nothing
says when a sale was changed, and suspended sales complete under their old ids: the last days are looked over by content.
Source: https://github.com/opensourcepos/opensourcepos (app/Models, app/Controllers/Sales.php, app/Config/Constants.php).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, func, null, select

from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import OpenKind, TenderKind
from syncd.canonical.money import ZERO, round_to, total
from syncd.sources.documents import Read, Sale, Unreadable
from syncd.sources.errors import Unavailable
from syncd.sources.sql.preset import Ask, Axis, Preset, SaleRows, Shop
from syncd.sources.sql.schema import Schema
from syncd.sources.sql.settings import SqlSettings
from syncd.sources.tenders import kind_of
from syncd.sources.zones import zone

_COMPLETED, _SUSPENDED, _CANCELLED = 0, 1, 2
_POS, _INVOICE, _WORK_ORDER, _QUOTE, _RETURN = range(5)
_OPEN_KINDS = {_WORK_ORDER: OpenKind.WORK_ORDER, _QUOTE: OpenKind.QUOTE}
_AMOUNT_ENTRY, _TEMPORARY = 2, 3  # item types that are open items
_BARCODE = re.compile(r"\d{8}|\d{12,14}")
_ADDED = 1  # tax type: on top of the price


class Options(SqlSettings):
    """``prefix`` is that of the program's tables."""

    prefix: str = "ospos_"


def prepare(schema: Schema, settings: Options, source: str) -> Ask:
    """What to ask this database for.

    Raises:
        Unavailable: it is no database of this program, or an older one.

    """

    def table(name: str) -> Any:  # noqa: ANN401  a found table
        return schema.table(f"{settings.prefix}{name}")

    said = _config(schema, settings.prefix)
    shop = _shop(source, settings, said)
    places = Decimal(1).scaleb(-int(said.get("currency_decimals") or 2))
    sales, people = table("sales"), table("people").table
    buyer, cashier = people.alias("buyer"), people.alias("cashier")
    items, taxes, payments = table("sales_items"), table("sales_items_taxes"), table("sales_payments")
    if not taxes.has("item_tax_amount"):
        raise Unavailable(
            "this Open Source Point of Sale keeps no tax amounts: it is older than 3.1",
            "Upgrade it, or export to files.",
        )
    goods, locations = table("items"), table("stock_locations")
    placed = Axis(sales["sale_time"], shop.zone, indexed=(f"{settings.prefix}sales", "sale_time"))
    sold = (
        select(
            sales["sale_id"],
            sales["sale_time"].label("mark"),
            sales["sale_time"].label("placed"),
            sales["sale_status"].label("status"),
            sales.get("sale_type").label("type"),
            sales["comment"].label("comment"),
            sales.get("invoice_number").label("invoice"),
            sales["customer_id"].label("customer"),
            buyer.c.first_name,
            buyer.c.last_name,
            buyer.c.email,
            buyer.c.phone_number,
            sales["employee_id"].label("employee"),
            cashier.c.first_name.label("cashier_first"),
            cashier.c.last_name.label("cashier_last"),
        )
        .select_from(sales.table)
        .outerjoin(buyer, buyer.c.person_id == sales["customer_id"])
        .outerjoin(cashier, cashier.c.person_id == sales["employee_id"])
    )
    lines = (
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
            locations["location_name"].label("location_name"),
            goods["name"].label("name"),
            goods["item_number"].label("sku"),
            goods.get("item_type").label("item_type"),
        )
        .select_from(items.table)
        .outerjoin(goods.table, goods["item_id"] == items["item_id"])
        .outerjoin(locations.table, locations["location_id"] == items["item_location"])
        .order_by(items["sale_id"], items["line"])
    )
    line_taxes = select(
        taxes["sale_id"],
        taxes["line"].label("line"),
        taxes["item_id"].label("item"),
        taxes["name"].label("name"),
        taxes["percent"].label("percent"),
        taxes["tax_type"].label("tax_type"),
        taxes["item_tax_amount"].label("amount"),
    ).order_by(taxes["sale_id"], taxes["line"], taxes["name"])
    number = payments["payment_id"] if payments.has("payment_id") else payments["payment_type"]
    paid = select(
        payments["sale_id"],
        (payments["payment_id"] if payments.has("payment_id") else null()).label("id"),
        payments["payment_type"].label("label"),
        payments["payment_amount"].label("amount"),
        payments.get("cash_refund").label("back"),
        payments.get("cash_adjustment").label("rounding"),
        (func.unix_timestamp(payments["payment_time"]) if payments.has("payment_time") else null()).label("at"),
    ).order_by(payments["sale_id"], number)
    parts = {
        "lines": (lines, items["sale_id"]),
        "taxes": (line_taxes, taxes["sale_id"]),
        "payments": (paid, payments["sale_id"]),
    }
    if schema.has(f"{settings.prefix}sales_taxes"):
        sums = table("sales_taxes")
        taxed = select(sums["sale_id"], sums["tax_type"].label("tax_type"), sums["sale_tax_amount"].label("amount"))
        parts["sums"] = (taxed, sums["sale_id"])
    notes = (f"{said.get('company') or 'the shop'} sells in {shop.currency}, in zone {shop.zone}",)
    return Ask(sold, sales["sale_id"], placed, placed, parts, lambda sale: read_sale(sale, shop, places), notes)


def _config(schema: Schema, prefix: str) -> Mapping[str, str]:
    config = schema.table(f"{prefix}app_config")
    wanted = ("timezone", "currency_code", "currency_decimals", "company")
    query = select(config["key"], config["value"]).where(config["key"].in_(wanted))
    return {key: value for key, value in schema.connection.execute(query).all() if value}


def _shop(source: str, settings: Options, said: Mapping[str, str]) -> Shop:
    currency, name = settings.currency or said.get("currency_code"), settings.timezone or said.get("timezone")
    if not currency:
        raise Unavailable("the shop's configuration names no currency", "Set currency for this source.")
    try:
        return Shop(source, settings, zone(name or ""), currency.upper())
    except ValueError:
        raise Unavailable(
            f"the shop's configuration names the time zone {name!r}", "Set timezone for this source."
        ) from None


def read_sale(sale: SaleRows, shop: Shop, places: Decimal) -> Read:
    """A sale's rows as a canonical order.

    Raises:
        Unreadable: they are not what the program writes.
        pydantic.ValidationError: the same, of a field.

    """
    row, payments = sale.row, sale.of("payments")
    paid_at = min((at for one in payments if (at := _epoch(one.at))), default=None)
    placed, assumed = shop.time(row.placed, paid_at)
    lines = _lines(sale, places)
    rounding = total(one.amount for one in payments if one.rounding)
    goods = round_to(total(line["total_inc_tax"] - line["added"] for line in lines), places)
    added = _taxes(sale, places, lines)
    for line in lines:
        del line["added"]
    location = {(one.location, one.location_name) for one in sale.of("lines")}
    fields: dict[str, Any] = {
        "source": shop.source,
        "sale_id": sale.id,
        "number": row.invoice or f"POS {sale.id}",
        **_status(row),
        "placed_at": placed,
        "currency": shop.currency,
        "prices_include_tax": any(not _is_added(tax) for tax in sale.of("taxes")),
        "location": _location(location, shop),
        "cashier": _named(row.employee, row.cashier_first, row.cashier_last),
        "customer": _customer(row),
        "lines": lines,
        "tenders": [_tender(one, shop) for one in payments if not one.rounding],
        "rounding": rounding,
        "note": "; ".join(filter(None, (row.comment or "", assumed))),
        "total_inc_tax": goods + added + rounding,
        "total_tax": added + total(round_to(tax.amount, places) for tax in sale.of("taxes") if not _is_added(tax)),
    }
    return Sale(CanonicalOrder.model_validate(fields))


def _status(row: Row[Any]) -> dict[str, Any]:
    if row.status == _COMPLETED:
        return {"status": "completed"}
    if row.status == _CANCELLED:
        return {"status": "voided"}
    if row.status == _SUSPENDED:
        return {"status": "open", "open_kind": _OPEN_KINDS.get(row.type or 0, OpenKind.PARKED)}
    msg = f"its sale_status is {row.status}"
    raise Unreadable(msg)


def _lines(sale: SaleRows, places: Decimal) -> list[dict[str, Any]]:
    taxes: dict[tuple[int, int], list[Row[Any]]] = {}
    for tax in sale.of("taxes"):
        taxes.setdefault((tax.line, tax.item), []).append(tax)
    return [_line(row, taxes.get((row.line, row.item), ()), places) for row in sale.of("lines")]


def _line(row: Row[Any], taxes: Sequence[Row[Any]], places: Decimal) -> dict[str, Any]:
    gross = row.quantity * row.price
    off = row.quantity * row.discount if row.discount_type else round_to(gross * row.discount / 100, places)
    net = gross - off
    added, within = _sum(taxes, added=True), _sum(taxes, added=False)
    return {
        "line_id": f"{row.line}-{row.item}",
        "kind": "custom" if row.item_type in (_AMOUNT_ENTRY, _TEMPORARY) else "product",
        "sku": row.sku or None,
        "upc": row.sku if row.sku and _BARCODE.fullmatch(row.sku) else None,
        "name": row.name or row.description or f"Item {row.item}",
        "quantity": row.quantity,
        "total_ex_tax": net - within,
        "total_inc_tax": net + added,
        "list_price": row.price,
        "discount": off,
        "taxes": [
            {"name": tax.name, "rate": tax.percent, "amount": tax.amount, "included": not _is_added(tax)}
            for tax in taxes
            if tax.amount
        ],
        "serials": [row.serial] if row.serial else [],
        "note": row.description if row.description and row.description != row.name else "",
        "added": added,
    }


def _taxes(sale: SaleRows, places: Decimal, lines: Sequence[dict[str, Any]]) -> Decimal:
    """The tax on top, as the receipt sums it up: tax by tax, rounded. What rounding left over goes to the largest taxed line."""
    exact = total(line["added"] for line in lines)
    stated = [row.amount for row in sale.of("sums") if _is_added(row)]
    added = total(round_to(amount, places) for amount in stated) if stated else round_to(exact, places)
    if (left := added - exact) and lines:
        largest = max(lines, key=lambda line: abs(line["added"]))
        largest["total_inc_tax"] += left
        largest["added"] += left
        if largest["taxes"]:
            largest["taxes"][0]["amount"] += left
    return added


def _sum(taxes: Sequence[Row[Any]], *, added: bool) -> Decimal:
    return total(tax.amount for tax in taxes if _is_added(tax) is added)


def _is_added(tax: Row[Any]) -> bool:
    return int(tax.tax_type) == _ADDED


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
    return datetime.fromtimestamp(float(str(at)), UTC) if at else None


def _location(found: set[tuple[Any, Any]], shop: Shop) -> dict[str, Any] | None:
    if shop.settings.location:
        return {"id": shop.settings.location, "name": shop.settings.location}
    if len(found) != 1:
        return None
    ((key, name),) = found
    return {"id": str(key), "name": name or ""}


def _named(key: object, first: str | None, last: str | None) -> dict[str, Any] | None:
    return {"id": str(key), "name": f"{first or ''} {last or ''}".strip()} if key else None


def _customer(row: Row[Any]) -> dict[str, Any] | None:
    if row.customer is None:
        return None
    return {
        "id": str(row.customer),
        "first_name": row.first_name or "",
        "last_name": row.last_name or "",
        "email": row.email or "",
        "phone": row.phone_number or "",
    }


PRESET = Preset("opensourcepos", prepare, Options)
