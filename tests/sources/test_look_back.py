"""A sale that a POS shows late, under a time or a version that the walk has passed already, is found by the look-back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from syncd.sources.context import Memory, SourceContext
from syncd.testing.contract import Notebook
from tests.doubles.clover import CloverDouble
from tests.doubles.lightspeed_x import LightspeedDouble
from tests.doubles.loyverse import LoyverseDouble
from tests.doubles.odoo import OdooDouble
from tests.doubles.rest import RestDouble
from tests.doubles.shopify_pos import ShopifyDouble
from tests.doubles.square import SquareDouble

_START = datetime(2026, 11, 1, tzinfo=UTC)
_HOUR = 3600
_DOUBLES = [CloverDouble, LightspeedDouble, LoyverseDouble, OdooDouble, RestDouble, ShopifyDouble, SquareDouble]


class Late:
    """A POS on which a sale was made, and shows only when it is told to."""

    def __init__(self, pos: Any) -> None:
        self.pos = pos
        pos.sell(3)
        self._version = pos._next() if isinstance(pos, LightspeedDouble) else 0
        self._at = pos.now()
        pos.clock.pass_time(2 * _HOUR)
        pos.sell(3)

    def show(self) -> str:
        make = self.pos.make if isinstance(self.pos, OdooDouble) else self.pos._make
        key: str = make(self._at)
        if self._version:
            self.pos.sales[key]["version"] = self._version
        return key


@pytest.mark.parametrize("hours", [7, 30, 80])
@pytest.mark.parametrize("double", _DOUBLES)
def test_a_sale_that_shows_late_is_found_by_the_look_back(
    double: Callable[[], Any], hours: int, tmp_path: Path
) -> None:
    with double() as pos:
        late, book = Late(pos), Notebook()
        source = pos.adapter(
            pos.settings(), SourceContext("till", pos.clock, tmp_path, threading.Event(), Memory(), lambda: _START)
        )
        book.walk(source.fetch(None))
        for _ in range(hours // 6):  # the sales of some hours, polled with each their look-back
            pos.clock.pass_time(6 * _HOUR)
            pos.sell(1)
            book.walk(source.fetch(book.cursor))
        key = late.show()
        pos.clock.pass_time(60)
        book.walk(source.fetch(book.cursor))
        assert f"till:{key}" not in book.sales  # a poll does not see it: its time was passed
        pos.clock.pass_time(7 * _HOUR)
        book.walk(source.fetch(book.cursor))
        assert f"till:{key}" in book.sales
        assert len(book.sales) == 7 + hours // 6
        source.close()


def test_a_refund_that_clover_shows_late_is_found_with_its_order(tmp_path: Path) -> None:
    with CloverDouble() as pos:
        (key, *_) = pos.sell(3)
        source = pos.adapter(
            pos.settings(), SourceContext("till", pos.clock, tmp_path, threading.Event(), Memory(), lambda: _START)
        )
        pos.clock.pass_time(_HOUR)
        pos.refund_payment(key)
        held_back = pos.refunds.pop() | {"id": "REF-LATE"}
        pos.made[key]["changes"].pop("refunds")
        pos.sell(1)
        other = pos.sell(1)[0]
        pos.refund_payment(other)
        pos.refunds[-1]["createdTime"] += 2 * _HOUR * 1000
        pos.clock.pass_time(3 * _HOUR)
        book = Notebook().walk(source.fetch(None))
        pos.refunds.append(held_back)
        pos.made[key]["changes"]["refunds"] = {"elements": [held_back]}
        pos.clock.pass_time(7 * _HOUR)
        book.walk(source.fetch(book.cursor))
        assert book.sales[f"till:{key}"].refunded
        source.close()


def test_a_look_back_that_fails_holds_up_no_new_sale_and_is_made_again(tmp_path: Path) -> None:
    with CloverDouble() as pos:
        late, book = Late(pos), Notebook()
        source = pos.adapter(
            pos.settings(), SourceContext("till", pos.clock, tmp_path, threading.Event(), Memory(), lambda: _START)
        )
        book.walk(source.fetch(None))
        key = late.show()
        pos.clock.pass_time(timedelta(hours=7).total_seconds())
        (new,) = pos.sell(1)

        walked: Any = source.fetch(book.cursor)
        for batch in walked:
            book.walk(iter((batch,)))
            if f"till:{new}" in book.sales:
                walked.close()  # the process ends here, before the last days are read again
                break
        assert f"till:{new}" in book.sales
        assert f"till:{key}" not in book.sales
        book.walk(source.fetch(book.cursor))
        assert f"till:{key}" in book.sales
        source.close()


def test_a_look_back_reads_the_last_days_and_not_the_whole_past_of_an_account_that_is_read_from_its_beginning(
    tmp_path: Path,
) -> None:
    with LightspeedDouble() as pos:
        pos.sell_many(1000)
        oldest_of_today = pos.version
        pos.sell(3)
        source = pos.adapter(
            pos.settings(),
            SourceContext(
                "till", pos.clock, tmp_path, threading.Event(), Memory(), lambda: datetime(2020, 1, 1, tzinfo=UTC)
            ),
        )
        book = Notebook().walk(source.fetch(None))
        assert len(book.sales) == 1003
        for _ in range(3):
            pos.clock.pass_time(7 * _HOUR)
            pos.sell(1)
            before = len(pos.asked)
            book.walk(source.fetch(book.cursor))
            walked = [
                one for one in pos.asked[before:] if one.path.endswith("/sales") and one.one("page_size") == "200"
            ]
            assert min(int(one.one("after")) for one in walked) >= oldest_of_today
        assert len(book.sales) == 1006
        source.close()


def test_a_look_back_asks_for_many_locations_at_once(tmp_path: Path) -> None:
    with SquareDouble(page=50) as pos:
        pos.locations = [{**pos.locations[0], "id": f"L{number:02}"} for number in range(12)]
        pos.sell(12)
        source = pos.adapter(
            pos.settings(), SourceContext("till", pos.clock, tmp_path, threading.Event(), Memory(), lambda: _START)
        )
        book = Notebook().walk(source.fetch(None))
        pos.clock.pass_time(3 * _HOUR)
        before = len(pos.asked)
        book.walk(source.fetch(book.cursor))
        searches = [one for one in pos.asked[before:] if one.path.endswith("/orders/search")]
        assert len(searches) == 4  # two groups of locations, and their last days
        source.close()
