"""Prepares due sales for their requests, a group at a time, in the stages that ``Preparer`` lists.

A group is prepared while the requests of the group before it are out, so that a free seat never waits for the mapper. What is
prepared is not claimed: it may grow stale, and is read anew once it is older than a second. A look-up that one sale of a group
makes impossible is made for each alone, so that it stands aside and the others go on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from msgspec import Struct, field
from msgspec.structs import replace

from syncd.bigcommerce.checkouts import CheckoutsClient
from syncd.bigcommerce.client import FilterBroken, OrdersClient
from syncd.canonical import CanonicalOrder
from syncd.canonical.sale_key import sent_forms
from syncd.clock import Clock, Now
from syncd.errors import Stopped, StoreAccessDenied, StoreRateLimited, StoreUnavailable, SyncdError
from syncd.ledger import Lease, Ledger
from syncd.logs import get_logger
from syncd.mapping.model import Matches
from syncd.mapping.rules import Occasion, Rules
from syncd.push.lookups.matching import Matcher
from syncd.push.store_orders.catch_up import CatchUp
from syncd.push.worker.capacity import CheckoutTurns, in_turn, within
from syncd.push.worker.hook import Hook, run_hook
from syncd.push.worker.observe import OrderObserver
from syncd.push.worker.ready import Ready, ready_of, snapshot_of
from syncd.sale.checkout_steps import closed_first, tidy
from syncd.sale.decide import next_step
from syncd.sale.events import CheckoutMoved, Deferred, Discovered, DraftFound, Observed, Rejected, SaleEvent, TimePassed
from syncd.sale.facts import Objection, StoreOrder
from syncd.sale.policy import PushPolicy, StorePolicy
from syncd.sale.requests import needs_look
from syncd.sale.sale import Sale
from syncd.sale.states import Lane, State
from syncd.sale.steps import (
    Change,
    CheckoutCall,
    Compared,
    Create,
    Hold,
    LookUp,
    NoAction,
    Observation,
    Reject,
    Step,
    Wait,
)

_STORE_WIDE = (StoreAccessDenied, StoreRateLimited, StoreUnavailable, Stopped)
_FRESH_S = 1.0
_FRESH_CHECKOUTS_S = 0.2  # a sale by Orders that has just come goes before them
_GROUP_PER_SEAT = 8


class PushSetup(Struct, frozen=True):
    """What a pusher works with."""

    store: str
    ledger: Ledger
    orders: OrdersClient
    checkouts: CheckoutsClient
    catch_up: CatchUp
    matcher: Matcher
    rules: Rules
    policy: PushPolicy
    clock: Clock
    hook: Hook | None = None
    currencies: Callable[[], tuple[str, ...]] = tuple
    room: Callable[[float, int], int] = lambda _within_s, _claimed: 1_000
    includes_tax: Callable[[], bool] = bool
    one_at_a_time: AbstractContextManager[object] = field(default_factory=nullcontext)
    renew_token: Callable[[], None] = lambda: None

    @property
    def store_policy(self) -> StorePolicy:
        """What this store's sales are decided by."""
        return StorePolicy(self.rules, self.policy)


class Draft(Struct, frozen=True):
    """A due sale on its way through the stages, with what each has found so far.

    ``step`` is set by the last stage, or by an earlier one that found that no request can follow.
    """

    sale: Sale
    order: CanonicalOrder | None = None
    matches: Matches | None = None
    observation: Observation | None = None
    step: Step | None = None


