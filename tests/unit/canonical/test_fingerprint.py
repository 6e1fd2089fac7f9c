"""The fingerprint of a document is that of its order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.canonical import CanonicalOrder, fingerprint
from syncd.canonical.fingerprint import fingerprint_of

_ZONES = [UTC, ZoneInfo("America/Chicago"), ZoneInfo("Asia/Kolkata"), timezone(timedelta(hours=-3, seconds=7))]
_TIMES = st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1), timezones=st.sampled_from(_ZONES))  # noqa: DTZ001  the zone is added
_ODD = [
    "version",
    '"at":"2026-01-01T00:00:00Z"',
    '","updated_at":"x',
    ',"extra":{',
    "a\\",
    'say "no"',
    "{}",
    "\u2028é",
    '\\"at',
]
_TEXTS = st.one_of(st.sampled_from(_ODD), st.text(max_size=8), st.lists(st.sampled_from(_ODD), max_size=3).map("".join))
_VALUES = st.recursive(_TEXTS, lambda inner: st.dictionaries(_TEXTS, inner, max_size=2) | st.lists(inner, max_size=2))


@st.composite
def orders(draw: st.DrawFn) -> CanonicalOrder:
    """Orders whose texts look like the fields that a fingerprint treats by themselves."""
    some = st.none() | _TIMES
    tender = {"kind": "cash", "label": draw(_TEXTS), "amount": "10", "at": draw(some), "id": draw(st.none() | _TEXTS)}
    refund = {"id": draw(_TEXTS), "amount_inc_tax": "1", "at": draw(some), "tenders": [tender], "reason": draw(_TEXTS)}
    line = {
        "line_id": draw(_TEXTS),
        "name": draw(_TEXTS),
        "note": draw(_TEXTS),
        "total_ex_tax": "9",
        "total_inc_tax": "10",
    }
    return CanonicalOrder.model_validate({
        "source": "till", "sale_id": "1" + draw(_TEXTS), "number": draw(st.none() | _TEXTS), "currency": "USD",
        "version": draw(st.none() | _TEXTS), "placed_at": draw(_TIMES), "updated_at": draw(some), "uploaded_at": draw(some),
        "opened_at": draw(some), "closed_at": draw(some), "cancelled_at": draw(some), "note": draw(_TEXTS), "lines": [line],
        "tenders": [tender], "refunds": draw(st.sampled_from([[], [refund]])), "total_inc_tax": "10", "total_tax": "1",
        "customer": draw(st.none() | st.just({"first_name": "Ann"})), "extra": draw(st.dictionaries(_TEXTS, _VALUES, max_size=3)),
    })  # fmt: skip


@given(orders())
def test_a_document_has_the_fingerprint_of_its_order(order: CanonicalOrder) -> None:
    assert fingerprint_of(order.to_json()) == fingerprint(order)


@pytest.mark.parametrize("text", ["version", '"at":"2026-01-01T00:00:00Z"', ',"extra":{'])
def test_a_text_that_looks_like_a_silent_field_changes_the_fingerprint(text: str) -> None:
    plain = {"source": "till", "sale_id": "1", "placed_at": "2026-11-20T10:15:00-06:00", "currency": "USD"}
    said = [CanonicalOrder(**plain, note=note, total_inc_tax="1", total_tax="0") for note in (text, text + "2")]  # type: ignore[arg-type]  # parsed
    assert fingerprint_of(said[0].to_json()) != fingerprint_of(said[1].to_json())
