"""Tips that an order leaves out: the sale still adds up, and what was paid stays what was paid."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from syncd.canonical import CanonicalOrder, fingerprint
from syncd.canonical.balance import check_balance
from syncd.canonical.tips import without_tips
from syncd.testing.orders import sale

cents = st.integers(1, 5_000).map(lambda number: Decimal(number) / 100)


@st.composite
def tipped(draw: st.DrawFn) -> CanonicalOrder:
    tips, other = draw(st.lists(cents, max_size=3)), draw(st.lists(cents, max_size=2))
    fees: list[dict[str, Any]] = [{"kind": "tip", "name": "Tip", "total_ex_tax": t, "total_inc_tax": t} for t in tips]
    fees += [{"kind": "bag", "name": "Bag", "total_ex_tax": t, "total_inc_tax": t} for t in other]
    total = Decimal("10.80") + sum([*tips, *other])
    part = draw(st.integers(0, int(total * 100)).map(lambda number: Decimal(number) / 100))
    tenders = [
        {"kind": "cash", "label": "Cash", "amount": part},
        {"kind": "card", "label": "Card", "amount": total - part, "tip": tips[0] if tips else 0},
    ]
    back = [{"id": "r", "amount_inc_tax": total, "tip": sum(tips)}] if draw(st.booleans()) else []
    return sale(fees=fees, tenders=tenders, total_inc_tax=total, refunds=back)


@given(tipped())
def test_a_sale_without_its_tips_adds_up_and_says_as_much_as_before(order: CanonicalOrder) -> None:
    found = without_tips(order)
    assert check_balance(order) == check_balance(found) == ()
    assert found.total_inc_tax + found.tips_in_note == order.total_inc_tax
    assert (found.tenders, found.lines, found.total_tax) == (order.tenders, order.lines, order.total_tax)
    assert [fee.kind.value for fee in found.fees] == [fee.kind.value for fee in order.fees if fee.kind.value != "tip"]
    for one, before in zip(found.refunds, order.refunds, strict=True):
        assert one.amount_inc_tax + one.tip_in_note == before.amount_inc_tax
        assert one.amount_inc_tax == found.total_inc_tax
    assert without_tips(found) == found
    assert CanonicalOrder.from_json(found.to_json()) == found
    assert (fingerprint(found) == fingerprint(order)) is (found == order)


def test_a_receipt_of_a_tip_alone_keeps_it() -> None:
    tip = {"kind": "tip", "name": "Tip", "total_ex_tax": "2", "total_inc_tax": "2"}
    order = sale(lines=[], fees=[tip], total_inc_tax="2", total_tax="0")
    assert without_tips(order) is order
