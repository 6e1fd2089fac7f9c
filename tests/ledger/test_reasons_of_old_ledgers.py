"""A ledger of before reasons had groups: its waiting sales are grouped by the upgrade, on both databases."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from syncd.ledger import Ledger
from syncd.sale.states import State
from syncd.testing.clocks import ManualClock
from tests.databases import both_databases, ledger_url, to_revision
from tests.deciders import DECIDER

_ROWS = (
    ("a", "held", "BigCommerce made it a total of 5.00 USD; the sale says 4.00 USD", None),
    ("b", "held", "BigCommerce made it a total of 9.00 USD; the sale says 8.00 USD", None),
    ("c", "held", "two tickets of one number: 17", "two tickets of one number: 17"),
    ("d", "rejected", "BigCommerce said 400: the field is wrong", None),
    ("e", "synced", "", None),
)
_INSERT = (
    "insert into sales(sale_key, source, store, lane, state, fingerprint, placed_at, recorded_at, changed_at, why, hold, currency,"
    " total_inc_tax, total_tax) values (:key, 'till', 'main', 'live', :state, 'f', 1, 1, 1, :why, :hold, 'USD', '5.00', '0.00')"
)


@both_databases
def test_an_upgrade_groups_the_sales_that_wait(database: str, tmp_path: Path) -> None:
    with ledger_url(database, tmp_path) as url:
        _upgraded(url)


def _upgraded(url: str) -> None:
    engines = to_revision(url, "0023")
    with engines.write.begin() as connection:
        rows = [{"key": f"till:{key}", "state": state, "why": why, "hold": hold} for key, state, why, hold in _ROWS]
        connection.execute(text(_INSERT), rows)
    engines.dispose()
    with Ledger.open(url, ManualClock(), DECIDER) as ledger:
        held = [(one.group, one.number) for one in ledger.overviews.reasons(State.HELD)]
        rejected = [(one.kind.code, one.number) for one in ledger.overviews.reasons(State.REJECTED)]
    assert held == [("total_differs", 2), ("pos_review:two tickets of one number: #", 1)]
    assert rejected == [("refused", 1)]
