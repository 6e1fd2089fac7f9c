"""Push the due sales of one store: claim them, send their requests in threads, settle the outcomes.

One store, under its lease. A sale gets a seat (a thread, or a place in the short line for one) before it is claimed, its
intent is durable before a byte leaves, and whatever happens in between leaves the sale ``sending``, which the next holder of
the lease makes ``unknown``.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import assert_never

from msgspec import Struct, field

from syncd.bigcommerce.checkouts import CheckoutAddress
from syncd.bigcommerce.client import Sending
from syncd.bigcommerce.outcome import Accepted, Answered, Barred, NotSent, Refused, Reply, Unknown
from syncd.errors import Stopped, StoreAccessDenied, StoreError, SyncdError, WoundBack
from syncd.ledger import WOUND_BACK, Alert, Lease, ReplyInfo
from syncd.logs import bind, get_logger
from syncd.push.worker.capacity import WorkerSlots, is_new_checkout
from syncd.push.worker.checkout_policy import interpret_call
from syncd.push.worker.circuit_breaker import MANY, CircuitBreaker
from syncd.push.worker.outcome_policy import (
    LOG_EVENTS,
    CatalogStale,
    CustomerStale,
    Failure,
    Interpretation,
    Pause,
    SentRequest,
    Success,
    interpret,
)
from syncd.push.worker.prepare import Preparer, PushSetup
from syncd.push.worker.ready import Ready
from syncd.sale.attempt import Attempt
from syncd.sale.policy import PushPolicy
from syncd.sale.states import MAKES_ORDER, AttemptKind, Lane, State
from syncd.sale.steps import CheckoutCall

_LINGER_S = 0.002  # for a second free slot: sales that are claimed together share a commit
_LONGEST_WAIT_S = 0.25
_NOTE_AFTER_ORDERS = 100
_AVERAGED_REQUESTS = 8
_FAST_S = 0.02  # commits, not answers, are what it waits for then
_WAITING_PER_THREAD = 7


class PushReport(Struct, frozen=True):
    """What a run did: requests sent, sales by the state that they were left in, and why the store could not be reached."""

    sent: int = 0
    states: Counter[str] = field(default_factory=Counter)
    unreachable: str = ""


class _Run:
    """One run's limits and counts, shared by its threads."""

    def __init__(
        self, lease: Lease, stop: threading.Event, limit: int | None, moves: Callable[[int], None], *, lists: bool
    ) -> None:
        self.lease, self.stop, self.limit, self.moves, self.lists = lease, stop, limit, moves, lists
        self.sent = self.begun = self.accepted = 0
        self.states: Counter[str] = Counter()
        self.unreachable = ""
        self.usual_s = 1.0
        self._lock = threading.Lock()

    def count(self, state: State) -> None:
        with self._lock:
            self.states[state.value] += 1

    def took(self, elapsed_s: float) -> None:
        """Note that a request was accepted, after so many seconds."""
        with self._lock:
            self.accepted += 1
            self.usual_s += (elapsed_s - self.usual_s) / _AVERAGED_REQUESTS

    def seats_for(self, policy: PushPolicy) -> int:
        """Return a seat for each thread, and a line before them so that no thread waits for a claim; longer where it moves fast.

        Sales that are claimed together share their commits; each of them is ``sending`` from then on. One thread is one at a time.
        """
        if policy.threads == 1:
            return 1
        line = policy.threads * _WAITING_PER_THREAD if self.usual_s <= _FAST_S else policy.threads // 2
        return policy.threads + line

    def begin(self, requests: Sequence[Ready]) -> None:
        """Count requests that go out, and the sales that begin with them: the further calls of a checkout are no new sale."""
        self.sent += len(requests)
        self.begun += sum(one.call is None or is_new_checkout(one) for one in requests)

    def rest(self) -> int | None:
        return None if self.limit is None else self.limit - self.begun