class Preparer:
    """Prepares the due sales of one store: due, adopt, hook, match, observe, decide, ready."""

    def __init__(self, setup: PushSetup) -> None:
        self._setup = setup
        self._observer = OrderObserver(setup.store, setup.ledger, setup.orders, setup.rules)
        self._ready: deque[Ready] = deque()
        self._since = 0.0
        self._prepared, self._group = 0, setup.policy.threads * _GROUP_PER_SEAT
        self.turns = CheckoutTurns(
            setup.policy.threads, lambda: setup.ledger.stores.open_checkouts(setup.store), setup.clock
        )

    def fill(self, lease: Lease, limit: int | None, tell: Callable[[State], None]) -> bool:
        """Prepare a group of due sales; False where none is due. ``tell`` gets the state of those that need no request.

        Raises:
            RemoteError: a look-up failed that concerns the whole store; no sale was touched by it.

        """
        if self._ready and self._now() - self._since <= (
            _FRESH_S if self._ready[0].call is None else _FRESH_CHECKOUTS_S
        ):
            return True
        group = self._next_group()
        self._ready.clear()
        sales = self._due(group) if limit is None else within(limit, self._due(group))
        if not sales:
            return False
        self._since = self._now()
        self._setup.catch_up.once(lease)
        closing, rest = self._closing(self._adopt(lease, sales, tell))
        drafts = [Draft(sale) for sale in rest]
        for stage in (self._hook, self._match, self._observe, self._decide):
            drafts = stage(drafts)
        requests = [(draft, self._ready_of(draft)) for draft in (*closing, *drafts)]
        sendable = [one for _, one in requests if one is not None]
        ready, waiting = in_turn(sendable, self.turns.free(sendable))
        unsent = [(draft.sale, _news(draft)) for draft, one in requests if one is None]
        self._conclude(lease, [*unsent, *self.turns.put_off(waiting)], tell, "sale_not_sent")
        self._ready.extend(ready)
        self._prepared = len(ready)
        return True

    def _next_group(self) -> int:
        """Return how many sales to prepare: no more than go out before they are too old, else most of it is done in vain."""
        threads, left = self._setup.policy.threads, len(self._ready)
        if left:
            self._group = max(2 * (self._prepared - left), threads)
        elif self._prepared:
            self._group *= 2
        self._group = min(self._group, threads * _GROUP_PER_SEAT)
        return self._group

    def _closing(self, sales: Sequence[Sale]) -> tuple[list[Draft], list[Sale]]:
        """Part the sales whose checkout does not go on from the others: something of it is still to be taken away."""
        closing, rest = list[Draft](), list[Sale]()
        policy, now = self._setup.store_policy, Now.of(self._setup.clock)
        for sale in sales:
            step = next_step(sale, policy, now) if sale.checkout is not None and sale.checkout.is_open else None
            if isinstance(step, CheckoutCall):
                closing.append(Draft(sale, step=self._with_late_drafts(step)))
            else:
                rest.append(sale)
        return closing, rest

    def _with_late_drafts(self, call: CheckoutCall) -> CheckoutCall:
        """Look once more for drafts of a cart whose conversion was in doubt, before it is deleted."""
        checkout = call.checkout
        if not checkout.doubted or call.name != "delete" or checkout.cart_id is None:
            return call
        try:
            found = [one.id for one in self._setup.orders.of_cart(checkout.cart_id) if not one.is_deleted]
        except FilterBroken:  # the daily check finds them
            found = []
        late = tuple(one for one in found if one != checkout.order_id)
        return tidy(replace(checkout, doubted=False, more_drafts=late))

    def _ready_of(self, draft: Draft) -> Ready | None:
        """Return the request of a draft, with what was sent to its order before; None where its step is none."""
        step = closed_first(draft.sale, draft.step) if draft.step is not None else None
        ready = ready_of(draft.sale, draft.order, step, draft.observation)
        if ready is None or ready.call is None or ready.order_id is None:
            return ready
        return replace(ready, after=self._setup.ledger.attempts.trail(self._setup.store, ready.order_id).newest)

    def take(self, most: int) -> list[Ready]:
        """Take at most ``most`` of the prepared requests, in order."""
        return [self._ready.popleft() for _ in range(min(most, len(self._ready)))]

    def take_one(self, but: Callable[[str], bool]) -> list[Ready]:
        """Take one prepared request, if there is any: preferably one whose key ``but`` does not name."""
        found = next((item for item in self._ready if not but(item.sale.sale_key)), None)
        if found is None:
            return self.take(1)
        self._ready.remove(found)
        return [found]

    def clear(self) -> None:
        """Drop what is prepared."""
        self._ready.clear()

    def _now(self) -> float:
        return self._setup.clock.elapsed().seconds

    def _due(self, limit: int) -> Sequence[Sale]:
        setup = self._setup
        return setup.ledger.sales.due(
            setup.store, limit=limit, now=setup.clock.now(), far=setup.policy.back_off_most * 2
        )

    def _adopt(self, lease: Lease, sales: Sequence[Sale], tell: Callable[[State], None]) -> list[Sale]:
        """Link the sales that the store already has under their key; the others need a request."""
        setup = self._setup
        if not setup.ledger.stores.knows_any(setup.store):  # a rebuild beside us may have learned of some
            return list(sales)
        forms = {
            form: sale
            for sale in sales
            if sale.order_id is None
            for form in sent_forms(sale.sale_key, setup.rules.longest_key)
        }
        known = setup.ledger.stores.known(setup.store, list(forms))
        there = {forms[key].id: (forms[key], order) for key, order in known.items()}
        there = {number: (sale, order) for number, (sale, order) in there.items() if not _is_taken_over(sale, order)}
        news = [(sale, found_event(order)) for sale, order in there.values()]
        self._conclude(lease, news, tell, "order_adopted")
        return [sale for sale in sales if sale.id not in there]

    def _conclude(
        self, lease: Lease, news: Sequence[tuple[Sale, SaleEvent]], tell: Callable[[State], None], event: str
    ) -> None:
        """Record events that need no request, and report the states that followed."""
        if not news:
            return
        states = self._setup.ledger.attempts.record_without_request(lease, news)
        for sale, one in news:
            if (state := states.get(sale.id)) is not None:
                tell(state)
                get_logger().info(event, sale=sale.sale_key, state=state.value, why=getattr(one, "why", ""))

    def _hook(self, drafts: Sequence[Draft]) -> list[Draft]:
        """Read each order, and let the shop's hook change it; a sale is held where either fails."""
        hook = self._setup.hook

        def read(draft: Draft) -> Draft:
            try:
                order = draft.sale.order()
                return replace(draft, order=run_hook(hook, order) if hook is not None else order)
            except SyncdError as error:
                return replace(draft, step=Hold(error.what, error.cure))

        return [read(draft) for draft in drafts]

    def _match(self, drafts: Sequence[Draft]) -> list[Draft]:
        """Look up the products and the customer of each sale; a sale is held that makes its look-up impossible.

        Raises:
            RemoteError: no look-up can be made at all: the fault is the store's.

        """
        open_ones = [(draft.sale, draft.order) for draft in drafts if draft.order is not None]
        found = {sale.id: match for (sale, _), match in zip(open_ones, self._matched(open_ones), strict=True)}

        def matched(draft: Draft) -> Draft:
            match found.get(draft.sale.id):
                case Hold() as hold:
                    return replace(draft, step=hold)
                case Matches() as matches:
                    short = draft.sale.out_of_stock
                    return replace(draft, matches=replace(matches, short=short) if short else matches)
                case None:
                    return draft

        return [matched(draft) for draft in drafts]

    def _matched(self, sales: Sequence[tuple[Sale, CanonicalOrder]]) -> list[Matches | Hold]:
        matcher, found = self._setup.matcher, list[Matches | Hold]()
        try:
            return list(matcher.gather([order for _, order in sales]))
        except _STORE_WIDE:
            raise
        except Exception as error:  # noqa: BLE001  one sale of the group, perhaps: each is asked for alone
            get_logger().info("group_not_looked_up", store=self._setup.store, why=str(error))
            matcher.ask_catalog()  # raises where the store takes no question at all
        for sale, order in sales:
            try:
                found += matcher.gather([order])
            except _STORE_WIDE:
                raise
            except Exception as error:  # noqa: BLE001  it is this sale's: the others go on
                get_logger().warning("sale_not_looked_up", sale=sale.sale_key, why=str(error))
                cure = f"Look at its SKUs, codes and customer for what a search cannot take, then: syncd release {sale.sale_key}"
                found.append(Hold(f"its products or its customer cannot be looked up: {error}", cure, objects=True))
        return found

    def _observe(self, drafts: Sequence[Draft]) -> list[Draft]:
        """Look at the order that each sale has, as far as its next request needs that."""
        currencies = self._setup.currencies()

        def observed(draft: Draft) -> Draft:
            sale, order, matches = draft.sale, draft.order, draft.matches
            assert order is not None and matches is not None  # noqa: S101, PT018  drafts without them have their step
            occasion = Occasion(backfill=sale.lane is Lane.BACKFILL, history=sale.history)
            if needs_look(sale, order, self._setup.rules):
                seen = self._observer.observe(sale, order, matches, occasion, currencies)
            else:
                seen = Observation(order=order, matches=matches, occasion=occasion, currencies=currencies)
                seen = self._with_checkout(sale, seen) if self._setup.rules.uses_checkout else seen
            return replace(draft, observation=seen)

        return _each(drafts, observed)

    def _with_checkout(self, sale: Sale, seen: Observation) -> Observation:
        """Add what the next call of a checkout is computed from: how the store prices, and the checkout where it must be read."""
        seen = replace(seen, includes_tax=self._setup.includes_tax())
        checkout = sale.checkout
        if checkout is None or not checkout.is_of(sale.fingerprint) or not checkout.has_cart or checkout.has_draft:
            return seen
        offered = self._setup.rules.checkout.delivery == "offered" and "shipping" not in checkout.done
        if not checkout.unsure and not (offered and "delivery" in checkout.done):
            return seen
        found = self._setup.checkouts.get(checkout.cart_id or "", options=offered)
        return replace(seen, checkout=found, cart_is_gone=found is None)

    def _decide(self, drafts: Sequence[Draft]) -> list[Draft]:
        """Decide the next step of each sale, with its payload where it is a request."""
        policy = self._setup.store_policy
        with self._setup.one_at_a_time:  # nothing but computing: many stores at once would only hold each other up
            now = Now.of(self._setup.clock)
            return _each(
                drafts,
                lambda draft: replace(draft, step=next_step(draft.sale, policy, now, observation=draft.observation)),
            )


