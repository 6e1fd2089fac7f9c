"""Metafields of orders: written so that a repeated write changes nothing.

Source: https://developer.bigcommerce.com/docs/rest-management/orders/metafields (a key is unique in its namespace and order)
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from syncd.bigcommerce.api import Api
from syncd.bigcommerce.classify import words
from syncd.errors import StoreAccessDenied, StoreUnavailable
from syncd.http.transport import HttpError

_ORDERS = "/v3/orders"
_SCOPE = "Grant the token Orders: modify, which covers metafields; or set metafields = false."


class MetafieldsClient:
    """One store's order metafields."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def write(self, order_id: int, namespace: str, facts: Mapping[str, str]) -> bool:
        """Make the metafields of an order say ``facts``, readable by other apps; False where there is no such order.

        Raises:
            RemoteError: it could not be done; doing it again is safe.

        """
        if self._send("POST", _new(order_id, namespace, facts)):
            return True
        there = self._there(order_id, namespace)
        if there is None:
            return False
        known = {str(one.get("key")): one for one in there}
        changed = [
            {"id": int(known[key]["id"]), **row}
            for key, row in zip(facts, _new(order_id, namespace, facts), strict=True)
            if key in known and known[key].get("value") != facts[key]
        ]
        missing = {key: value for key, value in facts.items() if key not in known}
        done = not changed or self._send("PUT", changed)
        done = (not missing or self._send("POST", _new(order_id, namespace, missing))) and done
        if not done:
            raise StoreUnavailable(f"the metafields of order {order_id} were refused", "syncd tries again.")
        return True

    def _there(self, order_id: int, namespace: str) -> Sequence[Mapping[str, Any]] | None:
        found = self._api.get(
            f"{_ORDERS}/{order_id}/metafields", {"namespace": namespace, "limit": 250}, missing_ok=True
        )
        return None if found is None else [one for one in found.get("data") or () if isinstance(one, Mapping)]

    def _send(self, method: Literal["POST", "PUT"], rows: Sequence[Mapping[str, Any]]) -> bool:
        """Whether all of it was taken; False for a refusal of the content."""
        body = json.dumps(list(rows), separators=(",", ":"), ensure_ascii=False).encode()
        try:
            answer = self._api.exchange(method, f"{_ORDERS}/metafields", None, body, live=False)
        except HttpError as broken:
            raise StoreUnavailable(f"metafields could not be written: {broken.why}", "syncd tries again.") from None
        if answer.status in (401, 403):
            raise StoreAccessDenied(
                f"BigCommerce refused the token at {method} {_ORDERS}/metafields ({answer.status})", _SCOPE
            )
        if 200 <= answer.status < 300 and answer.status != 207:
            return True
        if 400 <= answer.status < 500 and answer.status not in (408, 429):
            return False
        what = f"{method} {_ORDERS}/metafields answered {answer.status}: {words(answer.body)}"
        raise StoreUnavailable(what, "syncd tries again.")


def _new(order_id: int, namespace: str, facts: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"resource_id": order_id, "namespace": namespace, "key": key, "value": value, "permission_set": "read"}
        for key, value in facts.items()
    ]
