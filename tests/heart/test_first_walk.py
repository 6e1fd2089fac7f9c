"""The first walk over a store that has many orders already: what interrupts it costs a page, and no order is missed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from syncd.bigcommerce.client import RemoteOrder
from syncd.errors import StoreUnavailable
from syncd.sale.states import State
from tests.heart.telling import one, shop
from tests.model.simulation import Shop, copy_ledger

__all__ = ["shop"]  # the fixture

ORDERS = 640


class Line:
    """The store's lists, cut after some orders."""

    def __init__(self, patch: pytest.MonkeyPatch, shop: Shop, cut_after: int | None = None) -> None:
        self.began: list[tuple[int, bool]] = []
        self.cut_after = cut_after
        self._list = shop.store.list_between
        patch.setattr(shop.store, "list_between", self.list_between)

    def list_between(self, lowest: int, *words: Any, archived: bool) -> Iterator[RemoteOrder]:
        self.began.append((lowest, archived))
        for number, order in enumerate(self._list(lowest, *words, archived=archived)):
            if self.cut_after is not None and number >= self.cut_after:
                raise StoreUnavailable("the line was cut")
            yield order


@pytest.fixture
def full(shop: Shop) -> Shop:
    """A shop whose ledger was lost: the store has its orders, one of them archived."""
    copy_ledger(shop.file, shop.file.with_name("empty.db"))
    shop.record(*[one(f"s{number}") for number in range(ORDERS)])
    shop.push()
    shop.store.world.archive(shop.store.live("till:s500")[0]["id"])
    shop.worker.close()
    copy_ledger(shop.file.with_name("empty.db"), shop.file)
    shop.restart()
    return shop


def test_an_interrupted_first_walk_goes_on_where_it_was(full: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    Line(monkeypatch, full, cut_after=550)
    full.record(one("s5"), one("s500"), one(f"s{ORDERS - 1}"), one("new"))
    full.push()
    assert full.store.posts == ORDERS  # nothing was created on what is half known
    full.restart()
    monkeypatch.undo()
    line = Line(monkeypatch, full)
    full.pass_time(5)
    full.push()
    full.rest()
    lowest, archived = line.began[0]
    assert (lowest > 250, archived) == (True, False)
    assert (1, True) in line.began  # the archived ones had not been looked at
    assert full.store.posts == ORDERS + 1
    assert {full.state(name) for name in ("s5", f"s{ORDERS - 1}", "new")} == {State.SYNCED}
    assert len(full.store.live("till:s500")) == 1
    assert len(full.store.live(f"till:s{ORDERS - 1}")) == 1


def test_a_walk_that_came_to_its_end_leaves_nothing_to_go_on_from(full: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    full.record(one("s5"))
    full.rest()
    line = Line(monkeypatch, full)
    full.restart()
    full.record(one("s6"))
    full.rest()
    assert line.began[0][0] > ORDERS - 250
    assert full.worker.ledger.state.all("scans", "main") == {}
