"""What the tests of single points share: a shop over the sandbox's orders, sales, and what one asks of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncd.canonical import CanonicalOrder
from syncd.ledger import Selection
from syncd.sale.overrides import Verb
from syncd.testing.orders import sale
from tests.model.simulation import Shop, copy_ledger

MUG = {"line_id": "1", "sku": "MUG-1", "name": "Mug", "quantity": "1", "total_ex_tax": "5.00", "total_inc_tax": "5.40"}
BEANS = {"line_id": "2", "name": "Coffee beans", "quantity": "1", "total_ex_tax": "5.00", "total_inc_tax": "5.40"}
BAG = {"line_id": "3", "name": "Bag", "quantity": "1", "total_ex_tax": "5.00", "total_inc_tax": "5.00"}
LARGER: dict[str, Any] = {"lines": [MUG, BEANS, BAG], "total_inc_tax": "15.80", "total_tax": "0.80"}
MORE_MUGS: dict[str, Any] = LARGER | {"lines": [{**MUG, "quantity": "2"}, BEANS, BAG]}
OFF_BALANCE: dict[str, Any] = {"total_inc_tax": "13.80"}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.close()


def one(name: str = "a", **changes: Any) -> CanonicalOrder:
    return sale(source="till", sale_id=name, **changes)


def decide(shop: Shop, verb: Verb, name: str = "a") -> tuple[str, ...]:
    return shop.worker.ledger.sales.decide(verb, Selection(keys=(f"till:{name}",)), "ada").moved


def order(shop: Shop, name: str = "a") -> dict[str, Any]:
    (found,) = [one for one in shop.store.live(f"till:{name}") if not one["is_deleted"]]
    return found


def kept(shop: Shop, name: str = "a") -> Any:
    return shop.worker.ledger.sales.get(f"till:{name}")


def lose_ledger(shop: Shop, backup: Path | None = None) -> None:
    shop.worker.close()
    for file in shop.file.parent.glob("ledger.db*"):
        file.unlink()
    if backup is not None:
        copy_ledger(backup, shop.file)
    shop.worker = type(shop.worker)(shop.file, shop.store, shop.clock, shop.rules)


def staff_add_gift_wrap(shop: Shop) -> None:
    """Staff put a line of 5.00 into the order by hand, in BigCommerce: it comes to 15.80."""
    extra = {"name": "Gift wrap", "quantity": 1, "price_inc_tax": 5, "price_ex_tax": 5}
    sides = {"inc_tax": "15.80", "ex_tax": "15.00"}
    totals = {f"{part}_{side}": amount for part in ("total", "subtotal") for side, amount in sides.items()}
    shop.store.world.update(order(shop)["id"], {"products": [extra], **totals})
