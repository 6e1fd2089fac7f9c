import json
import subprocess
import sys
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from syncd.canonical import CanonicalOrder, check_balance, fingerprint

DOCUMENT: dict[str, Any] = {
    "source": "till",
    "sale_id": "1001",
    "placed_at": "2026-03-08T19:30:00+13:00",
    "currency": "NZD",
    "lines": [
        {
            "line_id": "1",
            "sku": "SKU-1",
            "name": "Scarf",
            "quantity": "2",
            "total_ex_tax": "34.78",
            "total_inc_tax": "40.00",
        },
        {"line_id": "2", "name": "Tea Towel", "total_ex_tax": "8.70", "total_inc_tax": "10"},
    ],
    "tenders": [
        {"kind": "cash", "label": "Cash", "amount": "20"},
        {"kind": "card", "label": "Visa", "amount": "30.00", "card_last4": "4242"},
    ],
    "total_inc_tax": "50.00",
    "total_tax": "6.52",
    "extra": {"vendor": {"deep": [1, "two", None]}},
}


def sale(**changes: Any) -> CanonicalOrder:
    return CanonicalOrder.model_validate({**DOCUMENT, **changes})


def test_json_round_trips_exactly() -> None:
    order = sale()
    assert CanonicalOrder.from_json(order.to_json()) == order
    assert CanonicalOrder.from_json(order.to_json()).to_json() == order.to_json()


def test_json_numbers_are_read_exactly() -> None:
    text = json.dumps(DOCUMENT).replace('"50.00"', "50.10").replace('"6.52"', "0.1")
    order = CanonicalOrder.from_json(text)
    assert order.total_inc_tax == Decimal("50.1")
    assert order.total_tax == Decimal("0.1")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("placed_at", "2026-03-08T19:30:00"),
        ("total_inc_tax", 50.1),
        ("total_inc_tax", "NaN"),
        ("currency", "usd"),
        ("source", "a:b"),
        ("sale_id", ""),
        ("status", "gone"),
        ("surprise", "1"),
    ],
)
def test_what_a_canonical_order_cannot_say_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        sale(**{field: value})


def test_an_order_is_frozen_all_the_way_down() -> None:
    order = sale()
    with pytest.raises(ValidationError):
        order.note = "changed"  # type: ignore[misc]  # the point of the test
    with pytest.raises(TypeError):
        order.extra["vendor"] = 1  # the point of the test
    assert isinstance(order.lines, tuple)
    assert hash(order) == hash(sale())


def test_control_characters_never_enter_a_sale() -> None:
    assert sale(note="a\x00b\x1b[31mc\nd").note == "ab[31mc\nd"


def test_the_sale_key_is_source_and_id() -> None:
    assert sale().sale_key == "till:1001"


def test_the_fingerprint_ignores_how_a_thing_is_written() -> None:
    turned = dict(reversed(DOCUMENT.items())) | {"total_inc_tax": "50.0", "placed_at": "2026-03-08T06:30:00Z"}
    assert fingerprint(CanonicalOrder.model_validate(turned)) == fingerprint(sale())


@pytest.mark.parametrize("silent", [{"version": "9"}, {"updated_at": "2026-03-09T00:00:00Z"}, {"extra": {}}])
def test_the_fingerprint_ignores_what_the_sale_does_not_say(silent: dict[str, Any]) -> None:
    assert fingerprint(sale(**silent)) == fingerprint(sale())


@pytest.mark.parametrize(
    "said",
    [
        {"total_inc_tax": "50.01"},
        {"status": "voided"},
        {"note": "gift"},
        {"placed_at": "2026-03-08T19:30:01+13:00"},
        {"customer": {"email": "a@example.com"}},
        {"refunds": [{"id": "r1", "amount_inc_tax": "5"}]},
    ],
)
def test_the_fingerprint_changes_with_what_the_sale_says(said: dict[str, Any]) -> None:
    assert fingerprint(sale(**said)) != fingerprint(sale())


def test_the_fingerprint_is_the_same_in_another_process() -> None:
    code = "import sys; from syncd.canonical import *; print(fingerprint(CanonicalOrder.from_json(sys.stdin.read())))"
    for seed in ("1", "2"):
        out = subprocess.run(
            [sys.executable, "-c", code],
            input=sale().to_json(),
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        )
        assert out.stdout.strip() == fingerprint(sale())


@given(st.permutations(sorted(DOCUMENT)))
def test_the_fingerprint_does_not_depend_on_field_order(fields: list[str]) -> None:
    assert fingerprint(CanonicalOrder.model_validate({field: DOCUMENT[field] for field in fields})) == fingerprint(
        sale()
    )


def test_a_sale_that_adds_up_has_no_imbalance() -> None:
    assert check_balance(sale()) == ()


def test_a_total_that_the_lines_do_not_make_is_named_with_its_difference() -> None:
    (found,) = check_balance(sale(total_inc_tax="49.99", tenders=[]))
    assert "50.00 NZD" in str(found)
    assert "difference of 0.01 NZD" in str(found)


def test_fees_discounts_and_rounding_belong_to_the_total() -> None:
    order = sale(
        fees=[{"kind": "tip", "name": "Tip", "total_ex_tax": "5", "total_inc_tax": "5"}],
        discounts=[{"amount_inc_tax": "2.03", "amount_ex_tax": "2.03"}],
        rounding="0.03",
        total_inc_tax="53.00",
        tenders=[{"kind": "cash", "label": "Cash", "amount": "53", "tendered": "60", "change": "7"}],
    )
    assert check_balance(order) == ()


def test_tenders_that_do_not_cover_a_paid_sale_are_named() -> None:
    (found,) = check_balance(sale(tenders=[{"kind": "cash", "label": "Cash", "amount": "20"}]))
    assert found.what == "tenders"


@pytest.mark.parametrize("status", ["failed", "voided", "pending"])
def test_only_captured_tenders_count(status: str) -> None:
    failed = {"kind": "card", "label": "Visa", "amount": "50", "status": status}
    assert check_balance(sale(tenders=[*DOCUMENT["tenders"], failed])) == ()


def test_an_unpaid_sale_may_name_no_tenders() -> None:
    assert check_balance(sale(tenders=[])) == ()
    assert check_balance(sale(status="open", tenders=[{"kind": "cash", "label": "Deposit", "amount": "5"}])) == ()


def test_tax_may_be_off_by_a_minor_unit_a_line_and_no_more() -> None:
    assert check_balance(sale(total_tax="6.54")) == ()
    (found,) = check_balance(sale(total_tax="6.55"))
    assert found.what == "taxes"


def test_line_totals_with_more_places_are_summed_before_they_are_rounded() -> None:
    thirds = [{"line_id": str(n), "name": "x", "total_ex_tax": "3.33333", "total_inc_tax": "3.33333"} for n in range(3)]
    assert check_balance(sale(lines=thirds, tenders=[], total_inc_tax="10.00", total_tax="0")) == ()


def test_a_moment_keeps_its_own_offset() -> None:
    again = CanonicalOrder.from_json(sale().to_json())
    assert again.placed_at == datetime.fromisoformat("2026-03-08T19:30:00+13:00")
    assert again.placed_at.utcoffset() == datetime.fromisoformat("2026-03-08T19:30:00+13:00").utcoffset()
