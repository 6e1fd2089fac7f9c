"""Sales that are open: goods on account have left and count, whatever else is open waits in the ledger."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.testing.orders import sale
from tests.flows.test_after_push import SOURCE, till
from tests.shop import Shop, running_sandbox


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with running_sandbox() as (_, store):
        (tmp_path / "inbox").mkdir()
        made = Shop(tmp_path, store)
        made.configure(SOURCE)
        yield made


def statuses(shop: Shop) -> list[int]:
    return [order["status_id"] for order in shop.store.orders()]


def test_a_quote_makes_no_order(shop: Shop) -> None:
    till(shop, sale(sale_id="q", status="open", open_kind="quote", tenders=[]))
    assert shop.store.orders() == []
    assert "a quote in the POS" in shop.run("sale", "till:q", "--json").out


def test_goods_on_account_are_completed_once_they_are_paid(shop: Shop) -> None:
    till(shop, sale(sale_id="a", status="open", open_kind="on_account", balance_due="10.80", tenders=[]))
    assert statuses(shop) == [7]
    till(shop, sale(sale_id="a", updated_at="2026-11-21T10:00:00Z"))
    assert statuses(shop) == [10]


def test_goods_on_account_wait_for_their_payment_where_the_config_says_so(shop: Shop) -> None:
    shop.configure(SOURCE, 'on_account = "open"\n')
    till(shop, sale(sale_id="a", status="open", open_kind="on_account", tenders=[]))
    assert shop.store.orders() == []
    till(shop, sale(sale_id="a", updated_at="2026-11-21T10:00:00Z"))
    assert statuses(shop) == [10]
