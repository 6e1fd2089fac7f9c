"""What every adapter must hold, as tests: subclass ``SourceContract``, give it a POS to sell on, and run pytest.

    class TestMyPos(SourceContract):
        @pytest.fixture
        def pos(self) -> Iterator[Pos]:
            with MyDouble() as double:
                yield double

The POS is real or a double of it. What it cannot do (a file is never throttled), it leaves out, and those tests are skipped.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import psutil
import pytest

from syncd.canonical import CanonicalOrder, Cursor, Fault, fingerprint
from syncd.errors import SourceError
from syncd.sources.base import Source
from syncd.sources.context import Memory, SourceContext
from syncd.sources.errors import SourceAccessDenied, SourceRateLimited
from syncd.testing.clocks import ManualClock

NAME = "till"
_EVER = datetime(2020, 1, 1, tzinfo=UTC)
_GARBAGE = ("", "{}", "[]", "null", "7", "not json at all", '{"at": 7}', '{"at": {"x": "y"}, "looked": []}')
_MOST_GROWTH_MB = 48.0


Opens = Callable[[], Source]


class Pos(Protocol):
    """A POS on which the contract can sell. Its own clock is ``clock``; times are aware.

    Optional, each a method of no value: ``throttle()`` (the next question is put off by some seconds), ``expire_token()``,
    ``break_in_mid_walk()`` (the second page of the next walk fails once), ``spoil(sale_id)`` (the record cannot be read any more),
    ``skew(seconds)`` (its clock is so much ahead of ours), ``sell_many(count)`` (as ``sell``, cheaply).
    """

    clock: ManualClock
    adapter: Callable[[Any, SourceContext], Source]

    def settings(self) -> Any:
        """Return the adapter's settings for this POS; pages small, so that a few sales make several."""
        ...

    def sell(self, count: int) -> list[str]:
        """Make sales now, a second apart; their ids."""
        ...

    def edit(self, sale_id: str) -> None:
        """Change what a sale says, now."""
        ...


@dataclass
class Notebook:
    """Keeps what batches tell, as a ledger does: each batch with its cursor, whole or not at all."""

    sales: dict[str, CanonicalOrder] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    cursor: Cursor | None = None
    changes: int = 0
    batches: int = 0

    def walk(self, batches: Any, most: int | None = None) -> Notebook:
        """Record batch after batch; after ``most``, the process is gone."""
        for batch in batches:
            if most is not None and self.batches >= most:
                batches.close()
                break
            for order in batch.orders:
                mark = fingerprint(order)
                self.changes += self.marks.get(order.sale_key) != mark
                self.sales[order.sale_key], self.marks[order.sale_key] = order, mark
            self.faults += batch.faults
            self.cursor = batch.cursor if batch.cursor is not None else self.cursor
            self.batches += 1
        return self


