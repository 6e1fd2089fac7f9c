"""Interpret an outcome: as an event of its sale, and as an effect on the store (the table in docs/states.md). Pure.

It says what has become known, and no more: what follows is ``sale.decide.next_step``'s to say.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, assert_never

from msgspec import Struct, field
from msgspec.structs import replace

from syncd.bigcommerce.outcome import (
    Accepted,
    Answered,
    Barred,
    NotSent,
    Outcome,
    Refused,
    Shortage,
    Throttled,
    Unknown,
)
from syncd.ledger import Pausing
from syncd.mapping.stamp import not_taken, payload_lines
from syncd.sale.attempt import Attempt
from syncd.sale.checkout import Checkout
from syncd.sale.events import Applied, CheckoutMoved, Deferred, OutcomeUnknown, Rejected, SaleEvent, StockShort
from syncd.sale.facts import Doubt, Objection, OrderSnapshot
from syncd.sale.policy import PushPolicy
from syncd.sale.sale import Sale
from syncd.sale.states import AttemptKind, State


class Pause(Struct, frozen=True):
    """Pause the whole store until a probe succeeds; with ``key_limit``, until the config sends shorter keys."""

    why: str
    cure: str
    key_limit: int | None = None
    by: Pausing = "write"


class Failure(Struct, frozen=True):
    """A failure that may be the store's; enough of them in a row pause it."""

    why: str
    by: Pausing = "answer"


class PossiblyForbidden(Struct, frozen=True):
    """A 403: the token may lack a right, or a firewall may block this one sale; three in a row pause the store."""

    why: str
    cure: str
    sale_key: str


class Repeated(Struct, frozen=True):
    """A refusal of a sale; the same words for sale after sale, with no success between, pause the store."""

    words: str
    why: str
    cure: str
    sale_key: str


class Success(Struct, frozen=True):
    """The store answered: it accepted the request, or refused it for the sale's own fault."""


class CatalogStale(Struct, frozen=True):
    """The matches of this sale's products are out of date: ask the catalog again before the next try."""


class CustomerStale(Struct, frozen=True):
    """The customer that was found for this sale is gone: ask for it again before the next try."""


StoreEffect = Pause | Failure | PossiblyForbidden | Repeated | Success


class Interpretation(Struct, frozen=True):
    """An outcome's event for its sale, and its effect on the store, if any."""

    event: SaleEvent
    store_effect: StoreEffect | CatalogStale | CustomerStale | None = None


class SentRequest(Struct, frozen=True):
    """An attempt and the sale that it is for, as they were when the request left.

    ``requested_totals`` are the total and the tax that the payload states, else None. ``more``: more requests are to
    follow. ``differs``: what the order will not say of the sale, in words. ``hold_short``: a product that is short holds the sale.
    ``alone``: the sale has met a 403 before, and others were accepted since. ``repeats``: the sales before it were refused in the
    same words. ``is_draft``: it makes a draft, which a second request makes the sale's order.
    """

    attempt: Attempt
    sale: Sale
    payload: Mapping[str, Any] = field(default_factory=dict)
    requested_totals: tuple[Decimal, Decimal] | None = None
    more: bool = False
    differs: tuple[str, ...] = ()
    hold_short: bool = False
    alone: bool = False
    repeats: bool = False
    is_draft: bool = False

    @property
    def products(self) -> Counter[int]:
        """The catalog's products that the payload names, each with its quantity."""
        quantities: Counter[int] = Counter()
        for line in payload_lines(dict(self.payload)):
            if line.get("product_id"):
                quantities[line["product_id"]] += line.get("quantity", 0)
        return quantities


_FORBIDDEN = 403
_STORES_MATTER = (402, 404, 405, 407, 451)  # on a create: a frozen store, a wrong store hash, a proxy
_STORES_MATTER_CURE = "Check store_hash, api_url and any proxy between, and that the store's plan is paid for."
# What a store may take today and not tomorrow, whatever the sale: its channels, and the currencies that are switched on.
_STORES_FIELD = re.compile(r"channel_id|currency", re.IGNORECASE)
_STORES_FIELD_CURE = "Look at the store's channels and currencies in BigCommerce, and at channel_id in the config."
_SALES_OWN = re.compile(
    r"address|email|zip|postal|products?\b|quantity|price|name|staff_notes|customer|date|option", re.IGNORECASE
)
_REPEATED_CURE = (
    "Look at what the store's settings say of it. The sales that were refused before: syncd retry --state rejected"
)
# A field that the resource does not have (seen of a live store), or that is read-only: every sale's request names it.
_NO_FIELD = re.compile(r"is not supported by this resource|cannot be written to", re.IGNORECASE)
_NO_FIELD_CURE = (
    "Look for a newer syncd, or for a rule of the config that sets the field. No sale is to blame: all of them wait."
)
_BARRED = {
    401: (
        "BigCommerce refused the token",
        "Check that the token is the store's own, is not revoked and may modify orders and read products.",
    ),
    423: ("BigCommerce has locked the store", "Look at the store's control panel; syncd goes on once it is unlocked."),
}


