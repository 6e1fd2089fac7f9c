"""Sales: a list that is searched and filtered, and one sale's whole story."""

from __future__ import annotations

import json
import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from urllib.parse import urlencode

from syncd.canonical import CanonicalOrder
from syncd.canonical.originals import Fit
from syncd.ledger import Selection, Story, place_of, why_not
from syncd.presentation.explain import FACT_LABELS, facts_in_words, link
from syncd.presentation.preview import Preview, PreviewSubject, previews_of
from syncd.sale.overrides import Verb
from syncd.sale.sale import Sale, read_document
from syncd.sale.states import State
from syncd.web.page.context import PageContext
from syncd.web.page.request import HtmlPage, PageRequest, PageResult, Redirect

AT_ONCE = 50
_FITS = 8
_FILTERS = ("state", "source", "store", "day", "location", "register", "sku", "total")
_WITHOUT_INDEX = ("location", "register", "sku", "total", "why")
_LOOKS_BACK = timedelta(days=31)
_WORD = re.compile(r'(?:(\w+):)?("[^"]*"|\S+)')
_DAY = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_SAYS = {
    "state": ", ".join(state.value for state in State),
    "day": "a day, month or year, such as 2026-11-23, 2026-11 or 2026",
    "total": "an amount such as 12.30",
}


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody looks for: filters by name, and words that name a sale; ``wrong`` is what could not be understood."""

    filters: Mapping[str, str]
    words: str = ""
    wrong: str = ""

    @property
    def text(self) -> str:
        """As it stands in the search box."""
        quoted = [f'{name}:"{value}"' if " " in value else f"{name}:{value}" for name, value in self.filters.items()]
        return " ".join([*quoted, self.words]).strip()


def parse(text: str) -> Search:
    """``state:rejected day:2026-10 R-1001`` as filters and words. Pure."""
    filters: dict[str, str] = {}
    words: list[str] = []
    for name, value in _WORD.findall(text):
        plain = value.strip('"')
        if name.lower() in (*_FILTERS, "date") and plain:
            filters["day" if name.lower() == "date" else name.lower()] = plain
        else:
            words.append(f"{name}:{plain}" if name else plain)
    return _checked(Search(filters, " ".join(words)))


def _checked(search: Search) -> Search:
    state, day, total = (search.filters.get(name) for name in ("state", "day", "total"))
    wrong = {}
    if state is not None and state not in {known.value for known in State}:
        wrong["state"] = state
    if day is not None and span_of(day) is None:
        wrong["day"] = day
    if total is not None and _amount(total) is None:
        wrong["total"] = total
    if not wrong:
        return search
    words = "; ".join(f"{name}:{value} is not {_SAYS[name]}" for name, value in wrong.items())
    kept = {name: value for name, value in search.filters.items() if name not in wrong}
    return replace(search, filters=kept, wrong=words)


def span_of(text: str) -> tuple[date, date] | None:
    """Return the first and the last day of a day, a month or a year; None where it is none."""
    match = _DAY.fullmatch(text)
    if match is None:
        return None
    year, month, day = (int(part) if part else None for part in match.groups())
    try:
        first = date(year or 0, month or 1, day or 1)
        last = date(first.year, month or 12, day or monthrange(first.year, month or 12)[1])
    except ValueError:
        return None
    return (first, last) if 1970 <= first.year < 9999 else None


def _amount(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return (
        value if value.is_finite() and abs(value) < Decimal(10) ** 12 and len(value.as_tuple().digits) <= 16 else None
    )


def search(context: PageContext, request: PageRequest) -> PageResult:
    """Show what the search box says; one sale that it names is shown at once. What may be a name goes into no URL."""
    wanted = parse(request.first("q"))
    if wanted.words and not wanted.filters and len(ids := _named(context, wanted.words)) == 1:
        return Redirect(f"/sale/{ids[0]}")
    query = dict(wanted.filters)
    if wanted.words or wanted.wrong:
        query = {"q": context.searches.keep(request.first("q"))}
    return Redirect("/sales" + (f"?{urlencode(query)}" if query else ""))


def sales(context: PageContext, request: PageRequest) -> PageResult:
    """Show a page of sales, newest first."""
    wanted, lost = _wanted(context, request)
    selection, narrowed = _selection(context, wanted)
    found = context.app.ledger.overviews.page(selection, AT_ONCE + 1, _before(request.query.get("before", "")))
    shown = found[:AT_ONCE]
    older = ""
    if len(found) > AT_ONCE:
        at, number = place_of(shown[-1])
        own = {"q": request.query["q"]} if "q" in request.query else dict(wanted.filters)
        older = "/sales?" + urlencode({**own, "before": f"{at}.{number}"})
    return HtmlPage(
        "sales.html",
        {
            "search": wanted,
            "lost": lost,
            "narrowed": narrowed,
            "sales": shown,
            "older": older,
            "states": [state.value for state in State],
            "sources": sorted({*context.app.config.sources, *context.app.ledger.sources.names()}),
            "stores": list(context.app.config.stores),
        },
    )


def _wanted(context: PageContext, request: PageRequest) -> tuple[Search, bool]:
    if "q" in request.query:
        words = context.searches.words(request.query["q"])
        return (Search({}), True) if words is None else (parse(words), False)
    return _checked(Search({name: value for name in _FILTERS if (value := request.query.get(name))})), False


def _selection(context: PageContext, wanted: Search) -> tuple[Selection, tuple[date, date] | None]:
    """Return the selection.

    Where only a walk over the sales themselves finds some, it is of the days that are returned beside it.
    """
    filters, narrowed = wanted.filters, None
    span = span_of(filters["day"]) if "day" in filters else None
    source = filters.get("source")
    if span is None and any(name in filters for name in _WITHOUT_INDEX):
        newest = context.app.ledger.overviews.newest_placed() or context.now
        last = newest.astimezone(context.zone_of(source)).date() + timedelta(days=1)
        span = narrowed = (last - _LOOKS_BACK, last)
    return (
        Selection(
            ids=_named(context, wanted.words) if wanted.words else None,
            store=filters.get("store"),
            source=source,
            state=State(filters["state"]) if "state" in filters else None,
            location=filters.get("location"),
            register=filters.get("register"),
            sku=filters.get("sku"),
            total=_amount(filters["total"]) if "total" in filters else None,
            days=span,
        ),
        narrowed,
    )


def _named(context: PageContext, words: str) -> tuple[int, ...]:
    sources = sorted({*context.app.config.sources, *context.app.ledger.sources.names()})
    return context.app.ledger.overviews.named(words.strip(), sources, list(context.app.config.stores))


def _before(text: str) -> tuple[int, int] | None:
    parts = text.split(".")
    if len(parts) == 2 and all(part.isascii() and part.isdigit() and len(part) < 18 for part in parts):
        return int(parts[0]), int(parts[1])
    return None


def story_of(context: PageContext, request: PageRequest) -> Story | None:
    """Return the story of the sale that a path names."""
    number = request.number("number")
    key = context.app.ledger.overviews.key_of(number) if number is not None else None
    return context.app.ledger.sales.story(key) if key is not None else None


def story(context: PageContext, request: PageRequest) -> HtmlPage:
    """One sale: where it stands and why, what the POS says, every attempt, every change, what can be done."""
    found = story_of(context, request)
    if found is None:
        return HtmlPage("nothing.html", {"what": "There is no such sale in the ledger."}, 404)
    sale = found.sale
    order = read_document(sale.document)
    return HtmlPage(
        "sale.html",
        {
            "sale": sale,
            "order": order,
            "document": _pretty(sale.document),
            "facts": {FACT_LABELS[name]: words for name, words in facts_in_words(context.app, sale).items()},
            "link": link(context.app, sale),
            "attempts": found.attempts,
            "audit": found.audit,
            "fits": _fits(context, sale),
            "verbs": [verb.value for verb in Verb if not why_not(verb, sale)],
        },
    )


def _fits(context: PageContext, sale: Sale) -> list[tuple[Fit, Sale]] | None:
    """Return the sales that the goods of a return may have come from, where that is not known; None of all other sales."""
    if sale.total_inc_tax >= 0 or sale.returns_of is not None or sale.order_id is not None:
        return None
    fits = context.app.ledger.sales.originals_for(sale)[:_FITS]
    found = context.app.ledger.sales.by_key([one.sale_key for one in fits])
    return [(one, found[one.sale_key]) for one in fits if one.sale_key in found]


def _pretty(document: str | None) -> str:
    if not document:
        return ""
    try:
        return json.dumps(json.loads(document), indent=2, ensure_ascii=False)
    except ValueError:
        return document  # damaged: shown as it is


def payload(context: PageContext, request: PageRequest) -> HtmlPage:
    """Show what would be sent for a sale now, and every decision behind it; asks the store for what it must know."""
    found = story_of(context, request)
    if found is None:
        return HtmlPage("nothing.html", {"what": "There is no such sale in the ledger."}, 404)
    sale, notes = found.sale, list[str]()
    preview = _preview(context, sale, read_document(sale.document), notes)
    body = json.dumps(preview.payload, indent=2, ensure_ascii=False) if preview and preview.payload else ""
    return HtmlPage("payload.html", {"sale": sale, "preview": preview, "payload": body, "notes": notes})


def _preview(context: PageContext, sale: Sale, order: CanonicalOrder | None, notes: list[str]) -> Preview | None:
    if order is None or sale.store not in context.app.stores:
        return None
    wanted = PreviewSubject([order], {order.sale_id: sale.source_hold})
    return next(previews_of(context.app, sale.store, wanted, notes.append), None)
