"""Due sales on their way to a request: looked up, adopted where the store has them already, mapped, or set aside.

A group is prepared while the requests of the group before it are out, so that a free seat never waits for the mapper. What is
prepared is not claimed: it may grow stale, and is read anew once it is older than a second.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from syncd.bigcommerce import OrdersClient
from syncd.canonical import CanonicalOrder
from syncd.clock import Clock
from syncd.errors import RemoteError, SyncdError
from syncd.ledger import Intent, Lane, Lease, Ledger, Sale
from syncd.ledger.states import Held, Synced, Transition
from syncd.logs import get_logger
from syncd.mapping import Matches, Occasion, Rules
from syncd.push.catchup import CatchUp, adopt
from syncd.push.currencies import wrong_currency
from syncd.push.hook import Hook, run_hook
from syncd.push.matching import Matcher
from syncd.push.plan import Plan, Unsent, plan
from syncd.push.policy import Policy
from syncd.push.seen import Observer

_FRESH_S = 1.0
_GROUP_PER_SEAT = 4


@dataclass(frozen=True, slots=True)
class PushSetup:
    """What a pusher works with."""

    store: str
    ledger: Ledger
    orders: OrdersClient
    catch_up: CatchUp
    matcher: Matcher
    rules: Rules
    policy: Policy
    clock: Clock
    hook: Hook | None = None
    currencies: Callable[[], tuple[str, ...]] = tuple


@dataclass(frozen=True, slots=True)
class Ready:
    """A due sale with the request that it needs."""

    sale: Sale
    order: CanonicalOrder
    plan: Plan

    def intent(self, order_floor: int | None) -> Intent:
        """The intent to commit before the request leaves."""
        sale = self.sale
        return Intent(
            sale.id,
            sale.sale_key,
            self.plan.kind,
            sale.fingerprint,
            self.plan.digest,
            order_floor=order_floor,
            order_id=self.plan.order_id,
            stamp=self.plan.mapped.said,
        )


class Preparer:
    """The sales of one store that are ready to be claimed."""

    def __init__(self, setup: PushSetup) -> None:
        self._setup = setup
        self._observer = Observer(setup.ledger, setup.orders, setup.rules)
        self._ready: deque[Ready] = deque()
        self._since = 0.0

    def fill(self, lease: Lease, limit: int | None, tell: Callable[[Transition], None]) -> bool:
        """Have freshly read sales ready; False where none is due. ``tell`` hears of those that need no request.

        Raises:
            RemoteError: a look-up failed; no sale was touched by it.

        """
        if self._ready and self._now() - self._since <= _FRESH_S:
            return True
        self._ready.clear()
        group = self._setup.policy.threads * _GROUP_PER_SEAT
        if sales := self._due(group if limit is None else min(group, limit)):
            self._since = self._now()
            self._setup.catch_up.once()
            self._ready.extend(self._mapped(lease, self._unknown_there(lease, sales, tell), tell))
        return bool(sales)

    def take(self, most: int) -> list[Ready]:
        """At most ``most`` of what is ready, in order."""
        return [self._ready.popleft() for _ in range(min(most, len(self._ready)))]

    def clear(self) -> None:
        """Forget what is ready."""
        self._ready.clear()

    def _now(self) -> float:
        return self._setup.clock.elapsed().seconds

    def _due(self, limit: int) -> Sequence[Sale]:
        setup = self._setup
        return setup.ledger.due(setup.store, limit=limit, now=setup.clock.now(), far=setup.policy.back_off_most * 2)

    def _unknown_there(self, lease: Lease, sales: Sequence[Sale], tell: Callable[[Transition], None]) -> list[Sale]:
        """Link the sales that the store already has under their key; the others are to be sent."""
        if not self._setup.ledger.knows_any(self._setup.store):  # a rebuild beside us may have learned of some
            return list(sales)
        known = self._setup.ledger.known(self._setup.store, [sale.sale_key for sale in sales if sale.order_id is None])
        adopted = adopt(sales, known, self._setup.clock.now()) if known else []
        if adopted:
            self._setup.ledger.mark(lease, adopted)
            for sale, transition in adopted:
                tell(transition)
                get_logger().info("order_adopted", sale=sale.sale_key, outcome=str(transition))
        return [sale for sale in sales if sale.sale_key not in known or sale.order_id is not None]

    def _mapped(self, lease: Lease, sales: Sequence[Sale], tell: Callable[[Transition], None]) -> list[Ready]:
        ready: list[Ready] = []
        unsent: list[tuple[Sale, Transition]] = []
        allowed = self._setup.currencies()
        orders = [self._hooked(sale, allowed) for sale in sales]
        usable = [order for order in orders if isinstance(order, CanonicalOrder)]
        matched = iter(self._setup.matcher.gather(usable))
        for sale, order in zip(sales, orders, strict=True):
            planned = self._plan(sale, order, next(matched)) if isinstance(order, CanonicalOrder) else order
            if isinstance(planned, Plan) and isinstance(order, CanonicalOrder):
                ready.append(Ready(sale, order, planned))
            elif not isinstance(planned, Plan):
                unsent.append((sale, planned))
                tell(planned)
                get_logger().info(
                    "sale_not_sent", sale=sale.sale_key, outcome=type(planned).__name__, why=_why(planned)
                )
        if unsent:
            self._setup.ledger.mark(lease, unsent)
        return ready

    def _hooked(self, sale: Sale, currencies: tuple[str, ...]) -> CanonicalOrder | Held:
        """The order as the shop's hook has it; held alone where that fails, or where the store takes no such currency."""
        try:
            order = run_hook(self._setup.hook, sale.order())
        except SyncdError as error:
            return Held(error.what, error.cure, sale.order_id)
        wrong = wrong_currency(order, currencies) if sale.order_id is None else None
        return wrong or order

    def _plan(self, sale: Sale, order: CanonicalOrder, matches: Matches) -> Plan | Unsent:
        occasion = Occasion(backfill=sale.lane is Lane.BACKFILL, history=sale.history)
        try:
            seen = self._observer.see(sale, order, matches, occasion)
            return plan(sale, order, seen, self._setup.rules, self._setup.clock.now())
        except RemoteError:
            raise
        except Exception as error:  # noqa: BLE001  one sale that we cannot map must not stop the ones behind it
            get_logger().exception("sale_not_mapped", sale=sale.sale_key)
            why = f"syncd failed to map it ({type(error).__name__}: {error})"
            return Held(why, f"Report this with the output of: syncd preview {sale.sale_key}", sale.order_id)


def _why(planned: Unsent) -> str:
    return planned.note if isinstance(planned, Synced) else planned.why
