from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from syncd.canonical import Batch, CanonicalOrder, Fault
from syncd.ledger import DecisionResult, Lease, Ledger, Recorded, RecordOptions, ReplyInfo, Selection
from syncd.sale.attempt import Attempt, Intent
from syncd.sale.events import Applied, SaleEvent
from syncd.sale.overrides import Verb
from syncd.sale.sale import Sale
from syncd.sale.states import AttemptKind, State
from syncd.testing.clocks import ManualClock
from syncd.testing.orders import sale
from tests.databases import ledger_url
from tests.deciders import DECIDER, to_main

FAR = timedelta(hours=1)


@dataclass
class Book:
    """A ledger with its clock, and short ways to do what tests do often."""

    ledger: Ledger
    clock: ManualClock
    url: str

    def record(self, *orders: CanonicalOrder, faults: Sequence[Fault] = (), cursor: str = "c", **how: Any) -> Recorded:
        batch = Batch(orders, tuple(faults), cursor, review_reasons=how.pop("holds", {}))
        return self.ledger.sales.record(batch, RecordOptions("till", to_main, **how))

    def due(self, limit: int = 100) -> Sequence[Sale]:
        return self.ledger.sales.due("main", limit=limit, now=self.clock.now(), far=FAR)

    def unsettled(self) -> Sequence[Sale]:
        return self.ledger.sales.unsettled("main", limit=100, now=self.clock.now(), far=FAR)

    def begin(self, lease: Lease, *sales: Sale) -> Sequence[Attempt]:
        return self.ledger.attempts.begin(lease, [intent(sale) for sale in sales])

    def settle(self, attempt: Attempt, news: SaleEvent) -> State | None:
        return self.ledger.attempts.settle(attempt, news, ReplyInfo(200, "r1", 0.2, "accepted", "7")).result(10)

    def push(self, number: int = 1) -> None:
        """Every sale that is due is accepted by BigCommerce, as orders from ``number`` on."""
        with self.ledger.lease("main") as lease:
            for place, attempt in enumerate(self.begin(lease, *self.due()), start=number):
                self.settle(attempt, took(attempt, place))

    def decide(self, verb: Verb, *keys: str) -> DecisionResult:
        return self.ledger.sales.decide(verb, Selection(keys=keys or ("till:1001",)), "ada")

    def sale(self, key: str = "till:1001") -> Sale:
        found = self.ledger.sales.get(key)
        assert found is not None
        return found

    def state(self, key: str = "till:1001") -> State:
        found = self.ledger.sales.get(key)
        assert found is not None
        return found.state

    def reopened(self) -> Book:
        self.ledger.close()
        return Book(Ledger.open(self.url, self.clock, DECIDER), self.clock, self.url)


def took(attempt: Attempt, order_id: int) -> Applied:
    return Applied(order_id, attempt.fingerprint)


def intent(sale: Sale) -> Intent:
    return Intent(sale.id, sale.sale_key, AttemptKind.CREATE, sale.fingerprint, "digest")


def numbered(count: int, **changes: Any) -> list[CanonicalOrder]:
    return [sale(sale_id=str(number), **changes) for number in range(count)]


@pytest.fixture
def open_book(database: str, tmp_path: Path) -> Iterator[Callable[[], Book]]:
    """Opens the same ledger, as often as it is called."""
    opened: list[Book] = []
    clock = ManualClock()
    with ledger_url(database, tmp_path, migrated=True) as url:

        def make() -> Book:
            opened.append(Book(Ledger.open(url, clock, DECIDER), clock, url))
            return opened[-1]

        yield make
        for book in opened:
            book.ledger.close()


@pytest.fixture
def book(open_book: Callable[[], Book]) -> Book:
    return open_book()
