"""A sale's facts and the step that follows from them, in words: said, believed, doubt, objection, decided, next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from syncd.app import App
from syncd.canonical.money import format_money
from syncd.clock import Now
from syncd.formatting import count, when
from syncd.mapping.formats import status_words
from syncd.sale.decide import next_step
from syncd.sale.overrides import Verb
from syncd.sale.policy import StorePolicy
from syncd.sale.sale import Sale
from syncd.sale.states import AttemptKind, State
from syncd.sale.steps import Change, CheckoutCall, Compared, Create, Hold, LookUp, NoAction, Reject, Step, Wait

_SHORT = 8


FACT_LABELS = {
    "said": "In the POS",
    "believed": "In BigCommerce",
    "checkout": "Checkout",
    "doubt": "Unclear",
    "objection": "Problem",
    "decided": "Your decision",
    "next": "Next step",
}
"""What people read before each of the facts; programs read the names."""


def facts_in_words(app: App, sale: Sale) -> dict[str, str]:
    """Return what is said, believed, doubted, objected and decided, and what follows; what there is nothing of is left out."""
    told = {
        "said": _said(sale),
        "believed": _believed(sale),
        "checkout": _checkout(sale),
        "doubt": _doubt(sale),
        "objection": _objection(sale),
        "decided": _decided(sale),
        "next": "; ".join(_next(sale, _step(app, sale))),
    }
    return {name: words for name, words in told.items() if words}


def _step(app: App, sale: Sale) -> Step:
    store = app.config.stores.get(sale.store)
    return next_step(sale, store.policy if store is not None else StorePolicy(), Now.of(app.clock))


def _said(sale: Sale) -> str:
    words = f"{format_money(sale.total_inc_tax, sale.currency)}, version {sale.fingerprint[:_SHORT]}"
    if sale.version:
        words += f" ({sale.version} in the POS)"
    return words + (f", changed there {when(sale.updated_at)}" if sale.updated_at else "")


def _believed(sale: Sale) -> str:
    belief, there = sale.belief, sale.belief.snapshot
    if belief.order_id is None:
        return "no order in BigCommerce"
    facts = [f"order {belief.order_id}"]
    if sale.external_key:
        facts.append(f"under the key {sale.external_key}")
    if there.total_inc_tax is not None:
        facts.append(f"with a total of {format_money(there.total_inc_tax, there.currency or sale.currency)}")
    if there.status_id is not None:
        facts.append(status_words(there.status_id))
    if belief.confirmed_version == sale.fingerprint:
        facts.append("up to date")
    elif belief.confirmed_version is not None:
        facts.append(f"has version {belief.confirmed_version[:_SHORT]}")
    else:
        facts.append("its version is not certain")
    if belief.differs:
        facts.append(f"but for this: {'; '.join(belief.differs)}")
    return ", ".join(facts)


def _checkout(sale: Sale) -> str:
    """Say how far its checkout has come, and what of it is in the store; nothing where it has none, or nothing is left."""
    checkout = sale.checkout
    if checkout is None:
        return ""
    if checkout.live:
        made = "made by the checkout" if checkout.cart_id else "made in two steps"
        return made + ("; its cart is still to be deleted" if checkout.has_cart else "")
    if checkout.ended is not None:
        return "given up" + ("; what is left of it is taken away first" if checkout.is_open else "")
    parts = [f"draft order {checkout.order_id} is made, and is still to become the order"] if checkout.has_draft else []
    parts += [f"cart {checkout.cart_id} has its {', '.join(checkout.done)}"] if checkout.has_cart else []
    parts += [f"drafts to be archived: {', '.join(map(str, checkout.more_drafts))}"] if checkout.more_drafts else []
    return "; ".join(parts)


def _doubt(sale: Sale) -> str:
    if sale.doubt is None:
        return ""
    what = "a create" if sale.doubt.kind is AttemptKind.CREATE else f"a request ({sale.doubt.kind})"
    words = f"whether {what} took effect is not known"
    if sale.doubt.kind is AttemptKind.CREATE:
        words += f"; {count(len(sale.doubt.looks), 'look')} found no order so far"
    return words + (f"; order {sale.doubt.named} was named without our key" if sale.doubt.named else "")


def _objection(sale: Sale) -> str:
    objection = sale.objection
    if objection is None:
        return ""
    which = "this version" if objection.fingerprint == sale.fingerprint else f"version {objection.fingerprint[:_SHORT]}"
    return f"against {which}: {objection.why}"


def _decided(sale: Sale) -> str:
    decision = sale.override
    if decision is None:
        return ""
    if decision.verb is Verb.LINK:
        return f"linked to {decision.why} by {decision.by}, {when(decision.at)}"
    lasting = decision.verb.value in ("skip", "hold")
    whole = (
        "every version"
        if lasting
        else "this version"
        if decision.fingerprint == sale.fingerprint
        else "an earlier version"
    )
    return f"{decision.verb} by {decision.by}, {when(decision.at)}, for {whole}: {decision.why}"


def _stands_still(step: Hold | Reject) -> str:
    if isinstance(step, Hold) and step.until is not None:
        return f"decided again {when(step.until)}; before that waiting for your decision: {step.cure}"
    return f"waiting for your decision: {step.cure}"


def _rests(sale: Sale, step: NoAction) -> str:
    if step.state is not State.SYNCED:
        return "nothing: it is skipped"
    if sale.belief.differs:
        return f"nothing automatic; the order stays different: {'; '.join(sale.belief.differs)}"
    return "nothing to do: the order matches the sale"


def _next(sale: Sale, step: Step) -> Iterator[str]:
    if sale.state is State.SENDING:
        yield "a request is being sent"
        return
    match step:
        case Create():
            yield "its checkout goes on" if sale.checkout is not None and sale.checkout.is_open else "an order is made"
        case CheckoutCall() | Compared():
            yield step.why or "the next call of its checkout is made"
        case Change(kind=kind, order_id=number):
            where = f"order {number}" if number else "the order of the sale that it returns"
            yield f"{where} will be checked and updated ({kind})"
        case LookUp(at=at, why=why):
            yield f"looked for again {when(sale.next_attempt_at or at)}: {why}"
        case Wait(until=until, why=why):
            yield f"not before {when(until)}: {why}"
        case Hold() | Reject():
            yield _stands_still(step)
        case NoAction():
            yield _rests(sale, step)
        case _:
            assert_never(step)
    if sale.state is State.PENDING and sale.next_attempt_at is not None and isinstance(step, Create | Change):
        yield f"due {when(sale.next_attempt_at)}" + (f" ({sale.why})" if sale.why else "")


def link(app: App, sale: Sale) -> str | None:
    """Where a person sees the order in BigCommerce's control panel."""
    store = app.config.stores.get(sale.store)
    if sale.order_id is None or store is None:
        return None
    return f"https://store-{store.connection.store_hash}.mybigcommerce.com/manage/orders/{sale.order_id}"
