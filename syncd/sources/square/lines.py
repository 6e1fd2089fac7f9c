"""What a Square order sold, took back and charged, as lines and fees. Pure.

``total_money`` of a line is after its discounts and with its tax, included or added; what an order discount takes off each line is
in it already. What comes back stands in ``returns[]``, with positive amounts.
Source: https://developer.squareup.com/reference/square/objects/OrderLineItem
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from syncd.canonical.money import ZERO, total
from syncd.sources.records import Document, listed, number
from syncd.sources.square.money import money

_KINDS = {"CUSTOM_AMOUNT": "custom", "GIFT_CARD": "gift_card"}
_UNITS = {
    "METRIC_KILOGRAM": "kg",
    "METRIC_GRAM": "g",
    "METRIC_MILLIGRAM": "mg",
    "IMPERIAL_POUND": "lb",
    "IMPERIAL_WEIGHT_OUNCE": "oz",
    "METRIC_METER": "m",
    "METRIC_CENTIMETER": "cm",
    "IMPERIAL_FOOT": "ft",
    "IMPERIAL_YARD": "yd",
    "IMPERIAL_INCH": "in",
    "METRIC_LITER": "l",
    "METRIC_MILLILITER": "ml",
    "GENERIC_HOUR": "h",
}


def sold(order: Document, currency: str, variations: Mapping[str, Document]) -> list[dict[str, Any]]:
    """Return the lines that were sold."""
    names = _Names(order, "taxes", "discounts")
    return [_line(item, currency, names, variations) for item in listed(order, "line_items")]


def came_back(order: Document, currency: str, variations: Mapping[str, Document]) -> list[dict[str, Any]]:
    """Return the lines that came back, negative, each with the sale and the line that it was sold by where Square knows them."""
    lines = []
    for place, one in enumerate(listed(order, "returns")):
        names = _Names(one, "return_taxes", "return_discounts")
        for item in listed(one, "return_line_items"):
            line = _line(item, currency, names, variations)
            line["line_id"] = f"return-{place}-{line['line_id']}"
            for name in ("quantity", "total_inc_tax", "total_ex_tax", "discount"):
                line[name] = -line[name]
            for name in ("taxes", "discounts"):
                line[name] = [part | {"amount": -part["amount"]} for part in line[name]]
            line["origin"] = {"sale_id": one.get("source_order_id"), "line_id": item.get("source_line_item_uid")}
            line["name"] = line["name"] if item.get("name") else "Refund of an amount"
            lines.append(line)
    return lines


def charges(
    order: Document, currency: str, lines: Sequence[Mapping[str, Any]], stated: Decimal
) -> list[dict[str, Any]]:
    """Service charges, tips and what of them was given back, as fees.

    A charge that Square has apportioned among the lines is in their totals; which ones those are, the receipt's sum tells where the
    document does not.
    """
    tips = [_tip(money(order, "total_tip_money", currency), "Tip")]
    service = [_charge(one, currency) for one in listed(order, "service_charges") if not _apportioned(one)]
    back: list[dict[str, Any]] = []
    for one in listed(order, "returns"):
        tips += [_tip(-money(tip, "applied_money", currency), "Tip given back") for tip in listed(one, "return_tips")]
        back += [_negative(_charge(charge, currency)) for charge in listed(one, "return_service_charges")]
    plain = [fee for fee in (*tips, *back) if fee["total_inc_tax"]]
    rest = stated - rounding(order, currency) - total(line["total_inc_tax"] for line in lines)
    rest -= total(fee["total_inc_tax"] for fee in plain)
    return plain if service and not rest else [*service, *plain]


def rounding(order: Document, currency: str) -> Decimal:
    """Cash rounding: the order's own, less that of what came back."""
    own = _rounded(order, currency)
    return own - total(_rounded(one, currency) for one in listed(order, "returns"))


class _Names:
    """What a line's applied taxes and discounts are called, by their uid in the order."""

    def __init__(self, holder: Document, taxes: str, discounts: str) -> None:
        self.taxes = {one.get("uid"): one for one in listed(holder, taxes)}
        self.discounts = {one.get("uid"): one for one in listed(holder, discounts)}

    def tax(self, applied: Document, currency: str) -> dict[str, Any]:
        one = self.taxes.get(applied.get("tax_uid"), {})
        return {
            "name": one.get("name") or "Tax",
            "rate": one.get("percentage") or None,
            "amount": money(applied, "applied_money", currency),
            "included": one.get("type") == "INCLUSIVE",
        }

    def discount(self, applied: Document, currency: str) -> dict[str, Any]:
        one = self.discounts.get(applied.get("discount_uid"), {})
        return {"name": one.get("name") or "Discount", "amount": money(applied, "applied_money", currency)}


def _line(item: Document, currency: str, names: _Names, variations: Mapping[str, Document]) -> dict[str, Any]:
    inc_tax, tax = money(item, "total_money", currency), money(item, "total_tax_money", currency)
    about = variations.get(str(item.get("catalog_object_id")), {}).get("item_variation_data") or {}
    kind = str(item.get("item_type") or "ITEM")
    taxes = [names.tax(applied, currency) for applied in listed(item, "applied_taxes")]
    return {
        "line_id": str(item.get("uid") or item.get("catalog_object_id") or "1"),
        "kind": _KINDS.get(kind, "product"),
        "sku": about.get("sku") or None,
        "upc": about.get("upc") or None,
        "name": item.get("name")
        or {"custom": "Custom amount", "gift_card": "Gift card"}.get(_KINDS.get(kind, ""), "Item"),
        "variant": item.get("variation_name") or None,
        "quantity": number(item, "quantity", Decimal(1)),
        "unit": _unit(item),
        "total_ex_tax": inc_tax - tax,
        "total_inc_tax": inc_tax,
        "list_price": money(item, "base_price_money", currency),
        "discount": money(item, "total_discount_money", currency),
        "discounts": [names.discount(applied, currency) for applied in listed(item, "applied_discounts")],
        "taxes": [tax for tax in taxes if tax["amount"]],
        "modifiers": [
            {"name": one.get("name") or "Modifier", "amount": money(one, "total_price_money", currency)}
            for one in listed(item, "modifiers")
        ],
        "note": item.get("note") or "",
    }


def _unit(item: Document) -> str | None:
    unit = (item.get("quantity_unit") or {}).get("measurement_unit") or {}
    if custom := (unit.get("custom_unit") or {}).get("abbreviation"):
        return str(custom)
    return next((_UNITS[word] for word in unit.values() if isinstance(word, str) and word in _UNITS), None)


def _apportioned(charge: Document) -> bool:
    return charge.get("treatment_type") == "APPORTIONED_TREATMENT"


def _charge(charge: Document, currency: str) -> dict[str, Any]:
    name = "total_money" if "total_money" in charge else "applied_money"
    amount, tax = money(charge, name, currency), money(charge, "total_tax_money", currency)
    return {
        "kind": "service_charge",
        "name": charge.get("name") or "Service charge",
        "total_ex_tax": amount - tax,
        "total_inc_tax": amount,
    }


def _negative(fee: dict[str, Any]) -> dict[str, Any]:
    return fee | {"total_ex_tax": -fee["total_ex_tax"], "total_inc_tax": -fee["total_inc_tax"]}


def _tip(amount: Decimal, name: str) -> dict[str, Any]:
    return {"kind": "tip", "name": name, "total_ex_tax": amount, "total_inc_tax": amount}


def _rounded(holder: Document, currency: str) -> Decimal:
    found = holder.get("rounding_adjustment")
    return money(found, "amount_money", currency) if isinstance(found, Mapping) else ZERO
