"""Sources: how fresh each is, and what it could not read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from syncd.errors import SourceError
from syncd.formatting import count
from syncd.ledger import FaultRow
from syncd.service.job_names import poll_job
from syncd.source_runner import SourceRunner
from syncd.sources import FolderReport
from syncd.web.page.actions import said
from syncd.web.page.context import PageContext
from syncd.web.page.flash import FlashMessage
from syncd.web.page.lists import Slice, fits, heads_of
from syncd.web.page.request import HtmlPage, PageRequest, PageResult, Redirect
from syncd.web.page.uploads import folder_for_uploads

_FAULTS = 100
_NEVER = datetime.min.replace(tzinfo=UTC)


class SourceRow(Struct, frozen=True):
    """One source at a glance; ``problem`` is why its last poll failed, ``cure`` what to do about that, where it is known."""

    name: str
    till: SourceRunner | None
    last_good: datetime | None
    last_read: datetime | None
    problem: str
    faults: int
    folder: FolderReport | None
    cure: str = ""


_ORDERS: Mapping[str, tuple[str, Callable[[SourceRow], Any]]] = {
    "need": ("Problems first", lambda row: (not row.problem, not row.faults, row.name)),
    "name": ("Source", lambda row: row.name.casefold()),
    "type": ("Type", lambda row: (row.till.config.common.type if row.till is not None else "~", row.name)),
    "poll": ("Last good poll", lambda row: (row.last_good or _NEVER, row.name)),
    "read": ("Last sale or file", lambda row: (row.last_read or _NEVER, row.name)),
    "faults": ("Unreadable", lambda row: (-row.faults, row.name)),
}


def sources(context: PageContext, ask: PageRequest) -> HtmlPage:
    """Every source, or those whose name, type or store has some words, in the order that was asked for."""
    words = ask.query.get("q", "")
    rows = [row for row in rows_of_sources(context) if fits(words, row.name, *_words(row.till))]
    order = ask.query.get("sort", "")
    order = order if order in _ORDERS else "need"
    shown = Slice.of(sorted(rows, key=_ORDERS[order][1]), ask)
    values = {"sources": shown.rows, "words": words, "shown": shown, "order": order}
    return HtmlPage("sources.html", {**values, "heads": heads_of(_ORDERS, words)})


def _words(till: SourceRunner | None) -> tuple[str, ...]:
    return (till.config.common.type, *till.config.common.all_stores) if till is not None else ()


def rows_of_sources(context: PageContext, only: str | None = None) -> list[SourceRow]:
    """Return every source, or the one of a name, at a glance."""
    ledger = context.app.ledger
    faults, reports, parts = ledger.sources.open_faults(), context.app.folder_reports(), context.operations.parts()
    names, ages = sorted({*context.app.config.sources, *faults}), ledger.sources.cursor_ages()
    rows = []
    for name in names if only is None else [name for name in names if name == only]:
        report, part = reports.get(name), parts.get(poll_job(name))
        problem = report.what if isinstance(report, SourceError) else part.last_error if part else ""
        rows.append(
            SourceRow(
                name,
                context.app.tills.get(name),
                part.last_ok.wall if part and part.last_ok else None,
                ages.get(name),
                problem,
                faults.get(name, 0),
                report if isinstance(report, FolderReport) else None,
                report.cure if isinstance(report, SourceError) else "",
            )
        )
    return rows


def source(context: PageContext, request: PageRequest) -> HtmlPage:
    """One source with the records that it could not read, as they were."""
    row = next(iter(rows_of_sources(context, str(request.named.get("name")))), None)
    if row is None:
        return HtmlPage("nothing.html", {"what": "There is no such source."}, 404)
    faults: list[FaultRow] = context.app.ledger.sources.faults(row.name, limit=_FAULTS)
    cursor = context.app.ledger.sources.cursor(row.name)
    values = {"source": row, "found": faults, "cursor": cursor, "takes_files": folder_for_uploads(row.till) is not None}
    return HtmlPage("source.html", values)


def settle(context: PageContext, request: PageRequest) -> PageResult:
    """Somebody says that faults are dealt with: the chosen ones, or all of the source."""
    name = str(request.named.get("name"))
    ids = [int(text) for text in request.form.get("id", ()) if text.isascii() and text.isdigit() and len(text) < 18]
    if not ids and request.first("scope") != "all":
        return said(context, f"/sources/{name}", FlashMessage("Nothing was chosen, and nothing was done."))
    if name not in _known(context):
        return Redirect("/sources")
    done = context.app.ledger.sources.settle_faults(name, ids, request.actor)
    return said(context, f"/sources/{name}", FlashMessage(f"{count(done, 'record')} settled."))


def _known(context: PageContext) -> set[str]:
    return {*context.app.config.sources, *context.app.ledger.sources.open_faults(), *context.app.ledger.sources.names()}
