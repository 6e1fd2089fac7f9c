"""Turns: a bounded piece of work for one store or one source, done by whichever worker was given the hint.

The ledger is the truth. A turn takes the right to do its work (a lease, a claim), looks at what is due, does it for a few seconds,
gives the right back, looks once more, and asks for another turn where more is due. A turn that is not wanted any more does nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial

from syncd.app import App
from syncd.clock import Clock
from syncd.errors import LeaseTaken, NotListed, SourceError, Stopped
from syncd.fleet.handover import hand_over, take_over
from syncd.fleet.queue import Hints
from syncd.intake import PollReport
from syncd.ledger import Lease
from syncd.logs import bind, get_logger
from syncd.sale.states import BackfillStage
from syncd.source_runner import SourceRunner
from syncd.sources import SourceRateLimited
from syncd.stores import StoreServices

TURN_S = 10.0
_HOLD, _HELD_AGAIN_S = timedelta(seconds=15), 5.0  # a claim is a courtesy: the lease keeps two polls of a source apart
_AT_ONCE = 4  # sources that a turn takes: each waits for those before it
_LONGEST_GAP = timedelta(minutes=10)
_DOUBLINGS = 5
_REFRESH_S = 60.0
_SOON_S = 2.0


def _soon_s(app: App, store: str) -> float | None:
    """Return in how many seconds a store has work; None where that is not soon."""
    at = app.ledger.turns.next_work(store)
    wait = (at - app.clock.now()).total_seconds() if at is not None else _SOON_S + 1
    return max(wait, 0.0) if wait <= _SOON_S else None


class TurnEnd(threading.Event):
    """Set once a turn's time is over, or everything is to stop."""

    def __init__(self, clock: Clock, stop: threading.Event, seconds: float = TURN_S) -> None:
        super().__init__()
        self._clock, self._stop, self._until = clock, stop, clock.elapsed().seconds + seconds

    def is_set(self) -> bool:
        """Whether nothing more may be begun."""
        return self._stop.is_set() or self._clock.elapsed().seconds >= self._until

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end, at most so long."""
        left = max(self._until - self._clock.elapsed().seconds, 0.0)
        self._stop.wait(left if timeout is None else min(timeout, left))
        return self.is_set()


class FleetTurns:
    """What the jobs of a fleet do, on the app as it is when they begin."""

    def __init__(self, app: Callable[[], App], hints: Hints, worker: str, host: str, *, turn_s: float = TURN_S) -> None:
        self._app, self._hints, self._worker, self._host, self._turn_s = app, hints, worker, host, turn_s
        self._refreshed: dict[str, float] = {}

    def push(self, store: str) -> None:
        """Push what is due to a store, settle what is in doubt; nothing where another worker is at it."""
        app = self._app()
        if store not in app.stores:
            return  # it left the config since
        end, done = TurnEnd(app.clock, app.stop, self._turn_s), 0
        with (
            bind(store=store),
            suppress(LeaseTaken, Stopped),
            app.stores.borrowed(store) as services,
            services.leased() as lease,
        ):
            take_over(services, app.ledger, app.clock, self._worker)
            try:
                while (moved := self._pass(services, lease, end)) and self._comes_soon(app, store, end):
                    done += moved
                done += moved
                if services.settings.rules.metafields and not services.circuit.paused:
                    services.facts.write(end)
                self._refresh(store)
            finally:
                hand_over(services, app.ledger, app.clock, self._worker)
        if done and not app.stop.is_set() and _soon_s(app, store) is not None:
            self._hints.push(store, live=app.ledger.turns.has_live_work(store))

    def _pass(self, services: StoreServices, lease: Lease, end: TurnEnd) -> int:
        """Settle what is in doubt and push what is due; return how much moved."""
        looked, pushed = services.reconcile(lease, end), services.pusher.run(lease, end)
        return looked.found + looked.absent + pushed.sent + pushed.states.total()

    def _comes_soon(self, app: App, store: str, end: TurnEnd) -> bool:
        """Whether something of the store is due within a moment, and this turn goes on until then: a sweep would come late."""
        wait = _soon_s(app, store)
        return wait is not None and not end.wait(wait)

    def _refresh(self, store: str) -> None:
        """Ask again for look-ups that are in use and have grown old, once a minute."""
        app = self._app()
        now = app.clock.elapsed().seconds
        if now - self._refreshed.get(store, 0.0) >= _REFRESH_S and not app.stores[store].circuit.paused:
            self._refreshed[store] = now
            if codes := app.stores[store].matcher.refresh():
                get_logger().info("look_ups_refreshed", store=store, codes=codes)

    def check(self, store: str) -> None:
        """Go through a store's newest orders, once a day."""
        app = self._app()
        if store not in app.stores:
            return
        with (
            bind(store=store),
            suppress(LeaseTaken, Stopped),
            app.stores.borrowed(store) as services,
            services.leased(),
        ):
            take_over(services, app.ledger, app.clock, self._worker)
            try:
                if services.nightly.due() and not services.circuit.paused:
                    get_logger().info("orders_looked_over", store=store, alerts=len(services.check_daily()))
            finally:
                hand_over(services, app.ledger, app.clock, self._worker)

    def poll(self, number: int) -> None:
        """Poll sources whose turn it is, a few after each other, until none is left or the time is over.

        ``number`` only tells jobs of the queue from each other.
        """
        del number
        app = self._app()
        end = TurnEnd(app.clock, app.stop)
        elsewhere = [name for name, till in app.tills.items() if not self._may_read(till)]
        while not end.is_set() and (names := app.ledger.turns.claim(_AT_ONCE, _HOLD, but=elsewhere)):
            for name in names:
                if app.stop.is_set():
                    app.ledger.turns.wake(name)
                elif (till := app.tills.get(name)) is not None:
                    self._poll(app, till)

    def _may_read(self, till: SourceRunner) -> bool:
        """Whether this worker may read a source: one that reads a folder is tied to the machine that has it."""
        return till.pinned_to in ("", self._host)

    def _poll(self, app: App, till: SourceRunner) -> None:
        every, name = till.config.common.every, till.name
        with bind(source=name):
            try:
                with app.ledger.right(f"poll {name}"):
                    self._recorded(till, self._listed(app, till, self._holding(app, till)))
            except LeaseTaken:
                return  # its last turn goes on, and keeps the claim
            except Stopped:
                app.ledger.turns.wake(name)
            except SourceRateLimited as full:
                app.ledger.turns.failed(name, full.retry_after, (full.what, full.cure))
            except NotListed as waits:
                app.ledger.turns.failed(name, every, (waits.what, waits.cure), counts=False)
            except SourceError as error:
                self._failed(app, till, error)
            else:
                app.ledger.turns.polled(name, every)

    def _holding(self, app: App, till: SourceRunner) -> Callable[[PollReport], None]:
        """Return what is told after each batch: the claim is held on, however long the walk."""
        held = [app.clock.elapsed().seconds]

        def seen(_report: PollReport) -> None:
            if app.clock.elapsed().seconds - held[0] >= _HELD_AGAIN_S:
                app.ledger.turns.hold(till.name, _HOLD)
                held[0] = app.clock.elapsed().seconds

        return seen

    def _listed(self, app: App, till: SourceRunner, seen: Callable[[PollReport], None]) -> PollReport:
        """Poll a source; where its stores' orders must be known first, list them."""
        end = TurnEnd(app.clock, app.stop, 3 * TURN_S)
        try:
            return till.poll(end, seen)
        except NotListed:
            for store in till.config.common.all_stores:
                with suppress(LeaseTaken), app.stores.borrowed(store) as services, services.leased() as lease:
                    services.pusher.run(lease, end, limit=0, lists=True)
            return till.poll(end, seen)

    def _failed(self, app: App, till: SourceRunner, error: SourceError) -> None:
        """Let a source that cannot be read wait, longer each time; say so once for each reason."""
        known = app.ledger.turns.of([till.name]).get(till.name)
        failures = known.failures if known is not None else 0
        gap = till.config.common.every * 2 ** min(failures, _DOUBLINGS)
        if known is None or known.why != error.what:
            get_logger().error("source_failed", why=error.what, cure=error.cure)
        again = min(gap, max(till.config.common.every, _LONGEST_GAP))
        app.ledger.turns.failed(till.name, again, (error.what, error.cure))

    def _recorded(self, till: SourceRunner, polled: PollReport) -> None:
        if polled.new or polled.changed:
            for store in till.config.common.all_stores:
                self._hints.push(store)

    def fetch(self, source: str) -> None:
        """Fetch the sales that a source's webhooks named."""
        app = self._app()
        till = app.tills.get(source)
        if till is None or not self._may_read(till):
            return
        with bind(source=source), suppress(LeaseTaken, Stopped, NotListed), app.ledger.right(f"fetch {source}"):
            try:
                self._recorded(till, till.fetch_announced(TurnEnd(app.clock, app.stop)))
            except SourceError as error:
                get_logger().warning("source_failed", why=error.what, cure=error.cure)

    def backfill(self, source: str) -> None:
        """Walk what was asked for of a source, for a turn; nothing where another worker is at it."""
        app = self._app()
        till = app.tills.get(source)
        if till is None or not self._may_read(till):
            return
        asked, end, moved = app.ledger.backfills, TurnEnd(app.clock, app.stop, 3 * TURN_S), False
        with bind(source=source), suppress(LeaseTaken, Stopped):
            for one in asked.to_do(source):
                if end.is_set():
                    break
                try:
                    if one.stage is BackfillStage.ESTIMATING:
                        with asked.walking(one.number):
                            counted = app.estimate(till, one.start, one.end)
                        asked.estimated(one.number, counted)
                    else:
                        till.backfill(one, end, partial(self._recorded_history, till))
                    moved = True
                except SourceError as error:
                    get_logger().warning("source_failed", why=error.what, cure=error.cure)
                    return  # the sweep comes back to it
        if moved and not app.stop.is_set() and asked.to_do(source):
            self._hints.backfill(source, till.pinned_to)

    def _recorded_history(self, till: SourceRunner, polled: PollReport) -> None:
        if polled.new or polled.changed:
            for store in till.config.common.all_stores:
                self._hints.push(store, live=False)
