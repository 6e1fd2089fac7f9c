"""Addresses: BigCommerce demands one of every order, and a walk-in has none."""

from __future__ import annotations

from functools import cache

from pydantic import JsonValue

from syncd.canonical import CanonicalOrder
from syncd.canonical.order import Address, Customer
from syncd.mapping.payload import Decision
from syncd.mapping.rules import DefaultAddress

_LONGEST = 255
_NOWHERE, _NOBODY = Address(), Customer()


def billing_address(order: CanonicalOrder, default: DefaultAddress) -> tuple[dict[str, JsonValue], Decision]:
    """The order's billing address, and where it came from.

    A whole address of the sale is taken as it is; of half a one, names, e-mail and phone are kept and the place is the shop's;
    where there is none, it is the shop's altogether.
    """
    known, customer = order.billing or _NOWHERE, order.customer or _NOBODY
    person = _person(known, customer)
    if _whole(known):
        return _wired({**_place(known), **person}, default), Decision(
            "billing address", "the customer's own", "the sale has a whole one"
        )
    shop = _default(default)
    if person:
        kept = {**shop, **person}
        return _wired(kept, default), Decision(
            "billing address", "the customer's name, the shop's address", "the sale has no whole address"
        )
    return _wired(shop, default), Decision(
        "billing address", "the shop's default address", "a walk-in: the sale names no customer"
    )


def shipping_address(
    order: CanonicalOrder, default: DefaultAddress, billing: dict[str, JsonValue]
) -> dict[str, JsonValue]:
    """Where the goods go: the sale's own shipping address where it has a whole one, else as billed."""
    if order.shipping is not None and _whole(order.shipping):
        return _wired({**_place(order.shipping), **_person(order.shipping, order.customer or _NOBODY)}, default)
    return dict(billing)


def _whole(address: Address) -> bool:
    return bool(address.street_1 and address.city and len(address.zip.strip()) >= 2 and address.country)


def _place(address: Address) -> dict[str, str]:
    return {
        "street_1": address.street_1,
        "street_2": address.street_2,
        "city": address.city,
        "state": address.state,
        "zip": address.zip.strip().lstrip("'"),
        "country": address.country,
    }


def _default(address: DefaultAddress) -> dict[str, str]:
    return {
        "first_name": address.first_name,
        "last_name": address.last_name,
        "company": address.company,
        "street_1": address.street_1,
        "street_2": address.street_2,
        "city": address.city,
        "state": address.state,
        "zip": address.zip,
        "country": address.country_iso2,
        "phone": address.phone,
        "email": address.email,
    }


def _person(address: Address, customer: Customer) -> dict[str, str]:
    """What is known of the person, empty fields left out."""
    if address is _NOWHERE and customer is _NOBODY:
        return {}
    fields = ("first_name", "last_name", "company", "phone", "email")
    return {name: value for name in fields if (value := getattr(address, name) or getattr(customer, name))}


def _wired(fields: dict[str, str], default: DefaultAddress) -> dict[str, JsonValue]:
    iso2, country = country_of(fields.get("country", "")) or (default.country_iso2, default.country_iso2)
    named = {"first_name": default.first_name, "last_name": default.last_name, "email": default.email}
    whole = {**named, **{name: value for name, value in fields.items() if value or name not in named}}
    if fields.get("first_name") and not fields.get("last_name"):
        whole["last_name"] = "-"
    whole["state"] = state_name(iso2, whole.get("state", ""))
    whole["country"] = country
    bounded = {name: value[:_LONGEST] for name, value in whole.items() if value}
    return {**bounded, "country_iso2": iso2}


@cache
def country_of(text: str) -> tuple[str, str] | None:
    """The ISO 3166-1 alpha-2 code and the name of a country, given either; None where it is neither."""
    import pycountry  # noqa: PLC0415  a large table that only a push needs

    try:
        found = pycountry.countries.lookup(text.strip())
    except LookupError:
        return None
    return found.alpha_2, getattr(found, "common_name", found.name)


@cache
def state_name(iso2: str, text: str) -> str:
    """A state's full name, as BigCommerce wants it, from its short code ("TX" in the US is "Texas"); else as it is."""
    import pycountry  # noqa: PLC0415  a large table that only a push needs

    short = text.strip()
    found = pycountry.subdivisions.get(code=f"{iso2}-{short.upper()}") if 0 < len(short) <= 3 else None
    return found.name if found is not None else short
