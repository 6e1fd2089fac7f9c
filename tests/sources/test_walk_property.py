"""Whatever shows late, and wherever a process dies: the walk tells of every sale as it is now, once its look-back is done."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from hypothesis import given
from hypothesis import settings as under
from hypothesis import strategies as st
from pydantic import BaseModel

from syncd.canonical import Cursor
from syncd.sources.base import Finding
from syncd.sources.cloud import Ask, CloudSettings, CloudSource, Feed, Page, Read
from syncd.sources.context import Memory, SourceContext
from syncd.sources.http import HttpClient
from syncd.sources.positions import Position
from syncd.sources.records import Document, ParsedSale
from syncd.testing.clocks import ManualClock
from syncd.testing.orders import sale

_PAGE = 3
_LATEST = timedelta(hours=20)  # how much later than it was made a record may show: well within the look-back
_LOOK_BACK_EVERY = timedelta(hours=6)


@dataclass
class Record:
    """A sale of a POS: when it was made and changed, its version, and from when on it shows."""

    id: str
    made: datetime
    changed: datetime
    version: int
    shows: datetime
    note: int = 0


@dataclass
class Account:
    """A POS whose list shows some records late."""

    clock: ManualClock = field(default_factory=ManualClock)
    records: dict[str, Record] = field(default_factory=dict)
    version: int = 100

    def sell(self, late: timedelta) -> None:
        self.clock.pass_time(1)
        self.version += 1
        now = self.clock.now()
        key = f"S{len(self.records)}"
        self.records[key] = Record(key, now, now, self.version, now + late)

    def edit(self, which: int) -> None:
        if not self.records:
            return
        self.clock.pass_time(1)
        self.version += 1
        one = list(self.records.values())[which % len(self.records)]
        one.changed, one.version, one.note = self.clock.now(), self.version, one.note + 1

    def shown(self) -> list[Document]:
        now = self.clock.now()
        return [
            {"id": one.id, "made": one.made, "changed": one.changed, "version": one.version, "note": one.note}
            for one in self.records.values()
            if one.shows <= now
        ]


class WalkSettings(CloudSettings):
    overlap: timedelta = timedelta(minutes=5)


class Wire:
    """The POS's clock, in the place of its API's client."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock

    def now(self) -> datetime:
        return self.clock.now()

    def close(self) -> None:
        pass


class Base(CloudSource[WalkSettings]):
    Settings: ClassVar[type[BaseModel]] = WalkSettings
    account: Account

    def __init__(self, account: Account, context: SourceContext, settings: WalkSettings) -> None:
        super().__init__(settings, context)
        self.account = account
        self.http = cast("HttpClient", Wire(account.clock))

    def reader(self, records: Sequence[Document]) -> Read:
        del records
        return lambda one: ParsedSale(
            sale(source="till", sale_id=one["id"], placed_at=one["made"], note=str(one["note"]))
        )

    def findings(self) -> Sequence[Finding]:
        return []

    def chosen(self, ask: Ask) -> list[Document]:
        name = ask.field
        rows = [one for one in self.account.shown() if one[name] >= ask.begin]
        return sorted((one for one in rows if ask.end is None or one[name] <= ask.end), key=lambda one: one[name])


class OldestFirst(Base):
    feed = Feed(changed="changed", placed="made", mark="note")

    def pages(self, ask: Ask) -> Iterator[Page]:
        rows = self.chosen(ask)
        for start in range(0, len(rows), _PAGE):
            page = rows[start : start + _PAGE]
            yield Page(page, page[-1][ask.field])


class InSpans(Base):
    feed = Feed(changed="changed", placed="made", spans=True, ahead=timedelta(0), first_span=timedelta(hours=2))

    def pages(self, ask: Ask) -> Iterator[Page]:
        rows = self.chosen(ask)[::-1]
        for start in range(0, len(rows), _PAGE):
            yield Page(rows[start : start + _PAGE])


class ByVersion(Base):
    feed = Feed(changed="version", placed="version", mark="version", late=None)

    def pages(self, ask: Ask) -> Iterator[Page]:
        rows = [one for one in self.chosen(ask) if one["version"] > ask.begin]
        for start in range(0, len(rows), _PAGE):
            page = rows[start : start + _PAGE]
            yield Page(page, page[-1]["version"])

    def place_at(self, when: datetime) -> Position:
        rows = sorted(self.account.shown(), key=lambda one: int(one["version"]))
        return max((one["version"] for one in rows if one["changed"] < when), default=0)


class Process:
    """A syncd that may die between two batches: what it has recorded stays, with the cursor of its last batch."""

    def __init__(self, kind: type[Base], account: Account, *, never: bool = False) -> None:
        self.kind, self.account = kind, account
        self.every = timedelta(days=30) if never else _LOOK_BACK_EVERY  # between look-backs
        self.told: dict[str, str] = {}
        self.cursor: Cursor | None = None
        self.start = account.clock.now()
        self.source = self.opened()

    def opened(self) -> Base:
        context = SourceContext("till", self.account.clock, Path(), threading.Event(), Memory(), lambda: self.start)
        return self.kind(self.account, context, WalkSettings(look_back_every=self.every))

    def poll(self, most: int | None = None, *, dies: bool = True) -> None:
        """Record batches; after ``most``, the process dies, or the ledger cannot be written and the process lives on."""
        batches: Any = self.source.fetch(self.cursor)
        for number, batch in enumerate(batches):
            if most is not None and number >= most:
                batches.close()
                self.source = self.opened() if dies else self.source
                return
            self.told |= {order.sale_id: order.note for order in batch.orders}
            self.cursor = batch.cursor or self.cursor


