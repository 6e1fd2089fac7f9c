"""Archive the drafts that no sale needs: a conversion, or a create in two steps, that arrived late.

A draft is Incomplete: no mail went out for it, no stock was taken, and it counts nowhere. It is archived once its sale has another
order, or is a day old and its sale is not about to finish it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from syncd.bigcommerce.client import OrdersClient, RemoteOrder, Sending
from syncd.bigcommerce.outcome import Accepted
from syncd.clock import Clock
from syncd.ledger import Ledger
from syncd.logs import get_logger
from syncd.mapping.rules import Rules
from syncd.push.store_orders.scan import draft_key, parse_time
from syncd.sale.sale import Sale

_SINCE = timedelta(days=3)
_OLD = timedelta(days=1)


def archive_stray_drafts(store: str, ledger: Ledger, orders: OrdersClient, rules: Rules, clock: Clock) -> list[int]:
    """Archive the stray drafts of the last days; return their ids.

    Raises:
        RemoteError: the store could not be read.

    """
    if not rules.uses_checkout and rules.create != "draft":
        return []
    archived = []
    for sale, draft in list(_strays(ledger, orders, rules, clock)):
        reply = orders.archive(draft.id, Sending(live=False))
        if not isinstance(reply.outcome, Accepted):
            get_logger().warning("draft_not_archived", store=store, order_id=draft.id, status=reply.status)
            continue
        archived.append(draft.id)
        get_logger().info("draft_archived", store=store, sale=sale.sale_key, order_id=draft.id)
        if sale.order_id is not None:
            ledger.sales.remark(store, [sale.order_id], "syncd", f"archived draft order {draft.id}, which arrived late")
    return archived


def _strays(ledger: Ledger, orders: OrdersClient, rules: Rules, clock: Clock) -> Iterator[tuple[Sale, RemoteOrder]]:
    now = clock.now()
    keyed: dict[int, tuple[str, RemoteOrder]] = {}
    for order in orders.drafts(1, since=now - _SINCE):
        key = draft_key(order) or (order.external_order_id if rules.create == "draft" else "")
        if key and not order.is_deleted:
            keyed[order.id] = (key, order)
    sales = ledger.sales.by_key([key for key, _ in keyed.values()])
    for key, order in keyed.values():
        sale = sales.get(key)
        if sale is None or order.id == sale.order_id or _is_needed(sale, order.id):
            continue
        made = parse_time(order.raw.get("date_modified")) or now
        if sale.order_id is not None or now - made > _OLD:
            yield sale, order


def _is_needed(sale: Sale, draft: int) -> bool:
    checkout = sale.checkout
    return checkout is not None and draft in (checkout.order_id, *checkout.more_drafts)
