"""Remember look-ups in memory and in the ledger, bounded in number and age; refresh them before they grow stale."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from msgspec import Struct, json
from msgspec.structs import replace

from syncd.bigcommerce.catalog import CatalogClient, CatalogVariant, ProductPage
from syncd.bigcommerce.store import StoreClient
from syncd.clock import Clock
from syncd.errors import StoreAccessDenied
from syncd.ledger import Code, Ledger, MirrorRow, MirrorWalk
from syncd.logs import get_logger
from syncd.mapping.formats import normal_code

T = TypeVar("T")


class Ttl(Struct, frozen=True):
    """How long look-ups stay valid: a hit before it is refreshed in the background, a hit at most, a miss."""

    hit: timedelta = timedelta(hours=6)
    hit_most: timedelta = timedelta(hours=24)
    miss: timedelta = timedelta(minutes=15)
    remembered: int = 20_000


TTL = Ttl()
_REFRESHED_AT_ONCE = 2000


class LookupCache(Generic[T]):
    """A cache of one kind of look-up for one store. Safe to use from several threads."""

    def __init__(  # noqa: PLR0913, PLR0917  the look-up, how its values are written and read back, and where they are kept
        self,
        kind: str,
        ask: Callable[[Sequence[str]], Mapping[str, T]],
        write: Callable[[T], str],
        read: Callable[[str], T],
        place: tuple[str, Ledger, Clock],
        ages: Ttl = TTL,
    ) -> None:
        self._kind, self._ask, self._write, self._read, self._ages = kind, ask, write, read, ages
        self._store, self._ledger, self._clock = place
        self._memory: OrderedDict[str, tuple[T | None, datetime]] = OrderedDict()
        self._stale: dict[str, None] = {}
        self._lock = threading.Lock()

    def get(self, codes: Iterable[str]) -> dict[str, T]:
        """Return the hits among ``codes``; ask for unknown ones in bulk.

        Raises:
            RemoteError: BigCommerce could not be asked.

        """
        now = self._clock.now()
        known: dict[str, T | None] = {}
        wanted: list[str] = []
        with self._lock:
            for code in sorted(set(codes)):
                value, until = self._memory.get(code, (None, now))
                if until > now:
                    known[code] = value
                    self._memory.move_to_end(code)
                else:
                    wanted.append(code)
        if wanted:
            known |= self._fetch(wanted, now)
        return {code: value for code, value in known.items() if value is not None}

    def put(self, values: Mapping[str, T]) -> None:
        """Keep a value that was learned elsewhere: a customer that was just created, say."""
        if values:
            self._ledger.catalog.keep_lookups(
                self._store, self._kind, {code: self._write(value) for code, value in values.items()}
            )
            self._remember(values, self._clock.now())

    def forget(self, codes: Iterable[str]) -> None:
        """Ask again for ``codes`` next time."""
        dropped = sorted(set(codes))
        with self._lock:
            for code in dropped:
                self._memory.pop(code, None)
        self._ledger.catalog.drop_lookups(self._store, self._kind, dropped)

    def refresh(self) -> int:
        """Ask again for old hits that were used; return how many.

        Raises:
            RemoteError: BigCommerce could not be asked; what is known stays in use.

        """
        with self._lock:
            codes = list(self._stale)[:_REFRESHED_AT_ONCE]
        if codes:
            self._remember(self._asked(codes), self._clock.now())
            with self._lock:
                for code in codes:
                    self._stale.pop(code, None)
        return len(codes)

    def _fetch(self, codes: list[str], now: datetime) -> dict[str, T | None]:
        known = self._kept(codes, now)
        missing = [code for code in codes if code not in known]
        if missing:
            known |= self._asked(missing)
        self._remember(known, now)
        return known

    def _asked(self, codes: list[str]) -> dict[str, T | None]:
        found = self._ask(codes)
        kept = {code: self._write(found[code]) if code in found else None for code in codes}
        self._ledger.catalog.keep_lookups(self._store, self._kind, kept)
        return {code: found.get(code) for code in codes}

    def _remember(self, known: Mapping[str, T | None], now: datetime) -> None:
        with self._lock:
            for code, value in known.items():
                self._memory[code] = (value, now + self._ages.miss)
                self._memory.move_to_end(code)
            while len(self._memory) > self._ages.remembered:
                self._memory.popitem(last=False)

    def _kept(self, codes: list[str], now: datetime) -> dict[str, T | None]:
        """Read what the ledger has and is young enough; note old hits for a refresh."""
        usable = self._ledger.catalog.lookups(self._store, self._kind, codes, younger_than=now - self._ages.hit_most)
        young = self._ledger.catalog.lookups(self._store, self._kind, codes, younger_than=now - self._ages.hit)
        misses = self._ledger.catalog.lookups(self._store, self._kind, codes, younger_than=now - self._ages.miss)
        with self._lock:
            self._stale.update(dict.fromkeys(code for code, text in usable.items() if text and code not in young))
        return {code: self._read(text) if text else None for code, text in usable.items() if text or code in misses}


_KIND, _CODE = "currency", "all"
_PRICING = "pricing"
_AGE = timedelta(hours=1)


class StoreCurrencies:
    """The currencies of one store."""

    def __init__(self, store: str, ledger: Ledger, info: StoreClient, clock: Clock) -> None:
        self._store, self._ledger, self._info, self._clock = store, ledger, info, clock

    def allowed(self) -> tuple[str, ...]:
        """Return the currency codes that the store takes, its own first; empty where the token may not read them.

        Raises:
            RemoteError: the store could not be asked.

        """
        since = self._clock.now() - _AGE
        known = self._ledger.catalog.lookups(self._store, _KIND, [_CODE], younger_than=since).get(_CODE)
        if known is None:
            known = self._asked()
            self._ledger.catalog.keep_lookups(self._store, _KIND, {_CODE: known})
        return tuple(known.split())

    def _asked(self) -> str:
        try:
            return " ".join(one.code for one in self._info.currencies())
        except StoreAccessDenied:
            return ""  # the order's own answer is compared all the same


class StorePricing:
    """On which side of tax one store prices."""

    def __init__(self, store: str, ledger: Ledger, info: StoreClient, clock: Clock) -> None:
        self._store, self._ledger, self._info, self._clock = store, ledger, info, clock

    def includes_tax(self) -> bool:
        """Return whether the store's prices include tax; False where it does not say.

        Raises:
            RemoteError: the store could not be asked.

        """
        since = self._clock.now() - _AGE
        known = self._ledger.catalog.lookups(self._store, _PRICING, [_CODE], younger_than=since).get(_CODE)
        if known is None:
            known = "inc" if self._info.store().prices_include_tax else "ex"
            self._ledger.catalog.keep_lookups(self._store, _PRICING, {_CODE: known})
        return known == "inc"


_VARIANT = json.Decoder(CatalogVariant)
_AT_ONCE_PRODUCTS = 1000
_PAGES_A_STEP = 40
_FRESH = timedelta(minutes=15)
_OVERLAP = timedelta(minutes=5)  # clocks differ, and a change is reported to the second
_ANEW = timedelta(days=1)


class CatalogMirror:
    """The mirror of one store's catalog. Only who holds the store's lease walks; everybody may read."""

    def __init__(self, store: str, ledger: Ledger, catalog: CatalogClient, clock: Clock) -> None:
        self._store, self._kept, self._catalog, self._clock = store, ledger.catalog, catalog, clock
        self._walk: MirrorWalk | None = self._kept.walk(store)
        self._tried = False
        self._lock = threading.Lock()

    @property
    def serves(self) -> bool:
        """Whether the mirror is complete: a code that it lacks is one that the store lacks."""
        return self._walk is not None and self._walk.complete

    def build_if_small(self) -> None:
        """Walk a small catalog at the first look-up; of a large one, only the first page.

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
        """Walk on for a bounded number of pages, or read recent changes; return how many pages.

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
        """Return the variants of ``codes`` (normalised); read recent changes first where one is missing.

        Raises:
            RemoteError: a code is missing and BigCommerce could not be asked for changes.

        """
        found = self._kept.find_variants(self._store, by, codes)
        if len(found) < len(set(codes)):
            with self._lock:
                age = self._clock.now() - self._walk.checked_at if self._walk is not None else timedelta(0)
                if not timedelta(0) <= age <= _FRESH and self._take_changes():
                    found = self._kept.find_variants(self._store, by, codes)
        return {code: _VARIANT.decode(text) for code, text in found.items()}

    def drop(self, by: Code, codes: Sequence[str]) -> None:
        """Forget codes whose product BigCommerce has refused and no longer has."""
        self._kept.drop_variants(self._store, by, codes)

    def _step(self, *, live: bool) -> ProductPage | None:
        """Read the next page of the walk, and begin one where there is none; None where another process has ended it."""
        walk = self._kept.walk(self._store)
        if walk is None or walk.last_id is None:
            walk = self._kept.begin_walk(self._store, self._clock.now())
        assert walk.last_id is not None  # noqa: S101  a walk that was begun, or goes on
        page = self._catalog.product_page(after=walk.last_id, live=live)
        walk = replace(walk, last_id=page.last_id if page.products else walk.last_id)
        self._kept.put_page(self._store, walk, page.products, _rows(page))
        if not page.more:
            walk = self._kept.end_walk(self._store, walk)
            get_logger().info("catalog_mirrored", store=self._store, variants=self._kept.count_variants(self._store))
        self._walk = walk
        return page

    def _take_changes(self) -> int:
        """Read every product that changed since the last look; return how many pages.

        More than a bounded way of them (a bulk import) is left to a walk behind the scenes: no sale waits for that.
        """
        walk = self._kept.walk(self._store)
        if walk is None:
            return 0
        now, since = self._clock.now(), walk.checked_at - _OVERLAP
        after, pages, more = 0, 0, True
        while more and pages < _PAGES_A_STEP:
            page = self._catalog.product_page(after=after, changed_since=since)
            self._kept.put_page(self._store, walk, page.products, _rows(page))
            after, more, pages = page.last_id, page.more, pages + 1
        self._walk = replace(self._kept.begin_walk(self._store, now) if more else walk, checked_at=now)
        self._kept.put_page(self._store, self._walk, (), ())
        return pages


def _rows(page: ProductPage) -> list[MirrorRow]:
    return [
        MirrorRow(one.variant_id, one.product_id, normal_code(one.sku), normal_code(one.upc), _text(one))
        for one in page.variants
    ]


def _text(variant: CatalogVariant) -> str:
    return json.encode(variant).decode()
