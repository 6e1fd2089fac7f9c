"""What syncd has done itself is not held against a sale, and what later requests rest on is not forgotten."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from syncd.bigcommerce.outcome import NotSent, Reply
from syncd.errors import Busy, Corrupt, Full, LedgerError
from syncd.ledger.engine import to_ledger_error
from syncd.mapping.rules import Rules
from syncd.sale.states import State
from tests.heart.telling import LARGER, one, order, shop, staff_add_gift_wrap
from tests.model.simulation import RULES, Shop

__all__ = ["shop"]  # the fixture


def test_a_sale_whose_creates_were_interrupted_by_kills_again_and_again_is_pushed_all_the_same(shop: Shop) -> None:
    shop.record(one())
    for turn in range(24):
        other = one(
            f"other {turn}", placed_at="2026-11-20T09:00:00-06:00"
        )  # the store goes on making orders: no outage
        shop.record(other)
        shop.push("accepted", "crash before")
        shop.store.fates.clear()
        shop.pass_time(61)
    assert sum(one_.kind == "create" for one_ in shop.worker.ledger.sales.story("till:a").attempts) > 3  # type: ignore[union-attr]  # it is there
    shop.rest()
    assert (shop.state("a"), len(shop.store.orders)) == (State.SYNCED, 25)


def test_retention_keeps_what_an_order_was_told_beside_its_refund(tmp_path: Path) -> None:
    shop = Shop(tmp_path, Rules.model_validate(RULES.model_dump() | {"refunds": "record"}))
    shop.record(one(version="1"))
    shop.push()
    staff_add_gift_wrap(shop)
    refund = {"id": "r1", "amount_inc_tax": "1.00"}
    shop.record(one(version="2", status="partially_refunded", refunds=[refund]))
    shop.rest()
    shop.worker.ledger.maintenance.forget_history(shop.clock.now() + timedelta(days=1))
    shop.record(one(version="3", status="partially_refunded", refunds=[refund], **LARGER))
    shop.rest()
    names = [line["name"] for line in shop.store.world.get(order(shop)["id"]).lines]
    assert ("Gift wrap" in names, shop.state("a"), order(shop)["total_inc_tax"]) == (True, State.SYNCED, "20.8000")
    assert len(shop.store.world.get(order(shop)["id"]).refunds) == 1
    shop.close()


def test_intents_that_grow_stale_are_given_up_ever_more_rarely(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[float] = []

    def stale(*_: Any) -> Reply:
        tried.append(shop.clock.elapsed().seconds)
        return Reply(NotSent("it waited for longer than its intent lives", ours=True, stale=True))

    monkeypatch.setattr(shop.store, "create", stale)
    shop.record(*[one(f"s{number}") for number in range(20)])
    for _ in range(300):
        shop.pass_time(1)
        shop.push()
    assert len(tried) <= 20 * 6, "every sale is tried a handful of times in five minutes, not at every pass"
    monkeypatch.undo()
    for _ in range(6):
        shop.rest()
    assert len(shop.store.orders) == 20


class ServerError(Exception):
    def __init__(self, sqlstate: str, words: str) -> None:
        super().__init__(words)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("sqlstate", "words", "becomes"),
    [
        ("40P01", "deadlock detected: Process 7 waits for ShareLock; blocked by process 8", Busy),
        ("40001", "could not serialize access", Busy),
        ("55P03", "canceling statement due to lock timeout", Busy),
        ("53100", "could not extend file: No space left on device", Full),
        ("42P01", 'relation "sales" does not exist', Corrupt),
        ("23505", 'duplicate key value violates unique constraint "stores_pkey"; the store is blocked', LedgerError),
    ],
)
def test_errors_of_a_server_are_known_by_their_code_and_not_by_words(
    sqlstate: str, words: str, becomes: type[LedgerError]
) -> None:
    found = to_ledger_error(OperationalError("select 1", None, ServerError(sqlstate, words)), "pg")
    assert "another program" not in found.what or sqlstate == "55P03"
    assert type(found) is becomes or (becomes is LedgerError and not isinstance(found, Corrupt | Full))