def interpret(outcome: Outcome, sent: SentRequest, policy: PushPolicy, now: datetime) -> Interpretation:
    """Interpret an outcome. Nothing else does."""
    match outcome:
        case Answered():
            raise AssertionError("a call of a checkout is interpreted by checkout_policy")
        case Accepted():
            return Interpretation(_took(outcome, sent), Success())
        case Refused(status=status) if status in _STORES_MATTER and sent.attempt.kind is AttemptKind.CREATE:
            why = f"BigCommerce takes no orders at this address ({status}): {outcome.words}"
            return Interpretation(Deferred(now, why), Pause(why, _STORES_MATTER_CURE))
        case Refused(words=words) if _NO_FIELD.search(words):
            why = f"BigCommerce does not take a field that syncd sends ({outcome.status}): {words}"
            return Interpretation(Deferred(now, why), Pause(why, _NO_FIELD_CURE))
        case Refused():
            return _refused(outcome, sent, policy, now)
        case Barred():
            return _barred(outcome, sent, policy, now)
        case Throttled(reset_s=reset_s):
            wait = timedelta(seconds=reset_s) if reset_s is not None else policy.back_off
            return Interpretation(Deferred(now + wait, "the store's quota is used up (429)"))
        case NotSent(why=why, ours=ours, stale=stale):
            effect = None if ours else Failure(why)
            # what grew stale did so because claims take longer than intents live: give them at least that time
            wait = (
                max(retry_delay(sent, policy), policy.intent_life * 2 ** min(sent.sale.tries, 4))
                if stale
                else retry_delay(sent, policy)
            )
            return Interpretation(Deferred(now + wait, f"not sent: {why}"), effect)
        case Unknown():
            return Interpretation(_doubted(outcome, sent), unsettling(outcome))
        case _:
            assert_never(outcome)


def _barred(outcome: Barred, sent: SentRequest, policy: PushPolicy, now: datetime) -> Interpretation:
    what, cure = _BARRED.get(outcome.status, _BARRED[401])
    why = f"{what} ({outcome.status}): {outcome.words}"
    if outcome.status != _FORBIDDEN:
        return Interpretation(Deferred(now, why), Pause(why, cure))
    if not sent.alone:
        return Interpretation(
            Deferred(now + retry_delay(sent, policy), why), PossiblyForbidden(why, cure, sent.sale.sale_key)
        )
    why = f"BigCommerce, or a firewall before it, refuses this one sale ({outcome.status}): {outcome.words}"
    cure = f"Look for what in its texts a firewall may refuse, correct it in the POS, then: syncd retry {sent.sale.sale_key}"
    return Interpretation(Rejected(Objection(sent.attempt.fingerprint, State.REJECTED, why, cure)))


def _took(outcome: Accepted, sent: SentRequest) -> Applied | CheckoutMoved:
    shown = outcome.total_inc_tax is not None or outcome.status_id is not None
    there = (
        OrderSnapshot(outcome.status_id, outcome.total_inc_tax, outcome.total_tax, outcome.currency or None)
        if shown
        else None
    )
    if sent.is_draft:
        draft = Checkout(sent.attempt.fingerprint, order_id=outcome.order_id)
        return CheckoutMoved(draft, f"draft order {outcome.order_id} is made")
    whole, differs = not sent.more, (*sent.differs, *not_taken(sent.payload, outcome.answered))
    return Applied(
        outcome.order_id, sent.attempt.fingerprint, there, sent.requested_totals, whole=whole, differs=differs
    )


def _doubted(outcome: Unknown, sent: SentRequest) -> OutcomeUnknown:
    attempt = sent.attempt
    return OutcomeUnknown(
        Doubt(attempt.kind, attempt.fingerprint, attempt.began, named=outcome.order_id, more=attempt.more), outcome.why
    )


def unsettling(outcome: Unknown) -> StoreEffect:
    """Return what a request whose outcome is not known says of the store."""
    if outcome.misdirected:
        cure = "Check api_url and any proxy between: BigCommerce's API never redirects."
        return Pause(f"the API answered with a redirect: {outcome.why}", cure)
    if outcome.store_closed:
        cure = "Look at the store's control panel, or ask BigCommerce's support; syncd continues once it is open again."
        return Pause(f"BigCommerce takes no orders for this store now: {outcome.why}", cure)
    if outcome.cut_at is not None:
        why = f"BigCommerce kept only {outcome.cut_at} characters of a sale's key: a second sale could end under the same one"
        cure = f"Set longest_key = {outcome.cut_at} for this store: longer keys are then sent in a short form."
        return Pause(why, cure, key_limit=outcome.cut_at)
    return Failure(outcome.why)