def _each(drafts: Sequence[Draft], stage: Callable[[Draft], Draft]) -> list[Draft]:
    """Take each draft that has no step yet through a stage; a sale that breaks it is held, and the others go on."""

    def through(draft: Draft) -> Draft:
        if draft.step is not None:
            return draft
        try:
            return stage(draft)
        except _STORE_WIDE:
            raise
        except Exception as error:  # noqa: BLE001  one sale that we cannot map must not stop the ones behind it
            get_logger().exception("sale_not_mapped", sale=draft.sale.sale_key)
            why = f"syncd failed to map it ({type(error).__name__}: {error})"
            cure = f"Report this with the output of: syncd preview {draft.sale.sale_key}"
            return replace(draft, step=Hold(why, cure, objects=True))

    return [through(draft) for draft in drafts]


def _saw(draft: Draft) -> Observed | None:
    seen = draft.observation
    if seen is None or seen.remote is None:
        return None
    return Observed(seen.remote.order_id, draft.sale.fingerprint, snapshot_of(seen.remote), "")


def found_event(order: StoreOrder) -> SaleEvent:
    """Return what an order under the sale's key means for it: it is the sale's, or a draft that is to become that. Pure."""
    why = f"already in BigCommerce under this key, as order {order.order_id}"
    if order.draft:
        return DraftFound(order.order_id, order.cart_id, order.snapshot, f"{why}, a draft")
    return Discovered(order.order_id, order.snapshot, why)


