"""A search for sales as people write it: filters by name, and words. Understood alike by the page, its API and the command line."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation

from msgspec import Struct
from msgspec.structs import replace

from syncd.ledger import Selection
from syncd.sale.states import State

FILTERS = ("state", "source", "store", "day", "from", "to", "location", "register", "receipt", "sku", "total")
"""Filters, as they are written before a colon."""
_ALSO = {"date": "day", "number": "receipt"}
_WORD = re.compile(r'(?:(\w+):)?("[^"]*"|\S+)')
_DAY = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_FIRST, _LAST = date(1970, 1, 1), date(2199, 12, 31)
_IS_NOT = {
    "state": ", ".join(state.value for state in State),
    "day": "a day, month or year, such as 2026-11-23, 2026-11 or 2026",
    "from": "a day, such as 2026-11-23",
    "to": "a day, such as 2026-11-23",
    "total": "an amount such as 12.30",
}


class Search(Struct, frozen=True):
    """What somebody looks for: filters by name, and words; ``wrong`` is what could not be understood."""

    filters: Mapping[str, str]
    words: str = ""
    wrong: str = ""

    @property
    def text(self) -> str:
        """As it is written in one line."""
        quoted = [f'{name}:"{value}"' if " " in value else f"{name}:{value}" for name, value in self.filters.items()]
        return " ".join([*quoted, self.words]).strip()

    @property
    def query(self) -> dict[str, str]:
        """As the query string of an address that finds the same."""
        return {**({"q": self.words} if self.words else {}), **self.filters}


def parse(text: str, more: Mapping[str, str] | None = None) -> Search:
    """``state:rejected day:2026-10 R-1001`` as filters and words; ``more`` are filters beside it, which count for less. Pure."""
    filters, words = {name: value for name in FILTERS if (value := (more or {}).get(name))}, list[str]()
    for name, value in _WORD.findall(text):
        plain, known = value.strip('"'), _ALSO.get(name.lower(), name.lower())
        if known in FILTERS and plain:
            filters[known] = plain
        elif plain:
            words.append(f"{name}:{plain}" if name else plain)
    return _checked(Search(filters, " ".join(words)))


def _checked(search: Search) -> Search:
    checks = {
        "state": lambda text: text in {known.value for known in State},
        "day": lambda text: span_of(text) is not None,
        "from": lambda text: _one_day(text) is not None,
        "to": lambda text: _one_day(text) is not None,
        "total": lambda text: _amount(text) is not None,
    }
    wrong = {name: value for name, value in search.filters.items() if name in checks and not checks[name](value)}
    if not wrong:
        return search
    words = "; ".join(f"{name}:{value} is not {_IS_NOT[name]}" for name, value in wrong.items())
    return replace(search, filters={name: v for name, v in search.filters.items() if name not in wrong}, wrong=words)


def selection_of(search: Search, keys: Sequence[str] = ()) -> Selection:
    """Return the sales that a search chooses."""
    filters = search.filters
    return Selection(
        keys=tuple(keys),
        words=search.words or None,
        store=filters.get("store"),
        source=filters.get("source"),
        state=State(filters["state"]) if "state" in filters else None,
        location=filters.get("location"),
        register=filters.get("register"),
        number=filters.get("receipt"),
        sku=filters.get("sku"),
        total=_amount(filters["total"]) if "total" in filters else None,
        days=_days(filters),
    )


def _days(filters: Mapping[str, str]) -> tuple[date, date] | None:
    if (span := span_of(filters.get("day", ""))) is not None:
        return span
    first, last = _one_day(filters.get("from", "")), _one_day(filters.get("to", ""))
    return None if first is None and last is None else (first or _FIRST, last or _LAST)


def span_of(text: str) -> tuple[date, date] | None:
    """Return the first and the last day of a day, a month or a year; None where it is none."""
    match = _DAY.fullmatch(text)
    if match is None:
        return None
    year, month, day = (int(part) if part else None for part in match.groups())
    try:
        first = date(year or 0, month or 1, day or 1)
        last = date(first.year, month or 12, day or monthrange(first.year, month or 12)[1])
    except ValueError:
        return None
    return (first, last) if first >= _FIRST and last <= _LAST else None


def _one_day(text: str) -> date | None:
    span = span_of(text)
    return span[0] if span is not None and span[0] == span[1] else None


def _amount(text: str) -> Decimal | None:
    try:
        value = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None
    fits = value.is_finite() and abs(value) < Decimal(10) ** 12 and len(value.as_tuple().digits) <= 16
    return value if fits else None
