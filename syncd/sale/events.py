"""What may become known of a sale, as events, and how each changes its facts; the next status follows from those. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import assert_never

from msgspec import Struct, field
from msgspec.structs import replace

from syncd.clock import BootTime, Now
from syncd.errors import LedgerError
from syncd.sale.checkout import Checkout, next_to
from syncd.sale.facts import NO_SNAPSHOT, Belief, Doubt, Objection, OrderSnapshot, Status
from syncd.sale.overrides import LASTING, Override, Verb
from syncd.sale.sale import Decider, Sale
from syncd.sale.states import MAKES_ORDER, MOVES, ON_THE_WIRE, REPEATABLE, AttemptKind, State


class Applied(Struct, frozen=True):
    """A request took effect: the order and the version that it shows now, what the answer showed, and what the request stated.

    ``whole`` is False where more requests are needed before the order says all of this version; ``differs`` tells in words what
    it will not say of it.
    """

    order_id: int
    fingerprint: str
    snapshot: OrderSnapshot | None = None
    requested_totals: tuple[Decimal, Decimal] | None = None
    whole: bool = True
    differs: tuple[str, ...] = ()


class Observed(Struct, frozen=True):
    """The order was read and shows this version already, but for what ``differs`` says in words.

    ``stamp`` is what it says, where the ledger has no attempt that made it say so.
    """

    order_id: int
    fingerprint: str
    snapshot: OrderSnapshot | None
    why: str
    differs: tuple[str, ...] = ()
    stamp: str = ""


class Discovered(Struct, frozen=True):
    """The store has an order for the sale; ``fingerprint`` is the version that it was made by, if that is known."""

    order_id: int
    snapshot: OrderSnapshot
    why: str
    fingerprint: str | None = None


class DraftFound(Struct, frozen=True):
    """The store has a draft for the sale, to be finished: made by a conversion whose answer was lost, or by a ledger that was.

    ``others`` are more drafts of the same cart. ``fingerprint`` is the version that it was made for; None where that is not known.
    """

    order_id: int
    cart_id: str | None
    snapshot: OrderSnapshot
    why: str
    fingerprint: str | None = None
    others: tuple[int, ...] = ()


class CheckoutMoved(Struct, frozen=True):
    """The sale's checkout has come further, or is given up; with ``at``, nothing took effect for certain: try again then.

    ``short`` are products that go as custom lines from now on, each with the reason.
    """

    checkout: Checkout
    why: str = ""
    at: datetime | None = None
    short: Mapping[int, str] = field(default_factory=dict)


class Rejected(Struct, frozen=True):
    """BigCommerce, a rule or the mapper rejects a version."""

    objection: Objection


class OutcomeUnknown(Struct, frozen=True):
    """A request was sent and its outcome is not known; ``at_once``: it may be old, so look the order up now."""

    doubt: Doubt
    why: str
    at_once: bool = False


class LookedUp(Struct, frozen=True):
    """A look-up that began at this time found no order; an order that an answer had named is not the sale's.

    ``idle``: the store has made no order at all since before the request.
    """

    at: BootTime
    idle: bool = False


class Drifted(Struct, frozen=True):
    """The order was listed and was changed since the last request: by a person, or by a ledger that was lost."""

    why: str


class Deferred(Struct, frozen=True):
    """Nothing took effect; try the sale again, not before ``at``."""

    at: datetime
    why: str


class StockShort(Struct, frozen=True):
    """BigCommerce refused the quantity of some products: send them as custom lines from now on; with the reason for each."""

    products: Mapping[int, str]
    why: str


class Overridden(Struct, frozen=True):
    """A person decided about the sale."""

    override: Override


class TimePassed(Struct, frozen=True):
    """Time has passed; no new facts. Decide again."""

    why: str = ""


SaleEvent = (
    Applied
    | Observed
    | Discovered
    | DraftFound
    | CheckoutMoved
    | Drifted
    | Rejected
    | OutcomeUnknown
    | LookedUp
    | Deferred
    | StockShort
    | Overridden
    | TimePassed
)


def apply_event(sale: Sale, event: SaleEvent) -> Sale:
    """Return the sale with the facts that it has after ``event``."""
    match event:
        case Applied():
            facts = replace(
                sale, belief=_applied(sale.belief, event), doubt=None, objection=None, unconfirmed_creates=0, tries=0
            )
            return _with_live_draft(facts)
        case Observed():
            return replace(sale, belief=_observed(sale.belief, event), doubt=None, objection=None)
        case Discovered(order_id=order_id, snapshot=snapshot, fingerprint=fingerprint):
            facts = replace(sale, belief=Belief(order_id, fingerprint, snapshot), doubt=None, unconfirmed_creates=0)
            return _with_live_draft(facts)
        case DraftFound():
            return _draft_found(sale, event)
        case CheckoutMoved():
            return _checkout_moved(sale, event)
        case OutcomeUnknown(doubt=doubt):
            return _unknown(sale, doubt)
        case LookedUp():
            return _looked_up(sale, event)
        case _:
            return _unanswered(sale, event)


def _with_live_draft(sale: Sale) -> Sale:
    """Return the sale with its draft as its order, if that is what its order is."""
    if sale.checkout is None or sale.checkout.order_id is None or sale.checkout.order_id != sale.order_id:
        return sale
    return replace(sale, checkout=replace(sale.checkout, live=True))


def _draft_found(sale: Sale, found: DraftFound) -> Sale:
    """Take a draft over. One whose total is another than the sale's was made for another version: it is given up."""
    known = sale.checkout if sale.checkout is not None and sale.checkout.cart_id == found.cart_id else None
    same = found.snapshot.total_inc_tax in (None, sale.total_inc_tax)
    fingerprint = found.fingerprint or (known.fingerprint if known else sale.fingerprint if same else "")
    before = known or replace(next_to(sale.checkout, fingerprint), cart_id=found.cart_id)
    others = (*before.more_drafts, *(one for one in found.others if one not in before.archived))
    checkout = replace(
        before, order_id=found.order_id, more_drafts=others, doubted=before.doubted or sale.doubt is not None
    )
    return replace(sale, checkout=checkout, doubt=None, unconfirmed_creates=0)


