"""What is done for the whole fleet at fixed times, by whichever worker gets the job: ticks, sweeps, alerts, the ledger's upkeep."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from syncd.app import App
from syncd.clock import Now
from syncd.fleet.health import source_parts
from syncd.fleet.queue import Hints
from syncd.logs import get_logger
from syncd.push.store_orders.drift_check import EVERY
from syncd.service.alert_rules import Watch
from syncd.service.events import EventSender
from syncd.service.health import Health, Process, forget_silent
from syncd.service.housekeeping import keep_house
from syncd.service.notifier import Notifier

_MOST_POLLS, _A_POLL = 64, 8  # poll jobs that a tick asks for, and how many sources each is expected to take
_MOST_CHECKS = 8  # stores whose orders a sweep has looked over: a night's work, spread over the night
_SILENT = timedelta(minutes=5)


class Chores:
    """The fleet's own work."""

    def __init__(self, app: Callable[[], App], hints: Hints) -> None:
        self._app, self._hints = app, hints
        self._watch: tuple[App, Watch, Notifier] | None = None
        self._events: tuple[App, EventSender] | None = None

    def tick(self) -> None:
        """Ask for polls of the sources whose turn it is, and for what webhooks named."""
        app = self._app()
        due = Counter(app.host_of(name) for name in app.ledger.turns.due_sources(_MOST_POLLS * _A_POLL))
        for host, sources in due.items():
            for number in range(math.ceil(sources / _A_POLL)):
                self._hints.poll(number, host)
        for source in app.ledger.turns.announced_sources():
            self._hints.fetch(source, app.host_of(source))

    def follow_sources(self) -> None:
        """Give every source of the config its turns; one that is told, and never asks, needs none."""
        app = self._app()
        app.ledger.turns.follow([name for name, till in app.tills.items() if till.is_polled])

    def sweep(self) -> None:
        """Ask for turns of all that is due: what a lost, late or doubled job was about is found here."""
        app = self._app()
        self.follow_sources()
        for store in app.ledger.turns.due_stores():
            if store.store in app.config.stores:
                self._hints.push(store.store, live=store.live)
        for source in app.ledger.turns.sources_to_backfill():
            self._hints.backfill(source, app.host_of(source))
        for name in app.ledger.turns.unchecked_stores(EVERY, _MOST_CHECKS):
            self._hints.check(name)

    def watch(self) -> None:
        """Evaluate the alert rules, and tell people of what is new: once for the fleet, and not once a worker."""
        app = self._app()
        if self._watch is None or self._watch[0] is not app:
            self._watch = (app, Watch(app), Notifier(app))
        _, watch, notifier = self._watch
        app.ledger.maintenance.tidy()
        forget_silent(app.ledger, app.clock.now() - _SILENT)  # a worker that was killed: others have its stores
        health = self.health()
        for alert in watch.look(health):
            get_logger().warning("alert_raised", kind=alert.kind, subject=alert.subject, words=alert.words)
        notifier.tell()
        notifier.digest()
        if app.config.alerts.heartbeat is not None and not health.unwell(health.at, app.config.service.healthy_within):
            notifier.ping()

    def send_events(self) -> None:
        """Send what other programs are to hear of; one worker at a time does."""
        app = self._app()
        if app.config.events.url is None:
            return
        if self._events is None or self._events[0] is not app:
            if self._events is not None:
                self._events[1].close()
            self._events = (app, EventSender(app))
        self._events[1].send_due(app.stop)

    def health(self) -> Health:
        """Return how the sources do, as the health of one daemon that would poll them all."""
        app = self._app()
        now = Now.of(app.clock)
        return Health(now, source_parts(app, app.ledger.turns.failing()), Process.mine(), begun=now)

    def housekeep(self) -> None:
        """Drop what is old."""
        keep_house(self._app())
