"""The words by which a sale is found, and those of a search: what somebody reads on a receipt finds it, whatever it is."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st

from syncd.canonical import CanonicalOrder
from syncd.sale.sale import IncomingVersion, new_sale
from syncd.sale.search_words import Term, terms_of, words_of
from syncd.testing.orders import sale
from tests.strategies import sales


def _matches(said: set[str], term: Term) -> bool:
    """What a database is to do with a term."""
    return any(
        all(any(word.startswith(token.text) if token.begins else word == token.text for word in said) for token in way)
        for way in term.alternatives
    )


@given(order=sales())
def test_every_name_number_and_amount_of_a_sale_finds_it(order: CanonicalOrder) -> None:
    said = set(words_of(new_sale(IncomingVersion(order, "1f"), "main", order.placed_at), order).split())
    texts = [
        order.sale_id,
        order.number or "",
        *(one.name for one in order.lines),
        *(one.sku or "" for one in order.lines),
    ]
    texts += [format(order.total_inc_tax, "f"), order.day.isoformat()]
    for text in texts:
        for term in terms_of(text):
            assert _matches(said, term), (text, term, said)


@given(st.text(max_size=200))
def test_no_search_is_more_than_words_to_a_database(text: str) -> None:
    for term in terms_of(text):
        for way in term.alternatives:
            for token in way:
                assert token.text
                assert not set(token.text) & (set(string.punctuation + string.whitespace) - {"_"}), token


def test_scripts_without_blanks_are_found_by_any_two_letters_that_follow_each_other() -> None:
    said = set(
        words_of(
            new_sale(IncomingVersion(order := sale(note="抹茶ラテ กาแฟเย็น"), "1f"), "main", order.placed_at), order
        ).split()
    )
    for word in ("抹茶", "茶ラ", "ラテ", "กาแฟ", "เย็น"):
        assert all(_matches(said, term) for term in terms_of(word)), word
    assert not all(_matches(said, term) for term in terms_of("紅茶"))
