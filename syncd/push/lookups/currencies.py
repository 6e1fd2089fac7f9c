"""Which currencies a store takes: asked once an hour, and remembered in the ledger between runs."""

from __future__ import annotations

from datetime import timedelta

from syncd.bigcommerce import StoreClient
from syncd.clock import Clock
from syncd.errors import Denied
from syncd.ledger import Ledger

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
