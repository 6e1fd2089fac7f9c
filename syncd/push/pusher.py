"""The right half of the flow: due sales are mapped, their intents committed, the requests sent, the outcomes settled.

One store, under its lease. A sale gets a seat in the thread pool before it is claimed, its intent is durable before a byte
leaves, and whatever happens in between leaves the sale ``sending``, which the next holder of the lease makes ``unknown``.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from syncd.bigcommerce import Accepted, Barred, NotSent, OrdersClient, Refused, Reply, Sending, Throttled, Unknown
from syncd.canonical import CanonicalOrder
from syncd.clock import Clock
from syncd.errors import Denied, RemoteError
from syncd.ledger import Attempt, Intent, Kind, Lease, Ledger, ReplyInfo, Sale
from syncd.ledger.states import Held, Lane, Transition
from syncd.logs import bind, get_logger
from syncd.mapping import Matches, Payload, Rules
from syncd.push.catchup import adopt, catch_up
from syncd.push.circuit import Circuit
from syncd.push.decide import Pause, Sent, StaleCatalog, Stumble, Verdict, decide
from syncd.push.matching import Matcher
from syncd.push.plan import Plan, Unsent, plan
from syncd.push.policy import Policy
from syncd.push.seats import Seats

_LINGER_S = 0.002
_PATIENCE_S = 0.25


@dataclass(frozen=True, slots=True)
class PushReport:
    """What a run did: requests sent, and sales by the state that they were left in."""

    sent: int = 0
    states: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class PushSetup:
    """What a pusher works with."""

    store: str
    ledger: Ledger
    orders: OrdersClient
    matcher: Matcher
    rules: Rules
    policy: Policy
    clock: Clock


@dataclass(frozen=True, slots=True)
class _Ready:
    sale: Sale
    order: CanonicalOrder
    plan: Plan

    @property
    def intent_fields(self) -> tuple[int, str, Kind, str, str]:
        return self.sale.id, self.sale.sale_key, self.plan.kind, self.sale.fingerprint, self.plan.digest


class _Run:
    """One run's limits and counts, shared by its threads."""

    def __init__(self, lease: Lease, stop: threading.Event, limit: int | None) -> None:
        self.lease, self.stop, self.limit = lease, stop, limit
        self.sent = 0
        self.states: Counter[str] = Counter()
        self._lock = threading.Lock()

    def count(self, transition: Transition) -> None:
        with self._lock:
            self.states[type(transition).__name__.lower()] += 1

    def seats(self, free: int) -> int:
        return free if self.limit is None else min(free, self.limit - self.sent)


