"""What a store shows for an audit: its orders, kept small, and the refund records of its orders."""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from syncd.bigcommerce.client import OrdersClient, RemoteOrder, read_order
from syncd.ledger import Ledger
from syncd.push.store_orders.audit.days import Days
from syncd.push.store_orders.differences import LISTED
from syncd.push.store_orders.scan import scan_orders

_KEPT = (
    *("id", "external_order_id", "external_source", "status_id", "total_inc_tax", "total_tax", "is_deleted"),
    *("default_currency_code", "currency_code", "date_modified", "order_source", *LISTED),
)
"""The fields of an order that an audit looks at. Packed, they take half a kilobyte; a whole order takes eight."""


class ShownOrders:
    """The orders of a store that may belong to some business days, found by id and by key.

    Every order of a sale was made after the sale, and touched since: those that were modified since the first day hold them all,
    whatever day they are dated.
    """

    def __init__(self, orders: OrdersClient, days: Days) -> None:
        self._orders, self._days = orders, days
        self._by_id: dict[int, bytes] = {}
        self._by_key: dict[str, tuple[int, ...]] = {}
        self._claimed: set[int] = set()
        self.drafts: list[int] = []  # of checkouts: no sale's order, and still there
        self._newer: Mapping[int, list[Mapping[str, Any]]] | None = None
        for page in scan_orders(lambda archived: orders.list_modified(days.begin, archived=archived)):
            for order in page.orders:
                self._keep(order)
            self.drafts += [order.id for key, order in page.drafts if days.of(key)]

    def _keep(self, order: RemoteOrder) -> None:
        if order.id not in self._by_id and order.external_order_id:
            self._by_key[order.external_order_id] = (*self.with_key(order.external_order_id), order.id)
        self._by_id[order.id] = _pack(order)

    def with_key(self, key: str) -> tuple[int, ...]:
        """Return the ids of the orders that carry a key."""
        return self._by_key.get(key, ())

    def claim(self, number: int) -> RemoteOrder | None:
        """Return an order for its sale; the store is asked for one that was not listed. None where it has none of that id."""
        self._claimed.add(number)
        packed = self._by_id.get(number)
        return self._orders.get(number) if packed is None else _unpack(packed)

    def unknown(self, ledger: Ledger) -> Iterator[RemoteOrder]:
        """Yield the orders of these days that no sale has claimed, and whose sale keys the ledger does not know."""
        left = {
            key: ids
            for key, numbers in self._by_key.items()
            if ":" in key and self._days.of(key) and (ids := [one for one in numbers if self._is_left(one)])
        }
        known = ledger.sales.by_key(list(left))
        for key, ids in left.items():
            if key not in known:
                yield from (_unpack(self._by_id[one]) for one in ids)

    def _is_left(self, number: int) -> bool:
        order = None if number in self._claimed else _unpack(self._by_id[number])
        return order is not None and not order.is_deleted and self._days.hold(order.day)

    def refunds(self, asked: Collection[int], others: Iterable[int]) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Yield the refund records, each with its order: all of ``asked``, and those since the first day of ``others``."""
        if self._newer is None:
            self._newer = self._orders.refunds_since(self._days.begin)
        every = self._orders.refunds_of(asked)
        for number in {*every, *others}:
            records = every.get(number, [])
            known = {record.get("id") for record in records}
            newer = (record for record in self._newer.get(number, ()) if record.get("id") not in known)
            yield from ((number, record) for record in (*records, *newer))


def _pack(order: RemoteOrder) -> bytes:
    kept = {name: order.raw[name] for name in _KEPT if name in order.raw}
    return zlib.compress(json.dumps(kept, default=str).encode(), 1)


def _unpack(packed: bytes) -> RemoteOrder:
    return read_order(json.loads(zlib.decompress(packed)))
