"""A sample of the kill-at-every-line loop, spread over a whole push; `make chaos` runs all of it."""

import pytest

from tests.chaos.linekill import Tally, lines_of_a_push, loop


@pytest.fixture(scope="module")
def lines() -> int:
    return lines_of_a_push()


def test_a_push_that_dies_at_any_line_makes_one_order_and_leaves_the_ledger_sound(lines: int) -> None:
    tally = Tally()
    loop(iter(range(100, lines, lines // 20)), tally, until_survival=False)
    assert (tally.duplicates, tally.lost, tally.unsound) == ([], [], [])
    assert tally.kills >= 14


def test_the_same_loop_finds_the_duplicates_of_a_pusher_that_sends_again(lines: int) -> None:
    """The order is made late in a push: its last third is looked at."""
    tally = Tally()
    loop(iter(range(lines * 2 // 3, lines, lines // 50)), tally, careless=True, until_survival=False)
    assert tally.duplicates
