"""Backfills: ask for one, see what it would do, how far it is; pause, resume, cancel; take its report away."""

from __future__ import annotations

from msgspec import Struct

from syncd.errors import UsageError
from syncd.intake.backfill import REPORT, cancel, report
from syncd.ledger import Backfill, Progress
from syncd.presentation.backfills import date_range, days_of, progress_words
from syncd.sale.states import BackfillStage
from syncd.service.job_names import backfill_job
from syncd.spreadsheet import lines
from syncd.web.page.context import PageContext
from syncd.web.page.request import Download, HtmlPage, PageRequest, PageResult, Redirect

_TURNS = {
    BackfillStage.ESTIMATING: ("cancel",),
    BackfillStage.ESTIMATED: ("start", "cancel"),
    BackfillStage.OPEN: ("pause", "cancel"),
    BackfillStage.RECORDED: ("pause", "cancel"),
    BackfillStage.PAUSED: ("resume", "cancel"),
    BackfillStage.CANCELLED: (),
}


class BackfillRow(Struct, frozen=True):
    """One backfill as the page shows it."""

    backfill: Backfill
    far: Progress
    words: str
    turns: tuple[str, ...]
    days: str

    @property
    def share(self) -> int:
        """How many hundredths of its sales need no push any more."""
        return 100 * (self.far.sales - self.far.waiting) // self.far.sales if self.far.sales else 0


def backfills(context: PageContext, request: PageRequest) -> HtmlPage:
    """Show the newest backfills, and a form for another."""
    return _list(context, request)


def _list(context: PageContext, request: PageRequest, wrong: str = "") -> HtmlPage:
    found = [row(context, one) for one in context.app.ledger.backfills.newest()]
    asked = {name: request.first(name) for name in ("source", "from", "to", "history")}
    values = {"rows": found, "sources": list(context.app.tills), "asked": asked, "wrong": wrong}
    return HtmlPage("backfills.html", values, 400 if wrong else 200)


def row(context: PageContext, one: Backfill) -> BackfillRow:
    """Show a backfill with how far it is."""
    far = context.app.ledger.backfills.progress(one.number)
    done = one.stage is BackfillStage.RECORDED and not far.waiting
    return BackfillRow(
        one, far, progress_words(one, far), () if done else _TURNS[one.stage], days_of(one, context.zone_of(one.source))
    )


def ask_for(context: PageContext, request: PageRequest) -> PageResult:
    """Ask for a backfill: counted first, or done at once."""
    till = context.app.tills.get(request.first("source"))
    if till is None:
        return _list(context, request, "Choose a source.")
    try:
        start, end = date_range((request.first("from"), request.first("to")), till.zone)
    except UsageError as error:
        return _list(context, request, f"{error.what}. {error.cure}")
    history, first = request.first("history") == "yes", request.first("how") != "start"
    one = context.app.ledger.backfills.ask(till.name, start, end, by=request.actor, history=history, estimate=first)
    context.operations.run_now(backfill_job(till.name))
    return Redirect(f"/backfills/{one.number}")


def one(context: PageContext, request: PageRequest) -> HtmlPage:
    """One backfill."""
    found = _found(context, request)
    if found is None:
        return HtmlPage("nothing.html", {"what": "There is no such backfill."}, 404)
    return HtmlPage("backfill.html", {"row": row(context, found)})


def _found(context: PageContext, request: PageRequest) -> Backfill | None:
    number = request.number("number")
    try:
        return context.app.ledger.backfills.get(number) if number is not None else None
    except UsageError:
        return None


def turn(context: PageContext, request: PageRequest) -> PageResult:
    """Start, pause, resume or cancel one."""
    found, what = _found(context, request), request.first("turn")
    if found is None:
        return HtmlPage("nothing.html", {"what": "There is no such backfill."}, 404)
    where = f"/backfills/{found.number}"
    if what not in _TURNS[found.stage]:
        return Redirect(where)  # somebody else was quicker
    if what == "cancel":
        cancel(context.app.ledger, found.number, request.actor)
    else:
        getattr(context.app.ledger.backfills, what)(found.number)
    context.operations.run_now(backfill_job(found.source))
    return Redirect(where)


def download(context: PageContext, request: PageRequest) -> PageResult:
    """Every sale of a backfill's range with its order."""
    found = _found(context, request)
    till = context.app.tills.get(found.source) if found is not None else None
    if found is None or till is None:
        return HtmlPage(
            "nothing.html", {"what": "There is no such backfill, or its source is not in the config any more."}, 404
        )
    rows = report(context.app.ledger, found, till.zone, till.config.common.all_stores)
    return Download(f"backfill-{found.number}.csv", lines(REPORT, rows))
