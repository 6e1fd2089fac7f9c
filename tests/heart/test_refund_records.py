"""`refunds = "record"`: each POS refund becomes one record, and never more is recorded than a person has seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.mapping.model import Remote, RemoteRefund
from syncd.mapping.refund import _items, marker, next_refund, tax_of
from syncd.mapping.rules import Rules
from syncd.sale.overrides import Verb
from syncd.sale.states import State
from tests.heart.telling import LARGER, MUG, decide, kept, lose_ledger, one, order, staff_add_gift_wrap
from tests.model.simulation import RULES, Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path, Rules.model_validate(RULES.model_dump() | {"refunds": "record"}))
    yield made
    made.close()


def refund(amount: str, number: str = "r1", **more: Any) -> dict[str, Any]:
    return {"id": number, "amount_inc_tax": amount, **more}


def back(version: int, *refunds: dict[str, Any], **changes: Any) -> Any:
    return one(version=str(version), status="partially_refunded", refunds=refunds, **changes)


def records(shop: Shop) -> list[float]:
    return [record["total_amount"] for record in shop.store.world.get(order(shop)["id"]).refunds]


@pytest.mark.parametrize("reason", ["chipped", "why " * 400, "blanks   and\nlines", "]", "x" * 999])
@pytest.mark.parametrize("number", ["r1", "two  blanks", "n" * 400])
def test_one_refund_is_one_record_however_it_is_named_and_explained(shop: Shop, reason: str, number: str) -> None:
    shop.record(one(version="1"))
    shop.push()
    for version in (2, 3, 4):
        shop.record(back(version, refund("1.00", number, reason=reason), note=f"note {version}"))
        shop.rest()
    assert (records(shop), shop.state("a"), order(shop)["status_id"]) == ([1.0], State.SYNCED, 14)


def test_a_return_with_a_long_note_is_one_record(shop: Shop) -> None:
    shop.record(one(version="1"))
    shop.push()
    goods = {**MUG, "quantity": "-1", "total_ex_tax": "-5.00", "total_inc_tax": "-5.40"}
    for version in ("1", "2"):
        returned = {"returns_of": "till:a", "lines": [goods], "total_inc_tax": "-5.40", "total_tax": "-0.40"}
        shop.record(one("r", version=version, note="why " * 500 + version, **returned))
        shop.rest()
    assert (records(shop), shop.state("r")) == ([5.4], State.SYNCED)


def test_where_bigcommerce_shows_no_list_of_refunds_none_is_sent(shop: Shop) -> None:
    shop.record(one(version="1"))
    shop.push()
    shop.store.hides_refunds = True
    shop.record(back(2, refund("1.00")))
    shop.rest()
    assert (records(shop), shop.state("a")) == ([], State.HELD)
    assert "does not show the refund records" in kept(shop).why


def test_a_record_that_bigcommerce_took_and_does_not_show_is_not_sent_again(shop: Shop) -> None:
    shop.record(one(version="1"))
    shop.push()
    shop.record(back(2, refund("1.00")))
    shop.rest()
    shop.store.world.get(order(shop)["id"]).refunds.clear()
    for version in (3, 4):
        shop.record(back(version, refund("1.00"), note=f"note {version}"))
        shop.rest()
        decide(shop, Verb.RELEASE)
        shop.rest()
    assert (records(shop), shop.state("a")) == ([], State.HELD)
    assert "took refund r1" in kept(shop).why


@pytest.mark.parametrize("fate", ["lost after", "lost before", "crash after", "crash before"])
def test_a_record_whose_answer_is_lost_is_made_once(shop: Shop, fate: Any) -> None:
    shop.record(one(version="1"))
    shop.push()
    shop.record(back(2, refund("1.00")))
    shop.push("accepted", fate)  # the note, then the record
    shop.rest()
    shop.rest()
    assert (records(shop), shop.state("a"), order(shop)["status_id"]) == ([1.0], State.SYNCED, 14)


def test_a_refund_that_staff_have_recorded_already_is_held_until_a_person_releases_it(shop: Shop) -> None:
    shop.record(one(version="1"))
    shop.push()
    by_hand = {"amount": 1.0, "reason": "entered by hand", "item_type": "ORDER", "item_id": order(shop)["id"]}
    payment = {"provider_id": "custom", "amount": 1.0, "offline": True}
    from syncd.sandbox import refunds

    kept_order = shop.store.world.get(order(shop)["id"])
    refunds.refund(shop.store.world, kept_order, {"items": [by_hand], "payments": [payment]})
    shop.record(back(2, refund("1.00")))
    shop.rest()
    assert (records(shop), shop.state("a")) == ([1.0], State.HELD)
    assert "not by syncd" in kept(shop).why
    decide(shop, Verb.RELEASE)
    shop.rest()
    assert (records(shop), shop.state("a")) == ([1.0, 1.0], State.SYNCED)


def test_a_sale_that_was_refunded_before_it_was_pushed_gets_its_record(shop: Shop) -> None:
    shop.record(back(1, refund("1.00")))
    shop.rest()
    assert (records(shop), order(shop)["status_id"], shop.state("a")) == ([1.0], 14, State.SYNCED)


def test_a_sale_that_was_refunded_whole_before_it_was_pushed_gets_its_record(shop: Shop) -> None:
    shop.record(one(version="1", status="refunded", refunds=[refund("10.80")]))
    shop.rest()
    assert (records(shop), order(shop)["status_id"], shop.state("a")) == ([10.8], 4, State.SYNCED)


@pytest.mark.parametrize(
    ("later", "words"),
    [((refund("8.00"),), "recorded with 5.00 USD; the POS now says 8.00 USD"), ((), "does not know any more")],
)
def test_a_refund_that_is_corrected_or_taken_back_after_its_record_is_held(
    shop: Shop, later: tuple[dict[str, Any], ...], words: str
) -> None:
    shop.record(one(version="1"))
    shop.push()
    shop.record(back(2, refund("5.00")))
    shop.rest()
    shop.record(back(3, *later) if later else one(version="3"))
    shop.rest()
    assert (records(shop), shop.state("a")) == ([5.0], State.HELD)
    assert words in kept(shop).why


def test_a_sale_that_is_raised_and_refunded_at_once_is_both(shop: Shop) -> None:
    shop.record(one(version="1"))
    shop.push()
    shop.record(back(2, refund("12.00"), **LARGER))
    shop.rest()
    assert (records(shop), order(shop)["total_inc_tax"], shop.state("a")) == ([12.0], "15.8000", State.SYNCED)


def test_a_refund_beside_a_line_of_staffs_is_recorded(shop: Shop) -> None:
    shop.record(one(version="1"))
    shop.push()
    staff_add_gift_wrap(shop)
    shop.record(back(2, refund("1.00")))
    shop.rest()
    assert (records(shop), order(shop)["total_inc_tax"], shop.state("a")) == ([1.0], "15.8000", State.SYNCED)


def test_a_ledger_made_anew_knows_the_records_that_were_made(shop: Shop) -> None:
    shop.record(one(version="1"))
    shop.push()
    shop.record(back(2, refund("1.00", reason="why " * 400)))
    shop.rest()
    lose_ledger(shop)
    shop.record(back(2, refund("1.00", reason="why " * 400)))
    shop.rest()
    assert (records(shop), shop.state("a")) == ([1.0], State.SYNCED)


def test_no_more_is_ever_recorded_than_was_paid(shop: Shop) -> None:
    shop.record(one(version="1"))
    shop.push()
    shop.record(back(2, refund("6.00", "r1"), refund("6.00", "r2")))
    shop.rest()
    assert (records(shop), shop.state("a")) == ([6.0], State.HELD)
    decide(shop, Verb.RELEASE)
    shop.rest()
    assert records(shop) == [6.0]


# Pure


@settings(max_examples=200, deadline=None)
@given(key=st.text(max_size=180), number=st.text(max_size=1200), reason=st.text(max_size=3000))
def test_a_record_is_known_again_by_its_reason_whatever_it_says(key: str, number: str, reason: str) -> None:
    known_by = marker(f"till:{key}", number)
    sold = back(1, refund("1.00", "x", reason=reason))
    (item,) = _items(sold, sold.refunded[0], Remote(7, 10, False, None, None), {}, known_by)
    shown = RemoteRefund(sold.refunded[0].amount_inc_tax, " ".join(str(item["reason"]).split()))
    assert known_by in shown.reasons
    assert len(str(item["reason"])) <= 1000


def test_a_refund_without_its_tax_has_the_tax_of_the_lines_that_came_back() -> None:
    free = {**MUG, "line_id": "9", "total_ex_tax": "5.40", "total_inc_tax": "5.40"}
    sold = one(lines=[MUG, free], total_inc_tax="10.80", total_tax="0.40")
    by_line = [{"line_id": MUG["line_id"], "quantity": "1", "amount_inc_tax": "5.40"}]
    taxed = sold.model_copy(update={"refunds": back(1, refund("5.40", lines=by_line)).refunds})
    free_back = [{"line_id": "9", "quantity": "1", "amount_inc_tax": "5.40"}]
    untaxed = sold.model_copy(update={"refunds": back(1, refund("5.40", lines=free_back)).refunds})
    half = sold.model_copy(update={"refunds": back(1, refund("5.40")).refunds})
    assert [str(tax_of(one, one.refunds[0])) for one in (taxed, untaxed, half)] == ["0.4", "0", "0.2"]


def test_store_credit_is_never_taken_for_a_way_without_money() -> None:
    from syncd.mapping.refund import Wanted, map_refund

    sold = back(1, refund("1.00"))
    wanted = next_refund(sold, Remote(7, 10, False, None, None), {})
    assert isinstance(wanted, Wanted)
    credit, order_, custom = (
        {"provider_id": name, "offline": True} for name in ("storecredit", "moneyorder", "custom")
    )
    for ways, chosen in (([credit, order_, custom], "custom"), ([credit, order_], "moneyorder"), ([credit], None)):
        made = map_refund(sold, wanted, [[way] for way in ways])
        payments: Any = made.payload["payments"] if made else None
        assert (payments[0]["provider_id"] if payments else None) == chosen


def test_a_return_waits_for_the_edit_that_raises_its_order_and_is_not_held_for_ever(shop: Shop) -> None:
    shop.record(one(version="1"))
    shop.push()
    shop.record(one(version="2", **LARGER))
    shop.push("not sent")
    returned: dict[str, Any] = {
        "returns_of": "till:a",
        "lines": [{**MUG, "quantity": "-1", "total_ex_tax": "-12.00", "total_inc_tax": "-12.00"}],
        "total_inc_tax": "-12.00",
        "total_tax": "0",
    }
    shop.record(one("r", version="1", **returned))
    shop.push()
    assert shop.state("r") is not State.HELD
    shop.rest()
    assert (records(shop), shop.state("r"), shop.state("a")) == ([12.0], State.SYNCED, State.SYNCED)


def test_a_record_on_an_order_that_was_cancelled_meanwhile_is_told_once_the_sale_is_back(shop: Shop) -> None:
    shop.record(one(version="1"))
    shop.push()
    shop.record(back(2, refund("1.00")))
    shop.rest()
    shop.record(one(version="3", status="voided"))
    shop.rest()
    assert order(shop)["status_id"] == 5
    lose_ledger(shop)
    shop.record(one(version="3", status="voided"))
    shop.rest()
    shop.record(one(version="4"))
    shop.rest()
    assert shop.state("a") is State.HELD
    assert "a refund of 1.00 USD is recorded for it, which the POS does not know any more" in kept(shop).why
