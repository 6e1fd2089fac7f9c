"""Questions that many APIs take alike: one record, a list that is oldest first, a list with a cursor, a time as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from syncd.sources.errors import SourceRejected
from syncd.sources.http import HttpClient
from syncd.sources.records import Document

T = TypeVar("T")
_NOT_FOUND = (404, 410)


def rows_of(said: object, name: str) -> list[Document]:
    """Return the rows of an answer's list; none where it has none."""
    rows = said.get(name) if isinstance(said, Mapping) else None
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def one_of(http: HttpClient, path: str, params: Mapping[str, object] | None = None, name: str = "") -> Document | None:
    """GET one record, in the answer itself or under a name in it; None where there is none.

    Raises:
        SourceError: the API cannot be asked.

    """
    try:
        said = http.get(path, params)
    except SourceRejected as refused:
        if refused.status in _NOT_FOUND:
            return None
        raise
    found = said.get(name) if name and isinstance(said, Mapping) else said
    return found if isinstance(found, Mapping) else None


def oldest_first(
    fetch: Callable[[datetime, T | None], tuple[list[Document], T | None]],
    begin: datetime,
    time_of: Callable[[Document], datetime | None],
    id_of: Callable[[Document], object] = lambda row: row.get("id"),
) -> Iterator[list[Document]]:
    """Yield a list that is oldest first, page by page, each record once.

    ``fetch`` gets a time and a token, and returns the records from that time on and the token of the page after; None at the end.
    Every page is asked for from the last record's own time on, for records move to the end of the list while it is read: a
    number, an offset or the API's own cursor would skip others. The token is followed through records of one moment alone.
    """
    seen: set[object] = set()
    token: T | None = None
    while True:
        rows, more = fetch(begin, token)
        if fresh := [row for row in rows if id_of(row) not in seen]:
            yield fresh
        if not rows or more is None:
            return
        last = time_of(rows[-1])
        if last is not None and last > begin:
            begin, token, seen = last, None, {id_of(row) for row in rows if time_of(row) == last}
        else:
            token, seen = more, seen | {id_of(row) for row in rows}


def pages_by_cursor(
    http: HttpClient, path: str, name: str, params: Mapping[str, object], *, goes_alone: tuple[str, ...] | None = None
) -> Iterator[list[Document]]:
    """GET page after page of a list whose answers hold the ``cursor`` of the next.

    ``goes_alone`` names the parameters that the cursor goes with, where it does not go with all of them.
    """
    asked = dict(params)
    while True:
        said = http.get(path, asked)
        if rows := rows_of(said, name):
            yield rows
        cursor = said.get("cursor") if isinstance(said, Mapping) else None
        if not cursor:
            return
        kept = params if goes_alone is None else {one: params[one] for one in goes_alone}
        asked = {**kept, "cursor": cursor}


def stamp(at: datetime, to: str = "milliseconds") -> str:
    """Return a time as most APIs take it: UTC with ``Z``, cut to milliseconds, or to what ``to`` names."""
    return at.astimezone(UTC).isoformat(timespec=to).replace("+00:00", "Z")
