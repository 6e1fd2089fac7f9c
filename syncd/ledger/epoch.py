"""The generation of a store's rows: a number that rises with every claim, so that a ledger taken back in time is noticed.

Whoever holds the right to push knows how far it has come. A claim is made only if the rows say the same: after a backup was
restored under a living process, a replica took over that lagged behind, or rows were brought back, they say less, and nothing is
sent before the store's orders were listed again.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select, update

from syncd.errors import WoundBack
from syncd.ledger.places import update_store
from syncd.ledger.schema import stores

_CURE = "syncd lists the store's orders again before it sends anything. Read again what came since: syncd backfill."


def read_epoch(connection: Connection, store: str) -> int:
    """The number of a store's rows now."""
    return int(connection.execute(select(stores.c.epoch).where(stores.c.name == store)).scalar() or 0)


_ADVANCE = (
    update(stores)
    .where(stores.c.name == bindparam("of_store"), stores.c.epoch == bindparam("known"))
    .values(epoch=bindparam("after"))
)


def advance(connection: Connection, store: str, known: int) -> int:
    """Raise the number by one; the new one.

    Raises:
        WoundBack: it is not what this process knows it to be.

    """
    if connection.execute(_ADVANCE, {"of_store": store, "known": known, "after": known + 1}).rowcount:
        return known + 1
    found = read_epoch(connection, store)
    if known == 0 == found:  # the store has no row yet
        update_store(connection, store, {"epoch": 1})
        return 1
    raise WoundBack(f"the ledger of {store} was taken back in time: it is at claim {found}, and was at {known}", _CURE)
