"""Clover's REST API v3: filters, expansions and offsets, at 16 requests a second for a token.

Source: https://docs.clover.com/dev/docs/api-usage-rate-limits and https://docs.clover.com/dev/docs/applying-filters
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from syncd.sources.clover.settings import CloverSettings
from syncd.sources.consent import Granted, of_this_account
from syncd.sources.context import SourceContext
from syncd.sources.errors import SourceRejected
from syncd.sources.http import ApiProfile
from syncd.sources.oauth import Tokens, bearer, tokens_of
from syncd.sources.records import Document

_DENIED = "Check merchant_id, the token and its permissions (read: orders, payments, inventory, employees, customers, merchant)."
EXPANDED = (
    "lineItems,lineItems.discounts,lineItems.modifications,lineItems.taxRates,payments,payments.tender,"
    "payments.cardTransaction,refunds,credits,discounts,customers,orderType"
)


class CloverApi:
    """One merchant."""

    def __init__(self, settings: CloverSettings, context: SourceContext) -> None:
        self._settings, self._context = settings, context
        self._root = f"/v3/merchants/{settings.merchant_id}"
        terms = ApiProfile("Clover", per_second=10, burst=10, denied=_DENIED)
        self.auth = bearer(context, settings.token, settings.oauth, self._renewed)
        self.http = context.http(settings.api_url, self.auth, terms)

    def _renewed(self, refresh: str) -> Tokens:
        return self._tokens("/oauth/v2/refresh", {"refresh_token": refresh}, refresh)

    def exchanged(self, granted: Granted) -> Tokens:
        """POST /oauth/v2/token: what the owner's consent is worth.

        Source: https://docs.clover.com/dev/docs/oauth-flow-for-low-trust-apps-pkce
        """
        of_this_account("Clover", granted.said, "merchant_id", self._settings.merchant_id)
        return self._tokens("/oauth/v2/token", {"code": granted.code, "code_verifier": granted.verifier}, "")

    def _tokens(self, path: str, body: Mapping[str, object], before: str) -> Tokens:
        oauth = self._settings.oauth
        assert oauth is not None  # noqa: S101  nobody renews a merchant's own token
        said = self.http.once(path, {"client_id": oauth.client_id, **body})
        ends = said.get("access_token_expiration") if isinstance(said, Mapping) else None
        expires = datetime.fromtimestamp(ends, UTC).isoformat() if isinstance(ends, int) and 0 < ends < 2**33 else ""
        return tokens_of(said, "Clover", before, expires)

    def changed(
        self, what: str, field: str, since: int, more: Mapping[str, object] | None = None
    ) -> Iterator[list[Document]]:
        """GET /v3/merchants/{mId}/<what>: everything whose ``field`` (epoch milliseconds) is ``since`` or later, oldest first.

        Pages go on from the last row's own time: an offset alone would skip rows whenever one of those before it changes.
        """
        offset = 0
        seen: set[str] = set()
        while True:
            params: dict[str, object] = {
                "filter": f"{field}>={since}",
                "orderBy": f"{field} ASC",
                "limit": self._settings.page,
                "offset": offset,
                **(more or {}),
            }
            rows = _elements(self.http.get(f"{self._root}/{what}", params))
            fresh = [row for row in rows if row.get("id") not in seen]
            if fresh:
                yield fresh
            if len(rows) < self._settings.page:
                return
            last = rows[-1].get(field)
            if isinstance(last, int) and last > since:
                seen = {str(row.get("id")) for row in rows if row.get(field) == last}
                since, offset = last, 0
            else:
                seen |= {str(row.get("id")) for row in rows}
                offset += len(rows)

    def one(self, path: str, expand: str = "") -> Document | None:
        """GET /v3/merchants/{mId}/<path>; None where there is none."""
        try:
            said = self.http.get(f"{self._root}/{path}" if path else self._root, {"expand": expand} if expand else None)
        except SourceRejected as refused:
            if refused.status == 404:
                return None
            raise
        return said if isinstance(said, Mapping) else None

    def lines(self, order: str) -> list[Document]:
        """GET .../orders/{id}/line_items: with the modifications that a list of orders leaves out."""
        expand = {"expand": "modifications,discounts,taxRates", "limit": 1000}
        return _elements(self.http.get(f"{self._root}/orders/{order}/line_items", expand))

    def all(self, what: str) -> list[Document]:
        """GET .../<what>: the whole of a list."""
        found: list[Document] = []
        while rows := _elements(self.http.get(f"{self._root}/{what}", {"limit": 1000, "offset": len(found)})):
            found += rows
            if len(rows) < 1000:
                break
        return found

    def close(self) -> None:
        """Close the connections."""
        self.http.close()


def millis(at: datetime) -> int:
    """Return a time as Clover writes it: milliseconds since 1970."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _elements(said: object) -> list[Document]:
    rows: Any = said.get("elements") if isinstance(said, Mapping) else None
    return (
        [row for row in rows if isinstance(row, Mapping)]
        if isinstance(rows, Sequence) and not isinstance(rows, str)
        else []
    )
