"""The Orders API (V2), typed. Writes go out once and return what was seen; reads raise.

Source: https://developer.bigcommerce.com/docs/rest-management/orders
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from msgspec import Struct

from syncd.bigcommerce.api import Api
from syncd.bigcommerce.classify import amount, classify, classify_archive, classify_refund
from syncd.bigcommerce.outcome import NotSent, Outcome, Reply
from syncd.errors import Stopped, StoreRejected, StoreUnavailable
from syncd.http.transport import HttpAnswer, HttpError, Method

_ORDERS = "/v2/orders"
_V3_ORDERS = "/v3/orders"
_IDS_AT_ONCE = 100  # in a URL
_PAGE = 250


class RemoteOrder(Struct, frozen=True):
    """An order as BigCommerce has it; ``raw`` is the whole answer."""

    id: int
    external_order_id: str
    external_source: str
    status_id: int
    total_inc_tax: Decimal | None
    total_tax: Decimal | None
    date_created: str
    is_deleted: bool
    currency: str
    raw: Mapping[str, Any]

    @property
    def cart_id(self) -> str | None:
        """The id of the cart that it was converted from, if it was."""
        return str(found) if (found := self.raw.get("cart_id")) else None

    @property
    def day(self) -> date:
        """The day that it is dated."""
        return parsedate_to_datetime(self.date_created).date()


class Sending(Struct, frozen=True):
    """How a write goes out: its lane, a last question just before the first byte leaves, the body where it is written already."""

    live: bool = True
    precondition: Callable[[], bool] = lambda: True
    content: bytes | None = None


def written(body: Mapping[str, Any]) -> bytes:
    """Return a body as it goes over the wire."""
    return json.dumps(body, separators=(",", ":")).encode()


def write_once(
    api: Api,
    request: tuple[Method, str, bytes | None],
    how: Sending,
    means: Callable[[HttpAnswer | HttpError], Outcome],
) -> Reply:
    """Send a request (method, path, body) once, and return what ``means`` makes of the answer or of its absence."""
    method, path, content = request
    try:
        api.acquire(live=how.live)
    except Stopped as stopped:
        return Reply(NotSent(stopped.what, ours=True))
    try:
        answer = api.send_paced(method, path, None, content, precondition=how.precondition)
    except HttpError as error:
        return Reply(means(error), error.status, None, error.elapsed_s)
    return Reply(means(answer), answer.status, answer.request_id, answer.elapsed_s)


class FilterBroken(Exception):
    """A list's filter let other orders through and none of those asked for: their absence is not shown."""