def _is_taken_over(sale: Sale, order: StoreOrder) -> bool:
    checkout = sale.checkout
    if checkout is None or order.snapshot.status_id != 0:
        return False
    return order.order_id in (checkout.order_id, *checkout.more_drafts, *checkout.archived)


def _news(draft: Draft) -> SaleEvent:
    """Return the event of a sale that needs no request, or must not have one."""
    sale, seen = draft.sale, _saw(draft)
    match draft.step:
        case Hold(why=why, cure=cure):
            return Rejected(Objection(sale.fingerprint, State.HELD, why, cure))
        case Reject(why=why, cure=cure):
            return Rejected(Objection(sale.fingerprint, State.REJECTED, why, cure))
        case NoAction(state=State.SYNCED, why=why, differs=differs, said=said):
            return replace(seen, why=why, differs=differs, stamp=said) if seen is not None else TimePassed()
        case NoAction(why=why):
            return Rejected(Objection(sale.fingerprint, State.SKIPPED, why, ""))
        case Wait(until=at, why=why) | LookUp(at=at, why=why):
            return Deferred(at, why)
        case Compared(checkout=checkout, why=why):
            return CheckoutMoved(checkout, why)
        case Create() | Change() | CheckoutCall() | None:
            raise AssertionError("a request without a payload")
