"""A store's catalog mirrored in the ledger, so that a code costs no request.

Asking costs a request for 200 SKUs, and one for each UPC; walking the catalog costs two for 250 products, once, and one a quarter
of an hour for what has changed. So a small catalog is walked at once, a large one behind the scenes, where it yields to sales;
until it is there, the catalog is asked. Once a day it is walked anew, for what was deleted shows in no list of changes.
Source: https://developer.bigcommerce.com/docs/rest-catalog/products ("date_modified:min", "id:greater", "include").
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from pydantic import TypeAdapter

from syncd.bigcommerce.catalog import CatalogClient, CatalogVariant, ProductPage
from syncd.clock import Clock
from syncd.ledger import Code, Ledger, MirrorRow, Walk
from syncd.logs import get_logger
from syncd.mapping.model import normal_code

_VARIANT = TypeAdapter(CatalogVariant)
_AT_ONCE_PRODUCTS = 1000
_PAGES_A_STEP = 40
_FRESH = timedelta(minutes=15)
_OVERLAP = timedelta(minutes=5)  # clocks differ, and a change is told to the second
_ANEW = timedelta(days=1)


class Mirror:
    """The mirror of one store's catalog. Only who holds the store's lease walks; everybody may read."""

    def __init__(self, store: str, ledger: Ledger, catalog: CatalogClient, clock: Clock) -> None:
        self._store, self._tables, self._catalog, self._clock = store, ledger.mirror, catalog, clock
        self._walk: Walk | None = self._tables.walk(store)
        self._tried = False
        self._lock = threading.Lock()

    @property
    def serves(self) -> bool:
        """Whether every product is in it, so that a code that it lacks is one that the store lacks."""
        return self._walk is not None and self._walk.complete

    def build_if_small(self) -> None:
        """The first time that codes are looked up: walk a small catalog now; of a large one, the first page.

        Raises:
            RemoteError: BigCommerce could not be asked.

        """
        with self._lock:
            if self.serves or self._tried:
                return
            self._tried = True
            page = self._step(live=True)
            if page is not None and page.total <= _AT_ONCE_PRODUCTS:
                while page is not None and page.more:
                    page = self._step(live=True)

    def keep_up(self) -> int:
        """Walk on a bounded way, or take what has changed; how many pages that were.

        Raises:
            RemoteError: BigCommerce could not be asked; the next call goes on from there.

        """
        with self._lock:
            now = self._clock.now()
            if (
                self._walk is not None
                and self._walk.last_id is None
                and timedelta(0) <= now - self._walk.began_at < _ANEW
            ):
                return 0 if timedelta(0) <= now - self._walk.checked_at <= _FRESH else self._take_changes()
            for done in range(_PAGES_A_STEP):
                page = self._step(live=False)
                if page is None or not page.more:
                    return done + 1
            return _PAGES_A_STEP

    def find(self, by: Code, codes: Sequence[str]) -> dict[str, CatalogVariant]:
        """The variants of ``codes`` (as they are compared); where one is missing, what has changed since is taken first.

        Raises:
            RemoteError: a code is missing and BigCommerce could not be asked for changes.

        """
        found = self._tables.find(self._store, by, codes)
        if len(found) < len(set(codes)):
            with self._lock:
                age = self._clock.now() - self._walk.checked_at if self._walk is not None else timedelta(0)
                if not timedelta(0) <= age <= _FRESH and self._take_changes():
                    found = self._tables.find(self._store, by, codes)
        return {code: _VARIANT.validate_json(text) for code, text in found.items()}

    def drop(self, by: Code, codes: Sequence[str]) -> None:
        """Forget codes whose product BigCommerce has refused and no longer has."""
        self._tables.drop(self._store, by, codes)

    def _step(self, *, live: bool) -> ProductPage | None:
        """The next page of the walk, which is begun where there is none; None where another process has ended it."""
        walk = self._tables.walk(self._store)
        if walk is None or walk.last_id is None:
            walk = self._tables.begin(self._store, self._clock.now())
        assert walk.last_id is not None  # noqa: S101  a walk that was begun, or goes on
        page = self._catalog.product_page(after=walk.last_id, live=live)
        walk = replace(walk, last_id=page.last_id if page.products else walk.last_id)
        self._tables.put(self._store, walk, page.products, _rows(page))
        if not page.more:
            walk = self._tables.end(self._store, walk)
            get_logger().info("catalog_mirrored", store=self._store, variants=self._tables.count(self._store))
        self._walk = walk
        return page

    def _take_changes(self) -> int:
        """Every product that was changed since the last look; how many pages that were.

        More than a bounded way of them (a bulk import) is left to a walk behind the scenes: no sale waits for that.
        """
        walk = self._tables.walk(self._store)
        if walk is None:
            return 0
        now, since = self._clock.now(), walk.checked_at - _OVERLAP
        after, pages, more = 0, 0, True
        while more and pages < _PAGES_A_STEP:
            page = self._catalog.product_page(after=after, changed_since=since)
            self._tables.put(self._store, walk, page.products, _rows(page))
            after, more, pages = page.last_id, page.more, pages + 1
        self._walk = replace(self._tables.begin(self._store, now) if more else walk, checked_at=now)
        self._tables.put(self._store, self._walk, (), ())
        return pages


def _rows(page: ProductPage) -> list[MirrorRow]:
    return [
        MirrorRow(one.variant_id, one.product_id, normal_code(one.sku), normal_code(one.upc), _text(one))
        for one in page.variants
    ]


def _text(variant: CatalogVariant) -> str:
    return _VARIANT.dump_json(variant).decode()
