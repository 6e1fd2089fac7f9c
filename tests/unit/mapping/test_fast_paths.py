"""What the mapper does for most receipts in a short way comes to the same as the long way."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.canonical import CanonicalOrder
from syncd.mapping.charges import charged, spread, spread_over
from syncd.mapping.lines import sold
from syncd.mapping.stamp import instant, instant_by_library
from syncd.testing.orders import sale
from tests.strategies import sales


@given(sales())
def test_a_receipt_that_adds_up_is_spread_as_any_other(order: CanonicalOrder) -> None:
    found = spread(order)
    assert found == spread_over(sold(order), charged(order), order) or not found.lines
    assert [str(line.total_inc_tax) for _, line in found.lines] == [
        str(line.total_inc_tax) for _, line in spread_over(sold(order), charged(order), order).lines
    ]


def test_a_plain_receipt_keeps_its_lines_themselves() -> None:
    order = sale()
    assert [line for _, line in spread(order).lines] == list(order.lines)
    assert all(line is own for (_, line), own in zip(spread(order).lines, order.lines, strict=True))


@given(st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001  the zone is added
def test_a_date_as_syncd_writes_it_is_read_as_the_library_reads_it(at: datetime) -> None:
    text = format_datetime(at)
    assert instant(text) == instant_by_library(text) == str(int(at.replace(microsecond=0).timestamp()))


@pytest.mark.parametrize(
    "text",
    [
        "Fri, 31 Feb 2026 10:00:00 +0000", "Fri, 20 Nov 2026 24:00:00 +0000", "Fri, 20 Nov 2026 10:15:60 +0000",
        "Fri, 20 Nov 0000 10:15:00 +0000", "Fri, 20 Nov 2026 10:15:00 -0600", "20 Nov 2026 10:15 GMT", "never", "",
        "Fri, 20 Nov 2026 10:15:00 +0000 ", "Fri, 20 Nov 2026 10:15:00 -0000",
    ],
)  # fmt: skip
def test_odd_dates_are_read_as_the_library_reads_them(text: str) -> None:
    assert instant(text) == instant_by_library(text)
