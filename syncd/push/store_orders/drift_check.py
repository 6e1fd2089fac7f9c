"""Check a store's newest orders once a day for what other programs or people changed.

A key with two live orders, an order with one of our keys that this ledger did not make, an order that was changed or archived by
hand: each is an alert, raised once, and ended by the first pass that finds it put right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from syncd.bigcommerce.client import FilterBroken, OrdersClient, RemoteOrder
from syncd.clock import Clock
from syncd.ledger import DOUBLED, Alert, Ledger
from syncd.logs import get_logger
from syncd.mapping.rules import Rules
from syncd.push.store_orders.differences import BACK, OrderDifference, differences
from syncd.push.store_orders.scan import scan_orders
from syncd.sale.overrides import Verb
from syncd.sale.sale import Sale
from syncd.sale.states import State

DAYS = timedelta(days=3)
EVERY = timedelta(days=1)
STRANGER, CHANGED, ARCHIVED = "unknown order", "changed by hand", "archived by hand"


@dataclass(slots=True)
class _Seen:
    """What one check has found: the live orders of each key, and the alerts."""

    live: dict[str, list[int]] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    alerts: list[Alert] = field(default_factory=list)


class DriftCheck:
    """The daily check of one store."""

    def __init__(self, store: str, ledger: Ledger, orders: OrdersClient, rules: Rules, clock: Clock) -> None:
        self._store, self._ledger, self._orders, self._rules, self._clock = store, ledger, orders, rules, clock

    def due(self) -> bool:
        """Whether the last check is a day ago, or lies in the future (the clock was set back)."""
        last, now = self._ledger.stores.get(self._store).checked_at, self._clock.now()
        return last is None or not timedelta(0) <= now - last < EVERY

    def run(self) -> list[Alert]:
        """Check the orders that were created or modified in the last days; return the alerts that this opened.

        Raises:
            RemoteError: the store could not be read; nothing is raised or ended.

        """
        begun, seen = self._clock.now(), _Seen()
        for page in scan_orders(lambda archived: self._orders.list_modified(begun - DAYS, archived=archived)):
            self._look_at(page.with_a_key, seen)
        for key, numbers in seen.live.items():
            if len(numbers) > 1:
                words = f"{key} has {len(numbers)} live orders: {', '.join(map(str, sorted(numbers)))}"
                seen.alerts.append(Alert(self._store, DOUBLED, key, words, "Look at both and archive the wrong one."))
        opened = self._ledger.alerts.raise_new(seen.alerts)
        for kind in (STRANGER, CHANGED, ARCHIVED):
            still = {alert.subject for alert in seen.alerts if alert.kind == kind}
            self._ledger.alerts.end(self._store, kind, seen.keys - still)
        self._ledger.alerts.end(self._store, DOUBLED, self._single_again())
        self._ledger.stores.note_checked(self._store, begun)
        for alert in opened:
            get_logger().error("alert", store=self._store, kind=alert.kind, why=alert.words, cure=alert.cure)
        return opened

    def _single_again(self) -> list[str]:
        """Return the keys that were said to have several orders, and have one live one at most by now, whatever the others' age."""
        open_ones = [alert.subject for alert in self._ledger.alerts.present(self._store) if alert.kind == DOUBLED]
        try:
            return [key for key in open_ones if sum(not order.is_deleted for order in self._orders.find(key)) <= 1]
        except FilterBroken:  # nobody can say whether they are: the alerts stay until somebody ends them
            return []

    def _look_at(self, orders: Sequence[RemoteOrder], seen: _Seen) -> None:
        sales = self._ledger.sales.by_key([order.external_order_id for order in orders])
        stamps = self._ledger.attempts.stamps_of([sale.id for sale in sales.values()])
        for order in orders:
            key = order.external_order_id
            seen.keys.add(key)
            if not order.is_deleted and not (self._rules.create == "draft" and order.status_id == 0):
                seen.live.setdefault(key, []).append(order.id)
            sale = sales.get(key)
            words = [] if sale is None else list(map(str, self._differences(sale, stamps.get(sale.id), order)))
            seen.alerts += _alerts(self._store, order, sale, self._rules, "; ".join(words))

    def _differences(self, sale: Sale, stamp: str | None, order: RemoteOrder) -> list[OrderDifference]:
        came_back = order.status_id in BACK and bool(self._ledger.sales.returned_total(sale.sale_key, but=""))
        return differences(sale, stamp, order, came_back=came_back)


def _alerts(store: str, order: RemoteOrder, sale: Sale | None, rules: Rules, changed: str) -> Iterator[Alert]:
    """Yield the alerts of one order. Pure."""
    key = order.external_order_id
    if sale is None:
        words = f"order {order.id} carries the key {key}, which this ledger does not know"
        cure = "Does another syncd, or an old ledger, push to this store? If its sales are ours: syncd ledger rebuild."
        if not order.is_deleted:
            yield Alert(store, STRANGER, key, words, cure)
        return
    if sale.order_id != order.id or sale.state is not State.SYNCED or _is_accepted(sale):
        return
    cure = f"If that is right: syncd accept {sale.sale_key}; else correct it in BigCommerce."
    if order.is_deleted:
        if rules.void != "archive":
            yield Alert(store, ARCHIVED, key, f"order {order.id} of {sale.sale_key} was archived by hand", cure)
    elif changed:
        yield Alert(store, CHANGED, key, f"order {order.id} of {sale.sale_key} was changed by hand: {changed}", cure)


def _is_accepted(sale: Sale) -> bool:
    return sale.overrides.of(Verb.ACCEPT, sale.fingerprint) is not None
