"""Real and reconstructed answers of cloud POS systems through `syncd sync` into the sandbox: each sale one order, to the cent.

The doubles hold the documents as they are; the totals that are expected are read from them by code of this module alone.
`pytest -s` prints the table.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from syncd.testing.double import Double
from tests.doubles.clover import CloverDouble
from tests.doubles.lightspeed_x import LightspeedDouble
from tests.doubles.loyverse import LoyverseDouble
from tests.doubles.shopify_pos import ShopifyDouble
from tests.doubles.square import LOCATION, SquareDouble
from tests.shared import SAMPLES, needs_samples
from tests.shop import Shop, Store, pass_until_settled, running_sandbox

pytestmark = needs_samples

Totals = dict[str, Decimal]


@dataclass(frozen=True)
class Case:
    """A file (or two): its double, what its documents say they came to, how many become orders, and where the others stand."""

    file: str
    double: Callable[[], Double]
    config: str
    stated: Callable[[Any], tuple[str, Decimal]]
    orders: int
    states: dict[str, int]

    @property
    def since(self) -> str:
        """Loyverse lets a question a second through: its walk begins not long before its receipts."""
        return "2025-06-01" if self.config == LOYVERSE else "2013-01-01"


def documents_in(answer: Any) -> list[Any]:
    """The sales of an answer, whichever of the five APIs it is of."""
    inside = answer.get("data", answer)
    for name in ("orders", "receipts"):
        if name in inside:
            found = inside[name]
            return list(found["nodes"] if isinstance(found, dict) else found)
    return list(inside) if isinstance(inside, list) else [inside.get("order", inside)]


def square_total(order: Any) -> tuple[str, Decimal]:
    net = (order.get("net_amounts") or {}).get("total_money") or order["total_money"]
    return order["id"], Decimal(net["amount"]) / 100


def lightspeed_total(sale: Any) -> tuple[str, Decimal]:
    whole = sale.get("total_price_incl", Decimal(str(sale["total_price"])) + Decimal(str(sale["total_tax"])))
    return sale["id"], Decimal(str(whole)).quantize(Decimal("0.01"))


def clover_total(order: Any) -> tuple[str, Decimal]:
    payments = (order.get("payments") or {}).get("elements", [])
    cents = sum(one["amount"] + one.get("tipAmount", 0) for one in payments) if payments else order["total"]
    return order["id"], Decimal(cents) / 100


def shopify_total(order: Any) -> tuple[str, Decimal]:
    return order["legacyResourceId"], Decimal(order["totalPriceSet"]["shopMoney"]["amount"])


def loyverse_total(receipt: Any) -> tuple[str, Decimal]:
    sign = -1 if receipt["receipt_type"] == "REFUND" else 1
    return receipt["receipt_number"], sign * Decimal(str(receipt["total_money"]))


SQUARE = 'type = "square"\ntoken = { env = "POS_TOKEN" }\n'
LIGHTSPEED = 'type = "lightspeed_x"\ntoken = { env = "POS_TOKEN" }\ncurrency = "NZD"\n'
CLOVER = 'type = "clover"\ntoken = { env = "POS_TOKEN" }\nmerchant_id = "MID1"\ntimezone = "America/New_York"\n'
SHOPIFY = 'type = "shopify_pos"\ntoken = { env = "POS_TOKEN" }\n'
LOYVERSE = 'type = "loyverse"\ntoken = { env = "POS_TOKEN" }\ntimezone = "Asia/Bangkok"\n'
TOKENS = {
    SQUARE: "token-of-the-double-1",
    LIGHTSPEED: "lsxs_pt_token-1",
    CLOVER: "token-of-the-double-1",
    SHOPIFY: "token-of-the-double",
    LOYVERSE: "token-of-the-double",
}

CASES = [
    Case(
        "square-api/reconstructed-search-orders-sale-return.json",
        SquareDouble,
        SQUARE,
        square_total,
        1,  # the return shows on its sale's order; the one whose refund is on its way waits
        {"synced": 2, "skipped": 1},
    ),
    Case(
        "square-api/CreateOrderResponse.json",
        SquareDouble,
        SQUARE,
        square_total,
        0,
        {"skipped": 1},
    ),
    Case(
        "square-api/RetrieveOrderResponse.json",
        SquareDouble,
        SQUARE,
        square_total,
        0,
        {"skipped": 1},
    ),
    Case(
        "lightspeed-x/api-2.0-sales-closed-and-unlinked-return.json",
        LightspeedDouble,
        LIGHTSPEED,
        lightspeed_total,
        0,  # all were deleted in the POS
        {"skipped": 2},
    ),
    Case(
        "lightspeed-x/reconstructed-api-2.0-sales-linked-return-void.json",
        LightspeedDouble,
        LIGHTSPEED,
        lightspeed_total,
        1,
        {"synced": 2, "skipped": 1},
    ),
    Case(
        "lightspeed-x/api-2.0-sale-old-truncated.json",
        LightspeedDouble,
        LIGHTSPEED,
        lightspeed_total,
        0,  # its author cut lines and payments: it does not add up
        {"held": 1},
    ),
    Case(
        "clover-api/order-paid-cash.json",
        CloverDouble,
        CLOVER,
        clover_total,
        1,
        {"synced": 1},
    ),
    Case(
        "clover-api/order-item-refund.json",
        CloverDouble,
        CLOVER,
        clover_total,
        1,
        {"synced": 1},
    ),
    Case(
        "clover-api/order-open-1-line.json",
        CloverDouble,
        CLOVER,
        clover_total,
        0,
        {"skipped": 1},
    ),
    Case(
        "clover-api/order-open-more-lines.json",
        CloverDouble,
        CLOVER,
        clover_total,
        0,
        {"skipped": 1},
    ),
    Case(
        "clover-api/sdk-order-items-1.json",
        CloverDouble,
        CLOVER,
        clover_total,
        0,
        {"skipped": 1},
    ),
    Case(
        "shopify-pos/reconstructed-graphql-orders-page.json",
        ShopifyDouble,
        SHOPIFY,
        shopify_total,
        1,
        {"synced": 1},
    ),
    Case(
        "loyverse-api/receipts-page-sdk-sample.json",
        LoyverseDouble,
        LOYVERSE,
        loyverse_total,
        1,
        {"synced": 1},
    ),
    Case(
        "loyverse-api/receipts-thb-no-tax.json",
        LoyverseDouble,
        LOYVERSE,
        loyverse_total,
        3,
        {"synced": 3},
    ),
    Case(
        "loyverse-api/reconstructed-receipts-refund-and-cancelled.json",
        LoyverseDouble,
        LOYVERSE,
        loyverse_total,
        0,  # the refund is of a receipt of another file
        {"held": 1, "skipped": 1},
    ),
    Case(
        "loyverse-api/receipts-page-sdk-sample.json loyverse-api/reconstructed-receipts-refund-and-cancelled.json",
        LoyverseDouble,
        LOYVERSE,
        loyverse_total,
        1,
        {"synced": 2, "skipped": 1},
    ),
]


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with running_sandbox("--more-currencies", "NZD,THB") as (_, found):
        yield found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.file)
def test_every_sale_of_an_answer_is_an_order_with_its_total_or_is_kept_back_with_its_reason(
    case: Case, tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POS_TOKEN", TOKENS[case.config])
    store.control("reset", {})
    files = [json.loads((SAMPLES / name).read_text()) for name in case.file.split()]
    documents = [document for found in files for document in documents_in(found)]
    with case.double() as double:
        put: Callable[[Any], str] = double.put  # type: ignore[attr-defined]  # every double of ours has it
        if isinstance(double, SquareDouble):
            places = {document["location_id"] for document in documents}
            double.locations = [{**LOCATION, "id": place} for place in sorted(places)]
        for document in documents:
            put(document)
        shop = Shop(tmp_path, store)
        shop.configure(f'[sources.pos]\n{case.config}api_url = "{double.url}"\nstart_from = "{case.since}"\n')
        counts = pass_until_settled(shop)
        orders = {
            order["external_order_id"].removeprefix("pos:"): Decimal(order["total_inc_tax"]) for order in store.orders()
        }
        stated = dict(case.stated(document) for document in documents)
        rows = {row["sale"]: row for row in shop.run("sales", "--limit", "100", "--json").json}
        back = [f"{row['state']}: {row['why']}" for row in rows.values() if row["state"] not in ("synced", "pending")]
        faults = shop.run("faults", "--json").json
        pushed = sum((stated[key] for key in orders), Decimal(0))
        whole = sum(orders.values(), Decimal(0))
        print(
            f"{case.file}: {len(documents)} sales, {len(orders)} orders, {len(faults)} faults, {pushed} = {whole}; {back}"
        )
        assert counts == case.states
        assert len(orders) == case.orders
        assert orders == {key: stated[key] for key in orders}
        assert faults == []
