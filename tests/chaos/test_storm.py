"""Short storms and a short watch; `tests.chaos.storm` and `tests.chaos.standby` run longer ones."""

import os
import random
from pathlib import Path

import pytest

from tests.chaos.standby import keep_watch
from tests.chaos.storm import Storm, rage
from tests.databases import both_databases

pytestmark = pytest.mark.chaos
SEED = int(os.environ.get("SYNCD_SEED", str(random.randrange(1_000_000))))
KILLS = int(os.environ.get("SYNCD_KILLS", "5"))


@both_databases
def test_f1_killing_the_daemon_at_random_moments_neither_doubles_nor_loses_a_sale(
    database: str, tmp_path: Path
) -> None:
    storm = Storm(kills=KILLS, sales=max(100, KILLS * 10), seed=SEED, database=database)
    count = rage(storm, tmp_path / "shop")
    print(storm, count)
    assert count.clean, f"SYNCD_SEED={SEED}: {count}"


def test_the_same_storm_finds_the_duplicates_of_a_pusher_without_its_safeguards(tmp_path: Path) -> None:
    found = rage(Storm(kills=4, sales=400, seed=5, careless=True), tmp_path / "shop")
    assert found.duplicates


@both_databases
def test_f60_a_standby_takes_over_within_seconds(database: str, tmp_path: Path) -> None:
    watch = keep_watch(tmp_path, database, seconds=5, every=1.5)
    print(watch)
    assert (watch.duplicates, watch.lost) == (0, 0)
    assert watch.longest_s <= 5
