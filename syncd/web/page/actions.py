"""What people decide about sales on the page: one, some, or all that stand still for one reason; each audited with who did it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

from msgspec.structs import replace

from syncd.errors import UsageError
from syncd.formatting import count
from syncd.ledger import DecisionResult, Selection, place_of, why_not
from syncd.sale.overrides import Override, Verb
from syncd.sale.states import State
from syncd.service.job_names import push_job
from syncd.service.needs import of_alerts
from syncd.service.overview import SystemOverview
from syncd.service.reasons import ReasonGroup, grouped
from syncd.web.page.context import PageContext
from syncd.web.page.flash import LASTS, FlashMessage, message_after
from syncd.web.page.request import HtmlPage, PageRequest, PageResult, Redirect
from syncd.web.page.sale import story_of, verbs_for
from syncd.web.page.sales import SaleRow

_AT_ONCE = 500
_SHOWN = 40
_LONGEST_S = 20.0
_STANDING = (State.REJECTED, State.HELD, State.UNKNOWN)


def groups(context: PageContext) -> list[ReasonGroup]:
    """Everything that waits for somebody, by reason."""
    return grouped(reason for state in _STANDING for reason in context.app.ledger.overviews.reasons(state))


def _chosen(group: ReasonGroup, request: PageRequest) -> tuple[ReasonGroup, Selection]:
    """Return the sales of a reason that an address means: those of one store, or all of them."""
    store = request.query.get("store", "")
    of_store = tuple(one for one in group.reasons if one.store == store)
    if of_store:
        return replace(group, reasons=of_store), Selection(store=store, state=group.state, reason=group.group)
    return group, Selection(state=group.state, reason=group.group)


def attention(context: PageContext, _ask: PageRequest) -> HtmlPage:
    """Show what needs a person: groups of sales, alerts, records that could not be read."""
    standing = SystemOverview.of(context.app)
    alerts = [need for name, store in standing.stores.items() for need in of_alerts(name, store)]
    return HtmlPage("attention.html", {"groups": groups(context), "alerts": alerts, "faults": standing.faults})


def group(context: PageContext, request: PageRequest) -> PageResult:
    """One reason with its sales, and what can be done about all or some of them."""
    one = next((one for one in groups(context) if one.name == request.named.get("name")), None)
    if one is None:
        return HtmlPage("nothing.html", {"what": "No sale waits for this reason any more.", "good": True})
    chosen, selection = _chosen(one, request)
    shown = context.app.ledger.overviews.page(selection, _SHOWN)
    values = {
        "group": chosen,
        "stores": one.reasons if len(one.reasons) > 1 else (),
        "here": _address(one, request),
        "rows": [SaleRow.of(sale) for sale in shown],
        "verbs": _verbs(one),
    }
    return HtmlPage("group.html", values)


def _address(group: ReasonGroup, request: PageRequest) -> str:
    store = request.query.get("store", "")
    return f"/attention/{group.name}" + (f"?{urlencode({'store': store})}" if store else "")


_ABLE = {
    State.REJECTED: (Verb.RETRY, Verb.ACCEPT, Verb.SKIP),
    State.HELD: (Verb.RELEASE, Verb.ACCEPT, Verb.RETRY, Verb.SKIP),
}


def _verbs(reason: ReasonGroup) -> list[str]:
    """Return the decisions that help all sales of a reason, the advised one first; and to leave them out for good."""
    able = _ABLE.get(reason.state, ())
    helpful = [verb for verb in reason.kind.verbs if verb in able]
    return [verb.value for verb in (*helpful, *(verb for verb in able if verb is Verb.SKIP and verb not in helpful))]


def act_on_group(context: PageContext, request: PageRequest) -> PageResult:
    """Retry, accept, release or skip the chosen sales of a group, or all of them once that is confirmed."""
    one = next((one for one in groups(context) if one.name == request.named.get("name")), None)
    verb = _verb(request)
    if one is None or verb is None:
        return Redirect("/attention")
    if verb.value not in _verbs(one):
        raise UsageError(f"{verb.value} does not help with these sales", one.help)
    where, (chosen, selection) = _address(one, request), _chosen(one, request)
    if request.first("scope") != "all":
        ids = tuple(
            int(text) for text in request.form.get("id", ()) if text.isascii() and text.isdigit() and len(text) < 18
        )
        if not ids:
            return said(context, where, FlashMessage("Nothing was chosen, and nothing was done."))
        return _done(context, request, verb, where, replace(selection, ids=ids))
    if request.first("sure") != "yes":
        values = {"group": chosen, "here": where, "verb": verb.value, "reason": request.first("reason")}
        return HtmlPage("sure.html", {**values, "number": chosen.number})
    return _done(context, request, verb, where, selection)


def act_on_sale(context: PageContext, request: PageRequest) -> PageResult:
    """Decide about one sale."""
    found, verb = story_of(context, request), _verb(request)
    if found is None or verb is None:
        return HtmlPage("nothing.html", {"what": "There is no such sale in the ledger."}, 404)
    if verb not in (able := verbs_for(found.sale)):
        why = why_not(verb, found.sale) or found.sale.cure or f"Choose among: {', '.join(able) or 'nothing'}."
        raise UsageError(f"{verb.value} does not help with {found.sale.sale_key}", why)
    return _done(context, request, verb, f"/sale/{found.sale.id}", Selection(keys=(found.sale.sale_key,)))


def link(context: PageContext, request: PageRequest) -> PageResult:
    """Link a return to the sale that its goods came from, as a person has picked it."""
    found = story_of(context, request)
    if found is None:
        return HtmlPage("nothing.html", {"what": "There is no such sale in the ledger."}, 404)
    done = context.app.ledger.sales.link(found.sale.sale_key, request.first("original").strip(), request.actor)
    if done.moved and found.sale.store in context.app.config.stores:
        context.operations.run_now(push_job(found.sale.store))
    if done.refused:
        what = f"{found.sale.sale_key} was not linked: {done.refused[0][1]}."
        return HtmlPage("nothing.html", {"what": what}, 400)
    return said(context, f"/sale/{found.sale.id}", message_after(Verb.LINK, done, request.actor, context.now))


def take_back(context: PageContext, request: PageRequest) -> PageResult:
    """Take back what was decided a moment ago, or let it be sent at once."""
    name, sales = str(request.named.get("name")), context.app.ledger.sales
    outcome = context.flashes.take(name)
    where = _own_page(request.first("to"))
    if outcome is None or outcome.undo is None:
        return said(context, where, FlashMessage("The minute is over: it was not taken back."))
    decided = outcome.undo
    if request.first("do") == "send":
        sales.send_now(decided.keys)
        _push_soon(context)
        return said(context, where, FlashMessage(f"{count(len(decided.keys), 'sale')} sent now."))
    made = Override(decided.verb, decided.by, decided.since, "")
    moved, refused = list[str](), list[tuple[str, str]]()
    for some in _chunks(decided.keys):
        done = sales.undo(some, made, request.actor)
        moved += done.moved
        refused += done.refused
    return said(
        context,
        where,
        message_after(Verb.UNDO, DecisionResult(tuple(moved), tuple(refused)), request.actor, context.now),
    )


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _AT_ONCE):
        yield keys[start : start + _AT_ONCE]


def _own_page(to: str) -> str:
    return to if re.fullmatch(r"/[a-z]+(/[0-9a-f]+)?", to) else "/attention"


def said(context: PageContext, where: str, outcome: FlashMessage) -> Redirect:
    """Lead to a page of ours that tells what was done."""
    joined = "&" if "?" in where else "?"
    return Redirect(f"{where}{joined}did={context.flashes.keep(outcome)}")


def _done(context: PageContext, request: PageRequest, verb: Verb, where: str, selection: Selection) -> Redirect:
    since = context.now
    return said(context, where, message_after(verb, decide(context, request, verb, selection), request.actor, since))


def _verb(request: PageRequest) -> Verb | None:
    return next((verb for verb in Verb if verb.value == request.first("verb")), None)


def decide(context: PageContext, request: PageRequest, verb: Verb, selection: Selection) -> DecisionResult:
    """Keep a decision for all of a selection, some hundreds a transaction so that nothing else waits; what it came to.

    A release is sent a minute later, so that it can be taken back.
    """
    ledger, moved, refused = context.app.ledger, list[str](), list[tuple[str, str]]()
    until = context.app.clock.elapsed().seconds + _LONGEST_S
    not_before = context.now + LASTS if verb is Verb.RELEASE else None
    before: tuple[int, int] | None = None
    while some := ledger.overviews.page(selection, _AT_ONCE, before):
        keys, why = Selection(keys=tuple(sale.sale_key for sale in some)), request.first("reason")
        done = ledger.sales.decide(verb, keys, request.actor, why, not_before=not_before)
        moved += done.moved
        refused += done.refused
        before = place_of(some[-1])
        if len(some) < _AT_ONCE or context.app.clock.elapsed().seconds > until:
            break
    if moved:
        _push_soon(context)
    return DecisionResult(tuple(moved), tuple(refused))


def _push_soon(context: PageContext) -> None:
    for store in context.app.config.stores:
        context.operations.run_now(push_job(store))
