from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from syncd.canonical import fingerprint
from syncd.clock import BootTime, Now
from syncd.sale.attempt import Attempt
from syncd.sale.sale import Sale
from syncd.sale.states import AttemptKind, Lane, State
from syncd.testing.orders import sale as build_order

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BOOT = BootTime("boot-1", 1000.0)
HERE = Now(NOW, BOOT)


def make_sale(**changes: Any) -> Sale:
    order = changes.pop("order", None) or build_order()
    values: dict[str, Any] = {
        "id": 1,
        "sale_key": order.sale_key,
        "source": order.source,
        "store": "main",
        "lane": Lane.LIVE,
        "state": State.PENDING,
        "fingerprint": fingerprint(order),
        "business_day": order.day,
        "placed_at": order.placed_at,
        "recorded_at": NOW,
        "changed_at": NOW,
        "next_attempt_at": NOW,
        "currency": order.currency,
        "total_inc_tax": order.total_inc_tax,
        "total_tax": order.total_tax,
        "number": order.number,
        "document": order.to_json(),
    }
    return Sale(**(values | changes))


def make_attempt(sale: Sale, kind: AttemptKind = AttemptKind.CREATE, number: int = 7) -> Attempt:
    return Attempt(
        id=number,
        sale_id=sale.id,
        sale_key=sale.sale_key,
        kind=kind,
        fingerprint=sale.fingerprint,
        digest="d",
        began=BOOT,
        order_id=sale.order_id,
    )


@pytest.fixture
def one_sale() -> Sale:
    return make_sale(total_inc_tax=Decimal("10.80"), total_tax=Decimal("0.80"))
