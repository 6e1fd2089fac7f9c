"""What every POS in the cloud does alike: cursor, overlap, look-back, walk, range, de-duplication, webhook, consent.

The walks that must lose nothing are here, once; an adapter describes its API and reads its records. Knows no vendor.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, TypeVar

from msgspec.structs import replace
from pydantic import BaseModel

from syncd.canonical import Batch, Cursor
from syncd.errors import SourceError
from syncd.sources.base import Finding
from syncd.sources.capabilities import Delivery, Received
from syncd.sources.cloud.access import Access
from syncd.sources.cloud.feed import Ask, Feed, Page
from syncd.sources.cloud.settings import CloudSettings
from syncd.sources.consent import Consent
from syncd.sources.context import SourceContext
from syncd.sources.dedup import RecentRecords
from syncd.sources.errors import Forged
from syncd.sources.http import HttpClient
from syncd.sources.positions import WHOLE, Position, Positions, order_of, spans
from syncd.sources.records import Document, ParseResult, fault, parse_each
from syncd.sources.setup import Setup

S = TypeVar("S", bound=CloudSettings)
_A_DAY = timedelta(days=1)
_LONGEST_ID = 192
Read = Callable[[Document], ParseResult]


class CloudSource(ABC, Generic[S]):
    """One account of a POS in the cloud. A subclass says at least ``feed``, ``pages``, ``reader`` and ``findings``."""

    Settings: ClassVar[type[BaseModel]]
    SETUP: ClassVar[Setup]

    feed: Feed
    http: HttpClient

    def __init__(self, settings: S, context: SourceContext, access: Access | None = None) -> None:
        self.settings, self.context, self._access = settings, context, access
        mark = self.feed.mark
        self._recent: RecentRecords[Document] = RecentRecords(
            self.id_of, (lambda one: one.get(mark)) if mark else _all_of_it
        )

    # What an adapter says of its POS

    @abstractmethod
    def pages(self, ask: Ask) -> Iterator[Page]:
        """Yield the records of a list, page by page.

        Raises:
            SourceError: the POS cannot be asked.

        """

    @abstractmethod
    def reader(self, records: Sequence[Document]) -> Read:
        """Return what reads these records, once what they name was looked up."""

    @abstractmethod
    def findings(self) -> Sequence[Finding]:
        """Return what ``syncd check`` says; a SourceError is a finding, too."""

    def one(self, sale_id: str) -> Document | None:
        """Return one record; None where there is none, none that is whole yet, or no way to ask for one."""
        del sale_id
        return None

    def prepare(self) -> None:
        """Look up what a walk needs; its answer tells the POS's own clock."""

    def partitions(self) -> Sequence[str]:
        """Return the parts of the account that are walked each by itself: locations, kinds of records."""
        return WHOLE

    def range_partitions(self) -> Sequence[str]:
        """Return those that a range is read from."""
        return self.partitions()

    def place_at(self, when: datetime) -> Position:
        """Return the place in the list at which a walk of all since ``when`` begins."""
        return when

    def trusted(self, positions: Positions) -> Positions:
        """Return a cursor's positions, without those that the account has not reached."""
        return positions

    def whole(self, records: Sequence[Document], ask: Ask) -> Sequence[Document]:
        """Return the sales that listed records stand for, with what the list left out of them."""
        del ask
        return records

    def is_settled(self, record: Document) -> bool:
        """Whether a record is whole, so that it need not be read again unless it changes."""
        del record
        return True

    def id_of(self, record: Document) -> str:
        """Return what names a record."""
        return str(record.get(self.feed.id))

    def heard(self, delivery: Delivery, webhook: Any) -> Received:  # noqa: ANN401  the adapter's own settings
        """Return which sales a delivery is about, its proof checked; ``webhook`` is the table of that name in the config.

        Raises:
            Forged: it carries no proof, or a wrong one.
            ValueError: its body is not what the vendor sends.

        """
        del delivery, webhook
        raise Forged("this kind of source takes no webhooks", "Remove its webhook from the config.")

    # The source, see ``base.Source`` and ``capabilities``

    def fetch(self, since: Cursor | None) -> Iterator[Batch]:
        """Yield what was changed since the cursor, less an overlap; then, once in a while, the last days again."""
        self.prepare()
        now = self.http.now()
        known = self.trusted(Positions.read(since, now + _A_DAY))
        begin = {part: self._begin(known, part) for part in self.partitions()}
        at = known if known.reached else self._first(begin, now)
        for batch, moved in self._walk(self.feed.changed, replace(at, reached=begin), self._end(now), at):
            yield batch
            at = moved
            if self.context.stop.is_set():
                return
        if not timedelta(0) <= now - at.looked_at < self.settings.look_back_every:
            at = self._with_a_version(at, now - self.settings.look_back)
            yield from self._look_back(replace(at, reached=known.reached), begin, now)
            if not self.context.stop.is_set():
                yield Batch((), (), at.looked(now, self.settings.look_back).text())

    def fetch_range(self, start: datetime, end: datetime, since: Cursor | None = None) -> Iterator[Batch]:
        """Yield the sales placed in ``[start, end)``, asked for by the time of sale."""
        self.prepare()
        known, now = Positions.read(since), self.http.now()
        parts = self.range_partitions()
        missing = [part for part in parts if part not in known.reached]
        first = dict.fromkeys(missing, self.place_at(start - self.feed.early)) if missing else {}
        at = Positions({**first, **{part: place for part, place in known.reached.items() if part in parts}})
        until = self._end(now) if self.feed.late is None else min(end + self.feed.late, now)
        for batch, _ in self._walk(self.feed.placed, at, until, at, again=True):
            yield batch.placed_within(start, end)
            if self.context.stop.is_set():
                return

    def fetch_one(self, sale_id: str) -> Batch | None:
        """Return one sale by its id; None where there is none, or none that is whole yet."""
        self.prepare()
        found = self.one(sale_id)
        return None if found is None else self._batch([found], Ask(WHOLE, "", 0), None)

    def receives(self) -> bool:
        """Whether a webhook is configured."""
        return getattr(self.settings, "webhook", None) is not None

    def receive(self, delivery: Delivery) -> Received:
        """Return which sales a delivery is about; a mere hint to poll where it names none."""
        if not self.receives():
            raise Forged("this source has no webhook in its config", "Add [sources.<name>.webhook].")
        heard = self.heard(delivery, getattr(self.settings, "webhook", None))
        return replace(heard, sales=tuple(one for one in dict.fromkeys(heard.sales) if 0 < len(one) <= _LONGEST_ID))

    def consent(self) -> Consent | None:
        """Return how the owner gives access; None where the config has a token of the account's own."""
        return self._access.consent() if self._access is not None else None

    def check(self) -> Sequence[Finding]:
        """Whether the token opens the account, and what it sees there."""
        try:
            return self.findings()
        except SourceError as error:
            return [Finding("error", error.what, error.cure)]

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    # The walk

    def _end(self, now: datetime) -> datetime | None:
        return None if self.feed.ahead is None else now + self.feed.ahead

    def _begin(self, known: Positions, part: str) -> Position:
        reached = known.reached.get(part)
        if reached is None:
            start = self.place_at(self.context.start_from())
            return max(start, self.feed.oldest) if isinstance(start, datetime) else start
        if isinstance(reached, int):
            return reached
        overlap: timedelta = getattr(self.settings, "overlap", timedelta(0))
        return max(reached - overlap, self.feed.oldest)

    def _first(self, begin: Mapping[str, Position], now: datetime) -> Positions:
        """Return the positions of a first walk: its beginning is a version to look back to, unless it lies long ago."""
        if self.context.start_from() < now - self.settings.look_back:
            return Positions(looked_at=now)
        return replace(Positions(begin).looked(now, self.settings.look_back), reached={})

    def _with_a_version(self, at: Positions, long_ago: datetime) -> Positions:
        """Look up which version had been reached, where no poll has noted it."""
        if at.passed or not any(isinstance(place, int) for place in at.reached.values()):
            return at
        version = self.place_at(max(long_ago, self.context.start_from()))
        return replace(at, passed=((long_ago, version),)) if isinstance(version, int) else at

    def _look_back(self, known: Positions, begin: Mapping[str, Position], now: datetime) -> Iterator[Batch]:
        """Read the last days again, up to where the walk began: what the POS shows late has a time that was passed already."""
        by = self.feed.look_back or self.feed.changed
        back = {part: self._back(known, begin[part], now) for part in known.reached if part in begin}
        for where in Positions(back).groups(self.feed.partitions_at_once):
            ends = [begin[part] for part in where] if by == self.feed.changed else [now + _A_DAY]
            ask = Ask(where, by, back[where[0]], max(ends, key=order_of))
            for page in self.pages(ask) if ask.begin != ask.end else ():
                fresh = self._recent.fresh(page.records)
                if fresh:
                    yield self._batch(fresh, ask, None)
                    self._note(fresh)
                if self.context.stop.is_set():
                    return
                if ask.is_passed(page.reached):
                    break

    def _back(self, known: Positions, begin: Position, now: datetime) -> Position:
        long_ago = now - self.settings.look_back
        if isinstance(begin, int):
            version = known.version_at(long_ago)
            return begin if version is None else min(version, begin)
        return min(begin, max(long_ago, self.context.start_from()))

    def _walk(
        self, by: str, begin: Positions, end: datetime | None, at: Positions, *, again: bool = False
    ) -> Iterator[tuple[Batch, Positions]]:
        """Yield batches, each with the positions of its cursor. ``again``: what was read before is yielded, too."""
        for where in begin.groups(self.feed.partitions_at_once):
            first = begin.reached[where[0]]
            if self.feed.spans:
                assert isinstance(first, datetime)  # noqa: S101  a list in spans is one by time
                assert end is not None  # noqa: S101  and its walks have ends
                walk = self._walk_spans(where, by, (first, end), at, again)
            else:
                walk = self._walk_on(Ask(where, by, first, end), at, again)
            for batch, moved in walk:
                yield batch, moved
                at = moved
                if self.context.stop.is_set():
                    return

    def _walk_on(self, ask: Ask, at: Positions, again: bool) -> Iterator[tuple[Batch, Positions]]:
        """Walk a list that is oldest first: every page moves the cursor."""
        for page in self.pages(ask):
            at = at.move(ask.where, page.reached)
            fresh = page.records if again else self._recent.fresh(page.records)
            if fresh:
                yield self._batch(fresh, ask, at.text()), at
                self._note(fresh)

    def _walk_spans(
        self, where: tuple[str, ...], by: str, span: tuple[datetime, datetime], at: Positions, again: bool
    ) -> Iterator[tuple[Batch, Positions]]:
        """Walk a list span after span, oldest first. Until the end of a span the cursor stays at its beginning."""
        (part,) = where
        written: Position | None = at.reached.get(part)
        for begin, end in spans(*span, self.feed.first_span, self.feed.longest_span):
            ask, found = Ask(where, by, begin, end), False
            at = at.move(where, begin)
            for page in self.pages(ask):
                fresh = page.records if again else self._recent.fresh(page.records)
                if fresh or page.left_out:
                    found = found or bool(fresh)
                    batch = self._batch(fresh, ask, at.text() if fresh else None)
                    yield replace(batch, left_out={**batch.left_out, **page.left_out}), at
                    self._note(fresh)
                if self.context.stop.is_set():
                    return
            upto = min(end, self.http.now())
            quiet = not isinstance(written, datetime) or upto - written >= self.feed.cursor_every
            if found or (quiet and end >= span[1]):
                at = at.move(where, upto)
                yield Batch((), (), at.text()), at
                written = upto

    def _note(self, records: Sequence[Document]) -> None:
        self._recent.note([one for one in records if self.is_settled(one)])

    def _batch(self, records: Sequence[Document], ask: Ask, cursor: Cursor | None) -> Batch:
        whole = self.whole(records, ask)
        return parse_each(
            whole, self.reader(whole), cursor, lambda one, why: fault({**one, "id": self.id_of(one)}, why)
        )


def _all_of_it(record: Document) -> object:
    return hash(repr(record))
