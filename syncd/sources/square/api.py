"""Square's API as the source needs it: documents as they come, in bulk, at its pace.

Square does not publish its limits and asks for back-off with randomness (HTTP 429, code RATE_LIMITED).
Source: https://developer.squareup.com/reference/square
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from syncd.errors import SourceError
from syncd.sources.consent import Granted
from syncd.sources.context import SourceContext
from syncd.sources.errors import SourceAccessDenied, SourceRejected
from syncd.sources.http import ApiProfile
from syncd.sources.oauth import Tokens, bearer, tokens_of
from syncd.sources.records import Document, moment
from syncd.sources.square.settings import SquareSettings

_DENIED = (
    "Check the token, and that it may read: ORDERS_READ, PAYMENTS_READ, MERCHANT_PROFILE_READ, ITEMS_READ, CUSTOMERS_READ,"
    " EMPLOYEES_READ; skus, customers and staff = false do without the last three."
)
_CATALOG_AT_ONCE, _CUSTOMERS_AT_ONCE = 1000, 100


class SquareApi:
    """One seller's account."""

    def __init__(self, settings: SquareSettings, context: SourceContext) -> None:
        self._settings, self._context = settings, context
        terms = ApiProfile(
            "Square", per_second=10, burst=20, headers={"Square-Version": settings.version}, denied=_DENIED
        )
        self.auth = bearer(context, settings.token, settings.oauth, self._renewed)
        self.http = context.http(settings.api_url, self.auth, terms)

    def _renewed(self, refresh: str) -> Tokens:
        """POST /oauth2/token.

        Source: https://developer.squareup.com/reference/square/oauth-api/obtain-token
        """
        return self._tokens({"grant_type": "refresh_token", "refresh_token": refresh}, refresh)

    def exchanged(self, granted: Granted) -> Tokens:
        """POST /oauth2/token: what the owner's consent is worth."""
        body = {"grant_type": "authorization_code", "code": granted.code, "redirect_uri": granted.redirect}
        secret = self._settings.oauth is not None and self._settings.oauth.client_secret is not None
        return self._tokens(body | ({} if secret else {"code_verifier": granted.verifier}), "")

    def _tokens(self, body: Mapping[str, object], before: str) -> Tokens:
        oauth = self._settings.oauth
        assert oauth is not None  # noqa: S101  nobody renews a personal token
        secret = {"client_secret": oauth.client_secret.get_secret_value()} if oauth.client_secret is not None else {}
        said = self.http.once("/oauth2/token", {"client_id": oauth.client_id, **secret, **body})
        expires = str(said.get("expires_at") or "") if isinstance(said, Mapping) else ""
        return tokens_of(said, "Square", before, expires)

    def locations(self) -> list[Document]:
        """GET /v2/locations: every location of the account."""
        return _rows(self.http.get("/v2/locations"), "locations")

    def orders(
        self, where: Sequence[str], field: str, span: tuple[datetime, datetime | None]
    ) -> Iterator[list[Document]]:
        """POST /v2/orders/search: the orders of at most ten locations, by one of their times, oldest first.

        Pages go on from the last order's own time and not from Square's cursor, which lives five minutes and may stand still
        while orders move; it is followed only through orders of one and the same moment.

        Raises:
            SourceError: Square cannot be asked.

        """
        start, end = span
        cursor = ""
        seen: set[str] = set()
        while True:
            document = self.http.ask("/v2/orders/search", self._search(where, field, (start, end), cursor))
            page = _rows(document, "orders")
            fresh = [order for order in page if order.get("id") not in seen]
            if fresh:
                yield fresh
            cursor = str(document.get("cursor") or "") if isinstance(document, Mapping) else ""
            if not page or not cursor:
                return
            last = moment(page[-1].get(field))
            if last is not None and last > start:
                seen = {str(order.get("id")) for order in page if moment(order.get(field)) == last}
                start, cursor = last, ""
            else:
                seen |= {str(order.get("id")) for order in page}

    def _search(
        self, where: Sequence[str], field: str, span: tuple[datetime, datetime | None], cursor: str
    ) -> dict[str, Any]:
        times = {"start_at": stamp(span[0])} | ({"end_at": stamp(span[1])} if span[1] else {})
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
        try:
            found = self.http.get(f"/v2/orders/{number}")
        except SourceRejected as refused:
            if refused.status == 404:
                return None
            raise
        order = found.get("order") if isinstance(found, Mapping) else None
        return order if isinstance(order, Mapping) else None

    def payments(self, where: str, begin: datetime, end: datetime) -> Iterator[Document]:
        """GET /v2/payments of one location, made in a span of time (without a location Square answers for the main one)."""
        params: dict[str, object] = {
            "location_id": where,
            "begin_time": stamp(begin),
            "end_time": stamp(end),
            "sort_order": "ASC",
            "limit": 100,
        }
        while True:
            document = self.http.get("/v2/payments", params)
            yield from _rows(document, "payments")
            cursor = document.get("cursor") if isinstance(document, Mapping) else None
            if not cursor:
                return
            params["cursor"] = cursor

    def payment(self, number: str) -> Document | None:
        """GET /v2/payments/{id}; None where there is none."""
        try:
            found = self.http.get(f"/v2/payments/{number}")
        except SourceRejected as refused:
            if refused.status == 404:
                return None
            raise
        payment = found.get("payment") if isinstance(found, Mapping) else None
        return payment if isinstance(payment, Mapping) else None

    def variations(self, ids: Sequence[str]) -> dict[str, Document]:
        """POST /v2/catalog/batch-retrieve: what sales name, by id; what was deleted is not there."""
        found: dict[str, Document] = {}
        for some in _groups(ids, _CATALOG_AT_ONCE):
            for item in _rows(self.http.ask("/v2/catalog/batch-retrieve", {"object_ids": some}), "objects"):
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
            for member in _rows(said, "team_members"):
                name = f"{member.get('given_name') or ''} {member.get('family_name') or ''}".strip()
                names[str(member.get("id"))] = name
            if not said.get("cursor"):
                return names
            body["cursor"] = said["cursor"]

    def may(self, what: str) -> str:
        """Why something that the settings want may not be read; empty where it may."""
        asks = {"skus": self._one_sku, "customers": self._one_customer, "staff": self._one_member}
        try:
            asks[what]()
        except SourceAccessDenied as denied:
            return denied.what
        except SourceError:
            return ""  # it answers, and does not like the question
        return ""

    def _one_sku(self) -> None:
        self.http.ask("/v2/catalog/batch-retrieve", {"object_ids": ["SYNCD-CHECK"]})

    def _one_customer(self) -> None:
        self.http.ask("/v2/customers/bulk-retrieve", {"customer_ids": ["SYNCD-CHECK"]})

    def _one_member(self) -> None:
        self.http.ask("/v2/team-members/search", {"limit": 1})

    def close(self) -> None:
        """Close the connections."""
        self.http.close()


def stamp(at: datetime) -> str:
    """Return a time as Square takes it, no less exact than it was given."""
    exact = "microseconds" if at.microsecond % 1000 else "milliseconds"
    return at.astimezone(UTC).isoformat(timespec=exact).replace("+00:00", "Z")


def _rows(document: object, name: str) -> list[Document]:
    rows = document.get(name) if isinstance(document, Mapping) else None
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _groups(ids: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(ids), size):
        yield list(ids[start : start + size])
