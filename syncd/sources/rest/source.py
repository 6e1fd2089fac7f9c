"""The rest source: any API's list by the time of change, in spans of time, as its config describes it."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from urllib.parse import quote

from msgspec.structs import replace
from pydantic import BaseModel

from syncd.sources.base import Finding
from syncd.sources.cloud import Ask, CloudSource, Feed, Page, Read, one_of
from syncd.sources.context import SourceContext
from syncd.sources.http import ApiProfile, StaticAuth
from syncd.sources.records import Document
from syncd.sources.rest.expressions import search
from syncd.sources.rest.pages import pages
from syncd.sources.rest.reading import id_of, read_document
from syncd.sources.rest.settings import RestSettings, SignIn
from syncd.sources.rest.setup import SETUP
from syncd.sources.setup import Setup

_DENIED = "Check auth of this source: that the key is this account's, not revoked, and may read sales."
_BATCH = 250
_A_DAY = timedelta(days=1)
_ONE_SPAN = timedelta(days=365 * 100)


class RestSource(CloudSource[RestSettings]):
    """One API. A sale is changed when it is made, or later: so a range is all that was changed since its beginning."""

    Settings: ClassVar[type[BaseModel]] = RestSettings
    SETUP: ClassVar[Setup] = SETUP

    def __init__(self, settings: RestSettings, context: SourceContext) -> None:
        listing = settings.list
        self.feed = Feed("changed", "changed", spans=True, ahead=settings.overlap, early=settings.overlap, late=None)
        if not (listing.since and listing.until):
            self.feed = replace(self.feed, first_span=_ONE_SPAN, longest_span=_ONE_SPAN)
        super().__init__(settings, context)
        profile = ApiProfile("the POS", settings.requests_per_second, 10, headers=settings.headers, denied=_DENIED)
        self.http = context.http(settings.url, StaticAuth(_headers(settings.auth)), profile)

    def pages(self, ask: Ask) -> Iterator[Page]:
        """Yield the documents of a span."""
        for page in pages(self.http, self.settings.url, self.settings.list, self._params(*ask.span)):
            for start in range(0, len(page), _BATCH):
                yield Page(page[start : start + _BATCH])

    def one(self, sale_id: str) -> Document | None:
        """Return a document by its id, where the config says how it is asked for; it may be inside another one."""
        if self.settings.list.one is None:
            return None
        said = one_of(self.http, self.settings.list.one.replace("{id}", quote(sale_id, safe="")))
        if said is None or search(self.settings.sale["sale_id"], said):
            return said
        inner = [one for one in said.values() if isinstance(one, Mapping) and self.id_of(one) == sale_id]
        return inner[0] if len(inner) == 1 else said  # {"sale": {...}}

    def id_of(self, record: Document) -> str:
        """Return what the config's expression finds."""
        return id_of(record, self.settings)

    def whole(self, records: Sequence[Document], ask: Ask) -> Sequence[Document]:
        """Return documents with all that they say: some lists leave out lines."""
        if not (ask.field and self.settings.list.details):
            return records
        return [self.one(self.id_of(row)) or row for row in records]

    def reader(self, records: Sequence[Document]) -> Read:
        """Return what reads documents by the config's expressions."""
        del records
        return lambda one: read_document(one, self.settings, self.context.name)

    def findings(self) -> Sequence[Finding]:
        """Return what the newest sales look like to us."""
        listing = self.settings.list
        params = self._params(self.http.now() - _A_DAY, None)
        first = next(pages(self.http, self.settings.url, listing, params), [])[:20]
        read = self._batch(first, Ask((), "changed", 0), None)
        if read.faults:
            why = f"{len(read.faults)} of {len(first)} sales cannot be read: {read.faults[0].reason}"
            return [
                Finding("warning", why, "Correct sale, line or tender of this source; syncd sources test shows them.")
            ]
        return [Finding("ok", f"{listing.path} answers; {len(read.orders)} of the last day's sales can be read")]

    def _params(self, begin: datetime, end: datetime | None) -> dict[str, object]:
        listing = self.settings.list
        times = {listing.since: begin, listing.until: end}
        params: dict[str, object] = {
            name: str(value).lower() if isinstance(value, bool) else value for name, value in listing.params.items()
        }
        return params | {name: self._written(at) for name, at in times.items() if name and at is not None}

    def _written(self, at: datetime) -> object:
        """Return a time as the API takes it."""
        if self.settings.list.times == "iso":
            return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return int(at.timestamp() * (1000 if self.settings.list.times == "milliseconds" else 1))


def _headers(auth: SignIn) -> dict[str, str]:
    if auth.bearer is not None:
        return {"Authorization": f"Bearer {auth.bearer.get_secret_value()}"}
    if auth.header is not None and auth.value is not None:
        return {auth.header: auth.value.get_secret_value()}
    password = auth.password.get_secret_value() if auth.password is not None else ""
    return {"Authorization": f"Basic {base64.b64encode(f'{auth.user}:{password}'.encode()).decode()}"}
