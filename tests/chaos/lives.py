"""Sales with a life: made, edited, voided and taken back, refunded; and what an order must say once all of it was said."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import SaleStatus
from syncd.testing.orders import sale

STATUS = {
    SaleStatus.COMPLETED: 10,
    SaleStatus.VOIDED: 5,
    SaleStatus.REFUNDED: 4,
    SaleStatus.PARTIALLY_REFUNDED: 14,
}
_TIP = {"kind": "tip", "name": "Tip", "total_ex_tax": "2.00", "total_inc_tax": "2.00"}
_ACTS = ("note", "more", "fewer", "another line", "tip", "no tip", "void", "complete", "refund", "part refund")


def life(key: str, dice: random.Random, most: int = 4) -> list[CanonicalOrder]:
    """The versions of one sale, oldest first."""
    said: dict[str, Any] = {
        "lines": [_line(number, dice) for number in range(1, dice.randint(2, 4))],
        "fees": [],
        "status": "completed",
        "refunds": [],
        "note": "",
    }
    versions = [_order(key, said, 1)]
    for turn in range(dice.choice((0, 0, 1, 1, 2, most))):
        _act(said, dice.choice(_ACTS), dice, turn)
        versions.append(_order(key, said, turn + 2))
    return versions


def _line(number: int, dice: random.Random) -> dict[str, Any]:
    return {
        "line_id": str(number),
        "name": f"Thing {number}",
        "price": dice.randint(1, 900),
        "count": dice.randint(1, 3),
    }


def _act(said: dict[str, Any], act: str, dice: random.Random, turn: int) -> None:
    lines: list[dict[str, Any]] = said["lines"]
    match act:
        case "more":
            lines[0] = lines[0] | {"count": lines[0]["count"] + 1}
        case "fewer" if len(lines) > 1:
            lines.pop()
        case "another line":
            lines.append(_line(10 + turn, dice))
        case "tip":
            said["fees"] = [_TIP]
        case "no tip":
            said["fees"] = []
        case "void":
            said["status"] = "voided"
        case "complete":
            said |= {"status": "completed", "refunds": []}
        case "refund":
            said |= {"status": "refunded", "refunds": [{"id": f"r{turn}", "amount_inc_tax": "0.01"}]}
        case "part refund":
            said |= {"status": "partially_refunded", "refunds": [{"id": f"p{turn}", "amount_inc_tax": "0.01"}]}
    said["note"] = f"note {turn}"


def _order(key: str, said: Mapping[str, Any], version: int) -> CanonicalOrder:
    lines = [
        {
            "line_id": line["line_id"],
            "name": line["name"],
            "quantity": str(line["count"]),
            "total_ex_tax": str(Decimal(line["price"] * line["count"]) / 100),
            "total_inc_tax": str(Decimal(line["price"] * line["count"]) / 100 + Decimal("0.10")),
        }
        for line in said["lines"]
    ]
    total = sum((Decimal(part["total_inc_tax"]) for part in (*lines, *said["fees"])), Decimal(0))
    return sale(
        source="till",
        sale_id=key,
        version=str(version),
        lines=lines,
        fees=said["fees"],
        status=said["status"],
        refunds=said["refunds"],
        note=said["note"],
        total_inc_tax=str(total),
        total_tax=str(Decimal("0.10") * len(lines)),
    )


def wrong(orders: Sequence[Mapping[str, Any]], versions: Sequence[CanonicalOrder]) -> str:
    """How the live orders of a sale differ from what its last version says they must be; empty where they do not."""
    last, key = versions[-1], versions[-1].sale_key
    if len(orders) > 1:
        return f"{key} has {len(orders)} orders"
    voided = last.status is SaleStatus.VOIDED
    if not orders:
        return "" if voided else f"{key} is lost"
    order = orders[0]
    if order["status_id"] != STATUS[last.status]:
        return f"{key} is {last.status}, its order {order['status_id']}"
    possible = versions if voided else [last]  # a void changes the status alone
    shown = (Decimal(order["total_inc_tax"]), Decimal(order["total_tax"]), order["items_total"])
    if all(shown != (one.total_inc_tax, one.total_tax, _items(one)) for one in possible):
        return f"{key}: {shown}, the sale says {(last.total_inc_tax, last.total_tax, _items(last))}"
    return "" if voided or last.note in (order["staff_notes"] or "") else f"{key} misses its note {last.note!r}"


def _items(order: CanonicalOrder) -> int:
    """Pieces sold, and the tips: without a tax class of their own they are lines."""
    return int(sum(line.quantity for line in order.lines)) + len(order.fees)
