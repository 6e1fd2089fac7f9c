"""One configured source: admitted, polled, heard by webhook, backfilled; its adapter is built when it is first needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property

from msgspec.structs import replace

from syncd.canonical.sale_key import LONGEST_KEY
from syncd.clock import Clock
from syncd.config import SourceConfig
from syncd.errors import NotListed
from syncd.intake import PollReport, fetch_announced, link_where_one_fits, poll
from syncd.intake.admission import Admissions, Candidate, types_before
from syncd.intake.backfill import StateOf, estimate, of_days, walk
from syncd.intake.poll import record_all
from syncd.ledger import BEGUN_ANEW, Alert, Backfill, Estimate, Ledger, RecordOptions
from syncd.logs import bind, get_logger
from syncd.sources import FetchesOne, HasFolder, Received, Source, registry

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
    admissions: Admissions
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

    def is_as(self, other: SourceRunner | None) -> bool:
        """Whether another runner reads the same in the same way; what other sources read may differ."""
        return other is not None and all(
            getattr(self, one.name) == getattr(other, one.name)
            for one in fields(self)
            if one.name not in ("build", "admissions", "_admitted")
        )

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
            sources, reads = self.ledger.sources, self.candidate.reads.to_json()
            # One that was admitted as it is now was compared with all others then: of thousands, each start would compare each.
            if self.candidate.unknown is not None or not sources.is_noted(self.name, self.keys, reads):
                self.try_admit()
                sources.note(self.name, self.keys, reads)
                self.admissions.noted(self.candidate)
            self._admitted.set()

    def confirm(self) -> None:
        """Confirm, for a person, that this source is none that the ledger knows by another name.

        Raises:
            NotAdmitted: its name, or that in its sale keys, is another source's.

        """
        sources, text = self.ledger.sources, self.candidate.reads.to_json()
        own = self.admissions.check(self.candidate, confirmed=True)
        if own is not None and types_before(self.candidate, own):
            sources.begin_anew(self.name)
            if self.carries_from_now:
                self.ledger.sources.private(self.name).start_from(self.clock.now)
        sources.note(self.name, self.keys, text)
        self.admissions.noted(self.candidate)

    def try_admit(self) -> None:
        """Try ``admit``, and note nothing."""
        self.admissions.check(self.candidate)

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
    def pinned_to(self) -> str:
        """The one machine of a fleet that can read it; empty where any can."""
        return "" if self.config.common.host == "*" else self.config.common.host

    @property
    def is_polled(self) -> bool:
        """Whether there is anything to ask: a source that is told, and never asks, has nothing."""
        return getattr(self.adapter, "POLLED", True)

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
        from syncd.sources.csv.times import zone  # noqa: PLC0415  only a range of days asks, and reading dates loads much

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
