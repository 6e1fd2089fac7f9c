"""Metafields of orders (V3): a key is unique in its namespace and order.

Source: https://developer.bigcommerce.com/docs/rest-management/orders/metafields
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.sandbox.answers import Answer, ok, v3_error
from syncd.sandbox.clock import now_iso
from syncd.sandbox.orders import Orders
from syncd.sandbox.world import Asked

_GIVEN = ("permission_set", "namespace", "key", "value", "description")


def respond(orders: Orders, asked: Asked, parts: list[str]) -> Answer:
    """Return the answer to a request under ``/v3/orders/`` that is about metafields."""
    match asked.method, parts:
        case "GET", [number, "metafields"] if number.isdigit():
            kept = orders.kept.get(int(number))
            if kept is None:
                return v3_error(404, "Not found.")
            wanted = asked.query.get("namespace")
            found = [one for one in kept.metafields if wanted in (None, one["namespace"])]
            return ok({"data": found, "meta": {}})
        case "POST", ["metafields"]:
            return _create(orders, asked.items())
        case "PUT", ["metafields"]:
            return _update(orders, asked.items())
    return v3_error(404, "Not found.")


def _create(orders: Orders, rows: list[Any]) -> Answer:
    for row in rows:
        kept = orders.kept.get(int(row.get("resource_id") or 0))
        if kept is None or any(
            (one["namespace"], one["key"]) == (row["namespace"], row["key"]) for one in kept.metafields
        ):
            return v3_error(422, "Metafields could not be created.")
    made = []
    for row in rows:
        orders.newest_metafield += 1
        kept = orders.kept[int(row["resource_id"])]
        one = {"id": orders.newest_metafield, "resource_type": "order", "resource_id": int(row["resource_id"])}
        one |= {name: str(row.get(name) or "") for name in _GIVEN}
        kept.metafields.append(one | {"date_created": now_iso(), "date_modified": now_iso()})
        made.append(kept.metafields[-1])
    return ok({"data": made, "errors": [], "meta": {}})


def _update(orders: Orders, rows: list[Any]) -> Answer:
    every: Mapping[int, dict[str, Any]] = {one["id"]: one for kept in orders.kept.values() for one in kept.metafields}
    if any(int(row.get("id") or 0) not in every for row in rows):
        return v3_error(422, "Metafields could not be updated.")
    for row in rows:
        every[int(row["id"])].update({name: str(row[name]) for name in _GIVEN if name in row})
    return ok({"data": [every[int(row["id"])] for row in rows], "errors": [], "meta": {}})
