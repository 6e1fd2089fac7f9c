"""Customers as tills keep them: who it is, and the address, where there is one that goods or a bill could be sent to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WHO = ("first_name", "last_name", "company", "email", "phone")
PLACE = ("street_1", "street_2", "city", "state", "zip", "country")
PERSON = (*_WHO, *PLACE)
"""Everything that may be known of a customer, by our own names."""


def people(key: object, about: Mapping[str, str]) -> dict[str, Any]:
    """The fields ``customer`` and ``billing`` of a sale for a customer of whom ``about`` is known, by our own names.

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
