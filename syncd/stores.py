"""One store of the config and everything that talks to it. Loaded only by what talks to stores: it takes a while to import."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from syncd.bigcommerce.api import AUTH_HEADER, Api, store_wire
from syncd.bigcommerce.catalog import CatalogClient
from syncd.bigcommerce.checkouts import CheckoutsClient
from syncd.bigcommerce.client import OrdersClient
from syncd.bigcommerce.customers import CustomersClient
from syncd.bigcommerce.governor import QuotaGovernor
from syncd.bigcommerce.metafields import MetafieldsClient
from syncd.bigcommerce.store import StoreClient
from syncd.clock import Clock
from syncd.config import StoreSettings
from syncd.errors import StoreError
from syncd.http.transport import HttpTransport
from syncd.ledger import Alert, Lease, Ledger
from syncd.logs import get_logger
from syncd.push.lookups.lookup_cache import StoreCurrencies, StorePricing
from syncd.push.lookups.matching import Matcher, Remotes
from syncd.push.metafields import MetafieldWriter
from syncd.push.store_orders.catch_up import CatchUp, Listed
from syncd.push.store_orders.drift_check import DriftCheck
from syncd.push.store_orders.stray_drafts import archive_stray_drafts
from syncd.push.worker.circuit_breaker import CircuitBreaker
from syncd.push.worker.hook import Hook, load_hook
from syncd.push.worker.observe import OrderObserver
from syncd.push.worker.prepare import PushSetup
from syncd.push.worker.pusher import Pusher, PushReport
from syncd.push.worker.reconcile import Reconciler, ReconcileReport
from syncd.secret import KeptSecret

_FEW_THREADS = (
    4  # BigCommerce's quotas let through some requests a second: four that wait for their answers use them up
)


class Environment(Struct, frozen=True):
    """What is the same for every part of an app: its clock, the config's folder, and the event that tells it to stop."""

    clock: Clock
    folder: Path
    stop: threading.Event
    stores: Collection[str] = ()  # the names of all stores of the config
    crowded: bool = False  # many stores are pushed to at once: each with few threads, and one computes at a time
    computing: threading.Lock = field(default_factory=threading.Lock)
    listed: Listed = field(
        default_factory=dict
    )  # for which taking of the right to push each store's orders were listed


class StoreShelf(Mapping[str, "StoreServices"]):
    """The stores of a config by name, each made when it is first asked for. Safe to use from many threads.

    ``most``: keep the connections of so many, those that were used last; None keeps all.
    """

    def __init__(
        self,
        settings: Mapping[str, StoreSettings],
        ledger: Ledger,
        environment: Environment,
        most: int | None = None,
    ) -> None:
        self._settings, self._ledger, self._environment, self._most = settings, ledger, environment, most
        self._made: OrderedDict[str, StoreServices] = OrderedDict()
        self._borrowed: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> StoreServices:
        """Return a store; raises KeyError where the config has none of that name."""
        with self._lock:
            found = self._made.get(name)
            if found is None or found.settings != self._settings[name]:
                found = self._made[name] = StoreServices(name, self._settings[name], self._ledger, self._environment)
            self._made.move_to_end(name)
            return found

    def __contains__(self, name: object) -> bool:
        """Whether the config has a store of that name; none is made for the answer."""
        return name in self._settings

    @contextmanager
    def borrowed(self, name: str) -> Iterator[StoreServices]:
        """Use a store until the end of the block; meanwhile its connections stay, whatever others are used."""
        found = self[name]
        with self._lock:
            self._borrowed[name] += 1
        try:
            yield found
        finally:
            with self._lock:
                self._borrowed[name] -= 1
                if not self._borrowed[name]:
                    del self._borrowed[name]
                gone = [] if self._made.get(name) is found else [found]
                gone += list(self._too_many())
            for store in gone:
                store.close()

    def _too_many(self) -> Iterator[StoreServices]:
        """Take away and yield the stores that were not used for longest, beyond those that are kept."""
        excess = len(self._made) - self._most if self._most is not None else 0
        idle = [name for name in self._made if name not in self._borrowed] if excess > 0 else []
        for name in idle[:excess]:
            yield self._made.pop(name)

    def take_up(self, settings: Mapping[str, StoreSettings]) -> None:
        """Go on with another config: a store whose settings have changed is made anew when it is next asked for."""
        with self._lock:
            self._settings, self._environment = settings, replace(self._environment, stores=frozenset(settings))
            changed = [name for name, store in self._made.items() if settings.get(name) != store.settings]
            gone = [self._made.pop(name) for name in changed if name not in self._borrowed]
        for store in gone:
            store.close()

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the stores, in the config's order."""
        return iter(self._settings)

    def __len__(self) -> int:
        """How many stores there are."""
        return len(self._settings)

    def close(self) -> None:
        """Wait for what is on the wire and close the connections that were opened."""
        with self._lock:
            made, self._made = list(self._made.values()), OrderedDict()
        for store in made:
            store.close()