class SourceContract:
    """The contract. Every test is about what reaches the ledger, whatever happens on the way.

    ``many`` is how many sales the test of memory makes.
    """

    many = 20_000

    @pytest.fixture
    def pos(self) -> Any:
        """Return the POS; a subclass gives it."""
        raise NotImplementedError

    @pytest.fixture
    def context(self, pos: Pos, tmp_path: Path) -> SourceContext:
        """Return what the adapter gets; its state outlives the source, as in a ledger."""
        return SourceContext(NAME, pos.clock, tmp_path, threading.Event(), Memory(), lambda: _EVER)

    @pytest.fixture
    def till(self, pos: Pos, context: SourceContext) -> Iterator[Callable[[], Source]]:
        """Return what opens the source anew, as a process that has just started does."""
        with ExitStack() as opened:

            def open_it() -> Source:
                source = pos.adapter(pos.settings(), context)
                opened.callback(source.close)
                return source

            yield open_it

    def test_every_sale_is_told_with_all_that_a_canonical_order_must_have(self, pos: Pos, till: Opens) -> None:
        ids = pos.sell(3)
        book = Notebook().walk(till().fetch(None))
        assert book.faults == []
        assert sorted(book.sales) == sorted(f"{NAME}:{sale}" for sale in ids)
        for order in book.sales.values():
            assert order.source == NAME
            assert order.placed_at.tzinfo is not None
            assert abs(order.placed_at - pos.clock.now()) < timedelta(days=2)
            assert CanonicalOrder.from_json(order.to_json()) == order
            assert order.total_inc_tax > 0

    def test_a_walk_that_goes_on_and_one_over_the_range_agree(self, pos: Pos, till: Opens) -> None:
        begin = pos.clock.now() - timedelta(minutes=1)
        pos.sell(7)
        book = Notebook().walk(till().fetch(None))
        pos.sell(4)
        book.walk(till().fetch(book.cursor))
        end = pos.clock.now() + timedelta(minutes=1)
        assert Notebook().walk(till().fetch_range(begin, end)).marks == book.marks
        assert len(book.sales) == 11

    def test_a_range_leaves_out_what_was_placed_before_and_after_it(self, pos: Pos, till: Opens) -> None:
        pos.sell(2)
        pos.clock.pass_time(7200)
        begin = pos.clock.now() - timedelta(minutes=5)
        wanted = pos.sell(2)
        end = pos.clock.now() + timedelta(minutes=5)
        pos.clock.pass_time(7200)
        pos.sell(2)
        book = Notebook().walk(till().fetch_range(begin, end))
        assert sorted(book.sales) == sorted(f"{NAME}:{sale}" for sale in wanted)

    def test_overlap_and_replay_change_nothing(self, pos: Pos, till: Opens) -> None:
        pos.sell(9)
        book = Notebook().walk(till().fetch(None))
        seen = dict(book.marks)
        for since in (book.cursor, None, book.cursor):
            book.walk(till().fetch(since))
        assert (book.marks, book.changes) == (seen, 9)

    def test_a_late_edit_is_seen(self, pos: Pos, till: Opens) -> None:
        ids = pos.sell(5)
        book = Notebook().walk(till().fetch(None))
        pos.clock.pass_time(1800)
        pos.edit(ids[1])
        before = book.marks[f"{NAME}:{ids[1]}"]
        book.walk(till().fetch(book.cursor))
        assert book.marks[f"{NAME}:{ids[1]}"] != before
        assert book.changes == 6

    def test_a_process_that_dies_at_any_point_of_a_walk_loses_nothing(self, pos: Pos, till: Opens) -> None:
        ids = pos.sell(9)
        whole = Notebook().walk(till().fetch(None))
        for most in _points(whole.batches):
            _again(pos)
            book = Notebook().walk(till().fetch(None), most)
            assert book.batches == most
            book.batches = 0
            book.walk(till().fetch(book.cursor))
            assert sorted(book.sales) == sorted(f"{NAME}:{sale}" for sale in ids), most
            assert book.marks == whole.marks

    def test_a_backfill_that_dies_at_any_point_goes_on_and_loses_nothing(self, pos: Pos, till: Opens) -> None:
        pos.sell(9)
        span = (pos.clock.now() - timedelta(hours=1), pos.clock.now() + timedelta(hours=1))
        whole = Notebook().walk(till().fetch_range(*span))
        for most in _points(whole.batches):
            book = Notebook().walk(till().fetch_range(*span), most)
            book.batches = 0
            book.walk(till().fetch_range(*span, book.cursor))
            assert book.marks == whole.marks, most

    def test_a_page_that_fails_half_way_loses_nothing(self, pos: Pos, till: Opens) -> None:
        ids = pos.sell(9)
        _may(pos, "break_in_mid_walk")()
        book = Notebook()
        for _ in range(3):
            try:
                book.walk(till().fetch(book.cursor))
            except SourceError:
                continue
        assert sorted(book.sales) == sorted(f"{NAME}:{sale}" for sale in ids)

    @pytest.mark.parametrize("garbage", _GARBAGE)
    def test_a_cursor_that_cannot_be_read_leads_to_too_much_and_not_to_too_little(
        self,
        garbage: str,
        pos: Pos,
        till: Opens,
    ) -> None:
        ids = pos.sell(4)
        assert len(Notebook().walk(till().fetch(garbage)).sales) == len(ids)

    def test_a_cursor_of_the_future_loses_nothing(self, pos: Pos, till: Opens) -> None:
        ids = pos.sell(4)
        cursor = Notebook().walk(till().fetch(None)).cursor
        ahead = re.sub(r"\b\d{9,}\b", "99999999999999", re.sub(r"\b2\d{3}-\d\d-\d\d", "2999-01-01", cursor or ""))
        _again(pos)
        more = pos.sell(2)
        assert len(Notebook().walk(till().fetch(ahead)).sales) == len(ids) + len(more)

    @pytest.mark.parametrize("seconds", [300, -300])
    def test_a_clock_that_is_five_minutes_off_loses_neither_a_sale_nor_an_edit(
        self,
        seconds: float,
        pos: Pos,
        till: Opens,
    ) -> None:
        _may(pos, "skew")(seconds)
        ids = pos.sell(5)
        source, book = till(), Notebook()
        book.walk(source.fetch(None))
        for _ in range(3):
            pos.clock.pass_time(30)
            pos.edit(ids[0])
            ids += pos.sell(1)
            before = book.marks[f"{NAME}:{ids[0]}"]
            book.walk(source.fetch(book.cursor))
            assert sorted(book.sales) == sorted(f"{NAME}:{sale}" for sale in ids)
            assert book.marks[f"{NAME}:{ids[0]}"] != before

    def test_being_told_to_wait_ends_in_waiting_and_not_in_a_loss(self, pos: Pos, till: Opens) -> None:
        ids = pos.sell(4)
        _may(pos, "throttle")()
        book = Notebook()
        try:
            book.walk(till().fetch(None))
        except SourceRateLimited as full:
            assert full.retry_after > timedelta(0)
            pos.clock.pass_time(full.retry_after.total_seconds())
            book.walk(till().fetch(book.cursor))
        assert len(book.sales) == len(ids)

    def test_a_token_that_ends_is_renewed_or_told_with_its_cure(self, pos: Pos, till: Opens) -> None:
        ids = pos.sell(4)
        source = till()
        book = Notebook().walk(source.fetch(None))
        ids += pos.sell(1)
        _may(pos, "expire_token")()
        try:
            book.walk(source.fetch(book.cursor))
        except SourceAccessDenied as denied:
            assert denied.cure
        else:
            assert len(book.sales) == len(ids)

    def test_a_record_that_cannot_be_read_is_a_fault_beside_the_good_ones(self, pos: Pos, till: Opens) -> None:
        ids = pos.sell(5)
        _may(pos, "spoil")(ids[2])
        book = Notebook().walk(till().fetch(None))
        assert sorted(book.sales) == sorted(f"{NAME}:{sale}" for sale in ids if sale != ids[2])
        assert book.faults
        assert all(fault.reason and fault.where for fault in book.faults)

    def test_a_walk_ends_once_syncd_is_told_to_stop(self, pos: Pos, till: Opens, context: SourceContext) -> None:
        pos.sell(9)
        book = Notebook()
        try:
            for batch in till().fetch(None):
                book.walk(iter((batch,)))
                context.stop.set()
        except SourceError:
            pass
        context.stop.clear()
        stopped = len(book.sales)
        _again(pos)
        assert len(book.walk(till().fetch(book.cursor)).sales) == 9 >= stopped

    def test_memory_stays_flat_over_many_sales(self, pos: Pos, till: Opens) -> None:
        _may(pos, "sell_many")(self.many)
        seen, base, most = 0, 0.0, 0.0
        for batch in till().fetch(None):
            seen += len(batch.orders)
            if seen > self.many / 10:
                base = base or _resident_mb()
                most = max(most, _resident_mb())
        assert seen >= self.many
        assert most - base < _MOST_GROWTH_MB

    def test_looking_at_it_finds_no_fault_with_it(self, pos: Pos, till: Opens) -> None:
        pos.sell(1)
        assert [finding for finding in till().check() if finding.level == "error"] == []


def _points(batches: int) -> list[int]:
    """Where a walk of so many batches is cut off: everywhere, or at a dozen places of a long one."""
    return sorted({round(place * batches / 12) for place in range(13)}) if batches > 12 else list(range(batches + 1))


def _may(pos: Pos, what: str) -> Callable[..., None]:
    can: Callable[..., None] | None = getattr(pos, what, None)
    if can is None:
        pytest.skip(f"this POS has no {what}")
    return can


def _again(pos: Pos) -> None:
    """Offer the records again of a POS that loses them once they are read (a drop folder)."""
    getattr(pos, "offer_again", lambda: None)()


def _resident_mb() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6
