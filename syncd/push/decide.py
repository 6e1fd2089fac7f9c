"""What follows from an outcome: the outcome table of docs/states.md as one match. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import assert_never

from syncd.bigcommerce import Accepted, Barred, NotSent, Outcome, Refused, Throttled, Unknown
from syncd.canonical.money import format_money
from syncd.ledger import Attempt, Kind, Sale
from syncd.ledger.states import Held, Pending, Rejected, Synced, Transition, Unsure
from syncd.push.policy import Policy


@dataclass(frozen=True, slots=True)
class Pause:
    """The whole store stops until a probe finds it well."""

    why: str
    cure: str


@dataclass(frozen=True, slots=True)
class Stumble:
    """One more failure in a row that may lie with the store; enough of them pause it."""

    why: str


@dataclass(frozen=True, slots=True)
class StaleCatalog:
    """What we know of this sale's products is out of date: ask the catalog again before the next try."""


StoreEffect = Pause | Stumble | StaleCatalog


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of the sale, and of its store where the outcome concerns all of its sales."""

    transition: Transition
    effect: StoreEffect | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """An attempt and the sale as it was when it was mapped; what its payload names and states, and whether more is to follow."""

    attempt: Attempt
    sale: Sale
    names_products: bool = False
    states_total: bool = True
    more: bool = False


def decide(outcome: Outcome, sent: Sent, policy: Policy, now: datetime) -> Verdict:
    """The one place that says what an outcome means for a sale."""
    match outcome:
        case Accepted():
            return Verdict(_accepted(outcome, sent, now))
        case Refused():
            return _refused(outcome, sent, now)
        case Barred(status=status, words=words):
            why = f"BigCommerce refused the token ({status}): {words}"
            cure = "Check that the token is the store's own, is not revoked and may modify orders and read products."
            return Verdict(Pending(now, why), Pause(why, cure))
        case Throttled(reset_s=reset_s):
            wait = timedelta(seconds=reset_s) if reset_s is not None else policy.back_off
            return Verdict(Pending(now + wait, "the store's quota is used up (429)"))
        case NotSent(why=why):
            return Verdict(Pending(now + back_off(sent, policy), f"not sent: {why}"), Stumble(why))
        case Unknown(why=why, misdirected=True):
            cure = "Check api_url and any proxy between: BigCommerce's API never redirects."
            return Verdict(Unsure(now + policy.settle, why), Pause(f"the API answered with a redirect: {why}", cure))
        case Unknown(why=why):
            return Verdict(Unsure(now + policy.settle, why), Stumble(why))
        case _:
            assert_never(outcome)


def _accepted(outcome: Accepted, sent: Sent, now: datetime) -> Transition:
    if sent.states_total and (difference := total_difference(outcome, sent.sale)):
        cure = (
            f"Look at order {outcome.order_id} in BigCommerce: a tax rule, a promotion or an app changed it. "
            f"Correct it there, then: syncd skip {sent.sale.sale_key}"
        )
        return Held(difference, cure, outcome.order_id)
    if sent.more:
        return Pending(now, "took effect; more is to follow")
    return Synced(outcome.order_id)


def total_difference(outcome: Accepted, sale: Sale) -> str:
    """How the order's totals differ from the sale's, in words; empty where they agree or the answer states none."""
    if outcome.currency and outcome.currency != sale.currency:
        return f"BigCommerce made it an order in {outcome.currency}; the sale is in {sale.currency}"
    pairs: tuple[tuple[str, Decimal | None, Decimal], ...] = (
        ("total", outcome.total_inc_tax, sale.total_inc_tax),
        ("tax", outcome.total_tax, sale.total_tax),
    )
    for name, there, here in pairs:
        if there is not None and there != here:
            shown, wanted = format_money(there, sale.currency), format_money(here, sale.currency)
            return f"BigCommerce made it a {name} of {shown}; the sale says {wanted}"
    return ""


def _refused(outcome: Refused, sent: Sent, now: datetime) -> Verdict:
    key = sent.sale.sale_key
    if sent.names_products and sent.sale.tries == 0:
        why = f"BigCommerce said {outcome.status}: {outcome.words}; the catalog is asked again"
        return Verdict(Pending(now, why), StaleCatalog())
    if outcome.status == 404 and sent.attempt.kind is not Kind.CREATE:
        why = f"order {sent.attempt.order_id} is no longer in BigCommerce: {outcome.words}"
        return Verdict(Rejected(why, f"If it was deleted on purpose: syncd skip {key}"))
    cure = f"Mend what it names (in the POS, in BigCommerce or in the rules of the config), then: syncd retry {key}"
    return Verdict(Rejected(f"BigCommerce said {outcome.status}: {outcome.words}", cure))


def back_off(sent: Sent, policy: Policy) -> timedelta:
    """Doubling with every try, bounded, and spread by the attempt's own number so that sales do not march in step."""
    doubled: timedelta = policy.back_off * 2 ** min(max(sent.sale.tries, 0), 20)
    spread = 0.5 + (sent.attempt.id * 2654435761 % 1000) / 2000
    return min(doubled, policy.back_off_most) * spread
