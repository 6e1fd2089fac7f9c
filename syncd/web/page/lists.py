"""Long lists: which rows have some words, in what order, and which of them one page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from msgspec import Struct

from syncd.web.page.request import PageRequest

T = TypeVar("T")
AT_ONCE = 50


def fits(words: str, *texts: str) -> bool:
    """Whether each of some words is in one of the texts, whatever its case."""
    low = [text.casefold() for text in texts]
    return all(any(word in text for text in low) for word in words.casefold().split())


def heads_of(orders: Mapping[str, tuple[str, Any]], words: str) -> dict[str, tuple[str, str]]:
    """Return for each order of a list its title and the address that asks for it; the words that narrow the list stay."""
    kept = {"q": words} if words else {}
    return {name: (title, f"?{urlencode({**kept, 'sort': name})}") for name, (title, _) in orders.items()}


class Slice(Struct, Generic[T], frozen=True):
    """The rows that one page shows, of how many, and the addresses of the pages beside it; empty where there is none."""

    rows: Sequence[T]
    first: int
    total: int
    before: str
    after: str

    @classmethod
    def of(cls, rows: Sequence[T], ask: PageRequest) -> Slice[T]:
        """Return the page that ``?page=`` names, the nearest one where there is no such page."""
        text = ask.query.get("page", "")
        last = max((len(rows) - 1) // AT_ONCE, 0)
        page = min(int(text) - 1 if text.isascii() and text.isdigit() and 0 < len(text) < 9 else 0, last)
        page = max(page, 0)

        def at(number: int) -> str:
            return f"?{urlencode({**ask.query, 'page': number + 1})}" if 0 <= number <= last else ""

        begin = page * AT_ONCE
        return cls(rows[begin : begin + AT_ONCE], begin + 1, len(rows), at(page - 1), at(page + 1))
