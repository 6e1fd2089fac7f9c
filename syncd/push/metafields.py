"""Writes the POS's facts to the orders that were pushed, behind the pushing: no order waits for them, and none is missed.

How far it is, is kept in the ledger; it moves on once an order has its facts, so that what fails is done again by the next pass.
"""

from __future__ import annotations

import threading

from syncd.bigcommerce.metafields import MetafieldsClient
from syncd.clock import Clock
from syncd.errors import LedgerError, StoreError
from syncd.ledger import Ledger
from syncd.logs import get_logger
from syncd.mapping.metafields import NAMESPACE, facts_of
from syncd.sale.sale import Sale

_KEPT = "metafields"
_AT_ONCE = 20


class MetafieldWriter:
    """The facts of one store's orders."""

    def __init__(self, store: str, ledger: Ledger, client: MetafieldsClient, clock: Clock) -> None:
        self._store, self._ledger, self._client, self._clock = store, ledger, client, clock
        self._told = ""

    def write(self, stop: threading.Event) -> int:
        """Write the facts of the next orders; return how many orders have theirs now.

        What was pushed before the rule was set is left alone.
        """
        after = self._after()
        done = 0
        for sale in self._ledger.overviews.synced_after(self._store, after, _AT_ONCE):
            if stop.is_set() or sale.synced_at is None:
                break
            try:
                self._write(sale)
            except StoreError as error:
                if error.what != self._told:
                    get_logger().warning("metafields_not_written", store=self._store, why=error.what, cure=error.cure)
                self._told = error.what
                break
            self._keep(sale)
            done += 1
        return done

    def _write(self, sale: Sale) -> None:
        if sale.order_id is None or sale.returns_of is not None or sale.document is None:
            return
        try:
            order = sale.order()
        except LedgerError:  # damaged; the ledger's own check tells of it
            return
        self._client.write(sale.order_id, NAMESPACE, facts_of(order))

    def _after(self) -> tuple[int, int]:
        kept = self._ledger.state.get("metafields", [_KEPT], self._store).get(_KEPT)
        if kept is None:
            kept = f"{int(self._clock.now().timestamp() * 1_000_000)}.0"
            self._ledger.state.put("metafields", {_KEPT: kept}, self._store)
        at, _, number = kept.partition(".")
        return int(at), int(number)

    def _keep(self, sale: Sale) -> None:
        assert sale.synced_at is not None  # noqa: S101  the caller has looked
        at = int(sale.synced_at.timestamp() * 1_000_000)
        self._ledger.state.put("metafields", {_KEPT: f"{at}.{sale.id}"}, self._store)