def _checkout_moved(sale: Sale, moved: CheckoutMoved) -> Sale:
    """Keep how far it has come; once nothing of one that was given up is left in the store, the sale itself stops or goes on."""
    checkout, tries = moved.checkout, sale.tries if moved.at is not None else 0
    facts = replace(sale, checkout=checkout, doubt=None, tries=tries, out_of_stock={**sale.out_of_stock, **moved.short})
    ended = checkout.ended
    if ended is None or ended.state is None or checkout.is_open:
        return facts
    return replace(facts, objection=Objection(checkout.fingerprint, ended.state, ended.why, ended.cure))


def _unanswered(sale: Sale, event: Drifted | Rejected | Deferred | StockShort | Overridden | TimePassed) -> Sale:
    """Apply the events that leave the order as it was."""
    match event:
        case Drifted():
            return replace(sale, belief=replace(sale.belief, confirmed_version=None))
        case Rejected(objection=objection):
            return replace(sale, objection=objection, doubt=None)
        case Deferred():
            return replace(sale, doubt=None)
        case StockShort(products=products):
            return replace(sale, out_of_stock={**sale.out_of_stock, **products}, doubt=None)
        case Overridden(override=override):
            return _overridden(sale, override)
        case TimePassed():
            return sale
        case _:
            assert_never(event)


def _applied(belief: Belief, took: Applied) -> Belief:
    there = took.snapshot or replace(belief.snapshot, status_id=None)
    told = took.fingerprint if took.whole else None
    return Belief(took.order_id, told, there, took.requested_totals or belief.requested_totals, took.differs)


def _observed(belief: Belief, saw: Observed) -> Belief:
    there = saw.snapshot or belief.snapshot
    return Belief(saw.order_id, saw.fingerprint, there, totals_of(there), saw.differs)


def totals_of(there: OrderSnapshot) -> tuple[Decimal, Decimal] | None:
    """Return total and tax of an order as the store showed them; None where it showed only one."""
    if there.total_inc_tax is None or there.total_tax is None:
        return None
    return there.total_inc_tax, there.total_tax


def _unknown(sale: Sale, doubt: Doubt) -> Sale:
    """Keep the doubt. A create counts as unconfirmed; after a change, what the order shows is not known.

    A create that syncd itself interrupted does not count: no answer claims that it arrived.
    """
    if doubt.kind in REPEATABLE:
        checkout = replace(sale.checkout, unsure=True) if sale.checkout is not None else None
        return replace(sale, doubt=None, checkout=checkout)
    if doubt.kind in MAKES_ORDER:
        in_doubt = replace(sale, doubt=doubt, unconfirmed_creates=sale.unconfirmed_creates + (not doubt.interrupted))
        if (
            doubt.kind is AttemptKind.CONVERT and sale.checkout is not None
        ):  # its cart may be gone: look before the next
            in_doubt = replace(in_doubt, checkout=replace(sale.checkout, unsure=True, doubted=True))
        return in_doubt
    return replace(sale, doubt=doubt, belief=replace(sale.belief, confirmed_version=None, snapshot=NO_SNAPSHOT))