class Pusher:
    """Pushes the due sales of one store."""

    def __init__(self, setup: PushSetup, circuit: CircuitBreaker) -> None:
        self._setup, self._circuit = setup, circuit
        self._pool: ThreadPoolExecutor | None = None
        self._seats = WorkerSlots(setup.policy.threads)
        self._preparer = Preparer(setup)
        self._outcome_lost = threading.Event()
        self._noted = 0
        self._rests_until = 0.0

    def run(
        self,
        lease: Lease,
        stop: threading.Event,
        limit: int | None = None,
        moves: Callable[[int], None] = lambda _: None,
        *,
        lists: bool = False,
    ) -> PushReport:
        """Push until nothing is due, ``stop`` is set, ``limit`` sales were begun or the store pauses; then drain.

        ``moves`` is told all along how many requests were accepted so far: the run may take hours. ``lists``: the store's orders
        are listed even where nothing is due, for a source waits to know them.
        """
        run = _Run(lease, stop, limit, moves, lists=lists)
        self._heed_promotion(lease)
        self._pick_up(lease)
        if freed := self._setup.ledger.attempts.reevaluate_holds(lease):
            get_logger().info("holds_ended", store=self._setup.store, sales=freed)
        try:
            while self._admitted(run) and self._turn(run):
                pass
        except Stopped:
            pass  # what is claimed is settled below, and nothing more is begun
        finally:
            self._seats.wait_idle()
            self._end_threads()
            self._preparer.clear()
            self._setup.ledger.flush()
        self._note_newest(0)
        return PushReport(run.sent, run.states, run.unreachable)

    def _senders(self) -> ThreadPoolExecutor:
        """Return the threads that send, every one started before anything is claimed: a claimed sale must have a sender.

        Raises:
            SyncdError: the system lets this process have no more threads.

        """
        if self._pool is not None:
            return self._pool
        threads = self._setup.policy.threads
        pool, together = (
            ThreadPoolExecutor(threads, thread_name_prefix=f"push-{self._setup.store}"),
            threading.Barrier(threads + 1),
        )
        try:
            for _ in range(threads):
                pool.submit(together.wait)
        except RuntimeError as error:
            together.abort()
            pool.shutdown(wait=False)
            cure = "Lower threads in [stores], or raise this process' limits on memory and tasks."
            raise SyncdError(f"the system refused a thread ({error}): nothing was sent", cure) from None
        together.wait()
        self._pool = pool
        return pool

    def _end_threads(self) -> None:
        """End the threads: a store with nothing to send keeps none."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True)

    def _pick_up(self, lease: Lease) -> None:
        """Recover sales whose outcome could not be written: nothing is being sent, so they become unknown."""
        if self._outcome_lost.is_set():
            left = self._setup.ledger.attempts.recover_interrupted(lease)
            self._outcome_lost.clear()
            get_logger().info("outcomes_picked_up", store=self._setup.store, unknown=left)

    def _heed_promotion(self, lease: Lease) -> None:
        """Create nothing for a while after the ledger's server changed, then list the store: what was sent may be forgotten."""
        if lease.promoted_at is None:
            return
        setup = self._setup
        rest = 2 * setup.policy.settle - (setup.clock.now() - lease.promoted_at)
        if rest > timedelta(0):
            setup.catch_up.forget()
            self._rests_until = setup.clock.elapsed().seconds + rest.total_seconds()

    def _admitted(self, run: _Run) -> int:
        """Return how many requests the store and the lease permit now."""
        if run.stop.is_set() or not run.lease.alive() or self._setup.clock.elapsed().seconds < self._rests_until:
            return 0
        return self._circuit.permits(self._probe)

    def _probe(self) -> None:
        """Ask for what any store answers, with the token as it is now."""
        self._setup.renew_token()
        self._setup.orders.newest_id()

    def _turn(self, run: _Run) -> bool:
        """Prepare sales while requests are out, then claim and send for the free slots; False once nothing is left."""
        run.moves(run.accepted)
        given, idle, waits = self._seats.given, self._seats.idle, False
        if idle:
            self._setup.ledger.flush()  # an outcome on its way into the ledger may make its sale due again
        try:
            if run.lists:
                self._setup.catch_up.once(run.lease)
                run.lists = False
            ready = run.limit != 0 and self._preparer.fill(run.lease, run.rest(), run.count)
        except StoreError as error:  # a look-up failed: no sale is claimed, and the store may be unwell
            get_logger().warning("look_up_failed", store=self._setup.store, why=error.what)
            run.unreachable = error.what
            denied = isinstance(error, StoreAccessDenied)
            self._circuit.apply(Pause(error.what, error.cure, by="read") if denied else Failure(error.what, by="read"))
            return False
        if ready:
            self._seats.resize(run.seats_for(self._setup.policy))
            free = self._seats.wait_free(_LINGER_S, _LONGEST_WAIT_S)
            self._note_newest(_NOTE_AFTER_ORDERS)
            room = self._setup.room(self._setup.policy.intent_life.total_seconds() / 2, self._seats.taken)
            if not room:  # an intent that waits for the quota would grow stale
                self._setup.clock.wait(run.stop, _LONGEST_WAIT_S)
            elif most := self._admitted(run):  # the store may have paused while we waited for a seat
                if most < MANY:  # one sale is a trial: what becomes of it says how it goes on
                    self._claim(run, self._preparer.take_one(self._circuit.met))
                    self._seats.wait_idle()
                else:
                    self._claim(run, self._preparer.take(min(free, room)))
        elif not idle:
            self._seats.wait_change(given, _LONGEST_WAIT_S)
        elif waits := self._preparer.turns.waits():  # for its turn, within this run
            self._setup.clock.wait(run.stop, _LONGEST_WAIT_S)
        else:
            self._circuit.on_idle()
        return ready or not idle or waits

    def _note_newest(self, behind: int) -> None:
        """Remember how far the store's orders are known, so that a process that dies leaves the next one little to list again."""
        newest = self._setup.catch_up.newest
        if newest is not None and newest - self._noted > behind:
            self._setup.ledger.stores.note_order_id(self._setup.store, newest)
            self._noted = newest

    def _claim(self, run: _Run, ready: Sequence[Ready]) -> None:
        if not ready:
            return
        senders = self._senders()
        try:
            attempts = self._setup.ledger.attempts.begin(
                run.lease, [item.intent(self._setup.catch_up.newest) for item in ready]
            )
        except WoundBack as back:
            self._begin_anew(run, back)
            return
        if not attempts:  # each has moved on since it was looked at: do not look again as fast as that goes
            self._setup.clock.wait(run.stop, _LONGEST_WAIT_S)
        by_id = {item.sale.id: item for item in ready}
        self._seats.take(len(attempts))
        run.begin([by_id[attempt.sale_id] for attempt in attempts])
        self._preparer.turns.count(sum(by_id[attempt.sale_id].call is not None for attempt in attempts))
        for attempt in attempts:
            senders.submit(self._send, run, by_id[attempt.sale_id], attempt)

    def _begin_anew(self, run: _Run, back: WoundBack) -> None:
        """Begin again with a ledger that was taken back in time: create nothing before the store was listed anew."""
        setup = self._setup
        get_logger().error("ledger_wound_back", store=setup.store, why=back.what, cure=back.cure)
        self._seats.wait_idle()
        self._preparer.clear()
        setup.ledger.attempts.accept_epoch(setup.store)
        setup.ledger.attempts.recover_interrupted(run.lease)
        setup.ledger.alerts.raise_new([Alert(setup.store, WOUND_BACK, setup.store, back.what, back.cure)])
        setup.catch_up.forget()
        # What was sent since then is not in this ledger, and may still take effect for so long.
        self._rests_until = setup.clock.elapsed().seconds + 2 * setup.policy.settle.total_seconds()

    def _send(self, run: _Run, item: Ready, attempt: Attempt) -> None:
        try:
            with bind(store=self._setup.store, sale=item.sale.sale_key, attempt=attempt.id, lane=item.sale.lane.value):
                reply = self._request(item, attempt)
                interpretation = self._interpret(reply, item, attempt)
                if isinstance(reply.outcome, Accepted | Answered):  # a store that fails fast is not a fast one
                    run.took(reply.elapsed_s)
                if isinstance(reply.outcome, NotSent) and not reply.outcome.ours:
                    run.unreachable = reply.outcome.why
                self._settle(run, attempt, interpretation, reply, item.call)
        except BaseException:
            self._outcome_lost.set()
            raise
        finally:
            if item.call is not None:
                self._preparer.turns.count(-1)
            self._seats.give_back()

    def _request(self, item: Ready, attempt: Attempt) -> Reply:
        live = (
            item.sale.lane is Lane.LIVE and item.call is None
        )  # a checkout takes many calls: orders go before each of them
        how = Sending(live, lambda: self._is_fresh(attempt), item.content)
        try:
            return self._send_once(attempt, item, how)
        except Exception as error:  # noqa: BLE001  the pool's edge: whatever broke, the request may have left
            get_logger().exception("request_failed_unexpectedly")
            return Reply(Unknown(f"syncd failed while sending ({type(error).__name__}: {error})"))

    def _send_once(self, attempt: Attempt, item: Ready, how: Sending) -> Reply:
        orders, number, payload = self._setup.orders, attempt.order_id, item.mapped.payload
        if item.call is not None and number is None:
            return self._call_once(item.call, how)
        if attempt.kind is AttemptKind.CREATE or number is None:
            return orders.create(payload, how)
        match attempt.kind:
            case AttemptKind.TIDY:
                return orders.archive(number, how)
            case AttemptKind.UPDATE | AttemptKind.CANCEL | AttemptKind.FINISH:
                return orders.update(number, payload, how)
            case AttemptKind.ARCHIVE:
                return orders.archive(number, how)
            case AttemptKind.REFUND:
                return orders.refund(number, payload, how)
            case AttemptKind.LOOK | AttemptKind.CART | AttemptKind.DRESS | AttemptKind.CONVERT:
                raise AssertionError(f"{attempt.kind} changes no order")
            case _:
                assert_never(attempt.kind)

    def _call_once(self, call: CheckoutCall, how: Sending) -> Reply:
        checkouts, checkout, name = self._setup.checkouts, call.checkout, call.name
        match name:
            case "finish" | "archive":
                raise AssertionError(f"{name} is a call of the Orders API, and names its order")
            case _:
                where = CheckoutAddress(checkout.cart_id or "", checkout.consignment_id or "")
                return checkouts.send(name, where, how.content if call.payload is not None else None, how)

    def _is_fresh(self, attempt: Attempt) -> bool:
        """Check the intent's age just before the first byte leaves: a machine that slept must not send an old one."""
        age = self._setup.clock.elapsed().since(attempt.began)
        return age is not None and age <= self._setup.policy.intent_life.total_seconds()

    def _interpret(self, reply: Reply, item: Ready, attempt: Attempt) -> Interpretation:
        outcome, key = reply.outcome, attempt.sale_key
        sent = SentRequest(
            attempt=attempt,
            sale=item.sale,
            payload=item.mapped.payload,
            requested_totals=item.requested_totals,
            more=item.more,
            differs=item.mapped.differs,
            hold_short=self._setup.rules.short_product == "hold",
            alone=isinstance(outcome, Refused | Barred) and self._circuit.alone(key),
            repeats=isinstance(outcome, Refused) and self._circuit.repeats(outcome.words, key),
            is_draft=item.is_draft,
        )
        policy, now = self._setup.policy, self._setup.clock.now()
        if item.call is not None:
            interpretation = interpret_call(outcome, sent, item.call, policy, now)
        else:
            interpretation = interpret(outcome, sent, policy, now)
        effect = interpretation.store_effect
        if isinstance(effect, CatalogStale) and item.order is not None:
            self._setup.matcher.forget(item.order)
        elif isinstance(effect, CustomerStale) and item.order is not None:
            self._setup.matcher.forget_customer(item.order)
        self._circuit.apply(Success() if isinstance(effect, CatalogStale | CustomerStale) else effect)
        if isinstance(outcome, Accepted) and attempt.kind in MAKES_ORDER:
            self._setup.catch_up.saw(outcome.order_id)
        return interpretation

    def _settle(
        self, run: _Run, attempt: Attempt, interpretation: Interpretation, reply: Reply, call: CheckoutCall | None
    ) -> None:
        outcome = reply.outcome
        named = call.name if call is not None and isinstance(outcome, Answered) else ""
        detail = named or str(
            getattr(outcome, "why", "") or getattr(outcome, "words", "") or getattr(outcome, "order_id", "")
        )
        info = ReplyInfo(reply.status, reply.request_id, reply.elapsed_s, type(outcome).__name__.lower(), detail)
        self._setup.ledger.attempts.settle(attempt, interpretation.event, info).add_done_callback(
            partial(self._written, run)
        )
        elapsed_s = round(reply.elapsed_s, 3)
        known = {"status": reply.status, "request_id": reply.request_id, "detail": detail, "elapsed_s": elapsed_s}
        get_logger().info(LOG_EVENTS[type(outcome)], **known)

    def _written(self, run: _Run, settled: Future[State | None]) -> None:
        """Note that an outcome was written; where it could not be, the next run recovers the sale."""
        if (error := settled.exception()) is not None:
            self._outcome_lost.set()
            get_logger().error("outcome_not_written", store=self._setup.store, why=str(error))
        elif (state := settled.result()) is not None:
            run.count(state)
