"""The log: what happened to which sale, by whom; on the page, and as a file to keep."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from syncd.ledger import LogRow
from syncd.spreadsheet import lines
from syncd.web.page.context import PageContext
from syncd.web.page.request import Download, HtmlPage, PageRequest

_SHOWN = 50
_AT_ONCE = 1_000
_DAYS = {"1": 1, "7": 7, "31": 31, "366": 366}
_HEAD = ("at", "sale", "receipt", "by", "before", "after", "why", "HTTP status", "request id", "order")


def log(context: PageContext, request: PageRequest) -> HtmlPage:
    """Show the newest lines."""
    found = context.app.ledger.overviews.log(_place(request.query.get("before", "")), _SHOWN + 1)
    older = ".".join(map(str, found[_SHOWN - 1].place)) if len(found) > _SHOWN else ""
    return HtmlPage("log.html", {"rows": found[:_SHOWN], "older": older, "spans": list(_DAYS)})


def _place(text: str) -> tuple[int, int] | None:
    parts = text.split(".")
    if len(parts) == 2 and all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
        return int(parts[0]), int(parts[1])
    return None


def download(context: PageContext, request: PageRequest) -> Download:
    """Return the lines of the last days as CSV, newest first, in UTC."""
    days = _DAYS.get(request.query.get("days", ""), 31)
    return Download(f"syncd-log-{context.now:%Y-%m-%d}.csv", lines(_HEAD, _rows(context, days)))


def _rows(context: PageContext, days: int) -> Iterator[tuple[object, ...]]:
    since, before = context.now - timedelta(days=days), None
    while some := context.app.ledger.overviews.log(before, _AT_ONCE):
        for row in some:
            if row.at < since:
                return
            yield _cells(row)
        before = some[-1].place


def _cells(row: LogRow) -> tuple[object, ...]:
    at = row.at.isoformat(timespec="seconds")
    story = (row.before, row.after, row.why, row.status, row.request_id, row.order_id)
    return (at, row.sale_key, row.number, row.actor, *story)
