"""Clover's REST API v3: filters, expansions and offsets, at 16 requests a second for a token.

Source: https://docs.clover.com/dev/docs/api-usage-rate-limits, https://docs.clover.com/dev/docs/applying-filters, and for tokens
https://docs.clover.com/dev/docs/oauth-flow-for-low-trust-apps-pkce and https://docs.clover.com/dev/docs/refresh-access-tokens
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from syncd.sources.cloud import Access, OAuthApi, oldest_first, one_of, rows_of
from syncd.sources.clover.settings import CloverSettings
from syncd.sources.context import SourceContext
from syncd.sources.http import ApiProfile
from syncd.sources.positions import EPOCH
from syncd.sources.records import Document

_DENIED = "Check merchant_id, the token and its permissions (read: orders, payments, inventory, employees, customers, merchant)."
EXPANDED = (
    "lineItems,lineItems.discounts,lineItems.modifications,lineItems.taxRates,payments,payments.tender,"
    "payments.cardTransaction,refunds,credits,discounts,customers,orderType"
)


class CloverApi:
    """One merchant."""

    def __init__(self, settings: CloverSettings, context: SourceContext) -> None:
        self._settings = settings
        self._root = f"/v3/merchants/{settings.merchant_id}"
        oauth = OAuthApi(
            vendor="Clover",
            page=f"{settings.api_url.replace('://api.', '://www.')}/oauth/v2/authorize",
            exchange="/oauth/v2/token",
            renew="/oauth/v2/refresh",
            bare=True,
            pkce=True,
            account=("merchant_id", settings.merchant_id),
            expires=_expires,
        )
        profile = ApiProfile("Clover", per_second=10, burst=10, denied=_DENIED)
        self.access = Access(context, settings.api_url, profile, (settings.token, settings.oauth), oauth)
        self.http = self.access.http

    def changed(
        self, what: str, field: str, since: datetime, more: Mapping[str, object] | None = None
    ) -> Iterator[list[Document]]:
        """GET /v3/merchants/{mId}/<what>: everything whose ``field`` is ``since`` or later, oldest first."""
        size = self._settings.page

        def fetch(begin: datetime, offset: int | None) -> tuple[list[Document], int | None]:
            asked = {
                "filter": f"{field}>={millis(begin)}",
                "orderBy": f"{field} ASC",
                "limit": size,
                "offset": offset or 0,
            }
            rows = rows_of(self.http.get(f"{self._root}/{what}", {**asked, **(more or {})}), "elements")
            return rows, (offset or 0) + len(rows) if len(rows) >= size else None

        yield from oldest_first(fetch, since, lambda row: time_at(row.get(field)))

    def one(self, path: str, expand: str = "") -> Document | None:
        """GET /v3/merchants/{mId}/<path>; None where there is none."""
        where = f"{self._root}/{path}" if path else self._root
        return one_of(self.http, where, {"expand": expand} if expand else None)

    def lines(self, order: str) -> list[Document]:
        """GET .../orders/{id}/line_items: with the modifications that a list of orders leaves out."""
        expand = {"expand": "modifications,discounts,taxRates", "limit": 1000}
        return rows_of(self.http.get(f"{self._root}/orders/{order}/line_items", expand), "elements")

    def all(self, what: str) -> list[Document]:
        """GET .../<what>: the whole of a list."""
        found: list[Document] = []
        while rows := rows_of(self.http.get(f"{self._root}/{what}", {"limit": 1000, "offset": len(found)}), "elements"):
            found += rows
            if len(rows) < 1000:
                break
        return found


def millis(at: datetime) -> int:
    """Return a time as Clover writes it: milliseconds since 1970."""
    return (at - EPOCH) // timedelta(milliseconds=1)


def time_at(value: object) -> datetime | None:
    """Return a time that Clover writes; None where there is none. Aware, in UTC."""
    return EPOCH + timedelta(milliseconds=value) if isinstance(value, int) else None


def _expires(said: Mapping[str, object], _: object) -> str:
    ends = said.get("access_token_expiration")
    return datetime.fromtimestamp(ends, UTC).isoformat() if isinstance(ends, int) and 0 < ends < 2**33 else ""
