"""A rotating sample of the kill-at-every-line loop; `make chaos` runs all of it."""

import os
import random

from tests.chaos.linekill import Tally, loop

SEED = int(os.environ.get("SYNCD_SEED", str(random.randrange(1_000_000))))
SAMPLE = int(os.environ.get("SYNCD_LINES", "14"))
LINES = 4000  # about as many as one push executes


def test_a_push_that_dies_at_any_line_makes_one_order_and_leaves_the_ledger_sound() -> None:
    dice, tally = random.Random(SEED), Tally()
    numbers = sorted(dice.sample(range(1, LINES), SAMPLE))
    loop(iter(numbers), tally, until_survival=False)
    print(f"SYNCD_SEED={SEED}: {tally.kills} kills at lines {numbers[0]} to {numbers[-1]}")
    assert (tally.duplicates, tally.lost, tally.unsound) == ([], [], []), f"SYNCD_SEED={SEED}"
    assert tally.kills > SAMPLE * 0.7


def test_the_same_loop_finds_the_duplicates_of_a_pusher_that_sends_again() -> None:
    tally = Tally()
    loop(iter(range(3400, 4000, 75)), tally, careless=True, until_survival=False)
    assert tally.duplicates
