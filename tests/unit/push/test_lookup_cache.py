"""Look-ups at the scale of a large catalog: few requests, bounded memory, fresh again when something has gone."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from syncd.ledger import Ledger
from syncd.push.lookups.lookup_cache import LookupCache, Ttl
from syncd.testing.clocks import ManualClock
from tests.deciders import DECIDER

VARIANTS = 250_000
AGES = Ttl(remembered=1000)


class Catalog:
    """A quarter of a million variants; counts the codes of each question."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.gone: set[str] = set()

    def ask(self, codes: Sequence[str]) -> dict[str, int]:
        self.asked.append(len(codes))
        known = {code: int(code.removeprefix("V")) for code in codes if code.startswith("V")}
        return {code: number for code, number in known.items() if number < VARIANTS and code not in self.gone}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def ledger(tmp_path: Path, clock: ManualClock) -> Iterator[Ledger]:
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", clock, DECIDER) as opened:
        yield opened


def shelf(catalog: Catalog, ledger: Ledger, clock: ManualClock) -> LookupCache[int]:
    return LookupCache("sku", catalog.ask, str, int, ("main", ledger, clock), AGES)


def test_codes_are_asked_for_once_and_memory_stays_bounded(ledger: Ledger, clock: ManualClock) -> None:
    catalog = Catalog()
    looked = shelf(catalog, ledger, clock)
    for start in range(0, 20_000, 200):
        assert len(looked.get(f"V{number}" for number in range(start, start + 200))) == 200
    assert sum(catalog.asked) == 20_000
    assert len(looked._memory) == AGES.remembered
    assert looked.get(["V3", "V19999"]) == {"V3": 3, "V19999": 19999}
    assert shelf(catalog, ledger, clock).get(["V7"]) == {"V7": 7}, "another process reads what the ledger keeps"
    assert sum(catalog.asked) == 20_000


def test_a_miss_is_asked_for_again_sooner_than_a_hit(ledger: Ledger, clock: ManualClock) -> None:
    catalog = Catalog()
    looked = shelf(catalog, ledger, clock)
    looked.get(["V1", "NEW"])
    clock.pass_time(AGES.miss.total_seconds() + 1)
    looked.get(["V1", "NEW"])
    assert catalog.asked == [2, 1]


def test_an_old_hit_is_used_while_it_is_refreshed_behind_the_scenes(ledger: Ledger, clock: ManualClock) -> None:
    catalog = Catalog()
    looked = shelf(catalog, ledger, clock)
    looked.get(["V1"])
    clock.pass_time((AGES.hit + timedelta(minutes=1)).total_seconds())
    catalog.gone.add("V1")
    assert looked.get(["V1"]) == {"V1": 1}
    assert catalog.asked == [1]
    assert looked.refresh() == 1
    assert looked.get(["V1"]) == {}
    clock.pass_time(AGES.hit_most.total_seconds() + 1)
    catalog.gone.clear()
    assert looked.get(["V1"]) == {"V1": 1}


def test_what_is_forgotten_is_asked_for_at_once(ledger: Ledger, clock: ManualClock) -> None:
    catalog = Catalog()
    looked = shelf(catalog, ledger, clock)
    looked.get(["V1"])
    catalog.gone.add("V1")
    looked.forget(["V1"])
    assert looked.get(["V1"]) == {}
