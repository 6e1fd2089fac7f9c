"""Page after page of an API's list, by number, offset, cursor or link."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, urlsplit

from syncd.sources.errors import SourceUnavailable
from syncd.sources.http import HttpClient
from syncd.sources.records import Document, Unreadable
from syncd.sources.rest.expressions import search
from syncd.sources.rest.settings import Listing, Paging

_MOST_PAGES = 100_000
Params = Mapping[str, object]


def pages(http: HttpClient, base: str, listing: Listing, params: Params) -> Iterator[list[Document]]:
    """Yield the documents of a list, page by page.

    Raises:
        SourceError: the API cannot be asked, answers no list, or its pages do not end.

    """
    paging, path = listing.paging, listing.path
    asked = {**params, **({paging.size_parameter: paging.size} if paging.size_parameter else {})}
    at = paging.first if paging.by == "page" else 0
    if paging.by in ("page", "offset"):
        asked[paging.parameter] = at
    for _ in range(_MOST_PAGES):
        said, link = http.page(path, asked)
        rows = _rows(said, listing)
        if rows:
            yield rows
        if paging.by in ("page", "offset"):
            if len(rows) < paging.size and (paging.size_parameter or not rows):
                return
            at += 1 if paging.by == "page" else len(rows)
            asked[paging.parameter] = at
            continue
        going_on = _next(said, link, paging)
        if not going_on:
            return
        if paging.by == "cursor":
            if asked.get(paging.parameter) == going_on:
                raise SourceUnavailable(f"{listing.path} gives the same cursor again: its pages would never end")
            asked = {**asked, paging.parameter: going_on}
        else:
            path, asked = _target(going_on, base, listing.path)
    raise SourceUnavailable(
        f"{listing.path} has more than {_MOST_PAGES:,} pages", "Are the settings of its paging right?"
    )


def _rows(said: object, listing: Listing) -> list[Document]:
    try:
        rows = search(listing.items, said)
    except Unreadable as error:
        raise SourceUnavailable(f"{listing.path}: list.items {error}") from None
    if rows is None:
        return []
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise SourceUnavailable(
            f"{listing.path} answers no list of sales at {listing.items!r}", "Correct items of this source's list."
        )
    return rows


def _next(said: object, link: str, paging: Paging) -> str:
    """Return the cursor or the link that goes on; empty after the last page."""
    if paging.by not in ("cursor", "link"):
        return ""
    found = search(paging.next, said) if paging.next is not None else None
    return str(found) if found not in (None, "", False) else link if paging.by == "link" else ""


def _target(link: str, base: str, path: str) -> tuple[str, dict[str, object]]:
    """Return the path and parameters of a link to the next page: of the same server, for our key goes nowhere else."""
    to, own = urlsplit(link), urlsplit(base)
    if to.netloc and (to.scheme, to.netloc) != (own.scheme, own.netloc):
        raise SourceUnavailable(f"{path} links its next page on another server, {to.netloc}: it is not asked")
    prefix = own.path.rstrip("/")
    target = to.path.removeprefix(prefix) if to.path.startswith(prefix + "/") else to.path or path
    params: dict[str, object] = {}
    for name, value in parse_qsl(to.query, keep_blank_values=True):
        before = params.get(name)
        params[name] = value if before is None else [*(before if isinstance(before, list) else [before]), value]
    return target or path, params
