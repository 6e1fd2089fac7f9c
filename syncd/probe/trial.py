"""A trial store while it is asked: makes orders that name themselves as a probe's, and archives every one of them."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from syncd.bigcommerce.api import Api
from syncd.bigcommerce.classify import parse, words
from syncd.bigcommerce.client import OrdersClient, RemoteOrder
from syncd.clock import Clock
from syncd.errors import StoreError, StoreUnavailable
from syncd.http.transport import HttpAnswer, HttpError, Method
from syncd.logs import get_logger

ORDERS = "/v2/orders"
SOURCE = "syncd probe"
_TRIES = 5
_LEFT_BEHIND = timedelta(days=7)
ADDRESS = {
    "first_name": "Syncd",
    "last_name": "Probe",
    "street_1": "1 Probe Street",
    "city": "Austin",
    "state": "Texas",
    "zip": "78701",
    "country": "United States",
    "country_iso2": "US",
}


class TrialRefused(StoreError):
    """The store does not take an order that a question needs."""


def line(name: str, inc_tax: float, ex_tax: float, quantity: int = 1) -> dict[str, Any]:
    """Return a custom line; prices of one piece, in the store's currency."""
    return {"name": name, "quantity": quantity, "price_inc_tax": inc_tax, "price_ex_tax": ex_tax}


class Trial:
    """One trial store, and the orders that were made in it."""

    def __init__(self, store: str, api: Api, clock: Clock, stop: threading.Event) -> None:
        self.store, self.api, self.orders = store, api, OrdersClient(api)
        self.clock, self._stop = clock, stop
        self._token = secrets.token_hex(2)
        self._keys = 0
        self.made: list[int] = []
        self.waited_s = 0.0  # by which a new order was in lists; see the question "list delay"

    def key(self) -> str:
        """Return a key of an order: short, and no other order's."""
        self._keys += 1
        return f"probe-{self._token}-{self._keys}A"

    def post(self, key: str, **more: object) -> tuple[dict[str, Any] | None, HttpAnswer]:
        """POST an order of 10.80; ``more`` replaces fields of it. The order as the answer shows it, None where it was refused."""
        body = {
            "external_order_id": key,
            "external_source": SOURCE,
            "status_id": 11,
            "staff_notes": "Made by syncd stores probe, which archives it.",
            "payment_method": "Cash",
            "billing_address": ADDRESS,
            "products": [line(SOURCE, 10.8, 10.0)],
            "order_is_digital": True,
        }
        answer = self.send("POST", ORDERS, body | more)
        document = parse(answer.body)
        if not _taken(answer) or not isinstance(document, Mapping):
            return None, answer
        self.made.append(int(document["id"]))
        return dict(document), answer

    def number(self, key: str = "", **more: object) -> int:
        """Return the number of a new order.

        Raises:
            Refused: the store does not take it.

        """
        made, answer = self.post(key or self.key(), **more)
        if made is None:
            raise TrialRefused(f"{self.store} does not take an order that a question needs: {words(answer.body)}")
        return int(made["id"])

    def put(self, number: int, **fields: object) -> HttpAnswer:
        """PUT some fields of an order."""
        return self.send("PUT", f"{ORDERS}/{number}", fields)

    def shown(self, number: int) -> RemoteOrder:
        """Return an order as a GET shows it."""
        found = self.orders.get(number)
        if found is None:
            raise TrialRefused(f"order {number}, which a question has made, is gone")
        return found

    def listed(self, **wanted: object) -> list[int]:
        """Return the numbers of the orders in a list, as it gives them; at most 50 where ``wanted`` has no ``limit``.

        Raises:
            Declined: the store refuses the list.

        """
        return [int(one["id"]) for one in self.api.get(ORDERS, {"limit": 50, **wanted}) or []]

    def send(self, method: Method, path: str, body: Mapping[str, Any] | None = None) -> HttpAnswer:
        """One request, once.

        Raises:
            Unreachable: no answer came, or one that says nothing: too many requests, or a server that fails.

        """
        content = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        try:
            answer = self.api.exchange(method, path, None, content)
        except HttpError as broken:
            raise StoreUnavailable(f"{self.store} gave no answer to {method} {path}: {broken.why}") from None
        if answer.status == 429 or answer.status >= 500:
            raise StoreUnavailable(f"{self.store} answered {answer.status} to {method} {path}: {words(answer.body)}")
        return answer

    def wait(self, seconds: float) -> None:
        """Let some time pass."""
        if seconds:
            self.clock.wait(self._stop, seconds)

    def clean_up(self) -> list[int]:
        """Archive every order that was made; the numbers of those that could not be."""
        left = [number for number in self.made if not self._archive(number)]
        for number in left:
            get_logger().warning("probe_order_left", store=self.store, order_id=number, cure="Archive it in the panel.")
        self.made = left
        return left

    def _archive(self, number: int) -> bool:
        for turn in range(_TRIES):
            self.wait(0.5 * turn)
            try:
                answer = self.send("DELETE", f"{ORDERS}/{number}")
            except StoreError:
                continue
            return _taken(answer) or answer.status == 404
        return False

    def take_over(self) -> None:
        """Count the orders of a probe that was cut short as made by this one."""
        since = self.clock.now() - _LEFT_BEHIND
        for order in self.orders.list_modified(since, archived=False):
            if order.external_source == SOURCE and not order.is_deleted and order.id not in self.made:
                self.made.append(order.id)


def _taken(answer: HttpAnswer) -> bool:
    return 200 <= answer.status < 300
