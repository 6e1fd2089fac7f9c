"""Exchanges that a syncd before this one recorded whole: an upgrade takes them apart, and the orders come to say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import text

from syncd.canonical import Batch, CanonicalOrder, fingerprint
from syncd.ledger import Ledger, RecordOptions
from syncd.sale.states import State
from syncd.testing.clocks import ManualClock
from syncd.testing.orders import sale
from tests.databases import both_databases, ledger_url, to_revision
from tests.deciders import DECIDER

BACK = {"line_id": "1", "name": "Shirt", "quantity": "-1", "total_ex_tax": "-20.00", "total_inc_tax": "-21.60"}
JACKET = {"line_id": "2", "name": "Jacket", "quantity": "1", "total_ex_tax": "10.00", "total_inc_tax": "10.80"}


def exchange(name: str, **changes: Any) -> CanonicalOrder:
    cash = {"kind": "cash", "label": "Cash", "amount": "-10.80"}
    fields: dict[str, Any] = {
        "lines": [BACK, JACKET],
        "total_inc_tax": "-10.80",
        "total_tax": "-0.80",
        "tenders": [cash],
    }
    return sale(source="till", sale_id=name, **fields | changes)


def recorded_whole(url: str, *rows: tuple[CanonicalOrder, dict[str, Any]]) -> None:
    engines = to_revision(url, "0020")
    with engines.write.begin() as connection:
        for order, columns in rows:
            values = {
                "sale_key": order.sale_key,
                "source": "till",
                "store": "main",
                "lane": "live",
                "state": "held",
                "fingerprint": fingerprint(order),
                "placed_at": 1,
                "recorded_at": 1,
                "changed_at": 1,
                "currency": "USD",
                "total_inc_tax": str(order.total_inc_tax),
                "total_tax": str(order.total_tax),
                "document": order.to_json(),
                "returns_of": order.returns_of,
                **columns,
            }
            names = ", ".join(values)
            marks = ", ".join(f":{name}" for name in values)
            connection.execute(text(f"insert into sales ({names}) values ({marks})"), values)
            audit = "insert into audit (sale_id, at, actor, after, why)"
            audit += " select id, 1, 'syncd', state, '' from sales where sale_key = :key"
            connection.execute(text(audit), {"key": order.sale_key})
    engines.dispose()


@both_databases
def test_an_exchange_that_was_recorded_whole_is_taken_apart(database: str, tmp_path: Path) -> None:
    plain, back = (
        sale(source="till", sale_id="plain"),
        exchange("back", lines=[BACK], total_inc_tax="-21.60", returns_of="till:o1"),
    )
    with ledger_url(database, tmp_path) as url:
        recorded_whole(
            url,
            (exchange("shown", returns_of="till:o1"), {"state": "synced", "order_id": 100, "told": "x"}),
            (exchange("unlinked"), {"why": "a return that names no original"}),
            (plain, {"state": "synced", "order_id": 102, "told": fingerprint(plain)}),
            (back, {"state": "synced", "order_id": 100, "told": fingerprint(back)}),
        )
        with Ledger.open(url, ManualClock(), DECIDER) as ledger:
            kept = {
                key: ledger.sales.get(f"till:{key}") for key in ("shown", "shown/return", "unlinked", "unlinked/return")
            }
            unchanged = [ledger.sales.get(f"till:{key}") for key in ("plain", "back")]
            assert ledger.maintenance.verify() == []
    told = {key: (str(one.total_inc_tax), one.order_id, one.returns_of, one.state) for key, one in kept.items() if one}
    assert told == {
        "shown": ("10.8", None, None, State.PENDING),
        "shown/return": ("-21.6", 100, "till:o1", State.PENDING),
        "unlinked": ("10.8", None, None, State.PENDING),
        "unlinked/return": ("-21.6", None, None, State.PENDING),
    }
    assert [one and (one.state, one.order_id) for one in unchanged] == [(State.SYNCED, 102), (State.SYNCED, 100)]


def test_an_exchange_that_is_read_again_after_the_upgrade_is_no_edit(tmp_path: Path) -> None:
    with ledger_url("sqlite", tmp_path) as url:
        recorded_whole(url, (exchange("a"), {}))
        with Ledger.open(url, ManualClock(), DECIDER) as ledger:
            done = ledger.sales.record(Batch((exchange("a"),), (), None), RecordOptions("till", lambda _: "main"))
            assert (done.new, done.changed, done.same) == (0, 0, 2)
