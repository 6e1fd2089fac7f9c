"""What was sent to an order, for whichever sale: so that its changes go out one after the other, each from a fresh look.

The unit that BigCommerce changes is the order, and several sales may change one: its own, and every return that names it. A change
is computed from a look at the order. It may be claimed only if nothing was sent to that order since before the look, and nothing is
on its way there.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from syncd.ledger.schema import attempts, sales
from syncd.ledger.states import ON_THE_WIRE, State


@dataclass(frozen=True, slots=True)
class Trail:
    """The newest attempt that changes an order (0: none did), and whether one is on the wire or in doubt."""

    newest: int = 0
    busy: bool = False


UNTOUCHED = Trail()

_ROWS = (
    select(attempts.c.order_id, attempts.c.id, sales.c.state)
    .join(sales, sales.c.id == attempts.c.sale_id)
    .where(attempts.c.order_id.in_(bindparam("orders", expanding=True)), sales.c.store == bindparam("store"))
)


def trails(connection: Connection, store: str, order_ids: Collection[int]) -> dict[int, Trail]:
    """The trail of each of some orders of a store; one that nothing was sent to is left out."""
    found: dict[int, Trail] = {}
    if not order_ids:
        return found
    for row in connection.execute(_ROWS, {"store": store, "orders": list(order_ids)}):
        before = found.get(row.order_id, UNTOUCHED)
        on_its_way = State(row.state) in ON_THE_WIRE
        found[row.order_id] = Trail(max(before.newest, row.id), before.busy or on_its_way)
    return found
