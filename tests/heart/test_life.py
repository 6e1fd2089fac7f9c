"""A slice of the life storm, and proof that it finds what it is there to find: ten mutations of the heart, each found."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from syncd.ledger import attempts
from syncd.mapping import refund, stamp, update
from syncd.push.store_orders import catch_up
from syncd.sale import decide, events, versions
from syncd.sale.steps import Create
from syncd.sale.versions import VersionOrder
from tests.chaos.life import Storm, storm
from tests.planted_bugs import planted

SALES = int(os.environ.get("SYNCD_LIFE_SALES", "30"))


@pytest.mark.parametrize("refunds", ["status", "record"])
@pytest.mark.parametrize("seed", [101, 102])
def test_every_order_says_in_the_end_what_its_sale_says_or_somebody_is_told(seed: int, refunds: str) -> None:
    assert storm(Storm(SALES, seed, refunds=refunds)).differences == ()


@pytest.mark.postgresql
def test_the_same_on_postgresql() -> None:
    assert storm(Storm(SALES // 2, 103, "postgresql")).differences == ()


def _all_of_them(_real: object) -> Callable[..., Any]:
    return lambda _connection, _store, claims: list(claims)


def _but(name: str) -> Callable[[Any], tuple[str, ...]]:
    return lambda fields: tuple(one for one in fields if one != name)


def _told_when_found(learn: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(sale: Any, one: Any) -> Any:
        learnt = learn(sale, one)
        if isinstance(one, events.Discovered):
            return replace(
                learnt,
                belief=replace(
                    learnt.belief,
                    confirmed_version=sale.fingerprint,
                    requested_totals=events.totals_of(one.snapshot),
                ),
            )
        return learnt

    return wrong


def _without_more(plan: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(*args: Any) -> Any:
        step = plan(*args)
        return Create(step.mapped) if isinstance(step, Create) else step

    return wrong


MUTATIONS: dict[str, tuple[object, str, Callable[[Any], Any], str]] = {
    "two writers for one order": (attempts, "_one_an_order", _all_of_them, "status"),
    "a found order is believed": (events, "apply_event", _told_when_found, "status"),
    "the shipping address is not compared": (update, "FIELDS", _but("shipping_address"), "status"),
    "the date is not compared": (stamp, "instant", lambda _: lambda _text: "", "status"),
    "totals are not restated": (update, "recounts", lambda _: lambda _body: False, "status"),
    "every version is newer": (versions, "order_of", lambda _: lambda *_: VersionOrder.NEWER, "status"),
    "a create in doubt is forgotten at once": (decide, "still_open", lambda _: lambda *_: None, "status"),
    "refunds before the first push have no record": (decide, "plan_create", _without_more, "record"),
    "a refund's marker is not known again": (refund, "marker", lambda _: lambda *_: "[POS refund", "record"),
    "what changed meanwhile is not looked at": (catch_up, "has_drifted", lambda _: lambda *_: False, "status"),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_each_mutation_of_the_heart_is_found_by_the_storm(mutation: str) -> None:
    module, name, wrong, refunds = MUTATIONS[mutation]
    with planted(module, name, wrong(getattr(module, name))):
        for seed in range(7, 13):
            try:
                if storm(Storm(100, seed, refunds=refunds)).differences:
                    return
            except Exception:  # noqa: BLE001  the code, or the store, noticed it itself
                return
    pytest.fail("six storms found nothing")
