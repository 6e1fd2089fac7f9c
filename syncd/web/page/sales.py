"""Sales: a list that is searched, narrowed, shared by its address, and kept as a file."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from msgspec import Struct

from syncd.canonical import CanonicalOrder
from syncd.formatting import amount, count
from syncd.ledger import Selection, place_of
from syncd.presentation.search import FILTERS, Search, parse, selection_of
from syncd.presentation.summaries import customer_of, goods_of, paid_with
from syncd.sale.sale import Sale, read_document
from syncd.sale.states import State
from syncd.spreadsheet import lines
from syncd.web.page.context import PageContext
from syncd.web.page.request import Download, HtmlPage, PageRequest, PageResult, Redirect

AT_ONCE = 40
_A_FILE_AT_ONCE = 500
_MOST_COUNTED = 10_000
_HEAD = (
    "sale", "state", "receipt", "placed", "business day", "store", "source", "location", "register", "customer", "goods",
    "paid with", "total", "tax", "currency", "order", "why",
)  # fmt: skip


class SaleRow(Struct, frozen=True):
    """A sale in a list: itself, and what it says of who bought what and how it was paid; empty where that is forgotten."""

    sale: Sale
    customer: str
    goods: str
    paid: str

    @classmethod
    def of(cls, sale: Sale) -> SaleRow:
        """Return the row of a sale."""
        order: CanonicalOrder | None = read_document(sale.document)
        return cls(sale, customer_of(order), goods_of(order), paid_with(order))


def sales(context: PageContext, request: PageRequest) -> PageResult:
    """Show a page of sales, newest first; one that words name exactly is shown at once."""
    wanted = asked(request)
    if wanted.words and not wanted.filters and not wanted.wrong and len(ids := _named(context, wanted.words)) == 1:
        return Redirect(f"/sale/{ids[0]}")
    selection, overviews = selection_of(wanted), context.app.ledger.overviews
    found = overviews.page(selection, AT_ONCE + 1, place_in(request.query.get("before", "")))
    shown = found[:AT_ONCE]
    older = ""
    if len(found) > AT_ONCE:
        at, number = place_of(shown[-1])
        older = "/sales?" + urlencode({**wanted.query, "before": f"{at}.{number}"})
    return HtmlPage(
        "sales.html",
        {
            "search": wanted,
            "rows": [SaleRow.of(sale) for sale in shown],
            "number": _how_many(context, selection)
            if older or "before" in request.query
            else count(len(shown), "sale"),
            "is_cut": bool(older or wanted.filters) and overviews.is_cut(selection),
            "is_filled": context.app.ledger.maintenance.search_is_filled(),
            "older": older,
            "file": "/sales.csv" + (f"?{urlencode(wanted.query)}" if wanted.query else ""),
            "states": [state.value for state in State],
            "sources": sorted({*context.app.config.sources, *context.app.ledger.sources.names()}),
            "stores": list(context.app.config.stores),
        },
    )


def asked(request: PageRequest) -> Search:
    """Return the search that an address holds: what is typed, and the filters beside it."""
    return parse(request.query.get("q", ""), {name: request.query.get(name, "") for name in FILTERS})


def _how_many(context: PageContext, selection: Selection) -> str:
    number = context.app.ledger.overviews.how_many(selection, _MOST_COUNTED + 1)
    return f"more than {_MOST_COUNTED:,} sales" if number == _MOST_COUNTED + 1 else count(number, "sale")


def _named(context: PageContext, words: str) -> tuple[int, ...]:
    sources = sorted({*context.app.config.sources, *context.app.ledger.sources.names()})
    return context.app.ledger.overviews.named(words.strip(), sources, list(context.app.config.stores))


def place_in(text: str) -> tuple[int, int] | None:
    """Return a place in the list, as an address names it; None where it names none."""
    parts = text.split(".")
    if len(parts) == 2 and all(part.isascii() and part.isdigit() and len(part) < 18 for part in parts):
        return int(parts[0]), int(parts[1])
    return None


def download(context: PageContext, request: PageRequest) -> Download:
    """Return the sales that a search finds as CSV, newest first; times in each sale's own zone."""
    rows = _rows(context, selection_of(asked(request)))
    return Download(f"syncd-sales-{context.now:%Y-%m-%d}.csv", lines(_HEAD, rows))


def _rows(context: PageContext, selection: Selection) -> Iterator[tuple[object, ...]]:
    before: tuple[int, int] | None = None
    while some := context.app.ledger.overviews.page(selection, _A_FILE_AT_ONCE, before):
        yield from map(_cells, map(SaleRow.of, some))
        before = place_of(some[-1])


def _cells(row: SaleRow) -> tuple[object, ...]:
    sale = row.sale
    placed = sale.placed_here.isoformat(timespec="seconds")
    where = (sale.store, sale.source, sale.location, sale.register)
    amounts = (amount(sale.total_inc_tax, sale.currency), amount(sale.total_tax, sale.currency), sale.currency)
    told = (row.customer, row.goods, row.paid, *amounts, sale.order_id, sale.why)
    return (sale.sale_key, sale.state.value, sale.number, placed, sale.business_day, *where, *told)
