"""The rest source: walks an API's list by the time of change, span after span, and over the last days once in a while."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import BaseModel

from syncd.canonical import Batch, Cursor
from syncd.errors import SourceError
from syncd.sources.base import Finding
from syncd.sources.context import SourceContext
from syncd.sources.dedup import RecentRecords
from syncd.sources.errors import SourceRejected
from syncd.sources.http import ApiProfile, StaticAuth
from syncd.sources.records import Document, parse_each
from syncd.sources.records import fault as fault_of
from syncd.sources.rest.expressions import search
from syncd.sources.rest.pages import pages
from syncd.sources.rest.reading import id_of, read_document
from syncd.sources.rest.settings import RestSettings, SignIn
from syncd.sources.rest.setup import SETUP
from syncd.sources.setup import Setup
from syncd.sources.time_cursor import TimeCursor, spans

_DENIED = "Check auth of this source: that the key is this account's, not revoked, and may read sales."
_CURSOR_MOVES = timedelta(hours=1)  # where nothing is sold, the cursor is written this often
_BATCH = 250
_A_DAY = timedelta(days=1)
_NOT_FOUND = (404, 410)


class RestSource:
    """One API."""

    Settings: ClassVar[type[BaseModel]] = RestSettings
    SETUP: ClassVar[Setup] = SETUP

    def __init__(self, settings: RestSettings, context: SourceContext) -> None:
        self._settings, self._context = settings, context
        terms = ApiProfile("the POS", settings.requests_per_second, 10, headers=settings.headers, denied=_DENIED)
        self._http = context.http(settings.url, StaticAuth(_headers(settings.auth)), terms)
        self._told: RecentRecords[Document] = RecentRecords(partial(id_of, settings=settings), _mark)

    def fetch(self, since: Cursor | None) -> Iterator[Batch]:
        """Every sale that was changed since the cursor, less an overlap; every few hours those of the last days again."""
        settings, until = self._settings, self._http.now()
        marks = TimeCursor.read(since, until + timedelta(days=1))
        reached, looked = marks.reached, marks.swept_at
        begin = reached - settings.overlap if reached else self._context.start_from()
        if reached is None or until - looked >= settings.look_back_every:
            begin = max(min(begin, until - settings.look_back), self._context.start_from()) if reached else begin
            looked = until
        yield from self._walk((begin, until + settings.overlap), reached, looked)

    def fetch_range(self, start: datetime, end: datetime, since: Cursor | None = None) -> Iterator[Batch]:
        """Yield the sales of a range.

        All that were changed since its beginning, for a sale is changed when it is made, or later.
        """
        until = self._http.now()
        reached = TimeCursor.read(since, until + timedelta(days=1)).reached
        begin = reached or start - self._settings.overlap
        for batch in self._walk((begin, until + self._settings.overlap), reached, until, fresh=False):
            yield batch.placed_within(start, end)

    def fetch_one(self, sale_id: str) -> Batch | None:
        """One sale by its id, where the config says how it is asked for; None where there is none."""
        found = self._one(sale_id) if self._settings.list.one is not None else None
        return None if found is None else self._batch([found], None)

    def check(self) -> Sequence[Finding]:
        """Whether the API answers, and what its newest sales look like to us."""
        listing = self._settings.list
        try:
            first = next(
                pages(self._http, self._settings.url, listing, self._params(self._http.now() - _A_DAY, None)), []
            )
            read = self._batch(first[:20], None)
        except SourceError as error:
            return [Finding("error", error.what, error.cure)]
        if read.faults:
            why = f"{len(read.faults)} of {len(first[:20])} sales cannot be read: {read.faults[0].reason}"
            return [
                Finding("warning", why, "Correct sale, line or tender of this source; syncd sources test shows them.")
            ]
        return [Finding("ok", f"{listing.path} answers; {len(read.orders)} of the last day's sales can be read")]

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _walk(
        self, span: tuple[datetime, datetime], reached: datetime | None, looked: datetime, *, fresh: bool = True
    ) -> Iterator[Batch]:
        """Span after span, oldest first. Until the end of a span the cursor stays at its beginning."""
        listing, written = self._settings.list, reached
        parts = spans(*span, timedelta(days=1), timedelta(days=128)) if listing.since and listing.until else [span]
        last = min(span[1], self._http.now())
        for begin, end in parts:
            found, cursor = 0, TimeCursor(max(begin, reached) if reached else begin, looked).text()
            for page in pages(self._http, self._settings.url, listing, self._params(begin, end)):
                ours = self._told.fresh(page) if fresh else page
                found += len(ours)
                for start in range(0, len(ours), _BATCH):
                    yield self._batch(self._whole(ours[start : start + _BATCH]), cursor)
                if fresh:
                    self._told.note(ours)
                if self._context.stop.is_set():
                    return
            walked = min(end, last)
            if found or written is None or walked - written >= _CURSOR_MOVES:
                yield Batch((), (), TimeCursor(max(walked, reached) if reached else walked, looked).text())
                written = walked

    def _params(self, begin: datetime, end: datetime | None) -> dict[str, object]:
        listing = self._settings.list
        times = {listing.since: begin, listing.until: end}
        params: dict[str, object] = {
            name: str(value).lower() if isinstance(value, bool) else value for name, value in listing.params.items()
        }
        return params | {name: self._written(at) for name, at in times.items() if name and at is not None}

    def _written(self, at: datetime) -> object:
        """Return a time as the API takes it."""
        if self._settings.list.times == "iso":
            return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return int(at.timestamp() * (1000 if self._settings.list.times == "milliseconds" else 1))

    def _whole(self, page: Sequence[Document]) -> list[Document]:
        """Return the documents of a page with all that they say: some lists leave out lines."""
        if not self._settings.list.details:
            return list(page)
        return [self._one(id_of(row, self._settings)) or row for row in page]

    def _one(self, sale_id: str) -> Document | None:
        path = str(self._settings.list.one).replace("{id}", quote(sale_id, safe=""))
        try:
            said = self._http.get(path)
        except SourceRejected as refused:
            if refused.status in _NOT_FOUND:
                return None
            raise
        if isinstance(said, Mapping) and not search(self._settings.sale["sale_id"], said):
            inner = [one for one in said.values() if isinstance(one, Mapping) and id_of(one, self._settings) == sale_id]
            return inner[0] if len(inner) == 1 else said  # {"sale": {...}}
        return said if isinstance(said, Mapping) else None

    def _batch(self, page: Sequence[Document], cursor: Cursor | None) -> Batch:
        settings, name = self._settings, self._context.name

        def spoilt(document: Document, why: str) -> Any:  # noqa: ANN401  a fault
            return fault_of({**document, "id": id_of(document, settings)}, why)

        return parse_each(page, lambda one: read_document(one, settings, name), cursor, spoilt)


def _headers(auth: SignIn) -> dict[str, str]:
    if auth.bearer is not None:
        return {"Authorization": f"Bearer {auth.bearer.get_secret_value()}"}
    if auth.header is not None and auth.value is not None:
        return {auth.header: auth.value.get_secret_value()}
    password = auth.password.get_secret_value() if auth.password is not None else ""
    return {"Authorization": f"Basic {base64.b64encode(f'{auth.user}:{password}'.encode()).decode()}"}


def _mark(document: Document) -> object:
    """Return what tells a document from an earlier one of the same id: all that it says."""
    return hash(json.dumps(document, default=str, sort_keys=True))
