"""Remember look-ups in memory and in the ledger, bounded in number and age; refresh them before they grow stale."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from syncd.bigcommerce.store import StoreClient
from syncd.clock import Clock
from syncd.errors import Denied
from syncd.ledger import Ledger

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ages:
    """How long look-ups are good for: a hit (used while it is refreshed behind the scenes), a hit at the longest, a miss."""

    hit: timedelta = timedelta(hours=6)
    hit_most: timedelta = timedelta(hours=24)
    miss: timedelta = timedelta(minutes=15)
    remembered: int = 20_000


AGES = Ages()
_REFRESHED_AT_ONCE = 2000


class Shelf(Generic[T]):
    """Look-ups of one kind for one store; safe to use from several threads."""

    def __init__(  # noqa: PLR0913, PLR0917  the look-up, how its values are written and read back, and where they are kept
        self,
        kind: str,
        ask: Callable[[Sequence[str]], Mapping[str, T]],
        write: Callable[[T], str],
        read: Callable[[str], T],
        place: tuple[str, Ledger, Clock],
        ages: Ages = AGES,
    ) -> None:
        self._kind, self._ask, self._write, self._read, self._ages = kind, ask, write, read, ages
        self._store, self._ledger, self._clock = place
        self._memory: OrderedDict[str, tuple[T | None, datetime]] = OrderedDict()
        self._stale: dict[str, None] = {}
        self._lock = threading.Lock()

    def get(self, codes: Iterable[str]) -> dict[str, T]:
        """The hits among ``codes``; what is not known yet is asked for in bulk.

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
        """Keep what was learned in another way: a customer that was just created, say."""
        if values:
            self._ledger.cache.put(
                self._store, self._kind, {code: self._write(value) for code, value in values.items()}
            )
            self._remember(values, self._clock.now())

    def forget(self, codes: Iterable[str]) -> None:
        """Ask again for ``codes`` next time."""
        dropped = sorted(set(codes))
        with self._lock:
            for code in dropped:
                self._memory.pop(code, None)
        self._ledger.cache.drop(self._store, self._kind, dropped)

    def refresh(self) -> int:
        """Ask again for what was used although it had grown old; how many codes that were.

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
        self._ledger.cache.put(self._store, self._kind, kept)
        return {code: found.get(code) for code in codes}

    def _remember(self, known: Mapping[str, T | None], now: datetime) -> None:
        with self._lock:
            for code, value in known.items():
                self._memory[code] = (value, now + self._ages.miss)
                self._memory.move_to_end(code)
            while len(self._memory) > self._ages.remembered:
                self._memory.popitem(last=False)

    def _kept(self, codes: list[str], now: datetime) -> dict[str, T | None]:
        """What the ledger keeps and is young enough; old hits are noted for a refresh."""
        usable = self._ledger.cache.get(self._store, self._kind, codes, younger_than=now - self._ages.hit_most)
        young = self._ledger.cache.get(self._store, self._kind, codes, younger_than=now - self._ages.hit)
        misses = self._ledger.cache.get(self._store, self._kind, codes, younger_than=now - self._ages.miss)
        with self._lock:
            self._stale.update(dict.fromkeys(code for code, text in usable.items() if text and code not in young))
        return {code: self._read(text) if text else None for code, text in usable.items() if text or code in misses}


_KIND, _CODE = "currency", "all"
_AGE = timedelta(hours=1)


class Currencies:
    """The currencies of one store."""

    def __init__(self, store: str, ledger: Ledger, info: StoreClient, clock: Clock) -> None:
        self._store, self._ledger, self._info, self._clock = store, ledger, info, clock

    def allowed(self) -> tuple[str, ...]:
        """The codes that orders may be in, the store's own first; empty where the token may not read them.

        Raises:
            RemoteError: the store could not be asked.

        """
        since = self._clock.now() - _AGE
        known = self._ledger.cache.get(self._store, _KIND, [_CODE], younger_than=since).get(_CODE)
        if known is None:
            known = self._asked()
            self._ledger.cache.put(self._store, _KIND, {_CODE: known})
        return tuple(known.split())

    def _asked(self) -> str:
        try:
            return " ".join(one.code for one in self._info.currencies())
        except Denied:
            return ""  # the order's own answer is compared all the same
