"""The books of some days: what ``syncd audit`` says, with the same figures."""

from __future__ import annotations

from datetime import timedelta

from syncd.errors import UsageError
from syncd.presentation.books import audit_of, days_asked, summary
from syncd.push.store_orders.audit import by_currency
from syncd.web.page.context import PageContext
from syncd.web.page.request import HtmlPage, PageRequest

_MOST_DAYS = 31
_LASTS = timedelta(minutes=1)


def books(context: PageContext, request: PageRequest) -> HtmlPage:
    """Both sides of up to 31 days of a store; asks BigCommerce, so nothing is asked before somebody has chosen days."""
    yesterday = (context.today() - timedelta(days=1)).isoformat()
    stores = list(context.app.config.stores)
    asked = {
        "from": request.query.get("from", ""),
        "to": request.query.get("to", ""),
        "store": request.query.get("store", ""),
    }
    values = {"asked": asked, "yesterday": yesterday, "stores": stores, "wrong": "", "report": None}
    if not asked["from"]:
        return HtmlPage("books.html", values)
    try:
        days = days_asked(asked["from"], asked["to"] or asked["from"])
        if days.last - days.first >= timedelta(days=_MOST_DAYS):
            raise UsageError(f"more than {_MOST_DAYS} days", "Ask for more with: syncd audit")
        store = asked["store"] if asked["store"] in stores else stores[0]
    except UsageError as error:
        return HtmlPage("books.html", {**values, "wrong": f"{error.what}. {error.cure}"}, 400)
    report = context.kept.get(("audit", store, days), _LASTS, lambda: audit_of(context.app, store, days))
    rows = sorted(report.rows.items(), key=lambda item: item[0])
    return HtmlPage(
        "books.html",
        {
            **values,
            "report": report,
            "rows": rows,
            "sums": by_currency(report.rows),
            "summary": list(summary(store, report)),
        },
    )
