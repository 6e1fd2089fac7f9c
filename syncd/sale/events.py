"""What may become known of a sale, as values, and how each changes the facts. Nothing here decides what follows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import assert_never

from syncd.clock import BootTime, Now
from syncd.errors import LedgerError
from syncd.sale.facts import NO_SNAPSHOT, Belief, Doubt, Objection, OrderSnapshot, Status
from syncd.sale.overrides import LASTING, Override, Verb
from syncd.sale.sale import Decider, Sale
from syncd.sale.states import MOVES, ON_THE_WIRE, AttemptKind, State


@dataclass(frozen=True, slots=True)
class Applied:
    """A request took effect: the order, the version that it was made to say, what the answer showed, and what we had stated.

    ``whole`` is False where more requests are needed before the order says all of this version; ``differs`` tells in words what
    it will not say of it.
    """

    order_id: int
    fingerprint: str
    there: OrderSnapshot | None = None
    asked: tuple[Decimal, Decimal] | None = None
    whole: bool = True
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Observed:
    """The order was looked at, and says this version already, but for what ``differs`` tells in words.

    ``stamp`` is what it says, where the ledger has no attempt that made it say so.
    """

    order_id: int
    fingerprint: str
    there: OrderSnapshot | None
    why: str
    differs: tuple[str, ...] = ()
    stamp: str = ""


@dataclass(frozen=True, slots=True)
class Discovered:
    """The store was seen to have an order for the sale; ``fingerprint`` is the version that it was made by, if that is known."""

    order_id: int
    there: OrderSnapshot
    why: str
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """BigCommerce, a rule or the mapper objects to a version."""

    objection: Objection


@dataclass(frozen=True, slots=True)
class OutcomeUnknown:
    """A request went out, and nobody knows what came of it; ``at_once``: it may have been a while ago, so look now."""

    doubt: Doubt
    why: str
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class LookedUp:
    """A look, begun at this time, settled nothing: no order was found; one that an answer had named is not the sale's.

    ``idle``: the store has made no order at all since before the request.
    """

    at: BootTime
    idle: bool = False


@dataclass(frozen=True, slots=True)
class Drifted:
    """The order was listed, and says something else than it was made to say: whether by a person, or by a ledger that was lost."""

    why: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """For certain nothing took effect; the sale is to be tried again, not before ``at``."""

    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class StockShort:
    """BigCommerce did not take some products in the sale's quantity: from now on they are no products for it, and why."""

    products: Mapping[int, str]
    why: str


