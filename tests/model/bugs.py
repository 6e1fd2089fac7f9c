"""The bugs of before, put back one at a time by a switch: the model must find each of them.

SYNCD_MODEL_BUG=4 python -m pytest tests/model/test_model.py
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from msgspec.structs import replace

from syncd.sale import decide, events, versions
from syncd.sale.decide import still_open
from syncd.sale.events import Discovered, Rejected, SaleEvent, totals_of
from syncd.sale.requests import plan_create
from syncd.sale.sale import Sale
from syncd.sale.steps import Create
from syncd.sale.versions import VersionOrder
from tests.planted_bugs import planted

Patch = tuple[object, str, Callable[[Any], Any]]


def _a_hold_claims_that_bigcommerce_was_told(
    learn: Callable[[Sale, SaleEvent], Sale],
) -> Callable[[Sale, SaleEvent], Sale]:
    def wrong(sale: Sale, news: SaleEvent) -> Sale:
        learnt = learn(sale, news)
        if isinstance(news, Rejected) and learnt.order_id is not None:
            return replace(learnt, belief=replace(learnt.belief, confirmed_version=sale.fingerprint))
        return learnt

    return wrong


def _what_is_found_is_in_line(learn: Callable[[Sale, SaleEvent], Sale]) -> Callable[[Sale, SaleEvent], Sale]:
    def wrong(sale: Sale, news: SaleEvent) -> Sale:
        learnt = learn(sale, news)
        if isinstance(news, Discovered):
            return replace(
                learnt,
                belief=replace(
                    learnt.belief, confirmed_version=sale.fingerprint, requested_totals=totals_of(news.snapshot)
                ),
            )
        return learnt

    return wrong


def _what_was_tried_is_pushed_whatever_it_says(by_what_it_says: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(sale: Sale, order: Any, ground: Any, now: Any, seen: Any) -> Any:
        if sale.tries and sale.order_id is None:
            return Create() if seen is None else plan_create(order, seen, ground.rules)
        return by_what_it_says(sale, order, ground, now, seen)

    return wrong


BUGS: dict[int, Patch] = {
    1: (events, "apply_event", _a_hold_claims_that_bigcommerce_was_told),
    2: (events, "apply_event", _what_is_found_is_in_line),
    3: (decide, "_by_what_it_says", _what_was_tried_is_pushed_whatever_it_says),
    4: (versions, "_order", lambda _: lambda *_: VersionOrder.NEWER),
    8: (
        decide,
        "still_open",
        lambda _: lambda doubt, *rest: still_open(doubt, *rest) if doubt.kind.value == "create" else None,
    ),
}


@contextmanager
def put_back(number: int | None = None) -> Iterator[None]:
    """The code with one of its old bugs; as it is where none is named."""
    number = number or int(os.environ.get("SYNCD_MODEL_BUG", "0"))
    if not number:
        yield
        return
    module, name, wrong = BUGS[number]
    with planted(module, name, wrong(getattr(module, name))):
        yield
