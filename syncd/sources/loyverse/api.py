"""Loyverse's API: receipts newest first, in spans of time, about sixty requests a minute.

Source: https://developer.loyverse.com/docs/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from syncd.sources.context import SourceContext
from syncd.sources.errors import SourceRejected
from syncd.sources.http import ApiProfile, StaticAuth
from syncd.sources.loyverse.settings import LoyverseSettings
from syncd.sources.records import Document

_DENIED = (
    "Check the access token (Loyverse back office, Access tokens); an OAuth one needs RECEIPTS_READ and STORES_READ."
)
_NO_HISTORY = 402


class NoHistory(Exception):
    """Loyverse keeps no receipts of that time for this account (HTTP 402): more than 31 days back it is a paid option."""


class LoyverseApi:
    """One merchant."""

    def __init__(self, settings: LoyverseSettings, context: SourceContext) -> None:
        self._settings = settings
        auth = StaticAuth({"Authorization": f"Bearer {settings.token.get_secret_value()}"})
        self.http = context.http(settings.api_url, auth, ApiProfile("Loyverse", per_second=1, burst=20, denied=_DENIED))

    def receipts(self, field: str, span: tuple[datetime, datetime]) -> Iterator[list[Document]]:
        """GET /v1.0/receipts: the receipts of a span by ``created_at`` or ``updated_at``, newest first, page by page.

        Raises:
            NoHistory: the account keeps none of them.
            SourceError: Loyverse cannot be asked.

        """
        begin, end = span
        params: dict[str, object] = {
            f"{field}_min": stamp(begin),
            f"{field}_max": stamp(end),
            "limit": self._settings.page,
        }
        while True:
            try:
                said = self.http.get("/v1.0/receipts", params)
            except SourceRejected as refused:
                if refused.status == _NO_HISTORY:
                    raise NoHistory from None
                raise
            rows = _rows(said, "receipts")
            if rows:
                yield rows
            cursor = said.get("cursor") if isinstance(said, Mapping) else None
            if not cursor:
                return
            params = {"cursor": cursor, "limit": self._settings.page}

    def one(self, what: str, key: str) -> Document | None:
        """GET /v1.0/<what>/{id}; None where there is none."""
        try:
            said = self.http.get(f"/v1.0/{what}/{key}")
        except SourceRejected as refused:
            if refused.status == 404:
                return None
            raise
        return said if isinstance(said, Mapping) else None

    def all(self, what: str) -> list[Document]:
        """GET /v1.0/<what>: the whole of a short list (stores, employees, devices)."""
        found: list[Document] = []
        params: dict[str, object] = {"limit": 250}
        while True:
            said = self.http.get(f"/v1.0/{what}", params)
            found += _rows(said, what)
            cursor = said.get("cursor") if isinstance(said, Mapping) else None
            if not cursor:
                return found
            params = {"cursor": cursor, "limit": 250}

    def currency(self) -> str:
        """GET /v1.0/merchant: the currency of the account; empty where it is not reported."""
        said = self.one("merchant", "")
        about: Any = (said or {}).get("currency")
        return str(about.get("code") or "") if isinstance(about, Mapping) else str(about or "")

    def close(self) -> None:
        """Close the connections."""
        self.http.close()


def stamp(at: datetime) -> str:
    """Return a time as Loyverse takes it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _rows(said: object, name: str) -> list[Document]:
    rows = said.get(name) if isinstance(said, Mapping) else None
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
