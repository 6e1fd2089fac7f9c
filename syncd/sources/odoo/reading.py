"""An Odoo POS order as a canonical order. Pure; the same for what its RPC answers and what its database holds.

Amounts: a line's two subtotals, never price times quantity. Change is a second, negative payment. A tip is a product line and a
field of the order: it is counted once. Rewards and discounts are negative lines. Times are UTC and do not say so.
Source: https://github.com/odoo/odoo, addons/point_of_sale/models (pos_order, pos_order_line, pos_payment), versions 13 to 19.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from syncd.canonical import CanonicalOrder
from syncd.canonical.cash_rounding import cash_step, with_cents_as_rounding
from syncd.canonical.kinds import TenderKind
from syncd.canonical.money import ZERO, minor_unit, round_to, total
from syncd.sources.records import Document, Excluded, ParsedSale, ParseResult, Unreadable, listed, needed, number
from syncd.sources.tenders import kind_of
from syncd.sources.values import people

# Products of a till's config that stand for money on a customer's account (pos_settle_due, versions 18 and 19).
MONEY_PRODUCTS = ("settle_due_product_id", "settle_invoice_product_id", "deposit_product_id")
_DONE = ("paid", "done", "invoiced")
_PLACES = Decimal("0.000001")  # what is beyond is the noise of a floating-point number
_ROUNDED_AT_MOST = Decimal(1)  # whole units of the currency that cash rounding may come to, where its coins are smaller


class OdooReferenceData(Struct, frozen=True):
    """What is known beside the orders: zone and currency by default, and records by id.

    ``products`` tell ``default_code`` and ``barcode``, ``taxes`` ``name``, ``amount`` and ``price_include``, ``methods`` ``name``,
    ``type`` and ``is_cash_count``, ``configs`` ``tip_product_id`` and ``discount_product_id``, ``partners`` ``name``, ``email``,
    ``phone`` and an address; ``originals`` are the orders of lines that were given back; ``cash_step`` is what cash is rounded to,
    where the config says so.
    """

    currency: str = ""
    zone: tzinfo = UTC
    products: Mapping[int, Document] = field(default_factory=dict)
    taxes: Mapping[int, Document] = field(default_factory=dict)
    methods: Mapping[int, Document] = field(default_factory=dict)
    configs: Mapping[int, Document] = field(default_factory=dict)
    partners: Mapping[int, Document] = field(default_factory=dict)
    originals: Mapping[int, int] = field(default_factory=dict)
    tenders: Mapping[str, TenderKind] = field(default_factory=dict)
    cash_step: Decimal | None = None


def moment_of(value: object) -> datetime | None:
    """Return a time of Odoo's, as text or of a database: UTC, whether or not it says so. Aware."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def key_of(value: object) -> int | None:
    """Return the id of a relation: ``[id, name]``, a bare id, or nothing (``false``)."""
    if isinstance(value, list | tuple):
        value = value[0] if value else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def name_of(value: object) -> str:
    """Return the name of a relation, empty where it has none."""
    return str(value[1] or "") if isinstance(value, list | tuple) and len(value) > 1 else ""


def read_order(order: Document, around: OdooReferenceData, source: str) -> ParseResult:
    """Return what an order says; its ``lines`` and ``payments`` hold the records themselves.

    Raises:
        Unreadable: it is not what Odoo's models say.
        pydantic.ValidationError: the same, of a field.

    """
    config = around.configs.get(key_of(order.get("config_id")) or 0, {})
    currency = name_of(order.get("currency_id")) or around.currency
    if not currency:
        msg = "its currency is unknown: set currency for this source"
        raise Unreadable(msg)
    if _sells_nothing(order, config):
        return Excluded("orders that move money and sell nothing")
    lines, discounts, tip = _goods(order, config, around)
    tenders = [_tender(payment, around) for payment in listed(order, "payments")]
    stated = _number(order, "amount_total")
    rounding = _rounding(order, stated, currency, around)
    placed = needed(moment_of(order.get("date_order")), "date_order")
    original = _original(order, around)
    fields: dict[str, Any] = {
        "source": source,
        "sale_id": str(order.get("id")),
        "number": _words(order.get("pos_reference")) or _words(order.get("name")) or None,
        **_status(order),
        "placed_at": placed.astimezone(around.zone),
        "updated_at": moment_of(order.get("write_date")),
        "uploaded_at": moment_of(order.get("create_date")),
        "currency": currency,
        "prices_include_tax": any(tax.get("included") for line in lines for tax in line["taxes"]),
        "register": _named(order.get("config_id")),
        "cashier": _named(order.get("employee_id") or order.get("user_id")),
        **_customer(order.get("partner_id"), around),
        "lines": lines,
        "discounts": discounts,
        "fees": [{"kind": "tip", "name": "Tip", "total_ex_tax": tip[0], "total_inc_tax": tip[1]}] if tip else [],
        "tenders": tenders,
        "returns_of": f"{source}:{original}" if original else None,
        "rounding": rounding,
        "note": _words(order.get("general_customer_note") or order.get("general_note") or order.get("note")),
        "total_inc_tax": stated + rounding,
        "total_tax": _number(order, "amount_tax"),
        "extra": {
            name: str(order[name]) for name in ("name", "uuid", "tracking_number", "shipping_date") if order.get(name)
        },
    }
    return ParsedSale(with_cents_as_rounding(CanonicalOrder.model_validate(fields)))


