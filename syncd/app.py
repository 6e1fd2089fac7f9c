"""The composition root: a config in, the ledger, the sources and the stores out. Nothing else constructs the rooms."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property, partial
from typing import TYPE_CHECKING

from syncd.canonical.sale_key import LONGEST_KEY
from syncd.clock import Clock, Now, SystemClock
from syncd.config import Config, SourceConfig
from syncd.errors import NotListed, SourceError
from syncd.intake import PollReport, fetch_announced, link_where_one_fits, poll
from syncd.intake.admission import Candidate, NotAdmitted, admit, types_before
from syncd.intake.backfill import StateOf, estimate, of_days, walk
from syncd.intake.poll import record_all
from syncd.ledger import BEGUN_ANEW, Alert, Backfill, Estimate, Ledger, RecordOptions
from syncd.logs import bind, get_logger
from syncd.naming import candidates, under_keys
from syncd.sale.decide import StepDecider
from syncd.sale.policy import StorePolicy
from syncd.sale.sale import IncomingVersion, new_sale, saying
from syncd.sale.states import State
from syncd.sources import (
    FetchesOne,
    FolderReport,
    HasFolder,
    Received,
    Source,
    SourceContext,
    registry,
)
from syncd.sources.csv.times import zone
from syncd.sources.sameness import Reads
from syncd.trials import under_answers

if TYPE_CHECKING:
    from syncd.stores import StoreServices


_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_CHANGED_WITHIN = timedelta(days=1)  # a change that a lost ledger had not sent yet is hardly older


@dataclass(frozen=True)
class SourceRunner:
    """One configured source, ready to be polled. Its adapter is built when it is first needed."""

    name: str
    config: SourceConfig
    build: Callable[[], Source]
    ledger: Ledger
    clock: Clock
    candidate: Candidate
    present: Mapping[str, Reads]
    longest_keys: frozenset[int] = frozenset({LONGEST_KEY})
    holds_twins: frozenset[str] = frozenset()
    tips_in_note: frozenset[str] = frozenset()
    links_returns: frozenset[str] = frozenset()
    _admitted: threading.Event = field(default_factory=threading.Event)

    @cached_property
    def source(self) -> Source:
        """The adapter, built with its settings.

        Raises:
            SourceError: it cannot be built.
            SecretMissing: it needs a secret that cannot be read here.

        """
        return self.build()

    @property
    def adapter(self) -> type:
        """The adapter's class, which says without any secret what a source can do."""
        adapter: type = registry.load(self.config.common.type)
        return adapter

    def close(self) -> None:
        """Close the adapter, if it was built."""
        if "source" in self.__dict__:
            self.source.close()

    @property
    def keys(self) -> str:
        """The name with which its sale keys begin: its first one."""
        return self.candidate.keys

    def admit(self) -> None:
        """Admit the source, if it may be read (see ``intake.admission``); ask the ledger until it may.

        Raises:
            NotAdmitted: a person must say first which source it is.

        """
        if not self._admitted.is_set():
            self.try_admit()
            self.ledger.sources.note(self.name, self.keys, self.candidate.reads.to_json())
            self._admitted.set()

    def confirm(self) -> None:
        """Confirm, for a person, that this source is none that the ledger knows by another name.

        Raises:
            NotAdmitted: its name, or that in its sale keys, is another source's.

        """
        sources, text = self.ledger.sources, self.candidate.reads.to_json()
        known = sources.known()
        admit(self.candidate, known, self.present, confirmed=True)
        own = known.get(self.name)
        if own is not None and types_before(self.candidate, own):
            sources.begin_anew(self.name)
            if self.carries_from_now:
                self.ledger.sources.private(self.name).start_from(self.clock.now)
        sources.note(self.name, self.keys, text)

    def try_admit(self) -> None:
        """Try ``admit``, and note nothing."""
        admit(self.candidate, self.ledger.sources.known(), self.present)

    def poll(self, stop: threading.Event, seen: Callable[[PollReport], None] = lambda _: None) -> PollReport:
        """Record what is new; see ``intake.poll``."""
        self.admit()
        return self._linked(poll(self.source, self._options(), self.ledger, stop, seen))

    def fetch_announced(self, stop: threading.Event) -> PollReport:
        """Record the sales that webhooks named; see ``intake.fetch_announced``."""
        if not isinstance(self.source, FetchesOne):
            return PollReport()
        self.admit()
        return self._linked(fetch_announced(self.source, self._options(), self.ledger, stop))

    def _linked(self, polled: PollReport) -> PollReport:
        """Link returns to their sales, where the rules say so and something came that may fit."""
        if self.links_returns and (polled.held or polled.new):
            link_where_one_fits(self.ledger, self.name, self.links_returns)
        return polled

    def keep(self, received: Received) -> None:
        """Keep what a webhook says: it is in the ledger on return, so that its sender may forget it.

        Raises:
            LedgerError: it could not be kept; the sender must send it again.
            NotAdmitted: the same, until a person has said which source this is.

        """
        self.admit()
        if received.batch is not None:
            posted = replace(self._options(), just_asked=False)
            record_all(iter((received.batch,)), posted, self.ledger, threading.Event())
        if received.sales:
            self.ledger.sources.announce(self.name, received.sales)

    @property
    def has_past(self) -> bool:
        """Whether the source is an account with sales of years; what somebody drops into a folder, or posts, is wanted as it is."""
        return getattr(self.adapter, "HAS_PAST", not issubclass(self.adapter, HasFolder))

    @property
    def carries_from_now(self) -> bool:
        """Whether sales are sent from the first poll on."""
        return (self.config.common.start_from or ("now" if self.has_past else "ever")) == "now"

    def start_from(self) -> datetime | None:
        """Since when this source's sales are carried: as the config says, and settled at its first poll; None for all.

        Raises:
            NotListed: it is not settled yet, and nobody knows yet whether its stores have orders of it.

        """
        if self.carries_from_now:
            return self.ledger.sources.private(self.name).kept_start() or self._begin()
        wanted = self.config.common.start_from
        return wanted if isinstance(wanted, datetime) else None

    def walk_from(self) -> datetime:
        """Since when the source is read where it was never read before; raises NotListed as ``start_from`` does."""
        start = self.start_from()
        return (self.ledger.sources.private(self.name).walk_from() if self.carries_from_now else None) or start or _EVER

    def _begin(self) -> datetime:
        """Settle since when sales are carried: from now on, or from the newest order on where a ledger was lost."""
        kept, places = self.ledger.sources.private(self.name), self.config.common.all_stores
        asked = kept.asked_first()
        if unlisted := self.ledger.stores.unlisted(places):
            what = f"{self.name} waits until the orders of {', '.join(unlisted)} were listed once"
            raise NotListed(what, "Nothing to do: what is sold from now on is sent then.")
        newest = self.ledger.stores.newest_of(self.keys, places)
        if newest is None or newest >= asked:
            return kept.start_from(lambda: asked)
        start = kept.begin_anew(newest, newest - _CHANGED_WITHIN)
        words = (
            f"BigCommerce has orders of {self.name} from before this ledger read it: "
            f"its sales are sent from its newest order on, {start:%Y-%m-%d %H:%M} UTC"
        )
        cure = f"An earlier sale without an order is left out. To send it: syncd backfill --source {self.name}"
        for alert in self.ledger.alerts.raise_new([Alert(places[0], BEGUN_ANEW, self.name, words, cure)]):
            get_logger().warning("alert", store=alert.store, kind=alert.kind, why=alert.words, cure=alert.cure)
        return start

    def backfill(
        self, asked: Backfill, stop: threading.Event, seen: Callable[[PollReport], None] = lambda _: None
    ) -> PollReport:
        """Record what is left of a backfill; see ``intake.walk``."""
        self.admit()
        with bind(source=self.name, backfill=asked.number):
            return self._linked(walk(self.source, asked, self.zone, self._options_by_name(), self.ledger, stop, seen))

    def estimate(self, start: datetime, end: datetime, judged: StateOf, stop: threading.Event) -> Estimate:
        """Count what a backfill of ``[start, end)`` would record; see ``intake.estimate``."""
        self.try_admit()
        return estimate(
            of_days(self.source, (start, end), self.zone), self._options_by_name(), self.ledger, judged, stop
        )

    @property
    def zone(self) -> tzinfo:
        """The time zone in which this source's days begin and end."""
        name = getattr(self.config.settings, "timezone", None)
        return zone(str(name)) if name else UTC

    def _options(self) -> RecordOptions:
        return replace(self._options_by_name(), not_before=self.start_from(), longest_keys=self.longest_keys)

    def _options_by_name(self) -> RecordOptions:
        """For what was asked for by name: no sale of it is too early."""
        return RecordOptions(
            self.name,
            self.config.common.store_of,
            just_asked=True,
            keys=self.keys,
            holds_twins=self.holds_twins,
            tips_in_note=self.tips_in_note,
        )


