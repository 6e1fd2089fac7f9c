"""What a fault says: what is wrong with the record and what to do, never what Python thought."""

from __future__ import annotations

import pytest

from syncd.sources.records import Document, ParsedSale, Unreadable, parse_each, time_of
from syncd.sources.records import fault as fault_of


@pytest.mark.parametrize(
    "error", [AttributeError("'str' object has no attribute 'get'"), TypeError("x"), ZeroDivisionError()]
)
def test_a_record_of_another_form_is_told_without_pythons_words(error: Exception) -> None:
    def read(_: Document) -> ParsedSale:
        raise error

    (fault,) = parse_each([{"id": 1}], read, None, fault_of).faults
    assert "one of its fields has another form than its POS documents" in fault.reason
    assert "object has no attribute" not in fault.reason


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({}, "it has no sale_date"),
        ({"sale_date": "yesterday"}, "its sale_date is no time with its zone: 'yesterday'"),
        ({"sale_date": "2026-11-20T10:00:00"}, "its sale_date is no time with its zone"),
        ({"sale_date": None, "created_at": 7}, "its created_at is no time with its zone: '7'"),
    ],
)
def test_a_time_that_is_wrong_is_not_called_missing(document: Document, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        time_of(document, "sale_date", "created_at")