def _status(order: Document) -> dict[str, Any]:
    state = order.get("state")
    if state in _DONE:
        return {"status": "completed"}
    if state == "draft":
        return {"status": "open", "open_kind": "parked"}
    if state == "cancel":
        return {"status": "voided"}
    msg = f"its state, {str(state)[:40]!r}, is none that Odoo documents" if state else "it has no state"
    raise Unreadable(msg)


def _sells_nothing(order: Document, config: Document) -> bool:
    """Whether an order settles an account, or takes a deposit on one: money moved, and no goods.

    Version 16 and 17 write payments that cancel each other and no line (pos_settle_due); later ones have products for it.
    """
    rows = listed(order, "lines")
    if not rows:
        return bool(listed(order, "payments")) and not _number(order, "amount_total", ZERO)
    moves = {key for name in MONEY_PRODUCTS if (key := key_of(config.get(name)))}
    return bool(moves) and all(key_of(row.get("product_id")) in moves for row in rows)


def _goods(
    order: Document, config: Document, around: OdooReferenceData
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], tuple[Decimal, Decimal] | None]:
    """Return the lines that are goods, the discounts, and the tip (ex and inc tax)."""
    lines: list[dict[str, Any]] = []
    discounts: list[dict[str, Any]] = []
    tip: tuple[Decimal, Decimal] | None = None
    tips, offs = key_of(config.get("tip_product_id")), key_of(config.get("discount_product_id"))
    sums = _sums_of_parts(order)
    for place, row in enumerate(listed(order, "lines"), start=1):
        ex_tax, inc_tax = _number(row, "price_subtotal"), _number(row, "price_subtotal_incl")
        if row.get("id") in sums:
            ex_tax = inc_tax = ZERO
        product, quantity = key_of(row.get("product_id")), _number(row, "qty")
        if tips and product == tips and tip is None and order.get("is_tipped") is not False and inc_tax > 0:
            tip = ex_tax, inc_tax
        elif inc_tax < 0 < quantity or (inc_tax < 0 and (row.get("is_reward_line") or (offs and product == offs))):
            name = _words(row.get("full_product_name")) or name_of(row.get("product_id")) or "Discount"
            discounts.append({"name": name, "amount_inc_tax": -inc_tax, "amount_ex_tax": -ex_tax})
        else:
            lines.append(_line(place, row, (ex_tax, inc_tax), around))
    return lines, discounts, tip


def _sums_of_parts(order: Document) -> set[Any]:
    """Return the ids of a combo's lines that repeat what its parts come to, where the order's total counts them once."""
    rows = listed(order, "lines")
    parts: dict[int, Decimal] = {}
    for row in rows:
        if parent := key_of(row.get("combo_parent_id")):
            parts[parent] = parts.get(parent, ZERO) + _number(row, "price_subtotal_incl")
    if not parts:
        return set()
    amounts = {row.get("id"): _number(row, "price_subtotal_incl") for row in rows}
    repeated = {key for key, amount in parts.items() if amount and amounts.get(key) == amount}
    beyond = total(amounts.values()) - _number(order, "amount_total")
    return set(repeated) if repeated and beyond == total(parts[key] for key in repeated) else set()


def _line(place: int, row: Document, sums: tuple[Decimal, Decimal], around: OdooReferenceData) -> dict[str, Any]:
    ex_tax, inc_tax = sums
    product = around.products.get(key_of(row.get("product_id")) or 0, {})
    taxes = [around.taxes[key] for one in row.get("tax_ids") or () if (key := key_of(one)) and key in around.taxes]
    quantity = _number(row, "qty")
    percent = _number(row, "discount", ZERO)
    back = key_of(row.get("refunded_orderline_id"))
    off = round_to(inc_tax * percent / (100 - percent), _PLACES) if 0 < percent < 100 else ZERO
    return {
        "line_id": _words(row.get("uuid")) or str(row.get("id") or place),
        "sku": _words(product.get("default_code")) or None,
        "upc": _words(product.get("barcode")) or None,
        "name": _without_code(_words(row.get("full_product_name")) or name_of(row.get("product_id")), product)
        or "Item",
        "quantity": quantity,
        "total_ex_tax": ex_tax,
        "total_inc_tax": inc_tax,
        "list_price": _number(row, "price_unit", ZERO),
        "discount": off,
        "taxes": _taxes(taxes, inc_tax - ex_tax),
        "parent": str(key_of(row.get("combo_parent_id")) or "") or None,
        "origin": {"sale_id": str(around.originals.get(back) or "") or None, "line_id": str(back)} if back else None,
        "note": _words(row.get("customer_note")),
    }


