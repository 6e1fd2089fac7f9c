"""Long lists of the page: what fits some words, and which part one page shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.web.page.lists import AT_ONCE, Slice, fits
from syncd.web.page.request import PageRequest


def asked(**query: str) -> PageRequest:
    return PageRequest("GET", "/stores", query, {}, {}, None, "")


def test_every_word_must_be_in_one_of_the_texts_whatever_its_case() -> None:
    assert fits("north SQUARE", "North-1", "square")
    assert fits("", "anything")
    assert not fits("north clover", "North-1", "square")


@pytest.mark.parametrize("page", ["", "0", "-1", "x", "²", "9" * 400, "1e3", "99999999"])
def test_a_page_that_is_not_there_is_the_nearest_one(page: str) -> None:
    assert Slice.of(range(120), asked(page=page)).rows


@given(total=st.integers(0, 400))
def test_every_row_is_on_exactly_one_page_and_each_page_leads_to_the_next(total: int) -> None:
    seen: list[int] = []
    page, query = Slice.of(range(total), asked(q="a b", page="1")), ""
    while True:
        seen += page.rows
        assert len(page.rows) <= AT_ONCE
        assert page.total == total
        if not page.after:
            break
        query = page.after
        number = query.rpartition("page=")[2]
        assert "q=a+b" in query
        page = Slice.of(range(total), asked(q="a b", page=number))
    assert seen == list(range(total))
