"""The product lines of an order: checked against the catalog, priced, and changed by a PUT."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from syncd.sandbox.answers import Refusal, invalid, v2_error
from syncd.sandbox.catalog import Catalog
from syncd.sandbox.totals import Pricing, amount, shown, tax_lines

Line = dict[str, Any]
_LONGEST_NAME = 250
_PRICES = ("price_ex_tax", "price_inc_tax")
_KEPT = ("name", "quantity", "sku", "upc")


@dataclass(frozen=True, slots=True)
class Shelves:
    """What a line is checked against and priced by: the catalog, how the store prices, and its rate in percent."""

    catalog: Catalog
    pricing: Pricing
    rate: Decimal


def check_line(line: Mapping[str, Any], shelves: Shelves) -> Line:
    """One product line, priced; ``product_id`` 0 is a custom one.

    Raises:
        Refusal: in BigCommerce's words.

    """
    quantity = line.get("quantity")
    if not isinstance(quantity, int) or isinstance(quantity, bool) or not quantity:
        raise Refusal(v2_error(400, "The field 'quantity' is invalid."))
    if not line.get("product_id") and not line.get("name"):
        raise Refusal(v2_error(400, "The field 'products.product_id, products.name' is invalid."))
    given = [name for name in _PRICES if line.get(name) is not None]
    if len(given) == 1 or (not given and not line.get("product_id")):
        missing = next(name for name in reversed(_PRICES) if name not in given)
        raise Refusal(v2_error(400, f"The field 'products.{missing}' is invalid."))
    product, variant = _product(line, shelves.catalog) if line.get("product_id") else ({}, {})
    name = str(line.get("name") or product.get("name"))
    if len(name) > _LONGEST_NAME:
        raise invalid("name", f"must be at most {_LONGEST_NAME} characters")
    ex_tax, inc_tax = (amount(line, one) for one in _PRICES) if given else _list_prices(product, shelves)
    return {
        "product_id": product.get("id", 0),
        "variant_id": variant.get("id", 0),
        "name": name,
        "sku": str(variant.get("sku") or line.get("sku") or ""),
        "upc": str(variant.get("upc") or line.get("upc") or ""),
        "type": product.get("type", "physical"),
        "product_options": [{"id": o["id"], "value": str(o["value"])} for o in line.get("product_options") or ()],
        "quantity": quantity,
        "overridden": bool(given),
        **_amounts(ex_tax, inc_tax, quantity),
    }


def _amounts(ex_tax: Decimal, inc_tax: Decimal, quantity: int) -> Line:
    return {
        "price_ex_tax": shown(ex_tax),
        "price_inc_tax": shown(inc_tax),
        "total_ex_tax": shown(ex_tax * quantity),
        "total_inc_tax": shown(inc_tax * quantity),
    }


def _list_prices(product: Mapping[str, Any], shelves: Shelves) -> tuple[Decimal, Decimal]:
    """Return the catalog's price on the side that the store prices in, and the other at the store's rate."""
    price, factor = Decimal(str(product.get("price", 0))), 1 + shelves.rate / 100
    return (price / factor, price) if shelves.pricing.includes_tax else (price, price * factor)


def price(lines: Sequence[Line], discount: Decimal, pricing: Pricing) -> list[Line]:
    """Lines without an override have the prices that follow from the tax on what the discount leaves of them."""
    if all(line["overridden"] for line in lines):
        return list(lines)
    found = []
    for line, taxed in zip(lines, tax_lines(lines, discount, pricing), strict=True):
        if line["overridden"] or not line["quantity"]:
            found.append(line)
            continue
        prices = _amounts(taxed.ex_tax / line["quantity"], taxed.inc_tax / line["quantity"], line["quantity"])
        found.append(
            {**line, **prices, "total_tax": shown(taxed.tax), "discounted_total_inc_tax": shown(taxed.discounted)}
        )
    return found


def changed_lines(
    there: Iterable[Line], wanted: Iterable[Mapping[str, Any]], shelves: Shelves, removed: str
) -> list[Line]:
    """Return a PUT's lines: one with an id is changed, quantity 0 takes it away as ``removed`` says, one without is new."""
    lines = {line["id"]: line for line in there}
    for line in wanted:
        if "id" not in line:
            lines[max(lines, default=0) + 1] = {"id": max(lines, default=0) + 1, **check_line(line, shelves)}
        elif line["id"] not in lines:
            raise invalid("products.id", "does not belong to this order")
        elif line.get("quantity") == 0:
            _remove(lines, line["id"], removed)
        else:
            lines[line["id"]] = {"id": line["id"], **check_line({**_kept(lines[line["id"]]), **line}, shelves)}
    if not any(line["quantity"] for line in lines.values()):
        raise invalid("products", "an order needs at least one product")
    return list(lines.values())


