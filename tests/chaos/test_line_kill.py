"""A sample of the kill-at-every-line loop, at the same lines each time; `make chaos` runs all of it."""

from tests.chaos.linekill import Tally, loop

LINES = 6200  # about as many as one push executes


def test_a_push_that_dies_at_any_line_makes_one_order_and_leaves_the_ledger_sound() -> None:
    tally = Tally()
    loop(iter(range(100, LINES, 300)), tally, until_survival=False)
    assert (tally.duplicates, tally.lost, tally.unsound) == ([], [], [])
    assert tally.kills >= 14


def test_the_same_loop_finds_the_duplicates_of_a_pusher_that_sends_again() -> None:
    tally = Tally()
    loop(iter(range(3600, LINES, 140)), tally, careless=True, until_survival=False)
    assert tally.duplicates
