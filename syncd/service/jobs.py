"""What the scheduler calls: idempotent jobs, each with its edge, where an error is reported and the daemon goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from msgspec import Struct

from syncd.app import App
from syncd.clock import Now
from syncd.errors import LeaseTaken, NotListed, SourceError, Stopped, SyncdError
from syncd.intake import PollReport
from syncd.logs import bind, get_logger
from syncd.sale.states import BackfillStage
from syncd.service.alert_rules import Watch
from syncd.service.dispatcher import Dispatcher
from syncd.service.events import EVERY as EVENTS_EVERY
from syncd.service.events import EventSender
from syncd.service.health import Heartbeats
from syncd.service.housekeeping import keep_house
from syncd.service.job_names import backfill_job, fetch_job, metafields_job, poll_job, push_job, reconcile_job
from syncd.service.leases import LeaseKeeper
from syncd.service.metrics import Samples
from syncd.service.notifier import Notifier
from syncd.source_runner import SourceRunner
from syncd.sources import FetchesOne, Receiving, SourceRateLimited

_SWEEP = timedelta(minutes=2)  # for what the dispatcher cannot see; each job shows that it works, too
_SWEEPS_A_CHECK = 4  # in the time within which a job must have shown that
_DISPATCH_LEAST = timedelta(milliseconds=200)
_LOOK_OVER = timedelta(hours=1)  # a pass a day; whether it is due is looked at this often
_REFRESH = timedelta(minutes=1)
_TIDY = timedelta(minutes=1)
_NOTE = timedelta(minutes=1)
_BACKFILL_AGAIN_S = 60.0  # after its source could not be read
_SAID_AGAIN_S = 600.0


class Job(Struct, frozen=True):
    """A line of the timetable: what it is called, in health too, how often it runs, and what it does."""

    name: str
    every: timedelta
    run: Callable[[], None]


class Jobs:
    """The daemon's jobs over one app."""

    def __init__(self, app: App, pulse: Heartbeats, stop: threading.Event) -> None:
        self._app, self._pulse, self._stop = app, pulse, stop
        self._keepers = {name: LeaseKeeper(store, partial(self._all_now, name)) for name, store in app.stores.items()}
        self._dispatcher = Dispatcher(app, self._keepers)
        self._asked: set[str] = set()
        self._samples, self._watch, self._teller = Samples(app), Watch(app), Notifier(app)
        self._events = EventSender(app)
        self._told: set[tuple[str, str]] = set()
        self._put_off: dict[str, float] = {}
        self._failed: dict[str, tuple[str, float]] = {}  # why each job failed, and when that was logged
        self._waits: set[str] = set()  # sources that wait until their stores' orders were listed once
        self.run_now: Callable[[str], None] = lambda _job: None
        self._names = set[str]()
        for job in self.timetable():
            self._names.add(job.name)
            pulse.expect(job.name, max(2 * job.every, app.config.service.healthy_within))

    def timetable(self) -> list[Job]:
        """Every job: poll each source; push, reconcile, refresh and look over each store; keep house.

        The dispatcher looks often for what is due, in one look for all stores and sources, and asks for the jobs that do it.
        """
        service = self._app.config.service
        settles = [store.policy.push.settle / 4 for store in self._app.config.stores.values()]
        often = max(min([service.push_every, *settles]), _DISPATCH_LEAST)
        jobs = [Job("dispatch", often, lambda: self._edge("dispatch", self.dispatch))]
        jobs += [
            Job(poll_job(name), till.config.common.every, partial(self.poll, name))
            for name, till in self._app.tills.items()
        ]
        jobs += [
            Job(fetch_job(name), self._sweep, partial(self.fetch_announced, name))
            for name, till in self._app.tills.items()
            if isinstance(till.source, FetchesOne) and isinstance(till.source, Receiving) and till.source.receives()
        ]
        jobs += [
            Job(backfill_job(name), self._sweep, partial(self.backfill, name)) for name, till in self._app.tills.items()
        ]
        for name in self._app.stores:
            jobs += self._of_store(name)
        jobs.append(Job("tidy", _TIDY, lambda: self._edge("tidy", self._app.ledger.maintenance.tidy)))
        jobs.append(Job("note", _NOTE, lambda: self._edge("note", self._samples.take)))
        jobs.append(Job("watch", _NOTE, lambda: self._edge("watch", self.watch)))
        if self._app.config.alerts.urls:
            jobs.append(Job("tell", _NOTE, lambda: self._edge("tell", self.notify)))
        if self._app.config.events.url is not None:
            jobs.append(Job("events", EVENTS_EVERY, lambda: self._edge("events", self.send_events)))
        if self._app.config.alerts.heartbeat is not None:
            jobs.append(Job("heartbeat", _NOTE, lambda: self._edge("heartbeat", self.heartbeat)))
        return [*jobs, Job("housekeep", service.housekeep_every, self.housekeep)]

    def _of_store(self, name: str) -> list[Job]:
        jobs = [
            Job(push_job(name), self._sweep, partial(self.push, name)),
            Job(reconcile_job(name), self._sweep, partial(self.reconcile, name)),
            Job(f"refresh {name}", _REFRESH, partial(self.refresh, name)),
            Job(f"look over {name}", _LOOK_OVER, partial(self.daily_check, name)),
        ]
        if self._app.config.stores[name].rules.metafields:
            jobs.append(Job(metafields_job(name), self._sweep, partial(self.write_metafields, name)))
        return jobs

    @property
    def _sweep(self) -> timedelta:
        return min(_SWEEP, self._app.config.service.healthy_within / _SWEEPS_A_CHECK)

    def dispatch(self) -> None:
        """Ask for the jobs that have something to do."""
        for job in sorted(self._dispatcher.due_jobs(self._waits) & self._names):
            self.run_now(job)

    def _all_now(self, store: str) -> None:
        """Whoever pushed to the store has ended: none of its jobs stands by any more, the hourly one neither.

        The same process may have pushed to the other stores that this one stands by for.
        """
        for job in self._of_store(store):
            self.run_now(job.name)
        for other in self._dispatcher.standing_by():
            self.run_now(push_job(other))

    def list_again(self) -> None:
        """List every store before anything is created: the clock was set, or the machine brought back to a moment of before."""
        for store in self._app.stores.values():
            store.catch_up.forget()

    def close(self) -> None:
        """Give every lease back, and close what is open."""
        self._events.close()
        for keeper in self._keepers.values():
            keeper.close()

    def request(self, job: str) -> None:
        """``job`` is wanted now: if it is at work this moment, it works once more, for the scheduler would leave it out."""
        self._asked.add(job)

    def _while_asked(self, job: str, work: Callable[[], None]) -> None:
        while True:
            self._asked.discard(job)
            self._edge(job, work)
            if job not in self._asked or self._stop.is_set():
                return

    def poll(self, source: str) -> None:
        """One pass over a source; what it recorded is pushed without waiting for the next turn."""
        till: SourceRunner = self._app.tills[source]

        def work() -> None:
            self.pushed_soon(source, till.poll(self._stop, lambda _: self._pulse.ok(poll_job(source))))
            self._tell_strange(source)

        self._while_asked(poll_job(source), partial(self._deferring, source, work))

    def fetch_announced(self, source: str) -> None:
        """Fetch the sales of a source that webhooks named."""

        def work() -> None:
            self.pushed_soon(source, self._app.tills[source].fetch_announced(self._stop))

        self._while_asked(fetch_job(source), partial(self._deferring, source, work))

    def backfill(self, source: str) -> None:
        """Walk what somebody asked for of a source, one backfill after the other; live sales are polled meanwhile."""
        till, asked, name = self._app.tills[source], self._app.ledger.backfills, backfill_job(source)

        def moved(polled: PollReport) -> None:
            self._pulse.ok(name)
            self.pushed_soon(source, polled)

        def work() -> None:
            if self._app.clock.elapsed().seconds < self._put_off.get(name, 0.0):
                raise _SourceDeferred
            try:
                walk_them()
            except SourceError:
                self._put_off[name] = self._app.clock.elapsed().seconds + _BACKFILL_AGAIN_S
                raise

        def walk_them() -> None:
            for one in asked.to_do(source):
                if self._stop.is_set():
                    return
                if one.stage is BackfillStage.ESTIMATING:
                    with asked.walking(one.number):
                        counted = self._app.estimate(till, one.start, one.end, lambda: self._pulse.alive(name))
                    if not self._stop.is_set():
                        asked.estimated(one.number, counted)
                else:
                    polled = till.backfill(one, self._stop, moved)
                    get_logger().info("backfill_walked", source=source, backfill=one.number, new=polled.new)

        self._while_asked(name, partial(self._deferring, source, work))

    def pushed_soon(self, source: str, polled: PollReport) -> None:
        """Have what was recorded pushed without waiting for the next turn."""
        if polled.new or polled.changed:
            for store in self._app.tills[source].config.common.all_stores:
                self.run_now(push_job(store))

    def _deferring(self, source: str, work: Callable[[], None]) -> None:
        """Leave a source alone for as long as it asks for: until then it stays as ill as it said."""
        if self._app.clock.elapsed().seconds < self._put_off.get(source, 0.0):
            raise _SourceDeferred
        try:
            work()
            self._waits.discard(source)
        except NotListed as waits:
            if source not in self._waits:
                get_logger().info("waits_for_a_list", source=source, why=waits.what)
            self._waits.add(source)
            raise _SourceDeferred from None
        except SourceRateLimited as full:
            self._put_off[source] = self._app.clock.elapsed().seconds + full.retry_after.total_seconds()
            raise

    def _tell_strange(self, source: str) -> None:
        """Name what lies in a drop folder and is never read: once, for it stays there."""
        report = self._app.folder_report(source)
        if report is not None:
            for name in report.strange:
                if (source, name) not in self._told:
                    self._told.add((source, name))
                    get_logger().warning("file_never_read", file=name, folder=report.path.name)

    def push(self, store: str) -> None:
        """Push what is due to a store, if the right to push is ours."""
        name, accepted = push_job(store), 0

        def moves(done: int) -> None:
            nonlocal accepted
            (self._pulse.ok if done > accepted else self._pulse.alive)(name)
            accepted = done

        def work() -> None:
            wait = [name for name in sorted(self._waits) if store in self._app.tills[name].config.common.all_stores]
            lease = self._keepers[store].lease()
            pushed = self._app.stores[store].pusher.run(lease, self._stop, moves=moves, lists=bool(wait))
            if pushed.sent and metafields_job(store) in self._names:
                self.run_now(metafields_job(store))
            for name in wait:
                self.run_now(poll_job(name))
            self._check_open(store)

        self._while_asked(name, work)

    def reconcile(self, store: str) -> None:
        """Settle what is unknown and due."""

        def work() -> None:
            report = self._app.stores[store].reconcile(self._keepers[store].lease(), self._stop)
            if report.absent:
                self.run_now(push_job(store))
            self._check_open(store)

        self._edge(reconcile_job(store), work)

    def write_metafields(self, store: str) -> None:
        """Write the POS's facts to the orders that were made, behind the pushing."""

        def work() -> None:
            self._keepers[store].lease()
            self._check_open(store)
            while self._app.stores[store].facts.write(self._stop) and not self._stop.is_set():
                self._pulse.alive(metafields_job(store))

        self._while_asked(metafields_job(store), work)

    def refresh(self, store: str) -> None:
        """Ask again for look-ups that are in use and have grown old."""

        def work() -> None:
            self._keepers[store].lease()
            self._check_open(store)  # else it would ask a store that answers nobody, every minute
            if codes := self._app.stores[store].matcher.refresh():
                get_logger().info("look_ups_refreshed", store=store, codes=codes)

        self._edge(f"refresh {store}", work)

    def daily_check(self, store: str) -> None:
        """Once a day, go through the store's newest orders."""

        def work() -> None:
            services = self._app.stores[store]
            self._keepers[store].lease()
            if services.nightly.due():
                get_logger().info("orders_looked_over", store=store, alerts=len(services.check_daily()))

        self._edge(f"look over {store}", work)

    def housekeep(self) -> None:
        """Drop what is old, and the reports of daemons that have ended."""

        def work() -> None:
            self._pulse.forget_the_dead()
            keep_house(self._app)

        self._edge("housekeep", work)

    def watch(self) -> None:
        """Evaluate the alert rules, and notify people of what is new."""
        report = self._pulse.report()
        for alert in self._watch.look(report):
            get_logger().warning("alert_raised", kind=alert.kind, subject=alert.subject, words=alert.words)
        if self._app.config.alerts.urls:
            self.run_now("tell")

    def notify(self) -> None:
        """Tell people what is new, what is over, and once a day how it went."""
        self._teller.tell()
        self._teller.digest()

    def send_events(self) -> None:
        """Send what other programs are to hear of; an address that takes nothing is no fault of this daemon."""
        self._events.send_due(self._stop, lambda: self._pulse.ok("events"))  # a backlog may take an hour

    def heartbeat(self) -> None:
        """Ping, where every job has had its good cycle."""
        now = Now.of(self._app.clock)
        lines = self._pulse.report().unwell(now, self._app.config.service.healthy_within)
        if not [line for line in lines if not line.startswith("heartbeat:")]:  # its own first cycle is this one
            self._teller.ping()

    def _check_open(self, store: str) -> None:
        state = self._app.ledger.stores.get(store)
        if state.paused_why:
            raise _Paused(state.paused_why)

    def _edge(self, name: str, work: Callable[[], None]) -> None:
        with bind(job=name):
            try:
                work()
            except LeaseTaken as taken:
                self._pulse.standby(name, taken.what)
            except _Paused as paused:
                self._pulse.failed(name, f"paused: {paused}")
            except _SourceDeferred:
                self._pulse.alive(name)  # it does not hang: it waits as it was asked to
            except Stopped:
                self._pulse.alive(name)  # told to stop in the middle of a walk: the next start goes on
            except SyncdError as error:
                self._pulse.failed(name, error.what)
                if self._is_news(name, error.what):
                    get_logger().error("job_failed", why=error.what, cure=error.cure)
            except Exception as error:  # noqa: BLE001  a job's edge: tell it, leave a safe state, run again next time
                self._pulse.failed(name, f"{type(error).__name__}: {error}")
                get_logger().exception("job_failed_unexpectedly")
            else:
                self._pulse.ok(name)
                self._failed.pop(name, None)

    def _is_news(self, name: str, why: str) -> bool:
        """Whether a job has not failed for this reason in the last minutes: one that fails every second must not fill the log."""
        now, (before, at) = self._app.clock.elapsed().seconds, self._failed.get(name, ("", 0.0))
        if why == before and now - at < _SAID_AGAIN_S:
            return False
        self._failed[name] = (why, now)
        return True


class _SourceDeferred(Exception):
    """A source has asked to be left alone for a while: nothing was done, and there is nothing more to log."""


class _Paused(Exception):
    """A store is paused: no good cycle, and nothing more to log."""
