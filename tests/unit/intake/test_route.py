from datetime import UTC, datetime
from typing import Any

import pytest

from syncd.intake.route import route_sale
from syncd.ledger import State
from syncd.testing.orders import sale

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize("placed_at", ["1970-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "2026-11-26T00:00:00Z"])
def test_f41_a_sale_of_a_till_whose_clock_is_wrong_is_held(placed_at: str) -> None:
    route = route_sale(sale(placed_at=placed_at), "main", NOW)
    assert route.state is State.HELD
    assert "clock is wrong" in route.why


def test_a_sale_of_some_minutes_ahead_goes_on_for_no_two_clocks_agree() -> None:
    assert route_sale(sale(placed_at="2026-11-23T12:10:00Z"), "main", NOW).state is State.PENDING


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"training": True}, State.SKIPPED),
        ({"status": "open"}, State.SKIPPED),
        ({"status": "voided"}, State.PENDING),
        ({"currency": "XXQ"}, State.HELD),
        ({"total_inc_tax": "99.00"}, State.HELD),
        ({"extra": {"hold": "the export says so"}}, State.HELD),
        ({}, State.PENDING),
    ],
)
def test_a_sale_enters_in_the_state_that_it_calls_for(changes: dict[str, Any], state: State) -> None:
    assert route_sale(sale(**changes), "main", NOW).state is state
