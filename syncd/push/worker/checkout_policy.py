"""Interpret the outcome of a checkout's call: as an event of its sale, and as an effect on the store. Pure.

No call but the conversion is ever in doubt: the others are repeated, or the checkout is read and shows whether they took effect.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from syncd.bigcommerce.outcome import Accepted, Answered, Outcome, Refused, Unknown
from syncd.push.worker.outcome_policy import (
    CatalogStale,
    Failure,
    Interpretation,
    Pause,
    Repeated,
    SentRequest,
    Success,
    interpret,
    retry_delay,
    unsettling,
)
from syncd.sale.checkout import Checkout, Ended, advance, settled
from syncd.sale.events import CheckoutMoved, Deferred, OutcomeUnknown, SaleEvent
from syncd.sale.facts import Doubt
from syncd.sale.policy import PushPolicy
from syncd.sale.states import AttemptKind, State
from syncd.sale.steps import CheckoutCall

_MOST_FAILURES = 8
_GONE, _CONFLICTS = 404, 409
_STORES_MATTER = (402, 404, 405, 407, 451)  # a frozen store, a wrong store hash, a proxy
_NO_DELIVERY = re.compile(r"shipping address .*incomplete", re.IGNORECASE)
_CONFLICT = re.compile(r"conflict|version", re.IGNORECASE)
_QUANTITY = re.compile(r"stock|quantity|minimum|maximum|inventory", re.IGNORECASE)
_CURE = "Correct what it names (in the POS, in BigCommerce or in the rules of the config), then: syncd retry {key}"
_STOCK_CURE = (
    "Correct its stock or its limits in BigCommerce, then: syncd retry {key}; "
    "to send it by the Orders API: syncd release {key}"
)
_NO_CARTS = "Check store_hash, api_url and any proxy between, and that the token may write carts and checkouts."


def interpret_call(
    outcome: Outcome, sent: SentRequest, call: CheckoutCall, policy: PushPolicy, now: datetime
) -> Interpretation:
    """Interpret the outcome of one call."""
    match outcome:
        case Answered(data=data):
            return Interpretation(CheckoutMoved(advance(call.checkout, call.name, call.payload, data)), Success())
        case Accepted(order_id=number):
            return Interpretation(_accepted(outcome, sent, call, number, policy, now), Success())
        case Unknown():
            return Interpretation(_unknown(outcome, sent, call, policy, now), unsettling(outcome))
        case Refused():
            return _refused(outcome, sent, call, policy, now)
        case _:  # nothing took effect, and no sale is to blame: as for any request
            return interpret(outcome, sent, policy, now)


def _accepted(  # noqa: PLR0913, PLR0917  the outcome, what was sent, and by which rules
    outcome: Accepted, sent: SentRequest, call: CheckoutCall, number: int, policy: PushPolicy, now: datetime
) -> SaleEvent:
    match call.name:
        case "convert":
            return CheckoutMoved(replace(call.checkout, order_id=number), f"draft order {number} is made")
        case "archive":
            return CheckoutMoved(settled(call.checkout, number), f"draft order {number} is archived")
        case _:
            return interpret(outcome, sent, policy, now).event


def _unknown(outcome: Unknown, sent: SentRequest, call: CheckoutCall, policy: PushPolicy, now: datetime) -> SaleEvent:
    attempt = sent.attempt
    if attempt.kind in (AttemptKind.CONVERT, AttemptKind.FINISH):
        return OutcomeUnknown(Doubt(attempt.kind, attempt.fingerprint, attempt.began), outcome.why)
    if attempt.kind is not AttemptKind.TIDY and sent.sale.tries >= _MOST_FAILURES:
        why = f"BigCommerce fails on this call again and again ({call.name}): {outcome.why}"
        ended = Ended(why, State.HELD, _STOCK_CURE.format(key=sent.sale.sale_key))
        return CheckoutMoved(replace(call.checkout, ended=ended), why)
    return CheckoutMoved(replace(call.checkout, unsure=True), outcome.why, now + retry_delay(sent, policy))


def _refused(
    outcome: Refused, sent: SentRequest, call: CheckoutCall, policy: PushPolicy, now: datetime
) -> Interpretation:
    why = f"BigCommerce said {outcome.status}: {outcome.words}"
    again = now + retry_delay(sent, policy)
    match call.name:
        case "archive":
            return _not_archived(outcome, call, why, again)
        case "finish":
            return _not_finished(outcome, sent, call, why, again)
        case "cart":
            return _no_cart(outcome, sent, call, why, again)
        case _:
            return _not_dressed(outcome, sent, call, why, again)


def _not_archived(outcome: Refused, call: CheckoutCall, why: str, again: datetime) -> Interpretation:
    if outcome.status == _GONE and call.order_id is not None:
        return Interpretation(CheckoutMoved(settled(call.checkout, call.order_id), why), Success())
    return Interpretation(CheckoutMoved(call.checkout, why, again), Failure(why))


def _no_cart(outcome: Refused, sent: SentRequest, call: CheckoutCall, why: str, again: datetime) -> Interpretation:
    if outcome.status in _STORES_MATTER:
        why = f"BigCommerce takes no carts at this address ({outcome.status}): {outcome.words}"
        return Interpretation(Deferred(again, why), Pause(why, _NO_CARTS))
    if _QUANTITY.search(outcome.words):
        return Interpretation(_short(sent, call, why), Success())
    if sent.sale.tries == 0 and _products(call.payload):
        return Interpretation(Deferred(again, f"{why}; the catalog is asked again"), CatalogStale())
    return _given_up(outcome, sent, call, why, again)


def _not_dressed(outcome: Refused, sent: SentRequest, call: CheckoutCall, why: str, again: datetime) -> Interpretation:
    """Interpret a refusal of a call on a cart that was there: it is gone or changed, lacks a delivery, or the call is wrong."""
    checkout = call.checkout
    if outcome.status == _GONE and call.name != "coupon":
        return Interpretation(CheckoutMoved(replace(checkout, unsure=True), f"its cart may be gone; {why}", again))
    if outcome.status == _CONFLICTS and _CONFLICT.search(outcome.words):
        return Interpretation(CheckoutMoved(replace(checkout, unsure=True), why, again))
    if call.name == "convert" and _NO_DELIVERY.search(outcome.words) and not checkout.all_items:
        anew = replace(checkout, fingerprint="", all_items=True)
        return Interpretation(CheckoutMoved(anew, f"{why}; its custom items are delivered as well"), Success())
    return _given_up(outcome, sent, call, why, again)


def _given_up(outcome: Refused, sent: SentRequest, call: CheckoutCall, why: str, again: datetime) -> Interpretation:
    """Reject the sale, unless sale after sale is refused in the same words: then the store is to blame, and all wait."""
    cure = _CURE.format(key=sent.sale.sale_key)
    effect = Repeated(outcome.words, why, cure, sent.sale.sale_key)
    if sent.repeats:
        return Interpretation(CheckoutMoved(call.checkout, why, again), effect)
    ended = Ended(why, State.REJECTED, cure)
    return Interpretation(CheckoutMoved(replace(call.checkout, ended=ended), why), effect)


def _not_finished(outcome: Refused, sent: SentRequest, call: CheckoutCall, why: str, again: datetime) -> Interpretation:
    """Interpret a refusal of the PUT that makes a draft an order: a field less, the Orders API instead, or a person."""
    checkout, key = call.checkout, sent.sale.sale_key
    if outcome.status == _GONE:
        gone = replace(checkout, fingerprint="", order_id=None)
        return Interpretation(CheckoutMoved(gone, f"draft order {call.order_id} is no longer there; {why}", again))
    refused = next((name for name in ("date_created",) if name in outcome.words and name in (call.payload or {})), None)
    if refused is not None:
        less = replace(checkout, without=(*checkout.without, refused))
        return Interpretation(CheckoutMoved(less, f"{why}; it is sent without {refused}"), Success())
    if outcome.shortages or (outcome.status == _CONFLICTS and _QUANTITY.search(outcome.words)):
        short = {one.product_id: _left(one.limit) for one in outcome.shortages if one.product_id}
        ended = Ended(why) if short and not sent.hold_short else Ended(why, State.HELD, _STOCK_CURE.format(key=key))
        products = {} if sent.hold_short else short
        return Interpretation(CheckoutMoved(replace(checkout, ended=ended), why, short=products), Success())
    return _given_up(outcome, sent, call, why, again)


def _left(limit: int | None) -> str:
    return "BigCommerce takes no such quantity" if limit is None else f"only {limit} there"


def _short(sent: SentRequest, call: CheckoutCall, why: str) -> SaleEvent:
    """Send the only product of a cart as a custom line, where it is short; of several nobody knows which: a person looks."""
    products = _products(call.payload)
    if len(products) == 1 and not sent.hold_short:
        again: Checkout = replace(call.checkout, plan="")
        return CheckoutMoved(again, f"{why}; sent again as a custom line", short={products[0]: why})
    ended = Ended(why, State.HELD, _STOCK_CURE.format(key=sent.sale.sale_key))
    return CheckoutMoved(replace(call.checkout, ended=ended), why)


def _products(payload: Mapping[str, Any] | None) -> list[int]:
    lines: Any = (payload or {}).get("line_items") or ()
    return sorted({int(line["product_id"]) for line in lines})