class OrdersClient:
    """One store's orders. ``trusts_filter``: whether the list by ``external_order_id`` may show that an order is absent."""

    def __init__(self, api: Api, *, trusts_filter: bool = True) -> None:
        self._api, self._trusts_filter = api, trusts_filter

    def create(self, body: Mapping[str, Any], how: Sending) -> Reply:
        """POST an order, once. The answer counts only if it echoes the body's ``external_order_id``."""
        echo = str(body.get("external_order_id", ""))
        return self._write("POST", _ORDERS, body, how, lambda seen: classify(seen, external_order_id=echo))

    def update(self, order_id: int, body: Mapping[str, Any], how: Sending) -> Reply:
        """PUT changes to an order, once. The answer counts only if it is about that order."""
        means = partial(classify, order_id=order_id)
        return self._write("PUT", f"{_ORDERS}/{order_id}", body, how, means)

    def archive(self, order_id: int, how: Sending) -> Reply:
        """DELETE an order, which archives it, once."""
        return self._write("DELETE", f"{_ORDERS}/{order_id}", None, how, lambda seen: classify_archive(seen, order_id))

    def archive_all(self, how: Sending) -> Reply:
        """DELETE the store's orders, which archives the next 250 of them, once."""
        return self._write("DELETE", f"{_ORDERS}?limit={_PAGE}", None, how, lambda seen: classify_archive(seen, 0))

    def refund(self, order_id: int, body: Mapping[str, Any], how: Sending) -> Reply:
        """POST a refund record (V3), once.

        Source: https://developer.bigcommerce.com/docs/rest-management/transactions/order-refunds
        """
        path = f"{_V3_ORDERS}/{order_id}/payment_actions/refunds"
        return self._write("POST", path, body, how, lambda seen: classify_refund(seen, order_id))

    def _write(
        self,
        method: Method,
        path: str,
        body: Mapping[str, Any] | None,
        how: Sending,
        means: Callable[[HttpAnswer | HttpError], Outcome],
    ) -> Reply:
        content = how.content if how.content is not None or body is None else written(body)
        return write_once(self._api, (method, path, content), how, means)

    def sub_resource(self, order_id: int, name: str) -> Sequence[Mapping[str, Any]]:
        """Every item of ``products``, ``shipping_addresses``, ``fees``, ``coupons``, ``taxes``, ``shipments`` or ``messages``."""
        path = f"{_ORDERS}/{order_id}/{name}"
        if name == "fees":
            return _fees(self._api.get(path))
        return [item for page in self._api.pages(path, {}) for item in page]

    def consignments(self, order_id: int) -> Mapping[str, Any]:
        """GET /v2/orders/{id}/consignments."""
        found = self._api.get(f"{_ORDERS}/{order_id}/consignments", missing_ok=True)
        return found if isinstance(found, Mapping) else {}

    def refunds(self, order_id: int) -> Sequence[Mapping[str, Any]] | None:
        """Return the refund records of an order, oldest first; None where BigCommerce lists none of them, which is not "none"."""
        found = self._api.get(f"{_V3_ORDERS}/{order_id}/payment_actions/refunds", missing_ok=True)
        return list(found.get("data") or ()) if isinstance(found, Mapping) else None

    def refunds_of(self, order_ids: Collection[int]) -> dict[int, list[Mapping[str, Any]]]:
        """Return the refund records of some orders, oldest first, by order: theirs who have any, whoever made them.

        Source: https://developer.bigcommerce.com/docs/rest-management/orders/order-refunds ("Get All Refunds").

        Raises:
            RemoteError: the store could not be asked.

        """
        found: dict[int, list[Mapping[str, Any]]] = {}
        ids = sorted(order_ids)
        try:
            for start in range(0, len(ids), _IDS_AT_ONCE):
                some = ",".join(map(str, ids[start : start + _IDS_AT_ONCE]))
                for record in self._all_refunds({"order_id:in": some}):
                    found.setdefault(int(record["order_id"]), []).append(record)
        except StoreRejected:  # a store without this list has one for each order
            return {number: list(records) for number in ids if (records := self.refunds(number))}
        return found

    def refunds_since(self, since: datetime) -> dict[int, list[Mapping[str, Any]]]:
        """Return the refund records that were made since a time, by order; none of a store that has no list of all.

        Source: as of ``refunds_of`` (the filter ``created:min``).

        Raises:
            RemoteError: the store could not be asked.

        """
        found: dict[int, list[Mapping[str, Any]]] = {}
        try:
            for record in self._all_refunds({"created:min": since.isoformat(timespec="seconds")}):
                found.setdefault(int(record["order_id"]), []).append(record)
        except StoreRejected:
            return {}
        return found

    def _all_refunds(self, chosen: Mapping[str, object]) -> Iterator[Mapping[str, Any]]:
        """Yield the rows of a list that says neither its number of pages nor their length: until one is empty, or repeats."""
        page, before = 1, None
        while True:
            asked = {**chosen, "limit": 250, "page": page}
            document = self._api.get(f"{_V3_ORDERS}/payment_actions/refunds", asked)
            rows = document.get("data") if isinstance(document, Mapping) else None
            if not rows or rows == before:
                return
            yield from rows
            page, before = page + 1, rows

    def transactions(self, order_id: int) -> Sequence[Mapping[str, Any]]:
        """Return the payment transactions of an order."""
        found = self._api.get(f"{_V3_ORDERS}/{order_id}/transactions", missing_ok=True)
        return list(found.get("data") or ()) if isinstance(found, Mapping) else []

    def refund_quote(self, order_id: int, items: Sequence[Mapping[str, Any]]) -> Sequence[Sequence[Mapping[str, Any]]]:
        """Return the ways in which ``items`` could be refunded, each a list of payments; empty where BigCommerce offers none.

        A quote changes nothing, so it is read like a GET.

        Raises:
            RemoteError: the store could not be asked.

        """
        path = f"{_V3_ORDERS}/{order_id}/payment_actions/refund_quotes"
        found = self._api.ask(path, {"items": list(items)})
        data = found.get("data") if isinstance(found, Mapping) else None
        return list(data.get("refund_methods") or ()) if isinstance(data, Mapping) else []

    def statuses(self) -> Sequence[Mapping[str, Any]]:
        """GET /v2/order_statuses: the store's statuses with its own labels."""
        return list(self._api.get("/v2/order_statuses") or ())

    def search(self, filters: Mapping[str, object], most: int) -> Iterator[RemoteOrder]:
        """At most ``most`` orders that fit BigCommerce's own list filters."""
        left = most
        for page in self._api.pages(_ORDERS, filters):
            yield from (read_order(item) for item in page[:left])
            left -= len(page)
            if left <= 0:
                return

    def count(self, filters: Mapping[str, object]) -> int:
        """GET /v2/orders/count."""
        found = self._api.get(f"{_ORDERS}/count", filters)
        return int(found.get("count") or 0) if isinstance(found, Mapping) else 0

    def get(self, order_id: int) -> RemoteOrder | None:
        """One order, None where there is none.

        Raises:
            RemoteError: the store could not be asked, or answered with another order.

        """
        document = self._api.get(f"{_ORDERS}/{order_id}", missing_ok=True)
        found = read_order(document) if document else None
        if found is not None and found.id != order_id:
            raise StoreUnavailable(f"asked for order {order_id}, BigCommerce answered with order {found.id}")
        return found

    def find(self, external_order_id: str) -> list[RemoteOrder]:
        """Every order with this key, archived ones too, lowest id first.

        Whether a list holds archived orders without being asked for them is not documented, so both are asked for. How exact
        the filter is, is not documented either, so every row is checked here.

        Raises:
            FilterBroken: rows came, and none of them has the key, or the store refuses the filter, or it is not trusted: it
                proves nothing.
            RemoteError: the store could not be asked.

        """
        if not self._trusts_filter:
            raise FilterBroken("this store's list by external_order_id is not trusted")
        found: dict[int, RemoteOrder] = {}
        strangers = 0
        for deleted in ({}, {"is_deleted": "true"}):
            for page in self._pages_of_key({"external_order_id": external_order_id, **deleted}):
                orders = [read_order(item) for item in page]
                found |= {order.id: order for order in orders if order.external_order_id == external_order_id}
                strangers += sum(order.external_order_id != external_order_id for order in orders)
                if strangers and not found:
                    raise FilterBroken(f"a look-up of {external_order_id} answered with other orders")
        return [found[number] for number in sorted(found)]

    def _pages_of_key(self, chosen: Mapping[str, object]) -> Iterator[Sequence[Mapping[str, Any]]]:
        try:
            yield from self._api.pages(_ORDERS, chosen)
        except StoreRejected as error:
            raise FilterBroken(f"the store refuses to look orders up by their key: {error.what}") from None

    def of_cart(self, cart_id: str) -> list[RemoteOrder]:
        """Every order that a cart was converted to, archived ones too, lowest id first; each row is checked here.

        Source: https://developer.bigcommerce.com/docs/rest-management/orders#get-all-orders (``cart_id``).

        Raises:
            FilterBroken: rows came, and none of them is of this cart, or the store refuses the filter: it proves nothing.
            RemoteError: the store could not be asked.

        """
        found: dict[int, RemoteOrder] = {}
        for deleted in ({}, {"is_deleted": "true"}):
            for page in self._pages_of_key({"cart_id": cart_id, **deleted}):
                orders = [read_order(item) for item in page]
                found |= {order.id: order for order in orders if order.cart_id == cart_id}
                if orders and not found:
                    raise FilterBroken(f"a look-up of cart {cart_id} answered with other orders")
        return [found[number] for number in sorted(found)]

    def drafts(self, lowest_id: int, since: datetime | None = None) -> Iterator[RemoteOrder]:
        """Orders of status 0 (Incomplete) from ``lowest_id`` on, ids ascending, touched ``since`` then.

        Whether plain lists hold them is not documented.
        """
        touched = {"min_date_modified": since.isoformat(timespec="seconds")} if since is not None else {}
        yield from self._walk(lowest_id, {"status_id": 0, **touched}, archived=False)

    def list_between(
        self, lowest_id: int, start: datetime | None, end: datetime | None, *, archived: bool
    ) -> Iterator[RemoteOrder]:
        """Orders from ``lowest_id`` on, ids ascending, dated in ``[start, end]``; archived ones or the others."""
        params: dict[str, object] = {"min_date_created": start.isoformat()} if start else {}
        params |= {"max_date_created": end.isoformat()} if end else {}
        yield from self._walk(lowest_id, params, archived=archived)

    def list_modified(self, since: datetime, *, archived: bool) -> Iterator[RemoteOrder]:
        """Orders that were made or touched since a time, ids ascending; archived ones or the others."""
        yield from self._walk(1, {"min_date_modified": since.isoformat(timespec="seconds")}, archived=archived)

    def _walk(self, lowest_id: int, chosen: Mapping[str, object], *, archived: bool) -> Iterator[RemoteOrder]:
        params = {"sort": "id:asc", "limit": _PAGE, **chosen, **({"is_deleted": "true"} if archived else {})}
        after = lowest_id
        while page := self._list({**params, "min_id": after}):
            ids = [order.id for order in page]
            if ids != sorted(set(ids)) or ids[0] < after:  # neither its order nor its filter can be relied on
                yield from self._list_by_pages(params, after)
                return
            yield from page
            after = ids[-1] + 1  # by id and not by page number: orders that arrive meanwhile shift no page

    def _list(self, params: Mapping[str, object]) -> list[RemoteOrder]:
        return [read_order(item) for item in self._api.get(_ORDERS, params) or []]

    def _list_by_pages(self, params: Mapping[str, object], lowest_id: int) -> Iterator[RemoteOrder]:
        """Every page of a list that keeps neither order nor bounds, each order once."""
        seen: set[int] = set()
        for page in self._api.pages(_ORDERS, {**params, "min_id": lowest_id}):
            for order in map(read_order, page):
                if order.id >= lowest_id and order.id not in seen:
                    seen.add(order.id)
                    yield order

    def newest_id(self) -> int:
        """Return the highest order id in the store, 0 where it has no order."""
        found = self._api.get(_ORDERS, {"limit": 1, "sort": "id:desc"})
        return max((read_order(item).id for item in found or []), default=0)


def _fees(document: Any) -> Sequence[Mapping[str, Any]]:  # noqa: ANN401  whatever JSON is there
    """Fees come without pages, and as ``{"fees": [...]}`` by the docs' example, as one fee by their schema; a list is taken too."""
    found = document.get("fees", [document]) if isinstance(document, Mapping) else document
    return [fee for fee in found or () if isinstance(fee, Mapping)]


def read_order(document: Mapping[str, Any]) -> RemoteOrder:
    """Return an order of an answer; fields that BigCommerce may add are left in ``raw``."""
    return RemoteOrder(
        id=int(document["id"]),
        external_order_id=str(document.get("external_order_id") or ""),
        external_source=str(document.get("external_source") or ""),
        status_id=int(document.get("status_id") or 0),
        total_inc_tax=amount(document.get("total_inc_tax")),
        total_tax=amount(document.get("total_tax")),
        date_created=str(document.get("date_created") or ""),
        is_deleted=bool(document.get("is_deleted")),
        currency=str(document.get("default_currency_code") or ""),
        raw=document,
    )
