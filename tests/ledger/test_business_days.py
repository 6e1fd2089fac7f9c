"""One business day: the till's own, kept at intake, and used by every list, sum and backfill."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import ClassVar
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel
from sqlalchemy import text

from syncd.canonical import Batch, CanonicalOrder, Cursor, fingerprint
from syncd.intake.backfill import of_days
from syncd.ledger import Ledger, Selection
from syncd.sources.base import Finding
from syncd.testing.clocks import ManualClock
from syncd.testing.orders import sale
from tests.databases import both_databases, ledger_url, to_revision
from tests.deciders import DECIDER
from tests.ledger.conftest import Book

EVENING = sale(sale_id="evening", placed_at="2026-11-20T21:30:00-06:00")  # the 21st in UTC
NIGHT = sale(sale_id="night", placed_at="2026-11-21T01:30:00-06:00", business_day="2026-11-20")
MORNING = sale(sale_id="morning", placed_at="2026-11-21T08:00:00-06:00")
AUCKLAND = sale(sale_id="auckland", placed_at="2026-11-20T08:00:00+13:00")  # the 19th in UTC
THE_20TH = date(2026, 11, 20)


@both_databases
def test_a_sale_is_of_the_day_that_the_till_says_else_of_that_of_its_own_time(book: Book) -> None:
    book.record(EVENING, NIGHT, MORNING, AUCKLAND)
    found = book.ledger.sales.find(Selection(days=(THE_20TH, THE_20TH)), limit=10)
    assert {one.sale_key for one in found} == {"till:evening", "till:night", "till:auckland"}
    assert {one.sale_key for one in book.ledger.overviews.of_days("main", THE_20TH, THE_20TH)} == {
        one.sale_key for one in found
    }
    (sides,) = book.ledger.overviews.sides("till", THE_20TH)
    assert sides.sales == 3
    assert book.sale("till:auckland").placed_here.utcoffset() == AUCKLAND.placed_at.utcoffset()


@both_databases
def test_an_edit_that_moves_a_sale_to_another_day_moves_it_everywhere(book: Book) -> None:
    book.record(MORNING)
    book.record(MORNING.model_copy(update={"business_day": THE_20TH, "version": "2"}))
    assert book.sale("till:morning").business_day == THE_20TH
    assert [one.sale_key for one in book.ledger.overviews.of_days("main", THE_20TH, THE_20TH)] == ["till:morning"]


@both_databases
def test_sales_of_which_money_was_given_back_later_are_found_by_that_day(book: Book) -> None:
    back = [{"id": "r1", "at": "2026-11-24T23:00:00-06:00", "amount_inc_tax": "4.00"}]
    book.record(sale(sale_id="a", status="partially_refunded", refunds=back), sale(sale_id="b"))
    assert [one.sale_key for one in book.ledger.overviews.refunded_since("main", date(2026, 11, 24))] == ["till:a"]
    assert book.ledger.overviews.refunded_since("main", date(2026, 11, 25)) == []


@dataclass
class Account:
    """A source that knows the zone of each sale, where its config names none."""

    Settings: ClassVar[type[BaseModel]] = BaseModel

    def fetch(self, cursor: Cursor | None) -> Iterator[Batch]:
        yield from self.fetch_range(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), cursor)

    def check(self) -> Sequence[Finding]:
        return ()

    def close(self) -> None:
        pass

    def fetch_range(self, start: datetime, end: datetime, cursor: Cursor | None = None) -> Iterator[Batch]:
        every = (EVENING, NIGHT, MORNING, AUCKLAND)
        yield Batch(tuple(one for one in every if start <= one.placed_at < end), (), cursor)


@pytest.mark.parametrize("zone", [UTC, ZoneInfo("America/Chicago"), ZoneInfo("Pacific/Auckland")])
def test_a_backfill_of_a_day_is_of_the_tills_day_whatever_zone_the_config_names(zone: ZoneInfo) -> None:
    span = datetime(2026, 11, 20, tzinfo=zone), datetime(2026, 11, 21, tzinfo=zone)
    (batch,) = of_days(Account(), span, zone)
    assert {order.sale_id for order in batch.orders} >= {"evening", "night"}
    assert "morning" not in {order.sale_id for order in batch.orders}


@both_databases
def test_an_upgrade_finds_the_days_of_the_sales_that_are_there(database: str, tmp_path: Path) -> None:
    with ledger_url(database, tmp_path) as url:
        engines = to_revision(url, "0021")
        back = [{"id": "r1", "at": "2026-11-24T23:00:00-06:00", "amount_inc_tax": "4.00"}]
        refunded = sale(sale_id="refunded", status="partially_refunded", refunds=back)
        kept = (EVENING, NIGHT, AUCKLAND, refunded)
        rows: list[tuple[str, str | None, CanonicalOrder]] = [(one.sale_key, one.to_json(), one) for one in kept]
        rows += [("till:gone", None, EVENING), ("till:damaged", '{"placed_at":', EVENING)]
        with engines.write.begin() as connection:
            for key, document, one in rows:
                placed = int(one.placed_at.timestamp() * 1_000_000)
                values = {"key": key, "mark": fingerprint(one), "placed": placed, "document": document}
                words = (
                    "insert into sales (sale_key, source, store, lane, state, fingerprint, placed_at, recorded_at, changed_at,"
                    " currency, total_inc_tax, total_tax, document) values (:key, 'till', 'main', 'live', 'held', :mark,"
                    " :placed, 1, 1, 'USD', '10.80', '0.80', :document)"
                )
                connection.execute(text(words), values)
        engines.dispose()
        with Ledger.open(url, ManualClock(), DECIDER) as ledger:
            days = {key: str(found.business_day) for key, _, _ in rows if (found := ledger.sales.get(key))}
            again = [found.sale_key for found in ledger.overviews.refunded_since("main", date(2026, 11, 24))]
    assert days == {
        "till:evening": "2026-11-20",
        "till:night": "2026-11-20",
        "till:auckland": "2026-11-20",
        "till:refunded": "2026-11-20",
        "till:gone": "2026-11-21",
        "till:damaged": "2026-11-21",
    }
    assert again == ["till:refunded"]