_SELL = st.tuples(st.just("sell"), st.sampled_from([0, 0, 0, 3, 700, 4000, int(_LATEST.total_seconds())]))
_EVENTS = st.lists(
    st.one_of(
        _SELL,
        _SELL,
        st.tuples(st.just("edit"), st.integers(0, 30)),
        st.tuples(st.just("pass"), st.sampled_from([30, 400, 3600, 7 * 3600, 30 * 3600])),
        st.tuples(st.just("poll"), st.just(99)),
        st.tuples(st.just("poll"), st.integers(0, 4)),
    ),
    max_size=40,
)


@pytest.mark.parametrize("kind", [OldestFirst, InSpans, ByVersion])
@given(events=_EVENTS)
def test_every_sale_is_told_as_it_is_now_whatever_shows_late_and_wherever_the_process_dies(
    kind: type[Base], events: list[tuple[str, int]]
) -> None:
    account = Account()
    process = Process(kind, account)
    for what, number in events:
        if what == "sell":
            account.sell(timedelta(seconds=number))
        elif what == "edit":
            account.edit(number)
        elif what == "pass":
            account.clock.pass_time(number)
        else:
            process.poll(None if number == 99 else number)
    process.poll()
    for _ in range(5):  # until what was made last shows, and a look-back has come after it
        account.clock.pass_time(_LOOK_BACK_EVERY.total_seconds() + 60)
        process.poll()
    assert process.told == {one.id: str(one.note) for one in account.records.values()}


_BUSY = st.lists(
    st.one_of(
        st.tuples(st.just("sell"), st.sampled_from([0, 0, 60, 240])),
        st.tuples(st.just("sell"), st.just(0)),
        st.tuples(st.just("sell"), st.just(0)),
        st.tuples(st.just("edit"), st.integers(0, 30)),
        st.tuples(st.just("pass"), st.sampled_from([1, 30, 200, 1500])),
        st.tuples(st.just("poll"), st.integers(0, 3)),
        st.tuples(st.just("fail"), st.integers(0, 3)),
    ),
    min_size=5,
    max_size=50,
)


@pytest.mark.parametrize("kind", [OldestFirst, InSpans, ByVersion])
@given(events=_BUSY)
@under(max_examples=150, deadline=None)
def test_the_cursor_alone_loses_nothing_before_any_look_back(kind: type[Base], events: list[tuple[str, int]]) -> None:
    account = Account()
    process = Process(kind, account, never=True)
    for what, number in events:
        if what == "sell":  # a list by version shows nothing late that only its overlap would find: it has none
            account.sell(timedelta(seconds=0 if kind is ByVersion else number))
        elif what == "edit":
            account.edit(number)
        elif what == "pass":
            account.clock.pass_time(number)
        else:
            process.poll(number, dies=what == "poll")
    account.clock.pass_time(280)  # less than the overlap: all of it shows now
    process.poll()
    assert process.told == {one.id: str(one.note) for one in account.records.values()}


@pytest.mark.parametrize("kind", [OldestFirst, InSpans, ByVersion])
@given(events=_EVENTS, most=st.integers(0, 6))
def test_a_range_tells_of_every_sale_of_it_wherever_the_process_dies(
    kind: type[Base], events: list[tuple[str, int]], most: int
) -> None:
    account = Account()
    begin = account.clock.now() - timedelta(seconds=1)
    for what, number in events:
        if what == "sell":
            account.sell(timedelta(0))
        elif what == "edit":
            account.edit(number)
        elif what == "pass":
            account.clock.pass_time(number)
    process = Process(kind, account)
    end = account.clock.now() - timedelta(hours=2)
    told: set[str] = set()
    cursor: Cursor | None = None
    for number, batch in enumerate(process.source.fetch_range(begin, end)):
        if number >= most:
            break
        told |= {order.sale_id for order in batch.orders}
        cursor = batch.cursor or cursor
    for batch in process.opened().fetch_range(begin, end, cursor):
        told |= {order.sale_id for order in batch.orders}
    assert told == {one.id for one in account.records.values() if begin <= one.made < end}


def test_the_first_poll_of_a_new_account_is_the_beginning_of_what_is_carried() -> None:
    account = Account()
    account.sell(timedelta(0))
    account.clock.pass_time(60)
    process = Process(OldestFirst, account)
    process.poll()
    assert process.told == {}
    account.sell(timedelta(0))
    process.poll()
    assert process.told == {"S1": "0"}
    assert process.start < datetime(2100, 1, 1, tzinfo=UTC)
