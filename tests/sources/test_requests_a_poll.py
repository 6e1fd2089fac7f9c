"""How many requests each cloud adapter makes for a poll: the account's quota is the shop's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from syncd.canonical import Cursor
from syncd.sources.context import Memory, SourceContext
from tests.doubles.clover import CloverDouble
from tests.doubles.lightspeed_x import LightspeedDouble
from tests.doubles.loyverse import LoyverseDouble
from tests.doubles.odoo import OdooDouble
from tests.doubles.rest import RestDouble
from tests.doubles.shopify_pos import ShopifyDouble
from tests.doubles.square import SquareDouble

_START = datetime(2026, 11, 20, tzinfo=UTC)
STEPS = ("first poll", "quiet poll", "two sales and an edit", "quiet again", "the look-back is due", "a range", "check")
EXPECTED: dict[str, tuple[int, ...]] = {
    "clover": (10, 3, 4, 4, 7, 8, 2),
    "lightspeed_x": (12, 1, 2, 1, 4, 12, 3),
    "loyverse": (9, 2, 2, 2, 7, 4, 0),
    "odoo": (24, 8, 9, 9, 19, 8, 1),
    "rest": (4, 2, 3, 3, 4, 4, 1),
    "shopify_pos": (3, 2, 2, 2, 3, 2, 2),
    "square": (13, 2, 6, 3, 5, 15, 4),
}


def requests_of(double: Any, tmp_path: Path) -> tuple[int, ...]:
    """The number of requests in each of ``STEPS``."""
    counts: list[int] = []
    cursor: Cursor | None = None
    with double as pos:
        source = pos.adapter(
            pos.settings(), SourceContext("till", pos.clock, tmp_path, threading.Event(), Memory(), lambda: _START)
        )

        def poll() -> None:
            nonlocal cursor
            for batch in source.fetch(cursor):
                assert not batch.faults
                cursor = batch.cursor or cursor

        def count(work: Callable[[], object]) -> None:
            before = len(pos.asked)
            work()
            counts.append(len(pos.asked) - before)

        ids = pos.sell(6)
        pos.clock.pass_time(60)
        count(poll)
        pos.clock.pass_time(60)
        count(poll)
        pos.sell(2)
        pos.edit(ids[0])
        pos.clock.pass_time(60)
        count(poll)
        pos.clock.pass_time(60)
        count(poll)
        pos.clock.pass_time(7 * 3600)
        count(poll)
        now = pos.clock.now()
        count(lambda: [*source.fetch_range(now - timedelta(days=1), now)])
        count(source.check)
        source.close()
    return tuple(counts)


DOUBLES: dict[str, Callable[[], Any]] = {
    "square": SquareDouble,
    "clover": CloverDouble,
    "lightspeed_x": LightspeedDouble,
    "loyverse": LoyverseDouble,
    "odoo": OdooDouble,
    "shopify_pos": ShopifyDouble,
    "rest": lambda: RestDouble(by="page"),
}


@pytest.mark.parametrize("name", sorted(DOUBLES))
def test_a_poll_asks_no_more_often_than_it_did(name: str, tmp_path: Path) -> None:
    assert dict(zip(STEPS, requests_of(DOUBLES[name](), tmp_path), strict=True)) == dict(
        zip(STEPS, EXPECTED[name], strict=True)
    )
