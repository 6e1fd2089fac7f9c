"""A sale that seems to lie in the future is held; the hold ends by itself once that time has come, or the clock was put right."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncd.sale.states import State
from tests.heart.telling import kept, one, order, shop
from tests.model.simulation import Shop

__all__ = ["shop"]  # the fixture

YEAR = timedelta(days=365).total_seconds()


def test_a_sale_that_came_while_this_machines_clock_was_a_year_back_goes_out_once_the_clock_is_right(
    shop: Shop,
) -> None:
    placed_at = shop.clock.now().isoformat()
    shop.clock.jump(-YEAR)
    shop.record(one(placed_at=placed_at))
    shop.push()
    assert kept(shop).state is State.HELD
    assert "this machine's" in kept(shop).why
    shop.clock.jump(YEAR)
    shop.push()
    assert kept(shop).state is State.SYNCED
    assert order(shop)["external_order_id"] == "till:a"
    story = shop.worker.ledger.sales.story("till:a")
    assert story is not None
    assert [row.why for row in story.audit if row.before == "held"] == ["what it waited for has come"]


def test_a_sale_of_a_till_that_is_three_days_ahead_goes_out_two_days_later(shop: Shop) -> None:
    shop.record(one(placed_at=(shop.clock.now() + timedelta(days=3)).isoformat()))
    for hours, state in ((0, State.HELD), (47, State.HELD), (2, State.SYNCED)):
        shop.pass_time(hours * 3600)
        shop.push()
        assert kept(shop).state is state


@pytest.mark.parametrize("changes", [{"total_inc_tax": "13.80"}, {"currency": "XXQ"}])
def test_a_sale_that_is_held_for_another_reason_too_stays_held(shop: Shop, changes: dict[str, str]) -> None:
    shop.record(one(placed_at=(shop.clock.now() + timedelta(days=3)).isoformat(), **changes))
    shop.pass_time(4 * 86400)
    shop.push()
    assert kept(shop).state is State.HELD
    assert "future" not in kept(shop).why
