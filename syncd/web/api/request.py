"""What a program asks for, and how an address of the API is described."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct
from pydantic import BaseModel

from syncd.errors import UsageError
from syncd.roles import Scope
from syncd.web.page.context import PageContext
from syncd.web.page.sales import place_in

T = TypeVar("T")
MOST, USUAL = 200, 50
"""How many a list answers at once: at most, and where nothing is said."""


class ApiRequest(Struct, frozen=True):
    """What a program asks for, and what it may read."""

    query: Mapping[str, str]
    named: Mapping[str, Any]
    scopes: frozenset[Scope]

    def number(self, name: str, usual: int, most: int) -> int:
        """Return a whole number of the query.

        Raises:
            UsageError: it is none, or too large.

        """
        text = self.query.get(name, "")
        if not text:
            return usual
        if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
            raise UsageError(f"{name} must be a whole number from 1 to {most}", "Correct it, or leave it out.")
        return int(text)


class Parameter(Struct, frozen=True):
    """A parameter of a query."""

    name: str
    says: str
    is_number: bool = False


class Endpoint(Struct, frozen=True):
    """One address: what it answers, which scope may read it, and which parameters it has."""

    path: str
    says: str
    scope: Scope
    answers: type[BaseModel]
    run: Callable[[PageContext, ApiRequest], BaseModel | None]
    parameters: Sequence[Parameter] = ()


def page_of(rows: Sequence[T], ask: ApiRequest) -> tuple[Sequence[T], int | None]:
    """Return the rows of the page that is asked for, and the number of the next one."""
    page, size = ask.number("page", 1, 1_000_000), ask.number("limit", USUAL, MOST)
    end = page * size
    return rows[end - size : end], page + 1 if end < len(rows) else None


def place_asked(ask: ApiRequest) -> tuple[int, int] | None:
    """Return the place in a list that is asked for; None: its beginning.

    Raises:
        UsageError: it is none.

    """
    text = ask.query.get("before", "")
    place = place_in(text)
    if text and place is None:
        raise UsageError("before is no place in this list", "Take it from the answer before.")
    return place