@dataclass(frozen=True, slots=True)
class Overridden:
    """A person decided."""

    decision: Override


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Nothing but that time has passed."""

    why: str = ""


SaleEvent = (
    Applied
    | Observed
    | Discovered
    | Drifted
    | Rejected
    | OutcomeUnknown
    | LookedUp
    | Deferred
    | StockShort
    | Overridden
    | TimePassed
)


def apply_event(sale: Sale, news: SaleEvent) -> Sale:
    """The sale with its facts as they are once ``news`` is known."""
    match news:
        case Applied():
            return replace(sale, belief=_took(sale.belief, news), doubt=None, objection=None, unclean=0, tries=0)
        case Observed():
            return replace(sale, belief=_saw(sale.belief, news), doubt=None, objection=None)
        case Discovered(order_id=order_id, there=there, fingerprint=fingerprint):
            return replace(sale, belief=Belief(order_id, fingerprint, there), doubt=None, unclean=0)
        case Drifted():
            return replace(sale, belief=replace(sale.belief, told=None))
        case Rejected(objection=objection):
            return replace(sale, objection=objection, doubt=None)
        case OutcomeUnknown(doubt=doubt):
            return _doubted(sale, doubt)
        case LookedUp():
            return _looked(sale, news)
        case _:
            return _unanswered(sale, news)


def _unanswered(sale: Sale, news: Deferred | StockShort | Overridden | TimePassed) -> Sale:
    """What leaves BigCommerce as it was."""
    match news:
        case Deferred():
            return replace(sale, doubt=None)
        case StockShort(products=products):
            return replace(sale, short={**sale.short, **products}, doubt=None)
        case Overridden(decision=decision):
            return _decided(sale, decision)
        case TimePassed():
            return sale
        case _:
            assert_never(news)


def _took(belief: Belief, took: Applied) -> Belief:
    there = took.there or replace(belief.there, status_id=None)
    told = took.fingerprint if took.whole else None
    return Belief(took.order_id, told, there, took.asked or belief.asked, took.differs)


def _saw(belief: Belief, saw: Observed) -> Belief:
    there = saw.there or belief.there
    return Belief(saw.order_id, saw.fingerprint, there, totals_of(there), saw.differs)


def totals_of(there: OrderSnapshot) -> tuple[Decimal, Decimal] | None:
    """An order that was looked at and left as it is states what it should."""
    if there.total_inc_tax is None or there.total_tax is None:
        return None
    return there.total_inc_tax, there.total_tax


def _doubted(sale: Sale, doubt: Doubt) -> Sale:
    """A create in doubt is one more that may have come to nothing; a change in doubt leaves open what the order says.

    One that we interrupted ourselves counts for nothing: no answer claims that it arrived.
    """
    if doubt.kind is AttemptKind.CREATE:
        return replace(sale, doubt=doubt, unclean=sale.unclean + (not doubt.interrupted))
    return replace(sale, doubt=doubt, belief=replace(sale.belief, told=None, there=NO_SNAPSHOT))


def _looked(sale: Sale, look: LookedUp) -> Sale:
    """A create that came to nothing while the store made no order for anybody says nothing of this sale: it does not count."""
    if (doubt := sale.doubt) is None:
        return sale
    counted = doubt.kind is AttemptKind.CREATE and not doubt.interrupted
    unclean = sale.unclean + doubt.idle - look.idle if counted else sale.unclean
    looked = replace(doubt, looks=(*doubt.looks, look.at), named=None, idle=look.idle)
    return replace(sale, doubt=looked, unclean=max(unclean, 0))


def _decided(sale: Sale, decision: Override) -> Sale:
    """A person who holds or skips leaves the objection as it is; one who wants the sale to go on does away with it."""
    decided = replace(sale, decisions=sale.decisions.and_(decision))
    if decided.decisions.link != sale.decisions.link:
        decided = replace(decided, returns_of=decided.decisions.link)
    if decision.verb in (*LASTING, Verb.UNDO):
        return decided
    short = {} if decision.verb is Verb.RETRY else sale.short
    return replace(decided, objection=None, short=short, unclean=0, tries=0)


def describe(news: SaleEvent) -> str:
    """What the audit says of it, before what follows from it."""
    match news:
        case Applied(order_id=order_id, whole=whole, differs=differs):
            took = f"order {order_id}" if whole else f"order {order_id} took the change; more is to follow"
            return "; ".join((took, *differs))
        case (
            Observed(why=why)
            | Discovered(why=why)
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
        case Overridden(decision=decision):
            return f"linked to {decision.why}" if decision.verb is Verb.LINK else decision.why
        case _:
            assert_never(news)


_DATED = (State.PENDING, State.UNKNOWN, State.HELD)


def next_status(sale: Sale, news: SaleEvent, judge: Decider, now: Now) -> tuple[Sale, Status]:
    """A sale after ``news``, and where it then stands. Pure.

    Raises:
        LedgerError: the judge names a state that the sale may not move to.

    """
    learnt = apply_event(sale, news)
    standing = judge(learnt, now)
    if not allowed(sale.state, standing.state):
        raise LedgerError(f"a sale may not go from {sale.state} to {standing.state}")
    if isinstance(news, Deferred) and standing.state is State.PENDING:
        standing = replace(standing, at=news.at, why=news.why)
    if isinstance(news, OutcomeUnknown) and standing.state is State.UNKNOWN:
        standing = replace(standing, at=now.wall if news.at_once else standing.at, why=news.why)
    return with_status(learnt, standing, now), standing


def allowed(before: State, after: State) -> bool:
    """Whether a sale may move from ``before`` to ``after``."""
    return after in MOVES[before]


def with_status(sale: Sale, standing: Status, now: Now) -> Sale:
    """A sale that stands so: its state, and what that state leaves of its facts. Pure."""
    state = standing.state
    due = standing.at or (now.wall if state in (State.PENDING, State.UNKNOWN) else None)
    return replace(
        sale,
        state=state,
        why=standing.why if state is not State.SYNCED else "",
        cure=standing.cure,
        next_attempt_at=due if state in _DATED else None,
        doubt=sale.doubt if state in ON_THE_WIRE else None,
        objection=_objection(sale, standing),
        synced_at=now.wall if state is State.SYNCED and sale.state is not state else sale.synced_at,
    )


def _objection(sale: Sale, standing: Status) -> Objection | None:
    if not standing.objects:
        return sale.objection
    return Objection(sale.fingerprint, standing.state, standing.why, standing.cure)
