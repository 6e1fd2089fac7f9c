"""What a Clover order's lines came to: modifications, discounts of three shapes, and tax that only rates state. Pure.

Scales: money in cents; ``taxRate.rate`` ten millionths (825000 is 8.25 %); ``unitQty`` thousandths; ``discount.percentage`` whole
percent, ``discount.amount`` negative cents. Source: https://docs.clover.com/dev/reference/orders and real orders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from syncd.canonical.money import ZERO, allocate, minor_unit, total
from syncd.sources.records import Document, inside, listed, number

_RATE, _UNITS = Decimal(10_000_000), Decimal(1000)


@dataclass(slots=True)
class Sum:
    """A line on its way: what it costs before and after discounts, its tax, and what took something off."""

    item: Document
    gross: Decimal
    net: Decimal
    rates: tuple[Decimal, ...] | None
    tax: Decimal = ZERO
    discounts: list[dict[str, Any]] = field(default_factory=list)


def elements(holder: Document, name: str) -> list[Document]:
    """Return the rows of an expanded list (``{"elements": [...]}``)."""
    return listed(inside(holder, name), "elements")


def cents(holder: Document, name: str, currency: str) -> Decimal:
    """Return an amount in major units; 0 where it is absent."""
    return number(holder, name, ZERO) * minor_unit(currency)


def sums(order: Document, items: Sequence[Document], currency: str, tax: Decimal | None) -> list[Sum]:
    """Return the lines with their discounts and their share of ``tax``: what the payments say was paid.

    None where nothing was yet.
    """
    found = [_line(item, currency) for item in items]
    for discount in elements(order, "discounts"):
        _take_off(discount, found, currency)
    _spread_tax(found, currency, tax, included=bool(order.get("isVat")))
    return found


def _line(item: Document, currency: str) -> Sum:
    extras = total(cents(one, "amount", currency) for one in elements(item, "modifications"))
    gross = cents(item, "price", currency) + extras
    rates = (
        tuple(number(rate, "rate", ZERO) / _RATE for rate in elements(item, "taxRates")) if "taxRates" in item else None
    )
    line = Sum(item, gross, gross, rates)
    for discount in elements(item, "discounts"):
        _take_off(discount, [line], currency)
    return line


def _take_off(discount: Document, lines: Sequence[Sum], currency: str) -> None:
    """Take off a percentage of what the lines cost, or an amount, spread over them."""
    base = total(line.net for line in lines)
    if not lines or not base:
        return
    percent = number(discount, "percentage", ZERO) or number(discount, "percentageDecimal", ZERO) / Decimal(10_000)
    step = minor_unit(currency)
    amount = (base * percent / 100).quantize(step, ROUND_HALF_UP) if percent else -cents(discount, "amount", currency)
    for line, share in zip(lines, allocate(amount, [line.net for line in lines], currency), strict=True):
        line.net -= share
        if share:
            line.discounts.append({"name": discount.get("name") or "Discount", "amount": share})


def _spread_tax(lines: Sequence[Sum], currency: str, tax: Decimal | None, *, included: bool) -> None:
    """Each rate of each line is rounded on its own; what the payments say decides, and takes up a cent of difference."""
    step = minor_unit(currency)
    for line in lines:
        line.tax = total(
            _of(line.net, rate, included=included).quantize(step, ROUND_HALF_UP) for rate in line.rates or ()
        )
    by_rates = total(line.tax for line in lines)
    if tax is None:
        return
    taxed = sum(bool(line.rates) for line in lines)
    if by_rates and abs(tax - by_rates) <= step * max(taxed, 1):
        largest = max(lines, key=lambda line: abs(line.tax))
        largest.tax += tax - by_rates
    elif tax != by_rates:
        known = [line.tax if by_rates else (ZERO if line.rates == () else line.net) for line in lines]
        weights = known if total(known) else [line.net for line in lines]
        if lines and total(weights):
            for line, share in zip(lines, allocate(tax, weights, currency), strict=True):
                line.tax = share


def _of(net: Decimal, rate: Decimal, *, included: bool) -> Decimal:
    return net - net / (1 + rate) if included else net * rate


def as_line(line: Sum, currency: str, skus: Mapping[str, tuple[str, str]], *, included: bool) -> dict[str, Any]:
    """Return a line as a canonical order has it."""
    item = line.item
    key = str(inside(item, "item").get("id") or "")
    sku, upc = skus.get(key, ("", ""))
    ex_tax = line.net - line.tax if included else line.net
    quantity = number(item, "unitQty", ZERO) / _UNITS
    return {
        "line_id": item.get("id"),
        "kind": "gift_card" if item.get("isRevenue") is False else "product" if key else "custom",
        "sku": sku or item.get("itemCode") or None,
        "upc": upc or None,
        "name": item.get("name") or item.get("alternateName") or "Item",
        "quantity": quantity or Decimal(1),
        "unit": item.get("unitName") or None if quantity else None,
        "total_ex_tax": ex_tax,
        "total_inc_tax": ex_tax + line.tax,
        "list_price": line.gross,
        "discount": line.gross - line.net,
        "discounts": line.discounts,
        "taxes": [{"name": "Tax", "amount": line.tax, "included": included}] if line.tax else [],
        "modifiers": [
            {"name": one.get("name") or "Modifier", "amount": cents(one, "amount", currency)}
            for one in elements(item, "modifications")
        ],
        "note": item.get("note") or "",
    }


def as_fee(line: Sum, *, included: bool) -> dict[str, Any]:
    """Return a service charge or automatic gratuity, which Clover keeps as a line of its own."""
    ex_tax = line.net - line.tax if included else line.net
    name = line.item.get("name") or "Service charge"
    return {"kind": "service_charge", "name": name, "total_ex_tax": ex_tax, "total_inc_tax": ex_tax + line.tax}
