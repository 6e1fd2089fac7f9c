"""Catalog look-ups in bulk: which variant a SKU or a UPC names.

Source: https://developer.bigcommerce.com/docs/rest-catalog/product-variants and .../products
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from syncd.bigcommerce.api import Api, chunks

_VARIANTS = "/v3/catalog/variants"
_PRODUCTS = "/v3/catalog/products"
_FIELDS = "id,product_id,sku,upc,option_values"
_FREE_TEXT = {"text", "multi_line_text"}
_AT_ONCE, _LONGEST, _PAGE = 200, 4000, 250


class CatalogModifier(Struct, frozen=True):
    """A required modifier: free text, or one of ``choices`` (id, label, whether it is the default)."""

    id: int
    name: str
    free_text: bool
    choices: tuple[tuple[int, str, bool], ...]


class CatalogVariant(Struct, frozen=True):
    """A variant of the catalog; ``options`` are (option id, value id) pairs."""

    product_id: int
    variant_id: int
    sku: str
    upc: str
    name: str
    digital: bool
    options: tuple[tuple[int, int], ...]
    required: tuple[CatalogModifier, ...]


class ProductPage(Struct, frozen=True):
    """A page of products with all of their variants: their ids, the highest, how many are left from here, whether more follow."""

    products: tuple[int, ...]
    variants: tuple[CatalogVariant, ...]
    last_id: int
    total: int
    more: bool


class CatalogClient:
    """One store's catalog."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def variants_by_sku(self, skus: Sequence[str]) -> dict[str, CatalogVariant]:
        """Return the variants that ``skus`` (upper case, no blanks around them) name; a SKU that is not there is left out.

        Raises:
            RemoteError: the catalog could not be read.

        """
        plain = [sku for sku in skus if "," not in sku]
        found = [
            item for group in chunks(plain, _AT_ONCE, _LONGEST) for item in self._variants({"sku:in": ",".join(group)})
        ]
        for sku in set(skus) - set(plain):  # a comma would split it in two
            found += self._variants({"sku": sku})
        return self._by_code(found, "sku", set(skus))

    def variants_by_upc(self, upcs: Sequence[str]) -> dict[str, CatalogVariant]:
        """Return the variants that ``upcs`` name.

        Raises:
            RemoteError: the catalog could not be read.

        """
        found = [item for upc in upcs for item in self._variants({"upc": upc})]
        return self._by_code(found, "upc", set(upcs))

    def product_page(self, *, after: int = 0, changed_since: datetime | None = None, live: bool = True) -> ProductPage:
        """Return the next 250 products with an id above ``after`` that changed since then, by id; ``live`` False yields to sales.

        Raises:
            RemoteError: the catalog could not be read.

        """
        wanted: dict[str, object] = {"id:greater": after, "sort": "id", "direction": "asc", "limit": _PAGE}
        if changed_since is not None:
            wanted["date_modified:min"] = changed_since.isoformat(timespec="seconds")
        document = self._api.get(_PRODUCTS, wanted | {"include": "modifiers", "include_fields": "name,type"}, live=live)
        rows = document.get("data") if isinstance(document, Mapping) else None
        products = {int(item["id"]): item for item in rows or ()}
        ids = ",".join(map(str, products))
        params = {"product_id:in": ids, "include_fields": _FIELDS}
        pages = self._api.pages(_VARIANTS, params, live=live) if products else ()
        variants = tuple(_variant(item, products[int(item["product_id"])]) for page in pages for item in page)
        total = _total(document, len(products))
        return ProductPage(tuple(products), variants, max(products, default=after), total, total > len(products))

    def _variants(self, wanted: Mapping[str, object]) -> list[Any]:
        pages = self._api.pages(_VARIANTS, {**wanted, "include_fields": _FIELDS})
        return [item for page in pages for item in page]

    def _by_code(self, items: Iterable[Mapping[str, Any]], field: str, wanted: set[str]) -> dict[str, CatalogVariant]:
        by_code: dict[str, Mapping[str, Any]] = {}
        for item in items:
            code = str(item.get(field) or "").strip().upper()
            if code in wanted:
                by_code.setdefault(code, item)
        products = self._products({int(item["product_id"]) for item in by_code.values()})
        return {
            code: _variant(item, products[int(item["product_id"])])
            for code, item in by_code.items()
            if int(item["product_id"]) in products
        }

    def _products(self, ids: set[int]) -> dict[int, Mapping[str, Any]]:
        found: dict[int, Mapping[str, Any]] = {}
        for group in chunks([str(number) for number in sorted(ids)], _AT_ONCE, _LONGEST):
            params = {"id:in": ",".join(group), "include": "modifiers", "include_fields": "name,type"}
            for page in self._api.pages(_PRODUCTS, params):
                found |= {int(item["id"]): item for item in page}
        return found


def _total(document: object, least: int) -> int:
    """How many items a V3 list says that it has; ``least`` where it does not say, and one more where the page is full."""
    meta = document.get("meta") if isinstance(document, Mapping) else None
    pagination = meta.get("pagination") if isinstance(meta, Mapping) else None
    total = pagination.get("total") if isinstance(pagination, Mapping) else None
    return total if isinstance(total, int) else least + (least == _PAGE)


def _variant(item: Mapping[str, Any], product: Mapping[str, Any]) -> CatalogVariant:
    options = tuple((int(value["option_id"]), int(value["id"])) for value in item.get("option_values") or ())
    return CatalogVariant(
        product_id=int(item["product_id"]),
        variant_id=int(item["id"]),
        sku=str(item.get("sku") or ""),
        upc=str(item.get("upc") or ""),
        name=str(product.get("name") or ""),
        digital=product.get("type") == "digital",
        options=options,
        required=tuple(_modifier(one) for one in product.get("modifiers") or () if one.get("required")),
    )


def _modifier(item: Mapping[str, Any]) -> CatalogModifier:
    values = item.get("option_values") or ()
    return CatalogModifier(
        id=int(item["id"]),
        name=str(item.get("display_name") or item.get("name") or ""),
        free_text=item.get("type") in _FREE_TEXT,
        choices=tuple((int(v["id"]), str(v.get("label") or ""), bool(v.get("is_default"))) for v in values),
    )
