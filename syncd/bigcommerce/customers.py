"""Customers: look-ups in bulk by e-mail and by phone, and new ones.

Source: https://developer.bigcommerce.com/docs/rest-management/customers
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from syncd.bigcommerce.api import Api, chunks
from syncd.bigcommerce.classify import parse, words
from syncd.errors import StoreAccessDenied, StoreUnavailable
from syncd.http.transport import HttpAnswer, HttpError
from syncd.logs import get_logger

_CUSTOMERS = "/v3/customers"
_AT_ONCE, _LONGEST = 50, 3000
_MADE_AT_ONCE = 10  # what one call takes
_WAIT = "syncd asks again; a customer that was made is found by its e-mail."
_SCOPE = 'Grant Customers: modify, or set customers = "match".'


_DEFAULT_CHANNEL = 1


class NewCustomer(Struct, frozen=True):
    """A customer to make: e-mail (lower case) and both names are required.

    ``channel_id`` is the channel of the first order. Of another than the default one the customer is given both, for one who is
    created without channels may sign in where the store lets everybody in, which other storefronts do not by default.
    """

    email: str
    first_name: str
    last_name: str
    company: str = ""
    phone: str = ""
    channel_id: int | None = None
    group_id: int | None = None

    def wired(self) -> dict[str, Any]:
        """As the API takes it; no welcome mail is sent, for the person stood at a till."""
        placed: dict[str, Any] = {} if self.group_id is None else {"customer_group_id": self.group_id}
        if self.channel_id not in (None, _DEFAULT_CHANNEL):
            placed |= {"channel_ids": [_DEFAULT_CHANNEL, self.channel_id], "origin_channel_id": self.channel_id}
        return placed | {
            "email": self.email[:250],
            "first_name": self.first_name[:100],
            "last_name": self.last_name[:100],
            "company": self.company[:255],
            "phone": self.phone[:50],
            "trigger_account_created_notification": False,
        }


class CustomersClient:
    """One store's customers."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def by_email(self, emails: Sequence[str]) -> dict[str, int]:
        """Return the customer id of each of ``emails`` (lower case) that the store knows.

        Raises:
            RemoteError: customers could not be read.

        """
        found: dict[str, int] = {}
        wanted = [email for email in emails if "," not in email]
        for group in chunks(wanted, _AT_ONCE, _LONGEST):
            for page in self._api.pages(_CUSTOMERS, {"email:in": ",".join(group)}):
                for customer in page:
                    found.setdefault(str(customer.get("email") or "").strip().lower(), int(customer["id"]))
        return {email: number for email, number in found.items() if email in set(emails)}

    def by_phone(self, phones: Sequence[str]) -> dict[str, int]:
        """Return the customer id of each of ``phones`` that exactly one customer has: a number shared by two names nobody.

        Raises:
            RemoteError: customers could not be read.

        """
        ids: dict[str, int] = {}
        seen: Counter[str] = Counter()
        for group in chunks([phone for phone in phones if "," not in phone], _AT_ONCE, _LONGEST):
            for page in self._api.pages(_CUSTOMERS, {"phone:in": ",".join(group)}):
                for customer in page:
                    phone = str(customer.get("phone") or "").strip()
                    ids[phone] = int(customer["id"])
                    seen[phone] += 1
        return {phone: ids[phone] for phone in phones if seen[phone] == 1}

    def create(self, customers: Sequence[NewCustomer]) -> dict[str, int]:
        """Make customers, ten a call; the ids of those that the store has now, by e-mail.

        An e-mail is unique in the store, so a customer that exists already (made by another process, or by a call whose answer was
        lost) is refused there and looked up here; one that is refused for any other reason is left out, and told in the log.

        Raises:
            RemoteError: the store could not be asked; whether the last customers were made is unknown, and asking again is safe.

        """
        made: dict[str, int] = {}
        for start in range(0, len(customers), _MADE_AT_ONCE):
            group = customers[start : start + _MADE_AT_ONCE]
            found = self._create(group)
            if found is None:
                found = self._one_by_one(group)
            made |= found
        return made

    def _one_by_one(self, customers: Sequence[NewCustomer]) -> dict[str, int]:
        made: dict[str, int] = {}
        refused: list[str] = []
        for customer in customers:
            found = self._create([customer]) if len(customers) > 1 else None
            if found is None:
                refused.append(customer.email)
            else:
                made |= found
        return made | self.by_email(refused)

    def _create(self, customers: Sequence[NewCustomer]) -> dict[str, int] | None:
        """One call, sent once; None where the store refuses it as a whole."""
        body = json.dumps([customer.wired() for customer in customers], separators=(",", ":")).encode()
        try:
            answer = self._api.exchange("POST", _CUSTOMERS, None, body)
        except HttpError as broken:
            raise StoreUnavailable(f"customers could not be made: {broken.why}", _WAIT) from None
        if answer.status in (401, 403):
            raise StoreAccessDenied(f"BigCommerce refused the token at POST {_CUSTOMERS} ({answer.status})", _SCOPE)
        if 400 <= answer.status < 500 and answer.status not in (408, 429):
            get_logger().info(
                "customers_refused", status=answer.status, words=words(answer.body), customers=len(customers)
            )
            return None
        found = made_customers(answer)
        if found is None:
            raise StoreUnavailable(f"POST {_CUSTOMERS} answered {answer.status}", _WAIT)
        return found


def made_customers(answer: HttpAnswer) -> dict[str, int] | None:
    """Return the ids of an answer by e-mail; None where it is not the answer of a success."""
    document = parse(answer.body) if 200 <= answer.status < 300 else None
    data = document.get("data") if isinstance(document, Mapping) else None
    if not isinstance(data, list):
        return None
    return {str(item.get("email") or "").strip().lower(): int(item["id"]) for item in data}
