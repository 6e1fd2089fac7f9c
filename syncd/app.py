"""The composition root: a config in, the ledger, the sources and the stores out. Nothing else constructs the rooms."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

from syncd.bigcommerce import Api, CatalogClient, CustomersClient, OrdersClient, QuotaGovernor, StoreClient, Wire
from syncd.clock import Clock, SystemClock
from syncd.config import Config, SourceConfig, StoreSettings
from syncd.errors import SourceError
from syncd.intake import Polled, poll
from syncd.intake.poll import Intake, record_all
from syncd.ledger import Lane, Lease, Ledger
from syncd.plan import Decider
from syncd.push import (
    CatchUp,
    Circuit,
    Currencies,
    Matcher,
    Nightly,
    Pusher,
    PushReport,
    PushSetup,
    Reconciler,
    ReconcileReport,
    Remotes,
)
from syncd.push.hook import Hook, load_hook
from syncd.push.seen import Observer
from syncd.sources import registry
from syncd.sources.base import FolderReport, HasFolder, Source, SourceContext


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is the same for every part of an app: its clock, the config's folder, and the event that tells it to stop."""

    clock: Clock
    folder: Path
    stop: threading.Event


class Store:
    """One configured BigCommerce store and everything that talks to it; connections open on first use."""

    def __init__(self, name: str, settings: StoreSettings, ledger: Ledger, ground: Surroundings) -> None:
        self.name, self.settings = name, settings
        self._ledger, self._clock, self._folder, self._stop = ledger, ground.clock, ground.folder, ground.stop

    @cached_property
    def governor(self) -> QuotaGovernor:
        """What paces every call to this store."""
        return QuotaGovernor(self._clock, self.settings.connection.quota_share, self._stop)

    @cached_property
    def wire(self) -> Wire:
        """The pooled connections of this store."""
        return Wire(self.settings.connection, self._clock, connections=self.settings.push.threads + 2)

    @cached_property
    def api(self) -> Api:
        """The store's API, every call paced."""
        return Api(self.wire, self.governor, self._clock, self._stop)

    @cached_property
    def orders(self) -> OrdersClient:
        """The Orders API of this store."""
        return OrdersClient(self.api)

    @cached_property
    def info(self) -> StoreClient:
        """What the store says of itself."""
        return StoreClient(self.api)

    @cached_property
    def currencies(self) -> Currencies:
        """The currencies that this store takes."""
        return Currencies(self.name, self._ledger, self.info, self._clock)

    @cached_property
    def matcher(self) -> Matcher:
        """Catalog and customer matches for this store's sales."""
        remotes = Remotes(CatalogClient(self.api), CustomersClient(self.api))
        return Matcher(self.name, self._ledger, remotes, self.settings.rules, self._clock)

    @cached_property
    def circuit(self) -> Circuit:
        """Whether this store may be spoken to now."""
        settings = self.settings
        return Circuit(self.name, self._ledger, settings.push, self._clock, settings.rules.longest_key)

    @cached_property
    def catch_up(self) -> CatchUp:
        """What this store has that the ledger may not know of."""
        return CatchUp(self.name, self._ledger, self.orders)

    @cached_property
    def hook(self) -> Hook | None:
        """The shop's own function.

        Raises:
            ConfigError: it cannot be loaded.

        """
        name = self.settings.rules.hook
        return load_hook(name, self._folder) if name else None

    def prepare(self) -> None:
        """Load the shop's own files (alias file, hook) now, not in the middle of a pass.

        Raises:
            ConfigError: one of them cannot be read.

        """
        _ = self.hook, self.matcher

    @cached_property
    def observer(self) -> Observer:
        """Looks at what this store has of a sale."""
        return Observer(self._ledger, self.orders, self.settings.rules)

    @cached_property
    def pusher(self) -> Pusher:
        """What pushes this store's sales."""
        settings = self.settings
        setup = PushSetup(
            self.name,
            self._ledger,
            self.orders,
            self.catch_up,
            self.matcher,
            settings.rules,
            settings.push,
            self._clock,
            self.hook,
            self.currencies.allowed,
            self.governor.room,
        )
        return Pusher(setup, self.circuit)

    @cached_property
    def reconciler(self) -> Reconciler:
        """What settles this store's unknown sales."""
        return Reconciler(self.name, self._ledger, self.orders, self.catch_up, self.settings.push, self._clock)

    @cached_property
    def nightly(self) -> Nightly:
        """The daily pass over this store's newest orders."""
        return Nightly(self.name, self._ledger, self.orders, self.settings.rules, self._clock)

    @contextmanager
    def leased(self) -> Iterator[Lease]:
        """The right to push to this store; what a dead holder left on the wire becomes unknown first.

        Raises:
            Busy: somebody else holds it.
            LedgerError: the ledger knows this store's name by another store hash.

        """
        self._ledger.bind(self.name, self.settings.connection.store_hash)
        with self._ledger.lease(self.name) as lease:
            self._ledger.orphans(lease)
            yield lease

    def push(self, lease: Lease, stop: threading.Event, limit: int | None = None) -> PushReport:
        """One pass: settle what is unknown and due, then push what is due."""
        self.reconcile(lease, stop)
        return self.pusher.run(lease, stop, limit)

    def reconcile(self, lease: Lease, stop: threading.Event) -> ReconcileReport:
        """Settle the unknown sales whose look-up is due."""
        return self.reconciler.run(lease, self.circuit, stop)

    def close(self) -> None:
        """Wait for what is on the wire and close the connections that were opened."""
        if "pusher" in self.__dict__:
            self.pusher.close()
        if "wire" in self.__dict__:
            self.wire.close()


