"""Gathers what the catalog and the customer list know of a group of sales: memory first, ledger next, BigCommerce last.

One look-up serves the whole group; hits and misses are both kept, misses not for long (a product may be added any
minute); a store whose rules need no catalogue lines is never asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from syncd.bigcommerce import CatalogClient, CatalogVariant, CustomersClient
from syncd.canonical import CanonicalOrder
from syncd.clock import Clock
from syncd.ledger import Ledger
from syncd.mapping import CatalogMatch, Matches, Rules, normal_code

_FRESH = timedelta(hours=6)
_MISS_FRESH = timedelta(minutes=15)
_REMEMBERED = 20_000
_PROBE = "syncd-check"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Remotes:
    """The two look-ups that BigCommerce offers us."""

    catalog: CatalogClient
    customers: CustomersClient


class Matcher:
    """Matches for the sales of one store."""

    def __init__(self, store: str, ledger: Ledger, remotes: Remotes, rules: Rules, clock: Clock) -> None:
        self._remotes, self._rules = remotes, rules
        catalog, customers = remotes.catalog, remotes.customers
        place = (store, ledger, clock)
        self._skus = _Shelf("sku", lambda codes: _matches(catalog.variants_by_sku(codes)), _read_match, *place)
        self._upcs = _Shelf("upc", lambda codes: _matches(catalog.variants_by_upc(codes)), _read_match, *place)
        self._customers = _Shelf("customer", customers.by_email, _read_id, *place)

    def gather(self, orders: Sequence[CanonicalOrder]) -> list[Matches]:
        """The matches of each order, in the same order.

        Raises:
            RemoteError: BigCommerce could not be asked.

        """
        asks_catalog, asks_customers = self._asks_catalog(), self._rules.match_customers
        by_sku = self._skus.get(_codes(orders, "sku")) if asks_catalog else {}
        by_upc = self._upcs.get(_codes(orders, "upc")) if asks_catalog else {}
        emails = {email for order in orders if (email := _email(order))} if asks_customers else set()
        by_email = self._customers.get(emails)
        return [Matches(by_sku, by_upc, by_email.get(_email(order))) for order in orders]

    def forget(self, order: CanonicalOrder) -> None:
        """Drop what is known of an order's products, for BigCommerce has just refused one of them."""
        self._skus.forget(_codes([order], "sku"))
        self._upcs.forget(_codes([order], "upc"))

    def ask_catalog(self) -> None:
        """One look-up past every cache, to see that the token may read the catalog.

        Raises:
            RemoteError: it may not, or BigCommerce could not be asked.

        """
        self._remotes.catalog.variants_by_sku([_PROBE])

    def ask_customers(self) -> None:
        """One look-up past every cache, to see that the token may read customers.

        Raises:
            RemoteError: it may not, or BigCommerce could not be asked.

        """
        self._remotes.customers.by_email([f"{_PROBE}@example.com"])

    def _asks_catalog(self) -> bool:
        places = [rule.stock or self._rules.stock for rule in self._rules.locations.values()]
        return "bigcommerce" in (self._rules.stock, *places)


class _Shelf(Generic[T]):
    """One kind of look-up with its memory and its place in the ledger."""

    def __init__(  # noqa: PLR0913, PLR0917  the look-up, how its values are read back, and where they are kept
        self,
        kind: str,
        ask: Callable[[Sequence[str]], Mapping[str, T]],
        read: Callable[[object], T],
        store: str,
        ledger: Ledger,
        clock: Clock,
    ) -> None:
        self._kind, self._ask, self._read = kind, ask, read
        self._store, self._ledger, self._clock = store, ledger, clock
        self._memory: dict[str, tuple[T | None, datetime]] = {}

    def get(self, codes: Iterable[str]) -> dict[str, T]:
        """The hits among ``codes``."""
        now = self._clock.now()
        known: dict[str, T | None] = {}
        wanted: list[str] = []
        for code in sorted(set(codes)):
            value, until = self._memory.get(code, (None, now))
            if until > now:
                known[code] = value
            else:
                wanted.append(code)
        if wanted:
            known |= self._fetch(wanted, now)
        return {code: value for code, value in known.items() if value is not None}

    def forget(self, codes: Iterable[str]) -> None:
        """Ask again for ``codes`` next time."""
        dropped = sorted(set(codes))
        for code in dropped:
            self._memory.pop(code, None)
        self._ledger.cache_drop(self._store, self._kind, dropped)

    def _fetch(self, codes: list[str], now: datetime) -> dict[str, T | None]:
        known = self._kept(codes, now)
        missing = [code for code in codes if code not in known]
        if missing:
            found = self._ask(missing)
            self._ledger.cache_put(
                self._store, self._kind, {c: _write(found[c]) if c in found else None for c in missing}
            )
            known |= {code: found.get(code) for code in missing}
        if len(self._memory) + len(known) > _REMEMBERED:
            self._memory.clear()
        for code, value in known.items():
            self._memory[code] = (value, now + _MISS_FRESH)
        return known

    def _kept(self, codes: list[str], now: datetime) -> dict[str, T | None]:
        hits = self._ledger.cache_get(self._store, self._kind, codes, younger_than=now - _FRESH)
        misses = self._ledger.cache_get(self._store, self._kind, codes, younger_than=now - _MISS_FRESH)
        return {
            code: self._read(json.loads(text)) if text else None
            for code, text in hits.items()
            if text or code in misses
        }


def _codes(orders: Iterable[CanonicalOrder], field: str) -> set[str]:
    codes = (getattr(line, field) for order in orders for line in order.lines)
    return {normal for code in codes if code and (normal := normal_code(code))}


def _email(order: CanonicalOrder) -> str:
    return order.customer.email.strip().lower() if order.customer else ""


def _matches(found: Mapping[str, CatalogVariant]) -> dict[str, CatalogMatch]:
    return {code: _match(variant) for code, variant in found.items()}


def _match(variant: CatalogVariant) -> CatalogMatch:
    return CatalogMatch(
        product_id=variant.product_id,
        variant_id=variant.variant_id,
        sku=variant.sku,
        name=variant.name,
        digital=variant.digital,
        options=variant.options,
        needs_modifiers=variant.needs_modifiers,
    )


def _write(value: object) -> str:
    return json.dumps(asdict(value) if isinstance(value, CatalogMatch) else value)


def _read_id(document: object) -> int:
    assert isinstance(document, int)  # noqa: S101  _write wrote it
    return document


def _read_match(document: object) -> CatalogMatch:
    assert isinstance(document, dict)  # noqa: S101  _write wrote it
    pairs = document.pop("options")
    return CatalogMatch(**document, options=tuple((option, value) for option, value in pairs))
