"""Addresses: BigCommerce demands one of every order, and a walk-in has none. Pure.

An address is sent as the till has it or not at all: the shop's stands in for one that cannot be sent, and what the till has is told
in the staff note. No address is ever half the customer's and half the shop's.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from msgspec import Struct
from pydantic import JsonValue

from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import Fulfilment
from syncd.canonical.order import Address, Customer
from syncd.mapping.countries import country_of, needs_postcode, state_name
from syncd.mapping.model import MappingNote
from syncd.mapping.rules import DefaultAddress

_LONGEST = 255
_SHORTEST_ZIP = 2  # https://developer.bigcommerce.com/docs/start/migration/orders/prepare-data
_NO_ZIP = "N/A"  # the field is required, and many countries have no postcodes, or hardly use them
_NO_NAME = "-"
_NOWHERE, _NOBODY = Address(), Customer()
_PLACE = ("street_1", "street_2", "city", "state", "zip", "country")


class AddressPlace(Struct, frozen=True):
    """A place as it is sent; or why it cannot be."""

    wired: dict[str, str]
    why_not: str = ""


def place_of(address: Address, default: DefaultAddress) -> AddressPlace:
    """Where an address is. One that names no country is in the shop's: tills leave out their own."""
    if not any(getattr(address, name).strip() for name in _PLACE):
        return AddressPlace({}, "it has no address")
    country = country_of(address.country or default.country_iso2)
    if country is None:
        return AddressPlace({}, f"no country is called {address.country.strip()!r}")
    iso2, name = country
    missing = [what for what, text in (("street", address.street_1), ("city", address.city)) if not text.strip()]
    zip_code = address.zip.strip().lstrip("'")
    if len(zip_code) < _SHORTEST_ZIP or not any(letter.isalnum() for letter in zip_code):
        zip_code = _NO_ZIP
        missing += ["postcode"] if needs_postcode(iso2) else []
    if missing:
        return AddressPlace({}, f"its address has no {' and no '.join(missing)}")
    wired = {
        "street_1": address.street_1,
        "street_2": address.street_2,
        "city": address.city,
        "state": state_name(iso2, address.state),
        "zip": zip_code,
        "country": name,
        "country_iso2": iso2,
    }
    return AddressPlace(wired)


def billing_address(order: CanonicalOrder, default: DefaultAddress) -> tuple[dict[str, JsonValue], MappingNote]:
    """Return the order's billing address, and where it came from.

    The customer's own where it can be sent, else the shop's, with whatever is known of the person.
    """
    known, customer = order.billing or _NOWHERE, order.customer or _NOBODY
    person, place = _person(known, customer), place_of(known, default)
    if not place.why_not:
        country = "" if known.country.strip() else "; it names no country, so it is in the shop's"
        return _wired({**place.wired, **(person or _nobody(default))}, default), MappingNote(
            "billing address",
            "the customer's own",
            f"the sale has a whole one{country}{_rewritten(known, place.wired)}",
        )
    if person:
        return _wired({**_shop_of(default), **person}, default), MappingNote(
            "billing address", "the customer's name, the shop's address", place.why_not
        )
    return dict(_walk_in(default)), MappingNote(
        "billing address", "the shop's default address", "a walk-in: the sale names no customer"
    )


def _rewritten(known: Address, wired: dict[str, str]) -> str:
    """Which of its parts are sent in other words than the till's."""
    parts = [("country", known.country, wired["country"]), ("state", known.state, wired["state"])]
    parts += [("postcode", known.zip, wired["zip"])]
    return "".join(
        f"; {what} {said.strip() or 'nothing'!r} is sent as {sent}"
        for what, said, sent in parts
        if said.strip() != sent and (said.strip() or what == "postcode")
    )


def shipping_address(
    order: CanonicalOrder, default: DefaultAddress, billing: dict[str, JsonValue]
) -> dict[str, JsonValue]:
    """Where the goods go: the sale's own shipping address where it can be sent, else as billed."""
    if order.shipping is None or (place := place_of(order.shipping, default)).why_not:
        return dict(billing)
    person = _person(order.shipping, order.customer or _NOBODY) or _nobody(default)
    return _wired({**place.wired, **person}, default)


