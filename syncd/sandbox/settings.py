"""What kind of store the sandbox is, and the ways in which stores differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """A sandbox store.

    ``stores`` above 1 makes so many, ``sandbox1``, ``sandbox2`` and so on by their hashes, with one token.
    ``quota`` 0 is as good as unlimited, ``db`` None keeps orders in memory, ``record`` names a file to which every request
    and its answer are written. Orders may be in ``currency`` and in ``more_currencies``.
    """

    store_hash: str = "sandbox"
    token: str = "sandbox-token"  # noqa: S105  it opens nothing but this sandbox
    host: str = "127.0.0.1"
    port: int = 0
    db: Path | None = None
    quota: int = 0
    window_ms: int = 30_000
    latency_ms: int = 0
    seed: int = 1
    currency: str = "USD"
    more_currencies: tuple[str, ...] = ()
    catalog: Path | None = None
    faults: Path | None = None
    record: Path | None = None
    stores: int = 1

    def __post_init__(self) -> None:
        """Raise ValueError where what is asked for does not go together."""
        if self.stores < 1:
            msg = "there must be a store at the least"
            raise ValueError(msg)
        if self.stores > 1 and self.db is not None:
            msg = "a file keeps the orders of one store, not of many"
            raise ValueError(msg)


@dataclass(slots=True)
class Ways:
    """The switches of one store."""

    key_cut: int = 0  # keep only so many characters of external_order_id; 0 keeps all
    key_filter: str = "exact"  # the list's external_order_id filter: exact, prefix, case_blind, ignored, refused
    page_most: int = 250  # rows in a page, whatever was asked for
    list_order: str = "as asked"  # or "newest first", whatever was asked for
    archived_get: int = 200  # what GET of an archived order answers: 200, or 404
    archived_listed: bool = False  # whether lists that do not ask for archived orders hold them
    date_on_put: str = "taken"  # what a PUT's date_created does: taken, ignored, or refused (400)
    removed_line: str = "gone"  # what quantity 0 makes of a line: gone, zero_row, refused
    index_lag_s: float = 0.0  # how long a new order is missing from lists
    refund_list: str = "listed"  # the list of all refunds of a store: listed, or missing (404)
    stock_refusal: str = "sku"  # where a 409 has a product's level: sku, product, or variant (no product at all)
    required_option: str = ""  # an option that every catalog line of a new order lacks, whatever the catalog shows
    poison_code: str = ""  # a look-up of this SKU or UPC is refused
    unknown_field: str = "ignored"  # a field that no order has: ignored, or refused (400)
    refused_field: str = ""  # a field that other stores take and this one refuses (400)
    own_currency: str = "taken"  # default_currency_code where it is the store's own: taken, or refused (400)
    address_put: str = "recounts"  # what a PUT of an address alone does to given totals: recounts, or keeps them
    negative_line: str = "taken"  # a line of quantity -1: taken, or refused (400)
    refund_ways: str = "custom"  # what a quote offers: custom, store credit first, or none
    tax_included: bool = False  # whether the store prices with tax included
    tax_rate: float = 0.0  # the store's own tax in percent, for lines that come without prices
    tax_by_state: dict[str, float] = field(
        default_factory=dict
    )  # a checkout's rate in percent, by the code of its state
    promotion_percent: float = 0.0  # an automatic promotion on every checkout's goods
    coupons: dict[str, float] = field(default_factory=dict)  # codes that a checkout takes, with their percent
    shipping_options: list[dict[str, Any]] = field(default_factory=list)  # offered to checkouts: id, description, cost
    price_places: int = 2  # the places of a cart's list_price that are kept
    unknown_cart: int = 404  # what a checkout answers whose cart is gone: 404, or 500
    cart_stock_status: int = 409  # what a cart answers that asks for too many: 409, 422, or 500
    custom_needs_consignment: bool = False  # whether custom items of a checkout must be delivered as well
    checkout_order_id: bool = False  # whether a converted checkout names its order
    mail_at: str = "status"  # when the confirmation of a checkout's order is sent: conversion, or status (it leaves 0)
    limit_over_most: str = "refused"  # a limit above 250: refused (413), or cut

    def change(self, said: Mapping[str, Any]) -> None:
        """Set some switches.

        Raises:
            ValueError: there is no such switch.

        """
        known = {one.name for one in fields(self)}
        for name, value in said.items():
            if name not in known:
                msg = f"there is no way {name!r}; there are {', '.join(sorted(known))}"
                raise ValueError(msg)
            setattr(self, name, value)