def _kept(old: Line) -> Line:
    """Return what a changed line still says of itself."""
    named = (*_KEPT, *(_PRICES if old["overridden"] else ()))
    named += ("product_id", "variant_id", "product_options") if old["product_id"] else ()
    return {name: old[name] for name in named}


def _remove(lines: dict[int, Line], number: int, removed: str) -> None:
    """Quantity 0, as this store takes it; a catalog line always goes."""
    if removed == "gone" or lines[number]["product_id"]:
        del lines[number]
    elif removed == "zero_row":
        lines[number] = {**lines[number], "quantity": 0, "total_ex_tax": "0.0000", "total_inc_tax": "0.0000"}
    else:
        raise Refusal(v2_error(400, "The field 'quantity' is invalid."))


_OPTIONS = "The options of one or more products are invalid."


def _product(line: Mapping[str, Any], catalog: Catalog) -> tuple[dict[str, Any], dict[str, Any]]:
    product = catalog.products.get(line["product_id"])
    if product is None:
        raise invalid("product_id", f"product {line['product_id']} does not exist")
    said = {option["id"]: str(option["value"]) for option in line.get("product_options") or ()}
    variant = _variant(catalog.of_product[product["id"]], line.get("variant_id"), said)
    if errors := _option_errors(product, catalog.of_product[product["id"]], said):
        raise Refusal(v2_error(400, _OPTIONS, {"errors": errors}))
    return product, variant


def _option_errors(
    product: Mapping[str, Any], variants: Iterable[Mapping[str, Any]], said: Mapping[int, str]
) -> list[dict[str, Any]]:
    """Return what is wrong with a line's options, each with its type."""
    known = {value["option_id"] for one in variants for value in one["option_values"]}
    errors: list[dict[str, Any]] = [
        {"type": "InvalidProductOption", "value": option}
        for option in sorted(said.keys() - known - {modifier["id"] for modifier in product["modifiers"]})
    ]
    missing = [one for one in product["modifiers"] if one["required"] and not said.get(one["id"])]
    if missing:
        errors.append(_mandatory(product, missing))
    for modifier in product["modifiers"]:
        value, choices = said.get(modifier["id"]), modifier.get("option_values") or ()
        if value and choices and value not in {str(choice["id"]) for choice in choices}:
            option = {"id": modifier["id"], "option_id": modifier["id"], "display_name": modifier["display_name"]}
            errors.append({"type": "InvalidProductOptionValue", "value": value, "product_option": option})
    return errors


def require_option(name: str, lines: Iterable[Mapping[str, Any]], catalog: Catalog) -> None:
    """Refuse the first catalog line for lack of an option, as a store does whose catalog changed since it was read.

    Raises:
        Refusal: one of the lines names a product of the catalog.

    """
    for line in lines:
        if product := catalog.products.get(line.get("product_id") or 0):
            errors = [_mandatory(product, [{"id": 1, "display_name": name}])]
            raise Refusal(v2_error(400, _OPTIONS, {"errors": errors}))


def _mandatory(product: Mapping[str, Any], options: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the error for required options that a line does not set."""
    named = [{"id": one["id"], "display_name": one["display_name"]} for one in options]
    short = {"id": product["id"], "name": product["name"]}
    return {"type": "MandatoryProductOptions", "product": short, "required_product_options": named}


def _variant(variants: Sequence[dict[str, Any]], number: int | None, said: Mapping[int, str]) -> dict[str, Any]:
    """Return the variant that a line names: by its id, by its options, or the only one that there is."""
    if number:
        found = [variant for variant in variants if variant["id"] == number]
        if not found:
            raise invalid("variant_id", "does not belong to the product")
        return found[0]
    if len(variants) == 1:
        return variants[0]
    for variant in variants:
        if all(said.get(value["option_id"]) == str(value["id"]) for value in variant["option_values"]):
            return variant
    named = {value["option_id"]: value["option_display_name"] for one in variants for value in one["option_values"]}
    wanted = [{"id": option, "display_name": name} for option, name in named.items() if option not in said]
    error = {"type": "MandatoryProductOptions", "required_product_options": wanted}
    raise Refusal(v2_error(400, _OPTIONS, {"errors": [error]}))