def unshippable(order: CanonicalOrder, default: DefaultAddress) -> str:
    """Why goods that are to be shipped cannot be: they would go to the shop. Empty where they can, or stay in the shop."""
    if order.fulfilment is not Fulfilment.SHIP:
        return ""
    if order.shipping is not None and (why := place_of(order.shipping, default).why_not) != "it has no address":
        return why
    return place_of(order.billing or _NOWHERE, default).why_not


def contact_notes(order: CanonicalOrder, default: DefaultAddress) -> list[str]:
    """Return what the till has of the customer and the order's fields do not say: for the staff note."""
    if order.customer is None and order.billing is None and order.shipping is None:
        return []
    notes, customer = list[str](), order.customer or _NOBODY
    for what, address in (("Address", order.billing), ("Shipping address", order.shipping)):
        said = ", ".join(text for name in _PLACE if (text := getattr(address, name, "").strip()))
        if address is not None and said and (why := place_of(address, default).why_not):
            notes.append(f"{what} in the POS: {said} (not sent: {why})")
    written = dict.fromkeys(
        text.strip() for text in (customer.email, (order.billing or _NOWHERE).email) if text.strip()
    )
    notes += [
        f"E-mail in the POS: {text} (not sent: it is no e-mail address)" for text in written if not email_of(text)
    ]
    return notes


@lru_cache(maxsize=64)  # one a store and place, on every order
def _shop_of(address: DefaultAddress) -> Mapping[str, str]:
    iso2, name = country_of(address.country_iso2) or (address.country_iso2, address.country_iso2)
    return {
        "street_1": address.street_1,
        "street_2": address.street_2,
        "city": address.city,
        "state": state_name(iso2, address.state),
        "zip": address.zip,
        "country": name,
        "country_iso2": iso2,
        "phone": address.phone,
    }


@lru_cache(maxsize=64)  # as above
def _walk_in(address: DefaultAddress) -> Mapping[str, JsonValue]:
    return _wired({**_shop_of(address), **_nobody(address)}, address)


def _nobody(default: DefaultAddress) -> dict[str, str]:
    """Return the address of a walk-in, by the shop's own words."""
    return {"first_name": default.first_name, "last_name": default.last_name, "company": default.company}


def _person(address: Address, customer: Customer) -> dict[str, str]:
    """Who it is, empty where nothing is known; names are never mixed with the shop's. A company without a person is the name."""
    said = {
        name: (getattr(address, name) or getattr(customer, name)).strip()
        for name in ("first_name", "last_name", "company", "phone")
    }
    said["email"] = email_of(address.email) or email_of(customer.email)
    if not any(said.values()):
        return {}
    first, last = said["first_name"], said["last_name"]
    if not first and not last and said["company"]:
        first, _, last = said["company"].rpartition(" ")
    if first or last:
        said |= {"first_name": first or last or _NO_NAME, "last_name": last if first and last else _NO_NAME}
    return {name: value for name, value in said.items() if value}


def _wired(fields: dict[str, str], default: DefaultAddress) -> dict[str, JsonValue]:
    """With what every order must have: both names, and an address for BigCommerce's mails."""
    named = {"first_name": default.first_name, "last_name": default.last_name}
    whole = {**(named if not fields.get("first_name") else {}), "email": default.email, **fields}
    iso2 = whole.pop("country_iso2")
    return {**{name: value.strip()[:_LONGEST] for name, value in whole.items() if value.strip()}, "country_iso2": iso2}


@lru_cache(maxsize=4096)
def email_of(text: str) -> str:
    """Return the address in ``text``, without what stands around it and in ASCII; empty where it is none, or more than one.

    By the syntax of RFC 5322 and 6531 as mail servers use it (email-validator); no name server is asked.
    """
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415  only a push needs it

    bare = text.strip().strip("<>;,").removeprefix("mailto:").strip()
    if not bare:
        return ""
    try:
        found = validate_email(bare, check_deliverability=False)
    except EmailNotValidError:
        return ""
    return found.ascii_email or ""
