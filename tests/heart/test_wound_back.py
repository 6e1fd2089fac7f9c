"""A ledger that is taken back in time, removed or replaced under a process that lives on."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from syncd.errors import LedgerError, Replaced
from syncd.ledger import Ledger, RecordOptions
from syncd.sale.states import State
from tests.databases import ledger_url
from tests.heart.telling import BEANS, LARGER, MUG, kept, lose_ledger, one, order, shop
from tests.model.simulation import Shop

__all__ = ["shop"]  # the fixture


def restore(shop: Shop, backup: Path) -> None:
    """Into the live file, as sqlite3's .restore does it."""
    with sqlite3.connect(backup) as then, sqlite3.connect(shop.file) as raw:
        then.backup(raw)


def back_up(shop: Shop, to: Path) -> Path:
    with sqlite3.connect(shop.file) as raw, sqlite3.connect(to) as then:
        raw.backup(then)
    return to


def test_sales_told_again_to_a_ledger_that_was_wound_back_under_a_daemon_are_not_made_twice(
    shop: Shop, tmp_path: Path
) -> None:
    shop.record(one("first"))
    with shop.daemon():
        shop.push()
        backup = back_up(shop, tmp_path / "then.db")
        shop.record(one("a"), one("b"))
        shop.push()
        restore(shop, backup)
        shop.record(one("a"), one("b"), one("c"))
        shop.push()
        shop.rest()
        assert {shop.state(name) for name in "abc"} == {State.SYNCED}
        assert (len(shop.store.orders), shop.store.posts) == (4, 4)
        assert [alert.kind for alert in shop.worker.ledger.alerts.present()] == ["ledger wound back"]


def test_a_create_whose_answer_was_lost_before_the_ledger_was_wound_back_is_waited_for(
    shop: Shop, tmp_path: Path
) -> None:
    shop.record(one("first"))
    with shop.daemon():
        shop.push()
        backup = back_up(shop, tmp_path / "then.db")
        shop.record(one("a"))
        shop.push("late", lateness=100.0)
        restore(shop, backup)
        shop.record(one("a"))
        shop.push()
        shop.rest()
        assert (shop.state("a"), len(shop.store.orders)) == (State.SYNCED, 2)


def test_an_edit_that_was_sent_before_the_ledger_was_wound_back_is_seen_in_the_order(
    shop: Shop, tmp_path: Path
) -> None:
    shop.record(one("a", version="1"))
    with shop.daemon():
        shop.push()
        backup = back_up(shop, tmp_path / "then.db")
        shop.record(one("a", version="2", **LARGER))
        shop.push()
        restore(shop, backup)
        shop.record(one("a", version="2", **LARGER))
        shop.push()
        shop.rest()
        assert (shop.state("a"), order(shop)["total_inc_tax"]) == (State.SYNCED, "15.8000")
        assert kept(shop).belief.differs == ()


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_ledger_file_that_is_removed_or_replaced_is_noticed_before_the_next_request(
    shop: Shop, tmp_path: Path, how: str
) -> None:
    shop.record(one("a"))
    with shop.daemon():
        shop.push()
        if how == "removed":
            shop.file.unlink()
        else:
            shutil.copy(shop.file, tmp_path / "other.db")
            (tmp_path / "other.db").replace(shop.file)
        with pytest.raises(Replaced, match=r"ledger\.db"):
            shop.record(one("b"))
        with pytest.raises(LedgerError):
            shop.worker.ledger.maintenance.check_file()
    assert len(shop.store.orders) == 1


@pytest.mark.postgresql
def test_rows_that_are_brought_back_in_postgresql_are_noticed_too(tmp_path: Path) -> None:
    from syncd.errors import WoundBack
    from syncd.sale.attempt import Intent
    from syncd.sale.states import AttemptKind
    from syncd.testing.clocks import ManualClock
    from tests.deciders import DECIDER, to_main
    from tests.ledger.conftest import numbered

    with (
        ledger_url("postgresql", tmp_path, migrated=True) as url,
        Ledger.open(url, ManualClock(), DECIDER) as ledger,
        ledger.lease("main") as lease,
    ):
        from syncd.canonical import Batch

        ledger.sales.record(Batch(tuple(numbered(2)), (), "c"), RecordOptions("till", to_main))
        first, second = (ledger.sales.get(f"till:{number}") for number in range(2))
        assert first
        assert second

        def intent(sale: object) -> Intent:
            return Intent(sale.id, sale.sale_key, AttemptKind.CREATE, sale.fingerprint, "d")  # type: ignore[attr-defined]  # a Sale

        assert len(ledger.attempts.begin(lease, [intent(first)])) == 1
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("update stores set epoch = 0"))
        engine.dispose()
        with pytest.raises(WoundBack):
            ledger.attempts.begin(lease, [intent(second)])
        ledger.attempts.accept_epoch("main")
        assert len(ledger.attempts.begin(lease, [intent(second)])) == 1


def test_an_order_that_was_changed_since_the_newest_attempt_is_looked_at_by_whoever_pushes_next(
    shop: Shop, tmp_path: Path
) -> None:
    shop.record(one("a", version="1"), one("untouched"))
    shop.push()
    backup = back_up(shop, tmp_path / "then.db")
    shop.record(one("a", version="2", **LARGER))
    shop.push()
    lose_ledger(shop, backup)  # nobody tells of the edit again
    shop.record(one("b"))
    shop.rest()
    assert "its order was changed since syncd last sent anything" in told_of(shop, "a")
    assert "its order was changed since syncd last sent anything" not in told_of(shop, "untouched")
    assert order(shop)["total_inc_tax"] == "15.8000"  # for all that this ledger knows it was staff's doing
    (told,) = kept(shop).belief.differs
    assert "the total is 15.80 USD, the sale's is 10.80 USD" in told


def told_of(shop: Shop, name: str) -> str:
    story = shop.worker.ledger.sales.story(f"till:{name}")
    assert story is not None
    return " ".join(row.why for row in story.audit)


def test_what_an_order_was_found_to_say_already_is_where_the_next_edit_begins(shop: Shop, tmp_path: Path) -> None:
    renamed: dict[str, Any] = {"lines": [MUG, {**BEANS, "name": "Decaf"}]}
    shop.record(one(version="1"))
    shop.push()
    backup = back_up(shop, tmp_path / "then.db")
    shop.record(one(version="2", **renamed))
    shop.push()
    lose_ledger(shop, backup)
    shop.record(one(version="2", **renamed))
    shop.rest()
    assert shop.state("a") is State.SYNCED
    shop.record(one(version="3"))
    shop.rest()
    assert [line["name"] for line in shop.store.world.get(order(shop)["id"]).lines] == ["Mug", "Coffee beans"]
    assert kept(shop).belief.differs == ()
