"""Compare a listed order with what its sale was last sent as: one comparer for the drift check, verify and audit.

The push compares more, for it reads lines and addresses as well (``mapping.update``). Both compare by the same marks. Pure.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from syncd.bigcommerce.client import RemoteOrder
from syncd.canonical.money import format_money
from syncd.mapping.stamp import SHOWN, Stamp, mark
from syncd.push.store_orders.scan import parse_time
from syncd.sale.sale import Sale

NO_SALE = {0: "incomplete", 5: "cancelled", 6: "declined"}
BACK = {4: "refunded", 14: "refunded in part"}
LISTED = ("billing_address", "channel_id", "customer_id", "date_created", "payment_method")


class OrderDifference(Struct, frozen=True):
    """One difference between an order and its sale: what it is, the sale's value, the order's value."""

    what: str
    said: str
    there: str

    def __str__(self) -> str:
        """In words."""
        return f"{self.what} came to {self.said} and comes to {self.there}" if self.said else self.what


def differences(sale: Sale, stamp: str | None, order: RemoteOrder, *, came_back: bool = False) -> list[OrderDifference]:
    """List how an order differs from what ``sale`` was last sent as (``stamp``; None where that is not known).

    ``came_back``: returns of their own show on this order, and have moved its status.

    Amounts are compared with those that BigCommerce answered after our last word (what staff had added by then is among them), a
    status where it makes the order no sale, or less of one, and was not so then.
    """
    said = Stamp.from_json(stamp) if stamp else None
    return [*_amounts(sale, order), *_status(sale, order, came_back), *moved_fields(said, order)]


_SKEW = timedelta(minutes=1)


def has_drifted(sale: Sale, stamp: str | None, sent_at: datetime | None, order: RemoteOrder) -> bool:
    """Whether a listed order was changed since its sale was last sent, by a staff note or status too.

    So may one that was changed a while after the last request for it (``sent_at``): a list shows no lines and no shipping address.
    """
    changed = modified_at(order)
    if sent_at is not None and changed is not None and changed > sent_at + _SKEW:
        return True
    if order.is_deleted or sale.belief.snapshot.status_id not in (None, order.status_id) or _amounts(sale, order):
        return True
    said = Stamp.from_json(stamp) if stamp else None
    note = None if said is None else said.fields.get("staff_notes")
    return bool(moved_fields(said, order)) or (
        note is not None and mark("staff_notes", order.raw.get("staff_notes")) != note
    )


def modified_at(order: RemoteOrder) -> datetime | None:
    """Return when an order was last modified; None where it does not say."""
    return parse_time(order.raw.get("date_modified"))


def _amounts(sale: Sale, order: RemoteOrder) -> list[OrderDifference]:
    there, found = sale.belief.snapshot, list[OrderDifference]()
    if order.currency and there.currency and order.currency != there.currency:
        return [OrderDifference("the currency", there.currency, order.currency)]
    for what, said, shown in (
        ("the total", there.total_inc_tax, order.total_inc_tax),
        ("the tax", there.total_tax, order.total_tax),
    ):
        if said is not None and shown is not None and said != shown:
            found.append(OrderDifference(what, format_money(said, sale.currency), format_money(shown, sale.currency)))
    return found


def _status(sale: Sale, order: RemoteOrder, came_back: bool) -> list[OrderDifference]:
    before, now = sale.belief.snapshot.status_id, order.status_id
    if before is None or before == now or now not in (NO_SALE if came_back else NO_SALE | BACK):
        return []
    words = NO_SALE.get(now) or BACK[now]
    return [OrderDifference(f"it is {words} there, and not in the POS", "", words)]


def moved_fields(stamp: Stamp | None, order: RemoteOrder) -> list[OrderDifference]:
    """List the fields of an order that differ from its stamp (None where that is not known)."""
    if stamp is None:
        return []
    return [
        OrderDifference(f"{SHOWN[name]} is another one there", "", "another")
        for name in LISTED
        if name in order.raw and (said := stamp.fields.get(name)) is not None and mark(name, order.raw[name]) != said
    ]