def _taxes(taxes: Sequence[Document], amount: Decimal) -> list[dict[str, Any]]:
    """Return what Odoo tells of a line's tax: its amount as a whole, and the names and rates of what it is made of."""
    if not amount:
        return []
    names = ", ".join(_words(tax.get("name")) for tax in taxes) or "Tax"
    rate = _number(taxes[0], "amount", ZERO) if len(taxes) == 1 else None
    return [{"name": names, "rate": rate, "amount": amount, "included": any(tax.get("price_include") for tax in taxes)}]


def _without_code(name: str, product: Document) -> str:
    code = _words(product.get("default_code"))
    return name.removeprefix(f"[{code}] ") if code else name


def _tender(payment: Document, around: OdooReferenceData) -> dict[str, Any]:
    key = key_of(payment.get("payment_method_id"))
    method = around.methods.get(key or 0, {})
    label = _words(method.get("name")) or name_of(payment.get("payment_method_id")) or "Paid"
    kind = kind_of(label, around.tenders)
    if method.get("is_cash_count") or method.get("type") == "cash":
        kind = TenderKind.CASH
    elif method.get("type") == "pay_later":
        kind = TenderKind.ON_ACCOUNT
    elif method.get("type") == "bank" and kind is TenderKind.OTHER:
        kind = TenderKind.CARD
    brand = _words(payment.get("card_brand")) or _words(payment.get("card_type"))
    return {
        "id": str(payment.get("id") or "") or None,
        "at": moment_of(payment.get("payment_date")),
        "kind": kind,
        "label": "Change" if payment.get("is_change") else label,
        "amount": _number(payment, "amount"),
        "card_brand": brand or None,
    }


def _rounding(order: Document, stated: Decimal, currency: str, around: OdooReferenceData) -> Decimal:
    """Cash rounding: what was paid less what was due, where the order says that it is paid."""
    payments = listed(order, "payments")
    if order.get("state") not in _DONE or not payments:
        return ZERO
    paid = total(_number(payment, "amount") for payment in payments)
    off, step = (
        paid - stated,
        max(_ROUNDED_AT_MOST, cash_step(currency) if around.cash_step is None else around.cash_step),
    )
    rounded = minor_unit(currency) <= abs(off) < step and paid == _number(order, "amount_paid", paid)
    return off if rounded else ZERO


def _original(order: Document, around: OdooReferenceData) -> int | None:
    """Return the order that all lines of this one give goods back of; None where it is no return, or one of several orders."""
    rows = [row for row in listed(order, "lines") if _number(row, "qty")]
    if not rows or any(_number(row, "qty") > 0 for row in rows):
        return None
    found = {around.originals.get(key_of(row.get("refunded_orderline_id")) or 0) for row in rows}
    return found.pop() if len(found) == 1 else None


def _named(value: object) -> dict[str, Any] | None:
    key = key_of(value)
    return {"id": str(key), "name": name_of(value)} if key else None


def _customer(value: object, around: OdooReferenceData) -> dict[str, Any]:
    key = key_of(value)
    if not key:
        return {}
    partner = around.partners.get(key, {})
    given, _, family = (_words(partner.get("name")) or name_of(value)).strip().rpartition(" ")
    about = {
        "first_name": given or family,
        "last_name": family if given else "",
        "email": _words(partner.get("email")),
        "phone": _words(partner.get("phone")) or _words(partner.get("mobile")),
        "street_1": _words(partner.get("street")),
        "street_2": _words(partner.get("street2")),
        "city": _words(partner.get("city")),
        "zip": _words(partner.get("zip")),
        "state": name_of(partner.get("state_id")).partition(" (")[0],  # "California (US)"
        "country": name_of(partner.get("country_id")),
    }
    return people(key, about)


def _words(value: object) -> str:
    """Text; what is absent is ``false``. A translated name is a table of languages: English, else the first."""
    if isinstance(value, Mapping):
        value = value.get("en_US") or next(iter(value.values()), "")
    return "" if value is None or value is False else str(value).strip()


def _number(holder: Document, name: str, default: Decimal | None = None) -> Decimal:
    value = holder.get(name)
    if isinstance(value, float):
        value = Decimal(str(value))
    return round_to(number({name: None if value is False else value}, name, default), _PLACES)
