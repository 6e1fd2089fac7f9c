"""Odoo Point of Sale, out of its PostgreSQL database: versions 13 to 19, by the columns that are there.

Orders are walked by ``write_date``; a change of a line alone does not move it, and is seen when the last days are read again.
Amounts and names are read as the RPC's are (``syncd.sources.odoo.reading``), and a sale goes by the same id.
Source: https://github.com/odoo/odoo, addons/point_of_sale/models.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any

from sqlalchemy import FromClause, Row, Select, literal, null, select
from sqlalchemy.sql.elements import ColumnElement

from syncd.sources.odoo.fields import LINE, ORDER, PAYMENT
from syncd.sources.odoo.reading import MONEY_PRODUCTS, OdooReferenceData, read_order
from syncd.sources.records import Document, ParseResult
from syncd.sources.sql.preset import Axis, RowQuery, SaleRows, SqlPreset
from syncd.sources.sql.schema import FoundTables, Schema
from syncd.sources.sql.settings import SqlSettings
from syncd.sources.zones import zone

# What is told by other tables, or goes by another name here.
_ELSEWHERE = {
    "date_order",
    "write_date",
    "amount_return",
    "session_id",
    "config_id",
    "currency_id",
    "company_id",
    "employee_id",
}
_ORDER = tuple(name for name in ORDER if name not in _ELSEWHERE)
_LINE = tuple(name for name in LINE if name not in {"order_id", "tax_ids", "write_date"})
_HOME = ("street", "street2", "city", "zip")
_PAYMENT = tuple(name for name in PAYMENT if name not in {"pos_order_id", "write_date"})


class OdooTableOptions(SqlSettings):
    """``tills`` by name, all where it is empty."""

    tills: tuple[str, ...] = ()


def prepare(schema: Schema, settings: OdooTableOptions, source: str) -> RowQuery:
    """Return what to ask this database for.

    Raises:
        Unavailable: it is no database of an Odoo with a Point of Sale.

    """
    orders = schema.table("pos_order")
    sold = _orders(schema, orders)
    if settings.tills:
        sold = sold.where(schema.table("pos_config")["name"].in_(settings.tills))
    mark = Axis(orders["write_date"], UTC, indexed=("pos_order", "write_date"))
    placed = Axis(orders["date_order"], UTC, indexed=("pos_order", "date_order"))
    parts = {"lines": _lines(schema), "taxes": _taxes(schema), "payments": _payments(schema)}
    around = OdooReferenceData(settings.currency or "", zone(settings.timezone or "UTC"), tenders=settings.tenders)
    return RowQuery(sold, orders["id"], mark, placed, parts, lambda sale: read_sale(sale, around, source))


def _orders(schema: Schema, orders: FoundTables) -> Select[Any]:
    sessions, configs, companies = (schema.table(name) for name in ("pos_session", "pos_config", "res_company"))
    lists, users, partners = (schema.table(name) for name in ("product_pricelist", "res_users", "res_partner"))
    currencies = schema.table("res_currency").table
    listed, own = currencies.alias("listed"), currencies.alias("own")
    buyer, seller = partners.table.alias("buyer"), partners.table.alias("seller")
    columns = [orders.get(name).label(name) for name in _ORDER]
    query = (
        select(
            orders["id"],
            orders["write_date"].label("mark"),
            orders["date_order"].label("placed"),
            *columns,
            configs["id"].label("config"),
            configs["name"].label("config_name"),
            configs.get("tip_product_id").label("tip_product"),
            configs.get("discount_product_id").label("discount_product"),
            *(configs.get(name).label(name) for name in MONEY_PRODUCTS),
            listed.c.name.label("currency"),
            own.c.name.label("own_currency"),
            seller.c.name.label("seller"),
            buyer.c.name.label("buyer"),
            buyer.c.email.label("email"),
            buyer.c.phone.label("phone"),
            *(buyer.c[name] if partners.has(name) else null().label(name) for name in _HOME),
        )
        .select_from(orders.table)
        .outerjoin(sessions.table, sessions["id"] == orders["session_id"])
        .outerjoin(configs.table, configs["id"] == sessions["config_id"])
        .outerjoin(companies.table, companies["id"] == orders["company_id"])
        .outerjoin(own, own.c.id == companies["currency_id"])
        .outerjoin(lists.table, lists["id"] == orders["pricelist_id"])
        .outerjoin(listed, listed.c.id == lists["currency_id"])
        .outerjoin(users.table, users["id"] == orders["user_id"])
        .outerjoin(seller, seller.c.id == users["partner_id"])
        .outerjoin(buyer, buyer.c.id == orders["partner_id"])
    )
    query = _with_places(schema, query, buyer, linked=partners.has("state_id") and partners.has("country_id"))
    if orders.has("employee_id") and schema.has("hr_employee"):
        staff = schema.table("hr_employee")
        query = query.add_columns(staff["id"].label("employee"), staff["name"].label("employee_name"))
        return query.outerjoin(staff.table, staff["id"] == orders["employee_id"])
    return query.add_columns(literal(None).label("employee"), literal(None).label("employee_name"))


def _with_places(schema: Schema, query: Select[Any], buyer: FromClause, *, linked: bool) -> Select[Any]:
    """Return the query with the customer's state by its name and the country by its code (its name is translated text)."""
    if not linked or not (schema.has("res_country") and schema.has("res_country_state")):
        return query.add_columns(null().label("state_name"), null().label("country_code"))
    states, countries = schema.table("res_country_state"), schema.table("res_country")
    query = query.add_columns(states["name"].label("state_name"), countries["code"].label("country_code"))
    query = query.outerjoin(states.table, states["id"] == buyer.c.state_id)
    return query.outerjoin(countries.table, countries["id"] == buyer.c.country_id)


