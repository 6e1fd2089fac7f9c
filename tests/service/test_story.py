"""A sale's story on the page: what the POS changed, what was sent, what came of it, in one line of time."""

from __future__ import annotations

import re

from tests.service.daemons import until
from tests.service.pages import Served, a_sale, of, settled


def told(text: str) -> list[str]:
    return re.findall(r"<strong>([^<]+)</strong>", text[text.index('id="story"') :])


def test_each_change_is_told_with_before_and_after_to_the_end(served: Served) -> None:
    served.shop.drop("a.jsonl", a_sale("s1", placed_at="2026-11-20T23:30:00+13:00"))
    settled(served, 1)
    (order,) = served.shop.store.orders()
    later = "2026-11-21T12:00:00Z"
    ada = {"first_name": "Ada", "last_name": "Lovelace"}
    served.shop.drop("b.jsonl", a_sale("s1", placed_at="2026-11-20T23:30:00+13:00", customer=ada, updated_at=later))
    story = of(served, "s1")
    until(lambda: f"Order {order['id']} was updated" in served.get(story).text)
    text = served.get(story).text
    assert told(text) == [
        "Received from the POS",
        f"Order {order['id']} was created",
        "Changed in the POS",
        f"Order {order['id']} was updated",
    ]
    assert re.search(r"<dt>Customer</dt><dd>\s*<ins>Ada Lovelace</ins>", text)
    assert "2026-11-20 23:30:00" in text  # in the sale's own zone, which is named
    assert "UTC+1300" in text
    voided = a_sale("s1", placed_at="2026-11-20T23:30:00+13:00", status="voided", updated_at="2026-11-22T12:00:00Z")
    served.shop.drop("c.jsonl", voided)
    until(lambda: f"Order {order['id']} was cancelled" in served.get(story).text)
    text = served.get(story).text
    assert '<span class="badge mark">voided</span>' in text
    assert re.search(r"<dt>Status</dt><dd><del>completed</del> → <ins>voided</ins>", text)
    assert "Status: completed -&gt; voided" not in text
    said = served.shop.run("sale", "till:s1").out
    assert "Status: completed -> voided" in said
    assert "Customer: Ada Lovelace -> nothing" in said


def test_what_was_given_back_stands_in_the_head(served: Served) -> None:
    refund = {"id": "r1", "at": "2026-11-21T12:00:00Z", "amount_inc_tax": "5.00", "amount_tax": "0.37"}
    served.shop.drop(
        "a.jsonl", a_sale("s1", refunds=[refund]) + a_sale("s2", refunds=[{**refund, "amount_inc_tax": "10.80"}])
    )
    settled(served, 2)
    assert '<span class="badge mark">refunded 5.00 USD</span>' in served.get(of(served, "s1")).text
    assert '<span class="badge mark">refunded</span>' in served.get(of(served, "s2")).text
