"""Read numbers, words and people's names as database drivers and exports give them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from syncd.sources.records import Unreadable

D = TypeVar("D", Decimal, None)
_MISSING = Decimal("NaN")


def decimal(value: object, default: Decimal | D = _MISSING) -> Decimal | D:
    """Return a number, exactly as it is written; of a floating-point one, the shortest text that means it.

    ``default`` where it is NULL.

    Raises:
        Unreadable: it is no number, or NULL without a default.

    """
    if value is None or value == "":
        if default is _MISSING:
            msg = "an amount is missing"
            raise Unreadable(msg)
        return default
    try:
        found = value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation:
        found = _MISSING
    if not found.is_finite() or isinstance(value, bool):
        msg = f"{str(value)[:40]!r} is no amount"
        raise Unreadable(msg)
    return found


def words(value: object) -> str:
    """Text, blanks stripped; empty where it is NULL."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    return "" if value is None else str(value).strip()


_WHO = ("first_name", "last_name", "company", "email", "phone")
PLACE = ("street_1", "street_2", "city", "state", "zip", "country")
PERSON = (*_WHO, *PLACE)
"""Everything that may be known of a customer, by our own names."""


def people(key: object, about: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields ``customer`` and ``billing`` for a customer of whom ``about`` is known, by our own names.

    ``key`` is the till's id of the customer, empty where it has none; nothing comes out where nothing is known.

    An address without a street is none: many tills keep a city or a postcode alone, to know where their customers come from.
    """
    who = {name: about[name] for name in _WHO if about.get(name)}
    customer = ({"id": str(key)} if key else {}) | who
    if not customer:
        return {}
    found: dict[str, Any] = {"customer": customer}
    if about.get("street_1", "").strip():
        found["billing"] = {**who, **{name: about[name] for name in PLACE if about.get(name)}}
    return found
