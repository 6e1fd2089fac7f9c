"""Settles what is unknown, by asking and by nothing else.

A few sales are looked up one by one; many at once by listing the store's newest orders, so that settling a storm costs a
call for every 250 orders and not the quota. Absent counts only at two looks ``settle`` apart, ``2 x settle`` on, in boot time.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from syncd.bigcommerce import FilterBroken, OrdersClient
from syncd.clock import BootTime, Clock, Now
from syncd.errors import RemoteError
from syncd.ledger import Doubt, Kind, Known, Lease, Ledger, Looked, Sale
from syncd.ledger.states import Held, Pending, Synced, Transition, Unsure
from syncd.logs import get_logger
from syncd.push.catchup import CatchUp, known_of
from syncd.push.circuit import Circuit
from syncd.push.policy import Policy

_AT_ONCE = 10_000  # one walk over the store's newer orders serves them all
_SINGLY = 3
_CALLS_EACH = 2  # a look-up by key asks for archived orders as well


@dataclass(frozen=True, slots=True)
class ReconcileReport:
    """What a pass settled: found in BigCommerce, found absent (to be sent again), still unknown."""

    found: int = 0
    absent: int = 0
    still_unknown: int = 0


def judge(found: Sequence[Known], sale: Sale, policy: Policy, now: Now) -> Transition:
    """What a successful look-up says of an unknown create. Pure.

    ``found`` are the orders that carry the sale's key. Where there are none, the request may still be under way: absent counts
    only once the sale has been unknown for twice ``settle``, with a look at least ``settle`` before that found nothing either.
    Another boot's times say nothing, so a doubt that outlives its boot begins anew with the first look in this one.
    """
    if found:
        return _found(found, sale)
    settle = policy.settle.total_seconds()
    doubt = sale.doubt
    looks = [age for look in (doubt.looks if doubt else ()) if (age := now.boot.since(look)) is not None]
    since = now.boot.since(doubt.since) if doubt else None
    first_look = max(looks, default=0.0)
    unknown_for = max(first_look, since or 0.0)
    if first_look >= settle and unknown_for >= 2 * settle:
        why = f"absent from BigCommerce at looks {first_look:.0f} s apart, {unknown_for:.0f} s on: it was never created"
        return Pending(now.wall, why)
    wait = max(settle - first_look, 2 * settle - unknown_for)
    return Unsure(now.wall + timedelta(seconds=wait), "absent so far; a late commit may still bring it")


def _found(found: Sequence[Known], sale: Sale) -> Transition:
    ids = sorted(order.order_id for order in found)
    first = next(order for order in found if order.order_id == ids[0])
    if first.total_inc_tax is not None and first.total_inc_tax != sale.total_inc_tax:
        why = f"order {ids[0]} says {first.total_inc_tax} {sale.currency}, the sale says {sale.total_inc_tax}"
        return Held(why, f"Correct order {ids[0]} in BigCommerce, then: syncd skip {sale.sale_key}", ids[0])
    if len(ids) == 1:
        return Synced(ids[0], "found by look-up")
    return Synced(ids[0], f"found by look-up; {len(ids)} orders carry this key: {ids}")


def _looked(sale: Sale, at: BootTime) -> Doubt:
    """The doubt of a sale after one more look that found nothing."""
    doubt = sale.doubt or Doubt(at)
    return Doubt(doubt.since, (*doubt.looks, at))


def _is_create(sale: Sale) -> bool:
    return sale.order_id is None and sale.attempt_kind in (None, Kind.CREATE)


class Reconciler:
    """Settles the unknown sales of one store."""

    def __init__(  # noqa: PLR0913, PLR0917  the store, by its three doors, and how to wait
        self, store: str, ledger: Ledger, orders: OrdersClient, catch_up: CatchUp, policy: Policy, clock: Clock
    ) -> None:
        self._store, self._ledger, self._orders, self._catch_up = store, ledger, orders, catch_up
        self._policy, self._clock = policy, clock

    def run(self, lease: Lease, circuit: Circuit, stop: threading.Event) -> ReconcileReport:
        """Look up what is due; a look-up that fails counts for nothing and is repeated later."""
        report = ReconcileReport()
        while not stop.is_set() and not circuit.paused:
            sales = self._ledger.unsettled(
                self._store, now=self._clock.now(), far=self._policy.settle * 4, limit=_AT_ONCE
            )
            if not sales:
                break
            try:
                report = _plus(report, self._settle(lease, sales))
            except RemoteError as error:
                get_logger().warning("look_up_failed", store=self._store, why=error.what)
                self._later(sales)
                break
            if len(sales) < _AT_ONCE:
                break
        return report

    def _later(self, sales: Sequence[Sale]) -> None:
        again = self._clock.now() + self._policy.back_off
        self._ledger.noted([Looked(sale, None, again) for sale in sales])

    def _settle(self, lease: Lease, sales: Sequence[Sale]) -> ReconcileReport:
        found = self._look_up([sale for sale in sales if _is_create(sale)])
        now = Now.of(self._clock)
        settled: list[tuple[Sale, Transition]] = []
        still: list[Looked] = []
        for sale in sales:
            known = found.get(sale.sale_key, ())
            transition = judge(known, sale, self._policy, now) if _is_create(sale) else self._again(sale, now)
            if isinstance(transition, Unsure):
                still.append(Looked(sale, _looked(sale, now.boot), transition.look_up_at))
            else:
                settled.append((sale, transition))
        if still:
            self._ledger.noted(still)
        self._ledger.resolve(lease, settled)
        return self._report(settled, len(still))

    def _again(self, sale: Sale, now: Now) -> Transition:
        """An unknown change has waited ``settle``: the next one is computed from the order as it is by then.

        Repeating a change is harmless. A refund record is not: it waits as long as a create, and the plan then looks for it.
        """
        if sale.attempt_kind is Kind.REFUND and isinstance(wait := judge((), sale, self._policy, now), Unsure):
            return wait
        return Pending(now.wall, "whether the change arrived is unknown: the order is looked at and brought in line")

    def _look_up(self, sales: Sequence[Sale]) -> dict[str, list[Known]]:
        """The orders of each sale: from what a walk has noted, for that a key was seen stays true; the others are asked for."""
        self._catch_up.once()
        noted = self._ledger.known(self._store, [sale.sale_key for sale in sales])
        found = {key: [known] for key, known in noted.items()}
        rest = [sale for sale in sales if sale.sale_key not in noted]
        if not rest:
            return found
        keys, floor = {sale.sale_key for sale in rest}, min(sale.order_floor or 0 for sale in rest)
        if len(keys) <= _SINGLY or len(keys) * _CALLS_EACH <= self._catch_up.pages(floor):
            try:
                return found | {key: [known_of(order) for order in self._orders.find(key)] for key in sorted(keys)}
            except FilterBroken as broken:  # the walk by id looks at every key itself
                get_logger().warning("filter_not_trusted", store=self._store, why=str(broken))
        return found | self._catch_up.find(keys, floor)

    def _report(self, settled: Sequence[tuple[Sale, Transition]], still: int) -> ReconcileReport:
        log, found, absent = get_logger(), 0, 0
        for sale, transition in settled:
            if isinstance(transition, Pending):
                absent += 1
                log.info("order_absent", sale=sale.sale_key, store=self._store, why=transition.why)
            else:
                found += 1
                log.info("order_found", sale=sale.sale_key, store=self._store, outcome=str(transition))
        return ReconcileReport(found, absent, still)


def _plus(one: ReconcileReport, two: ReconcileReport) -> ReconcileReport:
    return ReconcileReport(one.found + two.found, one.absent + two.absent, two.still_unknown)