@dataclass(frozen=True)
class App:
    """Everything that a command or the daemon works with."""

    config: Config
    clock: Clock
    ledger: Ledger
    decider: StepDecider
    tills: Mapping[str, SourceRunner]
    stop: threading.Event

    @cached_property
    def stores(self) -> Mapping[str, StoreServices]:
        """The stores of the config, for what talks to them; their names and settings are in the config itself."""
        from syncd.stores import Environment, StoreServices  # noqa: PLC0415  a command that only shows things need not wait for it

        environment = Environment(self.clock, self.config.base_dir, self.stop, frozenset(self.config.stores))
        return {
            name: StoreServices(name, settings, self.ledger, environment)
            for name, settings in self.config.stores.items()
        }

    def build_sources(self) -> None:
        """Build every adapter now, so that one which cannot be built is heard of at the start.

        Raises:
            SourceError: a source cannot be built.

        """
        for till in self.tills.values():
            _ = till.source

    def close(self) -> None:
        """Wait for what is on the wire and close the connections that were opened."""
        for store in self.stores.values() if "stores" in self.__dict__ else ():
            store.close()

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
        tills = {name: till.source for name, till in self.tills.items() if issubclass(till.adapter, HasFolder)}
        sources = {name: source for name, source in tills.items() if isinstance(source, HasFolder)}
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

    """
    clock, stop = clock or SystemClock(), stop or threading.Event()
    with ExitStack() as exits:
        grounds: dict[str, StorePolicy] = {}
        decider = StepDecider(grounds)
        ledger = exits.enter_context(Ledger.open(config.ledger_url.get_secret_value(), clock, decider))
        found = candidates(config, ledger.sources.known())
        config = under_answers(under_keys(config, found), ledger)
        grounds |= {name: settings.policy for name, settings in config.stores.items()}
        tills: dict[str, SourceRunner] = {}
        frame = _Frame(ledger, clock, stop)
        for name, candidate in found.items():
            tills[name] = _till(candidate, found, config, frame)
            exits.callback(tills[name].close)
        app = App(config, clock, ledger, decider, tills, stop)
        exits.callback(app.close)
        yield app


@dataclass(frozen=True, slots=True)
class _Frame:
    """What every source is built with."""

    ledger: Ledger
    clock: Clock
    stop: threading.Event


def _till(candidate: Candidate, others: Mapping[str, Candidate], whole: Config, app: _Frame) -> SourceRunner:
    """One source: its adapter, constructed with its settings and with what every adapter gets."""
    name, ledger, tills = candidate.name, app.ledger, list[SourceRunner]()
    config = whole.sources[name]

    def start() -> datetime:
        return tills[0].walk_from()  # asked only once the till that answers is there

    known = partial(ledger.sales.ids_placed, name)
    context = SourceContext(
        candidate.keys, app.clock, whole.base_dir, app.stop, ledger.sources.private(name), start, known, name
    )

    def build() -> Source:
        source: Source = registry.load(config.common.type)(config.settings, context)
        return source

    rules = {store: whole.stores[store].rules for store in config.common.all_stores}
    longest = frozenset(one.longest_key for one in rules.values())
    twins = frozenset(store for store, one in rules.items() if one.twins == "hold")
    tips = frozenset(store for store, one in rules.items() if one.tips == "note")
    links = frozenset(store for store, one in rules.items() if one.link_returns == "where_one_fits")
    present = {other.name: other.reads for other in others.values() if other.unknown is None}
    tills.append(SourceRunner(name, config, build, ledger, app.clock, candidate, present, longest, twins, tips, links))
    return tills[0]
