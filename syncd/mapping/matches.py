"""What the catalog and the customer list know about a sale: gathered elsewhere, read here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a required modifier, as people read it."""

    id: int
    label: str
    default: bool = False


@dataclass(frozen=True, slots=True)
class RequiredModifier:
    """A modifier that every order line of a product must answer: by one of ``choices``, or by free text."""

    id: int
    name: str
    free_text: bool = False
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class CatalogMatch:
    """A catalog variant. ``options`` are (option id, value id) pairs; ``digital`` is the product's type."""

    product_id: int
    variant_id: int | None
    sku: str
    name: str = ""
    digital: bool = False
    options: tuple[tuple[int, int], ...] = ()
    required: tuple[RequiredModifier, ...] = ()


@dataclass(frozen=True, slots=True)
class Matches:
    """Catalog hits by SKU and by UPC (as the POS writes them, blanks stripped, upper case), and the customer's id.

    ``aliases`` are the codes of the POS (same form) that the shop's alias file renames; a hit of theirs lies under the new one.
    ``short`` are products that BigCommerce has just refused in this quantity, and why.
    """

    by_sku: Mapping[str, CatalogMatch] = field(default_factory=dict)
    by_upc: Mapping[str, CatalogMatch] = field(default_factory=dict)
    customer_id: int | None = None
    customer_found_by: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)
    short: Mapping[int, str] = field(default_factory=dict)


def normal_code(code: str) -> str:
    """A SKU or UPC as it is compared: no blanks around it, upper case."""
    return code.strip().upper()
