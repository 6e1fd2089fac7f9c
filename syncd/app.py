"""The composition root: a config in, the ledger, the sources and the stores out. Nothing else constructs the rooms."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from syncd.clock import Clock, Now, SystemClock
from syncd.config import Config
from syncd.errors import SourceError
from syncd.intake.admission import Admissions, Candidate, NotAdmitted
from syncd.ledger import Estimate, Ledger
from syncd.naming import candidates, under_keys
from syncd.sale.decide import StepDecider
from syncd.sale.outgoing import EventKind
from syncd.sale.policy import StorePolicy
from syncd.sale.sale import IncomingVersion, new_sale, saying
from syncd.sale.states import State
from syncd.source_runner import SourceRunner
from syncd.sources import FolderReport, HasFolder, Source, SourceContext, registry
from syncd.trials import under_answers

if TYPE_CHECKING:
    from syncd.stores import StoreShelf


@dataclass(frozen=True)
class App:
    """Everything that a command or the daemon works with."""

    config: Config
    clock: Clock
    ledger: Ledger
    decider: StepDecider
    tills: Mapping[str, SourceRunner]
    stop: threading.Event
    most_stores: int | None = None
    kept_stores: StoreShelf | None = None

    @cached_property
    def stores(self) -> StoreShelf:
        """The stores of the config by name, for what talks to them; their settings are in the config itself."""
        from syncd.stores import Environment, StoreShelf  # noqa: PLC0415  a command that only shows things need not wait for it

        crowded = self.most_stores is not None
        environment = Environment(
            self.clock, self.config.base_dir, self.stop, frozenset(self.config.stores), crowded=crowded
        )
        return self.kept_stores or StoreShelf(self.config.stores, self.ledger, environment, self.most_stores)

    def build_sources(self) -> None:
        """Build every adapter now, so that one which cannot be built is heard of at the start.

        Raises:
            SourceError: a source cannot be built.

        """
        for till in self.tills.values():
            _ = till.source

    def host_of(self, source: str) -> str:
        """Return the one machine of a fleet that reads a source; empty where any does, and for sources that are gone."""
        return self.tills[source].pinned_to if source in self.tills else ""

    def close(self) -> None:
        """Wait for what is on the wire and close the connections that were opened."""
        if "stores" in self.__dict__:
            self.stores.close()

    def estimate(
        self, till: SourceRunner, start: datetime, end: datetime, moved: Callable[[], None] = lambda: None
    ) -> Estimate:
        """Return what a backfill of ``[start, end)`` would do, and how long that takes at the quota that its stores have now.

        ``moved`` is called with every sale that was counted.

        Raises:
            SourceError: the source could not be read.

        """

        def judged(said: IncomingVersion, store: str) -> State:
            moved()
            return self._judged(said, store)

        counted = till.estimate(start, end, judged, self.stop)
        paces = [pace for store in till.config.common.all_stores if (pace := self.stores[store].requests_per_s())]
        return replace(counted, seconds=counted.requests / min(paces)) if paces else counted

    def _judged(self, said: IncomingVersion, store: str) -> State:
        """Return the state in which a sale would be recorded, were it recorded now."""
        kept = self.ledger.sales.get(said.order.sale_key)
        sale = saying(kept, said) if kept is not None else new_sale(said, store, self.clock.now())
        return self.decider(sale, Now.of(self.clock), said).state

    def not_admitted(self) -> dict[str, SourceError]:
        """Return the sources that are not read before a person has said which they are."""
        found: dict[str, SourceError] = {}
        for name, till in self.tills.items():
            if till.candidate.unknown is not None:
                continue  # a command without secrets cannot tell; the daemon can
            try:
                till.try_admit()
            except NotAdmitted as error:
                found[name] = error
        return found

    def folder_reports(self) -> dict[str, FolderReport | SourceError]:
        """Return what lies in the folder of each source that has one; what another source of that folder reads is not strange."""
        found: dict[str, FolderReport | SourceError] = {}
        for name in self.tills:
            try:
                report = self.folder_report(name)
            except SourceError as error:
                found[name] = error
            else:
                if report is not None:
                    found[name] = report
        return found

    def folder_report(self, source: str) -> FolderReport | None:
        """Return what lies in the folder of one source, as ``folder_reports`` does; None where it has none.

        Raises:
            SourceError: the folder cannot be read.

        """
        till = self.tills[source]
        if not issubclass(till.adapter, HasFolder) or not isinstance(till.source, HasFolder):
            return None
        report = till.source.folder_report()
        if not report.strange:
            return report
        others = [
            other.source
            for name, other in self.tills.items()
            if name != source and issubclass(other.adapter, HasFolder)
        ]
        readers = [other for other in others if isinstance(other, HasFolder)]
        return replace(
            report, strange=tuple(one for one in report.strange if not any(other.takes(one) for other in readers))
        )


@dataclass
class Foundation:
    """What an app stands on, and what stays where a worker takes up another config: the ledger, the clock, the event to stop.

    ``policies`` are what the sales of each store are decided by; the ledger's decider reads them. ``events`` are the kinds of
    events that the ledger keeps for other programs.
    """

    ledger: Ledger
    clock: Clock
    stop: threading.Event
    decider: StepDecider
    policies: dict[str, StorePolicy] = field(default_factory=dict)
    events: set[EventKind] = field(default_factory=set)
    most_stores: int | None = None

    def build(self, config: Config, before: App | None = None) -> App:
        """Build what a config names; connections open when they are first used.

        With ``before``, the app of another config: stores and sources that have not changed stay as they are.

        Raises:
            LedgerError: the ledger cannot be read.

        """
        found = candidates(config, self.ledger.sources.known())
        config = under_answers(under_keys(config, found), self.ledger)
        for name, settings in config.stores.items():
            self.policies[name] = settings.policy
        for name in self.policies.keys() - config.stores.keys():
            del self.policies[name]
        self.events.clear()
        self.events |= config.events.wanted
        present = {other.name: other.reads for other in found.values() if other.unknown is None}
        admissions = Admissions(self.ledger.sources.known, present, self.clock)
        tills = {name: self._till(candidate, admissions, config) for name, candidate in found.items()}
        if before is None:
            return App(config, self.clock, self.ledger, self.decider, tills, self.stop, self.most_stores)
        tills = {
            name: before.tills[name] if till.is_as(before.tills.get(name)) else till for name, till in tills.items()
        }
        before.stores.take_up(config.stores)
        return App(config, self.clock, self.ledger, self.decider, tills, self.stop, kept_stores=before.stores)

    def _till(self, candidate: Candidate, admissions: Admissions, whole: Config) -> SourceRunner:
        """One source: its adapter, constructed with its settings and with what every adapter gets."""
        name, ledger, tills = candidate.name, self.ledger, list[SourceRunner]()
        config = whole.sources[name]

        def start() -> datetime:
            return tills[0].walk_from()  # asked only once the till that answers is there

        known = partial(ledger.sales.ids_placed, name)
        context = SourceContext(
            candidate.keys, self.clock, whole.base_dir, self.stop, ledger.sources.private(name), start, known, name
        )

        def build() -> Source:
            source: Source = registry.load(config.common.type)(config.settings, context)
            return source

        rules = {store: whole.stores[store].rules for store in config.common.all_stores}
        longest = frozenset(one.longest_key for one in rules.values())
        twins = frozenset(store for store, one in rules.items() if one.twins == "hold")
        tips = frozenset(store for store, one in rules.items() if one.tips == "note")
        links = frozenset(store for store, one in rules.items() if one.link_returns == "where_one_fits")
        about = (candidate, admissions, longest, twins, tips, links)
        tills.append(SourceRunner(name, config, build, ledger, self.clock, *about))
        return tills[0]


@contextmanager
def open_foundation(
    config: Config, clock: Clock | None = None, stop: threading.Event | None = None, *, upgrades: bool = True
) -> Iterator[Foundation]:
    """Open the ledger that a config names; without ``upgrades``, only where its tables need none.

    Raises:
        LedgerError: it cannot be opened.

    """
    policies: dict[str, StorePolicy] = {}
    events: set[EventKind] = set(config.events.wanted)
    clock, decider = clock or SystemClock(), StepDecider(policies)
    url = config.ledger_url.get_secret_value()
    with Ledger.open(url, clock, decider, upgrades=upgrades, events=events) as ledger:
        yield Foundation(ledger, clock, stop or threading.Event(), decider, policies, events)


@contextmanager
def open_app(
    config: Config, clock: Clock | None = None, stop: threading.Event | None = None, *, upgrades: bool = True
) -> Iterator[App]:
    """Open the ledger and build what the config names; connections to stores open when they are first used.

    Once ``stop`` is set, nothing waits for a store's quota any more and nothing new is asked of a store. ``upgrades``: as in
    ``open_foundation``.

    Raises:
        LedgerError: the ledger cannot be opened.

    """
    with open_foundation(config, clock, stop, upgrades=upgrades) as foundation, ExitStack() as exits:
        app = foundation.build(config)
        for till in app.tills.values():
            exits.callback(till.close)
        exits.callback(app.close)
        yield app