@dataclass(frozen=True, slots=True)
class Till:
    """One configured source, ready to be polled."""

    name: str
    config: SourceConfig
    source: Source
    ledger: Ledger
    clock: Clock

    def poll(self, stop: threading.Event, seen: Callable[[Polled], None] = lambda _: None) -> Polled:
        """Record what is new; see ``intake.poll``."""
        return poll(self.source, self._intake(Lane.LIVE, None), self.ledger, stop, seen)

    def backfill(self, start: datetime, end: datetime, stop: threading.Event, *, history: bool = False) -> Polled:
        """Record every sale placed in ``[start, end)`` in the backfill lane; ``history`` keeps them out of the store's billing."""
        number = self.ledger.start_backfill(self.name, start, end)
        batches = self.source.fetch_range(start, end)
        polled = record_all(batches, self._intake(Lane.BACKFILL, number, history=history), self.ledger, stop)
        if not stop.is_set():
            self.ledger.finish_backfill(number)
        return polled

    def _intake(self, lane: Lane, backfill: int | None, *, history: bool = False) -> Intake:
        return Intake(self.name, lambda _order: self.config.common.store, lane, backfill, history)


@dataclass(frozen=True, slots=True)
class App:
    """Everything that a command or the daemon works with."""

    config: Config
    clock: Clock
    ledger: Ledger
    stores: Mapping[str, Store]
    tills: Mapping[str, Till]

    def folder_reports(self) -> dict[str, FolderReport | SourceError]:
        """What lies in the folder of each source that has one; what another source of that folder reads is not strange."""
        found: dict[str, FolderReport | SourceError] = {}
        sources = {name: till.source for name, till in self.tills.items() if isinstance(till.source, HasFolder)}
        for name, source in sources.items():
            try:
                report = source.folder_report()
            except SourceError as error:
                found[name] = error
                continue
            others = [other for other in sources.values() if other is not source]
            strange = tuple(one for one in report.strange if not any(other.takes(one) for other in others))
            found[name] = replace(report, strange=strange)
        return found


@contextmanager
def open_app(config: Config, clock: Clock | None = None, stop: threading.Event | None = None) -> Iterator[App]:
    """Open the ledger and build what the config names; connections to stores open when they are first used.

    Once ``stop`` is set, nothing waits for a store's quota any more and nothing new is asked of a store.

    Raises:
        LedgerError: the ledger cannot be opened.
        SourceError: a source cannot be built.

    """
    clock = clock or SystemClock()
    with ExitStack() as exits:
        grounds = {name: settings.ground for name, settings in config.stores.items()}
        ledger = exits.enter_context(Ledger.open(config.ledger_url.get_secret_value(), clock, Decider(grounds)))
        ground = Surroundings(clock, config.base_dir, stop or threading.Event())
        stores = {name: Store(name, settings, ledger, ground) for name, settings in config.stores.items()}
        for store in stores.values():
            exits.callback(store.close)
        tills = {}
        for name, source_config in config.sources.items():
            if source_config.common.enabled:
                source = build_source(name, source_config, config, clock)
                exits.callback(source.close)
                tills[name] = Till(name, source_config, source, ledger, clock)
        yield App(config, clock, ledger, stores, tills)


def build_source(name: str, config: SourceConfig, whole: Config, clock: Clock) -> Source:
    """The adapter of one source, constructed with its settings."""
    adapter = registry.load(config.common.type)
    source: Source = adapter(config.settings, SourceContext(name, clock, whole.base_dir))
    return source
