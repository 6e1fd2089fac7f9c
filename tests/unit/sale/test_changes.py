"""What a new version changes, in words: every change is told, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from syncd.canonical import CanonicalOrder
from syncd.sale.changes import FactChange, changes_between, read_changes, write_changes
from syncd.testing.orders import sale
from tests.strategies import sales

MUG = {"line_id": "1", "sku": "MUG-1", "name": "Mug", "total_ex_tax": "5.00", "total_inc_tax": "5.40"}
ADA = {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"status": "voided"}, [("Status", "completed", "voided")]),
        ({"customer": ADA}, [("Customer", "", "Ada Lovelace, ada@example.com")]),
        ({"note": "gift"}, [("Note", "", "gift")]),
        ({"location": {"id": "2", "name": "Airport"}}, [("Location", "", "Airport")]),
        ({"shipping": {"city": "Leeds", "zip": "LS1"}}, [("Shipping address", "", "LS1 Leeds")]),
        ({"business_day": "2026-11-19"}, [("Business day", "2026-11-20", "2026-11-19")]),
        (
            {"refunds": [{"id": "r1", "amount_inc_tax": "5.00", "reason": "broken"}]},
            [("Refund r1", "", "5.00 USD, completed, broken")],
        ),
        (
            {"lines": [MUG], "total_inc_tax": "5.40", "total_tax": "0.40"},
            [
                ("Total", "10.80 USD", "5.40 USD"),
                ("Tax", "0.80 USD", "0.40 USD"),
                ("Payment Cash", "10.80 USD", "5.40 USD"),
                ("Line Coffee beans", "1 x 5.40 USD", ""),
            ],
        ),
        (
            {"tenders": [{"kind": "cash", "label": "Cash", "amount": "5.40"}] * 2},
            [("Payment Cash", "10.80 USD", "5.40 USD"), ("Payment Cash", "", "5.40 USD")],
        ),
    ],
)
def test_a_change_is_told_with_what_was_before_and_after(
    changes: dict[str, Any], told: list[tuple[str, str, str]]
) -> None:
    assert changes_between(sale(), sale(**changes)) == tuple(FactChange(*one) for one in told)


def test_nothing_is_told_of_a_version_that_is_forgotten() -> None:
    assert changes_between(None, sale()) == ()


@given(before=sales(), after=sales())
def test_what_changed_one_way_changed_back_the_other_way(before: CanonicalOrder, after: CanonicalOrder) -> None:
    assert changes_between(before, before) == ()
    there, back = changes_between(before, after), changes_between(after, before)
    if len(there) < 40:  # of more, the most important are told
        assert {(one.before, one.after) for one in there} == {(one.after, one.before) for one in back}
    assert read_changes(write_changes(there)) == there
    assert all(one.before != one.after for one in there)
