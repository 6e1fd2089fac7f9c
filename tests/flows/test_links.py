"""``syncd link`` against the sandbox: a return without an original finds its sale, by hand or by rule."""

from __future__ import annotations

from tests.flows.test_after_push import SOURCE, order_of, till
from tests.ledger.test_links import back, sold
from tests.shop import Shop, pass_until_settled


def test_a_person_links_a_return_to_its_sale_and_the_order_shows_it(shop: Shop) -> None:
    shop.configure(SOURCE)
    till(shop, sold("o1"), back())
    listed = shop.run("link", "till:back")
    assert "all of its goods at the same price, 10 days before" in listed.out
    assert shop.run("link", "till:back", "till:none").code == 1
    assert "syncd undo till:back" in shop.run("link", "till:back", "till:o1").out
    shop.run("sync")
    order = order_of(shop, "o1")
    assert (order["status_id"], "POS sale till:back" in order["staff_notes"]) == (4, True)
    assert shop.run("sale", "till:back", "--json").json["state"] == "synced"
    assert "too late" in shop.run("undo", "till:back").out


def test_the_rule_links_a_return_that_one_sale_alone_fits(shop: Shop) -> None:
    shop.configure(SOURCE, 'link_returns = "where_one_fits"\n')
    till(shop, sold("o1"), back())
    pass_until_settled(shop)
    assert order_of(shop, "o1")["status_id"] == 4
