"""Square's API as the source needs it: documents as they come, in bulk, at its pace.

Square does not publish its limits and asks for back-off with randomness (HTTP 429, code RATE_LIMITED).
Source: https://developer.squareup.com/reference/square; for tokens
https://developer.squareup.com/docs/oauth-api/create-urls-for-square-authorization
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from syncd.errors import SourceError
from syncd.sources.cloud import Access, OAuthApi, oldest_first, one_of, pages_by_cursor, rows_of, stamp
from syncd.sources.context import SourceContext
from syncd.sources.errors import SourceAccessDenied
from syncd.sources.http import ApiProfile
from syncd.sources.records import Document, moment
from syncd.sources.square.settings import SquareSettings

_DENIED = (
    "Check the token, and that it may read: ORDERS_READ, PAYMENTS_READ, MERCHANT_PROFILE_READ, ITEMS_READ, CUSTOMERS_READ,"
    " EMPLOYEES_READ; skus, customers and staff = false do without the last three."
)
SCOPES = {"skus": "ITEMS_READ", "customers": "CUSTOMERS_READ", "staff": "EMPLOYEES_READ"}
"""What each of the settings wants to be allowed."""
_CATALOG_AT_ONCE, _CUSTOMERS_AT_ONCE = 1000, 100


class SquareApi:
    """One seller's account."""

    def __init__(self, settings: SquareSettings, context: SourceContext) -> None:
        self._settings = settings
        headers = {"Square-Version": settings.version}
        profile = ApiProfile("Square", per_second=10, burst=20, headers=headers, denied=_DENIED)
        wanted = [scope for name, scope in SCOPES.items() if getattr(settings, name)]
        oauth = OAuthApi(
            vendor="Square",
            page=f"{settings.api_url}/oauth2/authorize",
            exchange="/oauth2/token",
            renew="/oauth2/token",
            pkce=settings.oauth is not None and settings.oauth.client_secret is None,
            scopes=("ORDERS_READ", "PAYMENTS_READ", "MERCHANT_PROFILE_READ", *wanted),
            params={"session": "false"},
            expires=lambda said, _: str(said.get("expires_at") or ""),
        )
        self.access = Access(context, settings.api_url, profile, (settings.token, settings.oauth), oauth)
        self.http = self.access.http

    def locations(self) -> list[Document]:
        """GET /v2/locations: every location of the account."""
        return rows_of(self.http.get("/v2/locations"), "locations")

    def orders(
        self, where: Sequence[str], field: str, span: tuple[datetime, datetime | None]
    ) -> Iterator[list[Document]]:
        """POST /v2/orders/search: the orders of at most ten locations, by one of their times, oldest first.

        Square's cursor lives five minutes, and may stand still while orders move.

        Raises:
            SourceError: Square cannot be asked.

        """
        start, end = span

        def fetch(begin: datetime, cursor: str | None) -> tuple[list[Document], str | None]:
            said = self.http.ask("/v2/orders/search", self._search(where, field, (begin, end), cursor))
            more = said.get("cursor") if isinstance(said, Mapping) else None
            return rows_of(said, "orders"), str(more) if more else None

        yield from oldest_first(fetch, start, lambda order: moment(order.get(field)))

    def _search(
        self, where: Sequence[str], field: str, span: tuple[datetime, datetime | None], cursor: str | None
    ) -> dict[str, Any]:
        times = {"start_at": exact(span[0])} | ({"end_at": exact(span[1])} if span[1] else {})
        states = {"state_filter": {"states": ["COMPLETED", "CANCELED"]}} if field == "closed_at" else {}
        body: dict[str, Any] = {
            "location_ids": list(where),
            "limit": self._settings.page,
            "query": {
                "filter": {"date_time_filter": {field: times}, **states},
                "sort": {"sort_field": field.upper(), "sort_order": "ASC"},
            },
        }
        return body | ({"cursor": cursor} if cursor else {})

    def order(self, number: str) -> Document | None:
        """GET /v2/orders/{id}: None where there is none, or none yet: right after a payment it may be missing."""
        return one_of(self.http, f"/v2/orders/{number}", name="order")

    def payments(self, where: str, begin: datetime, end: datetime) -> Iterator[Document]:
        """GET /v2/payments of one location, made in a span of time (without a location Square answers for the main one)."""
        params: dict[str, object] = {
            "location_id": where,
            "begin_time": exact(begin),
            "end_time": exact(end),
            "sort_order": "ASC",
            "limit": 100,
        }
        for rows in pages_by_cursor(self.http, "/v2/payments", "payments", params):
            yield from rows

    def payment(self, number: str) -> Document | None:
        """GET /v2/payments/{id}; None where there is none."""
        return one_of(self.http, f"/v2/payments/{number}", name="payment")

    def variations(self, ids: Sequence[str]) -> dict[str, Document]:
        """POST /v2/catalog/batch-retrieve: what sales name, by id; what was deleted is not there."""
        found: dict[str, Document] = {}
        for some in _groups(ids, _CATALOG_AT_ONCE):
            for item in rows_of(self.http.ask("/v2/catalog/batch-retrieve", {"object_ids": some}), "objects"):
                found[str(item.get("id"))] = item
        return found

    def customers(self, ids: Sequence[str]) -> dict[str, Document]:
        """POST /v2/customers/bulk-retrieve, by id; who was deleted is not there."""
        found: dict[str, Document] = {}
        for some in _groups(ids, _CUSTOMERS_AT_ONCE):
            said = self.http.ask("/v2/customers/bulk-retrieve", {"customer_ids": some})
            answers = said.get("responses") if isinstance(said, Mapping) else None
            for number, answer in (answers if isinstance(answers, Mapping) else {}).items():
                customer = answer.get("customer") if isinstance(answer, Mapping) else None
                if isinstance(customer, Mapping):
                    found[str(number)] = customer
        return found

    def team(self) -> dict[str, str]:
        """POST /v2/team-members/search: names by id."""
        names: dict[str, str] = {}
        body: dict[str, Any] = {"limit": 200}
        while True:
            said = self.http.ask("/v2/team-members/search", body)
            for member in rows_of(said, "team_members"):
                name = f"{member.get('given_name') or ''} {member.get('family_name') or ''}".strip()
                names[str(member.get("id"))] = name
            if not said.get("cursor"):
                return names
            body["cursor"] = said["cursor"]

    def may(self, what: str) -> str:
        """Why something that the settings want may not be read; empty where it may."""
        path, body = _TRIALS[what]
        try:
            self.http.ask(path, body)
        except SourceAccessDenied as denied:
            return denied.what
        except SourceError:
            return ""  # it answers, and does not like the question
        return ""


_TRIALS: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "skus": ("/v2/catalog/batch-retrieve", {"object_ids": ["SYNCD-CHECK"]}),
    "customers": ("/v2/customers/bulk-retrieve", {"customer_ids": ["SYNCD-CHECK"]}),
    "staff": ("/v2/team-members/search", {"limit": 1}),
}


def exact(at: datetime) -> str:
    """Return a time as Square takes it, no less exact than it was given."""
    return stamp(at, "microseconds" if at.microsecond % 1000 else "milliseconds")


def _groups(ids: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(ids), size):
        yield list(ids[start : start + size])
