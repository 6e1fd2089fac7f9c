"""Ask a store what it makes of a sale before anything exists: a cart that is filled, read, and deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from syncd.bigcommerce.checkouts import CheckoutAddress, CheckoutsClient
from syncd.bigcommerce.client import Sending, written
from syncd.bigcommerce.outcome import Answered, Outcome
from syncd.mapping.checkout import CheckoutPlan
from syncd.sale.checkout import CallKind, Checkout, advance
from syncd.sale.checkout_steps import calls_of

_HOW = Sending(live=False)


class DryCart(Struct, frozen=True):
    """What the store made of a plan; ``refused`` says which call it did not take, and its words. ``left`` is a cart not deleted."""

    checkout: Checkout
    refused: str = ""
    left: str = ""


def dry_cart(checkouts: CheckoutsClient, plan: CheckoutPlan) -> DryCart:
    """Make a guest cart of a plan, read its totals, and delete it. No order is made, and nobody is mailed.

    Raises:
        RemoteError: the store could not be asked.

    """
    checkout, refused = Checkout("dry"), ""
    try:
        checkout, refused = _filled(checkouts, checkout, plan)
    finally:
        left = _deleted(checkouts, checkout)
    return DryCart(checkout, refused, left)


def _filled(checkouts: CheckoutsClient, checkout: Checkout, plan: CheckoutPlan) -> tuple[Checkout, str]:
    while True:
        shown = None
        if plan.offered is not None and "delivery" in checkout.done and "shipping" not in checkout.done:
            shown = checkouts.get(checkout.cart_id or "", options=True)
        found = _next(checkout, plan, shown)
        if found is None:
            return checkout, ""
        call, body = found
        outcome = _sent(checkouts, checkout, call, body)
        if not isinstance(outcome, Answered):
            why = getattr(outcome, "words", "") or getattr(outcome, "why", "") or type(outcome).__name__
            return checkout, f"{call}: {why}"
        checkout = advance(checkout, call, body if isinstance(body, dict) else None, outcome.data)


def _next(checkout: Checkout, plan: CheckoutPlan, shown: Mapping[str, Any] | None) -> tuple[CallKind, Any] | None:
    """Return the next call but for the message, which an order alone needs."""
    for call, body in calls_of(checkout, plan, shown):
        done = f"coupon:{body['coupon_code']}" if call == "coupon" else call
        if call != "message" and done not in checkout.done:
            return call, body
    return None


def _sent(checkouts: CheckoutsClient, checkout: Checkout, call: CallKind, body: Any) -> Outcome:  # noqa: ANN401  a JSON body
    match call:
        case "finish" | "archive":
            raise AssertionError(f"{call} is no call of a cart")
        case _:
            where = CheckoutAddress(checkout.cart_id or "", checkout.consignment_id or "")
            return checkouts.send(call, where, written(body), _HOW).outcome


def _deleted(checkouts: CheckoutsClient, checkout: Checkout) -> str:
    """Delete the cart, in two tries; return its id where it is still there."""
    if checkout.cart_id is None:
        return ""
    for _ in range(2):
        outcome = checkouts.send("delete", CheckoutAddress(checkout.cart_id), None, _HOW).outcome
        if isinstance(outcome, Answered):
            return ""
    return checkout.cart_id
