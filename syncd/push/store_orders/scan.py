"""One scan of a store's orders: those that are not archived, then the archived ones, page by page, with a checkpoint.

The catch-up, the daily drift check, rebuild, verify and audit all read the store through it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from itertools import islice

from msgspec import Struct

from syncd.bigcommerce.client import RemoteOrder
from syncd.ledger import EVER, Ledger
from syncd.mapping.checkout import key_in
from syncd.sale.facts import OrderSnapshot, StoreOrder

PAGE = 250
_NAMES = {False: "orders", True: "archived"}


class OrderPage(Struct, frozen=True):
    """One page of a scan, in the order of the ids; ``archived`` is the half of the scan that it belongs to."""

    orders: tuple[RemoteOrder, ...]
    archived: bool

    @property
    def with_a_key(self) -> list[RemoteOrder]:
        """The orders that carry an external order id: ours, as a rule."""
        return [order for order in self.orders if order.external_order_id]

    @property
    def drafts(self) -> list[tuple[str, RemoteOrder]]:
        """The drafts of checkouts whose message carries a sale's key, with that key; archived ones left out."""
        found = [(draft_key(order), order) for order in self.orders if not self.archived]
        return [(key, order) for key, order in found if key is not None]

    @property
    def highest_id(self) -> int:
        """The highest order id of the page."""
        return max(order.id for order in self.orders)

    @property
    def is_full(self) -> bool:
        """Whether more may follow."""
        return len(self.orders) == PAGE


def scan_orders(list_half: Callable[[bool], Iterable[RemoteOrder]]) -> Iterator[OrderPage]:
    """Read both halves of a store's orders page by page; ``list_half`` lists one, the archived one where it is given True.

    Raises:
        RemoteError: the store could not be read.

    """
    for archived in (False, True):
        listed = iter(list_half(archived))
        while page := tuple(islice(listed, PAGE)):
            yield OrderPage(page, archived)


class ScanCheckpoint:
    """Where an interrupted scan of a store came to, in each half: kept in the ledger until the scan is complete."""

    def __init__(self, store: str, ledger: Ledger, scan: str, name: str) -> None:
        self._store, self._state, self._name = store, ledger.state, f"{scan}/{name}"

    def load(self, younger_than: datetime = EVER) -> dict[bool, int]:
        """Return the highest order id that was read in each half (by whether it is the archived one); empty where none was."""
        kept = self._state.get("scans", [self._name], self._store, younger_than=younger_than).get(self._name)
        places: Mapping[str, int] = json.loads(kept) if kept else {}
        return {archived: places[name] for archived, name in _NAMES.items() if name in places}

    def save(self, places: Mapping[bool, int]) -> None:
        """Keep how far the scan has come."""
        named = {_NAMES[archived]: place for archived, place in places.items()}
        self._state.put("scans", {self._name: json.dumps(named)}, self._store)

    def clear(self) -> None:
        """Forget it: the scan is complete."""
        self._state.drop("scans", [self._name], self._store)


def draft_key(order: RemoteOrder) -> str | None:
    """Return the sale's key that the message of a checkout's draft carries; None for any other order."""
    if order.status_id != 0 or order.external_order_id or order.raw.get("order_source") != "checkout_api":
        return None
    return key_in(str(order.raw.get("customer_message") or ""))


def known_of(order: RemoteOrder, *, two_steps: bool = False) -> StoreOrder:
    """Return what is kept of an order that carries one of our keys; in ``two_steps`` one of status 0 is a draft as well."""
    draft = draft_key(order) is not None or (two_steps and order.status_id == 0)
    return StoreOrder(order.id, there_of(order), order.is_deleted, draft, order.cart_id)


def there_of(order: RemoteOrder) -> OrderSnapshot:
    """Return what an order was listed or answered to say."""
    status = order.status_id if "status_id" in order.raw else None
    return OrderSnapshot(
        status, order.total_inc_tax, order.total_tax, order.currency or None, parse_time(order.date_created)
    )


def parse_time(text: object) -> datetime | None:
    """Return a time of an order (RFC 2822, in UTC); None where it is missing or cannot be read."""
    try:
        at = parsedate_to_datetime(str(text))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
