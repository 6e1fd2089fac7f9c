"""Settles sales in doubt by looking their orders up, and by nothing else.

A few sales are looked up one by one; many at once by listing the store's newest orders, so that settling a storm costs a call for
every 250 orders and not the quota. What a look found is an event of the sale; ``sale.decide`` says what follows.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from msgspec import Struct

from syncd.bigcommerce.classify import cut_length
from syncd.bigcommerce.client import FilterBroken, OrdersClient, RemoteOrder
from syncd.clock import Clock, Now
from syncd.errors import Stopped, StoreError
from syncd.ledger import Lease, Ledger
from syncd.logs import get_logger
from syncd.push.store_orders.catch_up import CatchUp
from syncd.push.store_orders.scan import known_of, there_of
from syncd.push.worker.circuit_breaker import CircuitBreaker
from syncd.sale.events import Discovered, DraftFound, LookedUp, SaleEvent
from syncd.sale.facts import StoreOrder
from syncd.sale.policy import StorePolicy
from syncd.sale.sale import Sale
from syncd.sale.states import MAKES_ORDER, AttemptKind, State

_AT_ONCE = 10_000  # one walk over the store's newer orders serves them all
_SINGLY = 3
_CALLS_EACH = 2  # a look-up by key asks for archived orders as well


class ReconcileReport(Struct, frozen=True):
    """What a pass settled: found in BigCommerce, found absent (to be sent again), still unknown."""

    found: int = 0
    absent: int = 0
    still_unknown: int = 0


def look_says(found: Sequence[StoreOrder], sale: Sale, now: Now, newest: int | None = None) -> SaleEvent:
    """Turn the result of a look-up into an event. Of several orders with the sale's key the lowest live one is its order. Pure.

    ``newest`` is the highest order id in the store, where it was asked.
    """
    if sale.doubt is not None and sale.doubt.kind is AttemptKind.CONVERT and found:
        return _converted(found, sale)
    if not found:
        idle = newest is not None and sale.newest_order_before is not None and newest <= sale.newest_order_before
        return LookedUp(now.boot, idle)
    best = found[0]
    for other in found[1:]:
        best = best.preferred(other)
    why = f"order {best.order_id} found by look-up"
    if best.duplicates:
        why += f"; {len(best.duplicates) + 1} orders carry this key: {sorted((best.order_id, *best.duplicates))}"
    if best.draft:
        said = sale.doubt.fingerprint if sale.doubt is not None else None
        return DraftFound(best.order_id, best.cart_id, best.snapshot, why, said)
    said = sale.doubt.fingerprint if sale.doubt is not None and not sale.doubt.more else None
    return Discovered(best.order_id, best.snapshot, why, said)


def _converted(found: Sequence[StoreOrder], sale: Sale) -> SaleEvent:
    """Take the lowest draft of the sale's cart; a conversion that came late made the others, which are to be archived."""
    live = sorted((one for one in found if not one.archived), key=lambda one: one.order_id) or list(found)
    first, *rest = live
    why = f"draft order {first.order_id} found by look-up" + (f"; {len(rest)} more of the same cart" if rest else "")
    said = sale.doubt.fingerprint if sale.doubt is not None else None
    return DraftFound(first.order_id, first.cart_id, first.snapshot, why, said, tuple(one.order_id for one in rest))


def is_of_sale(sale: Sale, order: RemoteOrder) -> bool:
    """Whether an order is the sale's: it carries its key, or what a store left of that, with its total and its time. Pure."""
    key, kept, there = sale.sent_key, order.external_order_id, there_of(order)
    if kept == key:
        return True
    if there.placed_at is None or there.total_inc_tax != sale.total_inc_tax:
        return False
    same_time = abs((there.placed_at - sale.placed_at).total_seconds()) < 1
    return same_time and (not kept or cut_length(key, kept) is not None)


def _is_create(sale: Sale) -> bool:
    return sale.doubt is None or sale.doubt.kind in MAKES_ORDER


def _is_finish(sale: Sale) -> bool:
    return sale.doubt is not None and sale.doubt.kind is AttemptKind.FINISH


def _is_conversion(sale: Sale) -> bool:
    return sale.doubt is not None and sale.doubt.kind is AttemptKind.CONVERT


