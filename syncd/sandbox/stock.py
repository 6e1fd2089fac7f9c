"""Stock and the quantities that a product may be ordered in: what does not fit is refused whole, with 409.

Source: the errors that BigCommerce's own documentation of orders listed (OutOfStock, ExceedsMaxQuantity, InsufficientQuantity).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from syncd.sandbox.answers import Refusal, v2_error
from syncd.sandbox.catalog import Catalog

_WORDS = "Quantities of one or more products are out of stock or did not meet quantity requirements."


def check_quantities(
    lines: Iterable[Mapping[str, Any]], catalog: Catalog, held: Mapping[int, int], shape: str = "sku"
) -> None:
    """Refuse lines that a product has too few of, or that are too many or too few of it; ``held`` is what the order has taken.

    ``shape``: see ``Ways.stock_refusal``.

    Raises:
        Refusal: 409, with an error for each product.

    """
    wanted: Counter[int] = Counter()
    for line in lines:
        wanted[line["product_id"]] += line["quantity"]
    errors = [
        error for number, quantity in wanted.items() if number and (error := _error(number, quantity, catalog, held))
    ]
    errors = [_shaped(error, shape, catalog) for error in errors]
    if errors:
        raise Refusal(v2_error(409, _WORDS, {"errors": errors}))


def _error(number: int, quantity: int, catalog: Catalog, held: Mapping[int, int]) -> dict[str, Any] | None:
    product = catalog.products[number]
    level, least, most = product.get("inventory_level"), product.get("minimum", 0), product.get("maximum", 0)
    shown = {"id": number, "name": product["name"], "sku": {"sku": product["sku"], "inventory_level": level}}
    if level is not None and quantity > level + held.get(number, 0):
        return {"type": "OutOfStock", "product": shown}
    if most and quantity > most:
        return {"type": "ExceedsMaxQuantity", "product": shown, "maximum_quantity": most}
    if least and 0 < quantity < least:
        return {"type": "InsufficientQuantity", "product": shown, "minimum_quantity": least}
    return None


def _shaped(error: dict[str, Any], shape: str, catalog: Catalog) -> dict[str, Any]:
    product, level = error["product"], error["product"]["sku"]["inventory_level"]
    if error["type"] != "OutOfStock" or shape == "sku":
        return error
    if shape == "product":
        return error | {"product": {"id": product["id"], "name": product["name"], "inventory_level": level}}
    variant = next(int(one["id"]) for one in catalog.of_product[product["id"]])
    words = f"Insufficient stock of variant(id: {variant}), available quantity: {level}"
    return {
        "type": "OutOfStock",
        "message": words,
        "variant_id": variant,
        "location_id": 1,
        "available_quantity": level,
        "available_quantity_for_backorder": 0,
    }


def taken(lines: Iterable[Mapping[str, Any]]) -> Counter[int]:
    """How much of each catalog product some lines take."""
    counted: Counter[int] = Counter()
    for line in lines:
        if line["product_id"]:
            counted[line["product_id"]] += line["quantity"]
    return counted


def move(catalog: Catalog, before: Mapping[int, int], after: Mapping[int, int]) -> None:
    """Take from, or give back to, the stock of tracked products."""
    for number in before.keys() | after.keys():
        product = catalog.products.get(number)
        if product is not None and product.get("inventory_level") is not None:
            product["inventory_level"] += before.get(number, 0) - after.get(number, 0)