def _lines(schema: Schema) -> tuple[Select[Any], ColumnElement[Any]]:
    lines, products, templates = (
        schema.table(name) for name in ("pos_order_line", "product_product", "product_template")
    )
    query = (
        select(
            lines["order_id"],
            lines["id"].label("id"),
            *(lines.get(name).label(name) for name in _LINE),
            products["default_code"].label("default_code"),
            products["barcode"].label("barcode"),
            templates["name"].label("template"),
        )
        .select_from(lines.table)
        .outerjoin(products.table, products["id"] == lines["product_id"])
        .outerjoin(templates.table, templates["id"] == products["product_tmpl_id"])
        .order_by(lines["order_id"], lines["id"])
    )
    if lines.has("refunded_orderline_id"):
        sold = lines.table.alias("sold")
        query = query.add_columns(sold.c.order_id.label("original"))
        query = query.outerjoin(sold, sold.c.id == lines["refunded_orderline_id"])
    else:
        query = query.add_columns(literal(None).label("original"))
    return query, lines["order_id"]


def _taxes(schema: Schema) -> tuple[Select[Any], ColumnElement[Any]]:
    lines, taxes, between = (
        schema.table(name) for name in ("pos_order_line", "account_tax", "account_tax_pos_order_line_rel")
    )
    query = (
        select(
            lines["order_id"],
            lines["id"].label("line"),
            taxes["id"].label("tax"),
            taxes["name"].label("name"),
            taxes["amount"].label("amount"),
            taxes.get("price_include").label("price_include"),
            taxes.get("price_include_override").label("override"),
        )
        .select_from(lines.table)
        .join(between.table, between["pos_order_line_id"] == lines["id"])
        .join(taxes.table, taxes["id"] == between["account_tax_id"])
        .order_by(lines["order_id"], lines["id"], taxes["id"])
    )
    return query, lines["order_id"]


def _payments(schema: Schema) -> tuple[Select[Any], ColumnElement[Any]]:
    paid, methods, journals = (schema.table(name) for name in ("pos_payment", "pos_payment_method", "account_journal"))
    query = (
        select(
            paid["pos_order_id"],
            paid["id"].label("id"),
            *(paid.get(name).label(name) for name in _PAYMENT),
            methods["name"].label("method"),
            methods.get("is_cash_count").label("is_cash_count"),
            journals["type"].label("journal"),
        )
        .select_from(paid.table)
        .outerjoin(methods.table, methods["id"] == paid["payment_method_id"])
        .outerjoin(journals.table, journals["id"] == methods.get("journal_id"))
        .order_by(paid["pos_order_id"], paid["id"])
    )
    return query, paid["pos_order_id"]


def read_sale(sale: SaleRows, around: OdooReferenceData, source: str) -> ParseResult:
    """Return an order's rows as a canonical order: as the documents that the RPC would answer.

    Raises:
        Unreadable: they are not what Odoo writes.
        pydantic.ValidationError: the same, of a field.

    """
    row, lines, payments = sale.row, sale.of("lines"), sale.of("payments")
    taxes: dict[int, list[int]] = {}
    for tax in sale.of("taxes"):
        taxes.setdefault(tax.line, []).append(tax.tax)
    order: dict[str, Any] = {name: getattr(row, name) for name in _ORDER}
    order |= {
        "id": row[0],
        "date_order": row.placed,
        "write_date": row.mark,
        "config_id": (row.config, row.config_name) if row.config else False,
        "currency_id": (1, row.currency or row.own_currency) if row.currency or row.own_currency else False,
        "user_id": (row.user_id, row.seller) if row.user_id else False,
        "employee_id": (row.employee, row.employee_name) if row.employee else False,
        "lines": [_line(line, taxes.get(line.id, [])) for line in lines],
        "payments": [_named(payment, _PAYMENT) for payment in payments],
    }
    known = OdooReferenceData(
        around.currency,
        around.zone,
        {line.product_id: {"default_code": line.default_code, "barcode": line.barcode} for line in lines},
        {tax.tax: _tax(tax) for tax in sale.of("taxes")},
        {payment.payment_method_id: _method(payment) for payment in payments},
        {row.config: _config(row)} if row.config else {},
        {row.partner_id: _partner(row)} if row.partner_id else {},
        {line.refunded_orderline_id: line.original for line in lines if line.original},
        around.tenders,
    )
    return read_order(order, known, source)


def _partner(row: Row[Any]) -> dict[str, Any]:
    """Return the customer as a call would show them: what links elsewhere as a pair of id and name."""
    plain = {"name": row.buyer, **{name: getattr(row, name) for name in ("email", "phone", *_HOME)}}
    linked = {"state_id": row.state_name, "country_id": row.country_code}
    return plain | {name: (1, value) if value else False for name, value in linked.items()}


def _config(row: Row[Any]) -> Document:
    own = {"tip_product_id": row.tip_product, "discount_product_id": row.discount_product}
    return own | {name: getattr(row, name) for name in MONEY_PRODUCTS}


def _named(row: Row[Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {"id": row.id, **{name: getattr(row, name) for name in names}}


def _line(row: Row[Any], taxes: list[int]) -> dict[str, Any]:
    return _named(row, _LINE) | {"full_product_name": row.full_product_name or row.template, "tax_ids": taxes}


def _tax(row: Row[Any]) -> Document:
    included = row.override == "tax_included" if row.override else row.price_include
    return {"name": row.name, "amount": row.amount, "price_include": included}


def _method(row: Row[Any]) -> Document:
    return {"name": row.method, "is_cash_count": row.is_cash_count, "type": row.journal or "pay_later"}


PRESET = SqlPreset("odoo", prepare, OdooTableOptions)