class Pusher:
    """Pushes the due sales of one store."""

    def __init__(self, setup: PushSetup, circuit: Circuit) -> None:
        self._setup, self._circuit = setup, circuit
        self._pool = ThreadPoolExecutor(setup.policy.threads, thread_name_prefix=f"push-{setup.store}")
        self._seats = Seats(setup.policy.threads)
        self._newest: int | None = None  # the highest order id in the store, once it was asked

    def close(self) -> None:
        """Wait for what is on the wire; nothing new is sent."""
        self._pool.shutdown(wait=True)

    def run(self, lease: Lease, stop: threading.Event, limit: int | None = None) -> PushReport:
        """Push until nothing is due, ``stop`` is set, ``limit`` requests were sent or the store pauses; then drain."""
        run = _Run(lease, stop, limit)
        try:
            while self._may_go_on(run) and self._fill_seats(run):
                pass
        finally:
            self._seats.wait_idle()
            self._setup.ledger.flush()
        if run.sent and self._newest is not None:
            self._setup.ledger.note_order_id(self._setup.store, self._newest)
        return PushReport(run.sent, run.states)

    def _may_go_on(self, run: _Run) -> bool:
        return not run.stop.is_set() and run.lease.alive() and self._circuit.admits(self._probe)

    def _probe(self) -> object:
        return self._setup.orders.newest_id()

    def _fill_seats(self, run: _Run) -> bool:
        """Claim and send for the seats that are free; False once there is nothing left to wait for."""
        free = self._seats.wait_free(_LINGER_S, _PATIENCE_S)
        wanted = run.seats(free)
        if not free:
            return True
        sales = self._due(wanted) if wanted else ()
        if not sales:
            if self._seats.idle:
                return False
            self._seats.wait_change(_PATIENCE_S)
            return True
        try:
            self._catch_up()
            self._claim(run, self._prepare(run, self._adopt(run, sales)))
        except RemoteError as error:  # a look-up failed: no sale is claimed, and the store may be unwell
            get_logger().warning("look_up_failed", store=self._setup.store, why=error.what)
            self._circuit.apply(Pause(error.what, error.cure) if isinstance(error, Denied) else Stumble(error.what))
            return False
        return True

    def _due(self, wanted: int) -> Sequence[Sale]:
        setup = self._setup
        return setup.ledger.due(setup.store, limit=wanted, now=setup.clock.now(), far=setup.policy.back_off_most * 2)

    def _catch_up(self) -> None:
        """Once, before the first create: learn what the store has that the ledger does not know of."""
        if self._newest is None:
            self._newest = catch_up(self._setup.store, self._setup.ledger, self._setup.orders)

    def _adopt(self, run: _Run, sales: Sequence[Sale]) -> list[Sale]:
        """Link the sales that the store already has under their key; the others are to be sent."""
        known = self._setup.ledger.known(self._setup.store, [sale.sale_key for sale in sales if sale.order_id is None])
        adopted = adopt(sales, known) if known else []
        if adopted:
            self._setup.ledger.mark(run.lease, adopted)
            for sale, transition in adopted:
                run.count(transition)
                get_logger().info("order_adopted", sale=sale.sale_key, outcome=str(transition))
        return [sale for sale in sales if sale.sale_key not in known or sale.order_id is not None]

    def _prepare(self, run: _Run, sales: Sequence[Sale]) -> list[_Ready]:
        ready: list[_Ready] = []
        unsent: list[tuple[Sale, Transition]] = []
        orders = [sale.order() for sale in sales]
        for sale, order, matches in zip(sales, orders, self._setup.matcher.gather(orders), strict=True):
            planned = self._plan(sale, order, matches)
            if isinstance(planned, Plan):
                ready.append(_Ready(sale, order, planned))
            else:
                unsent.append((sale, planned))
                run.count(planned)
                get_logger().info("sale_not_sent", sale=sale.sale_key, outcome=type(planned).__name__, why=planned.why)
        if unsent:
            self._setup.ledger.mark(run.lease, unsent)
        return ready

    def _plan(self, sale: Sale, order: CanonicalOrder, matches: Matches) -> Plan | Unsent:
        try:
            return plan(sale, order, matches, self._setup.rules)
        except Exception as error:  # noqa: BLE001  one sale that we cannot map must not stop the ones behind it
            get_logger().exception("sale_not_mapped", sale=sale.sale_key)
            why = f"syncd failed to map it ({type(error).__name__}: {error})"
            return Held(why, f"Report this with the output of: syncd preview {sale.sale_key}")

    def _claim(self, run: _Run, ready: Sequence[_Ready]) -> None:
        if not ready:
            return
        intents = [Intent(*item.intent_fields, order_floor=self._newest) for item in ready]
        attempts = self._setup.ledger.begin(run.lease, intents)
        by_id = {item.sale.id: item for item in ready}
        self._seats.take(len(attempts))
        run.sent += len(attempts)
        for attempt in attempts:
            self._pool.submit(self._send, run, by_id[attempt.sale_id], attempt)

    def _send(self, run: _Run, item: _Ready, attempt: Attempt) -> None:
        try:
            with bind(store=self._setup.store, sale=item.sale.sale_key, attempt=attempt.id, lane=item.sale.lane.value):
                reply = self._request(item, attempt)
                verdict = self._decide(reply, item, attempt)
                run.count(verdict.transition)
                self._settle(attempt, verdict, reply)
        finally:
            self._seats.give_back()

    def _request(self, item: _Ready, attempt: Attempt) -> Reply:
        how = Sending(live=item.sale.lane is Lane.LIVE, still_good=lambda: self._still_good(attempt))
        payload = item.plan.mapped.payload
        try:
            if attempt.order_id is None:
                return self._setup.orders.create(payload, how)
            return self._setup.orders.update(attempt.order_id, payload, how)
        except Exception as error:  # noqa: BLE001  the pool's edge: whatever broke, the request may have left
            get_logger().exception("request_failed_unexpectedly")
            return Reply(Unknown(f"syncd failed while sending ({type(error).__name__}: {error})"))

    def _still_good(self, attempt: Attempt) -> bool:
        """Asked just before the first byte leaves: a suspended machine must not send an intent of long ago."""
        age = self._setup.clock.elapsed().since(attempt.began)
        return age is not None and age <= self._setup.policy.intent_life.total_seconds()

    def _decide(self, reply: Reply, item: _Ready, attempt: Attempt) -> Verdict:
        names_products = any("product_id" in line for line in _lines(item.plan.mapped.payload))
        verdict = decide(
            reply.outcome, Sent(attempt, item.sale, names_products), self._setup.policy, self._setup.clock.now()
        )
        if isinstance(verdict.effect, StaleCatalog):
            self._setup.matcher.forget(item.order)
        else:
            self._circuit.apply(verdict.effect)
        if isinstance(reply.outcome, Accepted):
            self._newest = max(self._newest or 0, reply.outcome.order_id)
        return verdict

    def _settle(self, attempt: Attempt, verdict: Verdict, reply: Reply) -> None:
        outcome = reply.outcome
        detail = str(getattr(outcome, "why", "") or getattr(outcome, "words", "") or getattr(outcome, "order_id", ""))
        info = ReplyInfo(reply.status, reply.request_id, reply.elapsed_s, type(outcome).__name__.lower(), detail)
        self._setup.ledger.settle(attempt, verdict.transition, info).add_done_callback(_log_failure)
        event = _EVENTS[type(outcome)]
        get_logger().info(
            event, status=reply.status, request_id=reply.request_id, detail=detail, elapsed_s=round(reply.elapsed_s, 3)
        )


_EVENTS: dict[type[object], str] = {
    Accepted: "order_accepted",
    Refused: "order_refused",
    Barred: "token_refused",
    Throttled: "request_throttled",
    NotSent: "request_not_sent",
    Unknown: "outcome_unknown",
}


def _lines(payload: Payload) -> Sequence[Mapping[str, object]]:
    products = payload.get("products")
    return [line for line in products if isinstance(line, dict)] if isinstance(products, list) else []


def _log_failure(settled: Future[bool]) -> None:
    """An outcome that could not be written leaves its sale `sending`: the next holder of the lease makes it unknown."""
    if (error := settled.exception()) is not None:
        get_logger().error("outcome_not_written", error=str(error))
