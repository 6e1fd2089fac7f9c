"""One sale: its whole story, what would be sent for it, and which sale the goods of a return came from."""

from __future__ import annotations

import json

from syncd.canonical import CanonicalOrder
from syncd.canonical.originals import Fit
from syncd.ledger import Story, why_not
from syncd.presentation.explain import FACT_LABELS, facts_in_words, link
from syncd.presentation.preview import Preview, PreviewSubject, previews_of
from syncd.presentation.story import entries_of, marks_of
from syncd.sale.overrides import Verb
from syncd.sale.reasons import group_of_sale, kind_of_group
from syncd.sale.sale import Sale, read_document
from syncd.sale.states import State
from syncd.web.page.context import PageContext
from syncd.web.page.request import HtmlPage, PageRequest

_FITS = 8


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
            "entries": entries_of(found),
            "marks": marks_of(order),
            "fits": _fits(context, sale),
            "verbs": [verb.value for verb in verbs_for(sale)],
            "advised": next((verb.value for verb in _helpful(sale) if verb in verbs_for(sale)), ""),
        },
    )


_ALWAYS = (Verb.SKIP, Verb.HOLD, Verb.UNDO)


def verbs_for(sale: Sale) -> list[Verb]:
    """Return the decisions that make sense for a sale now, those that its reason advises first."""
    able: list[Verb] = [verb for verb in Verb if verb is not Verb.ASIDE and not why_not(verb, sale)]
    helpful = _helpful(sale)
    if not helpful:
        return able
    return [
        *(verb for verb in helpful if verb in able),
        *(verb for verb in able if verb in _ALWAYS and verb not in helpful),
    ]


def _helpful(sale: Sale) -> tuple[Verb, ...]:
    """Return the decisions that help with what a sale waits for; none where it waits for nobody."""
    group = group_of_sale(sale, sale.state) if sale.state in (State.HELD, State.REJECTED) else ""
    return kind_of_group(group).verbs if group else ()


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