def _looked_up(sale: Sale, look: LookedUp) -> Sale:
    """Count the look. A create that failed while the store made no order at all says nothing of this sale: do not count it."""
    if (doubt := sale.doubt) is None:
        return sale
    counted = doubt.kind in MAKES_ORDER and not doubt.interrupted
    unclean = sale.unconfirmed_creates + doubt.idle - look.idle if counted else sale.unconfirmed_creates
    looked = replace(doubt, looks=(*doubt.looks, look.at), named=None, idle=look.idle)
    return replace(sale, doubt=looked, unconfirmed_creates=max(unclean, 0))


def _overridden(sale: Sale, override: Override) -> Sale:
    """Keep the override. Hold and skip leave the objection; what lets the sale go on clears it."""
    decided = replace(sale, overrides=sale.overrides.adding(override))
    if decided.overrides.link != sale.overrides.link:
        decided = replace(decided, returns_of=decided.overrides.link)
    if override.verb in (*LASTING, Verb.UNDO):
        return decided
    short = {} if override.verb is Verb.RETRY else sale.out_of_stock
    return replace(decided, objection=None, out_of_stock=short, unconfirmed_creates=0, tries=0)


def describe(event: SaleEvent) -> str:
    """Describe an event for the audit log."""
    match event:
        case Applied(order_id=order_id, whole=whole, differs=differs):
            took = f"order {order_id}" if whole else f"order {order_id} took the change; more is to follow"
            return "; ".join((took, *differs))
        case (
            Observed(why=why)
            | Discovered(why=why)
            | DraftFound(why=why)
            | CheckoutMoved(why=why)
            | Drifted(why=why)
            | OutcomeUnknown(why=why)
            | Deferred(why=why)
            | StockShort(why=why)
        ):
            return why
        case Rejected(objection=objection):
            return objection.why
        case TimePassed(why=why):
            return why
        case LookedUp():
            return ""
        case Overridden(override=override):
            return f"linked to {override.why}" if override.verb is Verb.LINK else override.why
        case _:
            assert_never(event)


_DATED = (State.PENDING, State.UNKNOWN, State.HELD)


def next_status(sale: Sale, event: SaleEvent, decider: Decider, now: Now) -> tuple[Sale, Status]:
    """Return the sale after ``event``, and its next status.

    Raises:
        LedgerError: the decider names a state that the sale may not move to.

    """
    learnt = apply_event(sale, event)
    status = decider(learnt, now)
    if not allowed(sale.state, status.state):
        raise LedgerError(f"a sale may not go from {sale.state} to {status.state}")
    if isinstance(event, Deferred | CheckoutMoved) and event.at is not None and status.state is State.PENDING:
        status = replace(status, at=event.at, why=event.why)
    if isinstance(event, OutcomeUnknown) and status.state is State.UNKNOWN:
        status = replace(status, at=now.wall if event.at_once else status.at, why=event.why)
    return with_status(learnt, status, now), status


def allowed(before: State, after: State) -> bool:
    """Whether a sale may move from ``before`` to ``after``."""
    return after in MOVES[before]


def with_status(sale: Sale, status: Status, now: Now) -> Sale:
    """Return the sale in its new status, without the facts that end with it."""
    state = status.state
    due = status.at or (now.wall if state in (State.PENDING, State.UNKNOWN) else None)
    return replace(
        sale,
        state=state,
        why=status.why if state is not State.SYNCED else "",
        cure=status.cure,
        next_attempt_at=due if state in _DATED else None,
        doubt=sale.doubt if state in ON_THE_WIRE else None,
        objection=_objection(sale, status),
        synced_at=now.wall if state is State.SYNCED and sale.state is not state else sale.synced_at,
        changed_at=now.wall,
    )


def _objection(sale: Sale, status: Status) -> Objection | None:
    if not status.objects:
        return sale.objection
    return Objection(sale.fingerprint, status.state, status.why, status.cure)
