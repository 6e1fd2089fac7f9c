"""Exchanges in the books: goods at their own price, the originals show what came back, the sum of all orders is what moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from syncd.canonical import CanonicalOrder
from syncd.mapping.rules import Rules
from syncd.sale.states import State
from syncd.testing.orders import sale
from tests.heart.telling import kept, order, shop
from tests.model.simulation import RULES, Shop

__all__ = ["shop"]  # the fixture
SHIRT = {"name": "Shirt", "sku": "SHIRT", "quantity": "1", "total_ex_tax": "20.00", "total_inc_tax": "21.60"}
BACK = {"name": "Shirt", "sku": "SHIRT", "quantity": "-1", "total_ex_tax": "-20.00", "total_inc_tax": "-21.60"}
PRICES = {"more": ("50.00", "54.00"), "even": ("20.00", "21.60"), "less": ("10.00", "10.80")}


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    made: list[Shop] = []

    def build(**rules: str) -> Shop:
        made.append(Shop(tmp_path, Rules.model_validate(RULES.model_dump() | rules)))
        return made[-1]

    yield build
    for one in made:
        one.close()


def shirt(name: str = "o1") -> CanonicalOrder:
    return sale(source="till", sale_id=name, lines=[{"line_id": "1", **SHIRT}], total_inc_tax="21.60", total_tax="1.60")


def exchange(price: str = "more", *origins: str | None, **changes: Any) -> CanonicalOrder:
    ex_tax, inc_tax = map(Decimal, PRICES[price])
    backs = [
        {"line_id": f"b{n}", **BACK, "origin": {"sale_id": one} if one else None}
        for n, one in enumerate(origins or ("o1",))
    ]
    net = inc_tax - len(backs) * Decimal("21.60")
    jacket = {
        "line_id": "j",
        "name": "Jacket",
        "quantity": "1",
        "total_ex_tax": str(ex_tax),
        "total_inc_tax": str(inc_tax),
    }
    fields: dict[str, Any] = {
        "source": "till",
        "sale_id": "ex",
        "lines": [*backs, jacket],
        "total_inc_tax": str(net),
        "total_tax": str(inc_tax - ex_tax - len(backs) * Decimal("1.60")),
        "tenders": [{"kind": "cash", "label": "Cash", "amount": str(net)}] if net else [],
    }
    return sale(**fields | changes)


def refunded(shop: Shop, name: str) -> Decimal:
    records = shop.store.world.kept[order(shop, name)["id"]].refunds
    return sum((Decimal(str(record["total_amount"])) for record in records), Decimal(0))


@pytest.mark.parametrize("price", ["more", "even", "less"])
@pytest.mark.parametrize("refunds", ["status", "record"])
def test_an_exchange_is_an_order_at_its_own_price_and_shows_on_the_order_of_what_came_back(
    make: Callable[..., Shop], price: str, refunds: str
) -> None:
    shop = make(refunds=refunds)
    shop.record(shirt(), exchange(price))
    shop.rest()
    assert [shop.state(name) for name in ("o1", "ex", "ex/return")] == [State.SYNCED] * 3
    new, old = order(shop, "ex"), order(shop, "o1")
    assert Decimal(new["total_inc_tax"]) == Decimal(PRICES[price][1])
    assert Decimal(new["total_inc_tax"]) - Decimal(new["total_tax"]) == Decimal(PRICES[price][0])
    assert new["payment_method"] == {"more": "Exchange credit + Cash"}.get(price, "Exchange credit")
    assert "Exchange: the goods that came back are till:ex/return" in new["staff_notes"]
    assert old["status_id"] == 4
    assert "Returned 21.60 USD" in old["staff_notes"]
    assert "exchanged for goods of till:ex" in old["staff_notes"]
    if refunds == "record":
        assert refunded(shop, "o1") == Decimal("21.60")


def test_goods_of_several_sales_show_on_each_of_their_orders(shop: Shop) -> None:
    shop.record(shirt("o1"), shirt("o2"), exchange("more", "o1", "o2", None))
    shop.rest()
    assert [order(shop, name)["status_id"] for name in ("o1", "o2")] == [4, 4]
    assert order(shop, "ex")["total_inc_tax"] == "54.0000"
    assert [shop.state(name) for name in ("ex/return", "ex/return/2", "ex/return/3")] == [
        State.SYNCED,
        State.SYNCED,
        State.HELD,
    ]


@pytest.mark.parametrize(
    ("rule", "state"), [("hold", State.HELD), ("negative_order", State.SYNCED), ("note", State.SKIPPED)]
)
def test_goods_of_no_known_sale_go_by_rule_and_the_new_goods_are_sold(
    make: Callable[..., Shop], rule: str, state: State
) -> None:
    shop = make(unlinked_return=rule)
    shop.record(exchange("even", None))
    shop.rest()
    assert (shop.state("ex"), shop.state("ex/return")) == (State.SYNCED, state)
    assert order(shop, "ex")["total_inc_tax"] == "21.6000"
    if rule == "negative_order":
        assert order(shop, "ex/return")["total_inc_tax"] == "-21.6000"


def test_an_exchange_that_takes_nothing_back_after_all_voids_its_return(shop: Shop) -> None:
    shop.record(exchange("more", "unknown", version="1"))
    shop.rest()
    assert shop.state("ex/return") is State.HELD
    jacket = exchange().lines[-1].model_dump(mode="json")
    plain = exchange(lines=[jacket], total_inc_tax="54.00", total_tax="4.00", version="2")
    shop.record(plain.model_copy(update={"tenders": ()}))
    shop.rest()
    assert (shop.state("ex"), shop.state("ex/return")) == (State.SYNCED, State.SKIPPED)


def test_an_exchange_that_is_voided_is_voided_whole(shop: Shop) -> None:
    shop.record(shirt(), exchange(version="1"))
    shop.rest()
    shop.record(exchange(version="2", status="voided"))
    shop.rest()
    assert order(shop, "ex")["status_id"] == 5
    held = kept(shop, "ex/return")
    assert (held.state, "voided after order" in held.why) == (State.HELD, True)


def test_a_return_that_becomes_an_exchange_leaves_the_order_of_its_original_alone(shop: Shop) -> None:
    back = sale(
        source="till",
        sale_id="ex",
        lines=[{"line_id": "b0", **BACK}],
        returns_of="till:o1",
        total_inc_tax="-21.60",
        total_tax="-1.60",
        version="1",
    )
    shop.record(shirt(), back)
    shop.rest()
    assert kept(shop, "ex").order_id == kept(shop, "o1").order_id
    shop.record(exchange("more", version="2"))
    shop.rest()
    assert order(shop, "o1")["total_inc_tax"] == "21.6000"
    assert order(shop, "ex")["total_inc_tax"] == "54.0000"
    assert [shop.state(name) for name in ("o1", "ex", "ex/return")] == [State.SYNCED] * 3


def test_a_sale_that_becomes_a_return_is_held_and_no_order_is_touched(shop: Shop) -> None:
    shop.record(shirt(), shirt("ex").model_copy(update={"version": "1"}))
    shop.rest()
    before = dict(order(shop, "o1")), dict(order(shop, "ex"))
    fields: dict[str, Any] = {"lines": [{"line_id": "b0", **BACK}], "total_inc_tax": "-21.60", "total_tax": "-1.60"}
    shop.record(sale(source="till", sale_id="ex", returns_of="till:o1", version="2", **fields))
    shop.rest()
    assert shop.state("ex") is State.HELD
    assert (order(shop, "o1"), order(shop, "ex")) == before


def test_a_document_that_cannot_be_taken_apart_is_held_and_told_in_words(shop: Shop) -> None:
    deposit = {"line_id": "d", "kind": "deposit", "name": "Deposit", "quantity": "-1"}
    deposit |= {"total_ex_tax": "-60.00", "total_inc_tax": "-60.00"}
    lines = [*(line.model_dump(mode="json") for line in exchange().lines), deposit]
    shop.record(
        shirt(), exchange(lines=lines, total_inc_tax="-27.60", total_tax="2.40", tenders=[], returns_of="till:o1")
    )
    shop.rest()
    assert (kept(shop, "ex").state, "cannot be taken apart" in kept(shop, "ex").why) == (State.HELD, True)
    assert order(shop, "o1")["status_id"] != 4


def test_a_return_that_is_said_anew_still_counts_as_what_its_originals_order_shows(shop: Shop) -> None:
    shop.record(shirt(), exchange(version="1"))
    shop.rest()
    shop.record(exchange(version="2", note="a word more"))
    assert shop.state("ex/return") is State.PENDING
    assert shop.worker.ledger.sales.returned_total("till:o1", but="") == Decimal("21.60")
