"""Lightspeed X's API 2.0: lists that go on by version, at 300 requests a register and 50 more in five minutes.

Source: https://x-series-api.lightspeedhq.com/docs/pagination and https://x-series-api.lightspeedhq.com/docs/rate_limiting
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from syncd.clock import Clock
from syncd.sources.cloud import Access, OAuthApi, one_of, rows_of
from syncd.sources.context import SourceContext
from syncd.sources.http import ApiProfile
from syncd.sources.lightspeed_x.settings import LightspeedSettings
from syncd.sources.records import Document, moment

_DENIED = "Check prefix and token, and that it may read sales, products, outlets, registers, users and customers."
_WINDOW_S = 300.0
_HIGHEST = 2**60
_KEPT_S = 900.0
_ONE_BY_ONE = 5


class LightspeedApi:
    """One retailer."""

    def __init__(self, settings: LightspeedSettings, context: SourceContext) -> None:
        self._settings = settings
        rate = (300 * settings.registers + 50) / _WINDOW_S
        profile = ApiProfile("Lightspeed", per_second=rate, burst=max(20, int(rate * 20)), denied=_DENIED)
        oauth = OAuthApi(
            vendor="Lightspeed",
            page=f"{settings.api_url or 'https://secure.retail.lightspeed.app'}/connect",
            exchange="/api/1.0/token",
            renew="/api/1.0/token",
            form=True,
            account=("domain_prefix", settings.prefix),
        )
        self.access = Access(context, settings.base, profile, (settings.token, settings.oauth), oauth)
        self.http = self.access.http

    def after(self, what: str, version: int, page: int) -> tuple[list[Document], int | None]:
        """GET /api/2.0/<what>?after=: a page of what has changed since a version, and the highest version on it."""
        said = self.http.get(f"/api/2.0/{what}", {"after": version, "page_size": page})
        found = rows_of(said, "data")
        told = (said.get("version") or {}).get("max") if isinstance(said, Mapping) else None
        versions = [row["version"] for row in found if isinstance(row.get("version"), int)]
        highest = max([*versions, *([told] if isinstance(told, int) else [])], default=None)
        return found, highest

    def all(self, what: str, version: int = 0) -> Iterator[tuple[list[Document], int]]:
        """Page after page of what has changed since a version, until an empty one."""
        while True:
            rows, highest = self.after(what, version, self._settings.page)
            if not rows or highest is None or highest <= version:
                return
            yield rows, highest
            version = highest

    def one(self, what: str, key: str) -> Document | None:
        """GET /api/2.0/<what>/{id}; None where there is none."""
        return one_of(self.http, f"/api/2.0/{what}/{key}", name="data")

    def version_at(self, when: datetime) -> int:
        """Return the version at which a walk of all that was changed since ``when`` begins.

        Found by halving: no filter takes dates.
        """
        if not self._before(0, when):
            return 0
        low, high = 0, 1
        while high < _HIGHEST and self._before(high, when):
            low, high = high, high * 16
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._before(middle, when) else (low, middle)
        return high

    def _before(self, version: int, when: datetime) -> bool:
        """Whether the first sale that was changed after a version was changed before ``when``; there being none, it was not."""
        rows, _ = self.after("sales", version, 1)
        at = moment(rows[0].get("updated_at")) if rows else None
        return at is not None and at < when


class LightspeedNames:
    """What sales name by id: a few are asked for one by one, many by walking the list, which goes on from where it was."""

    def __init__(self, api: LightspeedApi, what: str, clock: Clock, wanted: Callable[[Document], Any]) -> None:
        self._api, self._what, self._clock, self._wanted = api, what, clock, wanted
        self._kept: dict[str, Any] = {}
        self._missed: dict[str, float] = {}
        self._version = 0
        self._since: float | None = None

    def of(self, records: Sequence[Document], field: str) -> Mapping[str, Any]:
        """Return what is known of those that a field of some records names; nothing of those that are not there."""
        keys = [str(row[field]) for row in records if row.get(field)]
        now = self._clock.elapsed().seconds
        self._keep_fresh(now)
        missing = [key for key in dict.fromkeys(keys) if key not in self._kept and not self._lately(key, now)]
        if len(missing) > _ONE_BY_ONE:
            self._walk()
            missing = [key for key in missing if key not in self._kept][: _ONE_BY_ONE * 4]
        for key in missing:
            found = self._api.one(self._what, key)
            if found is None:
                self._missed[key] = now
            else:
                self._kept[key] = self._wanted(found)
        return self._kept

    def _walk(self) -> None:
        for rows, version in self._api.all(self._what, self._version):
            self._kept |= {str(row.get("id")): self._wanted(row) for row in rows}
            self._version = version

    def _keep_fresh(self, now: float) -> None:
        """Once in a while, take in what has changed: the list goes on from where it was, what was asked for singly is dropped."""
        if self._since is None or now - self._since > _KEPT_S:
            self._since = now
            if self._version:
                self._walk()
            else:
                self._kept.clear()

    def _lately(self, key: str, now: float) -> bool:
        return now - self._missed.get(key, -_KEPT_S) < _KEPT_S
