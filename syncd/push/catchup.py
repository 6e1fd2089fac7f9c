"""Learns which of our orders the store has and the ledger does not: after a crash, a restored backup, or with a ledger made anew.

Before anything is created, the store's orders above the highest id that the ledger has seen are listed, 250 a call, and
those that carry a sale key are noted. A sale whose key is noted is adopted instead of being created again. Settling many
unknown outcomes takes the same walk, so that a restart lists the store once.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import islice

from syncd.bigcommerce import OrdersClient, RemoteOrder
from syncd.canonical import CanonicalOrder
from syncd.canonical.money import format_money
from syncd.canonical.order import SaleStatus
from syncd.ledger import Known, Ledger, Sale
from syncd.ledger.states import Held, Pending, Synced, Transition
from syncd.logs import get_logger

_PAGE = 250


_WRONG_CURRENCY = "The till's sales go to a store of another currency: name the right store for this source."


class CatchUp:
    """What is known of one store's orders; the pusher and the reconciler share it, whichever of them walks first."""

    def __init__(self, store: str, ledger: Ledger, orders: OrdersClient) -> None:
        self._store, self._ledger, self._orders = store, ledger, orders
        self._walking = threading.Lock()
        self.newest: int | None = None  # the highest order id in the store, once it was asked

    def once(self) -> None:
        """Before the first create of this process: learn what the ledger does not know of.

        Raises:
            RemoteError: the store could not be read; nothing may be created before it was.

        """
        with self._walking:
            if self.newest is None:
                highest = self._ledger.store_state(self._store).highest_order_id or 0
                self._walk(_below(highest), ())

    def find(self, keys: Collection[str], floor: int) -> dict[str, list[Known]]:
        """The orders that carry ``keys``, all of them newer than order ``floor``.

        Raises:
            RemoteError: the store could not be read.

        """
        with self._walking:
            return self._walk(_below(floor), keys)

    def pages(self, floor: int) -> int:
        """About how many calls a walk from ``floor`` takes."""
        return ((self.newest or 0) - _below(floor)) // _PAGE + 2

    def saw(self, order_id: int) -> None:
        """An order of this id exists."""
        self.newest = max(self.newest or 0, order_id)

    def _walk(self, lowest: int, keys: Collection[str]) -> dict[str, list[Known]]:
        """List from ``lowest`` on and note every key, page by page: what a crash interrupts, the next walk repeats."""
        found: dict[str, list[Known]] = defaultdict(list)
        highest, noted = max(lowest - 1, self.newest or 0), 0
        listed = iter(self._orders.list_from(lowest))
        while page := list(islice(listed, _PAGE)):
            ours = {order.external_order_id: known_of(order) for order in reversed(page) if order.external_order_id}
            self._ledger.note_known(self._store, ours)
            for order in page:
                if order.external_order_id in keys:
                    found[order.external_order_id].append(known_of(order))
            noted += len(ours)
            highest = max(highest, *(order.id for order in page))
        self._ledger.note_order_id(self._store, highest)
        self.newest = highest
        if noted:
            get_logger().info("store_listed", store=self._store, orders_with_a_key=noted, highest_order_id=highest)
        return found


def _below(order_id: int) -> int:
    """Where a walk begins: a page before the newest order that was known, for ids need not be committed in their order."""
    return max(1, order_id - _PAGE + 1)


def known_of(order: RemoteOrder) -> Known:
    """What is kept of an order that carries one of our keys."""
    return Known(order.id, order.total_inc_tax, order.currency or None)


def adopt(sales: Sequence[Sale], known: Mapping[str, Known], now: datetime) -> list[tuple[Sale, Transition]]:
    """The transitions of those ``sales`` that the store already has under their own key. Pure."""
    return [
        (sale, _adopted(sale, known[sale.sale_key], now))
        for sale in sales
        if sale.order_id is None and sale.sale_key in known
    ]


def _adopted(sale: Sale, known: Known, now: datetime) -> Transition:
    if known.currency and known.currency != sale.currency:
        why = (
            f"BigCommerce already has it as order {known.order_id}, in {known.currency}; the sale is in {sale.currency}"
        )
        return Held(why, _WRONG_CURRENCY, known.order_id)
    if known.total_inc_tax is not None and known.total_inc_tax != sale.total_inc_tax:
        there, here = (format_money(total, sale.currency) for total in (known.total_inc_tax, sale.total_inc_tax))
        why = f"BigCommerce already has it as order {known.order_id}, with a total of {there}; the sale says {here}"
        return Held(why, f"Correct order {known.order_id} there, then: syncd skip {sale.sale_key}", known.order_id)
    why = "already in BigCommerce under this key"
    if sale.document and _moved_on(sale.order()):
        return Pending(now, f"{why}; order {known.order_id} is brought in line", known.order_id)
    return Synced(known.order_id, why)


def _moved_on(order: CanonicalOrder) -> bool:
    """Whether a sale says more than that it took place: the order was made by an earlier word of it, perhaps."""
    return order.status is not SaleStatus.COMPLETED or bool(order.refunds)
