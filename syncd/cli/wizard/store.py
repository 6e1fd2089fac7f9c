"""Asks for the store: its API account, tried at once, and the shop's own address."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr, ValidationError

from syncd.bigcommerce.api import Api, store_wire
from syncd.bigcommerce.governor import QuotaGovernor
from syncd.bigcommerce.settings import ConnectionSettings
from syncd.bigcommerce.store import StoreClient, StoreInfo
from syncd.cli.render import say
from syncd.cli.wizard.asking import Asker
from syncd.clock import SystemClock
from syncd.errors import StoreError, UsageError
from syncd.mapping.rules import Rules

DEFAULT_API = "https://api.bigcommerce.com"
FIELDS = ("street_1", "city", "state", "zip", "country_iso2")
_HASH = re.compile(r"stores/([a-z0-9]+)")
_WHERE = (
    "BigCommerce, Settings, Store-level API accounts, Create: Orders modify, Products read-only, Customers read-only, "
    "Information & settings read-only. Its last page shows both answers, once."
)
_LEFT_OUT = "(kept; Enter: the one that is there)"


@dataclass(slots=True)
class StoreAnswers:
    """What was asked of the store."""

    store_hash: str = ""
    token: str = field(default="", repr=False)
    name: str = ""
    currency: str = ""
    address: Mapping[str, str] = field(default_factory=dict)


def ask_store(asker: Asker, api_url: str, before: StoreAnswers | None = None) -> StoreAnswers:
    """Ask for the API account until it opens a store, then for the shop's address. ``before`` is what Enter keeps.

    Raises:
        UsageError: three answers were wrong.

    """
    answers = asker.again(lambda: _account(asker, api_url, before))
    say(f"   That opens {answers.name}, which sells in {answers.currency}.")
    answers.address = asker.again(lambda: _address(asker, before.address if before else {}))
    return answers


def _account(asker: Asker, api_url: str, before: StoreAnswers | None) -> StoreAnswers:
    known = before.store_hash if before else None
    path = asker.ask("API path of your store, or its store hash", where=_WHERE, default=known)
    store_hash = found[1] if (found := _HASH.search(path)) else path
    kept = before.token if before and store_hash == before.store_hash else ""
    words = f"Access token of the API account {_LEFT_OUT}" if kept else "Access token of the API account (not shown)"
    token = asker.ask(words, secret=True, default="" if kept else None) or kept
    info = _tried(api_url, store_hash, token)
    return StoreAnswers(store_hash, token, f"{info.name} ({info.domain})", info.currency)


def _tried(api_url: str, store_hash: str, token: str) -> StoreInfo:
    try:
        settings = ConnectionSettings(store_hash=store_hash, token=SecretStr(token), api_url=api_url)
    except ValidationError as error:
        if any("token" in found["loc"] for found in error.errors()):
            raise UsageError("that is more than the access token", "Give the token alone, without blanks.") from None
        what = f"{store_hash[:40]!r} is no store hash"
        raise UsageError(what, "It is the part after stores/ in the API path, such as abc123.") from None
    clock, wire = SystemClock(), store_wire(settings, SystemClock())
    try:
        return StoreClient(Api(wire, QuotaGovernor(clock, 1.0), clock, threading.Event())).store()
    except StoreError as error:
        raise UsageError(error.what, error.cure or "Check the path and the token, and try again.") from None
    finally:
        wire.close()


def _address(asker: Asker, before: Mapping[str, str]) -> dict[str, str]:
    """Street, city, state, zip and country of the shop."""
    where = "BigCommerce takes no order without an address. A customer who gives none gets the shop's."
    usual = ", ".join(before[name] for name in FIELDS if before.get(name)) or None
    text = asker.ask("The shop's address: street, city, state, zip, country (US)", where=where, default=usual)
    parts = [part.strip() for part in text.split(",")]
    if len(parts) < len(FIELDS):
        raise UsageError(f"{text!r} has {len(parts)} parts", "Such as: 1 Main Street, Austin, Texas, 78701, US")
    street, (city, state, code, country) = ", ".join(parts[:-4]), parts[-4:]
    found = {"street_1": street, "city": city, "state": state, "zip": code, "country_iso2": country.upper()}
    try:
        Rules.model_validate({"default_address": found})
    except ValidationError as error:
        what = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise UsageError(what, "The country is two letters, such as US.") from None
    return found