class Reconciler:
    """Settles the doubtful sales of one store."""

    def __init__(  # noqa: PLR0913, PLR0917  the store, by its three doors, and how to wait
        self, store: str, ledger: Ledger, orders: OrdersClient, catch_up: CatchUp, policy: StorePolicy, clock: Clock
    ) -> None:
        self._store, self._ledger, self._orders, self._catch_up = store, ledger, orders, catch_up
        self._policy, self._clock, self._told = policy.push, clock, False
        self._two_steps = policy.rules is not None and policy.rules.create == "draft"

    def run(self, lease: Lease, circuit: CircuitBreaker, stop: threading.Event) -> ReconcileReport:
        """Look up what is due; a failed look-up counts for nothing and is repeated later."""
        report = ReconcileReport()
        while not stop.is_set() and circuit.reads:
            sales = self._ledger.sales.unsettled(
                self._store, now=self._clock.now(), far=self._policy.settle * 4, limit=_AT_ONCE
            )
            if not sales:
                break
            try:
                report = _plus(report, self._settle(lease, sales))
            except Stopped:
                break
            except StoreError as error:
                get_logger().warning("look_up_failed", store=self._store, why=error.what)
                self._ledger.attempts.reschedule_lookups(lease, sales, self._clock.now() + self._policy.back_off)
                break
            if len(sales) < _AT_ONCE:
                break
        return report

    def _settle(self, lease: Lease, sales: Sequence[Sale]) -> ReconcileReport:
        now = Now.of(self._clock)  # before the look: what is committed after it began may have been missed
        found = self._look_up(lease, [sale for sale in sales if _is_create(sale) and not _is_conversion(sale)])
        found |= self._drafts_of([sale for sale in sales if _is_conversion(sale) or _is_finish(sale)])
        absent = any(_is_create(sale) and not found.get(sale.sale_key) for sale in sales)
        newest = self._newest() if absent else None
        news = [(sale, look_says(found.get(sale.sale_key, ()), sale, now, newest)) for sale in sales]
        moved = self._ledger.attempts.resolve(lease, news, now)
        return self._report(news, moved)

    def _drafts_of(self, sales: Sequence[Sale]) -> dict[str, Sequence[StoreOrder]]:
        """Return the drafts of each sale's cart; of a draft that was to be finished, the order if it shows that it is."""
        found: dict[str, Sequence[StoreOrder]] = {}
        for sale in sales:
            checkout = sale.checkout
            if checkout is None:
                continue
            if _is_finish(sale) and checkout.order_id is not None:
                order = self._orders.get(checkout.order_id)
                if order is not None and order.external_order_id == sale.sent_key and order.status_id:
                    found[sale.sale_key] = [known_of(order)]
            elif _is_conversion(sale) and checkout.cart_id is not None:
                rows = self._of_cart(sale, checkout.cart_id)
                found[sale.sale_key] = [known_of(one) for one in rows if one.id not in checkout.archived]
        return found

    def _of_cart(self, sale: Sale, cart_id: str) -> list[RemoteOrder]:
        try:
            return self._orders.of_cart(cart_id)
        except FilterBroken as broken:  # the walk by id looks at every cart itself
            if not self._told:
                get_logger().warning("filter_not_trusted", store=self._store, why=str(broken))
            self._told = True
            walked = self._orders.drafts(sale.newest_order_before or 1)
            return [order for order in walked if order.cart_id == cart_id]

    def _newest(self) -> int:
        """Read the highest order id; later requests need not be looked up below it."""
        newest = self._orders.newest_id()
        self._catch_up.saw(newest)
        return newest

    def _look_up(self, lease: Lease, sales: Sequence[Sale]) -> dict[str, Sequence[StoreOrder]]:
        """Return the orders of each sale: one that an answer named, else from what a walk noted, else by asking."""
        self._catch_up.once(lease)
        found: dict[str, Sequence[StoreOrder]] = {}
        for sale in sales:
            if (
                sale.doubt is not None
                and sale.doubt.named is not None
                and (named := self._named(sale, sale.doubt.named))
            ):
                found[sale.sale_key] = [named]
        keys = {sale.sent_key: sale.sale_key for sale in sales if sale.sale_key not in found}
        noted = self._ledger.stores.known(self._store, list(keys))
        found |= {keys[key]: [known] for key, known in noted.items()}
        rest = {key: own for key, own in keys.items() if key not in noted}
        if rest:
            floor = min(sale.newest_order_before or 0 for sale in sales if sale.sale_key not in found)
            found |= {rest[key]: orders for key, orders in self._ask(rest, floor).items()}
        return found

    def _named(self, sale: Sale, number: int) -> StoreOrder | None:
        """Read the order that an answer named without our key, if it is the sale's."""
        order = self._orders.get(number)
        return known_of(order) if order is not None and is_of_sale(sale, order) else None

    def _ask(self, keys: dict[str, str], floor: int) -> dict[str, list[StoreOrder]]:
        if len(keys) <= _SINGLY or len(keys) * _CALLS_EACH <= self._catch_up.pages(floor):
            try:
                return {
                    key: [known_of(order, two_steps=self._two_steps) for order in self._orders.find(key)]
                    for key in sorted(keys)
                }
            except FilterBroken as broken:  # the walk by id looks at every key itself
                if not self._told:
                    get_logger().warning("filter_not_trusted", store=self._store, why=str(broken))
                self._told = True
        return self._catch_up.find(keys, floor)

    def _report(self, news: Sequence[tuple[Sale, SaleEvent]], moved: dict[int, tuple[State, str]]) -> ReconcileReport:
        log, found, absent, still = get_logger(), 0, 0, 0
        for sale, one in news:
            state, why = moved.get(sale.id, (State.UNKNOWN, ""))
            if state is State.UNKNOWN:
                still += sale.id in moved
            elif isinstance(one, Discovered | DraftFound):
                found += 1
                log.info("order_found", sale=sale.sale_key, store=self._store, order_id=one.order_id, state=state.value)
            else:
                absent += 1
                log.info(
                    "doubt_ended",
                    sale=sale.sale_key,
                    store=self._store,
                    state=state.value,
                    why=why or "it never arrived",
                )
        return ReconcileReport(found, absent, still)


def _plus(one: ReconcileReport, two: ReconcileReport) -> ReconcileReport:
    return ReconcileReport(one.found + two.found, one.absent + two.absent, two.still_unknown)
