"""Sources and stores: how fresh each is, what it could not read, how its quota and its circuit stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from syncd.bigcommerce.governor import GovernorReport
from syncd.clock import Now
from syncd.errors import SourceError
from syncd.ledger import FaultRow
from syncd.service.health import HealthPart, read_health
from syncd.service.jobs import poll_job, push_job
from syncd.service.overview import SystemOverview
from syncd.source_runner import SourceRunner
from syncd.sources import FolderReport
from syncd.web.page.context import PageContext
from syncd.web.page.overview import Chart, quota_chart
from syncd.web.page.request import HtmlPage, PageRequest, PageResult, Redirect

_FAULTS = 100


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One source at a glance; ``ails`` is why its last poll failed."""

    name: str
    till: SourceRunner | None
    last_good: datetime | None
    last_read: datetime | None
    ails: str
    faults: int
    folder: FolderReport | None


def sources(context: PageContext, _ask: PageRequest) -> HtmlPage:
    """Every source."""
    return HtmlPage("sources.html", {"sources": _rows(context)})


def _rows(context: PageContext) -> list[SourceRow]:
    faults, reports, parts = context.app.ledger.sources.open_faults(), context.app.folder_reports(), _parts(context)
    names = sorted({*context.app.config.sources, *faults})
    rows = []
    for name in names:
        report, part = reports.get(name), parts.get(poll_job(name))
        ails = report.what if isinstance(report, SourceError) else part.last_error if part else ""
        rows.append(
            SourceRow(
                name,
                context.app.tills.get(name),
                part.last_ok.wall if part and part.last_ok else None,
                context.app.ledger.sources.cursor_age(name),
                ails,
                faults.get(name, 0),
                report if isinstance(report, FolderReport) else None,
            )
        )
    return rows


def _parts(context: PageContext) -> dict[str, HealthPart]:
    return {name: part for health in reversed(read_health(context.app.ledger)) for name, part in health.parts.items()}


def source(context: PageContext, request: PageRequest) -> HtmlPage:
    """One source with the records that it could not read, as they were."""
    row = next((row for row in _rows(context) if row.name == request.named.get("name")), None)
    if row is None:
        return HtmlPage("nothing.html", {"what": "There is no such source."}, 404)
    faults: list[FaultRow] = context.app.ledger.sources.faults(row.name, limit=_FAULTS)
    cursor = context.app.ledger.sources.cursor(row.name)
    return HtmlPage("source.html", {"source": row, "found": faults, "cursor": cursor})


def settle(context: PageContext, request: PageRequest) -> PageResult:
    """Somebody says that faults are dealt with: the chosen ones, or all of the source."""
    name = str(request.named.get("name"))
    ids = [int(text) for text in request.form.get("id", ()) if text.isascii() and text.isdigit() and len(text) < 18]
    if not ids and request.first("scope") != "all":
        return Redirect(f"/sources/{name}?did=none")
    done = context.app.ledger.sources.settle_faults(name, ids, request.actor) if name in _known(context) else 0
    return Redirect(f"/sources/{name}?did={done}" if name in _known(context) else "/sources")


def _known(context: PageContext) -> set[str]:
    return {*context.app.config.sources, *context.app.ledger.sources.open_faults(), *context.app.ledger.sources.names()}


@dataclass(frozen=True, slots=True)
class StoreRow:
    """One store: its quota as it stands and as it was, and what its jobs do."""

    name: str
    store_hash: str
    quota: GovernorReport
    used: Chart
    part: HealthPart | None


def stores(context: PageContext, _ask: PageRequest) -> HtmlPage:
    """Every store."""
    standing, parts = SystemOverview.of(context.app), _parts(context)
    rows = [
        StoreRow(
            name,
            context.app.config.stores[name].connection.store_hash,
            store.governor.report(),
            quota_chart(context, name),
            parts.get(push_job(name)),
        )
        for name, store in context.app.stores.items()
    ]
    return HtmlPage("stores.html", {"stores": rows, "standing": standing, "now": Now.of(context.app.clock)})
