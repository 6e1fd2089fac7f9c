"""Which version of a sale counts: the table of docs/states.md, each row pure, and each as it ends in the order."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.sale.overrides import Verb
from syncd.sale.sale import Dating
from syncd.sale.states import State
from syncd.sale.versions import VersionOrder, is_later, latest, order_of
from tests.heart.telling import LARGER, decide, kept, one, order, shop
from tests.model.simulation import Shop

__all__ = ["shop"]  # the fixture
EARLY = datetime(2026, 11, 20, 18, tzinfo=UTC)
LATE = EARLY + timedelta(minutes=5)
ROWS = {
    "a higher version number": (Dating("10", EARLY), Dating("9", LATE), False, VersionOrder.NEWER),
    "a lower version number": (Dating("9", LATE), Dating("10", EARLY), True, VersionOrder.OLDER),
    "a later time of change": (Dating(None, LATE, EARLY), Dating(None, EARLY, LATE), True, VersionOrder.NEWER),
    "an earlier time of change": (Dating(None, EARLY, LATE), Dating(None, LATE, EARLY), False, VersionOrder.OLDER),
    "the same time of change, said before": (Dating(None, EARLY), Dating(None, EARLY), True, VersionOrder.OLDER),
    "the same time of change, new": (Dating(None, EARLY), Dating(None, EARLY), False, VersionOrder.NEWER),
    "nothing dates it, from a later file": (
        Dating(None, None, LATE),
        Dating(None, None, EARLY),
        True,
        VersionOrder.NEWER,
    ),
    "nothing dates it, from an earlier file": (
        Dating(None, None, EARLY),
        Dating(None, None, LATE),
        False,
        VersionOrder.OLDER,
    ),
    "nothing dates it, from a file of the same time, said before": (
        Dating(None, None, EARLY),
        Dating(None, None, EARLY),
        True,
        VersionOrder.UNCLEAR,
    ),
    "nothing dates it, from a file of the same time, new": (
        Dating(None, None, EARLY),
        Dating(None, None, EARLY),
        False,
        VersionOrder.NEWER,
    ),
    "nothing dates it or its statement, said before": (Dating(), Dating(), True, VersionOrder.UNCLEAR),
    "nothing dates it or its statement, new": (Dating(), Dating(), False, VersionOrder.NEWER),
}


@pytest.mark.parametrize("row", ROWS)
def test_a_version_that_arrives_is_newer_older_or_unclear(row: str) -> None:
    new, known, said_before, expected = ROWS[row]
    assert order_of(new, known, lambda: said_before) is expected


def test_the_table_of_versions_is_documented_row_by_row() -> None:
    text = (Path(__file__).parents[2] / "docs" / "states.md").read_text(encoding="utf-8")
    table = text.partition("## Which version counts")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| (.+?) \| (newer|older|unclear).*\|$", table, re.MULTILINE))
    assert rows == {row: expected.value for row, (*_, expected) in ROWS.items()}


datings = st.builds(
    Dating,
    st.sampled_from((None, "1", "2", "ten")),
    st.sampled_from((None, EARLY, LATE)),
    st.sampled_from((None, EARLY, LATE)),
)


@given(datings, datings, st.booleans())
def test_of_two_versions_at_most_one_is_newer_than_the_other_where_something_dates_them(
    one_: Dating, other: Dating, said_before: bool
) -> None:
    there, back = (order_of(a, b, lambda: True) for a, b in ((one_, other), (other, one_)))
    assert not (there is VersionOrder.NEWER and back is VersionOrder.NEWER)
    assert (there is VersionOrder.UNCLEAR) == (back is VersionOrder.UNCLEAR)
    if order_of(one_, other, lambda: said_before) is VersionOrder.OLDER:
        assert order_of(other, one_, lambda: False) is VersionOrder.NEWER


@given(datings, datings)
def test_what_is_kept_of_two_datings_is_no_older_than_either(one_: Dating, other: Dating) -> None:
    both = latest(one_, other)
    for before in (one_, other):
        if both.version == before.version:
            assert not is_later(before, both)


# As it ends in the order


def push(shop: Shop, order_: Any, minute: int | None = None) -> None:
    shop.record(order_, stated_at=None if minute is None else EARLY + timedelta(minutes=minute))
    shop.rest()


def test_an_amount_that_goes_back_to_what_it_was_goes_back_in_the_order(shop: Shop) -> None:
    for minute, said in enumerate((one(), one(**LARGER), one())):
        push(shop, said, minute)
    assert (shop.state("a"), order(shop)["total_inc_tax"]) == (State.SYNCED, "10.8000")


def test_a_void_that_is_taken_back_is_taken_back_in_the_order(shop: Shop) -> None:
    for minute, status in enumerate(("completed", "voided", "completed")):
        push(shop, one(status=status), minute)
    assert (shop.state("a"), order(shop)["status_id"]) == (State.SYNCED, 10)


def test_an_older_file_again_changes_nothing_although_its_changes_carry_the_same_time(shop: Shop) -> None:
    at = {"updated_at": "2026-11-20T17:00:00Z"}
    for said in (one(**at), one(**LARGER, **at), one(**at)):
        push(shop, said)
    assert (shop.state("a"), order(shop)["total_inc_tax"]) == (State.SYNCED, "15.8000")


def test_a_version_that_says_the_same_moves_the_time_from_which_older_ones_are_older(shop: Shop) -> None:
    push(shop, one(updated_at="2026-11-20T17:01:00Z"))
    push(shop, one(updated_at="2026-11-20T17:03:00Z"))
    push(shop, one(updated_at="2026-11-20T17:02:00Z", status="voided"))
    assert (shop.state("a"), order(shop)["status_id"]) == (State.SYNCED, 10)


def test_the_same_from_a_later_file_moves_the_time_too(shop: Shop) -> None:
    push(shop, one(), 1)
    push(shop, one(), 3)
    push(shop, one(status="voided"), 2)
    assert (shop.state("a"), order(shop)["status_id"]) == (State.SYNCED, 10)


def test_what_cannot_be_ordered_is_held_and_told_until_a_person_or_a_later_statement_says_which(shop: Shop) -> None:
    for said in (one(), one(**LARGER), one()):
        push(shop, said)
    assert (shop.state("a"), order(shop)["total_inc_tax"]) == (State.HELD, "15.8000")
    assert "nothing shows which one is newer" in kept(shop).why
    push(shop, one())  # said once more, it is no clearer
    assert shop.state("a") is State.HELD
    decide(shop, Verb.RELEASE)
    shop.rest()
    assert (shop.state("a"), order(shop)["total_inc_tax"]) == (State.SYNCED, "10.8000")
