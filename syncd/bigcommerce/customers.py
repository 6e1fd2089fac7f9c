"""Customer look-ups in bulk, by e-mail.

Source: https://developer.bigcommerce.com/docs/rest-management/customers
"""

from __future__ import annotations

from collections.abc import Sequence

from syncd.bigcommerce.api import Api, chunks

_CUSTOMERS = "/v3/customers"
_AT_ONCE, _LONGEST = 50, 3000


class CustomersClient:
    """One store's customers."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def by_email(self, emails: Sequence[str]) -> dict[str, int]:
        """The customer id of each of ``emails`` (lower case) that the store knows.

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
