"""Learns anew from the store's own orders which sales it has, and compares what ledger and store say. Streaming.

The catch-up before a process' first create looks above the highest order id that the ledger knows; this looks at all of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from syncd.bigcommerce.client import OrdersClient, RemoteOrder
from syncd.clock import Clock
from syncd.errors import Stopped
from syncd.ledger import Ledger
from syncd.push.store_orders.differences import BACK
from syncd.push.store_orders.differences import differences as of_order
from syncd.push.store_orders.scan import ScanCheckpoint, known_of, scan_orders
from syncd.sale.sale import Sale
from syncd.sale.states import State

_RESUMES_FOR = timedelta(days=1)


class Span(Struct, frozen=True):
    """Which orders, by their own dates (for a sale that was pushed: the time of the sale); None for no bound."""

    start: datetime | None = None
    end: datetime | None = None

    @property
    def name(self) -> str:
        """A name for the place at which a rebuild of this span was left."""
        return f"{self.start and self.start.isoformat()}..{self.end and self.end.isoformat()}"


class Rebuilt(Struct, frozen=True):
    """Orders looked at, those with a sale key, and whether the walk came to its end."""

    looked_at: int = 0
    with_a_key: int = 0
    whole: bool = False


def rebuild(  # noqa: PLR0913, PLR0917  what to walk, what to fill, when to stop, whom to tell
    store: str,
    ledger: Ledger,
    orders: OrdersClient,
    span: Span,
    clock: Clock,
    stop: threading.Event,
    tell: Callable[[int], None] = lambda _: None,
) -> Rebuilt:
    """Note every order of the span that carries a key; an interrupted walk goes on where it was, for a day.

    Raises:
        RemoteError: the store could not be read; what was noted stays.

    """
    checkpoint = ScanCheckpoint(store, ledger, "rebuild", span.name)
    places = checkpoint.load(younger_than=clock.now() - _RESUMES_FOR)
    begin = {archived: place + 1 for archived, place in places.items()}

    def list_half(archived: bool) -> Iterable[RemoteOrder]:
        return orders.list_between(begin.get(archived, 1), span.start, span.end, archived=archived)

    looked_at = with_a_key = 0
    try:
        for page in scan_orders(list_half):
            ours = [(order.external_order_id, known_of(order)) for order in page.with_a_key]
            ours += [(key, known_of(order)) for key, order in page.drafts]
            ledger.stores.note_known(store, ours)
            places[page.archived] = page.highest_id
            checkpoint.save(places)
            looked_at, with_a_key = looked_at + len(page.orders), with_a_key + len(ours)
            tell(looked_at)
            if stop.is_set():
                return Rebuilt(looked_at, with_a_key)
    except Stopped:
        return Rebuilt(looked_at, with_a_key)
    checkpoint.clear()
    return Rebuilt(looked_at, with_a_key, whole=True)


def differences(store: str, ledger: Ledger, orders: OrdersClient, span: Span) -> Iterator[str]:
    """Where ledger and store do not agree: keys with two orders, orders that the ledger knows nothing of, links that lead nowhere.

    Raises:
        RemoteError: the store could not be read.

    """
    seen: dict[str, int] = {}
    for page in scan_orders(lambda archived: orders.list_between(1, span.start, span.end, archived=archived)):
        ours = page.with_a_key
        sales = ledger.sales.by_key([order.external_order_id for order in ours])
        stamps = ledger.attempts.stamps_of([sale.id for sale in sales.values()])
        for order in ours:
            key = order.external_order_id
            if key in seen and seen[key] != order.id:
                yield f"{key} has two orders: {seen[key]} and {order.id}"
            seen.setdefault(key, order.id)
            sale = sales.get(key)
            yield from _of_one(sale, order, seen[key])
            if sale is not None and sale.state is State.SYNCED and sale.order_id == order.id:
                yield from _changed(ledger, sale, stamps.get(sale.id), order)
    for sale in ledger.sales.linked(store, span.start, span.end):
        if sale.returns_of is None and sale.sent_key not in seen:
            yield f"{sale.sale_key} is linked to order {sale.order_id}, which the store does not show"


def _of_one(sale: Sale | None, order: RemoteOrder, lowest: int) -> Iterator[str]:
    if sale is None:
        yield f"order {order.id} carries {order.external_order_id}, which the ledger does not know"
    elif sale.order_id is None and sale.state is not State.UNKNOWN:
        yield f"{sale.sale_key} is {sale.state}, and the store has it as order {order.id}"
    elif sale.order_id not in (None, order.id, lowest):
        yield f"{sale.sale_key} is linked to order {sale.order_id}; the store has it as {order.id}"


def _changed(ledger: Ledger, sale: Sale, stamp: str | None, order: RemoteOrder) -> Iterator[str]:
    came_back = order.status_id in BACK and bool(ledger.sales.returned_total(sale.sale_key, but=""))
    for one in of_order(sale, stamp, order, came_back=came_back):
        yield f"{sale.sale_key}, order {order.id}: {one}"
    for words in sale.belief.differs:
        yield f"{sale.sale_key}, order {order.id}: {words}"
