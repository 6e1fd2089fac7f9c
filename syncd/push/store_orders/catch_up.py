"""Find orders of ours that the store has and the ledger does not: after a crash, a restored backup, or with a new ledger.

At every taking of the lease, before anything is created, the store's orders from just under the highest id that the ledger has
seen are listed, 250 a call, and those that carry a sale key are noted. A sale whose key is noted is linked instead of being
created again. Settling many doubts takes the same walk, so that a restart lists the store once.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import timedelta
from itertools import islice

from syncd.bigcommerce.client import OrdersClient, RemoteOrder
from syncd.ledger import Lease, Ledger
from syncd.logs import get_logger
from syncd.mapping.rules import Rules
from syncd.push.store_orders.differences import has_drifted
from syncd.push.store_orders.scan import PAGE, OrderPage, ScanCheckpoint, known_of, scan_orders
from syncd.sale.events import Drifted
from syncd.sale.facts import StoreOrder
from syncd.sale.sale import Sale
from syncd.sale.states import State

_SLACK = timedelta(minutes=10)
_CHANGED = "its order was changed since syncd last sent anything: it is looked at"


Listed = dict[str, tuple[object, int | None]]
"""For which continuity of the right to push each store was listed, and its highest order id: it outlives a store's connections."""


class CatchUp:
    """Keeps up with one store's orders; the pusher and the reconciler share it."""

    def __init__(
        self,
        store: str,
        ledger: Ledger,
        orders: OrdersClient,
        rules: Rules | None = None,
        listed: Listed | None = None,
    ) -> None:
        self._store, self._ledger, self._orders = store, ledger, orders
        self._drafts = rules is not None and rules.uses_checkout
        self._two_steps = rules is not None and rules.create == "draft"
        self._walking = threading.Lock()
        self._listed: Listed = {} if listed is None else listed
        self.newest: int | None = self._listed.get(store, (None, None))[1]  # the highest order id, once it was asked

    def once(self, lease: Lease) -> None:
        """Catch up once per continuity of a lease, before its first create: find orders that the ledger does not know.

        While the right to push was somebody else's on another ledger, or the database was brought back to an earlier moment,
        anything may have been made that these rows say nothing of. Neither can happen while a session of the database lives.

        Raises:
            RemoteError: the store could not be read; nothing may be created before it was.

        """
        with self._walking:
            if self._listed.get(self._store, (None, None))[0] != lease.continuity:
                highest = self._ledger.stores.get(self._store).highest_order_id or 0
                checkpoint = ScanCheckpoint(self._store, self._ledger, "catch up", "places")
                self._walk(_below(highest), (), checkpoint)
                self._ledger.stores.note_listed(self._store)
                checkpoint.clear()
                self._look_for_changes(lease)
                self._listed[self._store] = (lease.continuity, self.newest)

    def _look_for_changes(self, lease: Lease) -> None:
        """Find orders that were changed since the ledger's newest attempt: by staff, or by a ledger that was lost."""
        last = self._ledger.attempts.last_attempt_at()
        if last is None:
            return
        for page in scan_orders(lambda archived: self._orders.list_modified(last - _SLACK, archived=archived)):
            ours = page.with_a_key
            sales = self._ledger.sales.by_key([order.external_order_id for order in ours])
            resting = [(sales[o.external_order_id], o) for o in ours if _is_at_rest(sales.get(o.external_order_id), o)]
            ids = [sale.id for sale, _ in resting]
            stamps, sent = self._ledger.attempts.stamps_of(ids), self._ledger.attempts.sent_at(ids)
            drifted = [
                (sale, Drifted(_CHANGED))
                for sale, o in resting
                if has_drifted(sale, stamps.get(sale.id), sent.get(sale.id), o)
            ]
            if moved := self._ledger.attempts.drift(lease, drifted):
                get_logger().info("orders_changed_meanwhile", store=self._store, sales=moved)

    def forget(self) -> None:
        """Catch up again before the next create: the ledger was taken back in time."""
        with self._walking:
            self._listed.pop(self._store, None)

    def find(self, keys: Collection[str], floor: int) -> dict[str, list[StoreOrder]]:
        """Find the orders that carry ``keys``, all of them newer than order ``floor``.

        Raises:
            RemoteError: the store could not be read.

        """
        with self._walking:
            return self._walk(_below(floor), keys)

    def pages(self, floor: int) -> int:
        """Estimate how many calls a walk from order ``floor`` takes."""
        return ((self.newest or 0) - _below(floor)) // PAGE + 2

    def saw(self, order_id: int) -> None:
        """Note that an order of this id exists."""
        self.newest = max(self.newest or 0, order_id)

    def _walk(
        self, lowest: int, keys: Collection[str], checkpoint: ScanCheckpoint | None = None
    ) -> dict[str, list[StoreOrder]]:
        """List from order ``lowest`` on, archived orders too, and note every key, page by page.

        With a ``checkpoint`` it goes on where a walk of its kind was interrupted, and notes where it is.
        """
        found: dict[str, list[StoreOrder]] = defaultdict(list)
        highest, noted = max(lowest - 1, self.newest or 0), 0
        places = checkpoint.load() if checkpoint is not None else {}
        begin = {archived: max(lowest, _below(place)) for archived, place in places.items()}

        def list_half(archived: bool) -> Iterable[RemoteOrder]:
            return self._orders.list_between(begin.get(archived, lowest), None, None, archived=archived)

        for page in scan_orders(list_half):
            ours = self._note(page)
            for key, known in ours:
                if key in keys:
                    found[key].append(known)
            noted += len(ours)
            highest = max(highest, page.highest_id)
            if checkpoint is not None and page.is_full:
                places[page.archived] = page.highest_id
                checkpoint.save(places)
        if self._drafts:  # plain lists may leave them out
            listed = iter(self._orders.drafts(lowest))
            while rows := tuple(islice(listed, PAGE)):
                noted += len(self._note(OrderPage(rows, archived=False)))
        self._ledger.stores.note_order_id(self._store, highest)
        self.newest = highest
        if noted:
            get_logger().info("store_listed", store=self._store, orders_with_a_key=noted, highest_order_id=highest)
        return found

    def _note(self, page: OrderPage) -> list[tuple[str, StoreOrder]]:
        """Remember the orders of a page that carry a key, and return them."""
        ours = [(order.external_order_id, known_of(order, two_steps=self._two_steps)) for order in page.with_a_key]
        ours += [(key, known_of(order)) for key, order in page.drafts]
        for alert in self._ledger.stores.note_known(self._store, ours):
            get_logger().error("alert", store=self._store, kind=alert.kind, why=alert.words, cure=alert.cure)
        return ours


def _is_at_rest(sale: Sale | None, order: RemoteOrder) -> bool:
    """Whether the sale is linked to this order and no request is on its way."""
    if sale is None or sale.state not in (State.SYNCED, State.PENDING):
        return False
    return sale.order_id == order.id and sale.belief.confirmed_version is not None


def _below(order_id: int) -> int:
    """Return where a walk begins: a page before the newest known order, for ids may be committed out of order."""
    return max(1, order_id - PAGE + 1)