def _refused(outcome: Refused, sent: SentRequest, policy: PushPolicy, now: datetime) -> Interpretation:
    key, fingerprint = sent.sale.sale_key, sent.attempt.fingerprint
    if _STORES_FIELD.search(outcome.words) and not sent.alone:
        why = f"BigCommerce said {outcome.status}: {outcome.words}"
        return Interpretation(
            Deferred(now + retry_delay(sent, policy), why), PossiblyForbidden(why, _STORES_FIELD_CURE, key)
        )
    if outcome.shortages and not (sent.sale.tries == 0 and any(one.options for one in outcome.shortages)):
        return Interpretation(_short(outcome, sent), Success())
    if sent.payload.get("customer_id") and "customer_id" in outcome.words and sent.sale.tries == 0:
        why = f"BigCommerce said {outcome.status}: {outcome.words}; the customer is looked for again"
        return Interpretation(Deferred(now, why), CustomerStale())
    if sent.products and sent.sale.tries == 0:
        why = f"BigCommerce said {outcome.status}: {outcome.words}; the catalog is asked again"
        return Interpretation(Deferred(now, why), CatalogStale())
    why = f"BigCommerce said {outcome.status}: {outcome.words}"
    cure = f"Correct what it names (in the POS, in BigCommerce or in the rules of the config), then: syncd retry {key}"
    if outcome.status == 404 and sent.attempt.kind is not AttemptKind.CREATE:
        why = f"order {sent.attempt.order_id} is no longer in BigCommerce: {outcome.words}"
        cure = f"If it was deleted on purpose: syncd skip {key}"
        return Interpretation(Rejected(Objection(fingerprint, State.REJECTED, why, cure)), Success())
    if _SALES_OWN.search(outcome.words) or outcome.status == 404:
        return Interpretation(Rejected(Objection(fingerprint, State.REJECTED, why, cure)), Success())
    effect = Repeated(outcome.words, why, _REPEATED_CURE, key)
    if sent.repeats:
        return Interpretation(Deferred(now + retry_delay(sent, policy), why), effect)
    return Interpretation(Rejected(Objection(fingerprint, State.REJECTED, why, cure)), effect)


def _short(outcome: Refused, sent: SentRequest) -> SaleEvent:
    """Send a product that BigCommerce has too few of as a custom line, or hold the sale, by rule: the till has sold it."""
    blamed = [replace(one, product_id=_product_of(one, sent)) for one in outcome.shortages]
    said = {one.product_id: _too_few(one, sent) for one in blamed}
    why = "; ".join(f"{one.name or _called(one)}: {said[one.product_id]}" for one in blamed)
    new = said.keys() & sent.products.keys() - sent.sale.out_of_stock.keys()
    if sent.attempt.kind is AttemptKind.CREATE and new and not sent.hold_short:
        return StockShort({number: said[number] for number in new}, f"{why}; sent again as a custom line")
    key = sent.sale.sale_key
    if any(one.options for one in blamed):
        cure = f"Give its options a default in BigCommerce, or have the till say them, then: syncd release {key}"
        return Rejected(Objection(sent.attempt.fingerprint, State.HELD, f"BigCommerce wants to know more: {why}", cure))
    cure = f"Correct its stock or its limits in BigCommerce, then: syncd release {key}"
    return Rejected(Objection(sent.attempt.fingerprint, State.HELD, f"BigCommerce takes no such quantity: {why}", cure))


def _product_of(one: Shortage, sent: SentRequest) -> int:
    """Return the product that a shortage is of: by the variant that was sent; else the only one that was sent."""
    if one.product_id:
        return one.product_id
    lines = payload_lines(dict(sent.payload))
    by_variant = {line.get("variant_id"): int(line["product_id"]) for line in lines if line.get("product_id")}
    return by_variant.get(one.variant_id) or (next(iter(sent.products)) if len(sent.products) == 1 else 0)


def _called(one: Shortage) -> str:
    return f"product {one.product_id}" if one.product_id else f"variant {one.variant_id}"


_TOO_FEW = {
    "OutOfStock": "{wanted} wanted, {limit} there",
    "ExceedsMaxQuantity": "{wanted} wanted, at most {limit} allowed",
    "InsufficientQuantity": "{wanted} wanted, at least {limit} needed",
}


def _too_few(one: Shortage, sent: SentRequest) -> str:
    if one.options:
        return f"it requires {', '.join(one.options)}, which the sale does not say"
    limit = "nobody says how many" if one.limit is None else one.limit
    return _TOO_FEW[one.kind].format(wanted=sent.products.get(one.product_id, "more"), limit=limit)


def retry_delay(sent: SentRequest, policy: PushPolicy) -> timedelta:
    """Return the delay before the next try: doubled with every try, bounded, and spread by the attempt's number."""
    doubled: timedelta = policy.back_off * 2 ** min(max(sent.sale.tries, 0), 20)
    spread = 0.5 + (sent.attempt.id * 2654435761 % 1000) / 2000
    return min(doubled, policy.back_off_most) * spread


LOG_EVENTS: dict[type[object], str] = {
    Accepted: "order_accepted",
    Answered: "checkout_answered",
    Refused: "order_refused",
    Barred: "token_refused",
    Throttled: "request_throttled",
    NotSent: "request_not_sent",
    Unknown: "outcome_unknown",
}
"""What the log calls each outcome."""