class StoreServices:
    """One configured BigCommerce store and everything that talks to it; connections open on first use."""

    def __init__(self, name: str, settings: StoreSettings, ledger: Ledger, environment: Environment) -> None:
        self.name, self.settings = name, settings
        self._ledger, self._clock, self._folder, self._stop = (
            ledger,
            environment.clock,
            environment.folder,
            environment.stop,
        )
        self._present = environment.stores or (name,)
        self._listed = environment.listed
        self._computing: AbstractContextManager[object] = (
            environment.computing if environment.crowded else nullcontext()
        )
        few = min(settings.push.threads, _FEW_THREADS) if environment.crowded else settings.push.threads
        self._push = settings.push.model_copy(update={"threads": few})

    @cached_property
    def governor(self) -> QuotaGovernor:
        """What paces every call to this store."""
        return QuotaGovernor(self._clock, self.settings.connection.quota_share, self._stop)

    @cached_property
    def wire(self) -> HttpTransport:
        """The pooled connections of this store."""
        return store_wire(self.settings.connection, self._clock, connections=self._push.threads + 2)

    def renew_token(self) -> None:
        """Take up the token that its place has now: whoever made a new one need not restart anything."""
        token = self.settings.connection.token
        if not isinstance(token, KeptSecret):
            return
        try:
            is_new = token.read_again()
        except ValueError as error:
            get_logger().warning("token_not_read", store=self.name, why=str(error), cure="The one of before is tried.")
            return
        if is_new:
            self.wire.set_header(AUTH_HEADER, token.get_secret_value())
            get_logger().info("token_renewed", store=self.name)

    @cached_property
    def api(self) -> Api:
        """The store's API, every call paced."""
        return Api(self.wire, self.governor, self._clock, self._stop)

    @cached_property
    def orders(self) -> OrdersClient:
        """The Orders API of this store."""
        return OrdersClient(self.api, trusts_filter=self.settings.push.look_up == "by_key")

    @cached_property
    def info(self) -> StoreClient:
        """What the store says of itself."""
        return StoreClient(self.api)

    @cached_property
    def checkouts(self) -> CheckoutsClient:
        """The carts and checkouts of this store."""
        return CheckoutsClient(self.api)

    @cached_property
    def pricing(self) -> StorePricing:
        """On which side of tax this store prices."""
        return StorePricing(self.name, self._ledger, self.info, self._clock)

    @cached_property
    def currencies(self) -> StoreCurrencies:
        """The currencies that this store takes."""
        return StoreCurrencies(self.name, self._ledger, self.info, self._clock)

    @cached_property
    def matcher(self) -> Matcher:
        """Catalog and customer matches for this store's sales."""
        remotes = Remotes(CatalogClient(self.api), CustomersClient(self.api))
        return Matcher(self.name, self._ledger, remotes, self.settings.rules, self._clock)

    @cached_property
    def circuit(self) -> CircuitBreaker:
        """Whether this store may be spoken to now."""
        settings = self.settings
        return CircuitBreaker(self.name, self._ledger, settings.push, self._clock, settings.rules.longest_key)

    @cached_property
    def catch_up(self) -> CatchUp:
        """What this store has that the ledger may not know of."""
        return CatchUp(self.name, self._ledger, self.orders, self.settings.rules, self._listed)

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
    def observer(self) -> OrderObserver:
        """Looks at what this store has of a sale."""
        return OrderObserver(self.name, self._ledger, self.orders, self.settings.rules)

    @cached_property
    def pusher(self) -> Pusher:
        """What pushes this store's sales."""
        settings = self.settings
        setup = PushSetup(
            self.name,
            self._ledger,
            self.orders,
            self.checkouts,
            self.catch_up,
            self.matcher,
            settings.rules,
            self._push,
            self._clock,
            self.hook,
            self.currencies.allowed,
            self.governor.room,
            self.pricing.includes_tax,
            self._computing,
            self.renew_token,
        )
        return Pusher(setup, self.circuit)

    @cached_property
    def reconciler(self) -> Reconciler:
        """What settles this store's unknown sales."""
        return Reconciler(self.name, self._ledger, self.orders, self.catch_up, self.settings.policy, self._clock)

    @cached_property
    def facts(self) -> MetafieldWriter:
        """What writes the POS's facts to this store's orders."""
        return MetafieldWriter(self.name, self._ledger, MetafieldsClient(self.api), self._clock)

    @cached_property
    def nightly(self) -> DriftCheck:
        """The daily pass over this store's newest orders."""
        return DriftCheck(self.name, self._ledger, self.orders, self.settings.rules, self._clock)

    def check_daily(self) -> list[Alert]:
        """Go through the newest orders: archive stray drafts, and return the alerts that the rest opened.

        Raises:
            RemoteError: the store could not be read.

        """
        archive_stray_drafts(self.name, self._ledger, self.orders, self.settings.rules, self._clock)
        return self.nightly.run()

    def bind(self) -> None:
        """Tie this store's name to its hash.

        Raises:
            LedgerError: the ledger knows one of them by another.

        """
        self._ledger.stores.bind(self.name, self.settings.connection.store_hash, self._present)

    def check_binding(self) -> None:
        """Raise what ``bind`` would raise; nothing is written."""
        self._ledger.stores.check_binding(self.name, self.settings.connection.store_hash, self._present)

    @contextmanager
    def leased(self) -> Iterator[Lease]:
        """Hold the right to push to this store; what a dead holder left on the wire becomes unknown first.

        Raises:
            Busy: somebody else holds it.
            LedgerError: the ledger knows this store's name by another store hash.

        """
        self.bind()
        with self._ledger.lease(self.name) as lease:
            self._ledger.attempts.recover_interrupted(lease)
            yield lease

    def requests_per_s(self) -> float | None:
        """How many requests a second the quota lets through, by the last answer; one is asked for where there was none yet."""
        try:
            if self.governor.report().quota is None:
                self.info.store()
        except StoreError:
            return None
        seen = self.governor.report()
        return seen.quota * self.settings.connection.quota_share / seen.window_s if seen.quota else None

    def push(self, lease: Lease, stop: threading.Event, limit: int | None = None) -> PushReport:
        """One pass: settle what is unknown and due, then push what is due."""
        self.reconcile(lease, stop)
        report = self.pusher.run(lease, stop, limit)
        if self.settings.rules.metafields and not self.circuit.paused:
            self.facts.write(stop)
        return report

    def reconcile(self, lease: Lease, stop: threading.Event) -> ReconcileReport:
        """Settle the unknown sales whose look-up is due."""
        return self.reconciler.run(lease, self.circuit, stop)

    def close(self) -> None:
        """Close the connections that were opened."""
        if "wire" in self.__dict__:
            self.wire.close()
