"""Learns which of our orders the store has and the ledger does not: after a restored backup, or with a ledger made anew.

Before anything is created, the store's orders above the highest id that the ledger has seen are listed, 250 a call, and
those that carry a sale key are noted. A sale whose key is noted is adopted instead of being created again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from syncd.bigcommerce import OrdersClient, RemoteOrder
from syncd.canonical.money import format_money
from syncd.ledger import Known, Ledger, Sale
from syncd.ledger.states import Held, Synced, Transition
from syncd.logs import get_logger

_PAGE = 250


def catch_up(store: str, ledger: Ledger, orders: OrdersClient) -> int:
    """Note every order with a key above the highest known id, page by page; returns the highest id there is.

    What a crash interrupts goes on from the last noted page.

    Raises:
        RemoteError: the store could not be read; nothing may be created before it was.

    """
    highest = ledger.store_state(store).highest_order_id or 0
    listed = iter(orders.list_from(highest + 1))
    noted = 0
    while page := list(islice(listed, _PAGE)):
        ours = {order.external_order_id: _known(order) for order in reversed(page) if order.external_order_id}
        ledger.note_known(store, ours)
        noted += len(ours)
        highest = max(highest, *(order.id for order in page))
    ledger.note_order_id(store, highest)
    if noted:
        get_logger().info("store_listed", store=store, orders_with_a_key=noted, highest_order_id=highest)
    return highest


def _known(order: RemoteOrder) -> Known:
    return Known(order.id, order.total_inc_tax)


def adopt(sales: Sequence[Sale], known: Mapping[str, Known]) -> list[tuple[Sale, Transition]]:
    """The transitions of those ``sales`` that the store already has under their own key. Pure."""
    return [
        (sale, _adopted(sale, known[sale.sale_key]))
        for sale in sales
        if sale.order_id is None and sale.sale_key in known
    ]


def _adopted(sale: Sale, known: Known) -> Transition:
    if known.total_inc_tax is not None and known.total_inc_tax != sale.total_inc_tax:
        there, here = (format_money(total, sale.currency) for total in (known.total_inc_tax, sale.total_inc_tax))
        why = f"BigCommerce already has it as order {known.order_id}, with a total of {there}; the sale says {here}"
        return Held(why, f"Correct order {known.order_id} there, then: syncd skip {sale.sale_key}", known.order_id)
    return Synced(known.order_id, "already in BigCommerce under this key")
