"""How the goods of an order reach the customer: its shipping addresses, and its pick-up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from syncd.sandbox.answers import invalid
from syncd.sandbox.validate import check_address


def changed_addresses(there: Sequence[dict[str, Any]], wanted: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a PUT's shipping addresses: each names the one that it changes."""
    addresses = {address["id"]: address for address in there}
    for one in wanted:
        if one.get("id") not in addresses:
            raise invalid("shipping_addresses.id", "does not belong to this order")
        addresses[one["id"]] |= check_address(one, "shipping_addresses")
    return list(addresses.values())


def pickup_of(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the pick-up of a new order's consignments, without its lines."""
    pickups = (body.get("consignments") or {}).get("pickups") or ()
    return {"id": 1, **{k: v for k, v in pickups[0].items() if k != "line_items"}} if pickups else None
