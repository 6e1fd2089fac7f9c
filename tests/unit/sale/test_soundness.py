from typing import Any

import pytest
from msgspec.structs import replace

from syncd.sale.decide import next_step, status_of
from syncd.sale.facts import Status
from syncd.sale.policy import StorePolicy
from syncd.sale.states import State
from syncd.testing.orders import sale
from tests.deciders import RULES
from tests.unit.sale.conftest import HERE, make_sale


def stands(**changes: Any) -> Status:
    return status_of(next_step(make_sale(order=sale(**changes)), StorePolicy(RULES), HERE))


@pytest.mark.parametrize("placed_at", ["1970-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "2026-11-26T00:00:00Z"])
def test_f41_a_sale_of_a_till_whose_clock_is_wrong_is_held(placed_at: str) -> None:
    route = stands(placed_at=placed_at)
    assert route.state is State.HELD
    assert "clock is wrong" in route.why


def test_a_sale_of_some_minutes_ahead_goes_on_for_no_two_clocks_agree() -> None:
    assert stands(placed_at="2026-11-23T12:10:00Z").state is State.PENDING


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"training": True}, State.SKIPPED),
        ({"status": "open"}, State.SKIPPED),
        ({"status": "voided"}, State.PENDING),
        ({"currency": "XXQ"}, State.HELD),
        ({"total_inc_tax": "99.00"}, State.HELD),
        ({}, State.PENDING),
    ],
)
def test_a_sale_enters_in_the_state_that_it_calls_for(changes: dict[str, Any], state: State) -> None:
    assert stands(**changes).state is state


def test_a_sale_that_its_source_cannot_answer_for_is_held_with_the_sources_reason() -> None:
    held = replace(make_sale(), source_hold="the other export is missing")
    assert (found := status_of(next_step(held, StorePolicy(RULES), HERE))).state is State.HELD
    assert found.why == "the other export is missing"
