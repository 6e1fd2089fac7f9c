"""The properties of exchanges and of the audit bite: code that is broken on purpose, in one way at a time, does not pass them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from syncd.canonical import CanonicalOrder, exchanges
from syncd.canonical.money import ZERO
from syncd.mapping.rules import Rules
from syncd.push.store_orders.audit import cases, causes, report
from tests.heart.test_audit import Till, busy, check, check_agreement, plants
from tests.model.simulation import RULES, Shop
from tests.planted_bugs import planted
from tests.unit.canonical.test_exchanges import check_parts
from tests.unit.canonical.test_exchanges import exchanges as documents

Break = tuple[Any, str, Any]
_SETTLE = exchanges._settle

EXCHANGES: dict[str, Break] = {
    "goods that came back stay in the sale": (exchanges, "came_back", lambda _: False),
    "the lines' own links are not looked at": (exchanges, "_original", lambda order, _line: order.returns_of),
    "taxes stay where they were": (exchanges, "_state_taxes", lambda _order, _shares: None),
    "the money is given back twice": (
        exchanges,
        "_settle",
        lambda order, sale, returns: [_SETTLE(order, sale, returns), returns[0].tenders.extend(order.tenders)],
    ),
    "the first return settles all": (
        exchanges,
        "_give_back",
        lambda given, returns: returns[0].tenders.extend(given),
    ),
}
AUDIT: dict[str, Break] = {
    "refund records are not counted": (cases.Case, "recorded", property(lambda _: ZERO)),
    "statuses are not looked at": (causes, "_status", lambda *_: iter(())),
    "fields are not compared": (causes, "moved_fields", lambda *_: []),
    "lines are not compared": (report, "_is_swapped", lambda *_: False),
    "second orders are not told": (causes, "_extra", lambda case, *_: causes._missing(case)),
    "payments are not split": (report, "shares", lambda _, amount, *_rest: [("x", amount / 2)]),
    "returns count for nothing": (cases, "_give_back", lambda *_: None),
    "a refund counts on the day of its sale": (CanonicalOrder, "day_of", lambda order, _refund: order.day),
}


@pytest.mark.parametrize("mutant", EXCHANGES)
def test_exchanges_that_are_taken_apart_wrongly_do_not_pass_their_property(mutant: str) -> None:
    @settings(
        max_examples=200,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(documents())
    def property_holds(document: CanonicalOrder) -> None:
        check_parts(document)

    with planted(*EXCHANGES[mutant]), pytest.raises((AssertionError, ValueError, IndexError)):
        property_holds()


@pytest.mark.parametrize("mutant", AUDIT)
def test_an_audit_that_is_broken_does_not_pass_its_properties(mutant: str, tmp_path: Path) -> None:
    with planted(*AUDIT[mutant]), pytest.raises(AssertionError):
        all_hold(tmp_path)


def all_hold(folder: Path) -> None:
    for mode in ("status", "record"):
        for seed in (1, 2):
            own = folder / f"{mode}{seed}"
            own.mkdir()
            properties_hold(own, mode, seed)


def properties_hold(folder: Path, mode: str, seed: int) -> None:
    shop = Shop(folder, Rules.model_validate(RULES.model_dump() | {"refunds": mode}))
    shop.store.world.more_currencies = ("EUR",)
    try:
        till = Till(shop, random.Random(seed))
        plain = busy(till)
        check_agreement(till)
        check(till, plants(till, plain))
    finally:
        shop.close()


def test_the_code_as_it_is_passes_them(tmp_path: Path) -> None:
    properties_hold(tmp_path, "record", 1)
