"""The sandbox's catalog: simple products, products with variants, a digital one, one with required options."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syncd.sandbox.clock import now_iso

_SEED: tuple[dict[str, Any], ...] = (
    {"sku": "MUG-1", "name": "Enamel Mug", "price": 12.0, "upc": "036000291452"},
    {"sku": "TOWEL", "name": "Tea Towel", "price": 10.0},
    {
        "sku": "",
        "name": "Crew T-Shirt",
        "price": 15.0,
        "variants": [
            {"sku": "TEE-M-BLK", "options": {"Size": "M", "Color": "Black"}},
            {"sku": "TEE-L-BLK", "options": {"Size": "L"}},
        ],
    },
    {"sku": "EBOOK-1", "name": "Brewing Guide (PDF)", "price": 8.0, "type": "digital"},
    {"sku": "RING-1", "name": "Engraved Ring", "price": 90.0, "modifiers": ["Engraving"]},
)


_FIRST = 101


@dataclass(slots=True)
class Catalog:
    """Products and variants by id, and where each code leads."""

    products: dict[int, dict[str, Any]] = field(default_factory=dict)
    variants: dict[int, dict[str, Any]] = field(default_factory=dict)
    of_product: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    by_sku: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    newest_variant: int = 1000

    def above(self, number: int, changed_since: str) -> list[int]:
        """Return the ids above ``number`` (they are dense) of products that were changed since then (ISO 8601, UTC), in order."""
        ids = range(max(number, _FIRST - 1) + 1, _FIRST + len(self.products))
        return [n for n in ids if self.products[n]["date_modified"] >= changed_since] if changed_since else list(ids)

    def change(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Add products, or put new ones in the place of those with the same SKU."""
        for entry in entries:
            known = [item["product_id"] for item in self.by_sku.get(str(entry.get("sku", "")).lower(), ())]
            number = known[0] if known and entry.get("sku") else _FIRST + len(self.products)
            for variant in self.of_product.pop(number, ()):
                self.by_sku[str(variant["sku"]).lower()].remove(variant)
                del self.variants[variant["id"]]
            self._add(number, entry)

    def load(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Replace the catalog by ``entries``: sku, name, price, and optionally upc, type, variants, modifiers."""
        self.products.clear()
        self.variants.clear()
        self.of_product.clear()
        self.by_sku.clear()
        self.newest_variant = 1000
        for number, entry in enumerate(entries, start=1):
            self._add(_FIRST - 1 + number, entry)

    def _add(self, number: int, entry: Mapping[str, Any]) -> None:
        self.products[number] = {
            "id": number,
            "name": entry["name"],
            "type": entry.get("type", "physical"),
            "sku": entry.get("sku", ""),
            "upc": entry.get("upc", ""),
            "price": entry.get("price", 0),
            "weight": entry.get("weight", 1),
            "inventory_level": entry.get("stock"),
            "inventory_tracking": "none" if entry.get("stock") is None else "product",
            "minimum": entry.get("minimum", 0),
            "maximum": entry.get("maximum", 0),
            "date_modified": now_iso(),
            "modifiers": [
                _modifier(number, place, modifier) for place, modifier in enumerate(entry.get("modifiers", ()), start=1)
            ],
        }
        plain = [{"sku": entry.get("sku", ""), "upc": entry.get("upc", ""), "options": {}}]
        for variant in entry.get("variants") or plain:
            self._add_variant(number, variant)

    def _add_variant(self, product: int, variant: Mapping[str, Any]) -> None:
        self.newest_variant += 1
        number = self.newest_variant
        values = [
            {"id": number * 10 + place, "label": label, "option_id": product * 10 + place, "option_display_name": name}
            for place, (name, label) in enumerate(variant.get("options", {}).items(), start=1)
        ]
        made = self.variants[number] = {
            "id": number,
            "product_id": product,
            "sku": variant.get("sku", ""),
            "upc": variant.get("upc", ""),
            "option_values": values,
        }
        self.of_product.setdefault(product, []).append(made)
        self.by_sku.setdefault(str(made["sku"]).lower(), []).append(made)


def _modifier(product: int, place: int, entry: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return a required text field by its name, or one with choices.

    ``{"name": "Size", "choices": ["S", "L"], "default": "L"}``.
    """
    said = {"name": entry} if isinstance(entry, str) else entry
    number, name, choices = product * 100 + place, said["name"], said.get("choices") or ()
    values = [
        {"id": number * 100 + n, "label": label, "is_default": label == said.get("default"), "sort_order": n}
        for n, label in enumerate(choices, start=1)
    ]
    return {
        "id": number,
        "product_id": product,
        "name": name,
        "display_name": name,
        "type": "dropdown" if choices else "text",
        "required": bool(said.get("required", True)),
        "option_values": values,
    }


def read_catalog(path: Path | None) -> Catalog:
    """Return the catalog of a JSON file (a list of entries), or the built-in one."""
    catalog = Catalog()
    catalog.load(json.loads(path.read_text(encoding="utf-8")) if path else _SEED)
    return catalog
